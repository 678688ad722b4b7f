//! zfs-hold(8): hold, release, holds. Left out on purpose: -t of hold, which zfs takes and ignores.
#![forbid(unsafe_code)]

use super::{argv, names};
use crate::command::argv::Argv;
use crate::command::name::{Snapshot, Tag};
use crate::command::options::{Opt, Text, read};
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs hold` or `zfs release`
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    /// -r: the same snapshots of all that lies below.
    pub recursive: bool,
    /// The tag.
    pub tag: Tag,
    /// At least one.
    pub snapshots: Vec<Snapshot>,
}

/// `zfs holds`
#[derive(Clone, Debug, PartialEq)]
pub struct Holds {
    /// -r
    pub recursive: bool,
    /// -H
    pub scripted: bool,
    /// -p (2.2): times as numbers.
    pub exact: bool,
    /// At least one.
    pub snapshots: Vec<Snapshot>,
}

#[derive(Clone, Copy)]
enum Flag {
    Exact,
    Recursive,
    Scripted,
}

const HOLDING: &[Opt<Flag>] = &[Opt::flag('r', Flag::Recursive)];
const HOLDS: &[Opt<Flag>] =
    &[Opt::flag('H', Flag::Scripted), Opt::flag('p', Flag::Exact), Opt::flag('r', Flag::Recursive)];

impl Holding {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(HOLDING, words)?;
        let (tag, snapshots) = found.operands.split_first().ok_or(subcommand.error(What::MissingOperand))?;
        Ok(Self {
            recursive: !found.options.is_empty(),
            tag: Tag::parse(tag.text).map_err(|error| tag.error(error))?,
            snapshots: names(subcommand, snapshots, Snapshot::parse)?,
        })
    }

    /// What zfs is told after `hold` or `release`.
    pub fn render(&self, subcommand: &'static str) -> Argv {
        let mut argv = argv(subcommand);
        argv.flag(self.recursive, "-r");
        argv.push("--");
        argv.push(&self.tag);
        argv.extend(&self.snapshots);
        argv
    }
}

impl Holds {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(HOLDS, words)?;
        let mut holds = Self {
            recursive: false,
            scripted: false,
            exact: false,
            snapshots: names(subcommand, &found.operands, Snapshot::parse)?,
        };
        for option in found.options {
            match option.is {
                Flag::Exact => holds.exact = true,
                Flag::Recursive => holds.recursive = true,
                Flag::Scripted => holds.scripted = true,
            }
        }
        Ok(holds)
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("holds");
        argv.flag(self.recursive, "-r");
        argv.flag(self.scripted, "-H");
        argv.flag(self.exact, "-p");
        argv.push("--");
        argv.extend(&self.snapshots);
        argv
    }
}
