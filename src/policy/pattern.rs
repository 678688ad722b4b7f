//! Patterns of datasets and names, as fnmatch(3): `*`, `?`, `[0-9]`, `[!a]`; anchored, never across `/`, `@`, `#`.
//!
//! Stricter than fnmatch(3) where a slip would go unseen: no backslash, no `[^a]`, no `[[:alpha:]]`, no bracket left open
//! and no character that OpenZFS allows in no name. As there, `*` takes a leading dot too (no FNM_PERIOD).
#![forbid(unsafe_code)]

use std::rc::Rc;

use thiserror::Error;

use super::Scope;
use crate::command::name::{Component, Dataset, MAX_NESTING, NameError};

/// The longest pattern, in bytes. A name has at most 255, but each may be a bracket.
pub const MAX_PATTERN: usize = 1024;

/// Why a text is not a pattern.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// Nothing in it, or nothing between two slashes.
    #[error("empty pattern or component")]
    Empty,
    /// A `\`: there are no escapes, and no name has a character that would need one.
    #[error("a backslash escapes nothing in a pattern")]
    Backslash,
    /// `[` without its `]`, or nothing between the two.
    #[error("a bracket that is empty or not closed")]
    Bracket,
    /// A range whose end comes before its beginning.
    #[error("a range that ends before it begins")]
    Range,
    /// `[^a]`, which POSIX leaves undefined.
    #[error("`[^` has no one meaning, write `[!`")]
    Caret,
    /// A character that no name has there.
    #[error("`{}` is in no name", .0.escape_debug())]
    Character(char),
    /// What it spells out is not a dataset's name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// More than [`MAX_PATTERN`] bytes.
    #[error("pattern is too long")]
    TooLong,
}

/// A pattern of full dataset names, component by component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetPattern(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// No wildcard: by far the most frequent.
    Literal(Dataset),
    /// `plain`: how many bytes stand before the first wildcard.
    Wild { text: Box<str>, plain: usize },
}

/// Where a dataset is, seen from one that a pattern matches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    At,
    Below,
}

impl DatasetPattern {
    /// Reads a pattern: what it spells out must be what OpenZFS takes for a dataset.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let Some(plain) = text.bytes().position(|byte| matches!(byte, b'*' | b'?' | b'[')) else {
            return literal(text);
        };
        if text.len() > MAX_PATTERN || text.split('/').count() > MAX_NESTING + 1 {
            return Err(PatternError::TooLong);
        }
        for component in text.split('/') {
            if component.contains(WILDCARDS) {
                check(component)?;
            } else {
                Component::parse(component).map_err(|error| explain(component, error))?;
            }
        }
        let pool = text.split('/').next().unwrap_or_default();
        if !pool.contains(WILDCARDS) {
            Dataset::parse(pool)?;
        } else if !pool.starts_with(|first: char| first.is_ascii_alphabetic() || WILDCARDS.contains(&first)) {
            return Err(NameError::Pool.into());
        }
        Ok(Self(Form::Wild { text: text.into(), plain }))
    }

    /// As it was written, `{client}` filled in.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Form::Literal(dataset) => dataset.as_str(),
            Form::Wild { text, .. } => text,
        }
    }

    /// Whether it names the dataset, or one above it, as far as the scope goes.
    pub fn covers(&self, dataset: &Dataset, scope: Scope) -> bool {
        self.place(dataset.as_str()).is_some_and(|place| match scope {
            Scope::Both => true,
            Scope::Descendents => place == Place::Below,
            Scope::Local => place == Place::At,
        })
    }

    fn place(&self, dataset: &str) -> Option<Place> {
        match &self.0 {
            Form::Literal(literal) => {
                let place = match dataset.as_bytes().get(literal.as_str().len()) {
                    None => Place::At,
                    Some(b'/') => Place::Below,
                    Some(_) => return None,
                };
                begins_with(dataset, literal.as_str()).then_some(place)
            }
            Form::Wild { text, plain } => {
                if !begins_with(dataset, text.get(..*plain)?) {
                    return None;
                }
                let mut components = dataset.split('/');
                let matched = text.split('/').all(|pattern| components.next().is_some_and(|name| fits(pattern, name)));
                matched.then(|| if components.next().is_some() { Place::Below } else { Place::At })
            }
        }
    }

    /// How many components the dataset has more than what this matches; `None` where it neither is it nor lies below it.
    pub fn below(&self, dataset: &Dataset) -> Option<usize> {
        self.place(dataset.as_str())?;
        dataset.depth().checked_sub(self.as_str().split('/').count())
    }

    /// Whether it could match a dataset that lies below this one. A bracket that no name fits counts as one that some fit.
    pub fn may_match_below(&self, dataset: &Dataset) -> bool {
        match &self.0 {
            Form::Literal(literal) => is_above(dataset.as_str(), literal.as_str()),
            Form::Wild { text, .. } => {
                let mut patterns = text.split('/');
                let above = dataset.components().all(|name| patterns.next().is_some_and(|pattern| fits(pattern, name)));
                above && patterns.next().is_some()
            }
        }
    }

    /// Whether the dataset lies above what this names, in the part before the first component with a wildcard.
    pub fn implies(&self, dataset: &Dataset) -> bool {
        let spelled_out = match &self.0 {
            Form::Literal(literal) => literal.as_str(),
            Form::Wild { text, plain } => text.get(..*plain).unwrap_or_default(),
        };
        is_above(dataset.as_str(), spelled_out)
    }

    /// Whether it names this dataset and no other.
    pub fn is(&self, dataset: &Dataset) -> bool {
        matches!(&self.0, Form::Literal(literal) if literal == dataset)
    }

    /// The dataset at or below which all lies that it names: what stands in front of the first component with a
    /// wildcard. None where that is the pool.
    pub fn root(&self) -> Option<Dataset> {
        match &self.0 {
            Form::Literal(dataset) => Some(dataset.clone()),
            Form::Wild { text, plain } => Dataset::parse(text.get(..*plain)?.rsplit_once('/')?.0).ok(),
        }
    }
}

/// Patterns of snapshot names, bookmark names, tags or properties: one of them must match the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Rc<[Box<str>]>);

impl Default for Names {
    /// None: nothing matches.
    fn default() -> Self {
        Self(Rc::new([]))
    }
}

impl Names {
    /// Reads patterns.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        texts.into_iter().map(Self::one).collect::<Result<Vec<_>, _>>().map(Self::of)
    }

    /// Reads one of them.
    pub(super) fn one(text: &str) -> Result<Box<str>, PatternError> {
        if text.len() > MAX_PATTERN {
            return Err(PatternError::TooLong);
        }
        check(text)?;
        Ok(text.into())
    }

    /// Of several that were read.
    pub(super) fn of(patterns: Vec<Box<str>>) -> Self {
        Self(patterns.into())
    }

    /// Whether one of them matches the whole name.
    pub fn matches(&self, name: &str) -> bool {
        !name.contains(['/', '@', '#']) && self.0.iter().any(|pattern| fits(pattern, name))
    }

    /// As they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }
}

/// What a name can't have and a pattern can.
pub(super) const WILDCARDS: [char; 3] = ['*', '?', '['];

/// As `starts_with`, but looks at the end first: among many names of one parent that is where they differ.
fn begins_with(dataset: &str, beginning: &str) -> bool {
    dataset.as_bytes().get(..beginning.len()).is_some_and(|head| {
        head.last_chunk::<8>() == beginning.as_bytes().last_chunk::<8>() && head == beginning.as_bytes()
    })
}

fn is_above(dataset: &str, other: &str) -> bool {
    other.strip_prefix(dataset).is_some_and(|rest| rest.starts_with('/'))
}

fn literal(text: &str) -> Result<DatasetPattern, PatternError> {
    match Dataset::parse(text) {
        Ok(dataset) => Ok(DatasetPattern(Form::Literal(dataset))),
        Err(error) => Err(explain(text, error)),
    }
}

/// Says which character it is that a name can't have.
fn explain(text: &str, error: NameError) -> PatternError {
    match error {
        NameError::EmptyComponent => PatternError::Empty,
        NameError::InvalidCharacter | NameError::UnexpectedDelimiter => {
            text.chars().find(|character| *character != '/' && !in_names(*character)).map_or(error.into(), foreign)
        }
        error => error.into(),
    }
}

fn foreign(character: char) -> PatternError {
    if character == '\\' { PatternError::Backslash } else { PatternError::Character(character) }
}

/// The characters of names (valid_char in zfs_namecheck.c), which have no wildcard among them.
fn in_names(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | ':' | ' ')
}

/// Checks a pattern of one component.
fn check(pattern: &str) -> Result<(), PatternError> {
    if pattern.is_empty() {
        return Err(PatternError::Empty);
    }
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let behind = rest.strip_prefix(first).unwrap_or_default();
        rest = match first {
            '*' | '?' => behind,
            '[' => bracket(behind)?,
            first if in_names(first) => behind,
            first => return Err(foreign(first)),
        };
    }
    Ok(())
}

/// Checks what stands behind a `[` and gives what stands behind its `]`.
fn bracket(inside: &str) -> Result<&str, PatternError> {
    let (body, behind) = inside.split_once(']').ok_or(PatternError::Bracket)?;
    if body.starts_with('^') {
        return Err(PatternError::Caret);
    }
    let body = body.strip_prefix('!').unwrap_or(body);
    if body.is_empty() {
        return Err(PatternError::Bracket);
    }
    if let Some(character) = body.chars().find(|character| !in_names(*character)) {
        return Err(foreign(character));
    }
    if Ranges(body.as_bytes()).any(|(first, last)| first > last) { Err(PatternError::Range) } else { Ok(behind) }
}

/// The ranges of a bracket's body; a single byte is a range of one. A `-` at either end is a byte like others.
struct Ranges<'p>(&'p [u8]);

impl Iterator for Ranges<'_> {
    type Item = (u8, u8);

    fn next(&mut self) -> Option<(u8, u8)> {
        let (range, rest) = match *self.0 {
            [first, b'-', last, ref rest @ ..] => ((first, last), rest),
            [byte, ref rest @ ..] => ((byte, byte), rest),
            [] => return None,
        };
        self.0 = rest;
        Some(range)
    }
}

/// Whether a checked pattern of one component matches the whole name. Looks back only to the last `*`, which suffices,
/// since an earlier one taking more would only leave less: at most pattern times name steps, no recursion.
fn fits(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.as_bytes(), name.as_bytes());
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', behind @ ..] = pattern {
            star = Some((behind, name));
            pattern = behind;
        } else if let Some((pattern_behind, name_behind)) = step(pattern, name) {
            (pattern, name) = (pattern_behind, name_behind);
        } else if name.is_empty() {
            return pattern.is_empty();
        } else if let Some((behind, [_, from @ ..])) = star {
            star = Some((behind, from));
            (pattern, name) = (behind, from);
        } else {
            return false;
        }
    }
}

/// What is left of both when the pattern's first element, other than `*`, takes the name's first byte.
fn step<'p, 'n>(pattern: &'p [u8], name: &'n [u8]) -> Option<(&'p [u8], &'n [u8])> {
    let (byte, name) = name.split_first()?;
    match pattern {
        [b'?', pattern @ ..] => Some((pattern, name)),
        [b'[', inside @ ..] => {
            let end = inside.iter().position(|byte| *byte == b']')?;
            let (body, pattern) = (inside.get(..end)?, inside.get(end + 1..)?);
            let (negated, body) = match body {
                [b'!', body @ ..] => (true, body),
                body => (false, body),
            };
            let inside = Ranges(body).any(|(first, last)| (first..=last).contains(byte));
            (inside != negated).then_some((pattern, name))
        }
        [literal, pattern @ ..] if literal == byte => Some((pattern, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> DatasetPattern {
        DatasetPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn dataset(text: &str) -> Dataset {
        Dataset::parse(text).unwrap()
    }

    #[test]
    fn patterns_are_as_long_and_as_deep_as_they_may_be_and_no_more() {
        let stars = |count: usize| "*".repeat(count);
        assert!(Names::one(&stars(MAX_PATTERN)).is_ok() && DatasetPattern::parse(&stars(MAX_PATTERN)).is_ok());
        assert_eq!(Names::one(&stars(MAX_PATTERN + 1)), Err(PatternError::TooLong));
        assert_eq!(DatasetPattern::parse(&stars(MAX_PATTERN + 1)), Err(PatternError::TooLong));
        let deep = |count: usize| DatasetPattern::parse(&vec!["*"; count].join("/"));
        assert!(deep(MAX_NESTING + 1).is_ok());
        assert_eq!(deep(MAX_NESTING + 2), Err(PatternError::TooLong));
    }

    #[test]
    fn names_match_as_fnmatch_says() {
        let cases = [
            ("syncoid_*", "syncoid_nas_2026-01-01:00:00:00-GMT00:00", true),
            ("syncoid_*", "syncoid_", true),
            ("syncoid_*", "xsyncoid_a", false),
            ("syncoid_", "syncoid_a", false),
            ("*", "anything at:all", true),
            ("*", "", true),
            ("*", ".hidden", true),
            ("?", "", false),
            ("?", "a", true),
            ("??", "a", false),
            ("a?c", "abc", true),
            ("[0-9]", "5", true),
            ("[0-9]", "a", false),
            ("[!0-9]", "a", true),
            ("[!0-9]", "5", false),
            ("[!0-9]", "", false),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[a-]", "b", false),
            ("[a-cx-z_]", "y", true),
            ("[a-cx-z_]", "_", true),
            ("[a-cx-z_]", "d", false),
            ("*-[0-9][0-9]", "a-1-23", true),
            ("*-[0-9][0-9]", "a-123", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*a", "aaa", true),
            ("**a**", "bab", true),
            ("*[!a]", "ba", false),
            ("a.c", "abc", false),
            ("A*", "abc", false),
        ];
        for (text, name, expected) in cases {
            let names = Names::parse([text]).unwrap();
            assert_eq!(names.matches(name), expected, "{text} on {name:?}");
        }
    }

    #[test]
    fn no_pattern_reaches_across_a_delimiter() {
        for delimited in ["a/b", "a@b", "a#b"] {
            for text in ["*", "a?b", "a[!x]b", "a[ -z]b"] {
                assert!(!Names::parse([text]).unwrap().matches(delimited), "{text} on {delimited}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        assert_eq!(Names::parse(["a\n"]).unwrap_err().to_string(), "`\\n` is in no name");
        assert_eq!(Names::parse(["ü"]).unwrap_err().to_string(), "`ü` is in no name");
    }

    #[test]
    fn any_of_several_names_will_do_and_none_matches_nothing() {
        let names = Names::parse(["a*", "b"]).unwrap();
        assert!(names.matches("ax") && names.matches("b"));
        assert!(!names.matches("bx"));
        assert!(!Names::default().matches("") && !Names::default().matches("a"));
    }

    #[test]
    fn what_is_no_name_pattern_says_why() {
        let cases = [
            ("", PatternError::Empty),
            ("a\\*", PatternError::Backslash),
            ("[a\\]", PatternError::Backslash),
            ("[", PatternError::Bracket),
            ("a[0-9", PatternError::Bracket),
            ("[]", PatternError::Bracket),
            ("[!]", PatternError::Bracket),
            ("[^a]", PatternError::Caret),
            ("[z-a]", PatternError::Range),
            ("[a-c9-0]", PatternError::Range),
            ("]", PatternError::Character(']')),
            ("[[:digit:]]", PatternError::Character('[')),
            ("a/b", PatternError::Character('/')),
            ("a@b", PatternError::Character('@')),
            ("[/]", PatternError::Character('/')),
            ("{a,b}", PatternError::Character('{')),
            ("a%", PatternError::Character('%')),
            ("ü*", PatternError::Character('ü')),
            ("a\n", PatternError::Character('\n')),
        ];
        for (text, why) in cases {
            assert_eq!(Names::parse([text]).unwrap_err(), why, "{text}");
        }
        assert_eq!(Names::parse(["a".repeat(1025).as_str()]).unwrap_err(), PatternError::TooLong);
    }

    #[test]
    fn what_is_no_dataset_pattern_says_why() {
        let cases = [
            ("", PatternError::Empty),
            ("/tank", PatternError::Name(NameError::LeadingSlash)),
            ("/*", PatternError::Empty),
            ("tank/", PatternError::Empty),
            ("tank/*/", PatternError::Empty),
            ("tank//*", PatternError::Empty),
            ("tank/./*", PatternError::Name(NameError::Reference)),
            ("tank/..", PatternError::Name(NameError::Reference)),
            ("1tank", PatternError::Name(NameError::Pool)),
            ("1tank/*", PatternError::Name(NameError::Pool)),
            ("1*/a", PatternError::Name(NameError::Pool)),
            ("mirror/*", PatternError::Name(NameError::Pool)),
            ("tank/a@*", PatternError::Character('@')),
            ("tank@a", PatternError::Character('@')),
            ("tank/a#b", PatternError::Character('#')),
            ("tank/[a/b]", PatternError::Bracket),
            ("tank/a\\b", PatternError::Backslash),
            ("tank/{client}", PatternError::Character('{')),
        ];
        for (text, why) in cases {
            assert_eq!(DatasetPattern::parse(text).unwrap_err(), why, "{text}");
        }
        let deep = format!("tank{}", "/*".repeat(50));
        assert_eq!(DatasetPattern::parse(&deep).unwrap_err(), PatternError::TooLong);
    }

    #[test]
    fn a_scope_says_how_far_below_a_dataset_is_covered() {
        let cases = [
            ("tank/home", "tank/home", "bl"),
            ("tank/home", "tank/home/a", "bd"),
            ("tank/home", "tank/home/a/b", "bd"),
            ("tank/home", "tank/homes", ""),
            ("tank/home", "tank", ""),
            ("tank/home", "tank/Home", ""),
            ("tank/vm-*", "tank/vm-1", "bl"),
            ("tank/vm-*", "tank/vm-1/disk", "bd"),
            ("tank/vm-*", "tank/vm", ""),
            ("tank/*/x", "tank/a/x", "bl"),
            ("tank/*/x", "tank/a/x/y", "bd"),
            ("tank/*/x", "tank/a/y", ""),
            ("tank/*/x", "tank/a", ""),
            ("*", "tank", "bl"),
            ("*", "tank/a", "bd"),
            ("tank/*", "tank", ""),
            ("[!t]*", "tank/a", ""),
        ];
        for (text, name, scopes) in cases {
            for (letter, scope) in [('b', Scope::Both), ('l', Scope::Local), ('d', Scope::Descendents)] {
                let covers = pattern(text).covers(&dataset(name), scope);
                assert_eq!(covers, scopes.contains(letter), "{text} {scope:?} {name}");
            }
        }
    }

    #[test]
    fn a_pattern_says_how_far_below_it_a_dataset_lies() {
        let cases = [
            ("tank/home", "tank/home", Some(0)),
            ("tank/home", "tank/home/a/b", Some(2)),
            ("tank/home", "tank/homes", None),
            ("tank/home", "tank", None),
            ("tank/vm-*", "tank/vm-1/disk", Some(1)),
            ("*", "tank/a", Some(1)),
            ("tank/*/x", "tank/a/y", None),
        ];
        for (text, name, expected) in cases {
            assert_eq!(pattern(text).below(&dataset(name)), expected, "{text} {name}");
        }
    }

    #[test]
    fn a_pattern_may_match_below_what_its_first_components_match() {
        let cases = [
            ("tank/a/b", "tank", true),
            ("tank/a/b", "tank/a", true),
            ("tank/a/b", "tank/a/b", false),
            ("tank/a/b", "tank/a/b/c", false),
            ("tank/a/b", "tank/x", false),
            ("tank/ab", "tank/a", false),
            ("tank/*/b", "tank/x", true),
            ("tank/v*/b", "tank/x", false),
            ("tank/*", "tank", true),
            ("tank/*", "tank/a", false),
            ("*/b", "tank", true),
            ("t[!a]*/b", "tank", false),
        ];
        for (text, name, expected) in cases {
            assert_eq!(pattern(text).may_match_below(&dataset(name)), expected, "{text} below {name}");
        }
    }

    #[test]
    fn a_pattern_implies_what_it_spells_out_above_itself() {
        let cases = [
            ("tank/a/b", "tank", true),
            ("tank/a/b", "tank/a", true),
            ("tank/a/b", "tank/a/b", false),
            ("tank/ab/c", "tank/a", false),
            ("tank/vm-*", "tank", true),
            ("tank/vm-*", "tank/vm-", false),
            ("tank/*/b", "tank/x", false),
            ("tank/a/*", "tank/a", true),
            ("*/b", "tank", false),
            ("ta?k/b", "ta", false),
        ];
        for (text, name, expected) in cases {
            assert_eq!(pattern(text).implies(&dataset(name)), expected, "{text} implies {name}");
        }
    }

    #[test]
    fn only_a_pattern_without_wildcards_is_a_literal() {
        assert_eq!(pattern("tank/a b").root(), Some(dataset("tank/a b")));
        assert_eq!(pattern("tank/a/vm-?/x").root(), Some(dataset("tank/a")));
        assert_eq!(pattern("ta?k/a").root(), None);
        assert_eq!(pattern("tank/?").as_str(), "tank/?");
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
    fn many_stars_cost_no_more_than_pattern_times_name() {
        let names = Names::parse(["*a".repeat(500).as_str()]).unwrap();
        assert!(!names.matches(&format!("{}b", "a".repeat(250))));
    }
}
