//! Snapshots that stayed where they were to be destroyed.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// A snapshot that stayed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Stayed {
    pub policy: String,
    pub snapshot: String,
    /// How often it was to be destroyed.
    pub count: u64,
    /// In seconds since 1970.
    pub last: u64,
}

impl Stayed {
    /// What it is a snapshot of.
    pub(super) fn dataset(&self) -> &str {
        self.snapshot.split('@').next().unwrap_or_default()
    }
}

/// All of them, by policy and snapshot.
#[derive(Debug, Default)]
pub(super) struct Kept(BTreeMap<[String; 2], Stayed>);

impl Kept {
    /// It stayed, at this time.
    pub(super) fn add(&mut self, policy: &str, snapshot: &str, at: u64) {
        let stayed = self.0.entry([policy, snapshot].map(str::to_owned)).or_insert_with(|| {
            let [policy, snapshot] = [policy, snapshot].map(str::to_owned);
            Stayed { policy, snapshot, count: 0, last: at }
        });
        stayed.count += 1;
        stayed.last = stayed.last.max(at);
    }

    /// By policy, and by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stayed> {
        self.0.values()
    }

    /// Those of a policy, the latest first.
    pub(super) fn latest(&self, policy: &str) -> Vec<&Stayed> {
        let mut latest: Vec<&Stayed> = self.iter().filter(|stayed| stayed.policy == policy).collect();
        latest.sort_by_key(|stayed| Reverse(stayed.last));
        latest
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
