//! Limits of the process that are too low.

use super::calls::holds;
use super::scene::{Request, Scene, Seen};

/// The request with its process prepared in each of these ways; how often it was done.
fn under(request: Request, ways: impl IntoIterator<Item = String>) -> usize {
    let scene = Scene::new();
    let mut whole = 0;
    for prepare in ways {
        let seen = scene.ask(&prepare, request.line());
        if is_not_ours(&seen) {
            continue;
        }
        holds(request, &seen, &scene).unwrap_or_else(|problem| panic!("{request:?} {prepare}: {problem} {seen:?}"));
        whole += usize::from(seen.status == 0);
    }
    whole
}

/// What prepares the process and loads the gate has the limit too, and so has a stub.
pub fn is_not_ours(seen: &Seen) -> bool {
    let others = [
        "prlimit: ",
        "chroot: ",
        "setpriv: ",
        "error while loading shared libraries",
        "Cannot fork",
        "cat: ",
        "/bin/sh: ",
        "/stub/",
    ];
    others.iter().any(|other| seen.stderr.contains(other))
}

#[test]
fn without_a_process_left_nothing_is_half_done() {
    // Of an account that nobody has, so that no other process counts, but with the rights of root's, so that a script can
    // stand for zfs.
    let as_nobody = |most: u32| {
        let account = "setpriv --ruid=61234 --regid=61234 --clear-groups --bounding-set=-sys_admin,-sys_resource";
        format!("shift 2; set -- chroot \"$root\" {account} prlimit --nproc={most} \"$@\"")
    };
    for request in Request::ALL {
        assert!(under(request, (1..9).map(as_nobody)) > 0, "{request:?}");
    }
}

#[test]
fn without_memory_nothing_is_half_done() {
    let limited = |mebibytes: u32| format!("set -- prlimit --as={} \"$@\"", mebibytes << 20);
    for request in Request::ALL {
        assert!(under(request, (2..24).step_by(2).map(limited)) > 0, "{request:?}");
    }
}

#[test]
fn without_a_stack_nothing_is_half_done() {
    let limited = |kibibytes: u32| format!("set -- prlimit --stack={} \"$@\"", kibibytes << 10);
    for request in Request::ALL {
        assert!(under(request, [16, 64, 128, 256, 1024].map(limited)) > 0, "{request:?}");
    }
}

/// The gate writes no files. What it writes to is one here, where it isn't with sshd.
#[test]
fn with_a_limit_of_file_sizes_what_is_cut_off_has_failed() {
    let scene = Scene::new();
    let seen = scene.ask("set -- prlimit --fsize=0 \"$@\"", "echo a && zfs snapshot tank/data@syncoid_a");
    // By the signal, or by the error of the call, whichever is looked at first.
    assert!(matches!(seen.status, 126 | 153) && seen.begun.is_empty(), "{seen:?}");
    assert!(seen.left.is_empty() && seen.stdout.is_empty(), "{seen:?}");
    let seen = scene.ask("set -- prlimit --fsize=65536 \"$@\"", Request::Pipeline.line());
    assert!(seen.status != 0 && !seen.done.contains("buffered") && seen.left.is_empty(), "{seen:?}");
}

/// A filter that computes for ever.
#[test]
fn who_has_used_up_the_time_of_its_processor_is_seen_to_have_failed() {
    let scene = Scene::new();
    scene.filter("-DBUSY");
    let seen = scene.ask("set -- prlimit --cpu=1 \"$@\"", Request::Pipeline.line());
    assert!(matches!(seen.status, 137 | 152), "{seen:?}");
    assert!(seen.left.is_empty() && seen.records[1].contains(" status=1"), "{seen:?}");
}
