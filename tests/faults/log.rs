//! A log that is away, is something else, or is full.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixDatagram, UnixListener};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::scene::{Request, Scene};

/// What stands where the socket of the log should be.
const INSTEAD: [&str; 7] = ["nothing", "link", "file", "directory", "fifo", "stream", "full"];

/// Puts it there; the daemon of those that have one.
fn put(scene: &Scene, what: &str) -> Option<OwnedFd> {
    let path = scene.sandbox.path("dev/log");
    match what {
        "nothing" => {}
        "link" => symlink("/run/systemd/journal/dev-log", path).unwrap(),
        "file" => fs::write(path, "").unwrap(),
        "directory" => fs::create_dir(path).unwrap(),
        "fifo" => mkfifo(&path, Mode::from_bits_truncate(0o666)).unwrap(),
        "stream" => return Some(UnixListener::bind(path).unwrap().into()),
        _ => {
            // It reads nothing any more, since its disk is full.
            let daemon = UnixDatagram::bind(&path).unwrap();
            let filler = UnixDatagram::unbound().unwrap();
            filler.set_nonblocking(true).unwrap();
            while filler.send_to(b"x", &path).is_ok() {}
            return Some(daemon.into());
        }
    }
    None
}

#[test]
fn without_a_log_requests_are_done_as_with_one() {
    let with = Scene::new();
    for what in INSTEAD {
        let scene = Scene::new().without_log();
        let _held = put(&scene, what);
        for request in Request::ALL {
            let (seen, expected) = (scene.ask("", request.line()), with.ask("", request.line()));
            assert_eq!(
                (seen.status, &seen.stdout, &seen.done),
                (0, &expected.stdout, &expected.done),
                "{what} {seen:?}"
            );
            assert_eq!(seen.stderr, "", "{what}");
        }
    }
}

#[test]
fn where_a_record_is_required_nothing_begins_without_one_and_that_is_told() {
    for what in INSTEAD {
        let scene = Scene::with("[log]\nrequired = true\n").without_log();
        let _held = put(&scene, what);
        // Where there is one it is waited for.
        let requests = if what == "full" { &Request::ALL[..1] } else { &Request::ALL[..] };
        for request in requests {
            let seen = scene.ask("", request.line());
            let told = "zfs-shell: not available, and the log takes no record\n";
            assert_eq!((seen.status, &*seen.stderr, &*seen.begun), (125, told, ""), "{what} {request:?} {seen:?}");
            assert!(seen.stdout.is_empty() && seen.left.is_empty(), "{what} {request:?} {seen:?}");
        }
    }
}

#[test]
fn a_refusal_has_its_reason_without_a_log_too() {
    let scene = Scene::new().without_log();
    let seen = scene.ask("", "zfs destroy -r tank/data");
    assert_eq!((seen.status, &*seen.begun), (126, ""), "{seen:?}");
    assert!(seen.stderr.starts_with("zfs-shell: refused: ") && seen.stderr.lines().count() == 1, "{seen:?}");
}

/// The daemon goes while a stream flows: the record at its end is lost, and nothing else.
#[test]
fn a_log_that_goes_in_the_middle_takes_nothing_with_it() {
    let scene = Scene::with("[log]\nrequired = true\n");
    let zfs = scene.sandbox.read("stub/zfs").replace("receive*)", "receive*) rm /dev/log;");
    scene.sandbox.program("zfs", &zfs);
    let seen = scene.ask("", Request::Push.line());
    assert_eq!((seen.status, &*seen.done, &*seen.stderr), (0, "received\n", ""), "{seen:?}");
    assert_eq!(seen.records.len(), 1, "{seen:?}");
}
