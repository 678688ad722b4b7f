//! Two policies side by side: which grant of one is which of the other, and where their values differ.

use std::collections::BTreeMap;

use super::effect::{Change, Effect, Shown, compare};
use crate::policy;

/// The effective values of a policy.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rest: Values,
    grants: BTreeMap<usize, Block>,
}

/// A grant.
#[derive(Debug, Default, PartialEq)]
struct Block {
    values: Values,
    rules: BTreeMap<usize, Values>,
}

/// By key.
type Values = BTreeMap<String, Shown>;

/// The number of something in the old policy and in the new one.
pub(super) type Numbers = (Option<usize>, Option<usize>);

/// What differs in one place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub grant: Option<Numbers>,
    /// The destroy rule.
    pub rule: Option<Numbers>,
    pub changes: Vec<Change>,
}

impl Sheet {
    /// By what `show` shows. The role is left out: what it stands for is there.
    pub(super) fn of(shown: &[policy::Shown]) -> Self {
        let mut sheet = Self::default();
        for policy::Shown { path, value, .. } in shown {
            let Some(value) = Shown::read(value) else { continue };
            let Some((number, key)) = numbered(path, "grant.") else {
                sheet.rest.insert(path.clone(), value);
                continue;
            };
            let grant = sheet.grants.entry(number).or_default();
            match numbered(key, "destroy.") {
                Some((number, key)) => {
                    grant.rules.entry(number).or_default().insert(format!("destroy.{key}"), value);
                }
                None if key == "role" => {}
                None => {
                    grant.values.insert(key.to_owned(), value);
                }
            }
        }
        sheet
    }

    /// What differs, in the order of the new policy, and behind it what is gone.
    pub(super) fn differences(&self, new: &Self) -> Vec<Difference> {
        let bare = Bare::new();
        let mut found = Vec::new();
        let none = BTreeMap::new();
        for (before, after) in pairs(&self.grants, &new.grants, &ALIKE_GRANTS) {
            let grant = Some(numbers(before, after));
            let values = |grant: Option<(usize, &'_ Block)>| grant.map(|(_, block)| block.values.clone());
            let changes = bare.changes(&bare.grant, values(before), values(after));
            found.push(Difference { grant, rule: None, changes });
            let (old_rules, new_rules) =
                (before.map_or(&none, |(_, block)| &block.rules), after.map_or(&none, |(_, block)| &block.rules));
            for (before, after) in pairs(old_rules, new_rules, &ALIKE_RULES) {
                let values = |rule: Option<(usize, &'_ Values)>| rule.map(|(_, values)| values.clone());
                let changes = bare.changes(&bare.rule, values(before), values(after));
                found.push(Difference { grant, rule: Some(numbers(before, after)), changes });
            }
        }
        found.push(Difference { grant: None, rule: None, changes: values(&self.rest, &new.rest) });
        found.retain(|difference| !difference.changes.is_empty());
        found
    }
}

/// `grant.2.send.raw` is the second one's `send.raw`.
fn numbered<'p>(path: &'p str, what: &str) -> Option<(usize, &'p str)> {
    let (number, key) = path.strip_prefix(what)?.split_once('.')?;
    Some((number.parse().ok()?, key))
}

/// From the surest sign that two grants are the same one to the weakest.
const ALIKE_GRANTS: [fn(&Block, &Block) -> bool; 3] = [
    |old, new| old == new,
    |old, new| old.values.get("datasets") == new.values.get("datasets"),
    |old, new| share(&old.values, &new.values, "datasets"),
];

const ALIKE_RULES: [fn(&Values, &Values) -> bool; 3] = [
    |old, new| old == new,
    |old, new| NAMES.iter().all(|key| old.get(*key) == new.get(*key)),
    |old, new| NAMES.iter().any(|key| share(old, new, key)),
];

const NAMES: [&str; 2] = ["destroy.names", "destroy.bookmarks"];

fn share(old: &Values, new: &Values, key: &str) -> bool {
    let (Some(old), Some(new)) = (old.get(key), new.get(key)) else { return false };
    old.elements().intersection(&new.elements()).next().is_some()
}

/// One of each side, with its number, if it is there.
type Pair<'b, T> = (Option<(usize, &'b T)>, Option<(usize, &'b T)>);

/// Those that are the same by the first sign, then by the next, each once; and those that are alone.
fn pairs<'b, T>(
    old: &'b BTreeMap<usize, T>,
    new: &'b BTreeMap<usize, T>,
    signs: &[fn(&T, &T) -> bool],
) -> Vec<Pair<'b, T>> {
    let mut left: Vec<(usize, &T)> = old.iter().map(|(number, value)| (*number, value)).collect();
    let mut found = BTreeMap::new();
    for alike in signs {
        for (number, value) in new {
            let place = left.iter().position(|(_, old)| alike(old, value));
            if let Some(place) = place.filter(|_| !found.contains_key(number)) {
                found.insert(*number, left.remove(place));
            }
        }
    }
    let new = new.iter().map(|(number, value)| (found.get(number).copied(), Some((*number, value))));
    new.chain(left.into_iter().map(|old| (Some(old), None))).collect()
}

fn numbers<T>(old: Option<(usize, &T)>, new: Option<(usize, &T)>) -> Numbers {
    (old.map(|(number, _)| number), new.map(|(number, _)| number))
}

/// A grant and a rule in which nothing is written, with which one is compared that came or went.
struct Bare {
    grant: Values,
    rule: Values,
}

impl Bare {
    fn new() -> Self {
        let shown = policy::explain("[[grant]]\ndatasets = ['a']\n[[grant.destroy]]\n", None).unwrap_or_default();
        let block = Sheet::of(&shown).grants.remove(&1).unwrap_or_default();
        let (mut grant, mut rules) = (block.values, block.rules);
        grant.extend(Shown::read("[]").map(|nothing| ("datasets".to_owned(), nothing)));
        Self { grant, rule: rules.remove(&1).unwrap_or_default() }
    }

    /// Of one that came, what it allows, and what limits that; of one that went, what it allowed.
    fn changes(&self, bare: &Values, old: Option<Values>, new: Option<Values>) -> Vec<Change> {
        let limits = |change: Change| match change.effect {
            Effect::Less => Change { effect: Effect::Other, ..change },
            Effect::More | Effect::Other => change,
        };
        match (old, new) {
            (Some(old), Some(new)) => values(&old, &new),
            (None, Some(new)) => values(bare, &new).into_iter().map(limits).collect(),
            (Some(old), None) => {
                values(&old, bare).into_iter().filter(|change| change.effect == Effect::Less).collect()
            }
            (None, None) => Vec::new(),
        }
    }
}

fn values(old: &Values, new: &Values) -> Vec<Change> {
    let more = new.keys().filter(|key| !old.contains_key(*key));
    old.keys().chain(more).flat_map(|key| compare(key, old.get(key), new.get(key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::explain;

    /// Where, and what: `1>2 +allow "send"`, and behind a rule's grant the rule.
    fn told(old: &str, new: &str) -> Vec<String> {
        let sheet = |text: &str| Sheet::of(&explain(text, None).unwrap());
        let number = |number: Option<usize>| number.map_or("-".to_owned(), |number| number.to_string());
        let numbers = |numbers: Numbers| format!("{}>{} ", number(numbers.0), number(numbers.1));
        let mut told = Vec::new();
        for Difference { grant, rule, changes } in sheet(old).differences(&sheet(new)) {
            let place: String = grant.into_iter().chain(rule).map(numbers).collect();
            for Change { effect, key, old, new } in changes {
                let mark = match effect {
                    Effect::More => '+',
                    Effect::Less => '-',
                    Effect::Other => '~',
                };
                let values: Vec<String> = old.into_iter().chain(new).collect();
                told.push(format!("{place}{mark}{key} {}", values.join(" > ")));
            }
        }
        told
    }

    const A: &str = "[[grant]]\ndatasets = ['a']\nallow = ['send']\n";
    const B: &str = "[[grant]]\ndatasets = ['b']\nallow = ['list']\n";

    #[test]
    fn the_same_values_are_no_difference_whether_a_role_gives_them_or_not_and_in_whichever_order() {
        assert_eq!(told(&format!("{A}{B}"), &format!("{B}{A}")), Vec::<String>::new());
        let role = "[[grant]]\nrole = 'pull-source'\ndatasets = ['a']\n";
        assert_eq!(told(role, &format!("{role}hold.max = 4\n")), Vec::<String>::new());
    }

    #[test]
    fn a_grant_is_the_same_one_by_its_datasets() {
        let more = A.replace("'send'", "'send', 'hold'");
        assert_eq!(told(&format!("{A}{B}"), &format!("{B}{more}")), ["1>2 +allow \"hold\""]);
        let wider = A.replace("'a'", "'a', 'c'");
        assert_eq!(told(A, &wider), ["1>1 +datasets \"c\""]);
    }

    #[test]
    fn of_a_grant_that_came_its_limits_are_told_too() {
        let came = ["->2 +allow \"list\"", "->2 +datasets \"b\""];
        assert_eq!(told(A, &format!("{A}{B}")), came);
        assert_eq!(told(&format!("{A}{B}"), A), ["2>- -allow \"list\"", "2>- -datasets \"b\""]);
        let narrow = format!("{B}hold.max = 1\n");
        assert!(told("", &narrow).contains(&"->1 ~hold.max 4 > 1".to_owned()));
        assert_eq!(told(&narrow, ""), ["1>- -allow \"list\"", "1>- -datasets \"b\""]);
    }

    #[test]
    fn rules_are_the_same_ones_by_what_they_cover() {
        let with = |rules: &str| format!("{A}destroy = [{rules}]\n");
        let old = with("{ names = ['x'], keep = 2 }, { names = ['y'] }");
        let new = with("{ names = ['y', 'z'] }, { names = ['x'] }");
        assert_eq!(told(&old, &new), ["1>1 2>1 +destroy.names \"z\"", "1>1 1>2 +destroy.keep 2 > 1"]);
        assert_eq!(told(&old, &with("{ names = ['y'] }")), ["1>1 1>- -destroy.names \"x\""]);
    }

    #[test]
    fn what_is_no_grant_s_is_told_too() {
        let new = format!("filters.allow = ['lzop']\nlog.completion = 'all'\nprograms.zfs = '/z'\n{A}");
        let old = format!("filters.allow = ['lzop', 'xz']\n{A}");
        assert_eq!(
            told(&old, &new),
            ["-filters.allow \"xz\"", "~log.completion \"streams\" > \"all\"", "~programs.zfs \"/z\"",]
        );
    }
}
