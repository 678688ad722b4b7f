//! What is found in a grant of which something can't be reached: it reads as if it allowed something, and doesn't.

use super::{Finding, Place};
use crate::command::name::Dataset;
use crate::policy::{Grant, Operation, Scope};

pub(super) fn findings(grant: &Grant, place: &Place<'_>) -> Vec<Finding> {
    let taken = grant.datasets.iter().enumerate().filter_map(|(index, pattern)| {
        let is_within = |dataset: Dataset| grant.except.iter().any(|except| except.covers(&dataset, Scope::Both));
        let is_same = grant.except.iter().any(|except| except.as_str() == pattern.as_str());
        // Of a wildcard some may be left.
        (is_same || Dataset::parse(pattern.as_str()).is_ok_and(is_within)).then(|| {
            let span = place.at(place.places.datasets.get(index));
            let what = format!("nothing of '{}' is granted", pattern.as_str());
            Finding::warning(what, "`except` of the same grant takes all of it out again", span)
        })
    });
    let mut found: Vec<Finding> = taken.collect();
    if !Operation::ALL.into_iter().any(|operation| grant.allow.has(operation)) {
        let note = "without a `role` it needs `allow`";
        found.push(Finding::warning("this grant allows nothing", note, place.whole.clone()));
    }
    for operation in Operation::ALL.into_iter().filter(|operation| grant.allow.has(*operation)) {
        if let Some(key) = missing(grant, operation) {
            let what = format!("`{}` is in `allow`, and nothing passes", operation.name());
            found.push(Finding::warning(what, format!("{key} is empty, so all of it is refused"), place.whole.clone()));
        }
    }
    found
}

/// Without what the operation is refused whatever is asked.
fn missing(grant: &Grant, operation: Operation) -> Option<&'static str> {
    let rules = &grant.destroy;
    let lets_go = rules
        .iter()
        .any(|rule| rule.datasets || rule.names.iter().next().is_some() || rule.bookmarks.iter().next().is_some());
    let (names, key) = match operation {
        Operation::Snapshot => (&grant.snapshot.names, "`names` of [grant.snapshot]"),
        Operation::Bookmark => (&grant.bookmark.names, "`names` of [grant.bookmark]"),
        Operation::Hold | Operation::Release => (&grant.hold.tags, "`tags` of [grant.hold]"),
        Operation::Receive => (&grant.receive.names, "`names` of [grant.receive]"),
        Operation::Set => (&grant.set.properties, "`properties` of [grant.set]"),
        Operation::Destroy => return (!lets_go).then_some("what rules of [[grant.destroy]] cover"),
        Operation::Create | Operation::List | Operation::Rename | Operation::Rollback | Operation::Send => return None,
    };
    names.iter().next().is_none().then_some(key)
}

#[cfg(test)]
mod tests {
    use crate::admin::lint::tests::lint;

    fn said(text: &str) -> Vec<String> {
        lint(text)
            .into_iter()
            .map(|(_, what, at)| format!("{what} @ {}", at.lines().next().unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_dataset_that_is_taken_out_again_is_found_and_one_of_which_something_is_left_is_not() {
        let grant = |datasets: &str, except: &str| {
            said(&format!("[[grant]]\nrole = 'pull-source'\ndatasets = [{datasets}]\nexcept = [{except}]\n"))
        };
        let nothing = |dataset: &str| vec![format!("nothing of '{dataset}' is granted @ '{dataset}'")];
        assert_eq!(grant("'tank/a', 'tank/b'", "'tank/b'"), nothing("tank/b"));
        assert_eq!(grant("'tank/a/c', 'tank/b'", "'tank/a'"), nothing("tank/a/c"));
        assert_eq!(grant("'tank/vm-*'", "'tank/vm-*'"), nothing("tank/vm-*"));
        assert_eq!(grant("'tank/*'", "'tank/x'"), [""; 0]);
        assert_eq!(grant("'tank/a'", "'tank/a/private'"), [""; 0]);
    }

    #[test]
    fn an_operation_of_which_all_is_refused_is_found() {
        assert_eq!(said("[[grant]]\ndatasets = ['tank/a']\n"), ["this grant allows nothing @ [[grant]]"]);
        for (operation, enough) in [
            ("snapshot", "snapshot.names = ['a']"),
            ("bookmark", "bookmark.names = ['a']"),
            ("hold", "hold.tags = ['a']"),
            ("release", "hold.tags = ['a']"),
            (
                "receive",
                "receive = { names = ['a'], require = { setuid = 'off', devices = 'off', mountpoint = 'none' } }",
            ),
            ("set", "set.properties = ['a:b']"),
            ("destroy", "destroy = [{ bookmarks = ['a'], floor = { daily = 1 } }]"),
        ] {
            let grant =
                |more: &str| said(&format!("[[grant]]\ndatasets = ['tank/a']\nallow = ['{operation}']\n{more}\n"));
            let nothing = format!("`{operation}` is in `allow`, and nothing passes @ [[grant]]");
            assert!(grant("").contains(&nothing), "{operation}: {:?}", grant(""));
            assert!(!grant(enough).contains(&nothing), "{operation}");
        }
    }
}
