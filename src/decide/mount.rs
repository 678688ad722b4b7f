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
