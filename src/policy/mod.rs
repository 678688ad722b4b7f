//! What an administrator allows, with roles expanded, defaults filled in and patterns compiled: all that the decision
//! asks of a policy. `grant.rs` has the grants, `rules.rs` what these say of each operation. How one comes to be: `open.rs`
//! opens the file, `toml.rs` reads it, `written.rs` says what may stand in it (`form.rs`: in which form, `property.rs`: of
//! which property, `key.rs`: of whose key), `role.rs` what a role stands for, `expand` makes of these what is here.
#![forbid(unsafe_code)]

mod error;
mod expand;
mod fixed;
mod form;
mod grant;
mod key;
mod open;
mod pattern;
mod property;
mod role;
mod rules;
mod show;
mod toml;
mod written;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crate::command::argv::Program;

pub use error::PolicyError;
pub use fixed::{FixedCommand, FixedExec, Hooks};
pub use form::seconds_since_1970;
pub use grant::{Allow, Grant, GrantId, Operation, Scope, TimeOfDay};
pub use key::{Account, Expiry, HostPattern, KeyRules, PublicKey};
pub use open::{DIRECTORY, DISABLED, OpenError, Opened, PolicyName, names, open, open_of_root, open_path};
pub use pattern::{DatasetPattern, MAX_PATTERN, Names, PatternError};
pub use role::Role;
pub use rules::{
    BookmarkRules, DestroyRule, Floor, Force, HoldRules, Kept, Raw, ReceiveRules, Rollback, SendRules, SetRules,
    SnapshotRules, StreamProperties, StreamRules,
};
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

impl Policy {
    /// Where a program is, if the policy says so.
    pub fn program(&self, program: Program) -> Option<&PathBuf> {
        self.programs.iter().find_map(|(named, path)| (*named == program).then_some(path))
    }
}
