//! zfs-rollback(8).
#![forbid(unsafe_code)]
use super::argv;
use crate::command::argv::Argv;
use crate::command::name::Snapshot;

/// `zfs rollback`
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// To what.
    pub snapshot: Snapshot,
    /// -r
    pub recursive: bool,
    /// -R
    pub clones: bool,
    /// -f
    pub force: bool,
}

impl Rollback {
    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("rollback");
        argv.push("--");
        argv.push(&self.snapshot);
        argv
    }
}
