//! Name-value lists as a kernel packs them for itself: encoding NATIVE (nvs_native_* in module/nvpair/nvpair.c, sizes
//! in include/sys/nvpair.h of OpenZFS), little-endian, of those types that resume tokens have. The reader takes
//! exactly what the writer writes.
#![forbid(unsafe_code)]

use nom::bytes::complete::{tag, take};
use nom::combinator::{map_opt, rest, verify};
use nom::multi::length_data;
use nom::number::complete::{le_u16, le_u32};
use nom::{IResult, Parser};

use super::TokenError;

/// A name and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The name, far shorter than its field's 32,767 bytes.
    pub name: &'a str,
    /// The value.
    pub value: Value<'a>,
}

/// A value of one of the types that a resume token may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// DATA_TYPE_BOOLEAN: true by being there.
    Flag,
    /// DATA_TYPE_UINT64
    Number(u64),
    /// DATA_TYPE_STRING
    Text(&'a str),
    /// DATA_TYPE_UINT64_ARRAY
    Numbers(Vec<u64>),
}

/// Reads a list.
pub fn read(bytes: &[u8]) -> Result<Vec<Pair<'_>>, TokenError> {
    let list = bytes.strip_prefix(&ENCODING).ok_or(TokenError::Encoding)?;
    let mut left = list.strip_prefix(&LIST).ok_or(TokenError::Layout)?;
    let mut pairs = Vec::new();
    while left != END {
        let (after, frame) = pair(left).map_err(|_| TokenError::Layout)?;
        pairs.push(Pair { name: frame.name, value: frame.value()? });
        left = after;
    }
    Ok(pairs)
}

/// Writes a list.
pub fn write<'a>(pairs: impl IntoIterator<Item = &'a Pair<'a>>) -> Vec<u8> {
    let mut bytes = [ENCODING.as_slice(), &LIST].concat();
    for Pair { name, value } in pairs {
        let (kind, elements, area) = match value {
            Value::Flag => (FLAG, 0, Vec::new()),
            Value::Number(number) => (NUMBER, 1, number.to_le_bytes().to_vec()),
            Value::Text(text) => (TEXT, 1, padded(text)),
            Value::Numbers(numbers) => {
                (NUMBERS, numbers.len(), numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
            }
        };
        let padded = padded(name);
        bytes.extend(((FIXED + padded.len() + area.len()) as u32).to_le_bytes());
        bytes.extend(((name.len() + 1) as u16).to_le_bytes());
        bytes.extend(RESERVE);
        bytes.extend((elements as u32).to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(padded);
        bytes.extend(area);
    }
    bytes.extend(END);
    bytes
}

/// A pair whose value isn't looked at yet.
struct Frame<'a> {
    name: &'a str,
    elements: u32,
    kind: u32,
    area: &'a [u8],
}

fn pair(input: &[u8]) -> IResult<&[u8], Frame<'_>, ()> {
    // The size that a pair begins with counts its own four bytes.
    let size = map_opt(le_u32, |size: u32| size.checked_sub(4));
    let (after, body) = length_data(size).parse(input)?;
    let (body, name_size) = le_u16(body)?;
    let (body, (_, elements, kind)) = (tag(RESERVE.as_slice()), le_u32, le_u32).parse(body)?;
    let name = map_opt(take(usize::from(name_size).next_multiple_of(ALIGN)), unpadded);
    let name = verify(name, |name: &str| name.len() + 1 == usize::from(name_size));
    let (_, (name, area)) = (name, rest).parse(body)?;
    Ok((after, Frame { name, elements, kind, area }))
}

impl<'a> Frame<'a> {
    fn value(&self) -> Result<Value<'a>, TokenError> {
        let (numbers, odd) = self.area.as_chunks();
        let numbers = || numbers.iter().copied().map(u64::from_le_bytes);
        let value = match (self.kind, self.elements) {
            (FLAG, 0) => self.area.is_empty().then_some(Value::Flag),
            (NUMBER, 1) if self.area.len() == ALIGN => numbers().next().map(Value::Number),
            (TEXT, 1) => unpadded(self.area).map(Value::Text),
            (NUMBERS, elements) => {
                (odd.is_empty() && numbers().len() == elements as usize).then(|| Value::Numbers(numbers().collect()))
            }
            (FLAG | NUMBER | TEXT, _) => None,
            _ => return Err(TokenError::Type),
        };
        value.ok_or(TokenError::Layout)
    }
}

/// The text, NUL and as many more as the alignment needs.
fn padded(text: &str) -> Vec<u8> {
    let mut area = text.as_bytes().to_vec();
    area.resize((text.len() + 1).next_multiple_of(ALIGN), 0);
    area
}

/// The text of an area like that, and of no other.
fn unpadded(area: &[u8]) -> Option<&str> {
    let (text, padding) = area.split_at_checked(area.iter().position(|byte| *byte == 0)?)?;
    let exact = area.len() == (text.len() + 1).next_multiple_of(ALIGN) && padding.iter().all(|byte| *byte == 0);
    str::from_utf8(text).ok().filter(|_| exact)
}

/// NV_ENCODE_NATIVE, little-endian, two reserved bytes. XDR begins with 1; a big-endian host writes 0 as second byte.
const ENCODING: [u8; 4] = [0, 1, 0, 0];
/// nvl_version 0, and nvl_nvflag NV_UNIQUE_NAME.
const LIST: [u8; 8] = [0, 0, 0, 0, 1, 0, 0, 0];
/// A pair of size zero.
const END: [u8; 4] = [0; 4];
/// Names and values fill up multiples of this (NV_ALIGN).
const ALIGN: usize = 8;
/// The fields before a name: size, size of the name, reserve, elements, type (nvpair_t).
const FIXED: usize = 16;
/// nvp_reserve
const RESERVE: [u8; 2] = [0; 2];
/// DATA_TYPE_BOOLEAN
const FLAG: u32 = 1;
/// DATA_TYPE_UINT64
const NUMBER: u32 = 8;
/// DATA_TYPE_STRING
const TEXT: u32 = 9;
/// DATA_TYPE_UINT64_ARRAY
const NUMBERS: u32 = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_has_the_room_of_one() {
        for (area, expected) in [
            (&[7, 0, 0, 0, 0, 0, 0, 0][..], Ok(Value::Number(7))),
            (&[], Err(TokenError::Layout)),
            (&[0; 7], Err(TokenError::Layout)),
            (&[0; 16], Err(TokenError::Layout)),
        ] {
            let frame = Frame { name: "object", elements: 1, kind: NUMBER, area };
            assert_eq!(frame.value(), expected, "{} bytes", area.len());
        }
    }

    fn value() -> impl Strategy<Value = (u8, u64, String, Vec<u64>)> {
        (0..4_u8, any::<u64>(), "[^\0]{0,40}", prop::collection::vec(any::<u64>(), 0..4))
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_same(written in prop::collection::vec(("[^\0]{0,20}", value()), 0..6)) {
            let pairs: Vec<_> = written
                .iter()
                .map(|(name, (kind, number, text, numbers))| Pair {
                    name,
                    value: match kind {
                        0 => Value::Flag,
                        1 => Value::Number(*number),
                        2 => Value::Text(text),
                        _ => Value::Numbers(numbers.clone()),
                    },
                })
                .collect();
            let bytes = write(&pairs);
            prop_assert_eq!(read(&bytes), Ok(pairs));
        }

        #[test]
        fn what_reads_is_written_as_the_same(at in 0..PACKED.len(), byte: u8) {
            let mut bytes = PACKED.to_vec();
            bytes[at] = byte;
            if let Ok(pairs) = read(&bytes) {
                prop_assert_eq!(write(&pairs), bytes);
            }
        }
    }

    /// Two pairs, by hand after nvs_native_nvp_op.
    const PACKED: &[u8] = b"\0\x01\0\0\0\0\0\0\x01\0\0\0\
        \x20\0\0\0\x06\0\0\0\x01\0\0\0\x08\0\0\0bytes\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08\
        \x18\0\0\0\x06\0\0\0\0\0\0\0\x01\0\0\0rawok\0\0\0\
        \0\0\0\0";

    #[test]
    fn a_list_is_packed_as_in_nvpair_c() {
        let pairs = [
            Pair { name: "bytes", value: Value::Number(0x0807_0605_0403_0201) },
            Pair { name: "rawok", value: Value::Flag },
        ];
        assert_eq!(write(&pairs), PACKED);
        assert_eq!(read(PACKED).unwrap(), pairs);
    }

    #[test]
    fn each_deviation_is_refused() {
        let cases: [(&str, usize, u8, TokenError); 12] = [
            ("XDR", 0, 1, TokenError::Encoding),
            ("big endian", 1, 0, TokenError::Encoding),
            ("version", 4, 1, TokenError::Layout),
            ("names not unique", 8, 0, TokenError::Layout),
            ("pair of another size", 12, 0x28, TokenError::Layout),
            ("pair smaller than its size field", 12, 3, TokenError::Layout),
            ("name without its NUL", 16, 5, TokenError::Layout),
            ("reserve", 18, 1, TokenError::Layout),
            ("elements", 20, 2, TokenError::Layout),
            ("type", 24, 7, TokenError::Type),
            ("padding", 35, 1, TokenError::Layout),
            ("no end", PACKED.len() - 4, 1, TokenError::Layout),
        ];
        for (what, at, byte, why) in cases {
            let mut bytes = PACKED.to_vec();
            bytes[at] = byte;
            assert_eq!(read(&bytes), Err(why), "{what}");
        }
        assert_eq!(read(&[PACKED, &[0]].concat()), Err(TokenError::Layout), "a byte after the end");
        for shorter in 4..PACKED.len() {
            assert_eq!(read(&PACKED[..shorter]), Err(TokenError::Layout), "cut at {shorter}");
        }
    }
}
