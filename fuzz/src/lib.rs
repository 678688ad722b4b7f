//! What the targets share: the limit of memory, and a host that is made of answers.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::collections::BTreeMap;
use std::sync::Once;
use std::time::{Duration, SystemTime};

use cap::Cap;
use zfs_shell::command::argv::Program;
use zfs_shell::command::name::{Dataset, Snapshot, Tag};
use zfs_shell::command::property::Property;
use zfs_shell::facts::Table;
use zfs_shell::host::{BookmarkFacts, Executable, Host, HostError, Rights, SnapshotFacts};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The most bytes of memory that an input of 64 KiB may cost at once, with what the target keeps beside it.
const MEMORY: usize = 16 << 20;

/// Runs what an input does, within [`MEMORY`]: an allocation beyond it fails, and that ends the process.
pub fn limited<T>(run: impl FnOnce() -> T) -> T {
    // What tells of a panic needs more.
    static TELLING: Once = Once::new();
    TELLING.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |what| {
            ALLOCATOR.set_limit(usize::MAX).unwrap();
            tell(what);
        }));
    });
    ALLOCATOR.set_limit(ALLOCATOR.allocated() + MEMORY).unwrap();
    let made = run();
    ALLOCATOR.set_limit(usize::MAX).unwrap();
    made
}

/// A host on which snapshots come and go.
pub struct Census {
    /// The clock, in seconds since 1970.
    pub now: u64,
    /// What is there, oldest arrival first.
    pub snapshots: BTreeMap<Dataset, Vec<SnapshotFacts>>,
    /// Where programs are.
    pub programs: Table,
}

impl Host for Census {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.now)
    }

    fn program(&self, program: Program) -> Option<Executable> {
        self.programs.program(program)
    }

    fn encrypted(&self, dataset: &Dataset) -> Result<Option<bool>, HostError> {
        Ok(self.snapshots.contains_key(dataset).then_some(false))
    }

    fn snapshots(&self, dataset: &Dataset) -> Result<Option<Vec<SnapshotFacts>>, HostError> {
        Ok(self.snapshots.get(dataset).cloned())
    }

    fn bookmarks(&self, dataset: &Dataset) -> Result<Option<Vec<BookmarkFacts>>, HostError> {
        Ok(self.snapshots.contains_key(dataset).then(Vec::new))
    }

    fn holds(&self, snapshot: &Snapshot) -> Result<Option<Vec<Tag>>, HostError> {
        let census = self.snapshots.get(&snapshot.dataset);
        Ok(census.filter(|census| census.iter().any(|facts| facts.name == snapshot.name)).map(|_| Vec::new()))
    }

    fn subtree(&self, dataset: &Dataset) -> Result<Option<Vec<Dataset>>, HostError> {
        let below: Vec<Dataset> = self.snapshots.keys().filter(|other| other.is_within(dataset)).cloned().collect();
        Ok(self.snapshots.contains_key(dataset).then_some(below))
    }

    fn properties(&self, datasets: &[Dataset], _: &[Property]) -> Result<Vec<Option<Vec<String>>>, HostError> {
        Err(HostError::Unknown(format!("properties of {} datasets", datasets.len())))
    }

    fn rights(&self, dataset: &Dataset) -> Result<Option<Rights>, HostError> {
        Ok(self.snapshots.contains_key(dataset).then_some(Rights::All))
    }
}
