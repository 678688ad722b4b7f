//! The host as it is now: asks zfs, without rights, what anybody may ask it.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use super::rights::{self, Account};
use super::{BookmarkFacts, Executable, Given, Host, HostError, Rights, SnapshotFacts};
use crate::command::DIRECTORIES;
use crate::command::argv::{Argv, Program};
use crate::command::name::{Dataset, Guid, Named, Snapshot, SnapshotName, Tag};
use crate::command::property::{Properties, Property};
use crate::command::zfs::get::{Field, Fields, Get};
use crate::command::zfs::hold::Holds;
use crate::command::zfs::list::{List, Order};
use crate::command::zfs::selection::{Reach, Types};
use crate::policy::Policy;
use crate::run;

/// This host.
pub struct Live<'p> {
    policy: &'p Policy,
}

impl<'p> Live<'p> {
    /// This host, with the programs that the policy names.
    pub fn new(policy: &'p Policy) -> Self {
        Self { policy }
    }

    /// What `zfs allow` gives an account by name; `None` where the dataset isn't there.
    pub fn rights_of(&self, account: &str, dataset: &Dataset) -> Result<Option<Given>, HostError> {
        let account = Account::named(account)?;
        let table = self.zfs(&rights::question(dataset))?;
        table.map(|table| rights::given(&table, &account, dataset)).transpose()
    }

    /// What zfs prints; `None` where it says that the dataset isn't there.
    fn zfs(&self, argv: &Argv) -> Result<Option<String>, HostError> {
        let program = self.program(argv.program()).ok_or(HostError::Missing(argv.program()))?;
        let asked = run::ask(&program, argv).map_err(|error| HostError::Failed(error.to_string()))?;
        let told = String::from_utf8_lossy(&asked.stderr);
        if asked.status == 0 {
            return String::from_utf8(asked.stdout)
                .map(Some)
                .map_err(|_| HostError::Failed("zfs: not UTF-8".to_owned()));
        }
        // libzfs words it so for every type of dataset (EZFS_NOENT in libzfs_util.c).
        if told.lines().any(|line| line.ends_with(": dataset does not exist")) {
            return Ok(None);
        }
        Err(HostError::Failed(format!("zfs ended with {}: {}", asked.status, told.trim())))
    }

    /// What zfs prints of those operands that are there.
    fn zfs_partial(&self, argv: &Argv) -> Result<String, HostError> {
        let program = self.program(argv.program()).ok_or(HostError::Missing(argv.program()))?;
        let asked = run::ask(&program, argv).map_err(|error| HostError::Failed(error.to_string()))?;
        let told = String::from_utf8_lossy(&asked.stderr);
        // One that was killed says nothing either, and has another status.
        let is_missing = |line: &str| line.ends_with(": dataset does not exist");
        let only_missing = asked.status == 1 && !told.is_empty() && told.lines().all(is_missing);
        if asked.status != 0 && !only_missing {
            return Err(HostError::Failed(format!("zfs ended with {}: {}", asked.status, told.trim())));
        }
        String::from_utf8(asked.stdout).map_err(|_| HostError::Failed("zfs: not UTF-8".to_owned()))
    }

    fn list(
        &self,
        dataset: &Dataset,
        reach: Reach,
        types: Types,
        columns: &[&'static str],
    ) -> Result<Option<String>, HostError> {
        let list = List {
            scripted: true,
            exact: true,
            reach,
            columns: Some(Properties::of(columns.iter().copied().map(Property::Native))),
            sort: vec![(Order::Ascending, Property::Native("createtxg"))],
            types: Some(types),
            operands: vec![Named::Dataset(dataset.clone())],
            unless: None,
        };
        self.zfs(&list.render())
    }
}

impl Host for Live<'_> {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn program(&self, program: Program) -> Option<Executable> {
        if let Some(path) = self.policy.program(program) {
            return is_executable(path).then(|| Executable(path.clone()));
        }
        let paths = DIRECTORIES.iter().map(|directory| PathBuf::from(*directory).join(program.name()));
        paths.into_iter().find(|path| is_executable(path)).map(Executable)
    }

    fn encrypted(&self, dataset: &Dataset) -> Result<Option<bool>, HostError> {
        let get = Get {
            scripted: true,
            exact: true,
            reach: Reach::Own,
            fields: Some(Fields(vec![Field::Value])),
            sources: None,
            types: None,
            properties: Some(Properties::of([Property::Native("encryption")])),
            operands: vec![Named::Dataset(dataset.clone())],
        };
        Ok(self.zfs(&get.render())?.map(|value| value.trim_end() != "off"))
    }

    fn snapshots(&self, dataset: &Dataset) -> Result<Option<Vec<SnapshotFacts>>, HostError> {
        let types = Types { snapshot: true, ..Types::default() };
        let columns = ["name", "guid", "createtxg", "creation", "userrefs", "clones"];
        let Some(table) = self.list(dataset, Reach::Depth(1), types, &columns)? else { return Ok(None) };
        let facts = |row: &str| {
            let mut fields = row.splitn(columns.len(), '\t');
            Some(SnapshotFacts {
                name: own(dataset, fields.next()?, '@')?,
                guid: Guid(number(fields.next()?)?),
                createtxg: number(fields.next()?)?,
                creation: number(fields.next()?)?,
                userrefs: number(fields.next()?)?,
                clones: !matches!(fields.next()?, "" | "-"),
            })
        };
        rows(&table, facts).map(Some)
    }

    fn bookmarks(&self, dataset: &Dataset) -> Result<Option<Vec<BookmarkFacts>>, HostError> {
        let types = Types { bookmark: true, ..Types::default() };
        let Some(table) = self.list(dataset, Reach::Depth(1), types, &["name", "guid"])? else { return Ok(None) };
        let facts = |row: &str| {
            let (name, guid) = row.split_once('\t')?;
            Some(BookmarkFacts { name: own(dataset, name, '#')?, guid: Guid(number(guid)?) })
        };
        rows(&table, facts).map(Some)
    }

    fn holds(&self, snapshot: &Snapshot) -> Result<Option<Vec<Tag>>, HostError> {
        let holds = Holds { recursive: false, scripted: true, exact: false, snapshots: vec![snapshot.clone()] };
        let Some(table) = self.zfs(&holds.render())? else { return Ok(None) };
        // Tags that are no names here (an administrator's "do not delete!") can't be among those that a grant counts.
        let tag = |row: &str| row.split('\t').nth(1).and_then(|tag| Tag::parse(tag).ok());
        Ok(Some(table.lines().filter_map(tag).collect()))
    }

    fn subtree(&self, dataset: &Dataset) -> Result<Option<Vec<Dataset>>, HostError> {
        let types = Types { filesystem: true, volume: true, ..Types::default() };
        let Some(table) = self.list(dataset, Reach::All, types, &["name"])? else { return Ok(None) };
        rows(&table, |row| Dataset::parse(row).ok()).map(Some)
    }

    /// zfs prints what it finds of those that are there, and ends with 1 for the others.
    fn properties(&self, datasets: &[Dataset], properties: &[Property]) -> Result<Vec<Option<Vec<String>>>, HostError> {
        let get = Get {
            scripted: true,
            exact: true,
            reach: Reach::Own,
            fields: Some(Fields(vec![Field::Name, Field::Property, Field::Value])),
            sources: None,
            types: Some(Types { filesystem: true, volume: true, ..Types::default() }),
            properties: Some(Properties::of(properties.iter().cloned())),
            operands: datasets.iter().cloned().map(Named::Dataset).collect(),
        };
        let table = self.zfs_partial(&get.render())?;
        values(&table, datasets, properties)
    }

    /// Asks of the dataset, or of the nearest above it that is there.
    fn rights(&self, dataset: &Dataset) -> Result<Option<Rights>, HostError> {
        let account = Account::own()?;
        for asked in std::iter::once(dataset.clone()).chain(dataset.above()) {
            if let Some(table) = self.zfs(&rights::question(&asked))? {
                return rights::read(&table, &account, dataset, asked == *dataset).map(Some);
            }
        }
        Ok(None)
    }
}

/// Whether it is a file that somebody may execute. Who may have written it is up to the directories it is in.
pub fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Rows as facts; one that doesn't read as such makes the whole answer doubtful.
fn rows<T>(table: &str, facts: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, HostError> {
    let doubt = || HostError::Failed("zfs printed a row that is not understood".to_owned());
    table.lines().map(|row| facts(row).ok_or_else(doubt)).collect()
}

/// Rows of name, property and value as the values of each dataset: all that was asked of one, or it isn't there. A row
/// that wasn't asked for, or a second one, makes the whole answer doubtful: values can hold line breaks.
fn values(table: &str, datasets: &[Dataset], properties: &[Property]) -> Result<Vec<Option<Vec<String>>>, HostError> {
    let doubt = || HostError::Failed("zfs printed a row that is not understood".to_owned());
    let mut left: BTreeMap<(String, String), &str> = BTreeMap::new();
    for row in table.lines() {
        let mut fields = row.splitn(3, '\t');
        let mut next = || fields.next().ok_or_else(doubt);
        let (name, property, value) = (next()?.to_owned(), next()?.to_owned(), next()?);
        if left.insert((name, property), value).is_some() {
            return Err(doubt());
        }
    }
    let mut of = |dataset: &Dataset| {
        let key = |property: &Property| (dataset.to_string(), property.to_string());
        let values: Vec<String> =
            properties.iter().filter_map(|property| left.remove(&key(property))).map(str::to_owned).collect();
        match values.len() {
            0 => Ok(None),
            count if count == properties.len() => Ok(Some(values)),
            _ => Err(doubt()),
        }
    };
    let values = datasets.iter().map(&mut of).collect();
    if left.is_empty() { values } else { Err(doubt()) }
}

/// The part behind the dataset and the delimiter.
fn own(dataset: &Dataset, name: &str, delimiter: char) -> Option<SnapshotName> {
    SnapshotName::parse(name.strip_prefix(dataset.as_str())?.strip_prefix(delimiter)?).ok()
}

fn number<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok()
}
