//! What the tests drive a walk with, and make streams of.

use super::super::xdr::{List, Value};
use super::super::{Begin, MAX_PACKAGE, Need, RECORD, StreamError, Walk};

/// What became of a stream.
#[derive(Debug, PartialEq)]
pub struct Driven {
    /// What began, each with the place in the stream behind it.
    pub begins: Vec<(Begin, usize)>,
    /// What was still needed when the bytes were at their end, or why it was refused.
    pub end: Result<Need, StreamError>,
    /// Where each record begins, and the place where the walk stopped.
    pub records: Vec<usize>,
    /// The bytes that were asked for and there.
    pub consumed: usize,
}

/// Hands a walk what it asks for, as long as that is there.
pub fn drive(stream: &[u8]) -> Driven {
    let mut walk = Walk::new();
    let mut driven = Driven { begins: Vec::new(), end: Ok(Need::Record), records: Vec::new(), consumed: 0 };
    loop {
        driven.end = Ok(walk.need());
        let size = match walk.need() {
            Need::Nothing => break,
            Need::Record => {
                driven.records.push(driven.consumed);
                RECORD
            }
            Need::Payload(size) => {
                assert!(0 < size && size <= MAX_PACKAGE);
                size
            }
            Need::Pass(size) => {
                assert!(0 < size && size <= 16 << 20);
                usize::try_from(size).unwrap()
            }
        };
        let Some(bytes) = stream.get(driven.consumed..driven.consumed + size) else { break };
        driven.consumed += size;
        if let Need::Pass(size) = walk.need() {
            walk.passed(size);
            continue;
        }
        match walk.take(bytes) {
            Ok(Some(begin)) => driven.begins.push((begin, driven.consumed)),
            Ok(None) => {}
            Err(error) => {
                assert_eq!(walk.take(bytes), Err(error.clone()), "an error stays");
                driven.end = Err(error);
                break;
            }
        }
    }
    driven
}

/// Drives a stream that has to be refused.
pub fn refusal(stream: &[u8]) -> StreamError {
    drive(stream).end.expect_err("it passes")
}

/// A record of this type, little-endian.
pub fn record(kind: u32) -> Vec<u8> {
    let mut record = vec![0; RECORD];
    put(&mut record, 0, &kind.to_le_bytes());
    record
}

pub fn put(record: &mut [u8], at: usize, bytes: &[u8]) {
    record[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A begin record of a stream, as a kernel writes it.
pub fn begin(name: &str, guid: u64, from: u64) -> Vec<u8> {
    let mut record = record(0);
    put(&mut record, 8, &0x0002_F5BA_CBAC_u64.to_le_bytes());
    put(&mut record, 16, &(1_u64 | 4 << 2).to_le_bytes());
    put(&mut record, 24, &1_700_000_000_u64.to_le_bytes());
    put(&mut record, 32, &2_u32.to_le_bytes());
    put(&mut record, 36, &0xc_u32.to_le_bytes());
    put(&mut record, 40, &guid.to_le_bytes());
    put(&mut record, 48, &from.to_le_bytes());
    put(&mut record, 56, name.as_bytes());
    record
}

/// A begin record with what follows it.
pub fn with_list(mut begin: Vec<u8>, list: &[u8]) -> Vec<u8> {
    put(&mut begin, 4, &(list.len() as u32).to_le_bytes());
    begin.extend(list);
    begin
}

pub fn end(guid: u64) -> Vec<u8> {
    let mut record = record(5);
    put(&mut record, 40, &guid.to_le_bytes());
    record
}

/// A stream without contents.
pub fn stream(name: &str, guid: u64, from: u64) -> Vec<u8> {
    [begin(name, guid, from), end(guid)].concat()
}

/// The head of a package and the end of that.
pub fn head(name: &str, list: &[u8]) -> Vec<u8> {
    let mut record = begin(name, 0, 0);
    put(&mut record, 16, &2_u64.to_le_bytes());
    put(&mut record, 24, &[0; 16]);
    [with_list(record, list), end(0)].concat()
}

/// A package with these streams in it.
pub fn package(name: &str, list: &[u8], streams: &[Vec<u8>]) -> Vec<u8> {
    [head(name, list), streams.concat(), end(0)].concat()
}

/// The list of a recursive package: `name` is `dataset@snapshot`, then the datasets in it.
pub fn recursive(name: &str, datasets: &[&str]) -> Tree {
    let snapshot = name.split_once('@').unwrap().1;
    let members = datasets.iter().enumerate().map(|(place, dataset)| {
        let member = Tree::List(vec![
            ("name".to_owned(), Tree::Text((*dataset).to_owned())),
            ("parentfromsnap".to_owned(), Tree::Number(0)),
            ("snaps".to_owned(), Tree::List(vec![(snapshot.to_owned(), Tree::Number(7))])),
        ]);
        (format!("0x{:x}", place + 1), member)
    });
    Tree::List(vec![
        ("tosnap".to_owned(), Tree::Text(snapshot.to_owned())),
        ("fss".to_owned(), Tree::List(members.collect())),
    ])
}

/// A list with all that is in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    Flag,
    Number(u64),
    Text(String),
    List(Vec<(String, Tree)>),
}

impl Tree {
    pub fn read(list: List<'_>) -> Result<Self, StreamError> {
        let mut pairs = Vec::new();
        list.each(|name, value| {
            let value = match value {
                Value::Flag => Self::Flag,
                Value::Number(number) => Self::Number(number),
                Value::Text(text) => Self::Text(text.to_owned()),
                Value::List(list) => Self::read(list)?,
            };
            pairs.push((name.to_owned(), value));
            Ok(())
        })?;
        Ok(Self::List(pairs))
    }

    /// As a little-endian host packs it.
    pub fn packed(&self) -> Vec<u8> {
        [&[1, 1, 0, 0], self.value().as_slice()].concat()
    }

    fn value(&self) -> Vec<u8> {
        match self {
            Self::Flag => Vec::new(),
            Self::Number(number) => number.to_be_bytes().to_vec(),
            Self::Text(text) => string(text),
            Self::List(pairs) => {
                let mut bytes = vec![0, 0, 0, 0, 0, 0, 0, 1];
                for (name, value) in pairs {
                    bytes.extend(pair(name, value));
                }
                bytes.extend([0; 8]);
                bytes
            }
        }
    }

    /// The value at the end of a path of keys; a number is a place in the list.
    pub fn at(&mut self, path: &str) -> &mut Self {
        path.split('.').filter(|key| !key.is_empty()).fold(self, |tree, key| {
            let Self::List(pairs) = tree else { panic!("{key}: not in a list") };
            let place = key.parse().ok().or_else(|| pairs.iter().position(|(name, _)| name == key));
            &mut pairs[place.unwrap_or_else(|| panic!("no {key}"))].1
        })
    }

    pub fn pairs(&mut self) -> &mut Vec<(String, Self)> {
        let Self::List(pairs) = self else { panic!("not a list") };
        pairs
    }
}

fn pair(name: &str, value: &Tree) -> Vec<u8> {
    let (kind, elements, size) = match value {
        Tree::Flag => (1_u32, 0_u32, 0),
        Tree::Number(_) => (8, 1, 8),
        Tree::Text(text) => (9, 1, text.len() + 1),
        Tree::List(_) => (19, 1, 24),
    };
    let in_memory = (16 + name.len() + 1).next_multiple_of(8) + size.next_multiple_of(8);
    let body = [string(name), kind.to_be_bytes().to_vec(), elements.to_be_bytes().to_vec(), value.value()].concat();
    [((body.len() + 8) as u32).to_be_bytes(), (in_memory as u32).to_be_bytes()]
        .concat()
        .into_iter()
        .chain(body)
        .collect()
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = [(text.len() as u32).to_be_bytes().as_slice(), text.as_bytes()].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The same stream from a host of the other byte order, as byte for byte as byteswap_record in module/zfs/dmu_recv.c
/// turns it back. Lists stay as they are: that of a package is XDR, and of the others nothing is read.
pub fn swapped(stream: &[u8]) -> Vec<u8> {
    let mut swapped = stream.to_vec();
    for at in drive(stream).records {
        let Some(record) = swapped.get_mut(at..at + RECORD) else { continue };
        let (fours, eights): (&[usize], &[usize]) = match record[0] {
            0 => (&[32, 36], &[8, 16, 24, 40, 48]),
            1 => (&[16, 20, 24, 28, 36], &[8, 40, 56]),
            2 | 9 => (&[], &[8, 16, 24]),
            3 => (&[16], &[8, 24, 32, 40, 56, 64, 72, 80, 88, 96]),
            4 | 10 => (&[], &[8, 16, 24, 32]),
            5 => (&[], &[8, 16, 24, 32, 40]),
            7 => (&[92], &[8, 16, 24, 40]),
            8 => (&[48, 52], &[8, 16, 24, 32]),
            kind => panic!("type {kind}"),
        };
        let checksum: &[usize] = if record[0] == 0 { &[] } else { &[280, 288, 296, 304] };
        for at in [0, 4].iter().chain(fours) {
            record[*at..*at + 4].reverse();
        }
        for at in eights.iter().chain(checksum) {
            record[*at..*at + 8].reverse();
        }
    }
    swapped
}
