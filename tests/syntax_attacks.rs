//! The attacks that no room but syntax sees: which of them it refuses, by which name, and how it reads the others.

use std::collections::{BTreeMap, BTreeSet};

use zfs_shell::syntax;

#[cfg(test)]
mod tables;

/// Which rows those are stands in reasons.tsv: what syntax says of a row is what the whole gate says of it.
#[test]
fn each_attack_by_syntax_is_refused_by_its_name_and_no_other_row_is() {
    let table = include_str!("attacks/reasons.tsv");
    let reasons: BTreeMap<_, _> = table.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut names = BTreeSet::new();
    let mut others = Vec::new();
    for row in tables::rows("must-refuse.tsv") {
        let reason = reasons.get(row.id.as_str()).unwrap_or_else(|| panic!("{} has no reason", row.id));
        match syntax::parse(&row.line) {
            Err(error) => {
                assert!(
                    row.third.contains("unknown"),
                    "{}: syntax refuses what should be answered {}",
                    row.id,
                    row.third
                );
                assert_eq!(format!("unknown\t{error}"), **reason, "{}", row.id);
                names.insert(error.construct.to_string());
            }
            Ok(_) => others.push((row.id, *reason)),
        }
    }
    for (id, reason) in others {
        let named = names.iter().any(|name| reason.starts_with(&format!("unknown\t{name} at byte ")));
        assert!(!named, "{id}: {reason}, which syntax does not say");
    }
    assert!(names.len() >= 46, "{}: {names:?}", names.len());
}

#[test]
fn each_allowed_request_is_read_as_shells_read_it() {
    let rows = tables::rows("must-differ.tsv");
    assert!(!rows.is_empty());
    for row in rows {
        let script = syntax::parse(&row.line).unwrap_or_else(|error| panic!("{}: {error}", row.id)).unwrap();
        let words = |leaf: &syntax::Simple| {
            std::iter::once(&leaf.program).chain(&leaf.arguments).map(|word| word.as_str().to_owned()).collect()
        };
        let read: Vec<Vec<String>> = script.leaves().map(words).collect();
        let shells: Vec<Vec<String>> = serde_json::from_str(&row.third).unwrap();
        assert_eq!(read, shells, "{}: {}", row.id, row.fourth);
    }
}
