//! The facts file as it is written: TOML, one `[[dataset]]` for each dataset. Its errors have a place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use thiserror::Error;
use toml::Spanned;
use toml::value::Datetime;

use super::Entry;
use crate::command::argv::Program;
use crate::command::name::{Dataset, Guid, SnapshotName, Tag};
use crate::host::{BookmarkFacts, SnapshotFacts};
use crate::policy::seconds_since_1970;

/// What is wrong with a facts file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct FactsError {
    /// What is wrong.
    pub message: String,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    programs: Option<Vec<Of<Program>>>,
    #[serde(default)]
    dataset: Vec<DatasetTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatasetTable {
    name: Spanned<Of<Dataset>>,
    #[serde(default)]
    below: bool,
    #[serde(rename = "type")]
    kind: Option<Kind>,
    encryption: Option<Box<str>>,
    #[serde(default)]
    properties: BTreeMap<String, Of<Value>>,
    rights: Option<BTreeSet<String>>,
    snapshots: Option<Vec<SnapshotTable>>,
    bookmarks: Option<Vec<BookmarkTable>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Filesystem,
    Volume,
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Filesystem => "filesystem",
            Self::Volume => "volume",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotTable {
    name: Spanned<Of<SnapshotName>>,
    creation: Of<Seconds>,
    createtxg: u64,
    guid: u64,
    #[serde(default)]
    holds: Vec<Of<Tag>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookmarkTable {
    name: Of<SnapshotName>,
    guid: u64,
}

/// A value that a reader of ours makes; its error gets the place from the TOML reader.
struct Of<T>(T);

trait Read: Sized {
    type Written: for<'de> Deserialize<'de>;
    fn read(written: Self::Written) -> Result<Self, String>;
}

struct Seconds(u64);
struct Value(String);

/// The programs that are installed, if the file says so, and the datasets by name.
pub(super) type Facts = (Option<BTreeSet<Program>>, BTreeMap<Box<str>, Entry>);

pub(super) fn parse(text: &str) -> Result<Facts, FactsError> {
    let file: File = toml::from_str(text)
        .map_err(|error| FactsError { message: error.message().to_owned(), span: error.span().unwrap_or_default() })?;
    let mut datasets = BTreeMap::new();
    for table in file.dataset {
        let span = table.name.span();
        let name: Box<str> = table.name.get_ref().0.as_str().into();
        let entry = entry(table)?;
        if datasets.insert(name, entry).is_some() {
            return Err(FactsError { message: "a second entry for this dataset".to_owned(), span });
        }
    }
    Ok((file.programs.map(|programs| programs.into_iter().map(|Of(program)| program).collect()), datasets))
}

fn entry(table: DatasetTable) -> Result<Entry, FactsError> {
    let mut holds = BTreeMap::new();
    let mut census = Vec::new();
    for snapshot in table.snapshots.iter().flatten() {
        let Of(name) = snapshot.name.get_ref();
        let tags: Vec<Tag> = snapshot.holds.iter().map(|Of(tag)| tag.clone()).collect();
        census.push(SnapshotFacts {
            name: name.clone(),
            guid: Guid(snapshot.guid),
            createtxg: snapshot.createtxg,
            creation: snapshot.creation.0.0,
            userrefs: tags.len() as u64,
            clones: false,
        });
        if holds.insert(name.clone(), tags).is_some() {
            let message = "a second snapshot of this name".to_owned();
            return Err(FactsError { message, span: snapshot.name.span() });
        }
    }
    census.sort_by_key(|snapshot| snapshot.createtxg);
    // What has a key of its own here is a property like any other to those who ask for properties.
    let kind = table.kind.map(|kind| ("type".to_owned(), kind.name().to_owned()));
    let encryption = table.encryption.as_deref().map(|value| ("encryption".to_owned(), value.to_owned()));
    let properties = table.properties.into_iter().map(|(name, Of(Value(value)))| (name, value));
    let bookmark = |BookmarkTable { name: Of(name), guid }| BookmarkFacts { name, guid: Guid(guid) };
    Ok(Entry {
        below: table.below,
        encryption: table.encryption,
        snapshots: table.snapshots.is_some().then_some(census),
        holds,
        bookmarks: table.bookmarks.map(|bookmarks| bookmarks.into_iter().map(bookmark).collect()),
        properties: properties.chain(kind).chain(encryption).collect(),
        rights: table.rights,
    })
}

impl<'de, T: Read> Deserialize<'de> for Of<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(T::Written::deserialize(deserializer)?).map(Of).map_err(D::Error::custom)
    }
}

impl Read for Program {
    type Written = String;
    fn read(written: String) -> Result<Self, String> {
        Self::named(&written).ok_or_else(|| format!("'{written}' is no program that is known"))
    }
}

impl Read for Dataset {
    type Written = String;
    fn read(written: String) -> Result<Self, String> {
        Self::parse(&written).map_err(about(&written))
    }
}

impl Read for SnapshotName {
    type Written = String;
    fn read(written: String) -> Result<Self, String> {
        Self::parse(&written).map_err(about(&written))
    }
}

impl Read for Tag {
    type Written = String;
    fn read(written: String) -> Result<Self, String> {
        Self::parse(&written).map_err(about(&written))
    }
}

impl Read for Seconds {
    type Written = Datetime;
    fn read(written: Datetime) -> Result<Self, String> {
        let seconds = seconds_since_1970(&written).and_then(|seconds| u64::try_from(seconds).ok());
        seconds.map(Self).ok_or_else(|| format!("'{written}' is no full time since 1970 with its offset"))
    }
}

impl Read for Value {
    type Written = toml::Value;
    fn read(written: toml::Value) -> Result<Self, String> {
        match written {
            toml::Value::String(text) => Ok(Self(text)),
            toml::Value::Integer(number) => Ok(Self(number.to_string())),
            _ => Err("a property is a text or a whole number".to_owned()),
        }
    }
}

fn about<E: Display>(written: &str) -> impl Fn(E) -> String {
    move |error| format!("'{written}': {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message and the text that it points at.
    fn error(text: &str) -> (String, &str) {
        let error = parse(text).unwrap_err();
        (error.message, text.get(error.span).unwrap())
    }

    #[test]
    fn errors_point_at_what_is_wrong() {
        let (message, at) = error("[[dataset]]\nname = 'tank/a'\nnmae = 1\n");
        assert!(message.starts_with("unknown field `nmae`"), "{message}");
        assert_eq!(at, "nmae");
        assert_eq!(error("[[dataset]]\nname = '/tank'\n"), ("'/tank': leading slash in name".to_owned(), "'/tank'"));
        assert_eq!(error("programs = ['zfs', 'ls']"), ("'ls' is no program that is known".to_owned(), "['zfs', 'ls']"));
        let (message, at) = error("[[dataset]]\nname = 't'\n[[dataset]]\nname = \"t\"\n");
        assert_eq!((message.as_str(), at), ("a second entry for this dataset", "\"t\""));
        let (_, at) = error("[[dataset]]\nname = 't'\nproperties = { quota = true }");
        assert_eq!(at, "true");
        let (_, at) = error("[[dataset]]\nname = 't'\nsnapshots = [{ name = 'a' }]");
        assert_eq!(at, "{ name = 'a' }");
    }

    #[test]
    fn a_time_is_counted_in_seconds_since_1970_utc() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2026-11-01T02:00:00+02:00", Some(1_793_491_200)),
            ("2038-01-19T03:14:08Z", Some(2_147_483_648)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-11-01T00:00:00", None),
            ("2026-11-01", None),
        ];
        for (text, expected) in cases {
            let read = Seconds::read(text.parse().unwrap()).ok();
            assert_eq!(read.map(|Seconds(seconds)| seconds), expected, "{text}");
        }
    }
}
