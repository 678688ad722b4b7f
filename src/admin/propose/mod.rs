//! What it would take: the smallest grant beside the present ones with which a command passes. [`need`] says what might
//! be missing; that it is enough, and that nothing of it is too much, [`judge`] says each time, by the policy as it would
//! be.

mod need;
mod pattern;
mod write;

use std::collections::BTreeSet;

pub(super) use need::{Amount, Need};
pub(super) use write::Block;

use super::Stop;
use super::facts::Facts;
use super::source::Source;
use crate::command::{self, Command, Placed};
use crate::failure::Failure;
use crate::policy::Policy;
use crate::record::Outcome;
use crate::script::Script;
use crate::{judge, syntax};

/// The decision on a refusal of the host's, where facts are missing (`decide`).
const UNKNOWN_FACT: &str = "unknown fact:";

/// Of what nobody grants by itself.
pub(super) const FOLLOWS: &str =
    "nothing is granted for it alone: the answer follows from the datasets that are granted";

/// What a policy would say besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// In grants.
    pub needs: BTreeSet<Need>,
    /// In `filters.allow`.
    pub filters: BTreeSet<&'static str>,
}

/// What can be said of a command.
#[derive(Debug)]
pub(super) enum Proposal {
    /// It passes as it is.
    Passes,
    /// With this it passes.
    Change(Change),
    /// With this the policy has no more to say against it, and the host decides: so.
    Open(Change, String),
    /// It is hidden, and no key of a grant is about it.
    Follows,
    /// The policy has nothing to say against it; the host decides: so.
    Host(String),
    /// No policy allows it: why not, with all that one could grant.
    Never(String),
}

impl Change {
    /// With all of another one. What is granted of all below a dataset isn't granted again of one of those; but a grant
    /// stands or falls as a whole, since it takes one of them to allow an operation.
    pub(super) fn merge(&mut self, other: Self) {
        self.filters.extend(other.filters);
        self.needs.extend(other.needs);
        let needs = self.needs.clone();
        let is_there = |need: &Need| needs.contains(need);
        let covers = |above: &Need, need: &Need| {
            above.is_above(need)
                && needs
                    .iter()
                    .filter(|other| other.is_with(need))
                    .all(|other| is_there(&Need { says: other.says.clone(), ..above.clone() }))
        };
        self.needs.retain(|need| !needs.iter().any(|above| covers(above, need)));
    }

    /// The grants that it adds to a file.
    pub(super) fn blocks(&self, source: &Source) -> Vec<Block> {
        write::blocks(&self.needs, source.client.as_ref())
    }

    /// Why a person should write some of it, and no program propose it; each reason once.
    pub(super) fn walls(&self, source: &Source) -> BTreeSet<String> {
        self.needs.iter().filter_map(|need| need.wall(source.client.as_ref())).collect()
    }

    /// The policy with it, as text; `comment` says what stands above a grant.
    pub(super) fn text(&self, source: &Source, comment: impl Fn(&Block) -> Vec<String>) -> Result<String, Stop> {
        write::whole(source, self, comment)
            .ok_or_else(|| Stop::said(format!("{}: `filters.allow` is not a list that can be added to", source.path)))
    }

    /// The policy with it.
    pub(super) fn policy(&self, source: &Source) -> Result<Policy, Stop> {
        let text = self.text(source, |_| Vec::new())?;
        Source { path: format!("{} as proposed", source.path), text, ..source.clone() }.policy()
    }
}

/// Who makes proposals to one policy, for one host.
pub(super) struct Proposer<'a> {
    pub source: &'a Source,
    pub policy: &'a Policy,
    pub facts: &'a Facts<'a>,
}

/// A decision, and what was assumed for it.
struct Judged {
    outcome: Outcome,
    assumed: Vec<String>,
}

impl Judged {
    fn passes(&self) -> bool {
        self.outcome.passes()
    }

    /// Whether facts of the host are missing, or what is named is.
    fn is_open(&self) -> bool {
        let unknown = self.outcome.reason.as_deref().is_some_and(|reason| reason.starts_with(UNKNOWN_FACT));
        unknown || !self.assumed.is_empty() || self.outcome.decision == "hidden"
    }

    /// Why it doesn't pass.
    fn why(self) -> String {
        match self.outcome.reason {
            Some(_) if !self.assumed.is_empty() => {
                format!("unknown, and the worst assumed: {}", self.assumed.join(", "))
            }
            Some(reason) => reason,
            None => "what it names isn't there".to_owned(),
        }
    }

    /// Whether for the client it is the same.
    fn is_as(&self, other: &Self) -> bool {
        (self.outcome.decision, &self.outcome.reason) == (other.outcome.decision, &other.outcome.reason)
    }
}

impl Proposer<'_> {
    /// What a command needs. With [`Amount::Most`] it may be what one shouldn't allow.
    pub(super) fn propose(&self, line: &[u8], most: Amount) -> Result<Proposal, Stop> {
        let before = self.judged(line, self.policy);
        if before.passes() {
            return Ok(Proposal::Passes);
        }
        let Ok(Some(script)) = read(line) else { return Ok(Proposal::Never(before.why())) };
        let least = self.change(&script, Amount::Least);
        if least == Change::default() && before.outcome.decision == "hidden" {
            return Ok(Proposal::Follows);
        }
        let after = self.judged_with(line, &least)?;
        if after.passes() {
            return Ok(Proposal::Change(self.smallest(line, least, &after)?));
        }
        if after.is_open() {
            return Ok(match after.is_as(&before) {
                true => Proposal::Host(after.why()),
                false => Proposal::Open(self.smallest(line, least, &after)?, after.why()),
            });
        }
        let change = self.change(&script, Amount::Most);
        if most == Amount::Most && change != least {
            let after = self.judged_with(line, &change)?;
            if after.passes() {
                return Ok(Proposal::Change(self.smallest(line, change, &after)?));
            }
            return Ok(Proposal::Never(after.why()));
        }
        Ok(Proposal::Never(after.why()))
    }

    /// The decision by some policy.
    pub(super) fn outcome(&self, line: &[u8], policy: &Policy) -> Outcome {
        self.judged(line, policy).outcome
    }

    /// All that might be missing.
    fn change(&self, script: &Script<Placed>, amount: Amount) -> Change {
        let mut change = Change::default();
        for placed in script.leaves() {
            let filters = match &placed.command {
                Command::Filter(filter) if !self.policy.filters.allow.contains(&filter.program()) => {
                    [filter.program().name()].into()
                }
                _ => BTreeSet::new(),
            };
            change.merge(Change { needs: need::of(&placed.command, amount), filters });
        }
        change
    }

    /// The change without what makes no difference: each part is left out once.
    fn smallest(&self, line: &[u8], change: Change, after: &Judged) -> Result<Change, Stop> {
        let mut smallest = change.clone();
        for need in change.needs.iter().rev().filter(|need| !need.is_for_later()) {
            let mut without = smallest.clone();
            without.needs.remove(need);
            if self.judged_with(line, &without)?.is_as(after) {
                smallest = without;
            }
        }
        // A grant of which nothing but that is left allows nothing.
        let needs = smallest.needs.clone();
        let is_needed = |need: &Need| needs.iter().any(|other| other.dataset == need.dataset && !other.is_for_later());
        smallest.needs.retain(is_needed);
        Ok(smallest)
    }

    fn judged_with(&self, line: &[u8], change: &Change) -> Result<Judged, Stop> {
        Ok(self.judged(line, &change.policy(self.source)?))
    }

    fn judged(&self, line: &[u8], policy: &Policy) -> Judged {
        let outcome = Outcome::of(&judge(line, policy, self.facts.host()));
        Judged { assumed: self.facts.assumed(), outcome }
    }
}

/// The typed commands of a line, as [`judge`] reads them.
pub(super) fn read(line: &[u8]) -> Result<Option<Script<Placed>>, Failure> {
    match syntax::parse(line)? {
        Some(script) => Ok(Some(script.try_map(command::read)?)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::facts::Table;

    /// A policy without a grant, or with these lines, and a host that `tests/attacks` tells of.
    fn with<T>(text: &str, ask: impl FnOnce(&Proposer<'_>) -> T) -> T {
        let source = Source { path: "x.toml".to_owned(), name: None, text: text.to_owned(), client: None };
        let policy = source.policy().unwrap();
        let facts = Table::parse(include_str!("../../../tests/attacks/facts.toml")).unwrap();
        let facts = Facts::Assumed(facts);
        ask(&Proposer { source: &source, policy: &policy, facts: &facts })
    }

    fn change(text: &str, line: &str, amount: Amount) -> String {
        with(text, |proposer| match proposer.propose(line.as_bytes(), amount).unwrap() {
            Proposal::Change(change) => change.text(proposer.source, |_| Vec::new()).unwrap().replace(text, ""),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn what_is_proposed_is_for_the_dataset_and_the_operation_alone() {
        let expected = "[[grant]]\ndatasets = [\"tank/data\"]\nscope = \"local\"\nallow = [\"snapshot\"]\n\
                        snapshot.names = [\"daily-[0-9]*\"]\n";
        assert_eq!(change("", "zfs snapshot tank/data@daily-2026-11-01", Amount::Least), expected);
    }

    #[test]
    fn a_request_that_stands_for_others_is_proposed_what_these_need() {
        let expected = "[[grant]]\ndatasets = [\"tank/data\"]\nscope = \"local\"\nallow = [\"list\", \"send\", \"snapshot\"]\n\
                        snapshot.names = [\"__simplesnap_nas_[0-9]*__\"]\n";
        assert_eq!(change("", "simplesnapwrap sendback nas tank/data 10M", Amount::Least), expected);
    }

    #[test]
    fn what_the_policy_says_already_is_not_proposed_again() {
        let grant = "[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/data']\n";
        let proposed = change(grant, "zfs snapshot tank/data@syncoid_a; zfs set readonly=on tank/data", Amount::Most);
        let expected = "\n[[grant]]\ndatasets = [\"tank/data\"]\nscope = \"local\"\nallow = [\"set\"]\n\
                        set.properties = [\"readonly\"]\n";
        assert_eq!(proposed, expected);
    }

    #[test]
    fn a_pattern_for_what_may_arrive_stays_though_the_command_alone_would_pass_without() {
        let proposed = change("", "zfs receive -F backup/laptop/new", Amount::Least);
        assert!(proposed.contains("receive.names = [\"*\"]"), "{proposed}");
    }

    #[test]
    fn no_change_lets_pass_what_is_never_served() {
        for line in
            ["zfs destroy -R tank/data@a", "nc -l 9", "zfs send tank/data", "zfs list $(id)", "zfs rename tank/a@b c"]
        {
            let proposed = change("", line, Amount::Most);
            assert!(proposed.starts_with("Never") || proposed.starts_with("Host"), "{line}: {proposed}");
        }
    }

    /// Every command of the corpus and of the attacks.
    #[expect(clippy::disallowed_methods, reason = "a test reads its own files")]
    fn lines() -> Vec<String> {
        let files =
            fs::read_dir("tests/corpus").unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        let attacks = fs::read_to_string("tests/attacks/must-refuse.tsv").unwrap();
        let attacks = attacks.lines().filter_map(|line| line.split('\t').nth(1)).map(str::to_owned).collect::<Vec<_>>();
        let lines = files.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).chain(attacks);
        lines.filter(|line| !line.starts_with('#')).collect()
    }

    #[test]
    fn every_proposal_is_enough_and_nothing_of_it_is_too_much() {
        let mut proposed = 0;
        with("", |proposer| {
            for line in lines() {
                let line = line.as_bytes();
                let Proposal::Change(change) = proposer.propose(line, Amount::Most).unwrap() else { continue };
                let passes = |change: &Change| proposer.judged_with(line, change).unwrap().passes();
                assert!(passes(&change), "{}", String::from_utf8_lossy(line));
                for need in change.needs.iter().filter(|need| !need.is_for_later()) {
                    let mut less = change.clone();
                    less.needs.remove(need);
                    assert!(!passes(&less), "{need:?} for {}", String::from_utf8_lossy(line));
                }
                proposed += 1;
            }
        });
        assert!(proposed > 500, "{proposed}");
    }

    #[test]
    fn one_proposal_for_all_is_enough_for_each() {
        with("", |proposer| {
            let mut all = Change::default();
            let mut passing = Vec::new();
            for line in lines() {
                if let Proposal::Change(change) = proposer.propose(line.as_bytes(), Amount::Least).unwrap() {
                    all.merge(change);
                    passing.push(line);
                }
            }
            let policy = all.policy(proposer.source).unwrap();
            for line in passing {
                // Another grant may need a fact that nobody has; that one doubt is enough.
                let judged = proposer.judged(line.as_bytes(), &policy);
                assert!(judged.passes() || judged.is_open(), "{line}: {:?}", judged.outcome.reason);
            }
        });
    }
}
