//! Many requests at once.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::scene::{SENT, Scene, of_filters, wait};

const SESSIONS: usize = 200;

#[test]
fn of_two_hundred_requests_at_once_each_is_done_whole_and_has_its_records() {
    let scene = Scene::with("[log]\nrequired = true\n");
    let log = scene.log.as_ref().unwrap().try_clone().unwrap();
    log.set_nonblocking(false).unwrap();
    log.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let records: Vec<String> = std::thread::scope(|scope| {
        // As a daemon does it. The queue of the socket holds ten records or so, and the gate waits for room in it.
        let daemon = scope.spawn(|| {
            let mut buffer = [0; 8192];
            let mut take = || {
                let length = log.recv(&mut buffer).unwrap();
                String::from_utf8_lossy(&buffer[..length]).into_owned()
            };
            (0..2 * SESSIONS).map(|_| take()).collect()
        });
        let request = "zfs list -H -o name tank/data && zfs send tank/data@syncoid_data | mbuffer -q";
        let start = |_| {
            let mut command = scene.command("", request);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
            command.spawn().unwrap()
        };
        let children: Vec<Child> = (0..SESSIONS).map(start).collect();
        let readers: Vec<_> = children
            .into_iter()
            .map(|mut child| {
                scope.spawn(move || {
                    let (mut stdout, mut stderr) = (Vec::new(), String::new());
                    child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
                    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
                    (wait(&mut child, Duration::from_secs(60)).code(), stdout.len(), of_filters(&stderr))
                })
            })
            .collect();
        let told = (vec!["begun".to_owned(), "buffered".to_owned()], String::new());
        for reader in readers {
            assert_eq!(reader.join().unwrap(), (Some(0), SENT, told.clone()));
        }
        daemon.join().unwrap()
    });
    let id = |record: &String| record.split_once("id=").unwrap().1.split_once(' ').unwrap().0.to_owned();
    assert_eq!(records.iter().map(id).collect::<BTreeSet<_>>().len(), SESSIONS);
    assert_eq!(records.iter().filter(|record| record.contains("ended=itself status=0")).count(), SESSIONS);
    assert!(scene.processes().is_empty());
}
