//! Whatever the policy and whatever the request, a zero byte between them: a failure runs nothing, and what is
//! hidden runs nothing; what runs is of printable words, names only what a grant covers, and is just what would run
//! if it were asked for; and without a grant, or with one more exception, nothing is allowed that wasn't.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::command::name::Dataset;
use zfs_shell::facts::Table;
use zfs_shell::judge;
use zfs_shell::policy::{FixedExec, Grant, Hooks, Policy, parse};
use zfs_shell::record::{Outcome, Step};
use zfs_shell::syntax::quote;

const FACTS: &str = include_str!("../../tests/attacks/facts.toml");

thread_local! {
    static HOST: Table = Table::parse(FACTS).unwrap();
}

fn decided(line: &[u8], policy: &Policy) -> Outcome {
    let outcome = HOST.with(|host| Outcome::of(&judge(line, policy, host)));
    assert_eq!(outcome.reason.is_some(), matches!(outcome.decision, "broken" | "refused" | "unknown"));
    assert!(outcome.reason.is_none() || outcome.stages.is_empty());
    assert!(outcome.decision != "hidden" || !outcome.stages.iter().any(|step| matches!(step, Step::Exec(_))));
    outcome
}

fn freedom(outcome: &Outcome) -> u8 {
    match outcome.decision {
        "allowed" => 2,
        "kept" => 1,
        _ => 0,
    }
}

/// Without a name nothing is looked at where a grant is of pools that nobody can count, whatever the others are of.
fn is_blind(outcome: &Outcome) -> bool {
    outcome.reason.as_deref() == Some("a grant has a wildcard for the pool: name the dataset")
}

/// The words of zfs or zpool, without the program that gains rights.
fn zfs(words: &[String]) -> Option<&[String]> {
    let words = match words {
        [by, n, end, path, arguments @ ..] if (by == "sudo" || by == "doas") && n == "-n" && end == "--" => {
            assert!(path.starts_with('/'), "{words:?}");
            &words[words.len() - arguments.len() - 1..]
        }
        words => words,
    };
    let name = words.first()?.rsplit('/').next()?;
    (name == "zfs" || name == "zpool").then_some(words)
}

/// Whether a word is a dataset of the host, or something of it, that no grant covers or spells out.
fn is_foreign(word: &str, policy: &Policy) -> bool {
    let name = word.split(['@', '#', '%']).next().unwrap_or_default();
    let Ok(dataset) = Dataset::parse(name) else { return false };
    let own = |grant: &Grant| grant.covers(&dataset) || grant.implies(&dataset);
    ["tank", "backup"].iter().any(|pool| dataset.is_within(&Dataset::parse(pool).unwrap()))
        && !policy.grants.iter().any(own)
}

fuzz_target!(|bytes: &[u8]| zfs_shell_fuzz::limited(|| {
    let Some(place) = bytes.iter().position(|byte| *byte == 0) else { return };
    let (text, line) = (&bytes[..place], &bytes[place + 1..]);
    let Ok(Ok(policy)) = str::from_utf8(text).map(|text| parse(text, None)) else { return };
    let outcome = decided(line, &policy);
    let hooks = policy.hooks.iter().flat_map(Hooks::programs);
    let fixed: Vec<&FixedExec> = policy.commands.iter().map(|command| &command.exec).chain(hooks).collect();
    let unhooked = Policy { hooks: None, ..policy.clone() };
    for step in &outcome.stages {
        let Step::Exec(words) = step else { continue };
        // What the policy itself says word by word.
        if fixed.iter().any(|fixed| fixed.words() == words) {
            continue;
        }
        assert!(words.iter().all(|word| word.bytes().all(|byte| (b' '..=b'~').contains(&byte))), "{words:?}");
        let Some([_, arguments @ ..]) = zfs(words) else { continue };
        let operands = arguments.iter().skip_while(|word| *word != "--");
        assert!(!operands.into_iter().any(|word| is_foreign(word, &policy)), "{words:?}");
        let name = if words.iter().any(|word| word == "zpool" || word.ends_with("/zpool")) { "zpool" } else { "zfs" };
        let again = quote(std::iter::once(name).chain(arguments.iter().map(String::as_str)));
        let again = decided(again.as_bytes(), &unhooked);
        // Asked for alone, what lies above the granted shows nothing without what is below it: `-d 0`.
        let shows_nothing = [Step::Answer(String::new(), String::new(), 0)];
        let is_shallow = words.windows(2).any(|words| words == ["-d", "0"]);
        assert!(again.stages == [step.clone()] || is_shallow && again.stages == shows_nothing, "{step:?}\n{again:?}");
    }
    let without = |grants: Vec<Grant>| Policy { grants: grants.into(), ..policy.clone() };
    let Some((_, fewer)) = policy.grants.split_last() else { return };
    let mut excepted = policy.grants.to_vec();
    let all: Vec<_> = excepted.iter().flat_map(|grant| grant.except.clone()).collect();
    excepted.iter_mut().for_each(|grant| grant.except.clone_from(&all));
    for less in [without(fewer.to_vec()), without(excepted)] {
        let less = decided(line, &less);
        assert!(is_blind(&outcome) || freedom(&less) <= freedom(&outcome), "{less:?}\n{outcome:?}");
    }
}));
