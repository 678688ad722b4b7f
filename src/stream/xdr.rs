//! Name-value lists in XDR (nvs_xdr_* in module/nvpair/nvpair.c), of those types that packages have. Lists in lists are
//! read when somebody asks for them, so no depth in the input is a depth of calls here. Sizes that libnvpair writes but
//! reads past, or believes, have to be right: there is one reading.
#![forbid(unsafe_code)]

use nom::bytes::complete::take;
use nom::combinator::{map_opt, rest};
use nom::multi::length_data;
use nom::number::complete::{be_u32, be_u64};
use nom::{IResult, Parser};

use super::StreamError;

/// The pairs of a list, unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a>(&'a [u8]);

/// A value of one of the types that a package may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// DATA_TYPE_BOOLEAN: true by being there.
    Flag,
    /// DATA_TYPE_UINT64
    Number(u64),
    /// DATA_TYPE_STRING
    Text(&'a str),
    /// DATA_TYPE_NVLIST
    List(List<'a>),
}

/// What all fails with.
type Outcome<T> = Result<T, StreamError>;

impl<'a> List<'a> {
    /// A packed list. It is encoded alike by hosts of either byte order, though each says which it is.
    pub fn packed(bytes: &'a [u8]) -> Outcome<Self> {
        let list = ENCODINGS.iter().find_map(|encoding| bytes.strip_prefix(encoding));
        Self::embedded(list.ok_or(StreamError::Layout)?)
    }

    fn embedded(bytes: &'a [u8]) -> Outcome<Self> {
        bytes.strip_prefix(&LIST).map(Self).ok_or(StreamError::Layout)
    }

    /// Shows each pair to `visit`, in the order written. Each name is there once.
    pub fn each(self, mut visit: impl FnMut(&'a str, Value<'a>) -> Outcome<()>) -> Outcome<()> {
        let (mut left, mut names) = (self.0, Vec::new());
        while left != END {
            let (after, frame) = pair(left).map_err(|_| StreamError::Layout)?;
            let name = text(frame.name)?;
            visit(name, frame.value()?)?;
            names.push(name);
            left = after;
        }
        names.sort_unstable();
        if names.is_sorted_by(|one, next| one != next) { Ok(()) } else { Err(StreamError::Twice) }
    }
}

/// A pair whose value isn't looked at yet.
struct Frame<'a> {
    name: &'a [u8],
    decoded: u32,
    kind: u32,
    elements: u32,
    area: &'a [u8],
}

fn pair(input: &[u8]) -> IResult<&[u8], Frame<'_>, ()> {
    // The size that a pair begins with counts itself and the next one.
    let (input, (size, decoded)) = (map_opt(be_u32, |size: u32| size.checked_sub(8)), be_u32).parse(input)?;
    let (after, body) = take(size)(input)?;
    let (_, (name, kind, elements, area)) = (string, be_u32, be_u32, rest).parse(body)?;
    Ok((after, Frame { name, decoded, kind, elements, area }))
}

/// xdr_string: a length, the bytes, zeros up to a multiple of four.
fn string(input: &[u8]) -> IResult<&[u8], &[u8], ()> {
    let (after, string) = length_data(be_u32).parse(input)?;
    let padding = string.len().next_multiple_of(4) - string.len();
    map_opt(take(padding), |zeros: &[u8]| zeros.iter().all(|byte| *byte == 0).then_some(string)).parse(after)
}

impl<'a> Frame<'a> {
    fn value(&self) -> Outcome<Value<'a>> {
        let (value, size) = match (self.kind, self.elements) {
            (FLAG, 0) if self.area.is_empty() => (Value::Flag, 0),
            (NUMBER, 1) => (Value::Number(whole(be_u64, self.area)?), 8),
            (TEXT, 1) => {
                let string = whole(string, self.area)?;
                (Value::Text(text(string)?), string.len() + 1)
            }
            (LISTS, 1) => (Value::List(List::embedded(self.area)?), LIST_SIZE),
            (FLAG | NUMBER | TEXT | LISTS, _) => return Err(StreamError::Layout),
            _ => return Err(StreamError::Key),
        };
        // What libnvpair allocates for the pair (NVP_SIZE_CALC). It would believe any number.
        let decoded = (FIXED + self.name.len() + 1).next_multiple_of(ALIGN) + size.next_multiple_of(ALIGN);
        let right = self.name.len() < MAX_NAME && usize::try_from(self.decoded) == Ok(decoded);
        if right { Ok(value) } else { Err(StreamError::Layout) }
    }
}

/// What takes all of the input.
fn whole<'a, T>(mut parser: impl Parser<&'a [u8], Output = T, Error = ()>, input: &'a [u8]) -> Outcome<T> {
    match parser.parse(input) {
        Ok(([], output)) => Ok(output),
        _ => Err(StreamError::Layout),
    }
}

fn text(bytes: &[u8]) -> Outcome<&str> {
    str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(StreamError::Text)
}

/// NV_ENCODE_XDR, the packing host's byte order, two reserved bytes.
const ENCODINGS: [[u8; 4]; 2] = [[1, 1, 0, 0], [1, 0, 0, 0]];
/// nvl_version 0, and nvl_nvflag NV_UNIQUE_NAME.
const LIST: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];
/// Two sizes of zero.
const END: [u8; 8] = [0; 8];
/// Names and values fill up multiples of this in memory (NV_ALIGN).
const ALIGN: usize = 8;
/// The fields before a name in memory (nvpair_t).
const FIXED: usize = 16;
/// The size of an nvlist_t in memory, the same on all hosts.
const LIST_SIZE: usize = 24;
/// The size of a name is 16 bits with a sign (nvp_name_sz).
const MAX_NAME: usize = 32_767;
/// DATA_TYPE_BOOLEAN
const FLAG: u32 = 1;
/// DATA_TYPE_UINT64
const NUMBER: u32 = 8;
/// DATA_TYPE_STRING
const TEXT: u32 = 9;
/// DATA_TYPE_NVLIST
const LISTS: u32 = 19;
