//! What a grant says of each operation.

use std::time::Duration;

use super::pattern::Names;
use crate::command::property::{Property, Setting};

/// `[grant.send]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendRules {
    /// When -w is needed.
    pub raw: Raw,
    /// -R
    pub replicate: bool,
    /// -p, -b, -h
    pub properties: bool,
    /// -t
    pub resume: bool,
}

/// `send.raw`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Raw {
    /// -w always.
    Always,
    /// As the client likes.
    Any,
    /// -w where the dataset is encrypted.
    #[default]
    Encrypted,
    /// -w never.
    Never,
}

/// `[grant.snapshot]`
#[derive(Clone, Debug, Default)]
pub struct SnapshotRules {
    /// What a new snapshot may be called.
    pub names: Names,
    /// -r
    pub recursive: bool,
    /// User properties that -o may set.
    pub properties: Names,
}

/// `[grant.bookmark]`
#[derive(Clone, Debug, Default)]
pub struct BookmarkRules {
    /// What a new bookmark may be called.
    pub names: Names,
    /// The most bookmarks on one dataset.
    pub max: u32,
}

/// `[grant.hold]`
#[derive(Clone, Debug, Default)]
pub struct HoldRules {
    /// What may be held and released.
    pub tags: Names,
    /// The most holds with these tags on the snapshots of one dataset.
    pub max: u32,
}

/// One `[[grant.destroy]]`.
#[derive(Clone, Debug, Default)]
pub struct DestroyRule {
    /// Snapshots it covers.
    pub names: Names,
    /// Bookmarks it covers.
    pub bookmarks: Names,
    /// Younger ones stay.
    pub min_age: Duration,
    /// So many of the newest that it covers stay.
    pub keep: u32,
    /// What no request can go below.
    pub floor: Floor,
    /// What the client is told of a snapshot that stays.
    pub kept: Kept,
    /// Lets datasets below the granted one go by the same rule.
    pub datasets: bool,
}

/// `floor`: the first snapshot to arrive in each of the last so many days, weeks and months stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    /// Days of UTC.
    pub daily: u32,
    /// Weeks from Monday.
    pub weekly: u32,
    /// Months of the calendar.
    pub monthly: u32,
}

/// `kept`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// zfs's own "it's being held", status 1.
    Held,
    /// One line on stderr, status 0.
    #[default]
    Note,
}

/// `[grant.receive]`. The default allows nothing.
#[derive(Clone, Debug, Default)]
pub struct ReceiveRules {
    /// Snapshots that may arrive.
    pub names: Names,
    /// How far below the granted dataset.
    pub depth: u32,
    /// -F
    pub force: Force,
    /// zfs rollback
    pub rollback: Rollback,
    /// -A
    pub abort: bool,
    /// Whether what arrives or is created may be mounted; otherwise -u is added.
    pub mount: bool,
    /// zfs create
    pub create: bool,
    /// What must hold on the nearest existing dataset above before one is made: it is inherited.
    pub require: Vec<Setting>,
    /// Always added as -o.
    pub set: Vec<Setting>,
    /// Always added as -x.
    pub exclude: Vec<Property>,
    /// Properties that the client's -o may set.
    pub client_may_set: Names,
    /// `[grant.receive.stream]`
    pub stream: StreamRules,
}

/// `receive.force`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// As the client likes.
    Allow,
    /// -F is refused.
    #[default]
    Refuse,
    /// Where it could destroy anything it is left out.
    Safe,
}

/// `receive.rollback`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rollback {
    /// To any snapshot; -r destroys the newer ones.
    Allow,
    /// To the newest snapshot: none goes.
    Latest,
    /// Never.
    #[default]
    Refuse,
}

/// `[grant.receive.stream]`: what is checked in the stream itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRules {
    /// `raw = "always"`: only streams of encrypted blocks.
    pub raw: bool,
    /// Properties in the stream.
    pub properties: StreamProperties,
    /// Streams that start from another dataset's snapshot.
    pub clone: bool,
    /// How far ahead of this host's clock a snapshot may be dated.
    pub future: Duration,
    /// The most bytes of a stream.
    pub max_bytes: Option<u64>,
}

impl Default for StreamRules {
    fn default() -> Self {
        let future = Duration::from_secs(3600);
        Self { raw: false, properties: StreamProperties::Strip, clone: false, future, max_bytes: None }
    }
}

/// `stream.properties`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamProperties {
    /// Whatever they are.
    Any,
    /// None.
    Refuse,
    /// -x for those that the client may not set.
    #[default]
    Strip,
}

/// `[grant.set]`
#[derive(Clone, Debug, Default)]
pub struct SetRules {
    /// Properties that may be set and inherited.
    pub properties: Names,
}

impl ReceiveRules {
    /// Whether the client may set a property. A name with a delimiter in it matches no pattern.
    pub fn may_set(&self, property: &Property) -> bool {
        self.client_may_set.matches(&property.to_string())
    }
}

impl SnapshotRules {
    /// Whether -o may set this user property.
    pub fn may_set(&self, property: &Property) -> bool {
        matches!(property, Property::User(name) if self.properties.matches(name.as_str()))
    }
}
