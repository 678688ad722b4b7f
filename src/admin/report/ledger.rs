//! What the records of a time come to.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::kept::Kept;
use super::refusals::Refusals;
use crate::admin::trace::Record;
use crate::command::zfs::Zfs;
use crate::command::zfs::receive::Receiving;
use crate::command::zfs::send::Stream;
use crate::command::{self, Command};
use crate::{record, syntax};

/// All of it, by what it is about. The keys are a promise: scripts read them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Ledger {
    /// The policies that were called.
    pub policies: BTreeMap<String, Account>,
    /// Streams, by policy, dataset and direction.
    pub flows: Vec<Flow>,
    /// What wasn't done, by policy, word and reason.
    pub refusals: Refusals,
    /// Snapshots that stayed where they were to be destroyed.
    pub kept: Kept,
    /// Streams out whose end is not there yet.
    #[serde(skip)]
    open: BTreeMap<String, Vec<String>>,
}

/// What was asked by a policy.
#[derive(Debug, Default, Serialize)]
pub(super) struct Account {
    /// Requests, by decision.
    pub requests: BTreeMap<String, u64>,
    /// When the last of them came, in seconds since 1970.
    pub last: u64,
    /// What became of them, by day.
    #[serde(skip)]
    pub days: BTreeMap<Day, Asked>,
}

/// A day of UTC, in days since 1970.
pub(super) type Day = u64;

/// What became of the requests of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub done: u64,
    /// Deletions that were answered and not done.
    pub kept: u64,
    pub not_done: u64,
}

/// The streams of one dataset in one direction.
#[derive(Debug, Serialize)]
pub(super) struct Flow {
    /// By which policy.
    pub policy: String,
    /// The dataset here.
    pub dataset: String,
    /// Whether it was sent or received.
    pub direction: Direction,
    /// How many came to a good end.
    pub succeeded: u64,
    /// How many didn't.
    pub failed: u64,
    /// How many bytes came in; what goes out isn't counted.
    pub bytes: Option<u64>,
    /// When the last good end was, in seconds since 1970.
    pub last_success: Option<u64>,
    /// Streams that were many times the usual: what a source encrypts anew looks like this.
    pub unusual: Vec<Unusual>,
    /// The same by day.
    #[serde(skip)]
    pub days: BTreeMap<Day, Streams>,
    #[serde(skip)]
    sizes: VecDeque<u64>,
}

/// The streams of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streams {
    pub succeeded: u64,
    pub failed: u64,
    /// How many bytes came in.
    pub bytes: u64,
    /// Whether one of them was of an unusual size.
    pub unusual: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    Received,
    Sent,
}

impl Direction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Sent => "sent",
        }
    }
}

/// A stream of another size than those before it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unusual {
    /// When it ended, in seconds since 1970.
    pub at: u64,
    /// Its size.
    pub bytes: u64,
    /// The median of those before it.
    pub usual: u64,
}

/// So many times the usual is unusual, once there were so many streams; what is smaller than this is noise. What is usual say
/// the last streams, so many: it changes over the years.
const TIMES: u64 = 10;
const ENOUGH: usize = 5;
const LEAST: u64 = 1 << 20;
const LATEST: usize = 100;

/// The day of a time in seconds since 1970.
pub(super) fn day(seconds: u64) -> Day {
    seconds / DAY
}

pub(super) const DAY: u64 = 86_400;

impl Ledger {
    pub(super) fn record(&mut self, record: &Record) {
        if let Some(end) = &record.end {
            let at = record.seconds.saturating_add(end.seconds.round() as u64);
            for dataset in self.open.remove(&record.id).unwrap_or_default() {
                self.flow(&record.policy, &dataset, Direction::Sent).ended(end.well, at);
            }
            for (bytes, execs) in &end.arrived {
                let Some(dataset) = execs.iter().find_map(|exec| received(exec)) else { continue };
                let flow = self.flow(&record.policy, &dataset, Direction::Received);
                flow.ended(end.well, at);
                flow.came(*bytes, at, end.well);
            }
            if let Some(reason) = &record.stream {
                self.refusals.add(&record.policy, "refused", reason, record.seconds);
                // It passed when it was asked for, before there was anything to be seen of it.
                let asked = self.asked(record);
                asked.done = asked.done.saturating_sub(1);
                asked.not_done += 1;
            }
            return;
        }
        let account = self.policies.entry(record.policy.clone()).or_default();
        *account.requests.entry(record.decision.clone()).or_default() += 1;
        account.last = account.last.max(record.seconds);
        record.kept.iter().for_each(|snapshot| self.kept.add(&record.policy, snapshot, record.seconds));
        let asked = self.asked(record);
        match record.decision.as_str() {
            "kept" => asked.kept += 1,
            word if record::passes(word) => asked.done += 1,
            _ => asked.not_done += 1,
        }
        if record::passes(&record.decision) {
            let datasets: Vec<String> = record.execs.iter().filter_map(|exec| sent(exec)).collect();
            if !datasets.is_empty() {
                self.open.insert(record.id.clone(), datasets);
            }
        } else {
            let reason = if record.reason.is_empty() { "a dataset outside every grant" } else { &record.reason };
            self.refusals.add(&record.policy, &record.decision, reason, record.seconds);
        }
    }

    /// The day of a record, of its policy.
    fn asked(&mut self, record: &Record) -> &mut Asked {
        self.policies.entry(record.policy.clone()).or_default().days.entry(day(record.seconds)).or_default()
    }

    fn flow(&mut self, policy: &str, dataset: &str, direction: Direction) -> &mut Flow {
        let key = (policy, dataset, direction.name());
        let place = self
            .flows
            .binary_search_by(|flow| (flow.policy.as_str(), flow.dataset.as_str(), flow.direction.name()).cmp(&key));
        let place = place.unwrap_or_else(|place| {
            let flow = Flow {
                policy: policy.to_owned(),
                dataset: dataset.to_owned(),
                direction,
                succeeded: 0,
                failed: 0,
                bytes: (direction == Direction::Received).then_some(0),
                last_success: None,
                unusual: Vec::new(),
                days: BTreeMap::new(),
                sizes: VecDeque::new(),
            };
            self.flows.insert(place, flow);
            place
        });
        // It was found or put there.
        #[expect(clippy::indexing_slicing, reason = "the place is one of the list")]
        &mut self.flows[place]
    }
}

impl Flow {
    fn ended(&mut self, well: bool, at: u64) {
        let today = self.days.entry(day(at)).or_default();
        if well {
            self.succeeded += 1;
            today.succeeded += 1;
            self.last_success = self.last_success.max(Some(at));
        } else {
            self.failed += 1;
            today.failed += 1;
        }
    }

    fn came(&mut self, bytes: u64, at: u64, well: bool) {
        self.bytes = self.bytes.map(|sum| sum.saturating_add(bytes));
        let today = self.days.entry(day(at)).or_default();
        today.bytes = today.bytes.saturating_add(bytes);
        if !well {
            return;
        }
        let mut before: Vec<u64> = self.sizes.iter().copied().collect();
        before.sort_unstable();
        if let Some(usual) = before.get(before.len() / 2).filter(|_| before.len() >= ENOUGH)
            && bytes > TIMES * (*usual).max(LEAST / TIMES)
        {
            self.unusual.push(Unusual { at, bytes, usual: *usual });
            today.unusual = true;
        }
        self.sizes.push_back(bytes);
        if self.sizes.len() > LATEST {
            self.sizes.pop_front();
        }
    }
}

/// The dataset that a program of a record sends.
fn sent(exec: &str) -> Option<String> {
    let Zfs::Send(send) = zfs(exec)? else { return None };
    match send.stream {
        _ if send.flags.dry_run => None,
        Stream::Live(dataset) => Some(dataset.to_string()),
        Stream::Resume(token) => Some(token.to.dataset.to_string()),
        Stream::Snapshot(snapshot, _) => Some(snapshot.dataset.to_string()),
    }
}

/// The dataset that a program of a record receives into.
fn received(exec: &str) -> Option<String> {
    match zfs(exec)? {
        Zfs::Receive(Receiving::Stream(receive)) => Some(receive.dataset.to_string()),
        _ => None,
    }
}

/// A program of a record as the command that it was, read as the gate reads it: what gained rights in front of it, by its
/// own path, aside.
fn zfs(exec: &str) -> Option<Zfs> {
    let exec = match exec.split_once(" -n -- ") {
        Some(("sudo" | "doas", rest)) => format!("zfs {}", rest.split_once(' ')?.1),
        _ => exec.to_owned(),
    };
    let script = syntax::parse(exec.as_bytes()).ok()??;
    match command::read(script.only()?).ok()?.command {
        Command::Zfs(zfs) => Some(zfs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the streams, in MiB, are called unusual.
    fn unusual(sizes: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut ledger = Ledger::default();
        let flow = ledger.flow("hosts/a", "b/a", Direction::Received);
        sizes.zip(1..).for_each(|(size, at)| flow.came(size << 20, at, true));
        flow.unusual.iter().map(|unusual| unusual.bytes >> 20).collect()
    }

    #[test]
    fn more_than_ten_times_the_usual_is_unusual_once_there_is_something_usual() {
        assert_eq!(unusual([3, 3, 3, 3, 31, 30, 31].into_iter()), [31]);
        assert_eq!(unusual([3, 3, 3, 3, 31].into_iter()), [0; 0]);
    }

    #[test]
    fn what_is_usual_changes_over_the_years() {
        let years = |last| std::iter::repeat_n(1, 300).chain(std::iter::repeat_n(8, 100)).chain([last]);
        assert_eq!(unusual(years(80)), [0; 0]);
        assert_eq!(unusual(years(81)), [81]);
    }
}
