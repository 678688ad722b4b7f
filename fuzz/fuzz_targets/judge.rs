//! Whatever the request: a failure runs nothing; what runs has printable words, names no hidden dataset, and would run
//! just so if it were asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::facts::Table;
use zfs_shell::policy::Policy;
use zfs_shell::record::{Outcome, Step};
use zfs_shell::{judge, policy, syntax};

const POLICY: &str = include_str!("../../tests/attacks/policy.toml");
const FACTS: &str = include_str!("../../tests/attacks/facts.toml");

thread_local! {
    static WORLD: (Policy, Table) = (policy::parse(POLICY, None).unwrap(), Table::parse(FACTS).unwrap());
}

fuzz_target!(|line: &[u8]| zfs_shell_fuzz::limited(|| {
    let outcome = WORLD.with(|(policy, host)| Outcome::of(&judge(line, policy, host)));
    assert_eq!(outcome.reason.is_some(), matches!(outcome.decision, "broken" | "refused" | "unknown"));
    assert!(outcome.reason.is_none() || outcome.stages.is_empty());
    for step in &outcome.stages {
        let Step::Exec(words) = step else { continue };
        assert!(words.iter().all(|word| word.bytes().all(|byte| (b' '..=b'~').contains(&byte))), "{words:?}");
        assert!(!words.iter().any(|word| word.split(['@', '#']).next() == Some("tank/secret")), "{words:?}");
        if words.first().is_some_and(|program| program == "zfs" || program == "zpool") {
            let again = syntax::quote(words.iter().map(String::as_str));
            let again = WORLD.with(|(policy, host)| Outcome::of(&judge(again.as_bytes(), policy, host)));
            assert_eq!(again.stages, [step.clone()], "{again:?}");
        }
    }
}));
