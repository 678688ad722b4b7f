//! The real binary between an environment like sshd's and stubs in place of zfs: statuses, what a program gets, signals,
//! the log, and that nothing starts where nothing may.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test starts the gate")]

mod sandbox;
mod tables;

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use sandbox::Sandbox;
use zfs_shell::facts::Table;
use zfs_shell::record::{Outcome, Record, RequestId, Who};

const POLICY: &str = r#"
[[grant]]
role = "pull-source"
datasets = ["tank/data"]

[filters]
memory = "1GiB"

[programs]
zfs = "/stub/zfs"
mbuffer = "/stub/mbuffer"
"#;

fn gate(sandbox: &Sandbox, prepare: &str, request: &str) -> Command {
    let mut command = sandbox.command(prepare, &["/zfs-shell", "nas"]);
    command.env("SSH_ORIGINAL_COMMAND", request).env("SSH_CONNECTION", "192.0.2.7 51022 192.0.2.1 22");
    command
}

fn ask(sandbox: &Sandbox, request: &str) -> Output {
    gate(sandbox, "", request).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn records(log: &UnixDatagram) -> Vec<String> {
    let mut buffer = [0; 8192];
    let mut records = Vec::new();
    while let Ok(length) = log.recv(&mut buffer) {
        records.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    records
}

#[test]
fn what_is_allowed_has_its_own_status() {
    let sandbox = Sandbox::new(POLICY);
    for status in [0, 1, 3, 255] {
        let output = ask(&sandbox, &format!("zfs snapshot tank/data@syncoid_exit{status}"));
        assert_eq!(output.status.code(), Some(status), "{output:?}");
    }
    assert_eq!(ask(&sandbox, "zfs snapshot tank/data@syncoid_term").status.signal(), Some(15));
    let output = ask(&sandbox, "zfs snapshot tank/data@syncoid_say");
    assert_eq!((&*output.stdout, &*output.stderr), (&b"out say\n"[..], &b"err say\n"[..]));
}

#[test]
fn what_is_not_allowed_has_a_status_by_its_kind_and_one_line() {
    let sandbox = Sandbox::new(POLICY);
    let table = [
        ("zfs destroy -r tank/data", 126, "zfs-shell: refused: "),
        ("zfs snapshot tank/data@mine", 126, "zfs-shell: refused: "),
        ("rm -rf /", 127, "zfs-shell: unknown: "),
        ("zfs list $(id)", 127, "zfs-shell: unknown: "),
        ("zfs list tank/secret", 1, "cannot open 'tank/secret': dataset does not exist"),
        ("zfs snapshot tank/data@syncoid_report && zfs snapshot tank/data@mine", 126, "zfs-shell: refused: "),
        ("", 126, "zfs-shell: refused: "),
    ];
    for (request, status, line) in table {
        let output = ask(&sandbox, request);
        assert_eq!(output.status.code(), Some(status), "{request}: {output:?}");
        let told = stderr(&output);
        assert!(told.starts_with(line) && told.lines().count() == 1 && told.ends_with('\n'), "{request}: {told}");
        assert_eq!(output.stdout, b"", "{request}");
    }
    assert_eq!(sandbox.read("tmp/report"), "");
}

#[test]
fn what_is_broken_is_told_to_the_log_alone() {
    let sandbox = Sandbox::new("[[grant]]\ndatasetz = []\n");
    let log = sandbox.log();
    let output = ask(&sandbox, "zfs list tank/data");
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(stderr(&output), "zfs-shell: not available, see the log\n");
    let record = records(&log).concat();
    assert!(record.starts_with("<83>zfs-shell[") && record.contains(" decision=broken "), "{record}");
    assert!(record.contains("datasetz") && record.contains("nas.toml"), "{record}");
    let output =
        sandbox.command("", &["/zfs-shell", "nobody"]).env("SSH_ORIGINAL_COMMAND", "zfs list").output().unwrap();
    assert_eq!((output.status.code(), &*stderr(&output)), (Some(125), "zfs-shell: not available, see the log\n"));
}

#[test]
fn a_program_that_is_not_there_is_broken() {
    let sandbox = Sandbox::new(&POLICY.replace("/stub/zfs", "/stub/none"));
    assert_eq!(ask(&sandbox, "zfs snapshot tank/data@syncoid_a").status.code(), Some(125));
}

#[test]
fn a_policy_that_is_put_aside_refuses_and_says_so() {
    let sandbox = Sandbox::new(POLICY);
    let log = sandbox.log();
    fs::rename(sandbox.path("etc/zfs-shell/nas.toml"), sandbox.path("etc/zfs-shell/nas.toml.disabled")).unwrap();
    for request in ["zfs snapshot tank/data@syncoid_exit0", "rm -rf /", ""] {
        let output = ask(&sandbox, request);
        let expected = (Some(126), "zfs-shell: refused: this key is disabled\n".to_owned());
        assert_eq!((output.status.code(), stderr(&output)), expected, "{request}");
        let records = records(&log).concat();
        assert!(records.contains(" decision=refused status=126 reason=\"this key is disabled\""), "{records}");
    }
    fs::rename(sandbox.path("etc/zfs-shell/nas.toml.disabled"), sandbox.path("etc/zfs-shell/nas.toml")).unwrap();
    assert_eq!(ask(&sandbox, "zfs snapshot tank/data@syncoid_exit3").status.code(), Some(3));
}

#[test]
fn without_reasons_only_the_word_is_told() {
    let sandbox = Sandbox::new(&format!("{POLICY}\n[reply]\nreasons = false\n"));
    assert_eq!(stderr(&ask(&sandbox, "zfs snapshot tank/data@mine")), "zfs-shell: refused\n");
    assert_eq!(stderr(&ask(&sandbox, "rm -rf /")), "zfs-shell: unknown\n");
}

#[test]
fn without_a_name_the_policy_is_that_of_the_account() {
    let sandbox = Sandbox::new("");
    sandbox.policy("root", POLICY);
    let run = |words: &[&str], original: Option<&str>| {
        let mut command = sandbox.command("", words);
        command.env("USER", "nas").env("LOGNAME", "nas");
        command.envs(original.map(|line| ("SSH_ORIGINAL_COMMAND", line))).output().unwrap().status.code()
    };
    let request = "zfs snapshot tank/data@syncoid_exit3";
    assert_eq!(run(&["/zfs-shell"], Some(request)), Some(3));
    assert_eq!(run(&["/zfs-shell", "-c", request], None), Some(3));
    assert_eq!(run(&["/zfs-shell", "-c", "zfs-shell root"], Some(request)), Some(3));
    assert_eq!(run(&["/zfs-shell", "-c", "zfs-shell root"], None), Some(126));
    assert_eq!(run(&["/zfs-shell"], None), Some(126));
}

#[test]
fn arguments_that_sshd_never_gives_are_an_error_of_usage() {
    let sandbox = Sandbox::new(POLICY);
    let run = |words: &[&str]| sandbox.command("", words).env("SSH_ORIGINAL_COMMAND", "zfs list").output().unwrap();
    let output = run(&["/zfs-shell", "nas", "--verbose"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).starts_with("zfs-shell: usage: "), "{output:?}");
    let version = run(&["/zfs-shell", "--version"]);
    assert_eq!(version.stdout, concat!("zfs-shell ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
    assert!(run(&["/zfs-shell", "--help"]).status.success());
}

#[test]
fn a_program_gets_two_variables_three_descriptors_and_nothing_else() {
    let sandbox = Sandbox::new(POLICY);
    let prepare = "umask 0; cd /usr; exec 3</dev/null 5</dev/null 9>/tmp/leak";
    for request in ["zfs snapshot tank/data@syncoid_report", "zfs snapshot tank/data@syncoid_report; exit"] {
        let mut command = gate(&sandbox, prepare, request);
        command.env("LD_LIBRARY_PATH", "/tmp").env("ZFS_COLOR", "1").env("LC_MESSAGES", "de_DE.UTF-8");
        assert!(command.status().unwrap().success());
        let report = sandbox.read("tmp/report");
        let of = |key: &str| -> Vec<String> {
            report.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(' ').map(str::to_owned)).collect()
        };
        let mut environment = of("environment");
        environment.sort();
        assert_eq!(environment, ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "{report}");
        // From 10 on sh keeps its own.
        let low: Vec<String> = of("descriptor").into_iter().filter(|number| number.len() == 1).collect();
        assert_eq!(low, ["0", "1", "2"], "{report}");
        assert_eq!((&*of("umask")[0], &*of("directory")[0], &*of("core")[0]), ("0077", "/", "0 0"), "{report}");
        assert_eq!(of("NoNewPrivs"), ["1"], "{report}");
        assert_eq!(of("SigBlk"), ["0000000000000000"], "{report}");
        // glibc leaves its own two, 32 and 33, ignored.
        let ignored = u64::from_str_radix(&of("SigIgn")[0], 16).unwrap();
        assert_eq!(ignored & 0x7fff_ffff, 0, "{report}");
        fs::remove_file(sandbox.path("tmp/report")).unwrap();
    }
}

#[test]
fn a_stream_passes_whole_and_a_filter_has_its_limit() {
    let sandbox = Sandbox::new(POLICY);
    sandbox.write("etc/orders", "orders\nmemory\nenvironment\n");
    let output = ask(&sandbox, "zfs send tank/data@syncoid_hand | mbuffer -q");
    let said = String::from_utf8(output.stdout).unwrap();
    let mut said: Vec<&str> = said.lines().collect();
    said.sort();
    let environment = ["HOME=/nonexistent", "LC_ALL=C", "MALLOC_ARENA_MAX=2", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
    let mut expected = environment.map(|variable| format!("environment {variable}")).to_vec();
    // 1 GiB and what the program itself needs.
    expected.push(format!("memory {}", 1_310_720 << 10));
    assert_eq!(said, expected);
    let log = sandbox.log();
    let output = ask(&sandbox, "zfs send tank/data@syncoid_data | mbuffer -q");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 3_000_000), "{}", stderr(&output));
    let records = records(&log);
    let [decision, completion] = &*records else { panic!("{records:?}") };
    assert!(
        decision.starts_with("<86>") && decision.contains(" decision=allowed grants=1 exec=\"zfs send "),
        "{decision}"
    );
    assert!(completion.contains(" ended=itself status=0 seconds=0."), "{completion}");
    let id = |record: &str| record.split_once("id=").unwrap().1.split_once(' ').unwrap().0.to_owned();
    assert_eq!(id(decision), id(completion));
    assert!(decision.contains(" policy=nas client=192.0.2.7 "), "{decision}");
}

#[test]
fn lists_and_pipelines_end_as_in_sh() {
    let sandbox = Sandbox::new(POLICY);
    let exit = |status: u8| format!("zfs snapshot tank/data@syncoid_exit{status}");
    let (ok, three, term) = (exit(0), exit(3), "zfs snapshot tank/data@syncoid_term".to_owned());
    let say = "zfs snapshot tank/data@syncoid_say".to_owned();
    let stream = "zfs send tank/data@syncoid_data | mbuffer -q >/dev/null".to_owned();
    let failing = "zfs send tank/data@syncoid_exit5 | mbuffer -q".to_owned();
    let parts = [ok, three, term, say, stream, failing, "exit".to_owned(), "echo a".to_owned(), "true".to_owned()];
    for (index, first) in parts.iter().enumerate() {
        for joint in [";", "&&", "||"] {
            let second = &parts[(index + 1) % parts.len()];
            let third = &parts[(index + 4) % parts.len()];
            for request in [
                format!("{first} {joint} {second}"),
                format!("{first} && {third} {joint} {second}"),
                format!("{first} {joint} {third} || {second} 2>&1"),
            ] {
                let gate = ask(&sandbox, &request);
                let prepare = format!("PATH=/stub:$PATH; export PATH; unset SSH_ORIGINAL_COMMAND; : '{index}'");
                let sh = sandbox.command(&prepare, &["/bin/sh", "-c", &request]).output().unwrap();
                let status =
                    |output: &Output| output.status.code().or(output.status.signal().map(|signal| 128 + signal));
                // dash tells of a program that a signal ended.
                let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("Terminated\n", "");
                assert_eq!(status(&gate), status(&sh), "{request}: {gate:?} {sh:?}");
                assert_eq!(lines(&gate.stdout).len(), lines(&sh.stdout).len(), "{request}");
                assert_eq!(lines(&gate.stderr), lines(&sh.stderr), "{request}");
            }
        }
    }
}

/// Texts that clients put around commands: the real gate and a real sh say and end the same. Process ids differ, and are
/// told in the same words.
#[test]
fn branches_and_the_texts_around_commands_end_as_in_sh() {
    let sandbox = Sandbox::new(POLICY);
    let snapshot = |name: &str| format!("zfs snapshot tank/data@syncoid_{name}");
    let announced = |hole: &str| format!("({hole} & PID=$!; echo \"zettarepl: zfs send PID is $PID\" 1>&2; wait $PID)");
    let first_failed = |first: &str, second: &str| {
        format!(
            "exec 3>&1; eval $(exec 4>&1 >&3 3>&-; {{ {first} 4>&-; echo \"pipestatus0=$?;\" >&4; }} | \
             {{ {second} 4>&-; echo \"pipestatus1=$?;\" >&4; }}); [ $pipestatus0 -ne 0 ] && exit $pipestatus0; \
             [ $pipestatus1 -ne 0 ] && exit $pipestatus1; exit 0"
        )
    };
    let (data, failing) = ("zfs send tank/data@syncoid_data", "zfs send tank/data@syncoid_exit5");
    let mut requests = vec![
        announced(data),
        announced(failing),
        first_failed(data, "mbuffer -q"),
        first_failed(failing, "mbuffer -q"),
        first_failed(&format!("sh -c '{}'", announced(failing)), "mbuffer -q"),
    ];
    for (condition, then) in [("exit0", "exit3"), ("exit3", "exit0"), ("exit3", "say"), ("say", "term")] {
        let (condition, then, other) = (snapshot(condition), snapshot(then), snapshot("exit4"));
        requests.push(format!("if {condition}; then {then}; fi"));
        requests.push(format!("if {condition}; then {then}; else {other}; fi; echo a"));
        requests.push(format!("{other}; if {condition} || {then}; then {then} && echo b; else echo c; fi"));
    }
    for request in requests {
        let gate = ask(&sandbox, &request);
        let prepare = "PATH=/stub:$PATH; export PATH; unset SSH_ORIGINAL_COMMAND";
        let sh = sandbox.command(prepare, &["/bin/sh", "-c", &request]).output().unwrap();
        let status = |output: &Output| output.status.code().or(output.status.signal().map(|signal| 128 + signal));
        let lines = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace("Terminated\n", "");
            text.lines()
                .map(|line| match line.strip_prefix("zettarepl: zfs send PID is ") {
                    Some(pid) => format!("{}\n", pid.parse::<u32>().map_or("no PID", |_| "a PID")),
                    None => format!("{line}\n"),
                })
                .collect::<String>()
        };
        assert_eq!(status(&gate), status(&sh), "{request}: {gate:?} {sh:?}");
        assert_eq!(gate.stdout.len(), sh.stdout.len(), "{request}");
        assert_eq!(lines(&gate.stderr), lines(&sh.stderr), "{request}");
        assert_eq!(request.contains("PID"), lines(&gate.stderr).contains("a PID"), "{request}");
    }
}

/// The gate, once its stages have started, and their process ids.
#[expect(clippy::zombie_processes, reason = "`ends` waits; otherwise the test has failed")]
fn start(sandbox: &Sandbox, request: &str, stages: usize) -> (Child, Vec<i32>) {
    let child =
        gate(sandbox, "", request).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let pids = children(child.id());
        // zfs says so when it has got so far; filters have nothing to prepare.
        if pids.len() == stages && !sandbox.read("tmp/pids").is_empty() {
            return (child, pids);
        }
        assert!(Instant::now() < deadline, "{request} did not start: {pids:?}");
        sleep(Duration::from_millis(10));
    }
}

/// The processes that one has started, as /proc has them.
#[expect(clippy::disallowed_methods, reason = "a test looks at processes")]
fn children(parent: u32) -> Vec<i32> {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_child = |process: &i32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // Behind the name, which may hold anything.
        let parent_of = stat.rsplit_once(") ").and_then(|(_, stat)| stat.split(' ').nth(1)?.parse().ok());
        parent_of == Some(parent)
    };
    processes.filter(is_child).collect()
}

/// Ends within a time, with none of its stages left behind.
fn ends(mut child: Child, pids: &[i32], within: u64) -> Option<i32> {
    let deadline = Instant::now() + Duration::from_secs(within);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "still there");
        sleep(Duration::from_millis(10));
    };
    for pid in pids {
        assert!(kill(Pid::from_raw(*pid), None).is_err(), "{pid} was left behind");
    }
    status.code()
}

#[test]
fn a_signal_to_the_gate_ends_every_stage() {
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 130)] {
        let sandbox = Sandbox::new(POLICY);
        let (child, pids) = start(&sandbox, "zfs send tank/data@syncoid_stuck | mbuffer -q | mbuffer -q", 3);
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        assert_eq!(ends(child, &pids, 4), Some(status));
    }
}

#[test]
fn a_request_that_takes_longer_than_it_may_is_ended_and_the_client_and_the_log_are_told() {
    let sandbox = Sandbox::new(&format!("{POLICY}\n[session]\ntime = \"1s\"\n"));
    let log = sandbox.log();
    for request in
        ["zfs send tank/data@syncoid_stuck | mbuffer -q; zfs list tank/data", "zfs snapshot tank/data@syncoid_stuck"]
    {
        let stages = request.matches('|').count() + 1;
        let (mut child, pids) = start(&sandbox, request, stages);
        let mut stderr = child.stderr.take().unwrap();
        assert_eq!(ends(child, &pids, 30), Some(143), "{request}");
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        assert_eq!(said, "zfs-shell: ended: a request has no more time than this (session.time)\n", "{request}");
        assert!(records(&log).concat().contains(" ended=time status=143 "), "{request}");
        fs::remove_file(sandbox.path("tmp/pids")).unwrap();
    }
    assert_eq!(ask(&sandbox, "zfs snapshot tank/data@syncoid_exit3").status.code(), Some(3), "what takes less is done");
}

#[test]
fn no_more_requests_run_at_once_than_may_and_each_client_has_its_own() {
    let sandbox = Sandbox::new(&format!("{POLICY}\n[session]\ncount = 1\n"));
    sandbox.policy("many", &format!("{POLICY}\n[session]\ncount = 1\n").replace("tank/data", "tank/{client}"));
    let log = sandbox.log();
    let many = |client: &str| {
        let mut command = sandbox.command("", &["/zfs-shell", &format!("many/{client}")]);
        command.env("SSH_ORIGINAL_COMMAND", format!("zfs snapshot tank/{client}@syncoid_exit0")).output().unwrap()
    };
    let (mut child, pids) = start(&sandbox, "zfs snapshot tank/data@syncoid_stuck", 1);
    let refused = ask(&sandbox, "zfs snapshot tank/data@syncoid_report");
    assert_eq!(refused.status.code(), Some(126));
    let reason = "this key has 1 requests at once, as many as it may have (session.count)";
    assert_eq!(stderr(&refused), format!("zfs-shell: refused: {reason}\n"));
    assert!(records(&log).concat().contains(&format!(" decision=refused status=126 reason=\"{reason}\"")));
    assert_eq!(sandbox.read("tmp/report"), "", "it ran");
    assert_eq!(many("data").status.code(), Some(0), "another policy has places of its own");
    drop(child.stdout.take());
    ends(child, &pids, 4);
    assert_eq!(ask(&sandbox, "zfs snapshot tank/data@syncoid_exit0").status.code(), Some(0), "the place is free again");

    // Of the same policy, by what sshd calls it.
    let mut command = sandbox.command("", &["/zfs-shell", "many/laptop"]);
    command.env("SSH_ORIGINAL_COMMAND", "zfs snapshot tank/laptop@syncoid_stuck").stdout(Stdio::piped());
    fs::remove_file(sandbox.path("tmp/pids")).unwrap();
    let child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while sandbox.read("tmp/pids").is_empty() {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(10));
    }
    assert_eq!(many("laptop").status.code(), Some(126));
    assert_eq!(many("nas").status.code(), Some(0));
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    ends(child, &[], 4);
}

#[test]
fn a_stream_goes_no_faster_than_it_may_and_arrives_whole() {
    let sandbox = Sandbox::new(&format!("{POLICY}\n[session]\nrate = \"2MiB\"\n"));
    for request in ["zfs send tank/data@syncoid_data | mbuffer -q", "zfs send tank/data@syncoid_data"] {
        let begun = Instant::now();
        let output = ask(&sandbox, request);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 3_000_000), "{}", stderr(&output));
        // Only the last 64 KiB are not waited for. That it takes longer shows nothing: machines are slow.
        assert!(begun.elapsed() >= Duration::from_millis((3_000_000 - (64 << 10)) * 1000 / (2 << 20)), "{request}");
    }
    let (mut child, pids) = start(&sandbox, "zfs send tank/data@syncoid_endless", 1);
    drop(child.stdout.take());
    ends(child, &pids, 4);
}

#[test]
fn what_is_started_steps_back_as_far_as_the_policy_says() {
    for (session, expected) in [
        ("nice = 7\nio_class = \"idle\"", "7\nidle\n"),
        ("io_class = \"best-effort\"", "0\nbest-effort: prio 7\n"),
        ("nice = 19", "19\nnone: prio 0\n"),
    ] {
        let sandbox = Sandbox::new(&format!("{POLICY}\n[session]\n{session}\n"));
        let output = ask(&sandbox, "zfs snapshot tank/data@syncoid_rank");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", stderr(&output));
    }
}

/// With programs around `zfs snapshot` that tell that they ran; the last takes its time.
fn hooked() -> Sandbox {
    let hooks = "[hooks]\nbefore_snapshot = [\"/stub/freeze\", \"vm 1\"]\nafter_snapshot = [\"/stub/thaw\"]\n";
    let sandbox = Sandbox::new(&format!("{POLICY}\n{hooks}"));
    sandbox.program("freeze", "#!/bin/sh\nprintf 'freeze %s, ' \"$*\" >>/tmp/hooks; echo noise; echo noise >&2\n");
    sandbox.program("thaw", "#!/bin/sh\nprintf begin, >>/tmp/hooks; sleep 1; printf thaw, >>/tmp/hooks; echo noise\n");
    sandbox
}

#[test]
fn what_runs_around_a_snapshot_is_not_heard_and_runs_around_nothing_else() {
    let sandbox = hooked();
    let output = ask(&sandbox, "zfs snapshot tank/data@syncoid_exit3");
    let ended = (output.status.code(), output.stdout.as_slice(), stderr(&output));
    assert_eq!(ended, (Some(3), b"".as_slice(), String::new()));
    assert_eq!(sandbox.read("tmp/hooks"), "freeze vm 1, begin,thaw,");
    assert_eq!(ask(&sandbox, "zfs snapshot tank/data@daily").status.code(), Some(126));
    assert_eq!(ask(&sandbox, "zfs list tank/data").status.code(), Some(0));
    assert_eq!(sandbox.read("tmp/hooks"), "freeze vm 1, begin,thaw,", "for nothing that was refused, and no list");
    // One command, one snapshot of all that it names, one pair of programs.
    assert_eq!(ask(&sandbox, "zfs snapshot tank/data@syncoid_a tank/data/x@syncoid_exit0").status.code(), Some(0));
    assert_eq!(sandbox.read("tmp/hooks"), "freeze vm 1, begin,thaw,".repeat(2));
}

#[test]
fn what_was_frozen_is_thawed_whatever_becomes_of_the_client_and_the_gate() {
    let signal = |child: &Child| kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    for client_goes in [true, false] {
        let sandbox = hooked();
        let (mut child, pids) = start(&sandbox, "zfs snapshot tank/data@syncoid_stuck", 1);
        match client_goes {
            true => drop(child.stdout.take()),
            false => signal(&child),
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while !sandbox.read("tmp/hooks").contains("begin") {
            assert!(Instant::now() < deadline, "{}", sandbox.read("tmp/hooks"));
            sleep(Duration::from_millis(10));
        }
        // Once more, while it thaws.
        signal(&child);
        let status = ends(child, &pids, 10);
        assert!(client_goes || status == Some(143), "{status:?}");
        assert_eq!(sandbox.read("tmp/hooks"), "freeze vm 1, begin,thaw,");
    }
}

#[test]
fn a_signal_that_comes_while_something_is_thawed_ends_the_request_afterwards() {
    let sandbox = hooked();
    let request = "zfs snapshot tank/data@syncoid_exit0; zfs snapshot tank/data@syncoid_exit0";
    let child = gate(&sandbox, "", request).stdout(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !sandbox.read("tmp/hooks").contains("begin") {
        assert!(Instant::now() < deadline, "{}", sandbox.read("tmp/hooks"));
        sleep(Duration::from_millis(10));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(ends(child, &[], 10), Some(143));
    // The second had been begun, if at all, by the first of its programs, and was ended by the last.
    let ran = sandbox.read("tmp/hooks");
    assert_eq!(ran.matches("freeze").count(), ran.matches("thaw").count(), "{ran}");
}

#[test]
fn a_stage_that_heeds_no_signal_is_killed() {
    let sandbox = Sandbox::new(POLICY);
    let (child, pids) = start(&sandbox, "zfs send tank/data@syncoid_deaf | mbuffer -q", 2);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(ends(child, &pids, 9), Some(143));
}

#[test]
fn a_client_that_has_gone_ends_every_stage() {
    for stage in ["stuck", "endless"] {
        let sandbox = Sandbox::new(POLICY);
        let log = sandbox.log();
        let request = format!("zfs send tank/data@syncoid_{stage} | mbuffer -q; zfs snapshot tank/data@syncoid_report");
        let (mut child, pids) = start(&sandbox, &request, 2);
        drop(child.stdout.take());
        ends(child, &pids, 4);
        assert_eq!(sandbox.read("tmp/report"), "", "went on without a client");
        let records = records(&log).concat();
        assert!(records.contains(" ended=client-gone "), "{records}");
    }
}

#[test]
fn a_filter_that_ends_early_ends_the_stream() {
    let sandbox = Sandbox::new(POLICY);
    sandbox.program("zfs", "#!/bin/sh\n[ $1 != get ] || exec echo off\ncat /etc/orders\nexec cat /dev/zero\n");
    sandbox.write("etc/orders", "orders\nmemory\nquit 7\n");
    let output = ask(&sandbox, "zfs send tank/data@syncoid_a | mbuffer -q");
    assert_eq!((output.status.code(), &*output.stdout), (Some(7), &b"memory 1342177280\n"[..]));
}

#[test]
fn a_filter_of_a_pipeline_is_confined_and_zfs_is_too() {
    let sandbox = Sandbox::new(POLICY);
    let orders = ["read /etc/passwd", "tcp 1", "fork", "thread", "capabilities", "no_new_privs", "seccomp"];
    sandbox.write("etc/orders", &format!("orders\n{}\n", orders.join("\n")));
    let lines = |output: Output| -> Vec<String> {
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    };
    let mut expected = ["read /etc/passwd 13", "tcp 1 1", "fork 1", "thread 0", "capabilities 0", "no_new_privs 1"];
    if !zfs_shell::run::missing().is_empty() {
        return eprintln!("SKIPPED: this kernel lacks {:?}", zfs_shell::run::missing());
    }
    let filter = lines(ask(&sandbox, "zfs send tank/data@syncoid_hand | mbuffer -q"));
    assert_eq!(filter, [expected.as_slice(), &["seccomp 2"]].concat());
    // zfs of root: Landlock would keep it from mounting, and it needs its capabilities.
    sandbox.intruder("zfs");
    let zfs = lines(ask(&sandbox, "zfs snapshot tank/data@syncoid_orders"));
    (expected[0], expected[2]) = ("read /etc/passwd 0", "fork 0");
    for (at, line) in expected.iter().enumerate().filter(|(at, _)| *at != 4) {
        // The first line of the orders is none.
        assert_eq!(zfs[at + 1], *line);
    }
    assert_ne!(zfs[5], "capabilities 0");
    // As it does where it is asked too; behind sshd, of another account, it can't.
    ask(&sandbox, "zfs send tank/data@syncoid_a");
    assert!(sandbox.path("tmp/asked").exists());
}

#[test]
fn what_the_kernel_lacks_is_recorded_and_where_it_is_required_nothing_runs() {
    let (files, calls) = (libc::SYS_landlock_create_ruleset.to_string(), libc::SYS_seccomp.to_string());
    let table = [(files.clone(), "files"), (calls.clone(), "calls"), (format!("{files} {calls}"), "files,calls")];
    let request = "zfs snapshot tank/data@syncoid_report";
    let required = format!("{POLICY}\n[sandbox]\nrequired = true\n");
    for (numbers, names) in table {
        let prepare = format!("set -- \"$root/stub/without\" {numbers} -- \"$@\"");
        let served = |policy: &str| {
            let sandbox = Sandbox::new(policy);
            sandbox.intruder("without");
            let log = sandbox.log();
            let output = gate(&sandbox, &prepare, request).output().unwrap();
            (output, records(&log).concat(), sandbox.read("tmp/report"))
        };
        let (output, record, report) = served(POLICY);
        assert!(output.status.success() && !report.is_empty(), "{output:?}");
        assert!(record.contains(" decision=allowed ") && record.ends_with(&format!(" unconfined={names}")), "{record}");
        let (output, record, report) = served(&required);
        assert_eq!((output.status.code(), &*report), (Some(125), ""), "{output:?}");
        assert_eq!(stderr(&output), "zfs-shell: not available, see the log\n");
        assert!(
            record.contains(" decision=broken ") && record.contains("the policy requires what is missing"),
            "{record}"
        );
    }
    if !zfs_shell::run::missing().is_empty() {
        return eprintln!("SKIPPED: this kernel lacks {:?}", zfs_shell::run::missing());
    }
    let sandbox = Sandbox::new(&required);
    let log = sandbox.log();
    assert!(ask(&sandbox, request).status.success());
    let record = records(&log).concat();
    assert!(!record.contains("unconfined"), "{record}");
}

/// That it is entered, and what the kernel makes of it: tests/guest/in/zone.sh.
#[test]
fn without_the_namespace_that_a_policy_wants_nothing_runs() {
    let file = "mkdir -p \"$root/run/zfs-shell\"; file=$root/run/zfs-shell/nas.userns; touch \"$file\"";
    let held = "unshare --user --map-root-user sleep 5 >/dev/null 2>&1 & own=$(readlink /proc/self/ns/user); \
                until [ \"$(readlink /proc/$!/ns/user)\" != \"$own\" ] && grep -q . /proc/$!/uid_map; do sleep 0.1; done; \
                mount --bind /proc/$!/ns/user \"$file\"; kill $!";
    let table = [
        (String::new(), "No such file or directory"),
        (file.to_owned(), "Invalid argument"),
        (format!("{file}; mount --bind /proc/self/ns/uts \"$file\""), "Invalid argument"),
        (format!("{file}; {held}"), "it makes the account root in there"),
        (format!("{file}; rm \"$file\"; ln -s /proc/self/ns/user \"$file\""), "Too many levels of symbolic links"),
    ];
    for (prepare, reason) in table {
        let sandbox = Sandbox::new(&format!("{POLICY}\n[sandbox]\nzone = true\n"));
        let log = sandbox.log();
        let output = gate(&sandbox, &prepare, "zfs snapshot tank/data@syncoid_say").output().unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(125), &b""[..]), "{prepare}: {output:?}");
        assert_eq!(stderr(&output), "zfs-shell: not available, see the log\n");
        let record = records(&log).concat();
        assert!(record.contains("decision=broken status=125 reason=\"cannot enter the user namespace '"), "{record}");
        assert!(record.contains(reason), "{prepare}: {record}");
    }
}

#[test]
fn standard_input_reaches_no_question_of_the_gate() {
    let sandbox = Sandbox::new(POLICY);
    sandbox
        .program("zfs", &sandbox.read("stub/zfs").replace("get*encryption*)", "get*encryption*) cat >>/tmp/stolen;"));
    let mut child =
        gate(&sandbox, "", "zfs send tank/data@syncoid_data >/dev/null").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"secret").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(sandbox.read("tmp/stolen"), "");
}

#[test]
fn a_log_that_is_missing_or_stalled_costs_a_moment() {
    let sandbox = Sandbox::new(POLICY);
    let once = || {
        let start = Instant::now();
        assert_eq!(ask(&sandbox, "zfs snapshot tank/data@syncoid_exit3").status.code(), Some(3));
        start.elapsed()
    };
    let time = || once().min(once()).min(once());
    let missing = time();
    let log = sandbox.log();
    let taken = time();
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"x", sandbox.path("dev/log")).is_ok() {}
    let stalled = time();
    assert!(missing < taken + Duration::from_millis(500), "{missing:?} {taken:?}");
    assert!(stalled < taken + Duration::from_millis(800), "{stalled:?} {taken:?}");
    drop(log);
}

#[test]
fn what_comes_later_in_a_request_is_decided_once_more_when_its_turn_comes() {
    let sandbox = Sandbox::new(POLICY);
    let log = sandbox.log();
    // In the place of a dataset that isn't encrypted there is one that is, once the first snapshot was taken.
    sandbox.program(
        "zfs",
        "#!/bin/sh\ncase \"$*\" in\nget*encryption*) test -e /tmp/moved && echo on || echo off ;;\n\
         snapshot*move) touch /tmp/moved ;;\nsend*) echo stream ;;\nsnapshot*) echo \"$*\" >>/tmp/ran ;;\nesac\n",
    );
    let (still, moves) = ("zfs snapshot tank/data@syncoid_still", "zfs snapshot tank/data@syncoid_move");
    let send = "zfs send tank/data@syncoid_a; zfs snapshot tank/data@syncoid_behind";
    let output = ask(&sandbox, &format!("{still}; {send}"));
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"stream\n"[..]));
    assert_eq!(sandbox.read("tmp/ran").lines().count(), 2);
    records(&log);
    let output = ask(&sandbox, &format!("{moves}; {send}"));
    assert_eq!((output.status.code(), &*output.stdout), (Some(126), &b""[..]));
    assert!(stderr(&output).starts_with("zfs-shell: refused: 'tank/data' is encrypted"), "{output:?}");
    assert_eq!(sandbox.read("tmp/ran").lines().count(), 2, "nothing behind it runs");
    let records = records(&log);
    assert!(
        records[1].contains(" refused=\"'tank/data' is encrypted") && records[1].starts_with("<85>"),
        "{records:?}"
    );
}

#[test]
fn nothing_runs_unrecorded_where_the_policy_says_so() {
    let sandbox = Sandbox::new(&format!("{POLICY}\n[log]\nrequired = true\n"));
    let request = "zfs snapshot tank/data@syncoid_report";
    assert_eq!(ask(&sandbox, request).status.code(), Some(125));
    assert_eq!(sandbox.read("tmp/report"), "");
    let log = sandbox.log();
    assert_eq!(ask(&sandbox, request).status.code(), Some(0));
    assert_eq!(records(&log).len(), 1);
}

#[test]
fn refused_and_hidden_requests_are_recorded_whole_where_the_policy_says_so() {
    let sandbox = Sandbox::new(&format!("{POLICY}\n[log]\ncommands = true\n"));
    let log = sandbox.log();
    ask(&sandbox, "zfs destroy -r tank/data\n# id=1 decision=allowed");
    ask(&sandbox, "zfs snapshot tank/data@mine");
    ask(&sandbox, "zfs list tank/hidden");
    let records = records(&log).join("\n");
    assert!(records.contains(r#"request="zfs list tank/hidden""#), "{records}");
    assert!(records.contains(r#"request="zfs destroy -r tank/data\x0a# id\x3d1 decision\x3dallowed""#), "{records}");
    assert!(records.contains(r#"request="zfs snapshot tank/data@mine""#), "{records}");
}

#[test]
#[cfg(feature = "admin")]
#[expect(clippy::disallowed_methods, reason = "a test of both programs starts the other one")]
fn with_what_was_learned_from_the_log_of_a_trial_the_same_requests_pass() {
    let trial = "[[grant]]\ndatasets = [\"tank/data\"]\n\n[programs]\nzfs = \"/stub/zfs\"\n\n[log]\ncommands = true\n";
    let requests =
        ["zfs snapshot -r 'tank/data'@daily_2026-11-01", "zfs list tank/other; echo -n", "zfs set a:b=c tank/data"];
    let sandbox = Sandbox::new(trial);
    let log = sandbox.log();
    for request in requests {
        assert_ne!(ask(&sandbox, request).status.code(), Some(0), "{request}");
    }
    sandbox.write("tmp/trial.log", &(records(&log).join("\n") + "\n"));
    sandbox.write("tmp/trial.toml", trial);
    let files = ["trial.toml", "trial.log"].map(|name| sandbox.path(&format!("tmp/{name}")));
    let learned = Command::new(env!("CARGO_BIN_EXE_zfs-shell-policy")).args(["learn", "--toml"]).args(files).output();
    let learned = String::from_utf8(learned.unwrap().stdout).unwrap();
    let sandbox = Sandbox::new(&learned);
    for request in requests {
        assert_eq!(ask(&sandbox, request).status.code(), Some(0), "{request}\n{learned}");
    }
    let others = ["zfs snapshot tank/data@weekly_2026-11-01", "zfs list tank/third", "zfs set readonly=off tank/data"];
    for request in others {
        assert_ne!(ask(&sandbox, request).status.code(), Some(0), "{request}\n{learned}");
    }
}

#[test]
fn a_refusal_starts_no_program() {
    let sandbox = Sandbox::new(POLICY);
    for request in [
        "zfs snapshot tank/data@mine",
        "zfs list tank/secret",
        "zfs snapshot tank/data@syncoid_a; rm -rf /",
        "$(reboot)",
        "zfs send tank/data@a | sh",
        "zfs snapshot tank/data@syncoid_a `id`",
        "sudo reboot",
        "mbuffer -o /etc/passwd",
    ] {
        let mut command =
            gate(&sandbox, "set -- strace -f -qq -e trace=process -o \"$root/tmp/trace\" \"$@\"", request);
        let output = command.output().unwrap();
        assert_ne!(output.status.code(), Some(0), "{request}");
        let trace = sandbox.read("tmp/trace");
        assert!(trace.contains("exec"), "strace is missing: {}", stderr(&output));
        let starts = ["execve(", "execveat(", "fork(", "clone(", "clone3("];
        let started: Vec<&str> = trace.lines().filter(|line| starts.iter().any(|call| line.contains(call))).collect();
        // chroot, looked for along PATH, and the gate.
        let real = started.iter().filter(|line| line.ends_with(" = 0")).count();
        assert_eq!(real, 2, "{request}: {started:#?}");
        assert!(
            started.iter().all(|line| line.contains("/chroot\"") || line.contains("\"/zfs-shell\"")),
            "{started:#?}"
        );
    }
}

/// One decision: what the gate records of a request is what the checker makes of it. Where the host is asked, the two
/// may know different facts, so those requests are left out.
#[test]
fn the_gate_records_what_the_checker_says() {
    let text = format!("{}{PROGRAMS}", include_str!("attacks/policy.toml"));
    let decided = |line: &str| line.split_once(" decision=").unwrap().1.to_owned();
    let compare = |rows: &[tables::Row]| {
        let policy = zfs_shell::policy::parse(&text, None).unwrap();
        let who = Who { id: RequestId::new(), policy: Some("nas".to_owned()), client: None, key: None };
        let sandbox = Sandbox::new(&text);
        let log = sandbox.log();
        let mut compared = 0;
        for row in rows.iter().filter(|row| !row.line.contains(&0) && !row.fourth.contains("library only")) {
            let host = Table::parse("programs = [\"zfs\", \"mbuffer\"]").unwrap();
            let outcome = Outcome::of(&zfs_shell::judge(&row.line, &policy, &host));
            let unknown = outcome.reason.as_ref().is_some_and(|reason| reason.starts_with("unknown fact"));
            if unknown || !host.assumed().is_empty() {
                continue;
            }
            let mut command = sandbox.command("", &["/zfs-shell", "nas"]);
            command.env("SSH_ORIGINAL_COMMAND", OsStr::from_bytes(&row.line)).output().unwrap();
            let checked = Record { who: &who, outcome: &outcome, unconfined: &[], request: None }.line();
            assert_eq!(decided(&records(&log)[0]), decided(&checked), "{} {}", row.id, row.third);
            compared += 1;
        }
        compared
    };
    let rows: Vec<tables::Row> = ["must-differ.tsv", "must-refuse.tsv"].into_iter().flat_map(tables::rows).collect();
    let compared: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = rows.chunks(rows.len().div_ceil(4)).map(|rows| scope.spawn(|| compare(rows))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert!(compared > 400, "{compared}");
}

const PROGRAMS: &str =
    "\n[programs]\nzfs = \"/stub/zfs\"\nmbuffer = \"/stub/mbuffer\"\nzpool = \"/none\"\nlzop = \"/none\"
lz4 = \"/none\"\nzstd = \"/none\"\ngzip = \"/none\"\npigz = \"/none\"\nxz = \"/none\"\npv = \"/none\"\n";

#[test]
fn an_answer_reaches_a_slow_client_whole() {
    let sandbox = Sandbox::new(POLICY);
    let mut child = gate(&sandbox, "", "echo a; echo b; zfs snapshot tank/data@syncoid_say; echo c")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(Duration::from_millis(100));
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "a\nb\nout say\nc\n");
    assert!(child.wait().unwrap().success());
}
