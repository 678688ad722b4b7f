//! Versions of OpenZFS, as its module and its packages write them.

use std::str::FromStr;

/// `2.3.9`, whatever follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl FromStr for Version {
    type Err = &'static str;

    /// `2.4` is `2.4.0`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.trim().split(['.', '-']).map_while(|number| number.parse().ok());
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(major), Some(minor), patch) => Ok(Self(major, minor, patch.unwrap_or(0))),
            _ => Err("not a version such as 2.3.9"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_two_or_three_numbers_whatever_a_package_adds() {
        for (text, version) in [
            ("2.4", Version(2, 4, 0)),
            ("2.3.9-1+deb13u1\n", Version(2, 3, 9)),
            ("2.5.0-rc1", Version(2, 5, 0)),
            ("2.2-1", Version(2, 2, 1)),
        ] {
            assert_eq!(text.parse(), Ok(version), "{text}");
        }
        for text in ["", "2", "kmod", "v2.3", "x.y"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert!(Version(2, 3, 10) > Version(2, 3, 2) && Version(2, 4, 0) > Version(2, 3, 10));
    }
}
