//! Send streams as zfs writes them, as far as it matters to what passes them on: the records are true (dmu_replay_record
//! in include/sys/zfs_ioctl.h of OpenZFS), the checksums and what is in the blocks are not.

/// The bytes of a record.
pub const RECORD: usize = 312;

/// The first record of a stream of one snapshot.
pub fn begin(name: &str, guid: u64) -> Vec<u8> {
    head(1, 2, name, guid, &[])
}

/// What stands in front of several streams in a row, without an end of its own.
pub fn package(name: &str, payload: &[u8]) -> Vec<u8> {
    head(2, 0, name, 0, payload)
}

/// The record in front of a block of so many bytes.
pub fn write(length: usize) -> Vec<u8> {
    let mut record = record(3);
    put(&mut record, 8, &1u64.to_le_bytes()); // the object
    put(&mut record, 16, &19u32.to_le_bytes()); // the contents of a file
    put(&mut record, 32, &(length as u64).to_le_bytes());
    record
}

/// The record behind a stream; with a guid of 0, that behind the head of a package, and behind its last stream.
pub fn end(guid: u64) -> Vec<u8> {
    let mut record = record(5);
    put(&mut record, 40, &guid.to_le_bytes());
    record
}

fn head(kind: u64, of: u32, name: &str, guid: u64, payload: &[u8]) -> Vec<u8> {
    let mut record = record(0);
    put(&mut record, 4, &(payload.len() as u32).to_le_bytes());
    put(&mut record, 8, &0x2_F5BA_CBACu64.to_le_bytes());
    put(&mut record, 16, &kind.to_le_bytes());
    put(&mut record, 24, &1_700_000_000u64.to_le_bytes());
    put(&mut record, 32, &of.to_le_bytes());
    put(&mut record, 40, &guid.to_le_bytes());
    put(&mut record, 56, name.as_bytes());
    [record, payload.to_vec()].concat()
}

fn record(kind: u32) -> Vec<u8> {
    let mut record = vec![0; RECORD];
    put(&mut record, 0, &kind.to_le_bytes());
    record
}

fn put(record: &mut [u8], at: usize, bytes: &[u8]) {
    record[at..at + bytes.len()].copy_from_slice(bytes);
}
