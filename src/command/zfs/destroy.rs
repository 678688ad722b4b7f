//! zfs-destroy(8).
#![forbid(unsafe_code)]

use std::fmt;

use super::{argv, single};
use crate::command::argv::{Argv, rendered};
use crate::command::name::{Bookmark, Dataset, SnapshotName};
use crate::command::options::{Opt, Text, read};
use crate::command::property::comma_separated;
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs destroy`
#[derive(Clone, Debug, PartialEq)]
pub struct Destroy {
    /// What is to go.
    pub victim: Victim,
    /// -d: when the last hold and clone are gone.
    pub deferred: bool,
    /// -n
    pub dry_run: bool,
    /// -f: unmounts by force.
    pub force: bool,
    /// -r, -R
    pub reach: Recursion,
    /// -v
    pub verbose: bool,
    /// -p
    pub parsable: bool,
}

/// What is to go.
#[derive(Clone, Debug, PartialEq)]
pub enum Victim {
    /// `dataset#name`
    Bookmark(Bookmark),
    /// `dataset`
    Dataset(Dataset),
    /// `dataset@list`
    Snapshots(Dataset, Vec<Spec>),
}

impl Victim {
    /// The dataset that it is or belongs to.
    pub fn dataset(&self) -> &Dataset {
        match self {
            Self::Bookmark(bookmark) => &bookmark.dataset,
            Self::Dataset(dataset) | Self::Snapshots(dataset, _) => dataset,
        }
    }
}

/// A piece of a list of snapshots (zfs_iter_snapspec). Ranges go by createtxg and contain both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// `name`
    One(SnapshotName),
    /// `first%last`, either of which may be left out.
    Range(Option<SnapshotName>, Option<SnapshotName>),
}

/// How far destruction goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recursion {
    /// What is named.
    #[default]
    None,
    /// -r: the same below.
    Below,
    /// -R: and all clones, wherever they are.
    Clones,
}

#[derive(Clone, Copy)]
enum Flag {
    Clones,
    Deferred,
    DryRun,
    Force,
    Parsable,
    Recursive,
    Verbose,
}

const OPTIONS: &[Opt<Flag>] = &[
    Opt::flag('R', Flag::Clones),
    Opt::flag('d', Flag::Deferred),
    Opt::flag('f', Flag::Force),
    Opt::flag('n', Flag::DryRun),
    Opt::flag('p', Flag::Parsable),
    Opt::flag('r', Flag::Recursive),
    Opt::flag('v', Flag::Verbose),
];

impl Destroy {
    /// Without any option.
    pub fn of(victim: Victim) -> Self {
        Self {
            victim,
            deferred: false,
            dry_run: false,
            force: false,
            reach: Recursion::None,
            verbose: false,
            parsable: false,
        }
    }

    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let mut destroy = Self::of(Victim::read(single(subcommand, &found.operands)?)?);
        for option in found.options {
            match option.is {
                Flag::Clones => destroy.reach = Recursion::Clones,
                Flag::Deferred => destroy.deferred = true,
                Flag::DryRun => destroy.dry_run = true,
                Flag::Force => destroy.force = true,
                Flag::Parsable => destroy.parsable = true,
                Flag::Recursive if destroy.reach == Recursion::None => destroy.reach = Recursion::Below,
                Flag::Recursive => (),
                Flag::Verbose => destroy.verbose = true,
            }
        }
        Ok(destroy)
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("destroy");
        argv.flag(self.deferred, "-d");
        argv.flag(self.dry_run, "-n");
        argv.flag(self.force, "-f");
        argv.flag(self.verbose, "-v");
        argv.flag(self.parsable, "-p");
        match self.reach {
            Recursion::None => (),
            Recursion::Below => argv.push("-r"),
            Recursion::Clones => argv.push("-R"),
        }
        argv.push("--");
        argv.push(&self.victim);
        argv
    }
}

impl Victim {
    fn read(text: Text<'_>) -> Result<Self, Error> {
        let name = |error| text.error(What::Name(error));
        if let Some((dataset, list)) = text.text.split_once('@') {
            let specs = list.split(',').map(|spec| Spec::read(text, spec)).collect::<Result<_, Error>>()?;
            return Ok(Self::Snapshots(Dataset::parse(dataset).map_err(name)?, specs));
        }
        if text.text.contains('#') {
            return Bookmark::parse(text.text).map(Self::Bookmark).map_err(name);
        }
        Dataset::parse(text.text).map(Self::Dataset).map_err(name)
    }
}

impl Spec {
    /// The names that are written in it.
    pub fn names(&self) -> impl Iterator<Item = &SnapshotName> {
        let (first, last) = match self {
            Self::One(name) => (Some(name), None),
            Self::Range(first, last) => (first.as_ref(), last.as_ref()),
        };
        first.into_iter().chain(last)
    }

    fn read(text: Text<'_>, spec: &str) -> Result<Self, Error> {
        let end = |end: &str| match end {
            "" => Ok(None),
            name => SnapshotName::parse(name).map(Some).map_err(|_| text.error(What::Range)),
        };
        match spec.split_once('%') {
            None => SnapshotName::parse(spec).map(Self::One).map_err(|_| text.error(What::Range)),
            Some((first, last)) => Ok(Self::Range(end(first)?, end(last)?)),
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bookmark(bookmark) => bookmark.fmt(f),
            Self::Dataset(dataset) => dataset.fmt(f),
            Self::Snapshots(dataset, specs) => {
                write!(f, "{dataset}@")?;
                comma_separated(f, specs)
            }
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |end: &Option<SnapshotName>| end.as_ref().map_or("", SnapshotName::as_str).to_owned();
        match self {
            Self::One(name) => name.fmt(f),
            Self::Range(first, last) => write!(f, "{}%{}", text(first), text(last)),
        }
    }
}

rendered!(Victim);

#[cfg(test)]
mod tests {
    use super::super::testing::{read, rendered_again};
    use super::*;

    #[test]
    fn one_at_sign_tells_a_snapshot_from_a_file_system() {
        let victim = |line| match read(line) {
            Ok(super::super::Zfs::Destroy(destroy)) => destroy.victim,
            other => panic!("{other:?}"),
        };
        assert!(matches!(victim("destroy -r tank/x"), Victim::Dataset(_)));
        assert!(matches!(victim("destroy tank/x@a,b"), Victim::Snapshots(_, specs) if specs.len() == 2));
        assert!(matches!(victim("destroy 'tank/x#.TMPBZFS.a'"), Victim::Bookmark(_)));
    }

    #[test]
    fn lists_and_ranges_are_read_as_zfs_reads_them() {
        assert_eq!(rendered_again("destroy tank/x@a%b,c,%d,e%,%"), "zfs destroy -- tank/x@a%b,c,%d,e%,%");
        for line in [
            "destroy tank/x@a,",
            "destroy tank/x@,a",
            "destroy tank/x@",
            "destroy tank/x@a%%b",
            "destroy tank/x@a%b%c",
            "destroy tank/x@a,tank/x@b",
            "destroy 'tank/x@syncoid_*'",
        ] {
            assert_eq!(read(line), Err(What::Range), "{line}");
        }
    }

    #[test]
    fn options_behind_the_operand_count() {
        assert_eq!(rendered_again("destroy tank/x@a -rnv"), "zfs destroy -n -v -r -- tank/x@a");
        assert_eq!(read("destroy tank/x@a -r tank/x"), Err(What::ExtraOperand));
        assert_eq!(read("destroy"), Err(What::MissingOperand));
    }
}
