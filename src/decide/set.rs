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

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;
    use crate::policy::ReceiveRules;

    fn case() -> Case {
        Case::one(&[Operation::Set], ReceiveRules::default()).setting(&["compression", "zrep:*"])
    }

    #[test]
    fn what_is_listed_is_set_on_datasets_and_snapshots_as_typed() {
        let case = case();
        assert_eq!(
            case.says("zfs set zrep:sent=1 compress=lz4 backup/laptop/a backup/laptop/a@zrep_1"),
            "zfs set zrep:sent=1 compression=lz4 backup/laptop/a backup/laptop/a@zrep_1"
        );
        assert_eq!(
            case.says("zfs set -u zrep:a= 'backup/laptop/my docs'"),
            "zfs set -u zrep:a= 'backup/laptop/my docs'"
        );
        assert_eq!(
            case.says("zfs inherit -rS compress backup/laptop"),
            "zfs inherit -r -S -- compression backup/laptop"
        );
    }

    #[test]
    fn one_property_that_is_not_listed_refuses_all() {
        let case = case();
        for line in [
            "zfs set compression=lz4 mountpoint=/etc backup/laptop",
            "zfs inherit mountpoint backup/laptop",
            "zfs inherit -S mountpoint backup/laptop",
        ] {
            assert_eq!(
                case.says(line),
                "refused: the grant does not allow to set 'mountpoint' (set.properties)",
                "{line}"
            );
        }
        // A name that a pattern can't have.
        let any = Case::one(&[Operation::Set], ReceiveRules::default()).setting(&["*"]);
        assert!(any.says("zfs set written@tank/x@a=1 backup/laptop").starts_with("refused"));
    }

    #[test]
    fn every_operand_must_be_granted() {
        let case = case();
        assert_eq!(
            case.says("zfs set compression=lz4 backup/laptop backup/x@a"),
            "1 cannot open 'backup/x@a': dataset does not exist"
        );
        let local = case.with(|grant| grant.scope = crate::policy::Scope::Local);
        assert_eq!(
            local.says("zfs inherit -r compression backup/laptop"),
            "refused: the grant does not cover all that lies below, as -r needs"
        );
        let none = Case::one(&[Operation::Receive], ReceiveRules::default()).setting(&["*"]);
        assert_eq!(none.says("zfs set a:b=c backup/laptop"), "refused: the grant does not allow set");
    }
}
