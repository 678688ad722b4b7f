//! `[grant.snapshot]`, `[grant.bookmark]`, `[grant.hold]`: what makes something small and new.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::plan::{Action, Hooks, Run};
use super::{Scene, Stop, Verdict, answer, fixed};
use crate::command::name::Dataset;
use crate::command::zfs::bookmark::Bookmarking;
use crate::command::zfs::hold::Holding;
use crate::command::zfs::snapshot::Snapshotting;
use crate::host::Host as _;
use crate::policy::{self, Grant, GrantId, HoldRules, Operation};

impl Scene<'_> {
    pub(super) fn snapshot(&self, snapshotting: &Snapshotting) -> Result<Verdict, Stop> {
        let grant = each(&snapshotting.snapshots, |snapshot| {
            let hidden = || answer::missing_with_usage(&snapshot.dataset);
            self.permit(&snapshot.dataset, Operation::Snapshot, hidden, |grant| {
                let rules = &grant.snapshot;
                if !rules.names.matches(snapshot.name.as_str()) {
                    return Err(format!(
                        "the grant does not allow snapshots named '{}' (snapshot.names)",
                        snapshot.name
                    )
                    .into());
                }
                if snapshotting.recursive && !(rules.recursive && grant.covers_subtree(&snapshot.dataset)) {
                    return Err("the grant does not allow -r here (snapshot.recursive)".into());
                }
                match snapshotting.settings.iter().find(|setting| !rules.may_set(&setting.property)) {
                    Some(setting) => {
                        Err(format!("the grant does not allow -o {} (snapshot.properties)", setting.property).into())
                    }
                    None => Ok(()),
                }
            })
        })?;
        let run = Run { hooks: self.policy.hooks.as_ref().map(hooks), ..self.run(snapshotting.render())? };
        Ok(Verdict::new(Action::Run(Box::new(run))).by(grant))
    }

    pub(super) fn bookmark(&self, bookmarking: &Bookmarking) -> Result<Verdict, Stop> {
        let (source, bookmark) = (&bookmarking.source, &bookmarking.bookmark);
        let hidden = || answer::missing_with_usage(source);
        self.permit(source.dataset(), Operation::Bookmark, hidden, |_| Ok(()))?;
        let (grant, ()) = self.permit(&bookmark.dataset, Operation::Bookmark, hidden, |grant| {
            let rules = &grant.bookmark;
            if !rules.names.matches(bookmark.name.as_str()) {
                return Err(
                    format!("the grant does not allow bookmarks named '{}' (bookmark.names)", bookmark.name).into()
                );
            }
            let there = self.host.bookmarks(&bookmark.dataset)?.unwrap_or_default();
            if there.len() >= usize::try_from(rules.max).unwrap_or(usize::MAX) {
                return Err(format!("'{}' has its {} bookmarks (bookmark.max)", bookmark.dataset, rules.max).into());
            }
            Ok(())
        })?;
        self.run_by(grant, bookmarking.render())
    }

    pub(super) fn hold(&self, holding: &Holding) -> Result<Verdict, Stop> {
        let mut named: BTreeMap<&Dataset, usize> = BTreeMap::new();
        for snapshot in &holding.snapshots {
            *named.entry(&snapshot.dataset).or_default() += 1;
        }
        // How many holds the command adds to the snapshots of a dataset.
        let added = |dataset: &Dataset| match holding.recursive {
            true => named.iter().filter(|(above, _)| dataset.is_within(above)).map(|(_, count)| count).sum(),
            false => named.get(dataset).copied().unwrap_or_default(),
        };
        let grant = each(&holding.snapshots, |snapshot| {
            self.permit(
                &snapshot.dataset,
                Operation::Hold,
                || answer::missing(&snapshot.dataset),
                |grant| {
                    self.tag_rule(grant, holding, &snapshot.dataset)?;
                    let datasets = match holding.recursive {
                        true => self.host.subtree(&snapshot.dataset)?.unwrap_or_default(),
                        false => vec![snapshot.dataset.clone()],
                    };
                    let max = usize::try_from(grant.hold.max).unwrap_or(usize::MAX);
                    for dataset in &datasets {
                        if self.held(dataset, &grant.hold)? + added(dataset) > max {
                            return Err(format!("'{dataset}' has its {max} holds (hold.max)").into());
                        }
                    }
                    Ok(())
                },
            )
        })?;
        self.run_by(grant, holding.render("hold"))
    }

    pub(super) fn release(&self, holding: &Holding) -> Result<Verdict, Stop> {
        let grant = each(&holding.snapshots, |snapshot| {
            let hidden = || answer::missing(&snapshot.dataset);
            self.permit(&snapshot.dataset, Operation::Release, hidden, |grant| {
                self.tag_rule(grant, holding, &snapshot.dataset)
            })
        })?;
        self.run_by(grant, holding.render("release"))
    }

    fn tag_rule(&self, grant: &Grant, holding: &Holding, dataset: &Dataset) -> Result<(), Stop> {
        if !grant.hold.tags.matches(holding.tag.as_str()) {
            return Err(format!("the grant does not allow the tag '{}' (hold.tags)", holding.tag).into());
        }
        if holding.recursive && !grant.covers_subtree(dataset) {
            return Err("the grant does not cover all that lies below, as -r needs".into());
        }
        Ok(())
    }

    /// How many holds with tags of the grant are on the snapshots of a dataset.
    fn held(&self, dataset: &Dataset, rules: &HoldRules) -> Result<usize, Stop> {
        let mut count = 0;
        for facts in self.host.snapshots(dataset)?.unwrap_or_default() {
            if facts.userrefs > 0 {
                let tags = self.host.holds(&dataset.snapshot(&facts.name))?.unwrap_or_default();
                count += tags.iter().filter(|tag| rules.tags.matches(tag.as_str())).count();
            }
        }
        Ok(count)
    }
}

/// What the administrator has run around a snapshot.
fn hooks(hooks: &policy::Hooks) -> Hooks {
    let exec = |fixed| fixed::exec(fixed, None);
    Hooks {
        before: hooks.before_snapshot.as_ref().map(exec),
        after: hooks.after_snapshot.as_ref().map(exec),
        time: hooks.time,
    }
}

/// All operands of a command must be allowed; the grant of the first is told.
pub(super) fn each<T>(
    operands: &[T],
    mut rule: impl FnMut(&T) -> Result<(GrantId, ()), Stop>,
) -> Result<GrantId, Stop> {
    let mut first = None;
    let mut hidden = None;
    for operand in operands {
        match rule(operand) {
            Ok((grant, ())) => {
                first.get_or_insert(grant);
            }
            // A refusal of a later one has precedence.
            Err(stop @ Stop::Hidden(_)) => {
                hidden.get_or_insert(stop);
            }
            Err(stop) => return Err(stop),
        }
    }
    match (hidden, first) {
        (Some(stop), _) => Err(stop),
        (None, Some(grant)) => Ok(grant),
        (None, None) => Err("there is no operand".into()),
    }
}
