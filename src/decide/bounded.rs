//! What becomes of snapshots, for all small sets of them and many rules, against what the rules say, written down as
//! conditions on the outcome: of all sets of snapshots that could stay, the one that does is the only one that fits.
//! Days, weeks and months are looked up in a calendar.
#![forbid(unsafe_code)]

use std::time::{Duration, SystemTime};

use super::destroy::{Fate, fates};
use crate::command::name::{Guid, SnapshotName};
use crate::host::SnapshotFacts;
use crate::policy::{DestroyRule, Floor, Names};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// 2026-12-01 00:00 UTC, a Tuesday: 20,788 days after 1970.
const TODAY: u64 = 20_788 * DAY;
const NOW: u64 = TODAY + 12 * HOUR;

/// A moment, and how many days, weeks and months it lies before now by the calendar; those to come have none.
struct Moment {
    second: u64,
    before: [Option<u32>; 3],
}

const MOMENTS: [Moment; 7] = [
    // Wednesday, 2026-12-02 00:00, not yet: its day isn't one of the last ones, its week and month are.
    Moment { second: TODAY + DAY, before: [None, Some(0), Some(0)] },
    // Tuesday, 2026-12-01 06:00 and 00:00
    Moment { second: TODAY + 6 * HOUR, before: [Some(0), Some(0), Some(0)] },
    Moment { second: TODAY, before: [Some(0), Some(0), Some(0)] },
    // Monday, 2026-11-30 23:59:59 and 00:00
    Moment { second: TODAY - 1, before: [Some(1), Some(0), Some(1)] },
    Moment { second: TODAY - DAY, before: [Some(1), Some(0), Some(1)] },
    // Sunday, 2026-11-29 23:59:59
    Moment { second: TODAY - DAY - 1, before: [Some(2), Some(1), Some(1)] },
    // Saturday, 2026-10-31 12:00: the week from the 26th, five before that from 2026-11-30.
    Moment { second: TODAY - 30 * DAY - 12 * HOUR, before: [Some(31), Some(5), Some(2)] },
];

/// A snapshot in the order of arrival: its name's first letter, and its moment.
type Snapshot = (char, usize);

/// What a rule says, apart from the type that is tested.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// Covers the names that begin so; none: all.
    letter: Option<char>,
    keep: usize,
    min_age: u64,
    floor: [u32; 3],
}

impl Rule {
    fn covers(&self, snapshot: Snapshot) -> bool {
        self.letter.is_none_or(|letter| letter == snapshot.0)
    }

    fn written(&self) -> DestroyRule {
        let pattern = self.letter.map_or("*".to_owned(), |letter| format!("{letter}*"));
        let [daily, weekly, monthly] = self.floor;
        DestroyRule {
            names: Names::parse([pattern.as_str()]).unwrap(),
            keep: u32::try_from(self.keep).unwrap(),
            min_age: Duration::from_secs(self.min_age),
            floor: Floor { daily, weekly, monthly },
            ..DestroyRule::default()
        }
    }

    /// The slots of a floor in which a snapshot lies: of which unit, and how many before now.
    fn slots(&self, snapshot: Snapshot) -> impl Iterator<Item = (usize, u32)> {
        let before = MOMENTS[snapshot.1].before;
        (0..3).filter_map(move |unit| {
            before[unit].filter(|before| *before < self.floor[unit]).map(|before| (unit, before))
        })
    }
}

/// A set of snapshots by their places, one bit each.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Set(u32);

impl Set {
    fn has(self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }

    /// The only one of the sets of so many snapshots that fits.
    fn only(length: usize, fits: impl Fn(Self) -> bool) -> Self {
        let mut fitting = (0..1 << length).map(Self).filter(|set| fits(*set));
        let first = fitting.next().expect("one fits");
        assert!(fitting.next().is_none(), "only one fits");
        first
    }
}

/// The snapshots that stay whatever the floors: the newest; and those of which every rule that covers them says that
/// they are too young, or that fewer than `keep` of those that stay are newer. What no rule covers is among them.
fn kept(rules: &[Rule], snapshots: &[Snapshot]) -> (Set, impl Fn(&Rule, usize) -> bool) {
    let says = |set: Set, rule: &Rule, place: usize| {
        let newer = (place + 1..snapshots.len()).filter(|other| set.has(*other) && rule.covers(snapshots[*other]));
        place + 1 == snapshots.len()
            || NOW.saturating_sub(MOMENTS[snapshots[place].1].second) < rule.min_age
            || newer.count() < rule.keep
    };
    let all = |set, place: usize| {
        rules.iter().filter(|rule| rule.covers(snapshots[place])).all(|rule| says(set, rule, place))
    };
    let set = Set::only(snapshots.len(), |set| (0..snapshots.len()).all(|place| set.has(place) == all(set, place)));
    (set, move |rule, place| says(set, rule, place))
}

/// The snapshots that stay: those of which every rule that covers them says so, or holds a slot of its floor for them
/// that nothing older which stays and is covered lies in.
fn staying(rules: &[Rule], snapshots: &[Snapshot]) -> Set {
    let (_, says) = kept(rules, snapshots);
    let covered = |place: usize| rules.iter().any(|rule| rule.covers(snapshots[place]));
    let holds = |set: Set, rule: &Rule, place: usize| {
        rule.slots(snapshots[place]).any(|slot| {
            let mut older = (0..place).filter(|other| set.has(*other) && rule.covers(snapshots[*other]));
            !older.any(|other| rule.slots(snapshots[other]).any(|taken| taken == slot))
        })
    };
    Set::only(snapshots.len(), |set| {
        (0..snapshots.len()).all(|place| {
            let mut rules = rules.iter().filter(|rule| rule.covers(snapshots[place]));
            set.has(place) == (covered(place) && rules.all(|rule| says(rule, place) || holds(set, rule, place)))
        })
    })
}

/// The same for one rule without an age, as a person would say it: the newest of all; the newest `keep`; and the first
/// to arrive in each of the last so many days, weeks and months.
fn as_told(rule: &Rule, snapshots: &[Snapshot]) -> Set {
    let covered: Vec<usize> = (0..snapshots.len()).filter(|place| rule.covers(snapshots[*place])).collect();
    let mut set = 0;
    for place in &covered {
        let newer_ones = covered.iter().filter(|other| *other > place).count();
        let is_first = |slot| {
            let first = covered.iter().find(|other| rule.slots(snapshots[**other]).any(|other| other == slot));
            first == Some(place)
        };
        let stays =
            place + 1 == snapshots.len() || newer_ones < rule.keep || rule.slots(snapshots[*place]).any(is_first);
        set |= u32::from(stays) << place;
    }
    Set(set)
}

fn decided(rules: &[Rule], snapshots: &[Snapshot]) -> (Set, bool) {
    let facts = |(place, (letter, moment)): (usize, &Snapshot)| SnapshotFacts {
        name: SnapshotName::parse(&format!("{letter}{place}")).unwrap(),
        guid: Guid(place as u64 + 1),
        createtxg: place as u64,
        creation: MOMENTS[*moment].second,
        userrefs: 0,
        clones: false,
    };
    let census: Vec<SnapshotFacts> = snapshots.iter().enumerate().map(facts).collect();
    let written: Vec<DestroyRule> = rules.iter().map(Rule::written).collect();
    let fates = fates(&written, &census, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
    let stays = fates.iter().enumerate().map(|(place, fate)| u32::from(matches!(fate, Fate::Stays(_))) << place);
    let covered = |snapshot: &Snapshot| rules.iter().any(|rule| rule.covers(*snapshot));
    let uncovered =
        snapshots.iter().zip(&fates).all(|(snapshot, fate)| (*fate == Fate::Uncovered) != covered(snapshot));
    (Set(stays.sum()), uncovered && fates.len() == census.len())
}

/// All sets of up to so many snapshots with these letters.
fn censuses(letters: &[char], most: usize) -> Vec<Vec<Snapshot>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..most {
        let more = |census: &Vec<Snapshot>| -> Vec<Vec<Snapshot>> {
            let one = |letter: &char, moment| [census.as_slice(), &[(*letter, moment)]].concat();
            letters
                .iter()
                .flat_map(|letter| (0..MOMENTS.len()).map(|moment| one(letter, moment)).collect::<Vec<_>>())
                .collect()
        };
        last = last.iter().flat_map(more).collect();
        all.extend(last.iter().cloned());
    }
    all
}

fn rules(letters: &[Option<char>], keeps: &[usize], ages: &[u64], floors: &[[u32; 3]]) -> Vec<Rule> {
    let mut all = Vec::new();
    for letter in letters {
        for keep in keeps {
            for min_age in ages {
                all.extend(floors.iter().map(|floor| Rule {
                    letter: *letter,
                    keep: *keep,
                    min_age: *min_age,
                    floor: *floor,
                }));
            }
        }
    }
    all
}

const FLOORS: [[u32; 3]; 7] = [[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 2, 0], [0, 0, 1], [2, 1, 2]];

#[test]
fn one_rule_keeps_what_it_says_of_every_small_set_of_snapshots() {
    let censuses = [censuses(&['a', 'b'], 2), censuses(&['a'], 4)].concat();
    for rule in rules(&[None, Some('a')], &[1, 2], &[0, DAY, 40 * DAY], &FLOORS) {
        for snapshots in &censuses {
            let (stays, whole) = decided(&[rule], snapshots);
            assert!(stays == staying(&[rule], snapshots) && whole, "{rule:?} {snapshots:?} {:b}", stays.0);
            assert!(rule.min_age > 0 || stays == as_told(&rule, snapshots), "{rule:?} {snapshots:?} {:b}", stays.0);
        }
    }
}

#[test]
fn two_rules_keep_what_both_say_of_every_small_set_of_snapshots() {
    let censuses = censuses(&['a', 'b'], 2).into_iter().chain(censuses(&['a'], 3)).collect::<Vec<_>>();
    let rules = rules(&[None, Some('a')], &[1, 2], &[0, DAY], &[[0, 0, 0], [2, 0, 0], [0, 2, 1]]);
    for one in &rules {
        for other in &rules {
            for snapshots in &censuses {
                let (stays, whole) = decided(&[*one, *other], snapshots);
                let expected = staying(&[*one, *other], snapshots);
                assert!(stays == expected && whole, "{one:?} {other:?} {snapshots:?} {:b}", stays.0);
            }
        }
    }
}
