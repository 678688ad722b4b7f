//! `zfs mount`, `zfs unmount`: clients send them before and after a receive and go on when they fail. Nothing is mounted,
//! so what zfs says to an ordinary account is said here.
#![forbid(unsafe_code)]

use super::plan::{Action, Answer};
use super::{Scene, Stop, Verdict, answer};
use crate::command::name::Dataset;
use crate::policy::Operation;

impl Scene<'_> {
    pub(super) fn mount(&self, dataset: &Dataset) -> Result<Verdict, Stop> {
        self.stays_unmounted("mount", dataset, answer::no_mountpoint(dataset))
    }

    pub(super) fn unmount(&self, dataset: &Dataset) -> Result<Verdict, Stop> {
        self.stays_unmounted("unmount", dataset, answer::not_mounted(dataset))
    }

    fn stays_unmounted(&self, subcommand: &str, dataset: &Dataset, answer: Answer) -> Result<Verdict, Stop> {
        let covering: Vec<_> = self.covering(dataset).collect();
        let first = covering.first().ok_or_else(|| Stop::Hidden(answer::missing(dataset)))?;
        let is_target = [Operation::Receive, Operation::Create];
        match covering.iter().find(|grant| is_target.iter().any(|operation| grant.allow.has(*operation))) {
            Some(grant) => Ok(Verdict::new(Action::Answer(answer)).by(grant.id)),
            None => Err(Stop::Refused(format!("zfs {subcommand} is not served"), Some(first.id))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;
    use crate::policy::ReceiveRules;

    #[test]
    fn a_target_is_never_mounted_and_zfs_says_so() {
        let case = Case::one(&[Operation::Receive], ReceiveRules::default());
        assert_eq!(case.says("zfs mount backup/laptop/a"), "1 cannot mount 'backup/laptop/a': no mountpoint set");
        for line in ["zfs umount backup/laptop/a", "zfs unmount backup/laptop/a 2>&1"] {
            assert_eq!(case.says(line), "1 cannot unmount 'backup/laptop/a': not currently mounted");
        }
        assert_eq!(case.says("zfs mount backup"), "1 cannot open 'backup': dataset does not exist");
    }

    #[test]
    fn other_forms_and_other_grants_are_refused() {
        let case = Case::one(&[Operation::Create], ReceiveRules::default());
        for line in ["zfs mount", "zfs mount -a", "zfs mount -o exec,suid backup/laptop/a"] {
            assert_eq!(case.says(line), "refused: zfs mount is not served", "{line}");
        }
        for line in ["zfs umount -f backup/laptop", "zfs unmount /mnt"] {
            assert_eq!(case.says(line), "refused: zfs unmount is not served", "{line}");
        }
        let source = Case::one(&[Operation::Send], ReceiveRules::default());
        assert_eq!(source.says("zfs mount backup/laptop"), "refused: zfs mount is not served");
    }
}
