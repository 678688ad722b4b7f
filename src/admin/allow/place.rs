//! Where the rights of each grant are to be: on which datasets, themselves or what lies below.

use super::need::{Known, Rights, notes};
use crate::admin::version::Version;
use crate::command::name::Dataset;
use crate::command::property::Property;
use crate::host::{Host, HostError};
use crate::policy::{DatasetPattern, Grant, Policy, Scope};

/// What the grants of a policy come to.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// One for each `zfs allow`.
    pub lines: Vec<Line>,
    /// Patterns that stand for datasets which nobody was asked about.
    pub patterns: Vec<Unknown>,
    /// What is to be said beside them.
    pub notes: Vec<String>,
}

/// The rights on one dataset.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub dataset: Dataset,
    pub scope: Scope,
    pub rights: Rights,
}

/// The rights on each dataset that a pattern matches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    pub pattern: String,
    pub scope: Scope,
    pub rights: Rights,
}

impl Places {
    /// Those of all grants; where there is a host, it says what patterns stand for and what is encrypted.
    pub(super) fn of(policy: &Policy, version: Option<Version>, host: Option<&dyn Host>) -> Result<Self, HostError> {
        let mut places = Self::default();
        for grant in policy.grants.iter() {
            for pattern in &grant.datasets {
                places.pattern(grant, pattern, version, host)?;
            }
            let reached = grant.except.iter().map(DatasetPattern::as_str);
            let reach =
                |except: &str| format!("zfs allow reaches into '{except}', which the gate alone takes out again");
            reached.map(reach).for_each(|note| places.note(note));
            notes(grant, version).for_each(|note| places.note(note.to_owned()));
        }
        Ok(places)
    }

    fn pattern(
        &mut self,
        grant: &Grant,
        pattern: &DatasetPattern,
        version: Option<Version>,
        host: Option<&dyn Host>,
    ) -> Result<(), HostError> {
        let literal = Dataset::parse(pattern.as_str()).ok();
        let datasets = match (literal, host, pattern.root()) {
            (Some(dataset), ..) => vec![dataset],
            (None, Some(host), Some(root)) => matched(pattern, &host.subtree(&root)?.unwrap_or_default()),
            (None, ..) => {
                let (pattern, known) = (pattern.as_str().to_owned(), Known { version, encrypted: false });
                for (scope, rights) in by_scope(grant, known) {
                    self.patterns.push(Unknown { pattern: pattern.clone(), scope, rights });
                }
                return Ok(());
            }
        };
        if datasets.is_empty() {
            self.note(format!("nothing is there that '{}' stands for", pattern.as_str()));
        }
        let taken_out = |dataset: &Dataset| grant.except.iter().any(|except| except.covers(dataset, Scope::Both));
        for dataset in datasets.into_iter().filter(|dataset| !taken_out(dataset)) {
            let encrypted = host.is_some_and(|host| encrypted(host, &dataset));
            for (scope, rights) in by_scope(grant, Known { version, encrypted }) {
                self.add(dataset.clone(), scope, rights);
            }
        }
        Ok(())
    }

    /// Once, though several grants give reason to it.
    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn add(&mut self, dataset: Dataset, scope: Scope, rights: Rights) {
        let same = self.lines.iter_mut().find(|line| line.dataset == dataset && line.scope == scope);
        match same {
            Some(line) => line.rights.add(rights),
            None => self.lines.push(Line { dataset, scope, rights }),
        }
    }
}

/// A grant of what lies below alone needs some rights on the dataset itself: the first that is made below is its child.
fn by_scope(grant: &Grant, known: Known) -> impl Iterator<Item = (Scope, Rights)> {
    let rights = Rights::of(grant, known);
    let parent = if grant.scope == Scope::Descendents { rights.of_parent() } else { Rights::default() };
    [(Scope::Local, parent), (grant.scope, rights)].into_iter().filter(|(_, rights)| !rights.0.is_empty())
}

fn matched(pattern: &DatasetPattern, datasets: &[Dataset]) -> Vec<Dataset> {
    datasets.iter().filter(|dataset| pattern.covers(dataset, Scope::Local)).cloned().collect()
}

/// Whether all that there is of it is encrypted. What isn't there, or not known, may come to be anything.
fn encrypted(host: &dyn Host, dataset: &Dataset) -> bool {
    let Ok(Some(datasets)) = host.subtree(dataset) else { return false };
    let Ok(values) = host.properties(&datasets, &[Property::Native("encryption")]) else { return false };
    values.iter().all(|value| value.as_deref().is_some_and(|value| value != ["off"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Table;
    use crate::policy::parse;

    const FACTS: &str = "[[dataset]]\nname = 'tank'\nencryption = 'off'\n[[dataset]]\nname = 'tank/vm-1'\n\
                         encryption = 'aes-256-gcm'\n[[dataset]]\nname = 'tank/vm-1/root'\nencryption = 'aes-256-gcm'\n\
                         [[dataset]]\nname = 'tank/vm-2'\nencryption = 'off'\n";

    fn places(grants: &str, version: Option<&str>, facts: Option<&str>) -> Places {
        let table = facts.map(|facts| Table::parse(facts).unwrap());
        let version = version.map(|version| version.parse().unwrap());
        let host = table.as_ref().map(|table| table as &dyn Host);
        Places::of(&parse(grants, None).unwrap(), version, host).unwrap()
    }

    fn lines(places: &Places) -> Vec<String> {
        let text = |line: &Line| format!("{:?} {} {}", line.scope, line.rights.joined(), line.dataset);
        places.lines.iter().map(text).collect()
    }

    #[test]
    fn grants_of_one_dataset_come_to_one_line() {
        let text =
            "[[grant]]\ndatasets = ['a', 'b']\nallow = ['send']\n[[grant]]\ndatasets = ['a']\nallow = ['rename']\n";
        assert_eq!(lines(&places(text, None, None)), ["Both create,mount,rename,send a", "Both send b"]);
        let local = text.replacen("allow", "scope = 'local'\nallow", 1);
        assert_eq!(lines(&places(&local, None, None)), ["Local send a", "Local send b", "Both create,mount,rename a"]);
    }

    #[test]
    fn where_only_what_lies_below_is_granted_the_dataset_has_what_making_its_children_takes() {
        let text = "[[grant]]\nrole = 'push-target'\nscope = 'descendents'\ndatasets = ['backup']\n";
        assert_eq!(
            lines(&places(text, None, None)),
            [
                "Local create,mount,receive backup",
                "Descendents create,destroy,hold,mount,receive,release,rollback backup",
            ]
        );
        let pull = text.replace("push-target", "pull-source");
        assert_eq!(lines(&places(&pull, None, None)).len(), 1);
    }

    #[test]
    fn a_pattern_is_what_the_host_has_or_stays_one() {
        let text = "[[grant]]\nallow = ['send']\ndatasets = ['tank/vm-*']\nexcept = ['tank/vm-2']\n";
        let unknown = places(text, None, None);
        assert_eq!((unknown.lines.len(), unknown.patterns.len()), (0, 1));
        assert_eq!(unknown.patterns[0].pattern, "tank/vm-*");
        assert_eq!(unknown.notes, ["zfs allow reaches into 'tank/vm-2', which the gate alone takes out again"]);
        assert_eq!(lines(&places(text, None, Some(FACTS))), ["Both send tank/vm-1"]);
        let none = places(&text.replace("vm-*", "x*"), None, Some(FACTS));
        assert_eq!((none.lines.len(), none.patterns.len()), (0, 0));
        assert!(none.notes.contains(&"nothing is there that 'tank/x*' stands for".to_owned()), "{:?}", none.notes);
        let pools = places("[[grant]]\nallow = ['send']\ndatasets = ['t*']\n", None, Some(FACTS));
        assert_eq!(pools.patterns.len(), 1, "nobody is asked for all pools");
    }

    #[test]
    fn where_all_is_encrypted_a_newer_right_is_enough() {
        let text = "[[grant]]\nallow = ['send']\ndatasets = ['tank/vm-*', 'tank/new']\n";
        let expected = ["Both send:encrypted tank/vm-1", "Both send tank/vm-2", "Both send tank/new"];
        let facts = FACTS.replacen("[[dataset]]", "[[dataset]]\nname = 'pool'\n[[dataset]]", 1);
        assert_eq!(lines(&places(text, Some("2.4"), Some(&facts))), expected);
        assert_eq!(lines(&places(text, Some("2.4"), None)), ["Both send tank/new"]);
    }
}
