//! `[[grant.destroy]]`: what may go. What no rule covers refuses all; what a rule covers and keeps for now stays, and
//! the rest goes on, so that a client's usual pruning neither fails nor takes what the floor holds.
//!
//! What is held never shrinks by other allowed deletions or by arrivals, so no lock is needed between this decision and
//! what runs.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::plan::{Action, Answer, Decision, Rewrite, Run};
use super::{Scene, Stop, Verdict, answer};
use crate::command::date::Date;
use crate::command::name::{Bookmark, Dataset, SnapshotName};
use crate::command::zfs::destroy::{Destroy, Recursion, Spec, Victim};
use crate::host::Host as _;
use crate::host::SnapshotFacts;
use crate::policy::{DestroyRule, Floor, Grant, Kept, Operation, Scope};

/// What becomes of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A rule lets it go.
    Goes,
    /// Rules cover it, and keep it for now.
    Stays(Kept),
    /// No rule covers it.
    Uncovered,
}

/// The snapshots that would go, by dataset, and what is said of those that stay.
#[derive(Default)]
struct Sentence {
    goes: Vec<(Dataset, Vec<Spec>)>,
    notes: String,
    held: String,
    cloned: String,
    stays: Vec<String>,
    found: bool,
}

impl Scene<'_> {
    pub(super) fn destroy(&self, destroy: &Destroy) -> Result<Verdict, Stop> {
        if destroy.reach == Recursion::Clones {
            let dataset = destroy.victim.dataset();
            let never = |_: &Grant| Err("zfs destroy -R takes clones wherever they are, and is not served".into());
            let (_, verdict) = self.permit(dataset, Operation::Destroy, || answer::missing(dataset), never)?;
            return Ok(verdict);
        }
        match &destroy.victim {
            Victim::Bookmark(bookmark) => self.destroy_bookmark(destroy, bookmark),
            Victim::Dataset(dataset) => self.destroy_dataset(destroy, dataset),
            Victim::Snapshots(dataset, specs) => self.destroy_snapshots(destroy, dataset, specs),
        }
    }

    fn destroy_bookmark(&self, destroy: &Destroy, bookmark: &Bookmark) -> Result<Verdict, Stop> {
        let hidden = || answer::missing_bookmark(bookmark);
        let (grant, ()) = self.permit(&bookmark.dataset, Operation::Destroy, hidden, |grant| {
            match grant.destroy.iter().any(|rule| rule.bookmarks.matches(bookmark.name.as_str())) {
                true => Ok(()),
                false => Err(format!("no destroy rule covers the bookmark '{bookmark}'").into()),
            }
        })?;
        if destroy.deferred || destroy.dry_run || destroy.reach != Recursion::None {
            return Err("-d, -n and -r do not go with a bookmark".into());
        }
        self.run_by(grant, destroy.render())
    }

    /// A dataset goes by a rule with `datasets = true`, if it lies below the granted one and no snapshot is left in it,
    /// since the newest snapshot of a dataset always stays. Without -r the kernel checks that once more.
    fn destroy_dataset(&self, destroy: &Destroy, dataset: &Dataset) -> Result<Verdict, Stop> {
        let (grant, datasets) = self.permit(
            dataset,
            Operation::Destroy,
            || answer::missing(dataset),
            |grant| {
                let is_below = grant.datasets.iter().any(|pattern| pattern.covers(dataset, Scope::Descendents));
                if !(is_below && grant.destroy.iter().any(|rule| rule.datasets)) {
                    return Err("the grant does not allow to destroy datasets".into());
                }
                if destroy.force || destroy.deferred {
                    return Err("-f and -d do not go with a dataset here".into());
                }
                if destroy.reach == Recursion::None {
                    return Ok(vec![dataset.clone()]);
                }
                if !grant.covers_subtree(dataset) {
                    return Err("the grant does not cover all that lies below, as -r needs".into());
                }
                // The deepest first, since each goes without -r.
                let mut datasets = self.host.subtree(dataset)?.ok_or_else(|| Stop::Hidden(answer::missing(dataset)))?;
                datasets.sort_by_key(|dataset| std::cmp::Reverse(dataset.depth()));
                Ok(datasets)
            },
        )?;
        for dataset in &datasets {
            if self.host.snapshots(dataset)?.is_some_and(|snapshots| !snapshots.is_empty()) {
                return Err(Stop::Refused(
                    format!("'{dataset}' has snapshots, and the newest always stays"),
                    Some(grant),
                ));
            }
        }
        let one = |dataset: &Dataset| {
            let victim = Victim::Dataset(dataset.clone());
            self.exec(Destroy { victim, reach: Recursion::None, ..destroy.clone() }.render())
        };
        let mut execs = datasets.iter().map(one).collect::<Result<Vec<_>, Stop>>()?.into_iter();
        let Some(first) = execs.next() else { return Err(Stop::Hidden(answer::missing(dataset))) };
        let rest: Vec<_> = execs.collect();
        let run = Run { rest, ..Run::of(first) };
        let mut verdict = Verdict::new(Action::Run(Box::new(run))).by(grant);
        if destroy.reach != Recursion::None {
            verdict.rewrites.push(Rewrite::Expanded(format!("-r of '{dataset}' into {} datasets", datasets.len())));
        }
        Ok(verdict)
    }

    fn destroy_snapshots(&self, destroy: &Destroy, dataset: &Dataset, specs: &[Spec]) -> Result<Verdict, Stop> {
        let hidden = || answer::missing(dataset);
        let mut less = None;
        let whole = self.permit(dataset, Operation::Destroy, hidden, |grant| {
            let mut sentence = Sentence::default();
            for dataset in self.reached(destroy, grant, dataset)? {
                self.sentence(destroy, grant, &dataset, specs, &mut sentence)?;
            }
            if sentence.stays.is_empty() {
                return Ok(sentence);
            }
            // None has precedence: one behind it may let all of it go.
            less.get_or_insert((grant.id, sentence));
            Err("the grant lets a part of it go".into())
        });
        let (grant, sentence) = match (whole, less) {
            (Err(Stop::Refused(..)), Some(less)) => less,
            (whole, _) => whole?,
        };
        let mut verdict = self.execute(destroy, sentence)?.by(grant);
        let is_list = specs.iter().any(|spec| matches!(spec, Spec::Range(..))) || destroy.reach != Recursion::None;
        if is_list {
            verdict.rewrites.push(Rewrite::Expanded(format!("'{}' into single snapshots", destroy.victim)));
        }
        if destroy.force {
            verdict.rewrites.push(Rewrite::Dropped("-f".to_owned()));
        }
        Ok(verdict)
    }

    /// The datasets in which snapshots are to go.
    fn reached(&self, destroy: &Destroy, grant: &Grant, dataset: &Dataset) -> Result<Vec<Dataset>, Stop> {
        if destroy.reach == Recursion::None {
            return Ok(vec![dataset.clone()]);
        }
        if !grant.covers_subtree(dataset) {
            return Err("the grant does not cover all that lies below, as -r needs".into());
        }
        self.host.subtree(dataset)?.ok_or_else(|| Stop::Hidden(answer::missing(dataset)))
    }

    /// Judges the snapshots of one dataset that the list names, one by one.
    fn sentence(
        &self,
        destroy: &Destroy,
        grant: &Grant,
        dataset: &Dataset,
        specs: &[Spec],
        sentence: &mut Sentence,
    ) -> Result<(), Stop> {
        // Names that no rule covers are refused whether they exist or not, and without asking the host.
        let covered = |name: &SnapshotName| grant.destroy.iter().any(|rule| rule.names.matches(name.as_str()));
        let uncovered = |name: &SnapshotName| Stop::from(format!("no destroy rule covers '{dataset}@{name}'"));
        if let Some(name) = specs.iter().flat_map(Spec::names).find(|name| !covered(name)) {
            return Err(uncovered(name));
        }
        let Some(census) = self.host.snapshots(dataset)? else {
            return Err(Stop::Hidden(answer::missing(dataset)));
        };
        let fates = fates(&grant.destroy, &census, self.now);
        let mut goes = Vec::new();
        for place in named(&census, specs) {
            let (Some(facts), Some(fate)) = (census.get(place), fates.get(place)) else { continue };
            let name = dataset.snapshot(&facts.name);
            sentence.found = true;
            match fate {
                Fate::Uncovered => return Err(uncovered(&facts.name)),
                Fate::Stays(Kept::Held) => {
                    sentence.held.push_str(&answer::held(&name));
                    sentence.stays.push(name.to_string());
                }
                Fate::Stays(Kept::Note) => {
                    sentence.notes.push_str(&format!("zfs-shell: kept: {name}\n"));
                    sentence.stays.push(name.to_string());
                }
                Fate::Goes if destroy.deferred && (facts.clones || facts.userrefs > 0) => {
                    return Err(format!("'{name}' can't go now, and -d would let it go later").into());
                }
                Fate::Goes if facts.clones => sentence.cloned.push_str(&answer::has_clones(&name)),
                Fate::Goes => goes.push(Spec::One(facts.name.clone())),
            }
        }
        if !goes.is_empty() {
            sentence.goes.push((dataset.clone(), goes));
        }
        Ok(())
    }

    /// What runs: single names, one call a dataset. zfs destroys a list whole or not at all, so what it would say of
    /// one that is cloned stands for the whole list; what the policy keeps is left out, and the rest goes.
    fn execute(&self, destroy: &Destroy, sentence: Sentence) -> Result<Verdict, Stop> {
        let answered = |stderr, status| Action::Answer(Answer { stdout: Vec::new(), stderr, status });
        let mut execs = Vec::new();
        for (dataset, specs) in sentence.goes {
            let victim = Victim::Snapshots(dataset, specs);
            execs
                .push(self.exec(Destroy { victim, reach: Recursion::None, force: false, ..destroy.clone() }.render())?);
        }
        let mut execs = execs.into_iter();
        let status = u8::from(!sentence.held.is_empty());
        let note = (sentence.notes + &sentence.held).into_bytes();
        let action = match execs.next() {
            _ if !sentence.found => Action::Answer(answer::nothing_to_destroy()),
            _ if !sentence.cloned.is_empty() => answered(sentence.cloned.into_bytes(), 1),
            Some(first) => Action::Run(Box::new(Run { note, rest: execs.collect(), status, ..Run::of(first) })),
            None => answered(note, status),
        };
        let mut verdict = Verdict::new(action);
        if !sentence.stays.is_empty() {
            verdict.decision = Decision::Kept;
            verdict.rewrites.push(Rewrite::Dropped(sentence.stays.join(" ")));
        }
        Ok(verdict)
    }
}

/// The places in the census that a list names, each once, in order of arrival. A range goes by arrival and contains
/// both ends; one whose first or last isn't there names nothing (zfs_iter_snapspec).
fn named(census: &[SnapshotFacts], specs: &[Spec]) -> Vec<usize> {
    let places: BTreeMap<&SnapshotName, usize> =
        census.iter().enumerate().map(|(place, facts)| (&facts.name, place)).collect();
    let place = |name: &SnapshotName| places.get(name).copied();
    let mut places: Vec<usize> = specs
        .iter()
        .flat_map(|spec| {
            let range = match spec {
                Spec::One(name) => place(name).map(|place| place..place + 1),
                Spec::Range(first, last) => {
                    let first = first.as_ref().map_or(Some(0), place);
                    let last = last.as_ref().map_or(Some(census.len()), |last| place(last).map(|place| place + 1));
                    first.zip(last).map(|(first, last)| first..last)
                }
            };
            range.unwrap_or(0..0)
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// What becomes of each snapshot of a dataset, oldest arrival first. The newest always stays.
///
/// What goes, goes whatever else of it has gone already, so that two requests at once take no more than one after the
/// other would. Therefore only snapshots that stay by all rules that cover them count among the newest ones and take
/// slots of a floor: which these are doesn't change when others go.
pub(super) fn fates(rules: &[DestroyRule], census: &[SnapshotFacts], now: SystemTime) -> Vec<Fate> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut counts: Vec<(&DestroyRule, u32)> = rules.iter().map(|rule| (rule, 0)).collect();
    // By all but the floors, the newest first: how many stay behind each, by each rule that covers it.
    let mut places: Vec<Vec<(&DestroyRule, bool)>> = Vec::with_capacity(census.len());
    for (rank, facts) in census.iter().rev().enumerate() {
        let age = Duration::from_secs(now.saturating_sub(facts.creation));
        let covers = |rule: &DestroyRule| rule.names.matches(facts.name.as_str());
        let judge = |(rule, stay): &(&'_ DestroyRule, u32)| rank == 0 || age < rule.min_age || *stay < rule.keep;
        let judged: Vec<_> =
            counts.iter().filter(|(rule, _)| covers(rule)).map(|count| (count.0, judge(count))).collect();
        if judged.iter().all(|(_, stays)| *stays) {
            counts.iter_mut().filter(|(rule, _)| covers(rule)).for_each(|(_, stay)| *stay = stay.saturating_add(1));
        }
        places.push(judged);
    }
    // With the floors, the oldest first.
    let mut slots: Vec<(&DestroyRule, Slots)> = rules.iter().map(|rule| (rule, Slots::default())).collect();
    let fate = |(facts, judged): (&SnapshotFacts, Vec<(&DestroyRule, bool)>)| {
        let own = |rule: &DestroyRule| judged.iter().find(|(other, _)| std::ptr::eq(*other, rule));
        let mut stays = slots.iter().filter_map(|(rule, slots)| {
            own(rule).map(|(_, stays)| *stays || slots.holds(rule.floor, facts.creation, now))
        });
        match judged.first() {
            None => Fate::Uncovered,
            Some((first, _)) => match stays.all(|stays| stays) {
                false => Fate::Goes,
                true => {
                    let mine = slots.iter_mut().filter(|(rule, _)| own(rule).is_some());
                    mine.for_each(|(rule, slots)| slots.take(rule.floor, facts.creation, now));
                    Fate::Stays(first.kept)
                }
            },
        }
    };
    census.iter().zip(places.into_iter().rev()).map(fate).collect()
}

/// The days, weeks and months in which a snapshot has been seen.
#[derive(Default)]
struct Slots(Vec<(Unit, u64)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
}

impl Slots {
    /// Whether the floor holds a snapshot: no earlier arrival has taken its slot in the last so many days, weeks or months.
    fn holds(&self, floor: Floor, creation: u64, now: u64) -> bool {
        Self::of(floor, creation, now).any(|slot| !self.0.contains(&slot))
    }

    /// A snapshot that stays takes its slots.
    fn take(&mut self, floor: Floor, creation: u64, now: u64) {
        for slot in Self::of(floor, creation, now) {
            if !self.0.contains(&slot) {
                self.0.push(slot);
            }
        }
    }

    /// The slots of a time that a floor reaches.
    fn of(floor: Floor, creation: u64, now: u64) -> impl Iterator<Item = (Unit, u64)> {
        let units = [(Unit::Day, floor.daily), (Unit::Week, floor.weekly), (Unit::Month, floor.monthly)];
        units.into_iter().filter_map(move |(unit, count)| {
            let (slot, last) = (unit.slot(creation), unit.slot(now));
            (slot <= last && last - slot < u64::from(count)).then_some((unit, slot))
        })
    }
}

impl Unit {
    /// Which day, week (from Monday) or month a second since 1970 lies in, UTC.
    fn slot(self, second: u64) -> u64 {
        let day = second / 86_400;
        match self {
            Self::Day => day,
            // 1970-01-01 was a Thursday.
            Self::Week => (day + 3) / 7,
            Self::Month => Date::of(day).months(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::name::Guid;
    use crate::decide::testing::Case;
    use crate::facts::Table;
    use crate::policy::Names;

    const DAY: u64 = 86_400;
    /// 2026-11-21 12:00 UTC, a Saturday.
    const NOW: u64 = 20_778 * DAY + DAY / 2;

    /// Snapshots by name and age in days, oldest arrival first.
    fn census(snapshots: &[(&str, u64)]) -> Vec<SnapshotFacts> {
        let facts = |(place, (name, age)): (usize, &(&str, u64))| SnapshotFacts {
            name: SnapshotName::parse(name).unwrap(),
            guid: Guid(place as u64),
            createtxg: place as u64,
            creation: NOW - age * DAY,
            userrefs: 0,
            clones: false,
        };
        snapshots.iter().enumerate().map(facts).collect()
    }

    fn rule(names: &str) -> DestroyRule {
        DestroyRule { names: Names::parse([names]).unwrap(), keep: 1, ..DestroyRule::default() }
    }

    fn gone(rules: &[DestroyRule], census: &[SnapshotFacts]) -> Vec<String> {
        let fates = fates(rules, census, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
        let goes = census.iter().zip(fates).filter(|(_, fate)| *fate == Fate::Goes);
        goes.map(|(facts, _)| facts.name.to_string()).collect()
    }

    #[test]
    fn the_newest_of_a_rule_and_the_newest_of_all_stay() {
        let census = census(&[("a1", 9), ("a2", 8), ("b1", 7), ("a3", 6), ("b2", 5)]);
        assert_eq!(gone(&[rule("a*")], &census), ["a1", "a2"]);
        assert_eq!(gone(&[rule("b*")], &census), ["b1"]);
        assert_eq!(gone(&[DestroyRule { keep: 2, ..rule("a*") }], &census), ["a1"]);
        assert_eq!(gone(&[rule("c*")], &census), Vec::<String>::new());
    }

    #[test]
    fn what_is_younger_than_min_age_stays() {
        let census = census(&[("a1", 9), ("a2", 7), ("a3", 6), ("a4", 0)]);
        let rule = DestroyRule { min_age: Duration::from_secs(7 * DAY), ..rule("a*") };
        assert_eq!(gone(&[rule], &census), ["a1", "a2"]);
    }

    #[test]
    fn the_floor_holds_the_first_arrival_of_each_slot() {
        let census = census(&[("a1", 2), ("a2", 2), ("a3", 1), ("a4", 1), ("a5", 0), ("a6", 0)]);
        let floor = Floor { daily: 2, ..Floor::default() };
        assert_eq!(gone(&[DestroyRule { floor, ..rule("a*") }], &census), ["a1", "a2", "a4"]);
        let floor = Floor { weekly: 1, ..Floor::default() };
        assert_eq!(gone(&[DestroyRule { floor, ..rule("a*") }], &census), ["a2", "a3", "a4", "a5"]);
        let floor = Floor { monthly: 1, ..Floor::default() };
        assert_eq!(gone(&[DestroyRule { floor, ..rule("a*") }], &census), ["a2", "a3", "a4", "a5"]);
    }

    #[test]
    fn a_snapshot_goes_if_one_rule_lets_it_and_stays_as_the_first_says() {
        let census = census(&[("a1", 9), ("a2", 8), ("z", 0)]);
        let strict = DestroyRule { min_age: Duration::from_secs(30 * DAY), kept: Kept::Held, ..rule("a*") };
        assert_eq!(gone(&[strict.clone(), rule("a1")], &census), Vec::<String>::new());
        assert_eq!(gone(&[strict.clone(), rule("a*")], &census), ["a1"]);
        let fates = fates(&[strict, rule("a*")], &census, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
        assert_eq!(fates, [Fate::Goes, Fate::Stays(Kept::Held), Fate::Uncovered]);
    }

    #[test]
    fn of_two_grants_that_let_different_parts_go_neither_has_precedence() {
        let grant = |names: &str| {
            format!(
                "[[grant]]\ndatasets = ['tank']\nallow = ['destroy']\n[[grant.destroy]]\nnames = ['{names}']\nkeep = 1\n"
            )
        };
        let snapshot = |(place, name): (usize, &str)| {
            format!("{{ name = '{name}', creation = 2026-11-01T00:00:00Z, createtxg = {place}, guid = {place} }}")
        };
        let snapshots: Vec<String> = ["a1", "a2", "b1"].into_iter().enumerate().map(snapshot).collect();
        let facts = format!("[[dataset]]\nname = 'tank'\nsnapshots = [{}]\n", snapshots.join(", "));
        // a2 is the newest of the one and not of the other, by which it goes whichever stands in front; b1 is of both.
        for names in [["a*", "*"], ["*", "a*"]] {
            let policy = crate::policy::parse(&names.map(grant).concat(), None).unwrap();
            let case = Case { policy, host: Table::parse(&facts).unwrap() };
            assert_eq!(case.says("zfs destroy tank@a2"), "zfs destroy -- tank@a2", "{names:?}");
            assert_eq!(case.says("zfs destroy tank@b1"), "0 zfs-shell: kept: tank@b1 [dropped tank@b1]", "{names:?}");
        }
    }

    #[test]
    fn slots_begin_at_midnight_on_mondays_and_on_the_first() {
        let day = |day: u64| day * DAY;
        // 1970-01-05 was the first Monday, 2000-02-29 was a leap day.
        assert_eq!(Unit::Week.slot(day(4)) - Unit::Week.slot(day(3)), 1);
        assert_eq!(Unit::Week.slot(day(10)), Unit::Week.slot(day(4)));
        for (last, first) in [(30, 31), (58, 59), (11_016, 11_017), (20_787, 20_788)] {
            assert_eq!(Unit::Month.slot(day(first)) - Unit::Month.slot(day(last)), 1, "{last}");
        }
        assert_eq!(Unit::Month.slot(day(20_788)) - Unit::Month.slot(0), 56 * 12 + 11);
    }

    #[test]
    fn ranges_go_by_arrival_and_need_both_their_ends() {
        let census = census(&[("a", 9), ("b", 8), ("c", 7), ("d", 6)]);
        let name = |name: &str| Some(SnapshotName::parse(name).unwrap());
        let range =
            |first: Option<SnapshotName>, last: Option<SnapshotName>| named(&census, &[Spec::Range(first, last)]);
        assert_eq!(range(name("b"), name("c")), [1, 2]);
        assert_eq!(range(None, name("b")), [0, 1]);
        assert_eq!(range(name("c"), None), [2, 3]);
        assert_eq!(range(None, None), [0, 1, 2, 3]);
        assert!(range(name("c"), name("b")).is_empty());
        assert!(range(name("x"), None).is_empty());
        assert!(range(name("a"), name("x")).is_empty());
    }

    fn at_now(rules: &[DestroyRule], census: &[SnapshotFacts]) -> Vec<Fate> {
        fates(rules, census, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
    }

    prop_compose! {
        fn any_rule()(
            names in prop::sample::select(vec!["a*", "b*", "*"]),
            keep in 1..4_u32,
            age in 0..10_u64,
            daily in 0..9_u32,
            weekly in 0..4_u32,
            monthly in 0..3_u32,
        ) -> DestroyRule {
            let floor = Floor { daily, weekly, monthly };
            DestroyRule { keep, floor, min_age: Duration::from_secs(age * DAY), ..rule(names) }
        }
    }

    /// Snapshots with whatever times of creation, up to some days after now.
    fn any_census(length: usize) -> impl Strategy<Value = Vec<SnapshotFacts>> {
        let facts = |(place, (letter, creation)): (usize, (&str, u64))| SnapshotFacts {
            creation,
            ..census(&[(&format!("{letter}{place}"), 0)]).remove(0)
        };
        let any = (prop::sample::select(vec!["a", "b", "c"]), NOW - 100 * DAY..NOW + 3 * DAY);
        prop::collection::vec(any, 0..length).prop_map(move |all| all.into_iter().enumerate().map(facts).collect())
    }

    /// Decides (`true`) or takes one snapshot of what was decided; after each event one more arrives.
    fn race(
        rules: &[DestroyRule],
        mut present: Vec<SnapshotFacts>,
        arrivals: Vec<SnapshotFacts>,
        events: &[(bool, prop::sample::Index, prop::sample::Index)],
    ) -> Result<(), TestCaseError> {
        let mut arrivals = arrivals.into_iter().enumerate().map(|(place, facts)| SnapshotFacts {
            name: SnapshotName::parse(&format!("{}x{place}", facts.name)).unwrap(),
            ..facts
        });
        let chosen = |census: &[SnapshotFacts], goes: bool| -> Vec<SnapshotName> {
            let fates = at_now(rules, census);
            let is = |fate: &Fate| (*fate == Fate::Goes) == goes;
            census.iter().zip(&fates).filter(|(_, fate)| is(fate)).map(|(facts, _)| facts.name.clone()).collect()
        };
        let mut requests: Vec<Vec<SnapshotName>> = Vec::new();
        for (decides, request, victim) in events {
            if *decides || requests.is_empty() {
                requests.push(chosen(&present, true));
            } else {
                let goes = request.get(&requests);
                if goes.is_empty() {
                    continue;
                }
                let victim = victim.get(goes);
                prop_assert!(!chosen(&present, false).contains(victim), "{victim} of {present:?}");
                present.retain(|facts| facts.name != *victim);
            }
            present.extend(arrivals.next());
        }
        Ok(())
    }

    proptest! {
        /// Whatever is let go, in whatever order: what stays at first stays.
        #[test]
        fn deletions_let_nothing_else_go(
            rules in prop::collection::vec(any_rule(), 1..4),
            census in any_census(24),
            gone in prop::collection::vec(any::<bool>(), 24),
        ) {
            let before = at_now(&rules, &census);
            let left = |place: usize| before[place] != Fate::Goes || !gone[place];
            let places: Vec<usize> = (0..census.len()).filter(|place| left(*place)).collect();
            let remaining: Vec<SnapshotFacts> = places.iter().map(|place| census[*place].clone()).collect();
            for (place, after) in places.iter().zip(at_now(&rules, &remaining)) {
                prop_assert!(before[*place] == Fate::Goes || after != Fate::Goes, "{}", census[*place].name);
            }
        }

        /// What the stream guard lets in, which is dated an hour ahead at most (`receive.stream.future`), takes a slot of
        /// now or an earlier one, and the next one only within that hour of its begin.
        #[test]
        fn what_arrives_takes_no_slot_ahead_of_time(now in 0..4_000_000_000_u64, behind in -3600..100_000_000_i64) {
            let creation = now.saturating_add_signed(-behind);
            for unit in [Unit::Day, Unit::Week, Unit::Month] {
                let ahead = unit.slot(creation).saturating_sub(unit.slot(now));
                prop_assert!(ahead == 0 || ahead == 1 && unit.slot(now + 3600) > unit.slot(now));
            }
        }

        /// Requests that race each other: each is decided at some moment and takes what it may later, in pieces, while
        /// others do the same. Nothing goes that one decided at that moment would keep.
        #[test]
        fn racing_requests_take_nothing_that_another_keeps(
            rules in prop::collection::vec(any_rule(), 1..4),
            census in any_census(24),
            events in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..40),
        ) {
            race(&rules, census, Vec::new(), &events)?;
        }

        /// The same while snapshots arrive, where each snapshot is covered by one rule.
        #[test]
        fn arrivals_make_no_difference_to_that(
            a in any_rule(),
            b in any_rule(),
            census in any_census(12),
            arrivals in any_census(12),
            events in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..40),
        ) {
            let rules = [DestroyRule { names: rule("a*").names, ..a }, DestroyRule { names: rule("b*").names, ..b }];
            race(&rules, census, arrivals, &events)?;
        }

        /// Whatever arrives, with whatever time of creation: what the floor holds it goes on holding.
        #[test]
        fn arrivals_let_nothing_go_that_the_floor_holds(
            rule in any_rule(),
            mut all in any_census(40),
            arrived in 0..20_usize,
        ) {
            let old = all.len().saturating_sub(arrived);
            let floor = DestroyRule { keep: 0, min_age: Duration::ZERO, ..rule };
            let after = at_now(std::slice::from_ref(&floor), &all);
            all.truncate(old);
            let before = at_now(std::slice::from_ref(&floor), &all);
            // Of the last the floor says nothing: it stays because it is the newest.
            for place in 0..old.saturating_sub(1) {
                let held = |fates: &[Fate]| matches!(fates[place], Fate::Stays(_));
                prop_assert!(!held(&before) || held(&after), "{}", all[place].name);
            }
        }
    }
}
