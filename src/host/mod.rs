//! What a decision may ask the host: few typed questions, so that no text can become a command. Unknown is an error,
//! and an error refuses the request.
#![forbid(unsafe_code)]

mod live;
mod rights;
mod sshd;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thiserror::Error;

use crate::command::argv::Program;
use crate::command::name::{Dataset, Guid, Snapshot, SnapshotName, Tag};
use crate::command::property::Property;
use crate::policy::FixedExec;

pub use crate::run::{Measure, is_confinable, landlock, missing, zone_file};
pub use live::{Live, is_executable};
pub use sshd::settings as sshd_settings;

/// An absolute path of a program, found by the host or named by the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable(PathBuf);

impl Executable {
    /// A file by its path, for those who answer as a host; `None` if the path isn't absolute.
    pub(crate) fn at(path: PathBuf) -> Option<Self> {
        path.is_absolute().then_some(Self(path))
    }

    /// What an administrator has written down.
    pub(crate) fn fixed(exec: &FixedExec) -> Self {
        Self(exec.program().into())
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl std::fmt::Display for Executable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.display().fmt(f)
    }
}

/// A snapshot as zfs listed it at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// Behind the `@`.
    pub name: SnapshotName,
    /// Its guid.
    pub guid: Guid,
    /// The transaction group in which it came to be here: the order of arrival, which can't be forged.
    pub createtxg: u64,
    /// Seconds since 1970. Of a received snapshot the sender's word.
    pub creation: u64,
    /// How many holds it has.
    pub userrefs: u64,
    /// Whether datasets were cloned from it.
    pub clones: bool,
}

/// A bookmark as zfs listed it at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookmarkFacts {
    /// Behind the `#`.
    pub name: SnapshotName,
    /// The guid of the snapshot it was made from.
    pub guid: Guid,
}

/// The rights that the account has on a dataset (zfs-allow(8)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Those of root.
    All,
    /// Those that `zfs allow` gives it, permission sets resolved.
    These(BTreeSet<String>),
}

impl Default for Rights {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl Rights {
    /// Whether a right is among them.
    pub fn has(&self, right: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(rights) => rights.contains(right),
        }
    }
}

/// The rights that another account has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// On the dataset.
    pub own: Rights,
    /// On all that lies below it.
    pub below: Rights,
}

/// Why the host has no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HostError {
    /// A dry run knows no such fact.
    #[error("unknown fact: {0}")]
    Unknown(String),
    /// A program isn't where it should be.
    #[error("program '{}' is missing", .0.name())]
    Missing(Program),
    /// zfs failed.
    #[error("{0}")]
    Failed(String),
}

/// The questions. `Ok(None)` means that the dataset isn't there.
pub trait Host {
    /// The clock of this host.
    fn now(&self) -> SystemTime;

    /// Where a program is; `None` if it isn't installed.
    fn program(&self, program: Program) -> Option<Executable>;

    /// Whether the property `encryption` of a dataset is other than `off`.
    fn encrypted(&self, dataset: &Dataset) -> Result<Option<bool>, HostError>;

    /// The snapshots of a dataset, oldest arrival first.
    fn snapshots(&self, dataset: &Dataset) -> Result<Option<Vec<SnapshotFacts>>, HostError>;

    /// The bookmarks of a dataset, that of the oldest snapshot first.
    fn bookmarks(&self, dataset: &Dataset) -> Result<Option<Vec<BookmarkFacts>>, HostError>;

    /// The tags that hold a snapshot.
    fn holds(&self, snapshot: &Snapshot) -> Result<Option<Vec<Tag>>, HostError>;

    /// The dataset itself and all file systems and volumes below it.
    fn subtree(&self, dataset: &Dataset) -> Result<Option<Vec<Dataset>>, HostError>;

    /// The effective values of properties, in the order asked, sizes in bytes; `None` for a dataset that isn't there.
    fn properties(&self, datasets: &[Dataset], properties: &[Property]) -> Result<Vec<Option<Vec<String>>>, HostError>;

    /// What `zfs allow` gives the account on a dataset; on one that isn't there, what it would have if it made it. `None`
    /// where nothing above it is there either.
    fn rights(&self, dataset: &Dataset) -> Result<Option<Rights>, HostError>;
}

/// A host whose answers are kept for the request, so that a decision sees one state and asks nothing twice.
pub struct Kept<'h> {
    host: &'h dyn Host,
    programs: Memo<Program, Option<Executable>>,
    encrypted: Memo<Dataset, Option<bool>>,
    snapshots: Memo<Dataset, Option<Vec<SnapshotFacts>>>,
    bookmarks: Memo<Dataset, Option<Vec<BookmarkFacts>>>,
    holds: Memo<Snapshot, Option<Vec<Tag>>>,
    subtrees: Memo<Dataset, Option<Vec<Dataset>>>,
}

/// Few enough answers that a search from the front beats a map.
type Memo<K, V> = RefCell<Vec<(K, V)>>;

impl<'h> Kept<'h> {
    /// Begins with no answers.
    pub fn new(host: &'h dyn Host) -> Self {
        Self {
            host,
            programs: Memo::default(),
            encrypted: Memo::default(),
            snapshots: Memo::default(),
            bookmarks: Memo::default(),
            holds: Memo::default(),
            subtrees: Memo::default(),
        }
    }
}

fn memo<K: PartialEq + Clone, V: Clone, E>(
    memo: &Memo<K, V>,
    key: &K,
    ask: impl FnOnce(&K) -> Result<V, E>,
) -> Result<V, E> {
    if let Some((_, value)) = memo.borrow().iter().find(|(other, _)| other == key) {
        return Ok(value.clone());
    }
    let value = ask(key)?;
    memo.borrow_mut().push((key.clone(), value.clone()));
    Ok(value)
}

impl Host for Kept<'_> {
    fn now(&self) -> SystemTime {
        self.host.now()
    }

    fn program(&self, program: Program) -> Option<Executable> {
        let ask = |program: &Program| Ok::<_, HostError>(self.host.program(*program));
        memo(&self.programs, &program, ask).unwrap_or_default()
    }

    fn encrypted(&self, dataset: &Dataset) -> Result<Option<bool>, HostError> {
        memo(&self.encrypted, dataset, |dataset| self.host.encrypted(dataset))
    }

    fn snapshots(&self, dataset: &Dataset) -> Result<Option<Vec<SnapshotFacts>>, HostError> {
        memo(&self.snapshots, dataset, |dataset| self.host.snapshots(dataset))
    }

    fn bookmarks(&self, dataset: &Dataset) -> Result<Option<Vec<BookmarkFacts>>, HostError> {
        memo(&self.bookmarks, dataset, |dataset| self.host.bookmarks(dataset))
    }

    fn holds(&self, snapshot: &Snapshot) -> Result<Option<Vec<Tag>>, HostError> {
        memo(&self.holds, snapshot, |snapshot| self.host.holds(snapshot))
    }

    fn subtree(&self, dataset: &Dataset) -> Result<Option<Vec<Dataset>>, HostError> {
        memo(&self.subtrees, dataset, |dataset| self.host.subtree(dataset))
    }

    /// Not kept: each decision asks for all that it needs at once.
    fn properties(&self, datasets: &[Dataset], properties: &[Property]) -> Result<Vec<Option<Vec<String>>>, HostError> {
        self.host.properties(datasets, properties)
    }

    fn rights(&self, dataset: &Dataset) -> Result<Option<Rights>, HostError> {
        self.host.rights(dataset)
    }
}
