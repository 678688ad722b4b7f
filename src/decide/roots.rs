//! Which datasets a read is about: what is granted, what lies above a grant and exists by its word, what is hidden.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::{Scene, Stop, answer};
use crate::command::name::{Dataset, Named};
use crate::command::zfs::selection::{Reach, Types};
use crate::policy::{Grant, GrantId, Operation, Scope};

/// The operands of a read, sorted out.
pub(super) struct Targets {
    /// What zfs is asked, and how deep; each group is one call.
    pub groups: Vec<(Reach, Vec<Named>)>,
    /// What lies above a grant: shown by name and type alone.
    pub above: Vec<Dataset>,
    /// The grant of the first operand.
    pub grant: Option<GrantId>,
    /// Whether zfs will show datasets that are not granted, so that their rows must be left out.
    pub partial: bool,
}

/// Where a grant begins.
#[derive(Clone)]
pub(super) struct Root {
    pub dataset: Dataset,
    pub grant: GrantId,
    /// Whether all of it and all below it is granted, as far as that is seen at once; otherwise rows are left out.
    whole: bool,
    /// Whether a grant reaches below it.
    reaches: bool,
}

impl Root {
    /// Another grant begins here too.
    fn join(&mut self, whole: bool, reaches: bool) {
        self.whole |= whole;
        self.reaches |= reaches;
    }
}

impl Scene<'_> {
    /// Sorts operands out. `types` are those that will be shown.
    pub(super) fn targets(&self, operands: &[Named], reach: Reach, types: Types) -> Result<Targets, Stop> {
        let mut targets = Targets { groups: Vec::new(), above: Vec::new(), grant: None, partial: false };
        let mut hidden = None;
        let below = shows_below(reach, types);
        for operand in operands {
            let dataset = operand.dataset();
            let whole = |grant: &Grant| Ok(grant.covers_subtree(dataset));
            match self.permit(dataset, Operation::List, || answer::missing(operand), whole) {
                Ok((grant, whole)) => {
                    targets.grant.get_or_insert(grant);
                    targets.partial |= below && !whole && matches!(operand, Named::Dataset(_));
                    targets.ask(reach, operand.clone());
                }
                Err(Stop::Hidden(_)) if matches!(operand, Named::Dataset(_)) && self.implied(dataset) => {
                    targets.above.push(dataset.clone());
                    self.descend(&mut targets, Some(dataset), reach, types)?;
                }
                Err(stop @ Stop::Hidden(_)) => {
                    hidden.get_or_insert(stop);
                }
                Err(stop) => return Err(stop),
            }
        }
        hidden.map_or(Ok(targets), Err)
    }

    /// The granted datasets below one that lies above them, or of all pools, as far as the reach goes.
    fn descend(&self, targets: &mut Targets, above: Option<&Dataset>, reach: Reach, types: Types) -> Result<(), Stop> {
        if above.is_some() && !reach.goes_below() {
            return Ok(());
        }
        let roots = self.roots()?;
        for root in roots.iter().filter(|root| above.is_none_or(|above| root.dataset.is_within(above))) {
            let levels = root.dataset.depth() - above.map_or(1, Dataset::depth);
            let reach = match reach {
                Reach::Depth(depth) => match usize::from(depth).checked_sub(levels) {
                    Some(left) => Reach::Depth(u16::try_from(left).unwrap_or(u16::MAX)),
                    None => continue,
                },
                other => other,
            };
            targets.partial |= shows_below(reach, types) && !root.whole;
            targets.grant.get_or_insert(root.grant);
            targets.ask(reach, Named::Dataset(root.dataset.clone()));
        }
        Ok(())
    }

    /// The datasets at or below which all lies that grants with `list` name, each once, none within another whose rows
    /// show it anyway.
    pub(super) fn roots(&self) -> Result<Vec<Root>, Stop> {
        let mut roots: BTreeMap<Dataset, Root> = BTreeMap::new();
        for grant in self.listing() {
            for pattern in grant.datasets.iter() {
                let dataset = pattern.root().ok_or("a grant has a wildcard for the pool: name the dataset")?;
                let whole = grant.scope == Scope::Both && grant.except.is_empty() && pattern.is(&dataset);
                let reaches = grant.scope != Scope::Local;
                let root = Root { dataset: dataset.clone(), grant: grant.id, whole, reaches };
                roots.entry(dataset).and_modify(|root| root.join(whole, reaches)).or_insert(root);
            }
        }
        let shown =
            |root: &Root| root.dataset.above().any(|above| roots.get(&above).is_some_and(|above| above.reaches));
        Ok(roots.values().filter(|root| !shown(root)).cloned().collect())
    }

    /// What a read without operands is about: all that is granted; with -d as deep as that reaches from the pools.
    pub(super) fn everything(&self, reach: Reach, types: Types) -> Result<Targets, Stop> {
        let roots = self.roots()?;
        let grant = roots.first().ok_or("no grant allows list")?.grant;
        if let Reach::Depth(_) = reach {
            let mut targets = Targets { groups: Vec::new(), above: Vec::new(), grant: Some(grant), partial: false };
            self.descend(&mut targets, None, reach, types)?;
            return Ok(targets);
        }
        let partial = roots.iter().any(|root| !root.whole);
        let operands = roots.into_iter().map(|root| Named::Dataset(root.dataset)).collect();
        Ok(Targets { groups: vec![(Reach::All, operands)], above: Vec::new(), grant: Some(grant), partial })
    }

    /// Whether a grant with `list` says itself that the dataset exists.
    pub(super) fn implied(&self, dataset: &Dataset) -> bool {
        self.listing().any(|grant| grant.implies(dataset))
    }

    /// The grants that hold now and have `list`.
    pub(super) fn listing(&self) -> impl Iterator<Item = &Grant> {
        self.grants().filter(|grant| grant.allow.has(Operation::List))
    }
}

impl Targets {
    fn ask(&mut self, reach: Reach, operand: Named) {
        match self.groups.iter_mut().find(|(other, _)| *other == reach) {
            Some((_, operands)) => operands.push(operand),
            None => self.groups.push((reach, vec![operand])),
        }
    }
}

/// Whether anything of a dataset below the operand can be shown. Snapshots and bookmarks are one level below theirs.
fn shows_below(reach: Reach, types: Types) -> bool {
    match reach {
        Reach::All => true,
        Reach::Own => false,
        Reach::Depth(depth) => depth > 1 || depth == 1 && (types.filesystem || types.volume),
    }
}
