//! Begin records (`struct drr_begin` in include/sys/zfs_ioctl.h).
#![forbid(unsafe_code)]

use super::record::Fields;
use super::{Begin, Kind, MAX_LIST, MAX_PACKAGE, StreamError};
use crate::command::name::{Guid, NameError, Snapshot};

/// A begin record, before its list was read.
#[derive(Clone, Debug)]
pub struct Head {
    /// What begins; a package without what its list says.
    pub begin: Begin,
    /// The bytes of the list.
    pub size: usize,
}

impl Head {
    /// Reads a begin record.
    pub fn read(fields: Fields<'_>) -> Result<Self, StreamError> {
        // DMU_GET_STREAM_HDRTYPE; what is above it are feature flags, and bits that are reserved.
        let (header, features) = (fields.u64::<16>() & 0b11, fields.u64::<16>() >> 2);
        let package = match header {
            SUBSTREAM => false,
            COMPOUNDSTREAM => true,
            _ => return Err(StreamError::Header),
        };
        if features & DEDUP != 0 {
            return Err(StreamError::Dedup);
        }
        if features & !(if package { OF_PACKAGES } else { OF_STREAMS }) != 0 {
            return Err(StreamError::Features);
        }
        let guid = |number: u64| (number != 0).then_some(Guid(number));
        let flags = fields.u32::<36>();
        let (to, from) = (guid(fields.u64::<40>()), guid(fields.u64::<48>()));
        let clone = flags & CLONE != 0;
        if flags & !(if package { 0 } else { FLAGS }) != 0 || clone && from.is_none() {
            return Err(StreamError::Flags);
        }
        if to.is_none() != package || package && from.is_some() {
            return Err(StreamError::Guid);
        }
        let kind = match (fields.u32::<32>(), package) {
            (0, true) => Kind::Package(super::Package::default()),
            (FILESYSTEM, false) => Kind::Filesystem,
            (VOLUME, false) => Kind::Volume,
            _ => return Err(StreamError::Kind),
        };
        let begin = Begin {
            kind,
            snapshot: snapshot(fields.bytes::<56, 256>())?,
            guid: to.unwrap_or(Guid(0)),
            from,
            creation: fields.u64::<24>(),
            raw: features & RAW != 0,
            clone,
            resuming: features & RESUMING != 0,
        };
        let most = if package { MAX_PACKAGE } else { MAX_LIST };
        let size = usize::try_from(fields.u32::<4>()).ok().filter(|size| *size <= most);
        Ok(Self { begin, size: size.ok_or(StreamError::List)? })
    }
}

/// A name with zeros to the end of its field: libzfs reads on behind the first one, if it cuts off a package's longer
/// name (zfs_receive_one).
fn snapshot(field: &[u8; 256]) -> Result<Snapshot, StreamError> {
    let end = field.iter().position(|byte| *byte == 0).ok_or(StreamError::Unclosed)?;
    let (name, zeros) = field.split_at_checked(end).ok_or(StreamError::Unclosed)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(StreamError::Unclosed);
    }
    let snapshot = Snapshot::parse(str::from_utf8(name).map_err(|_| NameError::InvalidCharacter)?)?;
    if snapshot.name.as_str() == LIVE { Err(StreamError::Head) } else { Ok(snapshot) }
}

/// What a kernel writes for the snapshot's name if there was no snapshot (module/zfs/dmu_send.c).
const LIVE: &str = "--head--";

/// DMU_SUBSTREAM
const SUBSTREAM: u64 = 1;
/// DMU_COMPOUNDSTREAM
const COMPOUNDSTREAM: u64 = 2;
/// DMU_OST_ZFS
const FILESYSTEM: u32 = 2;
/// DMU_OST_ZVOL
const VOLUME: u32 = 3;

/// DRR_FLAG_CLONE
const CLONE: u32 = 1 << 0;
/// With CI_DATA, FREERECORDS, SPILL_BLOCK.
const FLAGS: u32 = CLONE | 1 << 1 | 1 << 2 | 1 << 3;

/// DMU_BACKUP_FEATURE_DEDUP
const DEDUP: u64 = 1 << 0;
/// DMU_BACKUP_FEATURE_SA_SPILL
const SA_SPILL: u64 = 1 << 2;
/// DMU_BACKUP_FEATURE_RESUMING
const RESUMING: u64 = 1 << 20;
/// DMU_BACKUP_FEATURE_RAW
const RAW: u64 = 1 << 24;
/// DMU_BACKUP_FEATURE_HOLDS
const HOLDS: u64 = 1 << 26;
/// What send_prelim_records sets. libzfs looks for holds anywhere, but sets them there alone.
const OF_PACKAGES: u64 = SA_SPILL | HOLDS;
/// DMU_BACKUP_FEATURE_MASK without the holds: EMBED_DATA, LZ4, LARGE_BLOCKS, REDACTED, COMPRESSED, LARGE_DNODE, ZSTD,
/// SWITCH_TO_LARGE_BLOCKS, and of 2.3 LONGNAME and LARGE_MICROZAP.
const OF_STREAMS: u64 = SA_SPILL
    | RESUMING
    | RAW
    | 1 << 16
    | 1 << 17
    | 1 << 19
    | 1 << 21
    | 1 << 22
    | 1 << 23
    | 1 << 25
    | 1 << 27
    | 1 << 28
    | 1 << 29;
