//! Streams that OpenZFS 2.3.9 sent. What is expected of each is what `zstream dump` read in it.

use super::super::xdr::List;
use super::super::{Begin, Kind, Member, Need, Package, RECORD};
use super::forge::{Driven, Tree, drive, swapped};
use crate::command::name::{Dataset, Guid, Snapshot, SnapshotName};
use crate::command::property::Property;

macro_rules! stream {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/streams/", $name)).as_slice()
    };
}

/// A begin of a file system's full stream.
fn full(name: &str, guid: u64, creation: u64) -> Begin {
    Begin {
        kind: Kind::Filesystem,
        snapshot: Snapshot::parse(name).unwrap(),
        guid: Guid(guid),
        from: None,
        creation,
        raw: false,
        clone: false,
        resuming: false,
    }
}

fn incremental(name: &str, guid: u64, from: u64, creation: u64) -> Begin {
    Begin { from: Some(Guid(from)), ..full(name, guid, creation) }
}

fn package(name: &str, recursive: bool, from: Option<&str>, members: Vec<Member>) -> Begin {
    let from = from.map(|from| SnapshotName::parse(from).unwrap());
    Begin { kind: Kind::Package(Package { recursive, from, members }), ..full(name, 0, 0) }
}

fn member(name: &str, properties: Vec<(Property, Option<String>)>, snapshots: &[(&str, u64)]) -> Member {
    Member {
        dataset: Dataset::parse(name).unwrap(),
        clone: false,
        properties,
        snapshots: snapshots.iter().map(|(name, guid)| (SnapshotName::parse(name).unwrap(), Guid(*guid))).collect(),
        snapshot_properties: Vec::new(),
        holds: false,
    }
}

fn properties() -> Vec<(Property, Option<String>)> {
    vec![
        (Property::parse("com.example:note").unwrap(), Some("hello world".to_owned())),
        (Property::parse("recordsize").unwrap(), None),
    ]
}

const S1: u64 = 0x2434_3809_490b_1906;
const S2: u64 = 0xa621_19da_6e9b_133a;
const S3: u64 = 0xc32d_d536_fe70_2967;
const CHILD: [u64; 3] = [0xe792_ba82_519a_276a, 0x9e8e_6b22_5e11_889a, 0x829e_3500_bb13_91b5];
const ENC: u64 = 0x757a_325d_90a3_71a8;

/// Whole streams, with what begins in each and how many records it has.
fn whole() -> Vec<(&'static str, &'static [u8], Vec<Begin>, usize)> {
    let fs = |snapshots: &[(&str, u64)]| member("st/fs", properties(), snapshots);
    let child = [("s1", CHILD[0]), ("s2", CHILD[1]), ("s3", CHILD[2])];
    let s1 = full("st/fs@s1", S1, 0x6b01_1024);
    let s2 = incremental("st/fs@s2", S2, S1, 0x6b01_1025);
    let s3 = incremental("st/fs@s3", S3, S2, 0x6b01_1025);
    let raw = Begin { raw: true, ..full("st/enc@s1", ENC, 0x6b01_1024) };
    vec![
        ("full", stream!("full.zstream"), vec![s1.clone()], 35),
        ("full-flags", stream!("full-flags.zstream"), vec![s1.clone()], 35),
        ("incremental", stream!("incremental.zstream"), vec![s2.clone()], 29),
        (
            "intermediates",
            stream!("intermediates.zstream"),
            vec![package("st/fs@s3", false, None, vec![]), s2.clone(), s3.clone()],
            59,
        ),
        (
            "holds",
            stream!("holds.zstream"),
            vec![package("st/fs@s1", false, None, vec![Member { holds: true, ..fs(&[("s1", S1)]) }]), s1],
            38,
        ),
        (
            "replicate-incremental",
            stream!("replicate-incremental.zstream"),
            vec![
                package(
                    "st/fs@s3",
                    true,
                    Some("s1"),
                    vec![fs(&[("s1", S1), ("s2", S2), ("s3", S3)]), member("st/fs/child", vec![], &child)],
                ),
                s2,
                s3,
                incremental("st/fs/child@s2", CHILD[1], CHILD[0], 0x6b01_1025),
                incremental("st/fs/child@s3", CHILD[2], CHILD[1], 0x6b01_1025),
            ],
            63,
        ),
        (
            "clone",
            stream!("clone.zstream"),
            vec![Begin { clone: true, ..incremental("st/clone@c1", 0x36a8_969b_24db_1211, S2, 0x6b01_1026) }],
            2,
        ),
        (
            "volume",
            stream!("volume.zstream"),
            vec![Begin { kind: Kind::Volume, ..full("st/vol@s1", 0x0cc0_face_3360_0d4e, 0x6b01_1024) }],
            10,
        ),
        ("raw", stream!("raw.zstream"), vec![raw.clone()], 33),
        (
            "raw-incremental",
            stream!("raw-incremental.zstream"),
            vec![Begin { raw: true, ..incremental("st/enc@s2", 0xe91f_e846_d1f2_265a, ENC, 0x6b01_1025) }],
            2,
        ),
        (
            "raw-properties",
            stream!("raw-properties.zstream"),
            vec![package("st/enc@s1", false, None, vec![member("st/enc", keylocation(), &[("s1", ENC)])]), raw],
            36,
        ),
    ]
}

fn keylocation() -> Vec<(Property, Option<String>)> {
    vec![(Property::parse("keylocation").unwrap(), Some("file:///root/k2".to_owned()))]
}

/// Each stream as it is and as a host of the other byte order would have sent it.
fn both_orders() -> Vec<(&'static str, Vec<u8>, Vec<Begin>, usize)> {
    let order = |(name, stream, begins, records): (_, &[u8], Vec<_>, _)| {
        [(name, stream.to_vec(), begins.clone(), records), (name, swapped(stream), begins, records)]
    };
    whole().into_iter().flat_map(order).collect()
}

fn begun(driven: &Driven) -> Vec<Begin> {
    driven.begins.iter().map(|(begin, _)| begin.clone()).collect()
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
fn a_real_stream_is_walked_to_its_end_and_says_what_zstream_dump_reads_in_it() {
    for (name, stream, begins, records) in both_orders() {
        let driven = drive(&stream);
        assert_eq!(driven.end, Ok(Need::Nothing), "{name}");
        assert_eq!(begun(&driven), begins, "{name}");
        assert_eq!((driven.records.len(), driven.consumed), (records, stream.len()), "{name}");
    }
}

#[test]
fn a_stream_that_was_resumed_says_so() {
    let resuming = |begin| Begin { resuming: true, ..begin };
    let big = |creation| full("st/fs@big", 0xd71d_7576_744f_e93e, creation);
    let cases = [
        (stream!("resumed-full.head"), big(0x6b01_1033), 131_072),
        (stream!("resumed-flags.head"), big(0x6b01_1033), 1 << 20),
        (stream!("resumed-inc.head"), Begin { from: Some(Guid(S3)), ..big(0x6b01_1033) }, 131_072),
        (
            stream!("resumed-raw.head"),
            Begin { raw: true, ..full("st/enc@big", 0x462c_02e6_b93e_c753, 0x6b01_1033) },
            131_072,
        ),
    ];
    for (stream, begin, block) in cases {
        let driven = drive(stream);
        assert_eq!(begun(&driven), [resuming(begin)]);
        assert_eq!(driven.end, Ok(Need::Pass(block)), "its first block goes on behind what there is of it");
    }
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
fn a_stream_that_was_cut_is_waited_for_and_not_taken_for_whole() {
    for (name, stream, begins, _) in both_orders() {
        let records = drive(&stream).records;
        let cuts = records.iter().flat_map(|at| [*at, at + 1, at + RECORD - 1, at + RECORD, at + RECORD + 1]);
        for cut in cuts.filter(|cut| *cut < stream.len()) {
            let driven = drive(&stream[..cut]);
            assert_ne!(driven.end, Ok(Need::Nothing), "{name} cut at {cut}");
            assert!(driven.end.is_ok() && begins.starts_with(&begun(&driven)), "{name} cut at {cut}");
        }
    }
}

#[test]
fn what_follows_a_stream_is_not_part_of_it() {
    for (name, stream, begins, _) in both_orders() {
        let driven = drive(&[stream.as_slice(), &stream].concat());
        assert_eq!((driven.end, driven.consumed), (Ok(Need::Nothing), stream.len()), "{name}");
        assert_eq!(driven.begins.len(), begins.len(), "{name}");
    }
}

#[test]
fn a_package_s_list_is_what_the_tests_would_write() {
    for (name, stream, begins, _) in whole() {
        let list = u32::from_le_bytes(stream[4..8].try_into().unwrap()) as usize;
        if matches!(begins[0].kind, Kind::Package(_)) && list > 0 {
            let packed = &stream[RECORD..RECORD + list];
            assert_eq!(Tree::read(List::packed(packed).unwrap()).unwrap().packed(), packed, "{name}");
        }
    }
}

#[test]
fn the_byte_orders_of_a_package_and_its_streams_are_one() {
    let stream = stream!("intermediates.zstream");
    let other = swapped(stream);
    for (place, (_, at)) in drive(stream).begins.iter().enumerate().skip(1) {
        let begin = at - RECORD;
        let mixed = [&stream[..begin], &other[begin..]].concat();
        assert_eq!(drive(&mixed).end, Err(super::super::StreamError::ByteOrder), "stream {place}");
        let mixed = [&other[..begin], &stream[begin..]].concat();
        assert_eq!(drive(&mixed).end, Err(super::super::StreamError::ByteOrder), "stream {place}");
    }
}
