//! One call of the kernel's fails, whichever it is: each call that the gate makes for a request, one after another.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scene::{Request, SENT, Scene, Seen, is_program};

/// A fault: the call, counted from the start of the process, and how it fails.
#[derive(Clone, Debug)]
struct Fault {
    call: String,
    number: usize,
    error: &'static str,
}

/// The first call of the gate's own, behind what the loader and Rust's start-up code do.
const FIRST: &str = "umask(";

/// How a call fails where that isn't `EIO`.
const ERRORS: [(&str, &[&str]); 16] = [
    ("brk", &["ENOMEM"]),
    ("clone", &["EAGAIN", "ENOMEM"]),
    ("clone3", &["EAGAIN", "ENOMEM"]),
    ("close_range", &["ENOSYS", "EMFILE"]),
    ("connect", &["ECONNREFUSED"]),
    ("execve", &["ENOMEM", "EACCES"]),
    ("fcntl", &["EMFILE"]),
    ("mmap", &["ENOMEM"]),
    ("mremap", &["ENOMEM"]),
    ("openat", &["EMFILE", "EIO"]),
    ("pipe2", &["EMFILE"]),
    ("poll", &["ENOMEM"]),
    ("sendto", &["ENOBUFS", "ENOSPC"]),
    ("socket", &["EMFILE"]),
    ("tee", &["ENOMEM"]),
    ("vfork", &["EAGAIN"]),
];

/// Those that a signal can interrupt.
const INTERRUPTED: [&str; 10] =
    ["connect", "openat", "poll", "read", "recvfrom", "sendto", "splice", "tee", "wait4", "write"];

/// Those that can't fail here: wait4 only for a child that is not ours. A close that fails has closed all the same. What
/// std receives is what a child, on a pair of sockets of its own, says of its start.
const NEVER: [&str; 9] =
    ["close", "exit_group", "geteuid", "getpid", "munmap", "recvfrom", "rt_sigreturn", "umask", "wait4"];

fn traced(scene: &Scene, request: Request, options: &str) -> Seen {
    let prepare = format!("shift 2; set -- chroot \"$root\" strace -qq -o /tmp/trace {options} \"$@\"");
    scene.ask(&prepare, request.line())
}

/// What is to be seen without a fault, and how often each call is made before and in the gate's own code.
fn baseline(scene: &Scene, request: Request) -> (Seen, BTreeMap<String, (usize, usize)>) {
    let seen = traced(scene, request, "");
    let trace = scene.sandbox.read("tmp/trace");
    let mut calls: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut ours = false;
    for line in trace.lines() {
        ours |= line.starts_with(FIRST);
        let Some((call, _)) = line.split_once('(') else { continue };
        let (before, own) = calls.entry(call.to_owned()).or_default();
        *(if ours { own } else { before }) += 1;
        if ours && call == "execve" {
            break;
        }
    }
    assert!(ours, "{trace}\n{seen:?}");
    (seen, calls)
}

fn faults(calls: &BTreeMap<String, (usize, usize)>, errors: impl Fn(&str) -> Vec<&'static str>) -> Vec<Fault> {
    let of = |(call, (before, own)): (&String, &(usize, usize))| {
        let numbers = before + 1..=before + own;
        let errors = errors(call);
        numbers
            .flat_map(|number| errors.iter().map(move |error| (number, *error)).collect::<Vec<_>>())
            .map(|(number, error)| Fault { call: call.clone(), number, error })
            .collect::<Vec<_>>()
    };
    calls.iter().flat_map(of).collect()
}

/// Does something with each fault, in several sandboxes at once.
fn each(request: Request, faults: &[Fault], check: impl Fn(&Seen, &Scene) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let problems: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let scene = Scene::new();
            let mut problems = Vec::new();
            while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Fault { call, number, error } = fault;
                let options = format!("-e trace={call} -e inject={call}:error={error}:when={number}");
                let seen = traced(&scene, request, &options);
                if let Err(problem) = check(&seen, &scene) {
                    let trace = scene.sandbox.read("tmp/trace");
                    let hit = trace.lines().find(|line| line.contains("INJECTED")).unwrap_or_default();
                    let told = Seen { stdout: format!("{} bytes", seen.stdout.len()).into_bytes(), ..seen };
                    problems.push(format!("{request:?}: {call} {number} {error}: {problem}\n  {hit}\n  {told:?}"));
                }
            }
            problems
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), faults.len(), problems.join("\n"));
}

fn is_whole(request: Request, seen: &Seen) -> bool {
    match request {
        Request::Simple => seen.done == "done\n",
        Request::Pipeline => seen.stdout.len() == SENT,
        Request::Push => seen.done == "received\n",
    }
}

/// What holds whatever fails.
pub fn holds(request: Request, seen: &Seen, scene: &Scene) -> Result<(), String> {
    let whole = is_whole(request, seen);
    // What gets no memory, for its heap or its stack, can neither tell nor end anything.
    let aborted = matches!(seen.status, 134 | 139);
    if seen.status == 0 && !whole {
        return Err("said to be done, and isn't".to_owned());
    }
    let recorded = seen.records.iter().any(|record| record.contains("broken"));
    if !whole && !recorded && !aborted && !seen.stderr.contains("the log takes no record") {
        return Err("no record says so, and nobody says that none does".to_owned());
    }
    if !whole && !aborted && seen.stderr.is_empty() {
        return Err("the client isn't told".to_owned());
    }
    if seen.status == 125 && !seen.begun.is_empty() {
        return Err("said to be not begun, and is".to_owned());
    }
    let line = |line: &str| {
        let begins = ["zfs-shell: ", "cannot receive: ", "memory allocation of ", "note: run with "];
        begins.iter().any(|begin| line.starts_with(begin))
    };
    if !aborted && (!seen.stderr.lines().all(line) || seen.stderr.lines().count() > 2) {
        return Err("lines of nobody's".to_owned());
    }
    // The programs of an aborted gate end with their pipes. What a program has started itself got the same signal as
    // it, and nobody waits for that.
    let ours = seen.left.iter().any(|process| is_program(process));
    if (ours && !aborted) || !scene.empties() {
        return Err("something is left".to_owned());
    }
    Ok(())
}

fn whichever_call_fails(request: Request) {
    let (seen, calls) = baseline(&Scene::new(), request);
    assert!(seen.status == 0 && is_whole(request, &seen) && seen.left.is_empty(), "{seen:?}");
    let errors = |call: &str| {
        let errors = ERRORS.iter().find(|(name, _)| *name == call).map(|(_, errors)| errors.to_vec());
        if NEVER.contains(&call) { Vec::new() } else { errors.unwrap_or(vec!["EIO"]) }
    };
    each(request, &faults(&calls, errors), |seen, scene| holds(request, seen, scene));
}

#[test]
fn whichever_call_of_a_simple_request_fails_nothing_is_half_done_and_somebody_is_told() {
    whichever_call_fails(Request::Simple);
}

#[test]
fn whichever_call_of_a_pipeline_fails_nothing_is_half_done_and_somebody_is_told() {
    whichever_call_fails(Request::Pipeline);
}

#[test]
fn whichever_call_of_a_push_fails_nothing_is_half_done_and_somebody_is_told() {
    whichever_call_fails(Request::Push);
}

#[test]
fn an_interrupted_call_is_not_to_be_seen() {
    for request in Request::ALL {
        let (expected, calls) = baseline(&Scene::new(), request);
        let errors = |call: &str| if INTERRUPTED.contains(&call) { vec!["EINTR"] } else { Vec::new() };
        each(
            request,
            &faults(&calls, errors),
            |seen, _| {
                if *seen == expected { Ok(()) } else { Err("it is seen".to_owned()) }
            },
        );
    }
}

/// What takes rights from a program fails: at the end of the start-up of zfs that takes the gate's place, and of a filter.
#[test]
fn a_program_that_can_not_be_confined_does_not_start() {
    let missing = zfs_shell::run::missing();
    if !missing.is_empty() {
        return eprintln!("SKIPPED: this kernel lacks {missing:?}");
    }
    // The first of `seccomp` asks whether there is such a thing, as the first of `landlock_create_ruleset` does.
    for (call, number) in [("prctl", 1), ("seccomp", 2)] {
        let scene = Scene::new();
        let options = format!("-e trace={call} -e inject={call}:error=EPERM:when={number}");
        let seen = traced(&scene, Request::Simple, &options);
        assert_eq!((seen.status, &*seen.begun), (125, ""), "{call} {seen:?}");
        assert!(seen.records.concat().contains("decision=broken"), "{call} {seen:?}");
    }
    let calls = [
        ("landlock_create_ruleset", "2+"),
        ("landlock_add_rule", "1+"),
        ("landlock_restrict_self", "1+"),
        ("capset", "1+"),
    ];
    for (call, number) in calls {
        let scene = Scene::new();
        let options = format!("-f -e trace={call} -e inject={call}:error=EPERM:when={number}");
        let seen = traced(&scene, Request::Pipeline, &options);
        // Of zfs that runs as root none of these is asked.
        assert!(seen.done.contains("listed") && !seen.done.contains("buffered"), "{call} {seen:?}");
        let told = ["zfs-shell: cannot start a program\n", "zfs-shell: cannot start mbuffer\n"];
        assert!(seen.status == 126 && told.contains(&&*seen.stderr), "{call} {seen:?}");
        let why = ["cannot confine a program: ", "cannot start '/stub/mbuffer': "];
        assert!(why.iter().any(|why| seen.records[1].contains(why)), "{call} {seen:?}");
    }
}
