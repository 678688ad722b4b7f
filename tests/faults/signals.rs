//! Signals to the gate, and what an ancestor has made of them.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::scene::{Request, SENT, Scene, is_program, reached};
use std::process::Child;
use std::time::Duration;

/// A request whose programs have begun and would run for a minute.
fn stuck(scene: &Scene) -> Child {
    scene.sandbox.program("zfs", &scene.sandbox.read("stub/zfs").replace("head -c 300000 /dev/zero", "sleep 60"));
    scene.filter("-DSTUCK");
    let child = scene.command("", "zfs send tank/data@syncoid_data | mbuffer -q").spawn().unwrap();
    assert!(reached(Duration::from_secs(10), || !scene.sandbox.read("tmp/begun").is_empty()));
    child
}

fn id(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

#[test]
fn a_signal_that_would_end_the_gate_ends_all_that_it_started() {
    use Signal::*;
    for signal in [
        SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGPWR, SIGQUIT, SIGSTKFLT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM,
        SIGXCPU, SIGXFSZ,
    ] {
        let scene = Scene::new();
        let child = stuck(&scene);
        kill(id(&child), signal).unwrap();
        let seen = scene.seen(child);
        assert_eq!(seen.status, 128 + signal as i32, "{signal} {seen:?}");
        assert!(seen.records[1].contains("ended=signal "), "{signal} {seen:?}");
        assert!(!seen.left.iter().any(|process| is_program(process)) && scene.empties(), "{signal} {seen:?}");
    }
}

/// Nothing can be done about SIGKILL but what the pipes do.
#[test]
fn the_programs_of_a_gate_that_is_killed_end_with_their_pipes() {
    for request in [Request::Pipeline, Request::Push] {
        let scene = Scene::new();
        let zfs = scene.sandbox.read("stub/zfs").replace("head -c 300000 /dev/zero", "cat /dev/zero");
        scene.sandbox.program("zfs", &zfs);
        let (reader, client) = std::io::pipe().unwrap();
        let (out, stdout) = std::io::pipe().unwrap();
        let child = scene.command("", request.line()).stdin(reader).stdout(stdout).spawn().unwrap();
        let head = super::scene::incoming();
        std::io::Write::write_all(&mut { client.try_clone().unwrap() }, &head[..100_000]).unwrap();
        assert!(reached(Duration::from_secs(10), || !scene.sandbox.read("tmp/begun").is_empty()), "{request:?}");
        kill(id(&child), Signal::SIGKILL).unwrap();
        let seen = scene.seen(child);
        // As sshd closes what it had for the session.
        drop((out, client));
        assert_eq!(seen.status, 137, "{request:?} {seen:?}");
        assert!(scene.empties(), "{request:?} {:?}", scene.processes());
        let done = scene.sandbox.read("tmp/done");
        assert!(!done.contains("received") && !done.contains("buffered"), "{request:?} {done}");
    }
}

#[test]
fn a_gate_that_is_stopped_and_continued_goes_on() {
    let scene = Scene::new();
    let zfs = scene.sandbox.read("stub/zfs").replace("sleep 0.03", "sleep 0.4");
    scene.sandbox.program("zfs", &zfs);
    for request in [Request::Pipeline, Request::Push] {
        let _ = std::fs::remove_file(scene.sandbox.path("tmp/begun"));
        let child = scene.command("", request.line()).spawn().unwrap();
        assert!(reached(Duration::from_secs(10), || !scene.sandbox.read("tmp/begun").is_empty()), "{request:?}");
        for _ in 0..5 {
            for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
                kill(id(&child), signal).unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let seen = scene.seen(child);
        assert_eq!((seen.status, &*seen.stderr), (0, ""), "{request:?} {seen:?}");
    }
}

/// sshd, or what has started it, may have had signals ignored or blocked.
#[test]
fn what_an_ancestor_has_ignored_or_blocked_changes_nothing() {
    let scene = Scene::new();
    let plain: Vec<_> = Request::ALL.iter().map(|request| scene.ask("", request.line())).collect();
    // Each is asked for alone, since a shell can't pass on what it ignores of its own.
    let many = "CHLD,HUP,INT,IO,PIPE,QUIT,TERM,USR1,USR2,ALRM,PROF,XCPU,XFSZ";
    for way in ["--ignore-signal", "--block-signal"] {
        let prepare = format!("set -- env {way}={many} \"$@\"");
        for (request, plain) in Request::ALL.iter().zip(&plain) {
            assert_eq!(scene.ask(&prepare, request.line()), *plain, "{way} {request:?}");
        }
        let report = "grep -E '^Sig(Blk|Ign):' /proc/self/status >/tmp/report";
        scene.sandbox.program("zfs", &format!("#!/bin/sh\n{report}\n"));
        for request in [Request::Simple.line(), "zfs snapshot tank/data@syncoid_a; exit"] {
            scene.ask(&prepare, request);
            let report = scene.sandbox.read("tmp/report");
            let number = |line: &str| u64::from_str_radix(line.split('\t').nth(1).unwrap(), 16).unwrap();
            // glibc leaves its own two, 32 and 33, ignored.
            let left: Vec<u64> = report.lines().map(|line| number(line) & 0x7fff_ffff).collect();
            assert_eq!(left, [0, 0], "{way} {request} {report}");
        }
        scene.renew();
    }
}

#[test]
fn a_program_that_prints_for_ever_ends_with_its_reader_though_sigpipe_was_ignored() {
    let scene = Scene::new();
    scene.filter("-DBRIEF");
    let zfs = scene.sandbox.read("stub/zfs").replace("head -c 300000 /dev/zero", "exec cat /dev/zero");
    scene.sandbox.program("zfs", &zfs);
    let seen = scene.ask("set -- env --ignore-signal=PIPE \"$@\"", "zfs send tank/data@syncoid_data | mbuffer -q");
    assert_eq!((seen.status, seen.stdout.len(), &*seen.stderr), (0, 1000, ""), "{seen:?}");
    assert!(seen.left.is_empty() && SENT > 1000, "{seen:?}");
}
