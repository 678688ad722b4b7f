//! What simplesnap asks of its own program at the source, `simplesnapwrap` (simplesnap(8), and that script). Which
//! commands stand for it is for `decide` to say, since it depends on what is there.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::SystemTime;

use super::date::Date;
use super::filter::Pv;
use super::name::{Dataset, NameError, Snapshot, SnapshotName};
use super::options::Text;
use super::{Error, What};
use crate::syntax::Word;

/// The name of the program.
pub const PROGRAM: &str = "simplesnapwrap";

/// A request of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Simplesnap {
    /// `listfs`: which file systems and volumes there are to back up.
    Listfs,
    /// `reap SET DATASET`: the snapshots and bookmarks of a set go, but for the newest.
    Reap(Set, Dataset),
    /// `sendback SET DATASET [LIMIT]`: a new snapshot is taken, and sent from the oldest of the set on.
    Sendback(Set, Dataset, Option<Pv>),
}

impl Simplesnap {
    /// Reads its arguments.
    pub(super) fn read(program: &Word, words: &[Word]) -> Result<Self, Error> {
        let (mode, operands) = words.split_first().ok_or(Text::from(program).error(What::MissingOperand))?;
        match (mode.as_str(), operands) {
            ("listfs", []) => Ok(Self::Listfs),
            ("reap", [set, dataset]) => Ok(Self::Reap(Set::read(set)?, named(dataset)?)),
            ("sendback", [set, dataset]) => Ok(Self::Sendback(Set::read(set)?, named(dataset)?, None)),
            ("sendback", [set, dataset, limit]) => {
                Ok(Self::Sendback(Set::read(set)?, named(dataset)?, Some(Pv::limiting(limit.into())?)))
            }
            ("listfs", [extra, ..]) | ("reap", [_, _, extra, ..]) | ("sendback", [_, _, _, extra, ..]) => {
                Err(Text::from(extra).error(What::ExtraOperand))
            }
            ("reap" | "sendback", _) => Err(Text::from(mode).error(What::MissingOperand)),
            _ => Err(Text::from(mode).error(What::Subcommand)),
        }
    }
}

fn named(word: &Word) -> Result<Dataset, Error> {
    Dataset::parse(word.as_str()).map_err(|error| Text::from(word).error(error))
}

/// The name of a set of snapshots: letters and digits of ASCII, so that no set's names are among another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set(Box<str>);

impl Set {
    fn read(word: &Word) -> Result<Self, Error> {
        let text = word.as_str();
        match text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            _ if text.is_empty() => Err(Text::from(word).error(NameError::EmptyComponent)),
            false => Err(Text::from(word).error(NameError::InvalidCharacter)),
            true => Ok(Self(text.into())),
        }
    }

    /// What the names of its snapshots and bookmarks begin with.
    pub fn prefix(&self) -> String {
        format!("__simplesnap_{self}_")
    }

    /// Whether a snapshot or bookmark of this name belongs to it.
    pub fn has(&self, name: &SnapshotName) -> bool {
        name.as_str().starts_with(&self.prefix())
    }

    /// Its snapshot of this moment, `__simplesnap_SET_YYYY-MM-DDTHH:MM:SS__`, UTC.
    pub fn snapshot(&self, dataset: &Dataset, now: SystemTime) -> Result<Snapshot, NameError> {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let (date, second) = (Date::of(seconds / 86_400), seconds % 86_400);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        Snapshot::parse(&format!("{dataset}@{}{date}T{hour:02}:{minute:02}:{second:02}__", self.prefix()))
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::command::argv::Program;
    use crate::command::{Command, read};
    use crate::syntax;

    fn asked(line: &str) -> Result<Simplesnap, Error> {
        let script = syntax::parse(line.as_bytes()).unwrap().unwrap();
        match read(&script.first.first)?.command {
            Command::Simplesnap(asked) => Ok(asked),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn set(text: &str) -> Set {
        let Simplesnap::Reap(set, _) = asked(&format!("simplesnapwrap reap {text} tank/d")).unwrap() else { panic!() };
        set
    }

    #[test]
    fn what_the_client_sends_is_read() {
        let (laptop, dataset) = (set("laptop"), Dataset::parse("tank/d").unwrap());
        let whole = Simplesnap::Sendback(laptop.clone(), dataset.clone(), None);
        for (line, expected) in [
            ("simplesnapwrap listfs", &Simplesnap::Listfs),
            ("/usr/sbin/simplesnapwrap listfs", &Simplesnap::Listfs),
            ("simplesnapwrap sendback laptop tank/d", &whole),
            ("simplesnapwrap sendback laptop tank/d ", &whole),
            ("simplesnapwrap reap laptop tank/d", &Simplesnap::Reap(laptop, dataset)),
        ] {
            assert_eq!(asked(line).as_ref(), Ok(expected), "{line}");
        }
        let Ok(Simplesnap::Sendback(_, _, Some(pv))) = asked("simplesnapwrap sendback laptop tank/d 10M") else {
            panic!()
        };
        let argv = crate::command::filter::Filter::Pv(pv).render();
        assert_eq!((argv.program(), argv.arguments().collect::<Vec<_>>()), (Program::Pv, vec!["-L", "10M"]));
    }

    #[test]
    fn anything_else_is_refused_at_its_word() {
        use NameError::{EmptyComponent, InvalidCharacter, Reference};
        for (line, what, at) in [
            ("simplesnapwrap", What::MissingOperand, 0),
            ("simplesnapwrap reinvoked simplesnapwrap listfs", What::Subcommand, 15),
            ("simplesnapwrap -- listfs", What::Subcommand, 15),
            ("simplesnapwrap listfs tank", What::ExtraOperand, 22),
            ("simplesnapwrap sendback laptop", What::MissingOperand, 15),
            ("simplesnapwrap reap laptop tank/d 10M", What::ExtraOperand, 34),
            ("simplesnapwrap sendback laptop tank/d 10M x", What::ExtraOperand, 42),
            ("simplesnapwrap sendback laptop tank/d -h", What::Number, 38),
            ("simplesnapwrap sendback laptop tank/d ''", What::Number, 38),
            ("simplesnapwrap sendback '' tank/d", What::Name(EmptyComponent), 24),
            ("simplesnapwrap sendback -R tank/d", What::Name(InvalidCharacter), 24),
            ("simplesnapwrap reap lap_top tank/d", What::Name(InvalidCharacter), 20),
            ("simplesnapwrap reap '*' tank/d", What::Name(InvalidCharacter), 20),
            ("simplesnapwrap reap laptop tank/../x", What::Name(Reference), 27),
            ("simplesnapwrap reap laptop tank/d@a", What::Name(NameError::UnexpectedDelimiter), 27),
        ] {
            let error = asked(line).expect_err(line);
            assert_eq!((error.what, error.span.start), (what, at), "{line}");
        }
        // It is no program of the system's that others could start.
        for line in ["sudo simplesnapwrap listfs", "env - simplesnapwrap listfs", "/tmp/simplesnapwrap listfs"] {
            assert_eq!(asked(line).expect_err(line).what, What::Program, "{line}");
        }
    }

    #[test]
    fn no_set_has_what_belongs_to_another() {
        let name = |text: &str| SnapshotName::parse(text).unwrap();
        assert!(set("nas").has(&name("__simplesnap_nas_2026-11-27T09:05:07__")));
        for other in
            ["__simplesnap_nas2_2026-11-27T09:05:07__", "__simplesnap_nas", "x__simplesnap_nas_1", "__simplesnap_NAS_1"]
        {
            assert!(!set("nas").has(&name(other)), "{other}");
        }
    }

    #[test]
    fn a_new_snapshot_has_the_second_in_its_name() {
        let (set, dataset) = (set("nas"), Dataset::parse("tank/d").unwrap());
        let at = |seconds| set.snapshot(&dataset, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(1_795_770_307).unwrap().to_string(), "tank/d@__simplesnap_nas_2026-11-27T09:05:07__");
        let long = Set("a".repeat(250).into());
        assert_eq!(long.snapshot(&dataset, SystemTime::UNIX_EPOCH), Err(NameError::TooLong));
    }
}
