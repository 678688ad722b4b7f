//! What a role stands for: a grant's tables with safe values, written in the types of the file.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::time::Duration;

use ::toml::Spanned;

use super::form::{Age, Count, RawStream};
use super::property::Settings;
use super::written::{
    Bookmark, Destroy, FloorTable, Grant, Hold, Pattern, Patterns, Receive, Send, Snapshot, Stream, Table,
};
use super::{Force, Operation, Raw, Rollback, StreamProperties};
use crate::command::property::{Property, Setting};

/// A role: shorthand for tables with safe values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Another host may pull from here.
    PullSource,
    /// Another host may push into here.
    PushTarget,
}

/// syncoid: `syncoid_HOST_2026-01-01:00:00:00-GMT00:00`.
const SYNC: &str = "syncoid_*";
/// zfs-autobackup: `NAME-20260101000000`.
const AUTO: &str = "*-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]";
/// pyznap: `pyznap_2026-01-01_00:00:00_daily`.
const PYZ: &str = "pyznap_*";
/// znapzend: `2026-01-01-000000`, unless it is told otherwise.
const DATES: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]-[0-9][0-9][0-9][0-9][0-9][0-9]";
/// znapzend with `--tsformat='znapzend-auto-%Y-%m-%dT%H:%M:%SZ'`.
const ZNAPZEND: &str = "znapzend*";
/// simplesnap: `__simplesnap_SET_2026-01-01T00:00:00__`, of snapshots and bookmarks.
const SIMPLESNAP: &str = "__simplesnap_*";
/// bzfs, for its default organisation.
const BZFS: &str = "bzfs_*";
/// The bookmarks that bzfs makes for the length of a send and takes away again.
const BZFS_BOOKMARKS: &str = ".TMPBZFS.*";

impl Role {
    /// As one would have to write it out.
    pub(super) fn tables(self) -> Grant<'static> {
        match self {
            Self::PullSource => pull_source(),
            Self::PushTarget => push_target(),
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
            names: patterns(&[SYNC, AUTO, PYZ, BZFS, SIMPLESNAP]),
            recursive: Some(true),
            properties: None,
        })),
        bookmark: Some(Table(Bookmark { names: patterns(&["*"]), max: Some(Count(500)) })),
        hold: Some(holds()),
        destroy: Some(vec![
            // No floor: the next sync makes new ones.
            Table(Destroy { names: patterns(&[SYNC]), keep: Some(Count(1)), ..Destroy::default() }),
            // Nor has it one: what stays of a set would be sent again by the next run, to a host that has pruned it.
            Table(Destroy {
                names: patterns(&[SIMPLESNAP]),
                bookmarks: patterns(&[SIMPLESNAP]),
                keep: Some(Count(1)),
                ..Destroy::default()
            }),
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

/// Whoever has the key can fill what there is of a quota, and make the next push fail; they can't read the backups, and
/// the history below the floor stays.
fn push_target() -> Grant<'static> {
    Grant {
        allow: Some(vec![
            Operation::List,
            Operation::Receive,
            Operation::Create,
            Operation::Rollback,
            Operation::Hold,
            Operation::Release,
            Operation::Destroy,
        ]),
        hold: Some(holds()),
        destroy: Some(vec![Table(Destroy {
            names: patterns(&[SYNC, AUTO, PYZ, DATES, ZNAPZEND, BZFS]),
            keep: Some(Count(1)),
            floor: Some(Table(FloorTable { daily: Count(7), weekly: Count(4), monthly: Count(3) })),
            ..Destroy::default()
        })]),
        receive: Some(Table(Receive {
            names: patterns(&["*"]),
            depth: Some(Count(8)),
            force: Some(Force::Safe),
            rollback: Some(Rollback::Latest),
            abort: Some(true),
            mount: Some(false),
            create: Some(true),
            require: Some(walls()),
            set: Some(Settings::default()),
            exclude: Some(Vec::new()),
            client_may_set: patterns(&[]),
            stream: Some(Table(Stream {
                raw: Some(RawStream(false)),
                properties: Some(StreamProperties::Strip),
                clone: Some(false),
                future: Some(Age(Duration::from_secs(3600))),
                max_bytes: None,
            })),
        })),
        ..Grant::default()
    }
}

/// What is made below inherits these, whatever a stream says: nothing in it gains rights, is a device, or is mounted.
fn walls() -> Settings {
    let walls = [("setuid", "off"), ("devices", "off"), ("mountpoint", "none")];
    let wall = |(name, value)| Setting::of(Property::Native(name), value);
    Settings(walls.into_iter().filter_map(wall).map(|setting| Spanned::new(0..0, setting)).collect())
}

/// syncoid's, and those of zfs-autobackup's groups.
fn holds() -> Table<Hold<'static>> {
    Table(Hold { tags: patterns(&["syncoid_*", "zfs_autobackup:*"]), max: Some(Count(4)) })
}

fn patterns(texts: &[&'static str]) -> Option<Patterns<'static>> {
    Some(texts.iter().map(|text| Spanned::new(0..0, Pattern(Cow::Borrowed(*text)))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Floor, Kept, SendRules, StreamRules, parse};

    fn grant_of(role: &str) -> crate::policy::Grant {
        parse(&format!("[[grant]]\nrole = \"{role}\"\ndatasets = [\"tank\"]"), None).unwrap().grants[0].clone()
    }

    fn grant() -> crate::policy::Grant {
        grant_of("pull-source")
    }

    fn allowed(grant: &crate::policy::Grant) -> Vec<&str> {
        Operation::ALL.into_iter().filter(|operation| grant.allow.has(*operation)).map(Operation::name).collect()
    }

    #[test]
    fn a_pull_source_may_be_asked_for_all_that_a_pull_needs() {
        let grant = grant();
        assert_eq!(grant.role, Some(Role::PullSource));
        assert_eq!(allowed(&grant), ["bookmark", "destroy", "hold", "list", "release", "send", "snapshot"]);
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
            "__simplesnap_nas_2026-01-01T00:00:00__",
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
        let [sync, simplesnap, bookmarks, kept] = &*grant.destroy else { panic!() };
        assert_eq!(sync.names.iter().collect::<Vec<_>>(), [SYNC]);
        assert_eq!((sync.keep, sync.floor), (1, Floor::default()));
        for names in [&simplesnap.names, &simplesnap.bookmarks] {
            assert_eq!(names.iter().collect::<Vec<_>>(), [SIMPLESNAP]);
        }
        assert_eq!((simplesnap.keep, simplesnap.floor), (1, Floor::default()));
        assert_eq!(bookmarks.bookmarks.iter().collect::<Vec<_>>(), [BZFS_BOOKMARKS]);
        assert!(!bookmarks.names.matches("a") && !sync.bookmarks.matches("a") && !kept.bookmarks.matches("a"));
        assert_eq!(kept.names.iter().collect::<Vec<_>>(), [AUTO, PYZ, BZFS]);
        assert_eq!((kept.keep, kept.floor), (1, Floor { daily: 7, weekly: 4, monthly: 0 }));
        for rule in &*grant.destroy {
            assert_eq!((rule.min_age, rule.kept, rule.datasets), (Duration::ZERO, Kept::Note, false));
        }
    }
    #[test]
    fn a_push_target_may_be_asked_for_all_that_a_push_needs_and_sends_nothing() {
        let grant = grant_of("push-target");
        assert_eq!(grant.role, Some(Role::PushTarget));
        assert_eq!(allowed(&grant), ["create", "destroy", "hold", "list", "receive", "release", "rollback"]);
        assert_eq!((&grant.hold.tags, grant.hold.max), (&self::grant().hold.tags, 4));
        assert_eq!(grant.snapshot.names.iter().chain(grant.bookmark.names.iter()).count(), 0);
        assert_eq!(grant.set.properties.iter().count(), 0);
    }

    #[test]
    fn what_a_push_brings_gains_no_rights_and_is_not_mounted() {
        let receive = grant_of("push-target").receive;
        assert_eq!((receive.names.iter().collect::<Vec<_>>(), receive.depth), (vec!["*"], 8));
        assert_eq!((receive.force, receive.rollback), (Force::Safe, Rollback::Latest));
        assert_eq!((receive.abort, receive.mount, receive.create), (true, false, true));
        let require: Vec<_> = receive.require.iter().map(ToString::to_string).collect();
        assert_eq!(require, ["setuid=off", "devices=off", "mountpoint=none"]);
        assert!(receive.set.is_empty() && receive.exclude.is_empty() && receive.client_may_set.iter().count() == 0);
        assert_eq!(receive.stream, StreamRules::default());
    }

    #[test]
    fn a_push_takes_no_history_below_the_floor_whichever_client_made_it() {
        let grant = grant_of("push-target");
        let [rule] = &*grant.destroy else { panic!() };
        assert_eq!((rule.keep, rule.floor), (1, Floor { daily: 7, weekly: 4, monthly: 3 }));
        assert_eq!((rule.min_age, rule.kept, rule.datasets), (Duration::ZERO, Kept::Note, false));
        assert_eq!(rule.bookmarks.iter().count(), 0);
        for name in [
            "syncoid_laptop_2026-01-01:00:00:00-GMT00:00",
            "offsite1-20260101000000",
            "pyznap_2026-01-01_00:00:00_daily",
            "bzfs_test_2026-01-01_00:00:00_daily",
            "2026-01-01-000000",
            "znapzend_a",
        ] {
            assert!(rule.names.matches(name), "{name}");
        }
        for name in ["daily", "2026-01-01", "2026-01-01-0000000", "x2026-01-01-000000", "2026-01-01_00:00:00"] {
            assert!(!rule.names.matches(name), "{name}");
        }
    }
}
