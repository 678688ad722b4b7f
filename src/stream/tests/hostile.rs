//! Streams that nobody's zfs sends.

use proptest::prelude::*;

use super::super::{MAX_BLOCK, MAX_LIST, MAX_PACKAGE, MAX_STREAMS, Need, StreamError, Walk};
use super::forge::{begin, drive, end, head, package, put, record, recursive, refusal, stream, swapped, with_list};
use crate::command::name::NameError;

const NAME: &str = "tank/a@s";

/// A list of a package that announces these.
fn list(datasets: &[&str]) -> Vec<u8> {
    recursive(NAME, datasets).packed()
}

#[test]
fn a_begin_record_with_one_field_wrong_is_refused() {
    use StreamError::*;
    let features = |bits: u64| (1 | bits << 2).to_le_bytes().to_vec();
    let name = |text: &str| {
        let mut field = text.as_bytes().to_vec();
        field.resize(256, 0);
        field
    };
    let cases: Vec<(&str, usize, Vec<u8>, StreamError)> = vec![
        ("another first record", 0, vec![5], Magic),
        ("a type of the other byte order", 0, vec![0, 0, 0, 1], Magic),
        ("magic", 8, vec![0xad], Magic),
        ("list too long", 4, (MAX_LIST as u32 + 1).to_le_bytes().to_vec(), List),
        ("list far too long", 4, vec![0xff; 4], List),
        ("header type 0", 16, vec![0x10], Header),
        ("header type 3", 16, vec![0x13], Header),
        ("dedup", 16, features(1 << 0), Dedup),
        ("dedupprops", 16, features(1 << 1), Features),
        ("closed source", 16, features(1 << 3), Features),
        ("closed source", 16, features(1 << 15), Features),
        ("Delphix", 16, features(1 << 18), Features),
        ("holds in a stream", 16, features(1 << 26), Features),
        ("next unknown feature", 16, features(1 << 30), Features),
        ("last feature of 2.3", 16, features(1 << 55), Features),
        ("reserved", 23, vec![0x04], Features),
        ("reserved", 23, vec![0x80], Features),
        ("metadata", 32, vec![1], Kind),
        ("no type", 32, vec![0], Kind),
        ("unknown type", 32, vec![4], Kind),
        ("type of 32 bits", 35, vec![1], Kind),
        ("unknown flag", 36, vec![0x1c], Flags),
        ("vendor's flag", 39, vec![1], Flags),
        ("clone of nothing", 36, vec![0xd], Flags),
        ("no guid", 40, vec![0; 8], Guid),
        ("no name", 56, name(""), Name(NameError::MissingAt)),
        ("no snapshot", 56, name("tank/a"), Name(NameError::MissingAt)),
        ("live dataset", 56, name("tank/a@--head--"), Head),
        ("bookmark", 56, name("tank/a#s"), Name(NameError::MissingAt)),
        ("above", 56, name("tank/../a@s"), Name(NameError::Reference)),
        ("path", 56, name("/tank/a@s"), Name(NameError::LeadingSlash)),
        ("option", 56, name("-F@s"), Name(NameError::Pool)),
        ("internal", 56, name("tank/a/%recv@s"), Name(NameError::InvalidCharacter)),
        ("line break", 56, name("tank/a\n@s"), Name(NameError::InvalidCharacter)),
        ("not UTF-8", 57, vec![0xff], Name(NameError::InvalidCharacter)),
        ("two delimiters", 56, name("tank/a@s@t"), Name(NameError::MultipleDelimiters)),
        ("bytes behind the name", 65, b"/evil@s".to_vec(), Unclosed),
        ("a byte at the end of the field", 311, vec![1], Unclosed),
        ("a name to the end of the field", 56, vec![b'a'; 256], Unclosed),
    ];
    for (what, at, bytes, error) in cases {
        let mut stream = stream("tank/a@s", 7, 0);
        put(&mut stream, at, &bytes);
        assert_eq!(refusal(&stream), error, "{what}");
    }
}

#[test]
fn a_package_s_begin_record_with_one_field_wrong_is_refused() {
    use StreamError::*;
    let cases: Vec<(&str, usize, Vec<u8>, StreamError)> = vec![
        ("list too long", 4, (MAX_PACKAGE as u32 + 1).to_le_bytes().to_vec(), List),
        ("raw", 16, (2_u64 | 1 << 26).to_le_bytes().to_vec(), Features),
        ("resuming", 16, (2_u64 | 1 << 22).to_le_bytes().to_vec(), Features),
        ("dedup", 16, vec![6], Dedup),
        ("file system", 32, vec![2], Kind),
        ("clone", 36, vec![1], Flags),
        ("freerecords", 36, vec![4], Flags),
        ("guid", 40, vec![1], Guid),
        ("guid it starts from", 48, vec![1], Guid),
        ("no name", 56, vec![0; 8], Name(NameError::MissingAt)),
    ];
    for (what, at, bytes, error) in cases {
        let mut stream = package(NAME, &[], &[stream(NAME, 7, 0)]);
        assert_eq!(drive(&stream).end, Ok(Need::Nothing));
        put(&mut stream, at, &bytes);
        assert_eq!(refusal(&stream), error, "{what}");
    }
}

/// Fields of a record, each with its place.
type Fields<'a> = Vec<(usize, &'a [u8])>;

/// A record of the stream with these fields.
fn with(kind: u32, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut record = record(kind);
    for (at, bytes) in fields {
        put(&mut record, *at, bytes);
    }
    record
}

#[test]
fn the_contents_of_each_record_have_a_limit() {
    let most = MAX_BLOCK;
    let (fits, over) = (most.to_le_bytes(), (most + 1).to_le_bytes());
    let huge = [0xff; 8];
    let cases: Vec<(&str, u32, Fields<'_>, Result<u64, StreamError>)> = vec![
        ("bonus, rounded up", 1, vec![(28, &[169])], Ok(176)),
        ("raw bonus, as it is", 1, vec![(28, &[168]), (36, &[189])], Ok(189)),
        ("bonus", 1, vec![(28, &fits[..4])], Ok(most)),
        ("bonus too large", 1, vec![(28, &over[..4])], Err(StreamError::Block)),
        ("bonus that would wrap around", 1, vec![(28, &huge[..4])], Err(StreamError::Block)),
        ("raw bonus too large", 1, vec![(36, &over[..4])], Err(StreamError::Block)),
        ("objects freed", 2, vec![(8, &huge), (16, &huge)], Ok(0)),
        ("block", 3, vec![(32, &fits), (96, &over)], Ok(most)),
        ("block too large", 3, vec![(32, &over)], Err(StreamError::Block)),
        ("block of all there is", 3, vec![(32, &huge)], Err(StreamError::Block)),
        ("compressed block", 3, vec![(32, &over), (50, &[15]), (96, &[5])], Ok(5)),
        ("compressed block too large", 3, vec![(50, &[15]), (96, &over)], Err(StreamError::Block)),
        ("freed", 4, vec![(16, &huge), (24, &huge)], Ok(0)),
        ("references", 6, vec![], Err(StreamError::Dedup)),
        ("spill block", 7, vec![(16, &fits)], Ok(most)),
        ("spill block too large", 7, vec![(16, &over)], Err(StreamError::Block)),
        ("raw spill block", 7, vec![(16, &over), (40, &[9])], Ok(9)),
        ("raw spill block too large", 7, vec![(40, &over)], Err(StreamError::Block)),
        ("embedded, rounded up", 8, vec![(52, &[50])], Ok(56)),
        ("embedded too large", 8, vec![(52, &over[..4])], Err(StreamError::Block)),
        ("embedded that would wrap around", 8, vec![(52, &huge[..4])], Err(StreamError::Block)),
        ("range of objects", 9, vec![(8, &huge), (16, &huge)], Ok(0)),
        ("redacted", 10, vec![(24, &huge)], Ok(0)),
        ("the next type", 11, vec![], Err(StreamError::Record)),
        ("the last type", u32::MAX, vec![], Err(StreamError::Record)),
        ("a type of the other byte order", 1 << 24, vec![], Err(StreamError::Record)),
    ];
    for (what, kind, fields, size) in cases {
        let record = with(kind, &fields);
        let need = size.map(|size| if size == 0 { Need::Record } else { Need::Pass(size) });
        let start = begin("tank/a@s", 7, 0);
        assert_eq!(drive(&[start.as_slice(), &record].concat()).end, need, "{what}");
        let mut record = record;
        put(&mut record, 4, &[1]);
        let error = refusal(&[start, record].concat());
        assert_eq!(error, StreamError::PayloadLength, "{what} with a length");
    }
}

#[test]
fn a_record_in_the_wrong_place_is_refused() {
    use StreamError::*;
    let (free, start, stop, foreign, nothing) = (record(4), begin(NAME, 7, 0), end(7), end(8), end(0));
    let mut long = stop.clone();
    put(&mut long, 4, &[1]);
    let announced = head(NAME, &list(&["tank/a"]));
    let head = announced[..announced.len() - 312].to_vec();
    let one = stream(NAME, 7, 0);
    let cases: Vec<(&str, Vec<&[u8]>, StreamError)> = vec![
        ("an end first", vec![&stop], Magic),
        ("data first", vec![&free], Magic),
        ("a stream in a stream", vec![&start, &start], Order),
        ("a package in a stream", vec![&start, &head], Order),
        ("another stream's end", vec![&start, &free, &foreign], End),
        ("the end of a package in a stream", vec![&start, &nothing], End),
        ("a stream's end behind the head of a package", vec![&head, &foreign], End),
        ("a stream's end between the streams of a package", vec![&announced, &one, &foreign], End),
        ("an end with a length", vec![&start, &long], PayloadLength),
        ("a package without the end of its head", vec![&head, &start], Order),
        ("data in the head of a package", vec![&head, &free], Order),
        ("data between the streams of a package", vec![&announced, &one, &free], Order),
        ("a package in a package", vec![&announced, &head], Order),
        ("a package in a package, later", vec![&announced, &one, &head], Order),
    ];
    for (what, parts, error) in cases {
        assert_eq!(refusal(&parts.concat()), error, "{what}");
    }
    assert_eq!(drive(&[announced, nothing].concat()).end, Ok(Need::Nothing), "but a package of nothing may end");
}

#[test]
fn only_what_a_package_announces_comes_in_it() {
    let come = |list: &[u8], name: &str| drive(&package(NAME, list, &[stream(name, 7, 0)])).end;
    let announced = list(&["tank/a", "tank/a/b"]);
    for name in ["tank/a@s", "tank/a@older", "tank/a/b@s"] {
        assert_eq!(come(&announced, name), Ok(Need::Nothing), "{name}");
    }
    // What is cut off is as long as "tank/a": from these the receiver would make DATASETevil, DATASET/evil...
    for name in ["tank/aevil@s", "tank/aevil/c@s", "xxxxxxEVIL/c@s", "xxxxxx/evil@s", "pool/b@s", "tank@s"] {
        assert_eq!(come(&announced, name), Err(StreamError::Outside), "{name}");
        assert_eq!(come(&[], name), Err(StreamError::Outside), "{name}, without a list");
    }
    assert_eq!(come(&announced, "tank/a/c@s"), Err(StreamError::Outside), "below, but not announced");
    assert_eq!(come(&[], "tank/a/b@s"), Err(StreamError::Outside), "below, without a list");
    assert_eq!(come(&list(&[]), "tank/a/b@s"), Err(StreamError::Outside), "below, with an empty list");
    assert_eq!(come(&[], "tank/a@s"), Ok(Need::Nothing));
    for name in ["tank/aevil", "tank", "tank/b", "pool/a/b"] {
        assert_eq!(refusal(&head(NAME, &list(&["tank/a", name]))), StreamError::Outside, "{name} is announced");
    }
}

#[test]
fn a_snapshot_comes_once_in_a_package() {
    let announced = list(&["tank/a", "tank/a/b"]);
    let twice = |one, other| drive(&package(NAME, &announced, &[one, other])).end;
    assert_eq!(twice(stream("tank/a@s", 7, 0), stream("tank/a@t", 7, 0)), Err(StreamError::Again));
    assert_eq!(twice(stream("tank/a@s", 7, 0), stream("tank/a@t", 8, 7)), Ok(Need::Nothing));
    // A host that replicates to itself has the same snapshot in two datasets.
    assert_eq!(twice(stream("tank/a@s", 7, 0), stream("tank/a/b@s", 7, 0)), Ok(Need::Nothing));
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
fn a_package_has_a_last_stream() {
    let mut walk = Walk::new();
    for record in head(NAME, &[]).chunks(312) {
        walk.take(record).unwrap();
    }
    for guid in 1..=MAX_STREAMS as u64 {
        walk.take(&begin(NAME, guid, 0)).unwrap();
        walk.take(&end(guid)).unwrap();
    }
    assert_eq!(walk.take(&begin(NAME, u64::MAX, 0)), Err(StreamError::Streams));
}

#[test]
fn no_contents_stand_where_libzfs_may_begin_to_read_records() {
    let (data, contents) = (with(3, &[(32, &[8])]), [0; 8]);
    let listed = with_list(begin(NAME, 7, 0), &[0; 20]);
    let mut resuming = listed.clone();
    put(&mut resuming, 16, &(1_u64 | 1 << 22).to_le_bytes());
    let of = |start: &[u8], before: &[u8]| [start, before, &data, &contents, &end(7)].concat();

    assert_eq!(refusal(&of(&listed, &[])), StreamError::Misplaced);
    assert_eq!(drive(&of(&listed, &record(9))).end, Ok(Need::Nothing), "behind a record without contents");
    assert_eq!(drive(&of(&resuming, &[])).end, Ok(Need::Nothing), "in a stream that goes on");
    assert_eq!(drive(&of(&begin(NAME, 7, 0), &[])).end, Ok(Need::Nothing), "without a list");
    assert_eq!(refusal(&package(NAME, &[], &[of(&resuming, &[])])), StreamError::Features);
}

#[test]
fn a_walk_takes_just_what_it_asked_for() {
    let mut walk = Walk::new();
    assert_eq!(walk.take(&begin(NAME, 7, 0)[..311]), Err(StreamError::Length));
    let mut walk = Walk::new();
    walk.take(&with_list(begin(NAME, 7, 0), &[0; 20])[..312]).unwrap();
    assert_eq!(walk.need(), Need::Payload(20));
    assert_eq!(walk.take(&[0; 19]), Err(StreamError::Length));

    let mut walk = Walk::new();
    walk.take(&begin(NAME, 7, 0)).unwrap();
    walk.take(&with(3, &[(32, &[8])])).unwrap();
    walk.passed(3);
    assert_eq!(walk.need(), Need::Pass(5));
    walk.passed(5);
    assert_eq!(walk.need(), Need::Record);
    walk.passed(5);
    walk.take(&end(7)).unwrap();
    assert_eq!(walk.need(), Need::Nothing);
    assert_eq!(walk.take(&end(7)), Err(StreamError::Length));
}

proptest! {
    #[test]
    fn any_bytes_are_walked_within_the_limits(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let driven = drive(&bytes);
        prop_assert!(driven.begins.is_empty() && driven.consumed <= bytes.len());
    }

    #[test]
    fn a_package_with_bytes_changed_keeps_its_streams_in_its_dataset(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        other: bool,
    ) {
        let streams = [stream("tank/a@s", 7, 0), stream("tank/a/b@s", 8, 0), stream("tank/a/b@t", 9, 8)];
        let mut bytes = package(NAME, &list(&["tank/a", "tank/a/b"]), &streams);
        if other {
            bytes = swapped(&bytes);
        }
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let driven = drive(&bytes);
        for (begin, _) in driven.begins.iter().skip(1) {
            prop_assert!(begin.snapshot.dataset.is_within(&driven.begins[0].0.snapshot.dataset));
        }
        if driven.end == Ok(Need::Nothing) {
            prop_assert!(driven.consumed <= bytes.len());
        }
    }
}
