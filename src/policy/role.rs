//! What a role stands for: a grant's tables with safe values, written in the types of the file.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use ::toml::Spanned;

use super::form::Count;
use super::written::{Bookmark, Destroy, FloorTable, Grant, Hold, Pattern, Patterns, Send, Snapshot, Table};
use super::{Operation, Raw};

/// A role: shorthand for tables with safe values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Another host may pull from here.
    PullSource,
}

/// syncoid: `syncoid_HOST_2026-01-01:00:00:00-GMT00:00`.
const SYNC: &str = "syncoid_*";
/// zfs-autobackup: `NAME-20260101000000`.
const AUTO: &str = "*-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]";
/// pyznap: `pyznap_2026-01-01_00:00:00_daily`.
const PYZ: &str = "pyznap_*";
/// bzfs, for its default organisation.
const BZFS: &str = "bzfs_*";
/// The bookmarks that bzfs makes for the length of a send and takes away again.
const BZFS_BOOKMARKS: &str = ".TMPBZFS.*";

impl Role {
    /// As one would have to write it out.
    pub(super) fn tables(self) -> Grant<'static> {
        match self {
            Self::PullSource => pull_source(),
        }
    }
}

/// Whoever has the key can read what is granted, and make the next sync a full one; they can't shrink history.
fn pull_source() -> Grant<'static> {
    Grant {
        allow: Some(vec![
            Operation::List,
            Operation::Send,
            Operation::Snapshot,
            Operation::Bookmark,
            Operation::Hold,
            Operation::Release,
            Operation::Destroy,
        ]),
        send: Some(Table(Send {
            raw: Some(Raw::Encrypted),
            properties: Some(true),
            resume: Some(true),
            replicate: None,
        })),
        snapshot: Some(Table(Snapshot {
            names: patterns(&[SYNC, AUTO, PYZ, BZFS]),
            recursive: Some(true),
            properties: None,
        })),
        bookmark: Some(Table(Bookmark { names: patterns(&["*"]), max: Some(Count(500)) })),
        hold: Some(Table(Hold { tags: patterns(&["syncoid_*", "zfs_autobackup:*"]), max: Some(Count(4)) })),
        destroy: Some(vec![
            // No floor: the next sync makes new ones.
            Table(Destroy { names: patterns(&[SYNC]), keep: Some(Count(1)), ..Destroy::default() }),
            Table(Destroy { bookmarks: patterns(&[BZFS_BOOKMARKS]), ..Destroy::default() }),
            Table(Destroy {
                names: patterns(&[AUTO, PYZ, BZFS]),
                keep: Some(Count(1)),
                floor: Some(Table(FloorTable { daily: Count(7), weekly: Count(4), monthly: Count(0) })),
                ..Destroy::default()
            }),
        ]),
        ..Grant::default()
    }
}

fn patterns(texts: &[&'static str]) -> Option<Patterns<'static>> {
    Some(texts.iter().map(|text| Spanned::new(0..0, Pattern(Cow::Borrowed(*text)))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Floor, Kept, Operation, Raw, SendRules, parse};
    use std::time::Duration;

    fn grant() -> crate::policy::Grant {
        parse("[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank\"]", None).unwrap().grants[0].clone()
    }

    #[test]
    fn a_pull_source_may_be_asked_for_all_that_a_pull_needs() {
        let grant = grant();
        assert_eq!(grant.role, Some(Role::PullSource));
        assert!(Operation::ALL.into_iter().all(|operation| grant.allow.has(operation)));
        let send = SendRules { raw: Raw::Encrypted, replicate: false, properties: true, resume: true };
        assert_eq!(grant.send, send);
        assert!(grant.snapshot.recursive && grant.snapshot.properties.iter().count() == 0);
        assert_eq!(grant.bookmark.names.iter().collect::<Vec<_>>(), ["*"]);
        assert_eq!(grant.bookmark.max, 500);
        assert_eq!(grant.hold.tags.iter().collect::<Vec<_>>(), ["syncoid_*", "zfs_autobackup:*"]);
        assert_eq!(grant.hold.max, 4);
    }

    #[test]
    fn snapshots_of_a_pull_source_are_named_as_the_clients_name_them() {
        let names = &grant().snapshot.names;
        for name in [
            "syncoid_nas_2026-01-01:00:00:00-GMT00:00",
            "offsite1-20260101000000",
            "-20260101000000",
            "pyznap_2026-01-01_00:00:00_daily",
            "bzfs_test_2026-01-01_00:00:00_daily",
        ] {
            assert!(names.matches(name), "{name}");
        }
        for name in
            ["daily", "xsyncoid_a", "offsite1-2026010100000", "offsite1-20260101000000x", "offsite120260101000000"]
        {
            assert!(!names.matches(name), "{name}");
        }
    }

    #[test]
    fn a_pull_source_loses_no_history_but_what_the_next_sync_makes_anew() {
        let grant = grant();
        let [sync, bookmarks, kept] = &*grant.destroy else { panic!() };
        assert_eq!(sync.names.iter().collect::<Vec<_>>(), [SYNC]);
        assert_eq!((sync.keep, sync.floor), (1, Floor::default()));
        assert_eq!(bookmarks.bookmarks.iter().collect::<Vec<_>>(), [BZFS_BOOKMARKS]);
        assert!(!bookmarks.names.matches("a") && !sync.bookmarks.matches("a") && !kept.bookmarks.matches("a"));
        assert_eq!(kept.names.iter().collect::<Vec<_>>(), [AUTO, PYZ, BZFS]);
        assert_eq!((kept.keep, kept.floor), (1, Floor { daily: 7, weekly: 4, monthly: 0 }));
        for rule in &*grant.destroy {
            assert_eq!((rule.min_age, rule.kept, rule.datasets), (Duration::ZERO, Kept::Note, false));
        }
    }
}
