//! zfs-send(8). Left out on purpose: -S, --saved (sends what was never a snapshot), -d, --redact, and -U of later
//! versions (sends encrypted datasets decrypted).
#![forbid(unsafe_code)]

use std::fmt;

use super::{argv, single};
use crate::command::argv::{Argv, rendered};
use crate::command::name::{Bookmark, Dataset, Named, Snapshot, SnapshotName};
use crate::command::options::{Opt, Text, read};
use crate::command::property::comma_separated;
use crate::command::token::Token;
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs send`
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// What is sent.
    pub stream: Stream,
    /// How.
    pub flags: Flags,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Stream {
    /// The operand is a file system or volume as it is now, not a snapshot of it.
    Live(Dataset),
    /// -t: the rest of a broken transfer.
    Resume(Token),
    /// A snapshot, whole or from an earlier one on.
    Snapshot(Snapshot, Option<From>),
}

/// Where an incremental stream begins.
#[derive(Clone, Debug, PartialEq)]
pub struct From {
    /// The snapshot or bookmark, by its full name: the client may write `@name` or `#name`.
    pub source: Source,
    /// -I: with all snapshots between.
    pub intermediates: bool,
}

/// A snapshot or a bookmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `#name`
    Bookmark(Bookmark),
    /// `@name`
    Snapshot(Snapshot),
}

/// The flags, by their long names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    /// -b, --backup: received properties in place of local ones.
    pub backup: bool,
    /// -c, --compressed
    pub compressed: bool,
    /// -n, --dryrun
    pub dry_run: bool,
    /// -e, --embed
    pub embed: bool,
    /// -X, --exclude: datasets that -R leaves out.
    pub exclude: Vec<Dataset>,
    /// -h, --holds
    pub holds: bool,
    /// -L, --large-block
    pub large_blocks: bool,
    /// -P, --parsable
    pub parsable: bool,
    /// -V, --proctitle
    pub proctitle: bool,
    /// -p, --props
    pub properties: bool,
    /// -w, --raw
    pub raw: bool,
    /// -R, --replicate
    pub replicate: bool,
    /// -s, --skip-missing
    pub skip_missing: bool,
    /// -v, --verbose: once. More of it prints the innards of libzfs on standard output.
    pub verbose: bool,
}

#[derive(Clone, Copy)]
enum Flag {
    Exclude,
    From {
        intermediates: bool,
    },
    Resume,
    Set(fn(&mut Flags) -> &mut bool),
    /// -D, --dedup: without effect since 2.0, but for a warning.
    Nothing,
}

const OPTIONS: &[Opt<Flag>] = &[
    Opt::flag_long('D', "dedup", Flag::Nothing),
    Opt::value('I', Flag::From { intermediates: true }),
    Opt::flag_long('L', "large-block", Flag::Set(|flags| &mut flags.large_blocks)),
    Opt::flag_long('P', "parsable", Flag::Set(|flags| &mut flags.parsable)),
    Opt::flag_long('R', "replicate", Flag::Set(|flags| &mut flags.replicate)),
    Opt::flag_long('V', "proctitle", Flag::Set(|flags| &mut flags.proctitle)),
    Opt::value_long('X', "exclude", Flag::Exclude),
    Opt::flag_long('b', "backup", Flag::Set(|flags| &mut flags.backup)),
    Opt::flag_long('c', "compressed", Flag::Set(|flags| &mut flags.compressed)),
    Opt::flag_long('e', "embed", Flag::Set(|flags| &mut flags.embed)),
    Opt::flag_long('h', "holds", Flag::Set(|flags| &mut flags.holds)),
    Opt::value('i', Flag::From { intermediates: false }),
    Opt::flag_long('n', "dryrun", Flag::Set(|flags| &mut flags.dry_run)),
    Opt::flag_long('p', "props", Flag::Set(|flags| &mut flags.properties)),
    Opt::flag_long('s', "skip-missing", Flag::Set(|flags| &mut flags.skip_missing)),
    Opt::value_long('t', "resume", Flag::Resume),
    Opt::flag_long('v', "verbose", Flag::Set(|flags| &mut flags.verbose)),
    Opt::flag_long('w', "raw", Flag::Set(|flags| &mut flags.raw)),
];

impl Send {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let mut flags = Flags::default();
        let mut token = None;
        let mut from = None;
        for option in found.options {
            match option.is {
                Flag::Exclude => {
                    for name in option.text.text.split(',') {
                        flags.exclude.push(Dataset::parse(name).map_err(|error| option.text.error(error))?);
                    }
                }
                Flag::From { intermediates } => once(&mut from, option.text, intermediates)?,
                Flag::Nothing => (),
                Flag::Resume => once(&mut token, option.text, ())?,
                Flag::Set(of) => *of(&mut flags) = true,
            }
        }
        let stream = match (token, from) {
            (Some((text, ())), None) if found.operands.is_empty() && flags.may_resume() => {
                Stream::Resume(Token::parse(text.text).map_err(|error| text.error(error))?)
            }
            (Some((text, ())), _) => return Err(text.error(What::Conflict)),
            (None, from) => stream(single(subcommand, &found.operands)?, from)?,
        };
        if !flags.replicate && (flags.skip_missing || !flags.exclude.is_empty()) {
            return Err(subcommand.error(What::Conflict));
        }
        Ok(Self { stream, flags })
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let flags = &self.flags;
        let mut argv = argv("send");
        argv.flag(flags.large_blocks, "-L");
        argv.flag(flags.embed, "-e");
        argv.flag(flags.compressed, "-c");
        argv.flag(flags.raw, "-w");
        argv.flag(flags.replicate, "-R");
        argv.flag(flags.skip_missing, "-s");
        argv.option("-X", (!flags.exclude.is_empty()).then_some(&Excluded(&flags.exclude)));
        argv.flag(flags.properties, "-p");
        argv.flag(flags.backup, "-b");
        argv.flag(flags.holds, "-h");
        argv.flag(flags.dry_run, "-n");
        argv.flag(flags.verbose, "-v");
        argv.flag(flags.parsable, "-P");
        argv.flag(flags.proctitle, "-V");
        match &self.stream {
            Stream::Resume(token) => argv.option("-t", Some(token)),
            Stream::Live(dataset) => {
                argv.push("--");
                argv.push(dataset);
            }
            Stream::Snapshot(snapshot, from) => {
                if let Some(from) = from {
                    argv.option(if from.intermediates { "-I" } else { "-i" }, Some(&from.source));
                }
                argv.push("--");
                argv.push(snapshot);
            }
        }
        argv
    }
}

impl Flags {
    /// -t goes with none of these (zfs_do_send).
    fn may_resume(&self) -> bool {
        !(self.backup || self.holds || self.properties || self.replicate)
    }
}

/// Takes an option that may stand once.
fn once<'a, T>(place: &mut Option<(Text<'a>, T)>, text: Text<'a>, more: T) -> Result<(), Error> {
    match place.replace((text, more)) {
        None => Ok(()),
        Some(_) => Err(text.error(What::Conflict)),
    }
}

fn stream(operand: Text<'_>, from: Option<(Text<'_>, bool)>) -> Result<Stream, Error> {
    let snapshot = match (Named::parse(operand.text), &from) {
        (Ok(Named::Snapshot(snapshot)), _) => snapshot,
        (Ok(Named::Dataset(dataset)), None) => return Ok(Stream::Live(dataset)),
        (Ok(_), _) => return Err(operand.error(crate::command::name::NameError::MissingAt)),
        (Err(error), _) => return Err(operand.error(error)),
    };
    let from = match from {
        None => None,
        Some((text, intermediates)) => {
            let source = Source::read(text, &snapshot.dataset)?;
            // "multiple snapshots cannot be sent from a bookmark" (zfs_do_send)
            if intermediates && matches!(source, Source::Bookmark(_)) {
                return Err(text.error(What::Conflict));
            }
            Some(From { source, intermediates })
        }
    };
    Ok(Stream::Snapshot(snapshot, from))
}

impl Source {
    /// Reads `@name`, `#name` or a full name. A bare `name` is refused, though zfs takes it for `@name` with a warning:
    /// it could as well be an option that lost its dash.
    pub(super) fn read(text: Text<'_>, dataset: &Dataset) -> Result<Self, Error> {
        let own = |name: &str| SnapshotName::parse(name).map_err(|error| text.error(error));
        if let Some(name) = text.text.strip_prefix('@') {
            return Ok(Self::Snapshot(dataset.snapshot(&own(name)?)));
        }
        if let Some(name) = text.text.strip_prefix('#') {
            return Ok(Self::Bookmark(Bookmark { dataset: dataset.clone(), name: own(name)? }));
        }
        match Named::parse(text.text).map_err(|error| text.error(error))? {
            Named::Bookmark(bookmark) => Ok(Self::Bookmark(bookmark)),
            Named::Snapshot(snapshot) => Ok(Self::Snapshot(snapshot)),
            Named::Dataset(_) => Err(text.error(crate::command::name::NameError::MissingAt)),
        }
    }

    /// The dataset it belongs to.
    pub fn dataset(&self) -> &Dataset {
        match self {
            Self::Bookmark(bookmark) => &bookmark.dataset,
            Self::Snapshot(snapshot) => &snapshot.dataset,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bookmark(bookmark) => bookmark.fmt(f),
            Self::Snapshot(snapshot) => snapshot.fmt(f),
        }
    }
}

/// Datasets joined by commas.
struct Excluded<'a>(&'a [Dataset]);

impl fmt::Display for Excluded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        comma_separated(f, self.0)
    }
}

rendered!(Excluded<'_>, Source);

#[cfg(test)]
mod tests {
    use super::super::testing::{read, rendered_again};
    use super::*;
    use crate::command::name::NameError;

    #[test]
    fn flags_may_be_bundled_long_or_behind_the_operand() {
        for line in
            ["send -Lec -w tank/a@b", "send --raw --compressed --embed --large-block tank/a@b", "send tank/a@b -wLec"]
        {
            assert_eq!(rendered_again(line), "zfs send -L -e -c -w -- tank/a@b", "{line}");
        }
    }

    #[test]
    fn a_short_source_becomes_a_full_name() {
        assert_eq!(rendered_again("send -i @a tank/d@b"), "zfs send -i tank/d@a -- tank/d@b");
        assert_eq!(rendered_again("send -i'#a' tank/d@b"), "zfs send -i tank/d#a -- tank/d@b");
        assert_eq!(
            rendered_again("send -nvP -I 'tank/d'@'a' 'tank/d'@'b'"),
            "zfs send -n -v -P -I tank/d@a -- tank/d@b"
        );
    }

    #[test]
    fn what_an_option_took_is_no_flag() {
        assert_eq!(
            read("send -iR tank/d@b"),
            Err(What::Name(NameError::Pool)).or(Err(What::Name(NameError::MissingAt)))
        );
        assert!(read("send -i -w tank/d@b").is_err());
        assert_eq!(read("send -- -w tank/d@b"), Err(What::ExtraOperand));
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        assert_eq!(read("send -i @a -I @b tank/d@c"), Err(What::Conflict));
        assert_eq!(read("send -t 1-1-1-00 tank/d@c"), Err(What::Conflict));
        assert_eq!(read("send -s tank/d@c"), Err(What::Conflict));
        assert_eq!(read("send -I 'tank/d#b' tank/d@c"), Err(What::Conflict));
    }

    #[test]
    fn unknown_and_abbreviated_options_are_refused() {
        for line in [
            "send --repl tank/d@a",
            "send --raw=1 tank/d@a",
            "send -S tank/d",
            "send -d b tank/d@a",
            "send -U tank/d@a",
        ] {
            assert!(matches!(read(line), Err(What::Option | What::UnexpectedValue)), "{line}");
        }
        assert_eq!(read("send"), Err(What::MissingOperand));
        assert_eq!(read("send -t"), Err(What::MissingValue));
    }

    #[test]
    fn a_live_file_system_is_told_from_a_snapshot() {
        let live = |line| matches!(read(line), Ok(super::super::Zfs::Send(Send { stream: Stream::Live(_), .. })));
        assert!(live("send -L zfs_autobackup_option_test"));
        assert!(!live("send tank/d@a"));
    }
}
