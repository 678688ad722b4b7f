//! Laws that hold for every request, tried on what clients send and on mutations of it.

use super::common::{corpus, corpus_host, judge, policy};
use proptest::prelude::*;
use zfs_shell::facts::Table;
use zfs_shell::record::{Outcome, Step};

const GRANTS: [&str; 6] = [
    "role = \"pull-source\"\ndatasets = [\"tank/data\"]",
    "datasets = [\"tank/data\"]\nallow = [\"list\"]",
    "role = \"pull-source\"\ndatasets = [\"tank/data/a\", \"tank/data/b\"]",
    "datasets = [\"tank\"]\nallow = [\"list\", \"send\"]\nscope = \"local\"",
    "role = \"pull-source\"\ndatasets = [\"backup/laptop\"]\nallow = [\"list\", \"destroy\", \"snapshot\"]",
    "role = \"push-target\"\ndatasets = [\"backup/laptop\"]",
];
const EXCEPTIONS: [&str; 3] = ["tank/data/a", "tank/data/my docs:2026", "backup/laptop/tank"];

/// The grants with these numbers, each with these exceptions.
fn written(grants: &[usize], exceptions: &[usize]) -> String {
    let except: Vec<String> = exceptions.iter().map(|place| format!("{:?}", EXCEPTIONS[*place])).collect();
    let except = format!("except = [{}]", except.join(", "));
    grants.iter().map(|place| format!("[[grant]]\n{}\n{except}\n", GRANTS[*place])).collect()
}

fn lines() -> Vec<Vec<u8>> {
    corpus().into_values().flatten().collect()
}

/// How much a decision lets happen.
fn freedom(outcome: &Outcome) -> u8 {
    match outcome.decision {
        "allowed" => 2,
        "kept" => 1,
        _ => 0,
    }
}

/// A plan's programs as a request that asks for just them.
fn asked_again(outcome: &Outcome) -> Option<String> {
    let command = |step: &Step| match step {
        Step::Exec(words) => Some(zfs_shell::syntax::quote(words.iter().map(String::as_str))),
        _ => None,
    };
    let commands: Option<Vec<String>> = outcome.stages.iter().map(command).collect();
    let commands = commands.filter(|commands| !commands.is_empty())?;
    let is = |command: Option<&String>, operation: &str| command.is_some_and(|command| command.starts_with(operation));
    let streams = is(commands.first(), "zfs send") || is(commands.last(), "zfs receive");
    // A filter alone is behind a stream.
    let asked = commands.join(if streams { " | " } else { " ; " });
    Some(asked.replace(" ; pv ", " | pv "))
}

/// Rewriting is done once: what runs is what would run if the client had asked for just that.
#[test]
fn judging_what_was_rendered_gives_the_same_programs() {
    let policy = policy(&written(&[0, 5], &[]));
    let host = corpus_host();
    let mut seen = 0;
    for line in lines() {
        let first = judge(&line, &policy, &host);
        let Some(again) = asked_again(&first).filter(|_| first.decision == "allowed") else { continue };
        let second = judge(again.as_bytes(), &policy, &host);
        assert_eq!(first.stages, second.stages, "{}\n{again}\n{:?}", String::from_utf8_lossy(&line), second.reason);
        seen += 1;
    }
    assert!(seen > 500, "{seen}");
}

/// A failure has a reason and nothing that runs; anything else has no reason.
#[test]
fn a_request_is_decided_whole() {
    let policy = policy(&written(&[0, 3, 5], &[0]));
    let host = corpus_host();
    for line in lines() {
        let outcome = judge(&line, &policy, &host);
        let fails = matches!(outcome.decision, "broken" | "refused" | "unknown");
        assert_eq!(fails, outcome.reason.is_some());
        assert!(!fails || outcome.stages.is_empty());
        let runs = outcome.stages.iter().any(|step| matches!(step, Step::Exec(_)));
        assert!(outcome.decision != "hidden" || !runs);
        // One more command that is not allowed, and nothing of it runs.
        let more = [&line[..], b"\nzfs destroy -r tank/data"].concat();
        assert!(judge(&more, &policy, &host).stages.is_empty(), "{}", String::from_utf8_lossy(&more));
    }
}

/// Hosts that differ in one fact: on the second everything is encrypted, on the third nothing may be known.
fn hosts() -> [Table; 3] {
    let encrypted =
        "[[dataset]]\nname = \"tank\"\nbelow = true\nencryption = \"aes-256-gcm\"\nsnapshots = []\nbookmarks = []\n";
    [corpus_host(), Table::parse(encrypted).unwrap(), Table::default()]
}

#[test]
fn what_depends_on_encryption_is_never_allowed_for_more() {
    let policy = policy(&written(&[0], &[]));
    let [plain, encrypted, unknown] = hosts();
    let sends = |line: &Vec<u8>| line.windows(8).any(|part| part == b"zfs send" || part == b"sendback");
    for line in lines().into_iter().filter(sends) {
        let text = String::from_utf8_lossy(&line).into_owned();
        let free = freedom(&judge(&line, &policy, &plain));
        assert!(freedom(&judge(&line, &policy, &encrypted)) <= free, "{text}");
        assert!(freedom(&judge(&line, &policy, &unknown)) <= free, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Fewer grants or more exceptions never allow more.
    #[test]
    fn less_granted_is_never_more_allowed(
        grants in prop::sample::subsequence((0..GRANTS.len()).collect::<Vec<_>>(), 1..=GRANTS.len()),
        exceptions in prop::sample::subsequence((0..EXCEPTIONS.len()).collect::<Vec<_>>(), 0..EXCEPTIONS.len()),
        drop in any::<prop::sample::Index>(),
        add in 0..EXCEPTIONS.len(),
        picked in prop::collection::vec(any::<prop::sample::Index>(), 60),
    ) {
        let host = corpus_host();
        let lines = lines();
        let all = policy(&written(&grants, &exceptions));
        let mut fewer_grants = grants.clone();
        fewer_grants.remove(drop.index(grants.len()));
        let fewer = policy(&written(&fewer_grants, &exceptions));
        let mut more_exceptions = exceptions.clone();
        more_exceptions.push(add);
        let excepted = policy(&written(&grants, &more_exceptions));
        for place in picked {
            let line = place.get(&lines);
            let free = freedom(&judge(line, &all, &host));
            for less in [&fewer, &excepted] {
                let outcome = judge(line, less, &host);
                prop_assert!(freedom(&outcome) <= free, "{}: {outcome:?}", String::from_utf8_lossy(line));
            }
        }
    }

    /// Whatever the bytes are, there is a decision, and a word of a program is never anything that has no type.
    #[test]
    fn mutations_run_nothing_that_has_no_type(
        place in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let lines = lines();
        let mut line = place.get(&lines).clone();
        for (at, byte) in edits {
            let at = at.index(line.len());
            line[at] = byte;
        }
        let outcome = judge(&line, &policy(&written(&[0, 5], &[])), &corpus_host());
        for step in &outcome.stages {
            if let Step::Exec(words) = step {
                prop_assert!(words.iter().all(|word| word.bytes().all(|byte| (b' '..=b'~').contains(&byte))), "{words:?}");
            }
        }
    }
}
