//! Send streams as far as a guard has to understand them: which records there are, how many bytes follow each, and what
//! the begin records say. Pure: bytes in, what to do with the next ones out; no descriptor, no policy. Layouts are those
//! of include/sys/zfs_ioctl.h and lib/libzfs/libzfs_sendrecv.c of OpenZFS 2.1 to 2.4.
//!
//! Only what zfs itself sends is followed, though libzfs and the kernel take more: packages in packages, records with
//! lengths that nothing bounds, names of datasets beside the one that was sent.
#![forbid(unsafe_code)]

mod begin;
mod error;
mod package;
mod record;
mod walk;
mod xdr;

use crate::command::name::{Dataset, Guid, Snapshot, SnapshotName};
use crate::command::property::Property;

pub use error::StreamError;
pub use record::{MAX_BLOCK, RECORD};
pub use walk::{MAX_STREAMS, Need, Walk};

/// The longest list of a package that is read: a megabyte for each ten thousand snapshots or so. libzfs takes four times
/// that (libzfs_max_nvlist), but here it is the memory of a gate.
pub const MAX_PACKAGE: usize = 16 << 20;

/// The longest list of a stream: a wrapped key, where to go on, guids of redaction snapshots. Real ones have about 1,100
/// bytes; the kernel takes 256 MiB.
pub const MAX_LIST: usize = 1 << 20;

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
    /// Properties that the receiver would set on snapshots, each once.
    pub snapshot_properties: Vec<Property>,
    /// Whether the receiver would hold snapshots.
    pub holds: bool,
}

#[cfg(test)]
mod tests;
