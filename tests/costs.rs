//! What hostile input costs: of twice as much input no more than two and a half times the memory is asked for, and of
//! 64 KiB no more than 16 MiB, all allocations added up, whether they were given back or not. That is a count, the same
//! in every run, and it bounds the work as far as work goes with memory; the other half, patterns that look back, is
//! bounded in src/policy/pattern.rs.
//!
//! A program of its own, since it counts with an allocator of its own; one test, since that counts what all threads do.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails panics; clippy knows that of functions marked as tests alone"
)]

use std::alloc::System;
use std::cell::Cell;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use zfs_shell::command::token::Token;
use zfs_shell::facts::Table;
use zfs_shell::policy::{DatasetPattern, Names, Policy};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const KIB: usize = 1024;
const MOST: usize = 16 * KIB * KIB;
/// What doesn't grow with the input.
const BASE: usize = 64 * KIB;

#[test]
fn hostile_input_costs_memory_in_proportion_to_its_length() {
    let highest = Cell::new((0, String::new()));
    let each = |what: &str, hostile: &dyn Fn(usize) -> String, read: &dyn Fn(&str)| {
        let costs = [16, 32, 64].map(|length| {
            let text = hostile(length * KIB);
            assert!(text.len() >= length * KIB && text.len() < (length + 1) * KIB, "{what}: {}", text.len());
            let region = Region::new(ALLOCATOR);
            read(&text);
            region.change().bytes_allocated
        });
        for [half, whole] in [[costs[0], costs[1]], [costs[1], costs[2]]] {
            assert!(whole <= BASE.max(half) * 5 / 2, "{what}: {costs:?}");
        }
        assert!(costs[2] <= MOST, "{what}: {costs:?}");
        let (most, of) = highest.take();
        highest.set(if costs[2] > most { (costs[2], what.to_owned()) } else { (most, of) });
    };
    let policy = policy();
    let host = Table::parse("[[dataset]]\nname = \"tank/data\"\nbelow = true\nencryption = \"off\"\nsnapshots = []\n")
        .unwrap();
    for (begin, part, end) in REQUESTS {
        let line = |length: usize| filled(begin, part, end, length);
        each(&format!("request {begin}{part}{end}"), &line, &|line| {
            let _ = zfs_shell::judge(line.as_bytes(), &policy, &host);
        });
    }
    for (begin, part, end) in POLICIES {
        let text = |length: usize| filled(begin, part, end, length);
        each(&format!("policy {begin}{part}{end}"), &text, &|text| {
            let _ = zfs_shell::policy::parse(text, None);
        });
    }
    for (begin, part, end) in [("1-0-ffff-", "00", ""), ("1-", "-", ""), ("1-0-", "0", ""), ("", "1-", "")] {
        let text = |length: usize| filled(begin, part, end, length);
        each(&format!("token {begin}{part}{end}"), &text, &|text| assert!(Token::parse(text).is_err()));
    }
    for part in ["a", "*", "?", "[a]", "[", "[a-", "a/", "*/", "*a"] {
        let text = |length: usize| filled("", part, "", length);
        each(&format!("pattern {part}"), &text, &|text| {
            let _ = (Names::parse([text]), DatasetPattern::parse(text));
        });
    }
    let (most, of) = highest.take();
    println!("at most {most} bytes are asked for, for {of:?}");
    assert!(most > 64 * KIB, "something costs more than nothing, or nothing is counted");
}

fn policy() -> Policy {
    let grant = |role: &str, dataset: &str| format!("[[grant]]\nrole = \"{role}\"\ndatasets = [\"{dataset}\"]\n");
    let text = grant("pull-source", "tank/data") + &grant("push-target", "backup/laptop");
    zfs_shell::policy::parse(&text, None).unwrap()
}

/// So many bytes, and the rest of the last part.
fn filled(begin: &str, part: &str, end: &str, length: usize) -> String {
    let room = length.saturating_sub(begin.len() + end.len());
    format!("{begin}{}{end}", part.repeat(room.div_ceil(part.len())))
}

/// How it begins, what is repeated, how it ends.
const REQUESTS: [(&str, &str, &str); 44] = [
    ("", "a", ""),
    ("", "a ", ""),
    ("", " ", ""),
    ("", "\n", ""),
    ("", "'", ""),
    ("", "\"", ""),
    ("", "''", ""),
    ("", "\\a", ""),
    ("", "a'b'\"c\"", ""),
    ("", "$(", ""),
    ("", "(", ""),
    ("", "2", ""),
    ("", "2>&1 ", ""),
    ("", ">/dev/null ", ""),
    ("", "a|", ""),
    ("", "a;", "a"),
    ("", "a&&", "a"),
    ("", "if a; then ", ""),
    ("", "if a; then b; fi;", ""),
    ("", "sh -c '", ""),
    ("", "sh -c \"\\\"", ""),
    ("sh -c 'a ", "b ", "'"),
    ("sh -c 'sh -c \"a ", "b ", "\"'"),
    ("sh -c '", "'\\''", "'"),
    ("a \"", "\\\\", "\""),
    ("a '", "é", "'"),
    ("exec 3>&1; eval $(", "{ a 4>&-; } | ", ""),
    ("(", "zfs list", " & PID=$!"),
    ("zfs list ", "tank/data ", ""),
    ("zfs list -o ", "name,", "name tank/data"),
    ("zfs list -", "r", " tank/data"),
    ("zfs get ", "all,", "all tank/data"),
    ("zfs get all ", "tank/data@a ", ""),
    ("zfs destroy tank/data@", "syncoid_a,", "syncoid_b"),
    ("zfs destroy tank/data@", "a%b,", "a"),
    ("zfs destroy tank/data@", "%", ""),
    ("zfs snapshot ", "tank/data@syncoid_a ", ""),
    ("zfs hold syncoid_a ", "tank/data@syncoid_a ", ""),
    ("zfs list tank/", "a/", "a"),
    ("zfs receive ", "-o a=b ", "backup/laptop/a"),
    ("zfs receive -o a=", "b", " backup/laptop/a"),
    ("zfs send -t 1-0-ffff-", "00", ""),
    ("echo ", "a ", ""),
    ("printf '", "%s", "' a"),
];

const POLICIES: [(&str, &str, &str); 22] = [
    ("", "[[grant]]\n", ""),
    ("", "[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank\"]\n", ""),
    ("", "[[grant]]\nrole = \"push-target\"\ndatasets = [\"tank\"]\n", ""),
    ("", "[[grant.destroy]]\n", ""),
    ("[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank\"]\n", "[[grant.destroy]]\nnames = [\"*\"]\n", ""),
    ("[[grant]]\ndatasets = [", "\"tank\",", "]\n"),
    ("[[grant]]\ndatasets = [", "\"tank/*\",", "]\n"),
    ("[[grant]]\ndatasets = [\"", "*a", "\"]\n"),
    ("[[grant]]\ndatasets = [\"", "a/", "a\"]\n"),
    ("[[grant]]\nallow = [", "\"list\",", "]\n"),
    ("", "[", ""),
    ("", "[[", ""),
    ("a = ", "[", ""),
    ("a = ", "{a=", ""),
    ("", "a.", ""),
    ("", "#\n", ""),
    ("", "\n", ""),
    ("a = \"", "a", ""),
    ("a = \"", "\\u0041", "\""),
    ("a = \"\"\"", "\n", ""),
    ("a = ", "9", ""),
    ("", "é", ""),
];
