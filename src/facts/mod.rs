//! A host that answers from memory: for tests, for fuzzing, and for the checker on a machine without the pool. What it
//! isn't told is unknown, and unknown is the strictest answer: where a value has a strictest one it is assumed and
//! noted ([`Table::assumed`]), elsewhere the answer is [`HostError::Unknown`], on which nothing is decided but no.
#![forbid(unsafe_code)]

mod toml;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::command::argv::Program;
use crate::command::name::{Dataset, Snapshot, SnapshotName, Tag};
use crate::command::property::Property;
use crate::host::{BookmarkFacts, Executable, Host, HostError, Rights, SnapshotFacts};

pub use toml::FactsError;

/// The host of a facts file.
#[derive(Debug)]
pub struct Table {
    now: SystemTime,
    programs: Option<BTreeSet<Program>>,
    datasets: BTreeMap<Box<str>, Entry>,
    assumed: RefCell<BTreeSet<String>>,
}

/// What is known of one dataset. `None` is unknown.
#[derive(Debug, Default)]
struct Entry {
    below: bool,
    encryption: Option<Box<str>>,
    snapshots: Option<Vec<SnapshotFacts>>,
    holds: BTreeMap<SnapshotName, Vec<Tag>>,
    bookmarks: Option<Vec<BookmarkFacts>>,
    properties: BTreeMap<String, String>,
    rights: Option<BTreeSet<String>>,
}

impl Default for Table {
    fn default() -> Self {
        Self { now: SystemTime::now(), programs: None, datasets: BTreeMap::new(), assumed: RefCell::default() }
    }
}

impl Table {
    /// Reads a facts file.
    pub fn parse(text: &str) -> Result<Self, FactsError> {
        let (programs, datasets) = toml::parse(text)?;
        Ok(Self { programs, datasets, ..Self::default() })
    }

    /// The same host at another time. Without it the clock stands at the moment the table was made, so that all that
    /// is judged by it is judged at one time.
    #[must_use]
    pub fn at(self, now: SystemTime) -> Self {
        Self { now, ..self }
    }

    /// What had to be assumed since the last call, in the order of names.
    pub fn assumed(&self) -> Vec<String> {
        self.assumed.take().into_iter().collect()
    }

    /// The entry that speaks for a dataset: its own, or else the nearest above if that says `below`.
    fn entry(&self, dataset: &Dataset) -> Option<&Entry> {
        if let Some(own) = self.datasets.get(dataset.as_str()) {
            return Some(own);
        }
        let mut name = dataset.as_str();
        while let Some((above, _)) = name.rsplit_once('/') {
            if let Some(entry) = self.datasets.get(above) {
                return entry.below.then_some(entry);
            }
            name = above;
        }
        None
    }

    fn assume(&self, what: String) {
        self.assumed.borrow_mut().insert(what);
    }
}

impl Host for Table {
    fn now(&self) -> SystemTime {
        self.now
    }

    /// Without a list all programs are there.
    fn program(&self, program: Program) -> Option<Executable> {
        if self.programs.as_ref().is_some_and(|installed| !installed.contains(&program)) {
            return None;
        }
        let directory = match program {
            Program::Zfs | Program::Zpool => "/usr/sbin",
            _ => "/usr/bin",
        };
        Executable::at(format!("{directory}/{}", program.name()).into())
    }

    /// Unknown is encrypted: whatever may be sent of an encrypted dataset may be sent of any.
    fn encrypted(&self, dataset: &Dataset) -> Result<Option<bool>, HostError> {
        match self.entry(dataset).and_then(|entry| entry.encryption.as_deref()) {
            Some(encryption) => Ok(Some(encryption != "off")),
            None => {
                self.assume(format!("{dataset} is encrypted"));
                Ok(Some(true))
            }
        }
    }

    fn snapshots(&self, dataset: &Dataset) -> Result<Option<Vec<SnapshotFacts>>, HostError> {
        let known = self.entry(dataset).and_then(|entry| entry.snapshots.clone());
        known.map(Some).ok_or_else(|| HostError::Unknown(format!("the snapshots of {dataset}")))
    }

    fn bookmarks(&self, dataset: &Dataset) -> Result<Option<Vec<BookmarkFacts>>, HostError> {
        let known = self.entry(dataset).and_then(|entry| entry.bookmarks.clone());
        known.map(Some).ok_or_else(|| HostError::Unknown(format!("the bookmarks of {dataset}")))
    }

    /// A snapshot that is listed has the holds that stand there, and no others.
    fn holds(&self, snapshot: &Snapshot) -> Result<Option<Vec<Tag>>, HostError> {
        let entry = self.entry(&snapshot.dataset).filter(|entry| entry.snapshots.is_some());
        let entry = entry.ok_or_else(|| HostError::Unknown(format!("the holds of {snapshot}")))?;
        Ok(entry.holds.get(&snapshot.name).cloned())
    }

    /// Of a dataset that is known, what has an entry below it is all that lies below it.
    fn subtree(&self, dataset: &Dataset) -> Result<Option<Vec<Dataset>>, HostError> {
        if self.entry(dataset).is_none() {
            return Err(HostError::Unknown(format!("what lies below {dataset}")));
        }
        let listed = self.datasets.keys().filter_map(|name| Dataset::parse(name).ok());
        let mut below: Vec<Dataset> = listed.filter(|listed| listed != dataset && listed.is_within(dataset)).collect();
        // As zfs walks: by component, so that `a/b` stands before `a-b`.
        below.sort_by(|a, b| a.components().cmp(b.components()));
        below.insert(0, dataset.clone());
        Ok(Some(below))
    }

    /// Below a dataset that is known, what nothing speaks for isn't there: then what is required of those above it has to
    /// hold.
    fn properties(&self, datasets: &[Dataset], properties: &[Property]) -> Result<Vec<Option<Vec<String>>>, HostError> {
        if let Some(first) = datasets.first()
            && !std::iter::once(first.clone()).chain(first.above()).any(|dataset| self.entry(&dataset).is_some())
        {
            return Err(HostError::Unknown(format!("what there is of {first} and above it")));
        }
        // What lies above one that is known doesn't matter to those who ask.
        let mut nearest_found = false;
        let of = |dataset: &Dataset| {
            let Some(entry) = self.entry(dataset) else {
                if !nearest_found {
                    self.assume(format!("{dataset} is not there"));
                }
                return Ok(None);
            };
            nearest_found = true;
            let value = |property: &Property| {
                let value = entry.properties.get(&property.to_string()).cloned();
                value.ok_or_else(|| HostError::Unknown(format!("the property {property} of {dataset}")))
            };
            properties.iter().map(value).collect::<Result<_, _>>().map(Some)
        };
        datasets.iter().map(of).collect()
    }

    fn rights(&self, dataset: &Dataset) -> Result<Option<Rights>, HostError> {
        let rights = self.entry(dataset).and_then(|entry| entry.rights.clone());
        rights
            .map(|rights| Some(Rights::These(rights)))
            .ok_or_else(|| HostError::Unknown(format!("the rights on {dataset}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: &str = r#"
        [[dataset]]
        name = "tank/data"
        below = true
        type = "filesystem"
        encryption = "off"
        properties = { mountpoint = "none", quota = 1099511627776 }
        rights = ["receive"]
        snapshots = [
            { name = "b", creation = 2026-11-02T00:00:00Z, createtxg = 11, guid = 2 },
            { name = "a", creation = 2026-11-01T00:00:00Z, createtxg = 10, guid = 1, holds = ["syncoid_nas"] },
        ]

        [[dataset]]
        name = "tank/data-2"
        [[dataset]]
        name = "tank/data/enc"
        encryption = "aes-256-gcm"
        [[dataset]]
        name = "tank/data/enc/x"
    "#;

    fn table() -> Table {
        Table::parse(FACTS).unwrap()
    }

    fn dataset(text: &str) -> Dataset {
        Dataset::parse(text).unwrap()
    }

    #[test]
    fn an_entry_speaks_for_what_lies_below_until_a_nearer_one_does() {
        let table = table();
        assert_eq!(table.encrypted(&dataset("tank/data/a/b")), Ok(Some(false)));
        assert_eq!(table.encrypted(&dataset("tank/data/enc")), Ok(Some(true)));
        assert_eq!(table.assumed(), Vec::<String>::new());
        let quota = [Property::parse("quota").unwrap()];
        let properties = |name| table.properties(&[dataset(name)], &quota);
        assert_eq!(properties("tank/data/a"), Ok(vec![Some(vec!["1099511627776".to_owned()])]));
        assert_eq!(properties("tank/data/enc/y"), Ok(vec![None]));
        assert_eq!(table.assumed(), ["tank/data/enc/y is not there"]);
        assert_eq!(properties("tank/x"), Err(HostError::Unknown("what there is of tank/x and above it".into())));
        assert_eq!(properties("tank/data/enc"), Err(HostError::Unknown("the property quota of tank/data/enc".into())));
        let rights = table.rights(&dataset("tank/data")).unwrap().unwrap();
        assert!(rights.has("receive") && !rights.has("destroy"));
        assert_eq!(
            table.rights(&dataset("tank/data/enc")),
            Err(HostError::Unknown("the rights on tank/data/enc".into()))
        );
    }

    #[test]
    fn a_dataset_that_nothing_speaks_for_is_encrypted_and_that_is_noted_once() {
        let table = table();
        for name in ["tank/other", "tank/data/enc/y", "tank/database", "tank/other"] {
            assert_eq!(table.encrypted(&dataset(name)), Ok(Some(true)), "{name}");
        }
        let noted = ["tank/data/enc/y is encrypted", "tank/database is encrypted", "tank/other is encrypted"];
        assert_eq!(table.assumed(), noted);
        assert_eq!(table.assumed(), Vec::<String>::new());
    }

    #[test]
    fn snapshots_come_in_the_order_of_arrival_with_their_holds_counted() {
        let snapshots = table().snapshots(&dataset("tank/data/a")).unwrap().unwrap();
        let names: Vec<_> = snapshots.iter().map(|snapshot| (snapshot.name.as_str(), snapshot.userrefs)).collect();
        assert_eq!(names, [("a", 1), ("b", 0)]);
        assert_eq!(snapshots[0].creation, 1_793_491_200);
    }

    #[test]
    fn holds_of_a_listed_snapshot_are_known_and_an_unlisted_one_is_not_there() {
        let held = |text| table().holds(&Snapshot::parse(text).unwrap());
        assert_eq!(held("tank/data@a"), Ok(Some(vec![Tag::parse("syncoid_nas").unwrap()])));
        assert_eq!(held("tank/data@b"), Ok(Some(Vec::new())));
        assert_eq!(held("tank/data@c"), Ok(None));
        assert_eq!(held("tank/data/enc@a"), Err(HostError::Unknown("the holds of tank/data/enc@a".into())));
    }

    #[test]
    fn what_has_no_strictest_value_is_unknown() {
        let table = table();
        assert!(matches!(table.snapshots(&dataset("tank/data/enc")), Err(HostError::Unknown(_))));
        assert!(matches!(table.bookmarks(&dataset("tank/data")), Err(HostError::Unknown(_))));
        assert!(matches!(table.subtree(&dataset("tank")), Err(HostError::Unknown(_))));
    }

    #[test]
    fn a_subtree_is_what_has_an_entry_in_the_order_of_zfs() {
        let names = |text| -> Vec<String> {
            table().subtree(&dataset(text)).unwrap().unwrap().iter().map(ToString::to_string).collect()
        };
        assert_eq!(names("tank/data"), ["tank/data", "tank/data/enc", "tank/data/enc/x"]);
        assert_eq!(names("tank/data/a"), ["tank/data/a"]);
    }

    #[test]
    fn programs_are_all_there_unless_a_list_says_otherwise() {
        let path = |table: &Table, program| table.program(program).map(|executable| executable.to_string());
        assert_eq!(path(&table(), Program::Zfs).as_deref(), Some("/usr/sbin/zfs"));
        let listed = Table::parse("programs = ['zfs', 'lzop']").unwrap();
        assert_eq!(path(&listed, Program::Lzop).as_deref(), Some("/usr/bin/lzop"));
        assert_eq!(path(&listed, Program::Mbuffer), None);
    }
}
