//! A grant: for which datasets, which operations, and until when.

use std::rc::Rc;
use std::time::SystemTime;

use super::pattern::DatasetPattern;
use super::role::Role;
use super::rules::{BookmarkRules, DestroyRule, HoldRules, ReceiveRules, SendRules, SetRules, SnapshotRules};
use crate::command::name::Dataset;

/// Which grant, counted from 1 in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantId(pub usize);

/// One `[[grant]]`.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Its place in the file.
    pub id: GrantId,
    /// The role it was written with.
    pub role: Option<Role>,
    /// What it is for.
    pub datasets: Vec<DatasetPattern>,
    /// Taken out again, with what lies below.
    pub except: Vec<DatasetPattern>,
    /// Whether it reaches what lies below `datasets`.
    pub scope: Scope,
    /// The operations it lets be asked.
    pub allow: Allow,
    /// When it ends.
    pub until: Option<SystemTime>,
    /// Between which times of the day, UTC; may reach over midnight.
    pub between: Option<(TimeOfDay, TimeOfDay)>,
    /// `[grant.send]`
    pub send: SendRules,
    /// `[grant.snapshot]`
    pub snapshot: Rc<SnapshotRules>,
    /// `[grant.bookmark]`
    pub bookmark: Rc<BookmarkRules>,
    /// `[grant.hold]`
    pub hold: Rc<HoldRules>,
    /// `[[grant.destroy]]`
    pub destroy: Rc<[DestroyRule]>,
    /// `[grant.receive]`
    pub receive: Rc<ReceiveRules>,
    /// `[grant.set]`
    pub set: Rc<SetRules>,
}

/// How far a grant reaches (zfs-allow(8), -l and -d).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The dataset and all below.
    #[default]
    Both,
    /// All below alone.
    Descendents,
    /// The dataset alone.
    Local,
}

/// An operation as `allow` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// zfs bookmark
    Bookmark,
    /// zfs create
    Create,
    /// zfs destroy
    Destroy,
    /// zfs hold
    Hold,
    /// zfs list, get, holds
    List,
    /// zfs receive
    Receive,
    /// zfs release
    Release,
    /// zfs rename
    Rename,
    /// zfs rollback
    Rollback,
    /// zfs send
    Send,
    /// zfs set, inherit
    Set,
    /// zfs snapshot
    Snapshot,
}

impl Operation {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 12] = [
        Self::Bookmark,
        Self::Create,
        Self::Destroy,
        Self::Hold,
        Self::List,
        Self::Receive,
        Self::Release,
        Self::Rename,
        Self::Rollback,
        Self::Send,
        Self::Set,
        Self::Snapshot,
    ];

    /// As `allow` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bookmark => "bookmark",
            Self::Create => "create",
            Self::Destroy => "destroy",
            Self::Hold => "hold",
            Self::List => "list",
            Self::Receive => "receive",
            Self::Release => "release",
            Self::Rename => "rename",
            Self::Rollback => "rollback",
            Self::Send => "send",
            Self::Set => "set",
            Self::Snapshot => "snapshot",
        }
    }
}

/// A set of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow(u16);

impl Allow {
    /// With one more operation.
    #[must_use]
    pub fn with(self, operation: Operation) -> Self {
        Self(self.0 | 1 << operation as u16)
    }

    /// Whether it is in the set.
    pub fn has(self, operation: Operation) -> bool {
        self.0 & 1 << operation as u16 != 0
    }
}

impl FromIterator<Operation> for Allow {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        operations.into_iter().fold(Self::default(), Self::with)
    }
}

/// Minutes after midnight, UTC: 0 to 1439.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub u16);

impl Grant {
    /// Whether the dataset is granted, at whatever time.
    pub fn covers(&self, dataset: &Dataset) -> bool {
        self.datasets.iter().any(|pattern| pattern.covers(dataset, self.scope))
            && !self.except.iter().any(|pattern| pattern.covers(dataset, Scope::Both))
    }

    /// Whether the dataset and all that could ever lie below it are granted.
    pub fn covers_subtree(&self, dataset: &Dataset) -> bool {
        self.scope != Scope::Local
            && self.covers(dataset)
            && !self.except.iter().any(|pattern| pattern.may_match_below(dataset))
    }

    /// Whether the grant itself says that this dataset exists: it lies above what the grant reaches, by names that the
    /// grant spells out. With the scope `descendents` that includes the dataset it names.
    pub fn implies(&self, dataset: &Dataset) -> bool {
        let below_alone = self.scope == Scope::Descendents;
        self.datasets.iter().any(|pattern| pattern.implies(dataset) || below_alone && pattern.is(dataset))
    }

    /// Whether the grant holds at this time.
    pub fn holds_at(&self, now: SystemTime) -> bool {
        let minute = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60 % 1440);
        let within = |(from, to): (TimeOfDay, TimeOfDay)| {
            let (from, to) = (u64::from(from.0), u64::from(to.0));
            if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to }
        };
        self.until.is_none_or(|until| now < until) && self.between.is_none_or(within)
    }
}
