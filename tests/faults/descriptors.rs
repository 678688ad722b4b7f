//! Descriptors that are closed, half closed, or too few.

use std::process::{Command, Stdio};

use super::calls::holds;
use super::limits::is_not_ours;
use super::scene::{Request, SENT, Scene};

#[test]
fn a_closed_descriptor_is_dev_null() {
    let scene = Scene::new();
    for closed in ["0", "1", "2", "0 1", "0 2", "1 2", "0 1 2"] {
        let prepare: String = closed.split(' ').map(|number| format!("exec {number}>&-; ")).collect();
        let (input, output) = (!closed.contains('0'), !closed.contains('1'));
        for request in Request::ALL {
            let seen = scene.ask(&prepare, request.line());
            // What the policy, the log and the pipes have for descriptors is none of the first three.
            let status = if request == Request::Push && !input { 1 } else { 0 };
            assert_eq!(seen.status, status, "{closed} {request:?} {seen:?}");
            let sent = if request == Request::Pipeline && output { SENT } else { 0 };
            assert_eq!((seen.stdout.len(), seen.left.len()), (sent, 0), "{closed} {request:?}");
            assert!(seen.records[0].contains(" decision=allowed "), "{closed} {request:?} {seen:?}");
            let told = status == 1 && !closed.contains('2');
            assert_eq!(!seen.stderr.is_empty(), told, "{closed} {request:?} {seen:?}");
            assert_eq!(seen.begun.is_empty(), status == 1, "{closed} {request:?} {seen:?}");
        }
    }
}

#[test]
fn with_too_few_descriptors_nothing_is_half_done() {
    let scene = Scene::new();
    for request in Request::ALL {
        let mut whole = 0;
        for most in 3..18 {
            let prepare = format!("set -- prlimit --nofile={most} \"$@\"");
            let seen = scene.ask(&prepare, request.line());
            if is_not_ours(&seen) {
                continue;
            }
            holds(request, &seen, &scene).unwrap_or_else(|problem| panic!("{request:?} {most}: {problem} {seen:?}"));
            whole += usize::from(seen.status == 0);
        }
        assert!((1..15).contains(&whole), "{request:?}: with {whole} of the limits it is done");
    }
}

/// A client that writes no more, and one that reads no more.
#[test]
fn half_closed_pipes_end_what_needs_them_and_nothing_else() {
    let scene = Scene::new();
    // Nothing to read, from the start: the head of a stream doesn't come.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(writer);
    let child = scene.command("", Request::Push.line()).stdin(reader).spawn().unwrap();
    let seen = scene.seen(child);
    assert_eq!((seen.status, &*seen.begun), (1, ""), "{seen:?}");
    assert!(seen.records[1].contains(" bytes=0"), "{seen:?}");
    // Nobody to read, from the start, nor anybody who is told.
    for request in [Request::Pipeline, Request::Push] {
        let scene = Scene::new();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = silent(scene.command("", request.line()).stdout(writer)).spawn().unwrap();
        let seen = scene.seen(child);
        assert_ne!(seen.status, 0, "{request:?} {seen:?}");
        assert!(!seen.done.contains("buffered") && !seen.done.contains("received"), "{request:?} {seen:?}");
        let why = ["ended=client-gone ", "interrupted while asking"];
        assert!(why.iter().any(|why| seen.records.concat().contains(why)), "{request:?} {seen:?}");
        assert!(scene.empties(), "{request:?} {seen:?}");
    }
    // A program that has taken the gate's place is not cut off by that.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = scene.command("", Request::Simple.line()).stdout(writer).spawn().unwrap();
    let seen = scene.seen(child);
    assert_eq!((seen.status, &*seen.done), (0, "done\n"), "{seen:?}");
}

#[test]
fn a_list_that_is_cut_off_between_two_programs_has_not_succeeded() {
    let scene = Scene::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let request = "echo a; zfs snapshot tank/data@syncoid_a; exit";
    let child = scene.command("", request).stdout(writer).spawn().unwrap();
    let seen = scene.seen(child);
    assert_eq!((seen.status, &*seen.begun), (141, ""), "{seen:?}");
}

fn silent(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stderr(Stdio::null())
}
