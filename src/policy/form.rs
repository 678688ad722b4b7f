//! Values that are written as a text of a fixed form: one of a closed list, a size, a duration, a time of day. Each
//! reads itself, so that the parser knows the place of what is wrong.
#![forbid(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ::toml::value::{Datetime, Offset};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use super::error::unknown;
use super::key::{Account, HostPattern, PublicKey};
use super::{
    Completion, Force, IoClass, Kept, Operation, Privilege, Raw, Role, Rollback, Scope, StreamProperties, TimeOfDay,
};
use crate::command::argv::Program;

/// A value of a closed list, by name.
pub(super) trait Choice: Copy + 'static {
    /// What a value is called in a message.
    const WHAT: &'static str;
    /// All of them, in the order in which they are offered.
    const ALL: &'static [(&'static str, Self)];

    /// As it is written.
    fn name(self) -> &'static str
    where
        Self: PartialEq,
    {
        Self::ALL.iter().find(|(_, value)| *value == self).map_or("", |(name, _)| name)
    }
}

macro_rules! choices {
    ($($kind:ty, $what:literal: $($name:literal => $value:ident),+;)+) => { $(
        impl Choice for $kind {
            const WHAT: &'static str = $what;
            const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$value)),+];
        }
        by_text!($kind);
    )+ };
}

macro_rules! by_text {
    ($($kind:ty),+) => { $(
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(ByText(PhantomData))
            }
        }
    )+ };
}

choices! {
    Role, "role": "pull-source" => PullSource, "push-target" => PushTarget;
    Scope, "scope": "both" => Both, "local" => Local, "descendents" => Descendents;
    Raw, "value": "encrypted" => Encrypted, "always" => Always, "any" => Any, "never" => Never;
    Kept, "value": "note" => Note, "held" => Held;
    Privilege, "value": "none" => None, "sudo" => Sudo, "doas" => Doas;
    Completion, "value": "none" => None, "streams" => Streams, "all" => All;
    IoClass, "value": "idle" => Idle, "best-effort" => BestEffort;
    Force, "value": "safe" => Safe, "refuse" => Refuse, "allow" => Allow;
    Rollback, "value": "refuse" => Refuse, "latest" => Latest, "allow" => Allow;
    StreamProperties, "value": "strip" => Strip, "refuse" => Refuse, "any" => Any;
    Operation, "operation": "list" => List, "send" => Send, "receive" => Receive, "create" => Create,
        "rollback" => Rollback, "snapshot" => Snapshot, "bookmark" => Bookmark, "hold" => Hold, "release" => Release,
        "destroy" => Destroy, "rename" => Rename, "set" => Set;
}

/// `stream.raw`: whether it is `always`. A stream doesn't say whether what it was made from was encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct RawStream(pub bool);

impl Choice for RawStream {
    const WHAT: &'static str = "value";
    const ALL: &'static [(&'static str, Self)] = &[("any", Self(false)), ("always", Self(true))];
}

/// A program that may stand in a pipeline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Filter(pub Program);

impl Choice for Filter {
    const WHAT: &'static str = "filter";
    const ALL: &'static [(&'static str, Self)] = &[
        ("mbuffer", Self(Program::Mbuffer)),
        ("pv", Self(Program::Pv)),
        ("lzop", Self(Program::Lzop)),
        ("lz4", Self(Program::Lz4)),
        ("zstd", Self(Program::Zstd)),
        ("gzip", Self(Program::Gzip)),
        ("pigz", Self(Program::Pigz)),
        ("xz", Self(Program::Xz)),
        ("bzip2", Self(Program::Bzip2)),
    ];
}

/// What can be read from a text.
pub(super) trait Text: Sized {
    /// What is expected, with an example.
    const EXPECTED: &'static str;

    /// Reads it, or says what is wrong.
    fn read(text: &str) -> Result<Self, String>;
}

impl<T: Choice> Text for T {
    const EXPECTED: &'static str = "a string";

    fn read(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        found.ok_or_else(|| unknown(Self::WHAT, text, &Self::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>()))
    }
}

struct ByText<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for ByText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::read(text).map_err(E::custom)
    }
}

by_text!(
    Filter,
    RawStream,
    ProgramName,
    Size,
    Age,
    TimeOfDay,
    AbsolutePath,
    PlainWord,
    Account,
    HostPattern,
    PublicKey
);

/// A key of `[programs]`.
pub(super) struct ProgramName(pub Program);

impl Text for ProgramName {
    const EXPECTED: &'static str = "a program";

    fn read(text: &str) -> Result<Self, String> {
        let names = || Program::ALL.into_iter().map(Program::name).collect::<Vec<_>>();
        Program::named(text).map(Self).ok_or_else(|| unknown("program", text, &names()))
    }
}

/// A number of bytes: whole, with a unit as zfs takes it (zfsprops(7)), where `G`, `GB` and `GiB` are all 1024^3 and
/// case doesn't matter. Without a unit it is bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub u64);

/// The least memory for a filter that makes sense: with less no program starts.
const LEAST_MEMORY: u64 = 1 << 20;

impl Text for Size {
    const EXPECTED: &'static str = "a size such as \"1GiB\"";

    fn read(text: &str) -> Result<Self, String> {
        let (number, unit) = number(text).ok_or_else(|| not(text, Self::EXPECTED))?;
        let power = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            "t" | "tb" | "tib" => 40,
            _ => return Err(not(text, "a size such as \"1GiB\", in KiB, MiB, GiB or TiB")),
        };
        match number.checked_mul(1 << power) {
            Some(bytes) if (LEAST_MEMORY..=i64::MAX as u64).contains(&bytes) => Ok(Self(bytes)),
            _ => Err(format!("\"{text}\" is out of range, at least \"1MiB\"")),
        }
    }
}

/// A length of time: whole seconds, minutes, hours, days of 24 hours or weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age(pub Duration);

/// A hundred years, so that a time less this can always be told.
const LONGEST: u64 = 36_500 * 86_400;

impl Text for Age {
    const EXPECTED: &'static str = "a duration such as \"7d\"";

    fn read(text: &str) -> Result<Self, String> {
        let (number, unit) = number(text).ok_or_else(|| not(text, Self::EXPECTED))?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(not(text, "a duration such as \"7d\", in s, m, h, d or w")),
        };
        match number.checked_mul(seconds) {
            Some(seconds) if seconds <= LONGEST => Ok(Self(Duration::from_secs(seconds))),
            _ => Err(format!("\"{text}\" is out of range, at most \"36500d\"")),
        }
    }
}

impl Text for TimeOfDay {
    const EXPECTED: &'static str = "a time of day such as \"05:30\"";

    fn read(text: &str) -> Result<Self, String> {
        let two = |part: &str| if part.len() == 2 { digits(part) } else { None };
        match text.split_once(':').and_then(|(hour, minute)| Some((two(hour)?, two(minute)?))) {
            Some((hour @ 0..=23, minute @ 0..=59)) => Ok(Self(u16::try_from(hour * 60 + minute).unwrap_or_default())),
            _ => Err(not(text, "a time of day from \"00:00\" to \"23:59\"")),
        }
    }
}

/// The path of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AbsolutePath(pub PathBuf);

impl Text for AbsolutePath {
    const EXPECTED: &'static str = "an absolute path";

    fn read(text: &str) -> Result<Self, String> {
        let plain = !text.contains(char::is_control) && !text.ends_with('/');
        if text.starts_with('/') && plain { Ok(Self(text.into())) } else { Err(not(text, Self::EXPECTED)) }
    }
}

/// A word of a command of the administrator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlainWord(pub String);

impl Text for PlainWord {
    const EXPECTED: &'static str = "a string";

    fn read(text: &str) -> Result<Self, String> {
        if text.contains(char::is_control) {
            return Err("a word of a command has no control characters".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count<const LEAST: u32, const MOST: u32 = { u32::MAX }>(pub u32);

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Count<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(CountVisitor)
    }
}

struct CountVisitor<const LEAST: u32, const MOST: u32>;

impl<const LEAST: u32, const MOST: u32> Visitor<'_> for CountVisitor<LEAST, MOST> {
    type Value = Count<LEAST, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {LEAST} to {MOST}")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let number = u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        self.visit_u32(number)
    }

    fn visit_u32<E: Error>(self, number: u32) -> Result<Self::Value, E> {
        if !(LEAST..=MOST).contains(&number) {
            return Err(E::invalid_value(Unexpected::Unsigned(number.into()), &self));
        }
        Ok(Count(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Err(E::invalid_value(Unexpected::Unsigned(number), &self)) // more than i64 holds
    }
}

/// A moment: TOML's date-time with an offset (RFC 3339).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// As it was written.
    pub written: Datetime,
    /// What it means; never before 1970.
    pub at: SystemTime,
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Datetime::deserialize(deserializer)?;
        let seconds = seconds_since_1970(&written)
            .ok_or_else(|| D::Error::custom("a time without an offset: write 2027-01-01T00:00:00Z"))?;
        let seconds = u64::try_from(seconds).map_err(|_| D::Error::custom("a time before 1970"))?;
        Ok(Self { written, at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) })
    }
}

/// What a date-time of TOML means; none without a date, a time or an offset. Fractions of a second are dropped.
pub fn seconds_since_1970(moment: &Datetime) -> Option<i64> {
    let (date, time) = (moment.date?, moment.time?);
    let offset = match moment.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    // The year begins in March, so that the day that leap years add comes last.
    let (year, month) =
        if date.month > 2 { (date.year, date.month - 3) } else { (date.year.checked_sub(1)?, date.month + 9) };
    let (year, month) = (i64::from(year), i64::from(month));
    let day_of_year = (153 * month + 2) / 5 + i64::from(date.day) - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    let minutes = (days * 24 + i64::from(time.hour)) * 60 + i64::from(time.minute) - offset;
    Some(minutes * 60 + i64::from(time.second.unwrap_or_default()))
}

/// Says that a text has not the form that it should have.
pub(super) fn not(text: &str, expected: &str) -> String {
    format!("\"{}\" is not {expected}", text.escape_debug())
}

/// Splits a number from its unit.
fn number(text: &str) -> Option<(u64, &str)> {
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    Some((digits(text.strip_suffix(unit)?)?, unit))
}

fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_whatever_their_unit_is_called() {
        let cases = [
            ("1048576", 1 << 20),
            ("1048576B", 1 << 20),
            ("1024K", 1 << 20),
            ("2048kb", 1 << 21),
            ("1024KiB", 1 << 20),
            ("50M", 50 << 20),
            ("512MiB", 512 << 20),
            ("1GiB", 1 << 30),
            ("1g", 1 << 30),
            ("2TiB", 2 << 40),
        ];
        for (text, bytes) in cases {
            assert_eq!(Size::read(text), Ok(Size(bytes)), "{text}");
        }
        for text in
            ["", "G", "1.5G", "-1G", "+1G", "1 GiB", "1X", "1GiBs", "0", "1K", "9999999999T", "99999999999999999999"]
        {
            assert!(Size::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_one_number_and_one_unit() {
        for (text, seconds) in [("0s", 0), ("30s", 30), ("30m", 1800), ("1h", 3600), ("7d", 604_800), ("2w", 1_209_600)]
        {
            assert_eq!(Age::read(text), Ok(Age(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["", "7", "d", "7 d", "1h30m", "7D", "-1d", "1.5d", "1y", "36501d", "99999999999999999w"] {
            assert!(Age::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_of_day_go_from_midnight_to_a_minute_before() {
        for (text, minutes) in [("00:00", 0), ("05:30", 330), ("23:59", 1439)] {
            assert_eq!(TimeOfDay::read(text), Ok(TimeOfDay(minutes)), "{text}");
        }
        for text in ["", "24:00", "05:60", "5:30", "05:3", "0530", "05:30:00", "+5:30", "05:30 "] {
            assert!(TimeOfDay::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_seconds_since_1970_whatever_their_offset() {
        // date -u -d TEXT +%s
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2027-01-01T00:00:00Z", Some(1_798_761_600)),
            ("2027-01-01T02:00:00+02:00", Some(1_798_761_600)),
            ("2026-12-31T19:30:00-04:30", Some(1_798_761_600)),
            ("2000-02-29T12:34:56Z", Some(951_827_696)),
            ("2100-03-01T00:00:00Z", Some(4_107_542_400)),
            ("1969-12-31T23:59:59Z", Some(-1)),
            ("2027-01-01T00:00:00", None),
            ("2027-01-01", None),
            ("00:00:00", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(seconds_since_1970(&text.parse().unwrap()), seconds, "{text}");
        }
    }

    #[test]
    fn programs_are_named_by_absolute_paths() {
        assert!(AbsolutePath::read("/usr/sbin/zfs").is_ok());
        for text in ["", "zfs", "./zfs", "/usr/sbin/", "/a\nb", "/a\0"] {
            assert!(AbsolutePath::read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn each_value_of_a_closed_list_reads_back_from_its_name() {
        fn check<T: Choice + PartialEq>() {
            for (name, value) in T::ALL {
                assert_eq!(value.name(), *name);
                assert!(T::read(name).is_ok_and(|read| read == *value));
            }
        }
        check::<Role>();
        check::<Scope>();
        check::<Raw>();
        check::<Kept>();
        check::<Force>();
        check::<Rollback>();
        check::<StreamProperties>();
        check::<RawStream>();
        check::<Privilege>();
        check::<Completion>();
        check::<IoClass>();
        check::<Operation>();
        check::<Filter>();
        assert!(Operation::ALL.iter().all(|operation| Choice::name(*operation) == operation.name()));
        assert_eq!(<Operation as Choice>::ALL.len(), Operation::ALL.len());
    }
}
