//! `[grant.set]`: which properties a client may set and inherit.
#![forbid(unsafe_code)]

use super::snapshot::each;
use super::{Scene, Stop, Verdict, answer};
use crate::command::name::Named;
use crate::command::property::Property;
use crate::command::zfs::set::{Inherit, Set};
use crate::policy::{Grant, GrantId, Operation};

impl Scene<'_> {
    pub(super) fn set(&self, set: &Set) -> Result<Verdict, Stop> {
        let grant = each(&set.operands, |operand| {
            self.change(operand, |grant| {
                set.settings.iter().try_for_each(|setting| may_change(grant, &setting.property))
            })
        })?;
        self.run_by(grant, set.render())
    }

    /// With -S too: the value that comes back was received, and the client may set any.
    pub(super) fn inherit(&self, inherit: &Inherit) -> Result<Verdict, Stop> {
        let grant = each(&inherit.operands, |operand| {
            self.change(operand, |grant| {
                may_change(grant, &inherit.property)?;
                if inherit.recursive && !grant.covers_subtree(operand.dataset()) {
                    return Err("the grant does not cover all that lies below, as -r needs".into());
                }
                Ok(())
            })
        })?;
        self.run_by(grant, inherit.render())
    }

    fn change(&self, operand: &Named, rule: impl FnMut(&Grant) -> Result<(), Stop>) -> Result<(GrantId, ()), Stop> {
        self.permit(operand.dataset(), Operation::Set, || answer::missing(operand), rule)
    }
}

fn may_change(grant: &Grant, property: &Property) -> Result<(), Stop> {
    if grant.set.properties.matches(&property.to_string()) {
        return Ok(());
    }
    Err(format!("the grant does not allow to set '{property}' (set.properties)").into())
}
