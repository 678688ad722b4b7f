//! zfs-receive(8). Left out on purpose: -c, which writes over blocks of snapshots that are there.
#![forbid(unsafe_code)]

use std::fmt;

use super::{argv, single};
use crate::command::argv::{Argv, rendered};
use crate::command::name::{Dataset, NameError, Named, Snapshot, SnapshotName};
use crate::command::options::{Opt, Text, read};
use crate::command::property::{Property, Setting};
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs receive`
#[derive(Clone, Debug, PartialEq)]
pub struct Receive {
    /// The operand without its snapshot.
    pub dataset: Dataset,
    /// The snapshot's name, where the operand says it; otherwise the stream does.
    pub snapshot: Option<SnapshotName>,
    /// Which part of the name in the stream is put behind the operand.
    pub tail: Tail,
    /// How.
    pub flags: Flags,
    /// -o
    pub settings: Vec<Setting>,
    /// -x
    pub exclude: Vec<Property>,
    /// What a clone starts from. Never read: the decision looks it up.
    pub origin: Option<Snapshot>,
}

/// -d, -e
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the operand is where it lands.
    #[default]
    Nothing,
    /// -d: all but the pool.
    BelowPool,
    /// -e: the last component.
    Last,
}

/// The flags.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    /// -F: roll back, or replace.
    pub force: bool,
    /// -M: unmount by force.
    pub force_unmount: bool,
    /// -h: without the holds in the stream.
    pub skip_holds: bool,
    /// -n
    pub dry_run: bool,
    /// -s: what has arrived is kept if the transfer breaks.
    pub resumable: bool,
    /// -u: does not mount what was received.
    pub unmounted: bool,
    /// -v
    pub verbose: bool,
}

#[derive(Clone, Copy)]
enum Flag {
    Abort,
    Exclude,
    Set(fn(&mut Flags) -> &mut bool),
    Setting,
    Tail(Tail),
}

/// cmd/zfs/zfs_main.c: ":o:x:dehMnuvFsA", from 2.2 on also "c"
const OPTIONS: &[Opt<Flag>] = &[
    Opt::flag('A', Flag::Abort),
    Opt::flag('F', Flag::Set(|flags| &mut flags.force)),
    Opt::flag('M', Flag::Set(|flags| &mut flags.force_unmount)),
    Opt::flag('d', Flag::Tail(Tail::BelowPool)),
    Opt::flag('e', Flag::Tail(Tail::Last)),
    Opt::flag('h', Flag::Set(|flags| &mut flags.skip_holds)),
    Opt::flag('n', Flag::Set(|flags| &mut flags.dry_run)),
    Opt::value('o', Flag::Setting),
    Opt::flag('s', Flag::Set(|flags| &mut flags.resumable)),
    Opt::flag('u', Flag::Set(|flags| &mut flags.unmounted)),
    Opt::flag('v', Flag::Set(|flags| &mut flags.verbose)),
    Opt::value('x', Flag::Exclude),
];

/// `zfs receive`, or `zfs receive -A`: throws away what a broken transfer has left.
#[derive(Clone, Debug, PartialEq)]
pub enum Receiving {
    /// -A
    Abort(Dataset),
    /// A stream.
    Stream(Receive),
}

impl Receiving {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let operand = single(subcommand, &found.operands)?;
        let name = Named::parse(operand.text).map_err(|error| operand.error(error))?;
        let mut abort = false;
        let mut tail = Tail::Nothing;
        let mut flags = Flags::default();
        let mut settings: Vec<Setting> = Vec::new();
        let mut exclude: Vec<Property> = Vec::new();
        for option in found.options {
            let conflict = |already: bool| if already { Err(option.text.error(What::Conflict)) } else { Ok(()) };
            match option.is {
                Flag::Abort => abort = true,
                Flag::Set(of) => *of(&mut flags) = true,
                Flag::Tail(other) => {
                    // zfs lets both stand and takes -e; nobody means that.
                    conflict(tail != Tail::Nothing && tail != other)?;
                    tail = other;
                }
                Flag::Setting => {
                    let setting = Setting::read(option.text)?;
                    conflict(settings.iter().any(|other| other.property == setting.property))?;
                    settings.push(setting);
                }
                Flag::Exclude => {
                    let property = Property::parse(option.text.text).ok_or(option.text.error(What::Property))?;
                    conflict(exclude.contains(&property))?;
                    exclude.push(property);
                }
            }
        }
        // "specified multiple times" (parseprop)
        if settings.iter().any(|setting| exclude.contains(&setting.property)) {
            return Err(subcommand.error(What::Conflict));
        }
        let (dataset, snapshot) = match name {
            Named::Dataset(dataset) => (dataset, None),
            Named::Snapshot(Snapshot { dataset, name }) => (dataset, Some(name)),
            Named::Bookmark(_) => return Err(operand.error(NameError::UnexpectedDelimiter)),
        };
        if abort {
            // zfs_do_receive: -A goes with none of these, and wants a dataset.
            let excluded = flags.dry_run || flags.resumable || flags.unmounted || tail != Tail::Nothing;
            return match snapshot {
                None if !excluded => Ok(Self::Abort(dataset)),
                _ => Err(subcommand.error(What::Conflict)),
            };
        }
        if snapshot.is_some() && tail != Tail::Nothing {
            return Err(subcommand.error(What::Conflict));
        }
        Ok(Self::Stream(Receive { dataset, snapshot, tail, flags, settings, exclude, origin: None }))
    }

    /// The dataset that the operand names.
    pub fn dataset(&self) -> &Dataset {
        match self {
            Self::Abort(dataset) => dataset,
            Self::Stream(receive) => &receive.dataset,
        }
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        match self {
            Self::Stream(receive) => receive.render(),
            Self::Abort(dataset) => {
                let mut argv = argv("receive");
                argv.push("-A");
                argv.push("--");
                argv.push(dataset);
                argv
            }
        }
    }
}

impl Receive {
    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let flags = &self.flags;
        let mut argv = argv("receive");
        argv.flag(self.tail == Tail::BelowPool, "-d");
        argv.flag(self.tail == Tail::Last, "-e");
        argv.flag(flags.force, "-F");
        argv.flag(flags.force_unmount, "-M");
        argv.flag(flags.skip_holds, "-h");
        argv.flag(flags.dry_run, "-n");
        argv.flag(flags.resumable, "-s");
        argv.flag(flags.unmounted, "-u");
        argv.flag(flags.verbose, "-v");
        for setting in &self.settings {
            argv.option("-o", Some(setting));
        }
        argv.option("-o", self.origin.as_ref().map(Origin).as_ref());
        for property in &self.exclude {
            argv.option("-x", Some(property));
        }
        argv.push("--");
        match &self.snapshot {
            Some(name) => argv.push(&self.dataset.snapshot(name)),
            None => argv.push(&self.dataset),
        }
        argv
    }
}

/// `origin=SNAPSHOT`
struct Origin<'a>(&'a Snapshot);

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "origin={}", self.0)
    }
}

rendered!(Origin<'_>);

#[cfg(test)]
mod tests {
    use super::super::testing::{read, rendered_again};
    use super::*;

    #[test]
    fn flags_may_be_bundled_or_behind_the_operand() {
        for line in ["receive -sF backup/a", "recv backup/a -F -s", "receive -F -s -- backup/a"] {
            assert_eq!(rendered_again(line), "zfs receive -F -s -- backup/a", "{line}");
        }
        assert_eq!(rendered_again("receive -vnuhMe backup/a"), "zfs receive -e -M -h -n -u -v -- backup/a");
        assert_eq!(rendered_again("receive -d backup"), "zfs receive -d -- backup");
        assert_eq!(rendered_again("receive backup/a@b"), "zfs receive -- backup/a@b");
        assert_eq!(rendered_again("recv -A 'backup/a'"), "zfs receive -A -- backup/a");
    }

    #[test]
    fn properties_are_written_by_their_full_names() {
        assert_eq!(
            rendered_again("receive -o rdonly=on -ocompress=lz4 -x recsize -x a:b backup/a"),
            "zfs receive -o readonly=on -o compression=lz4 -x recordsize -x a:b -- backup/a"
        );
        // zfs wants each once, whatever it is called ("specified multiple times").
        for line in ["-o compress=on -o compression=off", "-x compress -x compression", "-o compress=on -x compression"]
        {
            assert_eq!(read(&format!("receive {line} backup/a")), Err(What::Conflict), "{line}");
        }
        for line in ["-o readonly", "-o frob=1", "-x frob", "-x readonly=on"] {
            assert!(matches!(read(&format!("receive {line} backup/a")), Err(What::Value | What::Property)), "{line}");
        }
    }

    #[test]
    fn what_goes_together_in_no_version_is_refused() {
        for line in [
            "-A -s backup/a",
            "-A -n backup/a",
            "-A -u backup/a",
            "-A -d backup/a",
            "-A backup/a@b",
            "-d backup/a@b",
            "-d -e backup/a",
        ] {
            assert_eq!(read(&format!("receive {line}")), Err(What::Conflict), "{line}");
        }
        assert_eq!(read("receive -c backup/a@b"), Err(What::Option));
        assert_eq!(read("receive --force backup/a"), Err(What::Option));
        assert_eq!(read("receive"), Err(What::MissingOperand));
        assert_eq!(read("receive backup/a backup/b"), Err(What::ExtraOperand));
        assert!(matches!(read("receive 'backup/a#b'"), Err(What::Name(NameError::UnexpectedDelimiter))));
        assert!(matches!(read("receive backup/a/%recv"), Err(What::Name(_))));
    }

    #[test]
    fn what_an_option_took_is_no_flag() {
        assert_eq!(read("receive -x -F backup/a"), Err(What::Property));
        assert_eq!(read("receive -o -F backup/a"), Err(What::Value));
        assert_eq!(read("receive -- -F"), Err(What::Name(NameError::Pool)));
    }
}
