//! Laws of policies, and that the files in policy/ are what they say they are.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test that fails panics; clippy knows that of functions marked as tests alone"
)]

use std::time::SystemTime;

use proptest::prelude::*;
use zfs_shell::command::name::{Component, Dataset};
use zfs_shell::policy::{
    DatasetPattern, Force, Grant, Names, Operation, Policy, PolicyName, Raw, Rollback, Scope, explain, open_path, parse,
};

/// Few letters and few levels, so that patterns meet datasets.
fn dataset() -> impl Strategy<Value = Dataset> {
    let name = prop_oneof![Just("a"), Just("b"), Just("ab"), Just("ba"), Just("abc")];
    prop::collection::vec(name, 1..4).prop_map(|names| Dataset::parse(&names.join("/")).unwrap())
}

fn name_pattern() -> impl Strategy<Value = String> {
    let element = prop_oneof![
        4 => prop_oneof![Just("a"), Just("b"), Just("c")],
        2 => prop_oneof![Just("*"), Just("?"), Just("[ab]"), Just("[!a]"), Just("[b-c]")],
    ];
    prop::collection::vec(element, 1..5).prop_map(|elements| elements.concat())
}

fn dataset_pattern() -> impl Strategy<Value = String> {
    let whole = prop::collection::vec(name_pattern(), 1..4).prop_map(|names| names.join("/"));
    prop_oneof![whole, dataset().prop_map(|dataset| dataset.to_string())]
}

fn scope() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("both"), Just("local"), Just("descendents")]
}

/// The text of one grant.
fn grant(datasets: &[String], except: &[String], scope: &str) -> String {
    format!("[[grant]]\nrole = \"pull-source\"\ndatasets = {datasets:?}\nexcept = {except:?}\nscope = \"{scope}\"\n")
}

fn grants() -> impl Strategy<Value = Vec<String>> {
    let patterns = |range| prop::collection::vec(dataset_pattern(), range);
    let one = (patterns(1..4), patterns(0..3), scope())
        .prop_map(|(datasets, except, scope)| grant(&datasets, &except, scope));
    prop::collection::vec(one, 1..4)
}

fn policy(text: &str) -> Policy {
    parse(text, None).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// fnmatch(3) as one would write it down, for one component.
fn reference(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        ([b'*', pattern @ ..], _) => (0..=name.len()).any(|taken| reference(pattern, &name[taken..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => reference(pattern, name),
        ([b'[', inside @ ..], [byte, name @ ..]) => {
            let end = inside.iter().position(|byte| *byte == b']').unwrap();
            let takes = match &inside[..end] {
                b"ab" => [b'a', b'b'].contains(byte),
                b"!a" => *byte != b'a',
                b"b-c" => [b'b', b'c'].contains(byte),
                _ => unreachable!(),
            };
            takes && reference(&inside[end + 1..], name)
        }
        ([literal, pattern @ ..], [byte, name @ ..]) => literal == byte && reference(pattern, name),
        (_, []) => false,
    }
}

proptest! {
    #[test]
    fn a_name_matches_as_in_a_plain_reading_of_fnmatch(pattern in name_pattern(), name in "[abc]{0,8}") {
        let names = Names::parse([pattern.as_str()]).unwrap();
        prop_assert_eq!(names.matches(&name), reference(pattern.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn a_dataset_is_covered_as_its_components_match(pattern in dataset_pattern(), dataset in dataset()) {
        let patterns: Vec<_> = pattern.split('/').collect();
        let names: Vec<_> = dataset.components().collect();
        let matched = patterns.len() <= names.len()
            && patterns.iter().zip(&names).all(|(pattern, name)| reference(pattern.as_bytes(), name.as_bytes()));
        let same = patterns.len() == names.len();
        let pattern = DatasetPattern::parse(&pattern).unwrap();
        prop_assert_eq!(pattern.covers(&dataset, Scope::Both), matched);
        prop_assert_eq!(pattern.covers(&dataset, Scope::Local), matched && same);
        prop_assert_eq!(pattern.covers(&dataset, Scope::Descendents), matched && !same);
    }

    #[test]
    fn more_exceptions_never_cover_more(
        datasets in prop::collection::vec(dataset_pattern(), 1..4),
        except in prop::collection::vec(dataset_pattern(), 0..3),
        more in dataset_pattern(),
        scope in scope(),
        dataset in dataset(),
    ) {
        let wide = policy(&grant(&datasets, &except, scope));
        let narrow = policy(&grant(&datasets, &[except, vec![more]].concat(), scope));
        prop_assert!(wide.grants[0].covers(&dataset) || !narrow.grants[0].covers(&dataset));
        prop_assert!(wide.grants[0].covers_subtree(&dataset) || !narrow.grants[0].covers_subtree(&dataset));
    }

    #[test]
    fn fewer_grants_never_cover_more(grants in grants(), left_out in any::<prop::sample::Index>(), dataset in dataset()) {
        let mut fewer = grants.clone();
        fewer.remove(left_out.index(grants.len()));
        let now = SystemTime::UNIX_EPOCH;
        let (all, fewer) = (policy(&grants.concat()), policy(&fewer.concat()));
        let covers = |policy: &Policy| policy.grants.iter().any(|grant| grant.covers(&dataset) && grant.holds_at(now));
        prop_assert!(covers(&all) || !covers(&fewer));
    }

    #[test]
    fn a_covered_subtree_has_nothing_in_it_that_is_not_covered(grants in grants(), top in dataset(), below in dataset()) {
        let below = Dataset::parse(&format!("{top}/{below}")).unwrap();
        for grant in policy(&grants.concat()).grants.iter() {
            if grant.covers_subtree(&top) {
                prop_assert!(grant.covers(&top) && grant.covers(&below));
            }
        }
    }

    #[test]
    fn what_can_not_match_below_matches_nothing_below(pattern in dataset_pattern(), top in dataset(), below in dataset()) {
        let pattern = DatasetPattern::parse(&pattern).unwrap();
        let below = Dataset::parse(&format!("{top}/{below}")).unwrap();
        prop_assert!(pattern.may_match_below(&top) || !pattern.covers(&below, Scope::Local));
    }

    #[test]
    fn any_text_is_a_policy_or_has_an_error_in_it(text in "(\\PC|\n){0,200}") {
        if let Err(error) = parse(&text, None) {
            prop_assert!(text.get(error.span).is_some());
            prop_assert!(!error.message.contains('\n'));
        }
    }

    #[test]
    fn any_text_as_a_pattern_is_taken_or_refused(text in "\\PC{0,40}", name in "[ -~]{0,40}") {
        if let Ok(names) = Names::parse([text.as_str()]) {
            names.matches(&name);
        }
        let _ = DatasetPattern::parse(&text);
    }
}

/// A ready-made policy, as for the client where it is for clients.
fn ready(file: &str, client: Option<&str>) -> Policy {
    let text = open_path(format!("{}/policy/{file}", env!("CARGO_MANIFEST_DIR")).as_ref()).unwrap();
    let client = client.map(|client| Component::parse(client).unwrap());
    assert!(explain(&text, client.as_ref()).is_ok(), "{file}");
    parse(&text, client.as_ref()).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn every_ready_made_policy_has_a_policy_s_name_and_is_one() {
    let directory = format!("{}/policy", env!("CARGO_MANIFEST_DIR"));
    let mut files = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        assert!(PolicyName::parse(file.strip_suffix(".toml").unwrap()).is_ok());
        ready(&file, file.ends_with("-many.toml").then_some("laptop"));
        files += 1;
    }
    assert!(files >= 16);
}

#[test]
fn ready_made_policies_allow_what_they_say() {
    let dataset = |name| Dataset::parse(name).unwrap();

    let pull = &ready("pull.toml", None).grants[0];
    assert!(pull.covers_subtree(&dataset("tank/home")) && !pull.covers(&dataset("tank")));

    let mirror = &ready("pull-mirror.toml", None).grants[0];
    let allowed: Vec<_> = Operation::ALL.into_iter().filter(|operation| mirror.allow.has(*operation)).collect();
    assert_eq!(allowed, [Operation::Bookmark, Operation::List, Operation::Send]);
    assert!(mirror.covers(&dataset("tank/vm-1/disk")));

    assert_eq!(ready("pull-encrypted.toml", None).grants[0].send.raw, Raw::Always);

    let bzfs = &ready("pull-bzfs.toml", None).grants[0];
    let snapshot = "zvm_offsite_2026-11-21_03:22:04_daily";
    assert!(bzfs.snapshot.names.matches(snapshot) && !bzfs.snapshot.names.matches("bzfs_a"));
    let [history, bookmarks] = &*bzfs.destroy else { panic!() };
    assert!(history.names.matches(snapshot) && (history.floor.daily, history.floor.weekly) == (7, 4));
    assert!(bookmarks.bookmarks.matches(&format!(".TMPBZFS.{snapshot}.AAAA")) && !bookmarks.names.matches(snapshot));

    assert!(bookmarks.bookmarks.matches("zvm_offsite_2026-11-21_03:22:04_1019_daily"));

    let names = &ready("pull-names.toml", None).grants[0];
    let floor =
        |grant: &Grant| grant.destroy.iter().map(|rule| (rule.floor.daily, rule.floor.weekly)).collect::<Vec<_>>();
    assert_eq!(floor(names), [(7, 4)]);

    let zettarepl = &ready("pull-zettarepl.toml", None).grants[0];
    let allowed: Vec<_> = Operation::ALL.into_iter().filter(|operation| zettarepl.allow.has(*operation)).collect();
    assert_eq!((allowed, zettarepl.send.replicate), (vec![Operation::List, Operation::Send], true));
    assert_eq!(zettarepl.send.raw, Raw::Encrypted);

    let many = &ready("pull-many.toml", Some("laptop")).grants[0];
    assert!(many.covers(&dataset("tank/hosts/laptop/x")) && !many.covers(&dataset("tank/hosts/desk")));
    assert!(many.hold.tags.matches("zfs_autobackup:laptop") && !many.hold.tags.matches("zfs_autobackup:desk"));

    let night = &ready("pull-night.toml", None).grants[0];
    let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    assert!(night.holds_at(at(3600)) && night.holds_at(at(5 * 3600 - 1)));
    assert!(!night.holds_at(at(3599)) && !night.holds_at(at(5 * 3600)) && !night.holds_at(at(1_798_761_600 + 3600)));
}

#[test]
fn ready_made_policies_for_a_push_let_in_what_they_say_and_nothing_out() {
    let dataset = |name| Dataset::parse(name).unwrap();
    let files = [
        "push",
        "push-raw",
        "push-append",
        "push-many",
        "push-bzfs",
        "push-names",
        "push-properties",
        "push-zettarepl",
    ];
    let grants = files.map(|file| {
        let grant = ready(&format!("{file}.toml"), (file == "push-many").then_some("laptop")).grants[0].clone();
        assert!(grant.covers_subtree(&dataset("backup/laptop")) && !grant.covers(&dataset("backup/desk")));
        assert!(grant.allow.has(Operation::Receive) && !grant.allow.has(Operation::Send));
        assert_eq!((grant.receive.force, grant.receive.require.len()), (Force::Safe, 3));
        assert!(!grant.receive.mount && grant.receive.stream.max_bytes.is_none());
        assert!(grant.destroy.iter().all(|rule| !rule.datasets && rule.keep == 1));
        assert!(
            grant.destroy.iter().all(|rule| (rule.floor.daily, rule.floor.weekly, rule.floor.monthly) == (7, 4, 3))
        );
        grant
    });
    let [push, raw, append, many, bzfs, ..] = grants;
    assert_eq!([&push, &raw, &append, &many].map(|grant| grant.receive.stream.raw), [false, true, false, false]);
    assert!(bzfs.destroy[0].names.matches("zvm_offsite_2026-11-21_03:22:04_daily"));
    assert!(many.hold.tags.matches("zfs_autobackup:laptop") && !many.hold.tags.matches("zfs_autobackup:desk"));

    let allowed: Vec<_> = Operation::ALL.into_iter().filter(|operation| append.allow.has(*operation)).collect();
    assert_eq!(allowed, [Operation::Create, Operation::List, Operation::Receive]);
    assert_eq!((append.destroy.len(), append.receive.rollback), (0, Rollback::Refuse));

    // What the one key adds the other prunes, at its time.
    let prune = &ready("push-prune.toml", None).grants[0];
    assert_eq!(prune.datasets.first().map(DatasetPattern::as_str), append.datasets.first().map(DatasetPattern::as_str));
    let allowed: Vec<_> = Operation::ALL.into_iter().filter(|operation| prune.allow.has(*operation)).collect();
    assert_eq!(allowed, [Operation::Destroy, Operation::List]);
    assert_eq!(prune.destroy.iter().map(|rule| rule.floor.monthly).collect::<Vec<_>>(), [3]);
    let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    assert!(prune.holds_at(at(2 * 3600)) && !prune.holds_at(at(2 * 3600 - 1)) && !prune.holds_at(at(4 * 3600)));
}
