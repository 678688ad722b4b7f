//! Sizes as zfs reads them (zfs_nicestrtonum): a whole number, with a unit in powers of 1024 or without. Fractions,
//! which zfs takes too and rounds, are left out.
#![forbid(unsafe_code)]

/// A number of bytes, written as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

impl Size {
    /// `1024`, `1K`, `1kb`, `1KiB`; `None` for all else, and for more than 64 bits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = (text.get(..digits)?, text.get(digits..)?.to_ascii_uppercase());
        // strtoull with base 10 takes it; elsewhere a leading zero is octal, so nobody should mean it.
        if number.len() > 1 && number.starts_with('0') {
            return None;
        }
        let shift = match unit.as_str() {
            "" | "B" => 0,
            unit => {
                let letter = unit.strip_suffix("IB").or(unit.strip_suffix('B')).unwrap_or(unit);
                10 * (1 + ["K", "M", "G", "T", "P", "E"].iter().position(|other| *other == letter)?)
            }
        };
        number.parse::<u64>().ok()?.checked_mul(1 << shift).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024_in_any_case() {
        let same = [("1024", 1024), ("1K", 1024), ("1kb", 1024), ("1KiB", 1024), ("8b", 8), ("0", 0), ("2T", 2 << 40)];
        for (text, bytes) in same {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
        for text in ["", "K", "1.5G", "-1", "+1", "010", "0x10", "1KK", "1BB", "1BiB", "1 K", "1Z", "16E", "1i", "none"]
        {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
