//! zfs-rename(8).
#![forbid(unsafe_code)]

use super::argv;
use crate::command::argv::Argv;
use crate::command::name::{Dataset, NameError, Named, Snapshot, SnapshotName};
use crate::command::options::{Opt, Text, read};
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs rename`
#[derive(Clone, Debug, PartialEq)]
pub struct Rename {
    /// What gets which name.
    pub what: Renamed,
    /// -f: unmounts by force.
    pub force: bool,
    /// -p: makes the datasets above the new name.
    pub parents: bool,
    /// -u: doesn't mount anew.
    pub unmounted: bool,
}

/// What gets which name.
#[derive(Clone, Debug, PartialEq)]
pub enum Renamed {
    /// A file system or volume with all below it.
    Dataset(Dataset, Dataset),
    /// A snapshot, in the same dataset.
    Snapshot {
        /// The old name.
        from: Snapshot,
        /// The new one.
        to: SnapshotName,
        /// -r: those of the same name in all that lies below.
        recursive: bool,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum Flag {
    Force,
    Parents,
    Recursive,
    Unmounted,
}

const OPTIONS: &[Opt<Flag>] = &[
    Opt::flag('f', Flag::Force),
    Opt::flag('p', Flag::Parents),
    Opt::flag('r', Flag::Recursive),
    Opt::flag('u', Flag::Unmounted),
];

impl Rename {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let has = |flag| found.options.iter().any(|option| option.is == flag);
        let (from, to) = match found.operands.as_slice() {
            [from, to] => (*from, *to),
            [_, _, extra, ..] => return Err(extra.error(What::ExtraOperand)),
            _ => return Err(subcommand.error(What::MissingOperand)),
        };
        let (parents, unmounted, recursive) = (has(Flag::Parents), has(Flag::Unmounted), has(Flag::Recursive));
        let conflict = || Err(subcommand.error(What::Conflict));
        let what = match Named::parse(from.text).map_err(|error| from.error(error))? {
            // "source dataset for recursive rename must be a snapshot", "mutually exclusive"
            Named::Dataset(_) if recursive || parents && unmounted => return conflict(),
            Named::Snapshot(_) if parents || unmounted => return conflict(),
            Named::Dataset(dataset) => {
                Renamed::Dataset(dataset, Dataset::parse(to.text).map_err(|error| to.error(error))?)
            }
            Named::Snapshot(snapshot) => {
                let name = new_name(&snapshot, to)?;
                Renamed::Snapshot { from: snapshot, to: name, recursive }
            }
            Named::Bookmark(_) => return Err(from.error(NameError::UnexpectedDelimiter)),
        };
        Ok(Self { what, force: has(Flag::Force), parents, unmounted })
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("rename");
        argv.flag(matches!(self.what, Renamed::Snapshot { recursive: true, .. }), "-r");
        argv.flag(self.parents, "-p");
        argv.flag(self.unmounted, "-u");
        argv.flag(self.force, "-f");
        argv.push("--");
        match &self.what {
            Renamed::Dataset(from, to) => argv.extend([from, to]),
            Renamed::Snapshot { from, to, .. } => argv.extend([from, &from.dataset.snapshot(to)]),
        }
        argv
    }
}

/// The new name of a snapshot: whole, as `@new`, or as `new` (zfs_rename).
fn new_name(from: &Snapshot, to: Text<'_>) -> Result<SnapshotName, Error> {
    let (dataset, name) = to.text.split_once('@').unwrap_or(("", to.text));
    if !dataset.is_empty() && dataset != from.dataset.as_str() {
        // "snapshots must be part of same dataset"
        return Err(to.error(What::Conflict));
    }
    SnapshotName::parse(name).map_err(|error| to.error(error))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, rendered_again};
    use super::*;
    use crate::command::name::NameError;

    #[test]
    fn a_new_name_is_written_whole() {
        let cases = [
            ("rename -fp tank/a tank/b/c", "zfs rename -p -f -- tank/a tank/b/c"),
            ("rename -u tank/a tank/b", "zfs rename -u -- tank/a tank/b"),
            ("rename tank/a@b @c", "zfs rename -- tank/a@b tank/a@c"),
            ("rename tank/a@b c", "zfs rename -- tank/a@b tank/a@c"),
            ("rename -r tank/a@b tank/a@c", "zfs rename -r -- tank/a@b tank/a@c"),
        ];
        for (line, expected) in cases {
            assert_eq!(rendered_again(line), expected);
            assert_eq!(rendered_again(expected.trim_start_matches("zfs ")), expected);
        }
    }

    #[test]
    fn a_rename_that_zfs_would_not_take_is_no_command() {
        for (line, why) in [
            ("rename tank/a", What::MissingOperand),
            ("rename a b c", What::ExtraOperand),
            ("rename -r tank/a tank/b", What::Conflict),
            ("rename -p -u tank/a tank/b", What::Conflict),
            ("rename -p tank/a@b @c", What::Conflict),
            ("rename tank/a@b tank/c@b", What::Conflict),
            ("rename tank/a@b tank/c", What::Name(NameError::InvalidCharacter)),
            ("rename tank/a tank/b@c", What::Name(NameError::UnexpectedDelimiter)),
            ("rename 'tank/a#b' c", What::Name(NameError::UnexpectedDelimiter)),
        ] {
            assert_eq!(read(line), Err(why), "{line}");
        }
    }
}
