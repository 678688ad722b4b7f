//! zfs-snapshot(8).
#![forbid(unsafe_code)]

use super::{argv, names};
use crate::command::Error;
use crate::command::argv::Argv;
use crate::command::name::Snapshot;
use crate::command::options::{Opt, Text, read};
use crate::command::property::Setting;
use crate::syntax::Word;

/// `zfs snapshot`: all at once or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshotting {
    /// -r
    pub recursive: bool,
    /// -o
    pub settings: Vec<Setting>,
    /// At least one.
    pub snapshots: Vec<Snapshot>,
}

#[derive(Clone, Copy)]
enum Flag {
    Recursive,
    Setting,
}

const OPTIONS: &[Opt<Flag>] = &[Opt::value('o', Flag::Setting), Opt::flag('r', Flag::Recursive)];

impl Snapshotting {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let mut snapshotting = Self {
            recursive: false,
            settings: Vec::new(),
            snapshots: names(subcommand, &found.operands, Snapshot::parse)?,
        };
        for option in found.options {
            match option.is {
                Flag::Recursive => snapshotting.recursive = true,
                Flag::Setting => snapshotting.settings.push(Setting::read(option.text)?),
            }
        }
        Ok(snapshotting)
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("snapshot");
        argv.flag(self.recursive, "-r");
        for setting in &self.settings {
            argv.option("-o", Some(setting));
        }
        argv.push("--");
        argv.extend(&self.snapshots);
        argv
    }
}
