//! The file as an administrator writes it: every key may be missing, nothing means anything yet. A role is written in
//! the same types ([`super::role`]).
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use ::toml::Spanned;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::form::{AbsolutePath, Age, Count, Filter, Moment, PlainWord, ProgramName, RawStream, Size};
use super::key::{Account, Expiry, Hosts, PublicKey};
use super::property::{PropertyName, Settings};
use super::{
    Completion, FixedExec, Force, IoClass, Kept, Operation, Privilege, Raw, Role, Rollback, Scope, StreamProperties,
    TimeOfDay,
};
use crate::command::argv::Program;

/// The whole of it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File<'t> {
    #[serde(borrow)]
    pub grant: Vec<Spanned<Table<Grant<'t>>>>,
    pub filters: Table<Filters>,
    pub privilege: Table<PrivilegeTable>,
    pub programs: Programs,
    pub log: Table<Log>,
    pub reply: Table<Reply>,
    pub sandbox: Table<Sandbox>,
    pub session: Table<Session>,
    pub command: Vec<Spanned<Table<FixedCommand>>>,
    pub hooks: Table<Hooks>,
    pub key: Table<Key>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Grant<'t> {
    pub role: Option<Role>,
    #[serde(borrow)]
    pub datasets: Option<NotEmpty<'t>>,
    #[serde(borrow)]
    pub except: Option<Patterns<'t>>,
    pub scope: Option<Scope>,
    pub allow: Option<Vec<Operation>>,
    pub until: Option<Moment>,
    pub between: Option<Between>,
    pub send: Option<Table<Send>>,
    #[serde(borrow)]
    pub snapshot: Option<Table<Snapshot<'t>>>,
    #[serde(borrow)]
    pub bookmark: Option<Table<Bookmark<'t>>>,
    #[serde(borrow)]
    pub hold: Option<Table<Hold<'t>>>,
    #[serde(borrow)]
    pub destroy: Option<Vec<Table<Destroy<'t>>>>,
    #[serde(borrow)]
    pub set: Option<Table<Set<'t>>>,
    #[serde(borrow)]
    pub receive: Option<Table<Receive<'t>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Send {
    pub raw: Option<Raw>,
    pub replicate: Option<bool>,
    pub properties: Option<bool>,
    pub resume: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Snapshot<'t> {
    #[serde(borrow)]
    pub names: Option<Patterns<'t>>,
    pub recursive: Option<bool>,
    #[serde(borrow)]
    pub properties: Option<Patterns<'t>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Bookmark<'t> {
    #[serde(borrow)]
    pub names: Option<Patterns<'t>>,
    pub max: Option<Count<0>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hold<'t> {
    #[serde(borrow)]
    pub tags: Option<Patterns<'t>>,
    pub max: Option<Count<0>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Destroy<'t> {
    #[serde(borrow)]
    pub names: Option<Patterns<'t>>,
    #[serde(borrow)]
    pub bookmarks: Option<Patterns<'t>>,
    pub min_age: Option<Age>,
    pub keep: Option<Count<1>>,
    pub floor: Option<Table<FloorTable>>,
    pub kept: Option<Kept>,
    pub datasets: Option<bool>,
}

/// What it leaves out is 0: a floor is one key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FloorTable {
    pub daily: Count<0>,
    pub weekly: Count<0>,
    pub monthly: Count<0>,
}

impl Default for FloorTable {
    fn default() -> Self {
        Self { daily: Count(0), weekly: Count(0), monthly: Count(0) }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Set<'t> {
    #[serde(borrow)]
    pub properties: Option<Patterns<'t>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Receive<'t> {
    #[serde(borrow)]
    pub names: Option<Patterns<'t>>,
    pub depth: Option<Count<1>>,
    pub force: Option<Force>,
    pub rollback: Option<Rollback>,
    pub abort: Option<bool>,
    pub mount: Option<bool>,
    pub create: Option<bool>,
    pub require: Option<Settings>,
    pub set: Option<Settings>,
    pub exclude: Option<Vec<Spanned<PropertyName>>>,
    #[serde(borrow)]
    pub client_may_set: Option<Patterns<'t>>,
    pub stream: Option<Table<Stream>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Stream {
    pub raw: Option<RawStream>,
    pub properties: Option<StreamProperties>,
    pub clone: Option<bool>,
    pub future: Option<Age>,
    pub max_bytes: Option<Size>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Filters {
    pub allow: Option<Vec<Filter>>,
    pub memory: Option<Size>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PrivilegeTable {
    pub via: Option<Privilege>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub completion: Option<Completion>,
    pub commands: Option<bool>,
    pub required: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reply {
    pub reasons: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Sandbox {
    pub required: Option<bool>,
    pub zone: Option<Spanned<bool>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Session {
    pub time: Option<Age>,
    pub count: Option<Count<1>>,
    pub rate: Option<Size>,
    pub nice: Option<Count<0, 19>>,
    pub io_class: Option<IoClass>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FixedCommand {
    pub request: Option<Spanned<Vec<Spanned<PlainWord>>>>,
    pub exec: Option<FixedExec>,
    pub original_command: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hooks {
    pub before_snapshot: Option<FixedExec>,
    pub after_snapshot: Option<FixedExec>,
    pub time: Option<Spanned<Age>>,
}

impl<'de> Deserialize<'de> for FixedExec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<PlainWord>::deserialize(deserializer)?;
        Self::new(words.into_iter().map(|word| word.0).collect())
            .ok_or_else(|| D::Error::custom("the first word is the absolute path of a program"))
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Key {
    pub account: Option<Account>,
    pub public: Option<Vec<PublicKey>>,
    pub from: Option<Hosts>,
    pub expires: Option<Expiry>,
}

/// A table, and nothing else: serde would take an array for a struct too, its fields in order.
#[derive(Default)]
pub(super) struct Table<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor(PhantomData))
    }
}

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TableVisitor<T> {
    type Value = Table<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Table)
    }
}

/// A pattern as it stands in the file, `{client}` not filled in; borrowed unless it has an escape.
#[derive(Clone)]
pub(super) struct Pattern<'t>(pub Cow<'t, str>);

/// Several, each with its place.
pub(super) type Patterns<'t> = Vec<Spanned<Pattern<'t>>>;

impl<'de: 't, 't> Deserialize<'de> for Pattern<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(PatternVisitor)
    }
}

struct PatternVisitor;

impl<'de> Visitor<'de> for PatternVisitor {
    type Value = Pattern<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Pattern(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Pattern(Cow::Owned(text.to_owned())))
    }
}

/// Patterns of datasets, of which there must be one: a grant of nothing is a slip.
pub(super) struct NotEmpty<'t>(pub Patterns<'t>);

impl<'de: 't, 't> Deserialize<'de> for NotEmpty<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let patterns = Patterns::deserialize(deserializer)?;
        if patterns.is_empty() { Err(D::Error::custom("`datasets` is empty")) } else { Ok(Self(patterns)) }
    }
}

/// Two times of the day that differ.
#[derive(Clone, Copy)]
pub(super) struct Between(pub TimeOfDay, pub TimeOfDay);

impl<'de> Deserialize<'de> for Between {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [from, to] = <[TimeOfDay; 2]>::deserialize(deserializer)?;
        if from == to { Err(D::Error::custom("the two times are the same")) } else { Ok(Self(from, to)) }
    }
}

/// Programs by name; a key twice is refused by TOML itself.
#[derive(Default)]
pub(super) struct Programs(pub Vec<(Program, PathBuf)>);

impl<'de> Deserialize<'de> for Programs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ProgramsVisitor)
    }
}

struct ProgramsVisitor;

impl<'de> Visitor<'de> for ProgramsVisitor {
    type Value = Programs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut programs = Vec::new();
        while let Some((ProgramName(program), AbsolutePath(path))) = map.next_entry()? {
            programs.push((program, path));
        }
        Ok(Programs(programs))
    }
}
