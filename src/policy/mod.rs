//! What an administrator allows, with roles expanded, defaults filled in and patterns compiled: all that the decision
//! asks of a policy. `open.rs` opens the file, `toml.rs` reads it, `written.rs` says what may stand in it (`form.rs`: in
//! which form, `property.rs`: of which property, `key.rs`: of whose key), `role.rs` what a role stands for, `expand` makes of
//! these what is here.
#![forbid(unsafe_code)]

mod error;
mod expand;
mod fixed;
mod form;
mod key;
mod open;
mod pattern;
mod property;
mod role;
mod show;
mod toml;
mod written;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::command::argv::Program;
use crate::command::name::Dataset;
use crate::command::property::{Property, Setting};

pub use error::PolicyError;
pub use fixed::{FixedCommand, FixedExec, Hooks};
pub use form::seconds_since_1970;
pub use key::{Account, Expiry, HostPattern, KeyRules, PublicKey};
pub use open::{DIRECTORY, DISABLED, OpenError, Opened, PolicyName, names, open, open_of_root, open_path};
pub use pattern::{DatasetPattern, MAX_PATTERN, Names, PatternError};
pub use role::Role;
pub use show::{Origin, Shown};
pub use toml::{explain, parse};

/// A policy without an error.
#[derive(Clone, Debug)]
pub struct Policy {
    /// They add up; none has precedence.
    pub grants: Rc<[Grant]>,
    /// `[filters]`
    pub filters: Filters,
    /// `[privilege]`
    pub privilege: Privilege,
    /// `[programs]`: absolute paths that stand in for the search of the system directories.
    pub programs: Vec<(Program, PathBuf)>,
    /// `[log]`
    pub log: Log,
    /// `reply.reasons`: whether the client is told why.
    pub reasons: bool,
    /// `[sandbox]`
    pub sandbox: Sandbox,
    /// `[session]`
    pub session: Session,
    /// `[[command]]`: what isn't ZFS. The first that is asked for counts.
    pub commands: Vec<FixedCommand>,
    /// `[hooks]`
    pub hooks: Option<Hooks>,
    /// `[key]`, which sshd goes by and the gate doesn't.
    pub key: KeyRules,
}

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

/// `[filters]`
#[derive(Clone, Debug)]
pub struct Filters {
    /// Programs that may stand in a pipeline.
    pub allow: Vec<Program>,
    /// Bytes of address space for each (RLIMIT_AS), and the cap for mbuffer -m.
    pub memory: u64,
}

/// `[privilege]`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privilege {
    /// `doas -n -- /abs/zfs ...`
    Doas,
    /// The account's own rights, by zfs allow.
    #[default]
    None,
    /// `sudo -n -- /abs/zfs ...`
    Sudo,
}

impl Privilege {
    /// The program by which zfs gains rights, if one does that.
    pub fn program(self) -> Option<Program> {
        match self {
            Self::Doas => Some(Program::Doas),
            Self::None => None,
            Self::Sudo => Some(Program::Sudo),
        }
    }
}

/// `[log]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Of what a second record is written at the end.
    pub completion: Completion,
    /// Whether refused and hidden requests are recorded whole.
    pub commands: bool,
    /// Whether nothing runs where the socket takes no record.
    pub required: bool,
}

/// `[sandbox]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Whether nothing runs where the kernel lacks a measure.
    pub required: bool,
    /// Whether requests are served in the user namespace that the datasets are attached to.
    pub zone: bool,
}

/// `[session]`: what bounds a request. Without any of it nothing has to stay behind to watch over one program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// How long the whole request may take.
    pub time: Option<Duration>,
    /// How many requests there may be at once, for each name by which the policy is called.
    pub count: Option<u32>,
    /// Bytes a second of a stream that is sent, or that comes to zfs receive.
    pub rate: Option<u64>,
    /// By how much programs step back (nice(2)).
    pub nice: Option<u32>,
    /// How programs wait for disks.
    pub io_class: Option<IoClass>,
}

/// `session.io_class`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoClass {
    /// Behind all others of its class.
    BestEffort,
    /// When nobody else wants the disk.
    Idle,
}

impl IoClass {
    /// Class and level in one number (ioprio_set(2)).
    pub fn priority(self) -> u16 {
        match self {
            Self::BestEffort => 2 << 13 | 7,
            Self::Idle => 3 << 13,
        }
    }
}

impl Session {
    /// Whether somebody has to watch over what runs.
    pub fn is_watched(&self) -> bool {
        self.time.is_some() || self.count.is_some() || self.rate.is_some()
    }
}

/// `log.completion`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completion {
    /// Of every request.
    All,
    /// Of none.
    None,
    /// Of requests with a stream.
    #[default]
    Streams,
}

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

impl Policy {
    /// Where a program is, if the policy says so.
    pub fn program(&self, program: Program) -> Option<&PathBuf> {
        self.programs.iter().find_map(|(named, path)| (*named == program).then_some(path))
    }
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
