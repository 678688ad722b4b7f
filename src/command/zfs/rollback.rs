//! zfs-rollback(8).
#![forbid(unsafe_code)]

use super::{argv, single};
use crate::command::Error;
use crate::command::argv::Argv;
use crate::command::name::Snapshot;
use crate::command::options::{Opt, Text, read};
use crate::syntax::Word;

/// `zfs rollback`: what was written since is lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// The state to go back to.
    pub snapshot: Snapshot,
    /// -r: newer snapshots and bookmarks go.
    pub newer: bool,
    /// -R: so do their clones, wherever they are.
    pub clones: bool,
    /// -f: clones are unmounted by force.
    pub force: bool,
}

#[derive(Clone, Copy)]
enum Flag {
    Clones,
    Force,
    Newer,
}

const OPTIONS: &[Opt<Flag>] = &[Opt::flag('R', Flag::Clones), Opt::flag('f', Flag::Force), Opt::flag('r', Flag::Newer)];

impl Rollback {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let operand = single(subcommand, &found.operands)?;
        let snapshot = Snapshot::parse(operand.text).map_err(|error| operand.error(error))?;
        let mut rollback = Self { snapshot, newer: false, clones: false, force: false };
        for option in found.options {
            match option.is {
                Flag::Clones => rollback.clones = true,
                Flag::Force => rollback.force = true,
                Flag::Newer => rollback.newer = true,
            }
        }
        Ok(rollback)
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("rollback");
        argv.flag(self.newer, "-r");
        argv.flag(self.clones, "-R");
        argv.flag(self.force, "-f");
        argv.push("--");
        argv.push(&self.snapshot);
        argv
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, rendered_again};
    use crate::command::What;
    use crate::command::name::NameError;

    #[test]
    fn a_rollback_is_to_one_snapshot() {
        assert_eq!(rendered_again("rollback -Rr tank/a@b"), "zfs rollback -r -R -- tank/a@b");
        assert_eq!(rendered_again("rollback tank/a@b -f"), "zfs rollback -f -- tank/a@b");
        assert_eq!(read("rollback tank/a"), Err(What::Name(NameError::MissingAt)));
        assert_eq!(read("rollback tank/a@b tank/a@c"), Err(What::ExtraOperand));
        assert_eq!(read("rollback"), Err(What::MissingOperand));
    }
}
