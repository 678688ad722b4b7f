//! Send streams as far as a guard has to understand them: which records there are, how many bytes follow each, and what
//! the begin records say. Pure: bytes in, what to do with the next ones out; no descriptor, no policy. Layouts are those
//! of include/sys/zfs_ioctl.h and lib/libzfs/libzfs_sendrecv.c of OpenZFS 2.1 to 2.4.
#![forbid(unsafe_code)]

use thiserror::Error;

use crate::command::name::{Dataset, Guid, Snapshot, SnapshotName};
use crate::command::property::Property;

/// The bytes of a record (`dmu_replay_record_t`).
pub const RECORD: usize = 312;

/// What the guard has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Read a record of [`RECORD`] bytes and hand it to [`Walk::take`].
    Record,
    /// Read so many bytes, the payload of a begin record, and hand them to [`Walk::take`].
    Payload(usize),
    /// Let so many bytes pass unread, and say so by [`Walk::passed`].
    Pass(u64),
    /// The stream is complete: whatever follows is not part of it.
    Nothing,
}

/// A stream on its way, from record to record.
#[derive(Debug)]
pub struct Walk {
    need: Need,
}

/// What a begin record says, with its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// What begins.
    pub kind: Kind,
    /// What was sent, by its name on the sending side.
    pub snapshot: Snapshot,
    /// Its guid; 0 in a package.
    pub guid: Guid,
    /// The guid of what an incremental stream starts from.
    pub from: Option<Guid>,
    /// Seconds since 1970: the sender's word.
    pub creation: u64,
    /// Blocks are encrypted as they lie on the sender's disk (-w of an encrypted dataset).
    pub raw: bool,
    /// What it starts from is a snapshot of another dataset.
    pub clone: bool,
    /// It goes on where a broken transfer ended.
    pub resuming: bool,
}

/// What begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file system.
    Filesystem,
    /// A volume.
    Volume,
    /// Several streams in a row (`zfs send` with -I, -R, -p, -b, -h).
    Package(Package),
}

/// What the head of a package announces. What then comes may differ: it is judged on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// -R: of a dataset and all below it.
    pub recursive: bool,
    /// The snapshot that an incremental package starts from.
    pub from: Option<SnapshotName>,
    /// The datasets; none in a package made by -I alone.
    pub members: Vec<Member>,
}

/// A dataset of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name on the sending side.
    pub dataset: Dataset,
    /// Whether it is a clone.
    pub clone: bool,
    /// Properties that the receiver would set, each with its value if that is a text.
    pub properties: Vec<(Property, Option<String>)>,
    /// Its snapshots.
    pub snapshots: Vec<(SnapshotName, Guid)>,
    /// Properties that the receiver would set on snapshots.
    pub snapshot_properties: Vec<Property>,
    /// Whether the receiver would hold snapshots.
    pub holds: bool,
}

/// Why a stream doesn't pass. The texts never hold what the sender wrote.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StreamError {
    /// It ended before its first record was whole.
    #[error("the stream ended before it began")]
    Empty,
    /// It doesn't begin as a send stream does.
    #[error("not a send stream")]
    Magic,
}

impl Walk {
    /// Before the first byte.
    pub fn new() -> Self {
        Self { need: Need::Record }
    }

    /// What comes next.
    pub fn need(&self) -> Need {
        self.need
    }

    /// Takes what was asked for; a begin record as soon as it is whole.
    pub fn take(&mut self, _bytes: &[u8]) -> Result<Option<Begin>, StreamError> {
        Err(StreamError::Magic)
    }

    /// So many bytes have passed, at most as many as were to.
    pub fn passed(&mut self, _count: u64) {}
}

impl Default for Walk {
    fn default() -> Self {
        Self::new()
    }
}
