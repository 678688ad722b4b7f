//! What the pool gives an account, against what the policy needs.

use std::collections::BTreeSet;

use super::need::{Rights as Needed, covering};
use super::place::Line;
use crate::admin::facts::Facts;
use crate::command::name::Dataset;
use crate::host::{Given, Host, HostError, Rights};
use crate::policy::Scope;

/// What differs.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// With the rights that are missing alone.
    pub missing: Vec<Line>,
    /// Rights that nothing in the policy needs, wherever they come from.
    pub superfluous: Vec<(Dataset, String)>,
    /// What isn't there at all; what is needed on it counts as missing.
    pub absent: Vec<Dataset>,
}

impl Difference {
    pub(super) fn of(
        lines: &[Line],
        given: impl Fn(&Dataset) -> Result<Option<Given>, HostError>,
    ) -> Result<Self, HostError> {
        let mut difference = Self::default();
        let mut datasets: Vec<&Dataset> = Vec::new();
        lines.iter().for_each(|line| {
            if !datasets.contains(&&line.dataset) {
                datasets.push(&line.dataset)
            }
        });
        for dataset in datasets {
            let lines: Vec<&Line> = lines.iter().filter(|line| line.dataset == *dataset).collect();
            let given = given(dataset)?;
            if given.is_none() {
                difference.absent.push(dataset.clone());
            }
            let given = given.unwrap_or(Given { own: Rights::default(), below: Rights::default() });
            difference.missing.extend(lines.iter().filter_map(|line| missing(line, &given)));
            let needed = |right: &String| lines.iter().any(|line| line.rights.0.contains_key(right));
            let more = all(&given).into_iter().filter(|right| !needed(right));
            difference.superfluous.extend(more.map(|right| (dataset.clone(), right)));
        }
        Ok(difference)
    }
}

fn missing(line: &Line, given: &Given) -> Option<Line> {
    let has = |rights: &Rights, right: &str| rights.has(right) || covering(right).iter().any(|more| rights.has(more));
    let is_missing = |right: &str| match line.scope {
        Scope::Both => !has(&given.own, right) || !has(&given.below, right),
        Scope::Local => !has(&given.own, right),
        Scope::Descendents => !has(&given.below, right),
    };
    let rights = line.rights.0.iter().filter(|(right, _)| is_missing(right));
    let rights = Needed(rights.map(|(right, whys)| (right.clone(), whys.clone())).collect());
    let Line { dataset, scope, .. } = line;
    (!rights.0.is_empty()).then(|| Line { dataset: dataset.clone(), scope: *scope, rights })
}

/// By name; those of root have none.
fn all(given: &Given) -> BTreeSet<String> {
    let names = |rights: &Rights| match rights {
        Rights::All => BTreeSet::new(),
        Rights::These(rights) => rights.clone(),
    };
    let mut all = names(&given.own);
    all.extend(names(&given.below));
    all
}

/// Who is asked. A file of facts tells of one account, and of a dataset and what lies below it the same.
pub(super) fn given(facts: &Facts<'_>, account: &str, dataset: &Dataset) -> Result<Option<Given>, HostError> {
    match facts {
        Facts::Live(live) => live.rights_of(account, dataset),
        Facts::Assumed(table) => Ok(table.rights(dataset)?.map(|rights| Given { own: rights.clone(), below: rights })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(names: &str) -> Rights {
        Rights::These(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    fn line(dataset: &str, scope: Scope, names: &str) -> Line {
        let needed = names.split(',').map(|name| (name.to_owned(), BTreeSet::from(["zfs x".to_owned()]))).collect();
        Line { dataset: Dataset::parse(dataset).unwrap(), scope, rights: Needed(needed) }
    }

    /// What is missing, by scope, and what is superfluous.
    fn compared(lines: &[Line], own: &str, below: &str) -> (Vec<String>, Vec<String>) {
        let given = |_: &Dataset| Ok(Some(Given { own: rights(own), below: rights(below) }));
        let difference = Difference::of(lines, given).unwrap();
        let missing = difference.missing.iter().map(|line| format!("{:?} {}", line.scope, line.rights.joined()));
        (missing.collect(), difference.superfluous.into_iter().map(|(_, right)| right).collect())
    }

    #[test]
    fn a_right_is_missing_where_it_is_needed_and_superfluous_where_nothing_needs_it() {
        let both = [line("a", Scope::Both, "hold,send")];
        assert_eq!(compared(&both, "hold,send", "hold,send"), (vec![], vec![]));
        assert_eq!(compared(&both, "hold,send", "hold"), (vec!["Both send".to_owned()], vec![]));
        assert_eq!(
            compared(&both, "send", "hold,rename,send"),
            (vec!["Both hold".to_owned()], vec!["rename".to_owned()])
        );
        let split = [line("a", Scope::Local, "create"), line("a", Scope::Descendents, "create,hold")];
        assert_eq!(compared(&split, "create", "create,hold"), (vec![], vec![]));
        assert_eq!(compared(&split, "create,hold", "create"), (vec!["Descendents hold".to_owned()], vec![]));
    }

    #[test]
    fn a_wider_right_will_do_and_is_named_as_more_than_is_needed() {
        let append = [line("a", Scope::Both, "receive:append,send:encrypted")];
        let wider = "receive,send:raw";
        let superfluous = vec!["receive".to_owned(), "send:raw".to_owned()];
        assert_eq!(compared(&append, wider, wider), (vec![], superfluous));
        let whole = [line("a", Scope::Both, "receive,send")];
        let narrower = "receive:append,send:raw";
        assert_eq!(compared(&whole, narrower, narrower).0, ["Both receive,send"]);
    }

    #[test]
    fn root_lacks_nothing_and_what_is_not_there_has_nothing() {
        let lines = [line("a", Scope::Both, "send")];
        let root = Difference::of(&lines, |_| Ok(Some(Given { own: Rights::All, below: Rights::All }))).unwrap();
        assert!(root.missing.is_empty() && root.superfluous.is_empty());
        let absent = Difference::of(&lines, |_| Ok(None)).unwrap();
        assert_eq!((absent.missing.len(), absent.absent.len()), (1, 1));
        assert!(Difference::of(&lines, |_| Err(HostError::Failed("x".to_owned()))).is_err());
    }
}
