//! Laws that hold for every request, tried on what clients send and on mutations of it.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use super::common::{corpus, corpus_host, judge, policy, read};
use super::tables::rows;
use proptest::prelude::*;
use zfs_shell::command::name::Dataset;
use zfs_shell::facts::Table;
use zfs_shell::host::Host as _;
use zfs_shell::policy::Policy;
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

/// How much a decision lets happen, where something happens: an answer tells what the grants say themselves.
fn deeds(outcome: &Outcome) -> u8 {
    let runs = outcome.stages.iter().any(|step| matches!(step, Step::Exec(_)));
    if runs { freedom(outcome) } else { 0 }
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

/// For each key that a stricter value has: the role, the key's table, a value and a stricter one, and a request that
/// shows the difference.
const STRICTER: [(&str, &str, &str, &str, &str); 32] = [
    ("pull-source", "", "scope = \"both\"", "scope = \"local\"", "zfs list tank/data/x"),
    ("pull-source", "", "scope = \"both\"", "scope = \"descendents\"", "zfs send tank/data@a"),
    ("pull-source", "", "except = []", "except = [\"tank/data/a\"]", "zfs list tank/data/a"),
    ("pull-source", "", "", "allow = [\"list\", \"destroy\"]", "zfs send tank/data@a"),
    ("pull-source", "", "until = 2027-01-01T00:00:00Z", "until = 2020-01-01T00:00:00Z", "zfs list tank/data"),
    ("pull-source", "", "", "between = [\"00:00\", \"00:01\"]", "zfs list tank/data"),
    ("pull-source", "[grant.send]", "raw = \"encrypted\"", "raw = \"always\"", "zfs send tank/data@a"),
    ("pull-source", "[grant.send]", "raw = \"any\"", "raw = \"always\"", "zfs send tank/data@a"),
    ("pull-source", "[grant.send]", "raw = \"any\"", "raw = \"never\"", "zfs send -w tank/data@a"),
    ("pull-source", "[grant.send]", "replicate = true", "replicate = false", "zfs send -R tank/data@a"),
    ("pull-source", "[grant.send]", "properties = true", "properties = false", "zfs send -p tank/data@a"),
    ("pull-source", "[grant.snapshot]", "names = [\"*\"]", "names = [\"syncoid_*\"]", "zfs snapshot tank/data@x"),
    ("pull-source", "[grant.snapshot]", "recursive = true", "recursive = false", "zfs snapshot -r tank/data@syncoid_x"),
    (
        "pull-source",
        "[grant.snapshot]",
        "properties = [\"*\"]",
        "properties = []",
        "zfs snapshot -o a:b=c tank/data@syncoid_x",
    ),
    ("pull-source", "[grant.bookmark]", "names = [\"*\"]", "names = [\"x*\"]", "zfs bookmark tank/data@a tank/data#a"),
    ("pull-source", "[grant.bookmark]", "max = 500", "max = 0", "zfs bookmark tank/data@a tank/data#new"),
    ("pull-source", "[grant.hold]", "tags = [\"*\"]", "tags = [\"syncoid_*\"]", "zfs hold x tank/data@a"),
    ("pull-source", "[grant.hold]", "max = 4", "max = 0", "zfs hold syncoid_a tank/data@a"),
    ("pull-source", "[[grant.destroy]]", "names = [\"*\"]", "names = [\"x*\"]", "zfs destroy tank/data@a"),
    (
        "pull-source",
        "[[grant.destroy]]\nnames = [\"*\"]",
        "min_age = \"0d\"",
        "min_age = \"9999d\"",
        "zfs destroy tank/data@a",
    ),
    ("pull-source", "[[grant.destroy]]\nnames = [\"*\"]", "keep = 1", "keep = 9999", "zfs destroy tank/data@a"),
    (
        "pull-source",
        "[[grant.destroy]]\nnames = [\"*\"]",
        "floor = {}",
        "floor = { daily = 9999, weekly = 9999 }",
        "zfs destroy tank/data@a",
    ),
    ("pull-source", "[[grant.destroy]]", "bookmarks = [\"*\"]", "bookmarks = []", "zfs destroy tank/data#a"),
    ("push-target", "[grant.receive]", "names = [\"*\"]", "names = [\"syncoid_*\"]", "zfs receive backup/laptop/x@a"),
    ("push-target", "[grant.receive]", "depth = 8", "depth = 1", "zfs receive backup/laptop/x/y"),
    ("push-target", "[grant.receive]", "force = \"safe\"", "force = \"refuse\"", "zfs receive -F backup/laptop/x"),
    (
        "push-target",
        "[grant.receive]",
        "rollback = \"latest\"",
        "rollback = \"refuse\"",
        "zfs rollback backup/laptop@newest",
    ),
    (
        "push-target",
        "[grant.receive]",
        "rollback = \"allow\"",
        "rollback = \"latest\"",
        "zfs rollback -r backup/laptop@a",
    ),
    ("push-target", "[grant.receive]", "abort = true", "abort = false", "zfs receive -A backup/laptop/x"),
    ("push-target", "[grant.receive]", "create = true", "create = false", "zfs create backup/laptop/new"),
    (
        "push-target",
        "[grant.receive]",
        "client_may_set = [\"*\"]",
        "client_may_set = []",
        "zfs receive -o compression=lz4 backup/laptop/x",
    ),
    (
        "pull-source",
        "",
        "[filters]\nallow = [\"lzop\", \"mbuffer\", \"pv\"]",
        "[filters]\nallow = [\"mbuffer\"]",
        "zfs send tank/data@a | lzop",
    ),
];

/// The request of [`STRICTER`], with the snapshot that arrived last in the place of `@newest`.
fn shows(line: &str, host: &Table) -> Vec<u8> {
    let census = host.snapshots(&Dataset::parse("backup/laptop").unwrap()).unwrap().unwrap();
    line.replace("@newest", &format!("@{}", census.last().unwrap().name)).into_bytes()
}

/// What clients and attackers send, each once.
fn requests() -> BTreeSet<Vec<u8>> {
    let attacks = ["must-refuse.tsv", "must-differ.tsv"].into_iter().flat_map(rows).map(|row| row.line);
    lines().into_iter().chain(attacks).collect()
}

/// The snapshots and datasets that are destroyed.
fn taken(outcome: &Outcome) -> BTreeSet<String> {
    let words = outcome.stages.iter().filter_map(|step| match step {
        Step::Exec(words) if words.get(1).is_some_and(|word| word == "destroy") => words.last(),
        _ => None,
    });
    words
        .flat_map(|victims| {
            let (dataset, names) = victims.split_once('@').unwrap_or((victims, ""));
            names.split(',').map(move |name| format!("{dataset}@{name}"))
        })
        .collect()
}

#[test]
fn a_stricter_value_never_allows_more() {
    let host = corpus_host();
    let lines = requests();
    for (place, (role, table, loose, strict, line)) in STRICTER.into_iter().enumerate() {
        let of = |value: &str| {
            let datasets = "[\"tank/data\", \"backup/laptop\"]";
            policy(&format!("[[grant]]\nrole = \"{role}\"\ndatasets = {datasets}\n{table}\n{value}\n"))
        };
        let (loose, strict) = (of(loose), of(strict));
        let [more, less] = [&loose, &strict].map(|policy| judge(&shows(line, &host), policy, &host));
        assert!(deeds(&less) < deeds(&more), "{table} {line}: {more:?} {less:?}");
        // A fourth of the requests for each, and another one for the next.
        for line in lines.iter().skip(place % 4).step_by(4) {
            let [more, less] = [&loose, &strict].map(|policy| judge(line, policy, &host));
            assert!(deeds(&less) <= deeds(&more), "{table} {}: {less:?}", String::from_utf8_lossy(line));
            assert!(taken(&less).is_subset(&taken(&more)), "{table}: {less:?}");
        }
    }
}

/// A host of which one kind of fact after the other isn't known, and then none at all.
#[test]
fn what_is_not_known_is_never_allowed_for_more() {
    let policies = [policy(&written(&[0, 5], &[])), policy(&read("attacks/policy.toml"))];
    let facts = [
        "encryption = \"off\"\n",
        "snapshots = [{ name = \"syncoid_a\", creation = 2026-01-01T00:00:00Z, createtxg = 1, guid = 1 }]\n",
        "bookmarks = [{ name = \"syncoid_a\", guid = 1 }]\n",
        "type = \"filesystem\"\n",
        "properties = { setuid = \"off\", devices = \"off\", mountpoint = \"none\", written = 0, referenced = 0 }\n",
    ];
    let host = |facts: &[&str]| {
        let dataset = |name| format!("[[dataset]]\nname = \"{name}\"\nbelow = true\n{}", facts.concat());
        Table::parse(&(dataset("tank/data") + &dataset("backup/laptop"))).unwrap()
    };
    let now = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
    let known = host(&facts).at(now);
    let less: Vec<Table> = (0..facts.len())
        .map(|left_out| {
            let mut fewer = facts.to_vec();
            fewer.remove(left_out);
            host(&fewer).at(now)
        })
        .chain([Table::default().at(now)])
        .collect();
    let mut differ = vec![0; less.len()];
    for line in requests() {
        for policy in &policies {
            let more = judge(&line, policy, &known);
            for (host, differ) in less.iter().zip(&mut differ) {
                let outcome = judge(&line, policy, host);
                let text = String::from_utf8_lossy(&line);
                assert!(deeds(&outcome) <= deeds(&more), "{text}: {outcome:?}");
                assert!(taken(&outcome).is_subset(&taken(&more)), "{text}: {outcome:?}");
                *differ += usize::from(deeds(&outcome) < deeds(&more));
            }
        }
    }
    assert!(differ.iter().all(|count| *count > 0), "each is needed for something: {differ:?}");
}

/// Snapshots of tank/data in the order of arrival, each dated on a day of November 2026.
type Present = Vec<(String, u8)>;

/// What of them would go if all were asked to, at noon of the 28th.
fn would_go(policy: &Policy, present: &Present) -> BTreeSet<String> {
    let snapshot = |(place, (name, day)): (usize, &(String, u8))| {
        let creation = format!("2026-11-{day:02}T06:00:00Z");
        format!("{{ name = \"{name}\", creation = {creation}, createtxg = {place}, guid = {} }},", place + 1)
    };
    let snapshots: String = present.iter().enumerate().map(snapshot).collect();
    let host = Table::parse(&format!("[[dataset]]\nname = \"tank/data\"\nsnapshots = [{snapshots}]\n")).unwrap();
    let host = host.at(UNIX_EPOCH + Duration::from_secs(20_785 * 86_400 + 43_200));
    let names: Vec<&str> = present.iter().map(|(name, _)| name.as_str()).collect();
    let outcome = judge(format!("zfs destroy tank/data@{}", names.join(",")).as_bytes(), policy, &host);
    assert!(outcome.reason.is_none(), "{outcome:?}");
    taken(&outcome).iter().map(|taken| taken.rsplit('@').next().unwrap().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The laws of the deletion guard, from the bytes of requests on. Requests are decided at some moment and carried
    /// out later, in pieces, among others and among arrivals: nothing goes that would be kept by then; what goes lets
    /// nothing else go; and the newest stays.
    #[test]
    fn deletions_take_nothing_that_is_kept_when_they_get_to_it(
        keep in 1..4_u8,
        days in 0..6_u8,
        floor in (0..9_u8, 0..4_u8, 0..2_u8),
        dates in prop::collection::vec(1..29_u8, 2..9),
        arrivals in prop::collection::vec(1..29_u8, 0..6),
        events in prop::collection::vec((0..3_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 4..24),
    ) {
        let (daily, weekly, monthly) = floor;
        let policy = policy(&format!(
            "[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank/data\"]\n[[grant.destroy]]\nnames = [\"*\"]\nkeep = {keep}\n\
             min_age = \"{days}d\"\nfloor = {{ daily = {daily}, weekly = {weekly}, monthly = {monthly} }}\n"
        ));
        let mut present: Present = dates.iter().enumerate().map(|(place, day)| (format!("s{place}"), *day)).collect();
        let mut arrivals = arrivals.into_iter().enumerate();
        let mut decided: Vec<Vec<String>> = Vec::new();
        for (event, request, victim) in events {
            let goes = would_go(&policy, &present);
            prop_assert!(!goes.contains(&present.last().unwrap().0), "the newest of {present:?}");
            match event {
                0 => decided.push(goes.into_iter().collect()),
                1 => present.extend(arrivals.next().map(|(place, day)| (format!("x{place}"), day))),
                _ => {
                    let there = |name: &&String| present.iter().any(|(present, _)| present == *name);
                    let pending: Vec<&String> = match decided.is_empty() {
                        true => continue,
                        false => request.get(&decided).iter().filter(there).collect(),
                    };
                    if pending.is_empty() {
                        continue;
                    }
                    let victim = (*victim.get(&pending)).clone();
                    prop_assert!(goes.contains(&victim), "{victim} of {present:?}");
                    present.retain(|(name, _)| *name != victim);
                    prop_assert!(would_go(&policy, &present).is_subset(&goes), "without {victim}: {present:?}");
                }
            }
        }
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
