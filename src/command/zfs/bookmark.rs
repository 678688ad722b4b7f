//! zfs-bookmark(8). Left out on purpose: -r of later versions.
#![forbid(unsafe_code)]

use super::argv;
use super::send::Source;
use crate::command::argv::Argv;
use crate::command::name::{Bookmark, NameError, Named};
use crate::command::options::{Opt, Text, read};
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs bookmark`
#[derive(Clone, Debug, PartialEq)]
pub struct Bookmarking {
    /// The snapshot or bookmark that it is made from.
    pub source: Source,
    /// The new one.
    pub bookmark: Bookmark,
}

const OPTIONS: &[Opt<()>] = &[];

impl Bookmarking {
    /// One of the two may be short: `@s` or `#b` (zfs_do_bookmark).
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let (source, bookmark) = match found.operands.as_slice() {
            [source, bookmark] => (*source, *bookmark),
            [_, _, extra, ..] => return Err(extra.error(What::ExtraOperand)),
            _ => return Err(subcommand.error(What::MissingOperand)),
        };
        let full = if source.text.starts_with(['@', '#']) { bookmark } else { source };
        let dataset = Named::parse(full.text).map_err(|error| full.error(error))?.dataset().clone();
        match Source::read(bookmark, &dataset)? {
            Source::Bookmark(new) => Ok(Self { source: Source::read(source, &dataset)?, bookmark: new }),
            Source::Snapshot(_) => Err(bookmark.error(NameError::MissingHash)),
        }
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("bookmark");
        argv.push("--");
        argv.push(&self.source);
        argv.push(&self.bookmark);
        argv
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, rendered_again};
    use super::*;

    #[test]
    fn short_names_belong_to_the_other_operand() {
        let full = "zfs bookmark -- tank/d@a tank/d#b";
        assert_eq!(rendered_again("bookmark tank/d@a '#b'"), full);
        assert_eq!(rendered_again("bookmark @a 'tank/d#b'"), full);
        assert_eq!(rendered_again("bookmark 'tank/d'@'a' 'tank/d'#'b'"), full);
    }

    #[test]
    fn two_short_names_or_a_snapshot_as_the_new_one_are_refused() {
        assert!(read("bookmark @a '#b'").is_err());
        assert_eq!(read("bookmark tank/d@a tank/d@b"), Err(What::Name(NameError::MissingHash)));
        assert_eq!(read("bookmark -r tank/d@a '#b'"), Err(What::Option));
    }
}
