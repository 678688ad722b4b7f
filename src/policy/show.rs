//! Every effective value of a policy with where it comes from: what `zfs-shell-policy show` prints.
#![forbid(unsafe_code)]

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::form::{Choice, Filter, Moment, Size};
use super::key::{Account, Expiry, HostPattern, PublicKey};
use super::{Allow, DatasetPattern, FixedExec, Floor, Names, Operation, TimeOfDay};
use crate::command::property::{Property, Setting};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    BuiltIn,
    /// The grant's role says so.
    Role,
    /// The file says so.
    Written,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BuiltIn => "built in",
            Self::Role => "role",
            Self::Written => "written",
        })
    }
}

/// One effective value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where it stands, grants and rules counted from 1: `grant.1.destroy.2.keep`, `filters.memory`.
    pub path: String,
    /// As TOML would have it.
    pub value: String,
    /// Who says so.
    pub origin: Origin,
}

/// The values noted so far.
#[derive(Default)]
pub(super) struct Trace {
    /// What paths begin with: empty, or with a dot at its end.
    pub place: String,
    /// In the order of the contract.
    pub shown: Vec<Shown>,
}

impl Trace {
    /// Notes a value that this layer gives, or, without an origin, one that it leaves as a lower layer has it.
    pub fn note(&mut self, key: &str, value: &impl InToml, origin: Option<Origin>) {
        let path = format!("{}{key}", self.place);
        match (self.shown.iter_mut().find(|shown| shown.path == path), origin) {
            (Some(shown), Some(origin)) => (shown.value, shown.origin) = (value.in_toml(), origin),
            (Some(_), None) => {}
            (None, origin) => {
                let origin = origin.unwrap_or(Origin::BuiltIn);
                self.shown.push(Shown { path, value: value.in_toml(), origin });
            }
        }
    }

    /// Forgets what was noted below a key of this place.
    pub fn forget(&mut self, key: &str) {
        let place = format!("{}{key}.", self.place);
        self.shown.retain(|shown| !shown.path.starts_with(&place));
    }
}

/// A value as TOML writes it.
pub(super) trait InToml {
    fn in_toml(&self) -> String;
}

/// Values of the policy hold no control character, so quotes and backslashes are all that needs an escape.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn list<'v>(texts: impl IntoIterator<Item = &'v str>) -> String {
    format!("[{}]", texts.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
}

impl<T: Choice + PartialEq> InToml for T {
    fn in_toml(&self) -> String {
        quoted(self.name())
    }
}

impl InToml for bool {
    fn in_toml(&self) -> String {
        self.to_string()
    }
}

impl InToml for u32 {
    fn in_toml(&self) -> String {
        self.to_string()
    }
}

impl InToml for Allow {
    fn in_toml(&self) -> String {
        let allowed = <Operation as Choice>::ALL.iter().filter(|(_, operation)| self.has(*operation));
        list(allowed.map(|(name, _)| *name))
    }
}

impl InToml for Names {
    fn in_toml(&self) -> String {
        list(self.iter())
    }
}

impl InToml for Vec<DatasetPattern> {
    fn in_toml(&self) -> String {
        list(self.iter().map(DatasetPattern::as_str))
    }
}

impl InToml for Vec<Filter> {
    fn in_toml(&self) -> String {
        list(self.iter().map(|filter| filter.name()))
    }
}

impl InToml for FixedExec {
    fn in_toml(&self) -> String {
        list(self.words().iter().map(String::as_str))
    }
}

impl InToml for Vec<String> {
    fn in_toml(&self) -> String {
        list(self.iter().map(String::as_str))
    }
}

impl InToml for Vec<Property> {
    fn in_toml(&self) -> String {
        list(self.iter().map(ToString::to_string).collect::<Vec<_>>().iter().map(String::as_str))
    }
}

impl InToml for Vec<Setting> {
    fn in_toml(&self) -> String {
        let entry = |setting: &Setting| format!("{} = {}", key(&setting.property), quoted(setting.value()));
        match self.iter().map(entry).collect::<Vec<_>>().join(", ").as_str() {
            "" => "{}".to_owned(),
            entries => format!("{{ {entries} }}"),
        }
    }
}

/// User properties have characters in them that a bare key can't have.
fn key(property: &Property) -> String {
    match property {
        Property::Native(name) => (*name).to_owned(),
        other => quoted(&other.to_string()),
    }
}

impl InToml for Floor {
    fn in_toml(&self) -> String {
        format!("{{ daily = {}, weekly = {}, monthly = {} }}", self.daily, self.weekly, self.monthly)
    }
}

impl InToml for PathBuf {
    fn in_toml(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

impl InToml for Moment {
    fn in_toml(&self) -> String {
        self.written.to_string()
    }
}

impl InToml for Account {
    fn in_toml(&self) -> String {
        quoted(self.as_str())
    }
}

impl InToml for Vec<PublicKey> {
    fn in_toml(&self) -> String {
        list(self.iter().map(ToString::to_string).collect::<Vec<_>>().iter().map(String::as_str))
    }
}

impl InToml for Vec<HostPattern> {
    fn in_toml(&self) -> String {
        list(self.iter().map(HostPattern::as_str))
    }
}

impl InToml for Expiry {
    fn in_toml(&self) -> String {
        self.written().to_string()
    }
}

impl InToml for (TimeOfDay, TimeOfDay) {
    fn in_toml(&self) -> String {
        let clock = |time: TimeOfDay| format!("{:02}:{:02}", time.0 / 60, time.0 % 60);
        list([clock(self.0).as_str(), clock(self.1).as_str()])
    }
}

impl InToml for Duration {
    fn in_toml(&self) -> String {
        in_unit(self.as_secs(), &[(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")])
    }
}

impl InToml for Size {
    fn in_toml(&self) -> String {
        in_unit(self.0, &[(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "")])
    }
}

/// In the largest unit that it is a whole number of.
fn in_unit(number: u64, units: &[(u64, &str)]) -> String {
    let whole = units.iter().find(|(size, _)| number >= *size && number.is_multiple_of(*size));
    let (size, unit) = whole.or(units.last()).copied().unwrap_or((1, ""));
    format!("\"{}{unit}\"", number / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_the_largest_unit_that_divides_them() {
        assert_eq!(Duration::from_secs(0).in_toml(), "\"0s\"");
        assert_eq!(Duration::from_secs(604_800).in_toml(), "\"7d\"");
        assert_eq!(Duration::from_secs(90_000).in_toml(), "\"25h\"");
        assert_eq!(Size(1 << 30).in_toml(), "\"1GiB\"");
        assert_eq!(Size(1536 << 20).in_toml(), "\"1536MiB\"");
        assert_eq!(Size((1 << 20) + 1).in_toml(), "\"1048577\"");
    }

    #[test]
    fn texts_are_shown_so_that_toml_reads_them_back() {
        assert_eq!(PathBuf::from("/a\"b\\c").in_toml(), r#""/a\"b\\c""#);
        let settings = ["setuid=off", "a.b:c=x \"y\""].map(|text| {
            let (name, value) = text.split_once('=').unwrap();
            Setting::of(Property::parse(name).unwrap(), value).unwrap()
        });
        assert_eq!(settings.to_vec().in_toml(), r#"{ setuid = "off", "a.b:c" = "x \"y\"" }"#);
        assert_eq!(Vec::<Setting>::new().in_toml(), "{}");
        assert_eq!((TimeOfDay(60), TimeOfDay(1439)).in_toml(), r#"["01:00", "23:59"]"#);
    }
}
