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
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

#[test]
fn the_policy_tool_says_what_it_said_before() {
    trycmd::TestCases::new().case("tests/cmd/*.toml");
}

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
