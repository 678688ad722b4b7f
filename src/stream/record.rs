//! Records (`dmu_replay_record_t` in include/sys/zfs_ioctl.h): 312 bytes, in the byte order of the sender, each field at
//! its place in the C structure.
#![forbid(unsafe_code)]

use super::StreamError;
use crate::command::name::Guid;

/// The bytes of a record (`dmu_replay_record_t`).
pub const RECORD: usize = 312;

/// The most bytes that follow a record other than a begin record (SPA_MAXBLOCKSIZE). The kernel refuses more, but
/// libzfs, when it skips a stream, reads what comes into a buffer of that size without a look (recv_skip).
pub const MAX_BLOCK: u64 = 16 << 20;

/// The sender's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

/// The bytes of a record, with the order to read them in.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8; RECORD],
    order: Order,
}

/// A record by what it asks of a reader.
#[derive(Debug)]
pub enum Record<'a> {
    /// DRR_BEGIN: a stream or a package begins.
    Begin(Fields<'a>),
    /// Data or what is freed, with so many bytes of contents.
    Contents(u64),
    /// DRR_END, with the guid of what ends.
    End(Guid),
}

impl Order {
    /// Tells from a begin record's magic number.
    pub fn of(bytes: &[u8; RECORD]) -> Option<Self> {
        [Self::Little, Self::Big].into_iter().find(|order| Fields { bytes, order: *order }.u64::<8>() == MAGIC)
    }
}

impl<'a> Fields<'a> {
    /// Of these bytes.
    pub fn new(bytes: &'a [u8; RECORD], order: Order) -> Self {
        Self { bytes, order }
    }

    /// The bytes of a field. That it lies in the record is checked by the compiler.
    pub fn bytes<const AT: usize, const SIZE: usize>(&self) -> &'a [u8; SIZE] {
        const { assert!(AT + SIZE <= RECORD) };
        self.bytes.get(AT..).and_then(|tail| tail.first_chunk()).unwrap_or(&[0; SIZE])
    }

    /// A byte.
    pub fn u8<const AT: usize>(&self) -> u8 {
        u8::from_ne_bytes(*self.bytes::<AT, 1>())
    }

    /// A number of four bytes.
    pub fn u32<const AT: usize>(&self) -> u32 {
        let bytes = *self.bytes::<AT, 4>();
        match self.order {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }

    /// A number of eight bytes.
    pub fn u64<const AT: usize>(&self) -> u64 {
        let bytes = *self.bytes::<AT, 8>();
        match self.order {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        }
    }

    /// What kind of record it is.
    pub fn record(self) -> Result<Record<'a>, StreamError> {
        let kind = self.u32::<0>();
        if kind != BEGIN && self.u32::<4>() != 0 {
            return Err(StreamError::PayloadLength);
        }
        match kind {
            BEGIN if Order::of(self.bytes) == Some(self.order) => Ok(Record::Begin(self)),
            BEGIN => Err(Order::of(self.bytes).map_or(StreamError::Magic, |_| StreamError::ByteOrder)),
            END => Ok(Record::End(Guid(self.u64::<40>()))),
            WRITE_BYREF => Err(StreamError::Dedup),
            _ => match self.contents(kind)? {
                size if size > MAX_BLOCK => Err(StreamError::Block),
                size => Ok(Record::Contents(size)),
            },
        }
    }

    /// DRR_OBJECT_PAYLOAD_SIZE and its like in zfs_ioctl.h, but in 64 bits: rounding up can't wrap around.
    fn contents(&self, kind: u32) -> Result<u64, StreamError> {
        let or = |size: u64, otherwise: u64| if size == 0 { otherwise } else { size };
        let rounded = |size: u32| u64::from(size).next_multiple_of(8);
        Ok(match kind {
            OBJECT => or(u64::from(self.u32::<36>()), rounded(self.u32::<28>())),
            WRITE if self.u8::<50>() != 0 => self.u64::<96>(),
            WRITE => self.u64::<32>(),
            SPILL => or(self.u64::<40>(), self.u64::<16>()),
            WRITE_EMBEDDED => rounded(self.u32::<52>()),
            FREEOBJECTS | FREE | OBJECT_RANGE | REDACT => 0,
            _ => return Err(StreamError::Record),
        })
    }
}

/// DMU_BACKUP_MAGIC
const MAGIC: u64 = 0x0002_F5BA_CBAC;

const BEGIN: u32 = 0;
const OBJECT: u32 = 1;
const FREEOBJECTS: u32 = 2;
const WRITE: u32 = 3;
const FREE: u32 = 4;
const END: u32 = 5;
const WRITE_BYREF: u32 = 6;
const SPILL: u32 = 7;
const WRITE_EMBEDDED: u32 = 8;
const OBJECT_RANGE: u32 = 9;
const REDACT: u32 = 10;
