//! Whatever rules there are, whatever snapshots with whatever dates, and whatever is asked, decided at one moment
//! and carried out in pieces at later ones, while snapshots arrive and time goes by: what the rules say that stays
//! is there in the end. What they say is worked out here a second time, by their definition in zfs-shell.toml(5)
//! and not by the code's way.
#![no_main]

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zfs_shell::command::name::{Dataset, Guid, SnapshotName};
use zfs_shell::facts::Table;
use zfs_shell::host::SnapshotFacts;
use zfs_shell::record::{Outcome, Step};
use zfs_shell::{judge, policy};
use zfs_shell_fuzz::Census;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// 2026-11-21 12:00 UTC.
const NOW: u64 = 20_778 * DAY + DAY / 2;
const DATASETS: [&str; 2] = ["tank/d", "tank/d/c"];
const NAMES: [&str; 6] = ["a*", "b*", "*", "[a-b]*", "?1*", "c?"];

#[derive(Arbitrary, Debug)]
struct Input {
    rules: Vec<Rule>,
    census: Vec<Snapshot>,
    events: Vec<Event>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Rule {
    names: u8,
    keep: u8,
    age: u8,
    daily: u8,
    weekly: u8,
    monthly: u8,
    held: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Snapshot {
    below: bool,
    letter: u8,
    /// Hours before now; the first 50 stand for as many hours ahead of it.
    age: u16,
    clones: bool,
    holds: bool,
}

#[derive(Arbitrary, Debug)]
enum Event {
    Ask(Vec<Request>),
    /// Takes one snapshot of what was decided.
    Carry(u8),
    Arrive(Snapshot),
    Wait(u16),
    Rollback {
        below: bool,
        name: u8,
        newer: bool,
    },
}

#[derive(Arbitrary, Debug)]
struct Request {
    below: bool,
    recursive: bool,
    deferred: bool,
    forced: bool,
    specs: Vec<Spec>,
}

#[derive(Arbitrary, Debug)]
enum Spec {
    One(u8),
    Range(Option<u8>, Option<u8>),
}

impl Rule {
    fn covers(self, name: &str) -> bool {
        let (first, second) = (name.as_bytes()[0], name.as_bytes().get(1));
        match self.pattern() {
            "a*" => first == b'a',
            "b*" => first == b'b',
            "*" => true,
            "[a-b]*" => first != b'c',
            "?1*" => second == Some(&b'1'),
            _ => first == b'c' && name.len() == 2,
        }
    }

    fn pattern(self) -> &'static str {
        NAMES[usize::from(self.names) % NAMES.len()]
    }

    fn keep(self) -> usize {
        usize::from(self.keep % 5) + 1
    }

    fn age(self) -> u64 {
        u64::from(self.age % 12) * DAY
    }

    fn floor(self) -> [(Unit, u64); 3] {
        let [daily, weekly, monthly] = [self.daily % 10, self.weekly % 6, self.monthly % 4].map(u64::from);
        [(Unit::Day, daily), (Unit::Week, weekly), (Unit::Month, monthly)]
    }

    /// The slots of a time that its floor reaches now.
    fn slots(self, creation: u64, now: u64) -> impl Iterator<Item = (Unit, u64)> {
        self.floor().into_iter().filter_map(move |(unit, count)| {
            let (slot, last) = (unit.slot(creation), unit.slot(now));
            (slot <= last && slot + count > last).then_some((unit, slot))
        })
    }

    fn toml(self) -> String {
        let [(_, daily), (_, weekly), (_, monthly)] = self.floor();
        format!(
            "[[grant.destroy]]\nnames = [{:?}]\nkeep = {}\nmin_age = \"{}s\"\nkept = \"{}\"\n\
             floor = {{ daily = {daily}, weekly = {weekly}, monthly = {monthly} }}\n",
            self.pattern(),
            self.keep(),
            self.age(),
            if self.held { "held" } else { "note" },
        )
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Day,
    Week,
    Month,
}

thread_local! {
    /// The days since 1970 on which months begin, counted out: as far as an input can wait.
    static MONTHS: OnceCell<Vec<u64>> = const { OnceCell::new() };
}

impl Unit {
    fn slot(self, second: u64) -> u64 {
        let day = second / DAY;
        match self {
            Self::Day => day,
            // The first Monday was 1970-01-05.
            Self::Week => (day + 7 - 4) / 7,
            Self::Month => MONTHS.with(|months| {
                let months = months.get_or_init(|| {
                    let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                    let lengths = |year| [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
                    let next = |day: &mut u64, length| Some(std::mem::replace(day, *day + length));
                    (1970..2600).flat_map(lengths).scan(0, next).collect()
                });
                months.partition_point(|begin| *begin <= day) as u64
            }),
        }
    }
}

struct World {
    rules: Vec<Rule>,
    host: Census,
    /// The names that there were, so that none comes again.
    names: Vec<String>,
}

impl World {
    fn arrive(&mut self, snapshot: Snapshot) {
        let letter = char::from(b'a' + snapshot.letter % 3);
        let name = format!("{letter}{}", self.names.len());
        let facts = SnapshotFacts {
            name: SnapshotName::parse(&name).unwrap(),
            guid: Guid(self.names.len() as u64 + 1),
            createtxg: self.names.len() as u64,
            creation: self.host.now + 50 * HOUR - u64::from(snapshot.age) * HOUR,
            userrefs: u64::from(snapshot.holds),
            clones: snapshot.clones,
        };
        self.names.push(name);
        self.host.snapshots.get_mut(&dataset(snapshot.below)).unwrap().push(facts);
    }

    fn name(&self, number: u8) -> &str {
        self.names.get(usize::from(number)).map_or("a0", String::as_str)
    }

    fn spec(&self, spec: &Spec) -> String {
        let end = |number: &Option<u8>| number.map_or("", |number| self.name(number));
        match spec {
            Spec::One(number) => self.name(*number).to_owned(),
            Spec::Range(first, last) => format!("{}%{}", end(first), end(last)),
        }
    }

    fn line(&self, request: &Request) -> String {
        let flags: String = [(request.recursive, " -r"), (request.deferred, " -d"), (request.forced, " -f")]
            .iter()
            .filter_map(|(set, flag)| set.then_some(*flag))
            .collect();
        let specs: Vec<String> = request.specs.iter().map(|spec| self.spec(spec)).collect();
        format!("zfs destroy{flags} {}@{}", dataset(request.below), specs.join(","))
    }

    fn covering(&self, name: &str) -> Vec<Rule> {
        self.rules.iter().copied().filter(|rule| rule.covers(name)).collect()
    }

    fn overlap(&self) -> bool {
        self.host.snapshots.values().flatten().any(|facts| self.covering(facts.name.as_str()).len() > 1)
    }

    /// What must be there whatever happens next: the newest, what no rule covers, and of what one rule alone covers the
    /// young, the newest so many, and the first to arrive in each slot. What several cover goes if one of them lets it.
    fn stays(&self, dataset: &Dataset) -> BTreeSet<String> {
        let (census, now) = (&self.host.snapshots[dataset], self.host.now);
        let mut stays: BTreeSet<String> = census.last().map(|facts| facts.name.to_string()).into_iter().collect();
        for facts in census {
            let covering = self.covering(facts.name.as_str());
            if covering.iter().all(|rule| now.saturating_sub(facts.creation) < rule.age()) {
                stays.insert(facts.name.to_string());
            }
        }
        if self.overlap() {
            return stays;
        }
        for rule in &self.rules {
            let covered: Vec<_> = census.iter().filter(|facts| rule.covers(facts.name.as_str())).collect();
            stays.extend(covered.iter().rev().take(rule.keep()).map(|facts| facts.name.to_string()));
            let mut taken = BTreeSet::new();
            for facts in covered {
                let mine: BTreeSet<_> = rule.slots(facts.creation, now).collect();
                if !mine.is_subset(&taken) {
                    stays.insert(facts.name.to_string());
                }
                taken.extend(mine);
            }
        }
        stays
    }

    /// Where rules overlap: how many each rule has at least, in all and in each slot, of those that it alone covers.
    fn filled(&self, dataset: &Dataset) -> Vec<(usize, BTreeSet<(Unit, u64)>)> {
        let count = |rule: &Rule| {
            let alone = self.host.snapshots[dataset]
                .iter()
                .filter(|facts| rule.covers(facts.name.as_str()) && self.covering(facts.name.as_str()).len() == 1);
            let slots = alone.clone().flat_map(|facts| rule.slots(facts.creation, self.host.now)).collect();
            (alone.count().min(rule.keep()), slots)
        };
        self.rules.iter().map(count).collect()
    }

    fn has(&self, dataset: &Dataset, filled: &[(usize, BTreeSet<(Unit, u64)>)]) -> bool {
        self.rules.iter().zip(filled).all(|(rule, (least, slots))| {
            let covered = self.host.snapshots[dataset].iter().filter(|facts| rule.covers(facts.name.as_str()));
            let there: BTreeSet<_> =
                covered.clone().flat_map(|facts| rule.slots(facts.creation, self.host.now)).collect();
            covered.count() >= *least && slots.is_subset(&there)
        })
    }

    fn take(&mut self, dataset: &Dataset, name: &str) {
        self.host.snapshots.get_mut(dataset).unwrap().retain(|facts| facts.name.as_str() != name);
    }

    /// What a single request takes, where nothing but the rules has a say in it: all that it names and they let go.
    fn expected(&self, request: &Request) -> Option<BTreeSet<String>> {
        let dataset = dataset(request.below);
        let census = &self.host.snapshots[&dataset];
        let place = |number: u8| census.iter().position(|facts| facts.name.as_str() == self.name(number));
        let mut named = BTreeSet::new();
        for spec in &request.specs {
            let ends = match spec {
                Spec::One(number) => place(*number).map(|place| (place, place)),
                Spec::Range(first, last) => {
                    let last = last.map_or(census.len().checked_sub(1), place);
                    first.map_or(Some(0), place).zip(last)
                }
            };
            let Some((first, last)) = ends else { continue };
            named.extend(census.iter().take(last + 1).skip(first).map(|facts| facts.name.to_string()));
        }
        let odd = |facts: &SnapshotFacts| {
            named.contains(facts.name.as_str()) && (facts.clones || self.covering(facts.name.as_str()).is_empty())
        };
        if request.recursive || request.deferred || self.overlap() || census.iter().any(odd) {
            return None;
        }
        let stays = self.stays(&dataset);
        Some(named.into_iter().filter(|name| !stays.contains(name)).collect())
    }
}

fn dataset(below: bool) -> Dataset {
    Dataset::parse(DATASETS[usize::from(below)]).unwrap()
}

/// What the programs of a request would destroy: single names, with no option by which zfs takes more.
fn victims(outcome: &Outcome) -> Vec<(Dataset, String)> {
    let mut victims = Vec::new();
    for step in &outcome.stages {
        let Step::Exec(words) = step else { continue };
        let (options, operand) = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["zfs", "destroy", options @ .., "--", operand] => (options.to_vec(), operand.to_string()),
            _ => panic!("{words:?}"),
        };
        assert!(options.iter().all(|option| *option == "-d"), "{words:?}");
        let (dataset, list) = operand.split_once('@').unwrap();
        let dataset = Dataset::parse(dataset).unwrap();
        victims.extend(list.split(',').map(|name| (dataset.clone(), name.to_owned())));
    }
    victims
}

fuzz_target!(|input: Input| zfs_shell_fuzz::limited(|| {
    let rules: Vec<Rule> = input.rules.into_iter().take(4).collect();
    let mut text =
        "[[grant]]\ndatasets = [\"tank/d\"]\nallow = [\"destroy\", \"rollback\"]\nreceive.rollback = \"latest\"\n"
            .to_owned();
    text.extend(rules.iter().map(|rule| rule.toml()));
    let policy = policy::parse(&text, None).unwrap();
    let snapshots = BTreeMap::from([false, true].map(|below| (dataset(below), Vec::new())));
    let host = Census { now: NOW, snapshots, programs: Table::default() };
    let mut world = World { rules, host, names: Vec::new() };
    input.census.into_iter().take(32).for_each(|snapshot| world.arrive(snapshot));
    let mut decided: Vec<(Dataset, String)> = Vec::new();
    for event in input.events.into_iter().take(64) {
        match event {
            Event::Ask(requests) => {
                let lines: Vec<String> = requests.iter().map(|request| world.line(request)).collect();
                let outcome = Outcome::of(&judge(lines.join("; ").as_bytes(), &policy, &world.host));
                assert!(outcome.reason.is_none() || outcome.stages.is_empty());
                let victims = victims(&outcome);
                if let ([request], None) = (requests.as_slice(), &outcome.reason)
                    && let Some(expected) = world.expected(request)
                {
                    assert_eq!(
                        victims.iter().map(|(_, name)| name.clone()).collect::<BTreeSet<_>>(),
                        expected,
                        "{lines:?}"
                    );
                }
                decided.extend(victims);
            }
            Event::Carry(number) if !decided.is_empty() => {
                let (dataset, name) = decided.swap_remove(usize::from(number) % decided.len());
                assert!(!world.stays(&dataset).contains(&name), "{dataset}@{name}\n{text}");
                let filled = world.filled(&dataset);
                world.take(&dataset, &name);
                assert!(world.has(&dataset, &filled), "{dataset}@{name}\n{text}");
            }
            Event::Carry(_) => {}
            Event::Arrive(snapshot) => {
                world.arrive(snapshot);
                // Where rules overlap, arrivals may keep what was let go before.
                if world.overlap() {
                    decided.clear();
                }
            }
            // What is dated ahead has no slot until its time, so that what was decided before is carried out before.
            Event::Wait(hours) => {
                decided.clear();
                world.host.now += u64::from(hours) * HOUR;
            }
            Event::Rollback { below, name, newer } => {
                let line =
                    format!("zfs rollback{} {}@{}", if newer { " -r" } else { "" }, dataset(below), world.name(name));
                let outcome = Outcome::of(&judge(line.as_bytes(), &policy, &world.host));
                let newest = world.host.snapshots[&dataset(below)].last().map(|facts| facts.name.to_string());
                if outcome.stages.iter().any(|step| matches!(step, Step::Exec(_))) {
                    assert_eq!(newest.as_deref(), Some(world.name(name)), "{line}");
                    assert!(!format!("{:?}", outcome.stages).contains("\"-r\""), "{line}");
                }
            }
        }
    }
}));
