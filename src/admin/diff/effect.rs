//! What it means that a value is another one: that more is allowed, less, or something else.

use std::collections::BTreeSet;

use serde::Serialize;
use toml::Value;

use crate::policy::seconds_since_1970;

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Effect {
    More,
    Less,
    Other,
}

/// One value that is another one, or one element of a list that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    pub effect: Effect,
    pub key: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// A value as `show` has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub text: String,
    value: Value,
}

/// How the values of a key compare.
#[derive(Clone, Copy)]
enum Law {
    /// Each element allows.
    Elements,
    /// Each element takes away.
    Exceptions,
    /// True allows.
    Flag,
    /// The larger allows more; what is unset is the largest.
    Most,
    /// The larger allows less.
    Least,
    /// Each of them allows all that the one before does.
    Ladder(&'static [&'static str]),
    /// Each value of this table requires something.
    Requirements,
    /// Each number of this table keeps something.
    Floor,
}

/// By key, in a grant or behind `destroy.` in a rule. What isn't here allows nothing by itself.
const LAWS: [(&str, Law); 38] = [
    ("datasets", Law::Elements),
    ("except", Law::Exceptions),
    ("allow", Law::Elements),
    ("until", Law::Most),
    ("send.raw", Law::Ladder(&["always", "encrypted", "any"])),
    ("send.replicate", Law::Flag),
    ("send.properties", Law::Flag),
    ("send.resume", Law::Flag),
    ("snapshot.names", Law::Elements),
    ("snapshot.recursive", Law::Flag),
    ("snapshot.properties", Law::Elements),
    ("bookmark.names", Law::Elements),
    ("bookmark.max", Law::Most),
    ("hold.tags", Law::Elements),
    ("hold.max", Law::Most),
    ("destroy.names", Law::Elements),
    ("destroy.bookmarks", Law::Elements),
    ("destroy.min_age", Law::Least),
    ("destroy.keep", Law::Least),
    ("destroy.floor", Law::Floor),
    ("destroy.datasets", Law::Flag),
    ("set.properties", Law::Elements),
    ("receive.names", Law::Elements),
    ("receive.depth", Law::Most),
    ("receive.force", Law::Ladder(&["refuse", "safe", "allow"])),
    ("receive.rollback", Law::Ladder(&["refuse", "latest", "allow"])),
    ("receive.abort", Law::Flag),
    ("receive.mount", Law::Flag),
    ("receive.create", Law::Flag),
    ("receive.require", Law::Requirements),
    ("receive.client_may_set", Law::Elements),
    ("receive.stream.raw", Law::Ladder(&["always", "any"])),
    ("receive.stream.properties", Law::Ladder(&["refuse", "strip", "any"])),
    ("receive.stream.clone", Law::Flag),
    ("receive.stream.future", Law::Most),
    ("receive.stream.max_bytes", Law::Most),
    ("filters.allow", Law::Elements),
    ("filters.memory", Law::Most),
];

impl Shown {
    /// `None` where it is no TOML, which doesn't happen to what was shown.
    pub(super) fn read(text: &str) -> Option<Self> {
        let table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
        Some(Self { text: text.to_owned(), value: table.get("value")?.clone() })
    }

    /// The texts of a list.
    pub(super) fn elements(&self) -> BTreeSet<&str> {
        self.value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn text(shown: Option<&Self>) -> Option<String> {
        shown.map(|shown| shown.text.clone())
    }
}

/// How a value differs from another of the same key.
pub(super) fn compare(key: &str, old: Option<&Shown>, new: Option<&Shown>) -> Vec<Change> {
    if old.map(|old| &old.value) == new.map(|new| &new.value) {
        return Vec::new();
    }
    let law = LAWS.iter().find(|(name, _)| *name == key).map(|(_, law)| *law);
    match (law, old, new) {
        (Some(Law::Elements), Some(old), Some(new)) => elements(key, old, new, [Effect::Less, Effect::More]),
        (Some(Law::Exceptions), Some(old), Some(new)) => elements(key, old, new, [Effect::More, Effect::Less]),
        (Some(Law::Requirements), Some(old), Some(new)) => entries(key, old, new, |old, new| match (old, new) {
            (None, _) => Effect::Less,
            (_, None) => Effect::More,
            _ => Effect::Other,
        }),
        (Some(Law::Floor), Some(old), Some(new)) => {
            entries(key, old, new, |old, new| by_size(new.and_then(size), old.and_then(size)))
        }
        (law, old, new) => {
            let effect = law.map_or(Effect::Other, |law| whole(law, old, new));
            vec![Change { effect, key: key.to_owned(), old: Shown::text(old), new: Shown::text(new) }]
        }
    }
}

/// One for each that went or came.
fn elements(key: &str, old: &Shown, new: &Shown, [went, came]: [Effect; 2]) -> Vec<Change> {
    let (before, after) = (old.elements(), new.elements());
    let text = |element: &&str| Some(format!("\"{element}\""));
    let change = |effect| Change { effect, key: key.to_owned(), old: None, new: None };
    let went = before.difference(&after).map(|element| Change { old: text(element), ..change(went) });
    let came = after.difference(&before).map(|element| Change { new: text(element), ..change(came) });
    went.chain(came).collect()
}

/// One for each entry of a table that is another.
fn entries(
    key: &str,
    old: &Shown,
    new: &Shown,
    effect: impl Fn(Option<&Value>, Option<&Value>) -> Effect,
) -> Vec<Change> {
    let (Some(old), Some(new)) = (old.value.as_table(), new.value.as_table()) else { return Vec::new() };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    differing
        .map(|name| {
            let (old, new) = (old.get(name), new.get(name));
            let text = |value: &Value| value.as_str().map_or_else(|| size(value).unwrap_or(0).to_string(), quoted);
            Change { effect: effect(old, new), key: format!("{key}.{name}"), old: old.map(text), new: new.map(text) }
        })
        .collect()
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn whole(law: Law, old: Option<&Shown>, new: Option<&Shown>) -> Effect {
    let value = |shown: Option<&Shown>| shown.and_then(|shown| size(&shown.value));
    match law {
        Law::Flag if new.is_some_and(|new| new.value.as_bool() == Some(true)) => Effect::More,
        Law::Flag => Effect::Less,
        Law::Most => by_size(value(old).or(Some(i128::MAX)), value(new).or(Some(i128::MAX))),
        Law::Least => by_size(value(new), value(old)),
        Law::Ladder(rungs) => {
            let rung = |shown: Option<&Shown>| {
                let value = shown.and_then(|shown| shown.value.as_str())?;
                rungs.iter().position(|rung| *rung == value).and_then(|rung| i128::try_from(rung).ok())
            };
            by_size(rung(old), rung(new))
        }
        Law::Elements | Law::Exceptions | Law::Requirements | Law::Floor => Effect::Other,
    }
}

fn by_size(old: Option<i128>, new: Option<i128>) -> Effect {
    match (old, new) {
        (Some(old), Some(new)) if old < new => Effect::More,
        (Some(old), Some(new)) if old > new => Effect::Less,
        _ => Effect::Other,
    }
}

/// A number, a time, or a text that is a number with a unit.
fn size(value: &Value) -> Option<i128> {
    match value {
        Value::Integer(number) => Some((*number).into()),
        Value::Datetime(time) => seconds_since_1970(time).map(i128::from),
        Value::String(text) => {
            let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
            let number: i128 = text.strip_suffix(unit)?.parse().ok()?;
            UNITS.iter().find(|(name, _)| *name == unit).map(|(_, size)| number * size)
        }
        _ => None,
    }
}

/// In which `show` has durations and sizes.
const UNITS: [(&str, i128); 9] = [
    ("", 1),
    ("s", 1),
    ("m", 60),
    ("h", 3600),
    ("d", 86_400),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::explain;

    /// The marks of the changes, with keys: `+send.resume`.
    fn marks(key: &str, old: &str, new: &str) -> Vec<String> {
        let shown = |text: &str| (!text.is_empty()).then(|| Shown::read(text).unwrap());
        let mark = |effect| match effect {
            Effect::More => '+',
            Effect::Less => '-',
            Effect::Other => '~',
        };
        let changes = compare(key, shown(old).as_ref(), shown(new).as_ref());
        changes.iter().map(|change| format!("{}{}", mark(change.effect), change.key)).collect()
    }

    #[test]
    fn a_change_allows_more_or_less_by_the_meaning_of_its_key() {
        for (key, old, new, expected) in [
            ("send.resume", "false", "true", "+"),
            ("receive.mount", "true", "false", "-"),
            ("send.raw", "\"encrypted\"", "\"always\"", "-"),
            ("send.raw", "\"encrypted\"", "\"any\"", "+"),
            ("send.raw", "\"never\"", "\"any\"", "~"),
            ("receive.force", "\"refuse\"", "\"safe\"", "+"),
            ("receive.stream.properties", "\"any\"", "\"strip\"", "-"),
            ("hold.max", "4", "5", "+"),
            ("destroy.keep", "1", "3", "-"),
            ("destroy.min_age", "\"36h\"", "\"1d\"", "+"),
            ("receive.stream.future", "\"90s\"", "\"1m\"", "-"),
            ("receive.stream.max_bytes", "", "\"1TiB\"", "-"),
            ("receive.stream.max_bytes", "\"1GiB\"", "\"512MiB\"", "-"),
            ("until", "2027-01-01T00:00:00Z", "", "+"),
            ("until", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00+01:00", "-"),
            ("scope", "\"both\"", "\"local\"", "~"),
            ("receive.set", "{}", "{ readonly = \"on\" }", "~"),
            ("privilege.via", "\"none\"", "\"sudo\"", "~"),
        ] {
            assert_eq!(marks(key, old, new), [format!("{expected}{key}")], "{key} {old} {new}");
        }
    }

    #[test]
    fn of_lists_and_tables_each_element_counts_for_itself() {
        assert_eq!(marks("allow", "[\"send\", \"list\"]", "[\"list\", \"hold\"]"), ["-allow", "+allow"]);
        assert_eq!(marks("except", "[\"a\"]", "[]"), ["+except"]);
        assert_eq!(marks("except", "[]", "[\"a\"]"), ["-except"]);
        let require = ("{ setuid = \"off\", quota = \"1\" }", "{ setuid = \"off\", quota = \"2\", exec = \"off\" }");
        let expected = ["-receive.require.exec", "~receive.require.quota"];
        assert_eq!(marks("receive.require", require.0, require.1), expected);
        let floor = ("{ daily = 7, weekly = 4, monthly = 0 }", "{ daily = 6, weekly = 4, monthly = 3 }");
        assert_eq!(marks("destroy.floor", floor.0, floor.1), ["+destroy.floor.daily", "-destroy.floor.monthly"]);
    }

    #[test]
    fn the_same_in_another_order_is_no_change() {
        assert!(marks("allow", "[\"send\", \"list\"]", "[\"list\", \"send\"]").is_empty());
        assert!(marks("receive.set", "{ a = \"1\", b = \"2\" }", "{ b = \"2\", a = \"1\" }").is_empty());
    }

    #[test]
    fn every_key_with_a_law_is_a_key_of_a_policy() {
        let text = "[[grant]]\ndatasets = ['a']\nuntil = 2027-01-01T00:00:00Z\nreceive.stream.max_bytes = '1GiB'\n\
                    [[grant.destroy]]\n";
        let shown = explain(text, None).unwrap();
        let paths: BTreeSet<String> =
            shown.iter().map(|shown| shown.path.replace("grant.1.", "").replace("destroy.1.", "destroy.")).collect();
        for (key, _) in LAWS {
            assert!(paths.contains(key), "{key}");
        }
    }
}
