//! Numbers as arguments of filters hold them.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::RangeInclusive;

use crate::command::argv::rendered;
use crate::command::options::Text;
use crate::command::{Error, What};

/// A number of bytes, or of bytes a second, as mbuffer(1) and pv(1) read it: whole, with a binary unit. Percentages of
/// the memory, fractions and exponents, which mbuffer's sscanf takes too, are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    number: u64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Byte,
    Kibi,
    Mebi,
    Gibi,
}

impl Size {
    /// Reads a size of at least one byte and at most `most`.
    pub(super) fn read(text: Text<'_>, most: u64) -> Result<Self, Error> {
        let (digits, unit) = match text.text.char_indices().next_back() {
            Some((end, 'k' | 'K')) => (text.text.get(..end), Unit::Kibi),
            Some((end, 'm' | 'M')) => (text.text.get(..end), Unit::Mebi),
            Some((end, 'g' | 'G')) => (text.text.get(..end), Unit::Gibi),
            _ => (Some(text.text), Unit::Byte),
        };
        let size = Self { number: Text { text: digits.unwrap_or_default(), ..text }.number()?, unit };
        if (1..=most).contains(&size.bytes()) { Ok(size) } else { Err(text.error(What::Number)) }
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.number.saturating_mul(match self.unit {
            Unit::Byte => 1,
            Unit::Kibi => KIB,
            Unit::Mebi => MIB,
            Unit::Gibi => GIB,
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Byte => "",
            Unit::Kibi => "k",
            Unit::Mebi => "M",
            Unit::Gibi => "G",
        };
        write!(f, "{}{unit}", self.number)
    }
}

/// A literal of ours with a number behind it, in one argument: `-19`, `-T0`, `--fast=3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attached(pub &'static str, pub u32);

impl fmt::Display for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

rendered!(Attached, Size);

/// Reads a plain number in a range.
pub(super) fn within(text: Text<'_>, range: RangeInclusive<u32>) -> Result<u32, Error> {
    let number = text.number()?;
    if range.contains(&number) { Ok(number) } else { Err(text.error(What::Number)) }
}

/// Fills a slot that an option may fill once. Programs let the last one win; no client relies on it.
pub(super) fn once<T>(slot: &mut Option<T>, value: T, option: Text<'_>) -> Result<(), Error> {
    if slot.is_some() {
        return Err(option.error(What::Conflict));
    }
    *slot = Some(value);
    Ok(())
}

/// 2^10 bytes.
pub(super) const KIB: u64 = 1024;
/// 2^20 bytes.
pub(super) const MIB: u64 = 1024 * KIB;
/// 2^30 bytes.
pub(super) const GIB: u64 = 1024 * MIB;

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::Span;

    fn read(text: &str) -> Result<Size, What> {
        Size::read(Text { text, span: Span::default() }, 64 * GIB).map_err(|error| error.what)
    }

    /// Any size of at most `most` bytes.
    pub(in crate::command::filter) fn sizes(most: u64) -> impl Strategy<Value = Size> {
        let unit = prop_oneof![Just(Unit::Byte), Just(Unit::Kibi), Just(Unit::Mebi), Just(Unit::Gibi)];
        (1..=100_000_u64, unit)
            .prop_map(|(number, unit)| Size { number, unit })
            .prop_filter("too large", move |size| size.bytes() <= most)
    }

    #[test]
    fn units_are_binary_and_letters_of_either_case_mean_the_same() {
        let bytes = |text| read(text).unwrap().bytes();
        assert_eq!(bytes("2097152"), 2 * MIB);
        assert_eq!((bytes("128k"), bytes("128K")), (128 * KIB, 128 * KIB));
        assert_eq!((bytes("10m"), bytes("10M")), (10 * MIB, 10 * MIB));
        assert_eq!((bytes("1g"), bytes("1G")), (GIB, GIB));
        assert_eq!([KIB, MIB, GIB], [10, 20, 30].map(|power| 1 << power));
    }

    #[test]
    fn what_is_not_a_whole_number_with_a_unit_is_refused() {
        for text in [
            "", "k", "0", "0k", "-1", "+1", "1.5G", "1e9", "0x10", "10%", "1kk", "1 k", "128ki", "128kB", "1T", "ⅷ",
            "1µ",
        ] {
            assert_eq!(read(text), Err(What::Number), "{text:?}");
        }
    }

    #[test]
    fn sizes_that_overflow_or_exceed_the_most_are_refused() {
        for text in ["65G", "99999999999999G", "18446744073709551615", "18446744073709551616", "17179869184G"] {
            assert_eq!(read(text), Err(What::Number), "{text}");
        }
        assert!(read("64G").is_ok());
    }
}
