//! What a person sees of zfs-shell-policy: each file in tests/cmd is a command line with its status and its output.
//! `TRYCMD=overwrite cargo test --test checker` writes them anew; read the difference before you commit it.
#![cfg(feature = "admin")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test of the whole program starts it, and may fail"
)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

#[test]
fn the_policy_tool_says_what_it_said_before() {
    trycmd::TestCases::new().case("tests/cmd/*.toml");
}

/// Of what zfs says only what it gives is understood; the account is looked up with its groups.
#[test]
fn rights_are_compared_with_what_zfs_gives_the_account_and_everyone() {
    if !nix::unistd::geteuid().is_root() {
        return; // what others start is confined, and so is no script
    }
    let directory = tempfile::tempdir().unwrap();
    let (zfs, policy) = (directory.path().join("zfs"), directory.path().join("nas.toml"));
    fs::write(&zfs, ZFS).unwrap();
    fs::set_permissions(&zfs, fs::Permissions::from_mode(0o755)).unwrap();
    let grant = "[[grant]]\nallow = ['send', 'hold', 'rename']\nhold.tags = ['*']\n";
    let text = format!("{grant}datasets = ['tank/data', 'tank/gone']\n[programs]\nzfs = {zfs:?}\n");
    fs::write(&policy, text).unwrap();
    let verify = |account: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zfs-shell-policy"));
        let done = command.args(["allow", "--verify", "--account", account]).arg(&policy).output().unwrap();
        let told = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
        (done.status.code().unwrap(), told.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let (status, told) = verify("nobody");
    assert_eq!(status, 1);
    let rows = |state: &str, dataset: &str| {
        let rows = told.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let rows = rows.filter(|row| row.first() == Some(&state) && row.get(1) == Some(&dataset));
        rows.map(|row| row[2].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows("missing", "tank/data"), ["create", "rename"], "{told:?}");
    assert_eq!(rows("superfluous", "tank/data"), ["snapshot"], "{told:?}");
    assert_eq!(rows("missing", "tank/gone"), ["create", "hold", "mount", "rename", "send"], "{told:?}");
    assert!(told.contains(&"# 'tank/gone' does not exist".to_owned()), "{told:?}");
    let (status, told) = verify("no-such-account");
    assert_eq!((status, told), (2, vec!["zfs-shell-policy: there is no account no-such-account".to_owned()]));
}

/// `nogroup`, or what it is called here, is that of nobody.
const ZFS: &str = r#"#!/bin/sh
[ "$*" = 'allow -- tank/data' ] || { echo "cannot open: dataset does not exist" >&2; exit 1; }
printf '%s\n' '---- Permissions on tank/data ---' 'Local+Descendent permissions:'
printf '\t%s\n' 'user nobody hold,send' 'user root rename' "group $(id -gn nobody) snapshot" 'everyone mount'
"#;

#[test]
fn a_reader_that_goes_away_is_no_news_but_no_success_either() {
    let mut checker = check(&["tests/cmd/files/pull.toml"], Stdio::piped());
    drop(checker.stdout.take());
    // More than all buffers on the way hold; at some point the checker is gone as well.
    let _ = checker.stdin.take().unwrap().write_all("zfs list tank/data\n".repeat(20_000).as_bytes());
    let done = checker.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    assert_eq!(done.status.code(), Some(2));
}

#[test]
#[ignore = "a measurement: cargo test --release --test checker -- --ignored --nocapture"]
fn a_hundred_thousand_commands_a_second_are_judged() {
    let pulls = |path: &Path| path.to_str().is_some_and(|path| path.ends_with("-source.txt"));
    let files = fs::read_dir("tests/corpus").unwrap().map(|entry| entry.unwrap().path()).filter(|path| pulls(path));
    let corpus: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let commands: Vec<&str> = corpus.lines().filter(|line| !line.starts_with('#')).cycle().take(300_000).collect();
    for json in [&[][..], &["--json"]] {
        let arguments = [&["--assume", "tests/attacks/facts.toml", "tests/cmd/files/pull.toml"], json].concat();
        let began = Instant::now();
        let mut checker = check(&arguments, Stdio::null());
        checker.stdin.take().unwrap().write_all((commands.join("\n") + "\n").as_bytes()).unwrap();
        checker.wait().unwrap();
        let rate = commands.len() as f64 / began.elapsed().as_secs_f64();
        println!("{arguments:?}: {rate:.0} commands a second");
        assert!(rate >= 100_000.0, "{rate:.0}");
    }
}

fn check(arguments: &[&str], stdout: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zfs-shell-policy"));
    command.arg("check").args(arguments).stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped());
    command.spawn().unwrap()
}
