//! A policy that changes, or is something else, while it is read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::scene::{Request, Scene, reached};

const NOTHING: &str = "[programs]\nzfs = \"/stub/zfs\"\nmbuffer = \"/stub/mbuffer\"\n";

/// The gate, held up for a moment at its `number`th read of the policy.
fn held(scene: &Scene, number: usize) -> Child {
    let strace = "strace -qq -o /tmp/trace -P /etc/zfs-shell/nas.toml -e trace=read";
    let delay = format!("-e inject=read:delay_enter=1500000:when={number}");
    let prepare = format!("shift 2; set -- chroot \"$root\" {strace} {delay} \"$@\"");
    let child = scene.command(&prepare, Request::Simple.line()).spawn().unwrap();
    let reads = || scene.sandbox.read("tmp/trace").matches("read(").count() >= number;
    assert!(reached(Duration::from_secs(20), reads), "{}", scene.sandbox.read("tmp/trace"));
    child
}

fn path(scene: &Scene) -> std::path::PathBuf {
    scene.sandbox.path("etc/zfs-shell/nas.toml")
}

#[test]
fn a_policy_that_is_written_over_while_it_is_read_decides_nothing() {
    let appended = |scene: &Scene| format!("{}# more\n", scene.sandbox.read("etc/zfs-shell/nas.toml"));
    let other = |scene: &Scene| scene.sandbox.read("etc/zfs-shell/nas.toml").replace("tank/in", "tank/on");
    let changes: [&dyn Fn(&Scene) -> String; 4] = [&|_| String::new(), &|_| NOTHING.to_owned(), &appended, &other];
    for (index, change) in changes.iter().enumerate() {
        for number in [1, 2] {
            let scene = Scene::new();
            let text = change(&scene);
            let child = held(&scene, number);
            // Without a rename: the file that is open is the one that changes.
            fs::write(path(&scene), text).unwrap();
            let seen = scene.seen(child);
            assert_eq!((seen.status, &*seen.begun), (125, ""), "{index} {number} {seen:?}");
            let reason = "/etc/zfs-shell/nas.toml was changed while it was read";
            assert!(seen.records[0].contains(reason), "{index} {number} {seen:?}");
        }
    }
}

#[test]
fn a_policy_in_whose_place_another_is_put_is_read_to_its_end() {
    for instead in ["file", "link", "directory", "fifo", "nothing"] {
        let scene = Scene::new();
        let child = held(&scene, 2);
        let new = scene.sandbox.path("etc/zfs-shell/new");
        match instead {
            "file" => fs::write(&new, NOTHING).unwrap(),
            "link" => symlink("/etc/passwd", &new).unwrap(),
            "fifo" => mkfifo(&new, Mode::from_bits_truncate(0o644)).unwrap(),
            _ => {}
        }
        match instead {
            "directory" => {
                fs::remove_file(path(&scene)).unwrap();
                fs::create_dir(path(&scene)).unwrap();
            }
            "nothing" => fs::remove_file(path(&scene)).unwrap(),
            _ => fs::rename(&new, path(&scene)).unwrap(),
        }
        let seen = scene.seen(child);
        assert_eq!((seen.status, &*seen.done), (0, "done\n"), "{instead} {seen:?}");
        // The next request goes by what is there then.
        let seen = scene.ask("", Request::Simple.line());
        assert_eq!((seen.status, &*seen.begun), (if instead == "file" { 2 } else { 125 }, ""), "{instead} {seen:?}");
    }
}

#[test]
fn what_is_no_policy_holds_nobody_up_and_is_named_in_the_log() {
    let table: [(Change, &str); 9] = [
        (&|scene| fs::remove_file(path(scene)).unwrap(), "No such file or directory"),
        (&|scene| fs::write(path(scene), b"\xff").unwrap(), "is not UTF-8"),
        (&|scene| fs::write(path(scene), "[[grant]]\nrole = \"pull-sou").unwrap(), "nas.toml: line 2"),
        (&|scene| mode(scene, "etc/zfs-shell/nas.toml", 0o664), "is writable by its group"),
        (&|scene| mode(scene, "etc/zfs-shell/nas.toml", 0o646), "is writable by everyone"),
        (&|scene| mode(scene, "etc/zfs-shell", 0o1777), "is writable by its group"),
        (&|scene| mode(scene, "etc", 0o777), "is writable by its group"),
        (&|scene| instead(scene, &|path| symlink("/etc/zfs-shell/other.toml", path).unwrap()), "is a symbolic link"),
        (
            &|scene| instead(scene, &|path| mkfifo(path, Mode::from_bits_truncate(0o644)).unwrap()),
            "is not a regular file",
        ),
    ];
    for (change, reason) in table {
        let scene = Scene::new();
        change(&scene);
        let seen = scene.ask("", Request::Simple.line());
        assert_eq!((seen.status, &*seen.begun), (125, ""), "{reason} {seen:?}");
        assert_eq!(seen.stderr, "zfs-shell: not available, see the log\n", "{reason}");
        assert!(seen.records.len() == 1 && seen.records[0].contains(reason), "{reason} {seen:?}");
    }
}

type Change<'c> = &'c dyn Fn(&Scene);

fn mode(scene: &Scene, of: &str, mode: u32) {
    fs::set_permissions(scene.sandbox.path(of), fs::Permissions::from_mode(mode)).unwrap();
}

fn instead(scene: &Scene, make: &dyn Fn(&std::path::Path)) {
    fs::remove_file(path(scene)).unwrap();
    make(&path(scene));
}

/// Two whole policies take turns by rename(2): each request goes by one of them, and none by anything else.
#[test]
fn while_policies_take_turns_each_request_goes_by_a_whole_one() {
    let scene = Scene::new();
    let allowing = scene.sandbox.read("etc/zfs-shell/nas.toml");
    let over = AtomicBool::new(false);
    let statuses: Vec<i32> = std::thread::scope(|scope| {
        scope.spawn(|| {
            let new = scene.sandbox.path("etc/zfs-shell/new");
            while !over.load(Ordering::Relaxed) {
                for text in [NOTHING, &allowing] {
                    fs::write(&new, text).unwrap();
                    mode(&scene, "etc/zfs-shell/new", 0o644);
                    fs::rename(&new, path(&scene)).unwrap();
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let asked = std::panic::catch_unwind(|| {
            (0..60).map(|_| scene.ask("", Request::Simple.line()).status).collect::<Vec<_>>()
        });
        over.store(true, Ordering::Relaxed);
        asked.unwrap()
    });
    assert!(statuses.iter().all(|status| [0, 2].contains(status)), "{statuses:?}");
    assert!([0, 2].iter().all(|status| statuses.contains(status)), "{statuses:?}");
}
