//! Whatever the request: a failure runs nothing; what runs has printable words, names no hidden dataset, and would run
//! just so if it were asked for.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zfs_shell::facts::Table;
use zfs_shell::record::{Outcome, Step};
use zfs_shell::{judge, policy, syntax};

const POLICY: &str = include_str!("../../tests/attacks/policy.toml");
const FACTS: &str = include_str!("../../tests/attacks/facts.toml");

fuzz_target!(|line: &[u8]| {
    static WRITTEN: LazyLock<(String, String)> = LazyLock::new(|| (POLICY.to_owned(), FACTS.to_owned()));
    let (policy, host) = (policy::parse(&WRITTEN.0, None).unwrap(), Table::parse(&WRITTEN.1).unwrap());
    let outcome = Outcome::of(&judge(line, &policy, &host));
    assert_eq!(outcome.reason.is_some(), matches!(outcome.decision, "broken" | "refused" | "unknown"));
    assert!(outcome.reason.is_none() || outcome.stages.is_empty());
    for step in &outcome.stages {
        let Step::Exec(words) = step else { continue };
        assert!(words.iter().all(|word| word.bytes().all(|byte| (b' '..=b'~').contains(&byte))), "{words:?}");
        assert!(!words.iter().any(|word| word.contains("tank/secret")), "{words:?}");
        if words.first().is_some_and(|program| program == "zfs" || program == "zpool") {
            let again = Outcome::of(&judge(syntax::quote(words.iter().map(String::as_str)).as_bytes(), &policy, &host));
            assert_eq!(again.stages, [step.clone()], "{again:?}");
        }
    }
});
