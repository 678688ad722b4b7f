//! Proof by going through all of it: which texts are names, what patterns match, and what a grant covers, for everything
//! that is short, against what is written down here in another way. Nothing here matches or reads: names and what a
//! pattern means are built up, as sets, and looked up.
//!
//! What is short is enough where a mistake would show in what is short: a rule that looks at one character, at two
//! neighbours, at the first and the last, at one component and the one above it.

use std::collections::BTreeSet;

use zfs_shell::command::name::{Dataset, SnapshotName};
use zfs_shell::policy::{DatasetPattern, Names, Scope, parse};

/// All texts of up to so many of these.
fn texts(alphabet: &[&str], longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last.iter().flat_map(|text| alphabet.iter().map(move |letter| format!("{text}{letter}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Characters of every kind, as bytes that a name could be made of.
const CHARACTERS: [&str; 16] = ["a", "Z", "0", "-", "_", ".", ":", " ", "/", "@", "#", "%", "*", "\\", "\n", "é"];

/// zfs_component_namecheck, pool_namecheck and entity_namecheck of OpenZFS, turned into a building plan: a pool begins
/// with a letter, a component is none of `.` and `..`, and both are made of eight kinds of characters.
#[test]
fn names_of_datasets_and_snapshots_are_those_that_can_be_built() {
    let allowed = ["a", "Z", "0", "-", "_", ".", ":", " "];
    let parts: Vec<String> = texts(&allowed, 4).into_iter().filter(|text| !text.is_empty()).collect();
    let components: Vec<&String> = parts.iter().filter(|part| !matches!(part.as_str(), "." | "..")).collect();
    let mut datasets: BTreeSet<String> =
        components.iter().filter(|name| name.starts_with(['a', 'Z'])).map(|name| (*name).clone()).collect();
    // Two letters and a slash at least: one more component makes four characters full, two do.
    for _ in 0..2 {
        let short = components.iter().filter(|name| name.len() <= 2);
        let below = |name: &&&String| {
            let above = datasets.iter().filter(|above| above.len() + 1 + name.len() <= 4);
            above.map(|above| format!("{above}/{name}")).collect::<Vec<_>>()
        };
        let more: Vec<String> = short.flat_map(|name| below(&name)).collect();
        datasets.extend(more);
    }
    let snapshots: BTreeSet<String> = parts.into_iter().collect();
    for text in texts(&CHARACTERS, 4) {
        let [dataset, snapshot] = [Dataset::parse(&text).is_ok(), SnapshotName::parse(&text).is_ok()];
        assert_eq!(dataset, datasets.contains(&text), "the dataset {text:?}");
        assert_eq!(snapshot, snapshots.contains(&text), "the snapshot {text:?}");
    }
    assert!(datasets.len() > 1000 && snapshots.len() > 4000, "{} {}", datasets.len(), snapshots.len());
}

/// What an element of a pattern stands for, among names of two letters.
const ELEMENTS: [(&str, &[&str]); 7] = [
    ("a", &["a"]),
    ("b", &["b"]),
    ("?", &["a", "b"]),
    ("[a]", &["a"]),
    ("[!a]", &["b"]),
    ("[a-b]", &["a", "b"]),
    ("[!a-b]", &[]),
];

/// fnmatch(3) as sets of names: a pattern means what its first elements mean, each with all that its last one means
/// behind it.
#[test]
fn patterns_of_names_match_what_they_stand_for() {
    const LONGEST: usize = 4;
    let names = texts(&["a", "b"], LONGEST);
    let any: Vec<&str> = names.iter().map(String::as_str).collect();
    let elements: Vec<(&str, &[&str])> = ELEMENTS.into_iter().chain([("*", any.as_slice())]).collect();
    let mut meanings = vec![(String::new(), BTreeSet::from([String::new()]))];
    let mut compared = 0;
    for _ in 0..LONGEST {
        let mut longer = Vec::new();
        for (pattern, meaning) in &meanings {
            for (element, means) in &elements {
                let pairs = meaning.iter().flat_map(|begin| means.iter().map(move |end| format!("{begin}{end}")));
                let means: BTreeSet<String> = pairs.filter(|name| name.len() <= LONGEST).collect();
                longer.push((format!("{pattern}{element}"), means));
            }
        }
        for (pattern, meaning) in &longer {
            let pattern_of_names = Names::parse([pattern.as_str()]).unwrap();
            for name in &names {
                assert_eq!(pattern_of_names.matches(name), meaning.contains(name), "{pattern} on {name:?}");
            }
            compared += names.len();
        }
        meanings = longer;
    }
    assert!(compared > 100_000, "{compared}");
}

/// What a component of a pattern stands for, among components of one letter.
const COMPONENTS: [(&str, &[&str]); 5] =
    [("a", &["a"]), ("b", &["b"]), ("*", &["a", "b"]), ("[!a]", &["b"]), ("?", &["a", "b"])];

/// All patterns of up to so many components, each with the datasets that it names.
fn dataset_patterns(deepest: usize) -> Vec<(String, BTreeSet<String>)> {
    let mut all: Vec<(String, BTreeSet<String>)> = Vec::new();
    let mut last = vec![(String::new(), BTreeSet::from([String::new()]))];
    for _ in 0..deepest {
        let join = |above: &str, name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
        let below = |(pattern, named): &(String, BTreeSet<String>)| {
            COMPONENTS.map(|(component, names)| {
                let named = named.iter().flat_map(|above| names.iter().map(move |name| join(above, name))).collect();
                (join(pattern, component), named)
            })
        };
        last = last.iter().flat_map(below).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// A dataset and all above it.
fn upwards(dataset: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(dataset), |name| name.rsplit_once('/').map(|(above, _)| above))
}

/// zfs-allow(8): a grant reaches the datasets that it names (local), what lies below them (descendents), or both, but
/// not what an exception names, nor what lies below that. A subtree is granted if all in it is.
#[test]
fn a_grant_covers_what_it_names_and_what_lies_below_but_no_exception() {
    const DEEPEST: usize = 3;
    let patterns = dataset_patterns(2);
    let none = (String::new(), BTreeSet::new());
    // One level deeper than patterns reach: below that nothing differs.
    let universe: Vec<String> = dataset_patterns(DEEPEST)
        .into_iter()
        .filter(|(pattern, _)| !pattern.contains(['*', '?', '[']))
        .map(|(name, _)| name)
        .collect();
    let datasets: Vec<Dataset> = universe.iter().map(|name| Dataset::parse(name).unwrap()).collect();
    let mut compared = 0;
    for (pattern, named) in &patterns {
        for (exception, excepted) in patterns.iter().chain([&none]) {
            for (scope, local, below) in [("both", true, true), ("local", true, false), ("descendents", false, true)] {
                let except = if exception.is_empty() { String::new() } else { format!("{exception:?}") };
                let text = format!("[[grant]]\ndatasets = [{pattern:?}]\nexcept = [{except}]\nscope = \"{scope}\"\n");
                let policy = parse(&text, None).unwrap();
                let grant = policy.grants.first().unwrap();
                let covered: BTreeSet<&str> = universe
                    .iter()
                    .map(String::as_str)
                    .filter(|name| {
                        local && named.contains(*name)
                            || below && upwards(name).skip(1).any(|above| named.contains(above))
                    })
                    .filter(|name| !upwards(name).any(|above| excepted.contains(above)))
                    .collect();
                for (name, dataset) in universe.iter().zip(&datasets) {
                    assert_eq!(grant.covers(dataset), covered.contains(name.as_str()), "{name}\n{text}");
                    // Of the deepest nothing is seen that lies below.
                    if dataset.depth() < DEEPEST {
                        let mut subtree = universe.iter().filter(|other| upwards(other).any(|above| above == name));
                        let whole = subtree.all(|other| covered.contains(other.as_str()));
                        assert_eq!(grant.covers_subtree(dataset), whole, "the subtree of {name}\n{text}");
                    }
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 30_000, "{compared}");
}

#[test]
fn a_pattern_of_datasets_names_what_it_stands_for() {
    let datasets = dataset_patterns(4).into_iter().filter(|(pattern, _)| !pattern.contains(['*', '?', '[']));
    let datasets: Vec<Dataset> = datasets.map(|(name, _)| Dataset::parse(&name).unwrap()).collect();
    for (text, named) in dataset_patterns(4) {
        let pattern = DatasetPattern::parse(&text).unwrap();
        for dataset in &datasets {
            let name = dataset.as_str();
            let (at, below) = (named.contains(name), upwards(name).skip(1).any(|above| named.contains(above)));
            assert_eq!(pattern.covers(dataset, Scope::Local), at, "{text} on {name}");
            assert_eq!(pattern.covers(dataset, Scope::Descendents), below, "{text} on {name}");
            assert_eq!(pattern.covers(dataset, Scope::Both), at || below, "{text} on {name}");
            let beneath = named.iter().any(|other| upwards(other).skip(1).any(|above| above == name));
            assert_eq!(pattern.may_match_below(dataset), beneath, "{text} below {name}");
        }
    }
}
