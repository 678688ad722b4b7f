//! `lint`: what a policy says and its author probably doesn't mean. A policy with an error allows nothing; what is found
//! here is allowed all the same, so it is for people alone.

use std::io::Write;
use std::ops::Range;
use std::time::SystemTime;

use super::cli::Lint;
use super::diagnostic::Diagnostic;
use super::source::Source;
use super::written::{self, Written};
use super::{Stop, clock};
use crate::command::name::Dataset;
use crate::policy::{self, DatasetPattern, DestroyRule, Floor, Grant, Operation, Policy, Privilege, Raw, Scope};

/// Prints what is found; the status says how bad the worst is.
pub(super) fn run(arguments: &Lint, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let policy = source.policy()?;
    let findings = findings(&policy, &Written::read(&source.text), clock(arguments.at.as_ref())?);
    for finding in &findings {
        writeln!(out, "{}\n", finding.diagnostic(&source).render())?;
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    writeln!(out, "{}: {errors} errors, {} warnings", source.path, findings.len() - errors)?;
    Ok(findings.iter().map(|finding| finding.level as u8).max().unwrap_or(0))
}

/// How bad it is. The numbers are the exit statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Warning = 1,
    Error = 2,
}

#[derive(Debug)]
struct Finding {
    level: Level,
    what: String,
    note: &'static str,
    span: Option<Range<usize>>,
}

impl Finding {
    fn warning(what: impl Into<String>, note: &'static str, span: Option<Range<usize>>) -> Self {
        Self { level: Level::Warning, what: what.into(), note, span }
    }

    fn diagnostic<'a>(&self, source: &'a Source) -> Diagnostic<'a> {
        let shown = match self.level {
            Level::Warning => Diagnostic::warning(&self.what),
            Level::Error => Diagnostic::error(&self.what),
        };
        let shown = match &self.span {
            Some(span) => shown.at(&source.path, &source.text, span.clone()),
            None => shown,
        };
        shown.note(self.note)
    }
}

fn findings(policy: &Policy, written: &Written, now: SystemTime) -> Vec<Finding> {
    let mut found = Vec::new();
    if policy.grants.is_empty() {
        let note = "with this policy every request is refused";
        found.push(Finding::warning("no grant", note, None));
    }
    if policy.privilege != Privilege::None {
        let note = "what gains rights can't be confined; `via = \"none\"` with `zfs allow` needs no sudo";
        found.push(Finding::warning("the sandbox does not hold for zfs", note, written.via()));
    }
    for (index, grant) in policy.grants.iter().enumerate() {
        let nothing = written::Grant::default();
        let (places, whole) = match written.grant(index) {
            Some((places, whole)) => (places, Some(whole)),
            None => (&nothing, None),
        };
        let place = Place { places, whole };
        found.extend(ended(grant, now, &place));
        found.extend(raw(grant, &place));
        found.extend(any_name(grant, &place));
        found.extend(floor_lost(grant, &place));
        found.extend(reopened(grant, policy, &place));
    }
    found
}

/// Where things of one grant are written.
struct Place<'a> {
    places: &'a written::Grant,
    whole: Option<Range<usize>>,
}

impl Place<'_> {
    /// This place, or else that of the whole grant.
    fn or_whole(&self, span: Option<Range<usize>>) -> Option<Range<usize>> {
        span.or_else(|| self.whole.clone())
    }

    fn destroy(&self, index: usize) -> Option<Range<usize>> {
        self.or_whole(self.places.destroy.get(index).map(toml::Spanned::span))
    }
}

fn ended(grant: &Grant, now: SystemTime, place: &Place<'_>) -> Option<Finding> {
    let span = place.or_whole(place.places.until.as_ref().map(toml::Spanned::span));
    let past = grant.until.is_some_and(|until| until <= now);
    past.then(|| Finding::warning("this grant has ended", "it allows nothing any more; take it out", span))
}

fn raw(grant: &Grant, place: &Place<'_>) -> Option<Finding> {
    let note = match grant.send.raw {
        Raw::Always | Raw::Encrypted => return None,
        Raw::Any => "whoever has the key can have the host decrypt what it sends; `raw = \"encrypted\"` needs -w there",
        Raw::Never => "the host decrypts all that it sends; `raw = \"encrypted\"` needs -w there",
    };
    let span = place.or_whole(place.places.send.raw.as_ref().map(toml::Spanned::span));
    let sends = grant.allow.has(Operation::Send);
    sends.then(|| Finding::warning("encrypted datasets may leave as plain text", note, span))
}

fn any_name<'a>(grant: &'a Grant, place: &'a Place<'_>) -> impl Iterator<Item = Finding> + 'a {
    let rules = grant.destroy.iter().enumerate().filter(|_| grant.allow.has(Operation::Destroy));
    rules.filter(|(_, rule)| rule.names.iter().any(|name| name == "*")).map(|(index, _)| {
        let names = place.places.destroy.get(index).map(|rule| &rule.get_ref().names);
        let name = names.and_then(|names| names.iter().find(|name| name.get_ref() == "*"));
        let note = "snapshots that others made may go as well; name those of the client, as `syncoid_*`";
        let span = name.map(toml::Spanned::span).or_else(|| place.destroy(index));
        Finding::warning("any snapshot may be destroyed", note, span)
    })
}

/// Rules written out replace all of the role's, so that a floor can be lost without a word about floors.
fn floor_lost<'a>(grant: &'a Grant, place: &'a Place<'_>) -> impl Iterator<Item = Finding> + 'a {
    let written = if place.places.destroy.is_empty() { None } else { place.places.role.as_ref() };
    let replaced = written.map(|role| of_role(role.get_ref())).unwrap_or_default();
    grant.destroy.iter().enumerate().filter_map(move |(index, rule)| {
        let lost = replaced.iter().find(|old| is_lower(rule.floor, old.floor) && shares_a_name(rule, old))?;
        let Floor { daily, weekly, monthly } = lost.floor;
        let what = format!("the role's floor of {daily} days, {weekly} weeks, {monthly} months is lost");
        let note = "rules of [[grant.destroy]] replace all of the role's; write `floor` in this one";
        Some(Finding::warning(what, note, place.destroy(index)))
    })
}

/// The rules that a role stands for.
fn of_role(role: &str) -> Vec<DestroyRule> {
    let text = format!("[[grant]]\nrole = {role:?}\ndatasets = [\"tank\"]\n");
    let grants = policy::parse(&text, None).map(|policy| policy.grants).unwrap_or_default();
    grants.iter().flat_map(|grant| grant.destroy.iter().cloned()).collect()
}

fn is_lower(floor: Floor, than: Floor) -> bool {
    floor.daily < than.daily || floor.weekly < than.weekly || floor.monthly < than.monthly
}

fn shares_a_name(rule: &DestroyRule, other: &DestroyRule) -> bool {
    let matches = |a: &DestroyRule, b: &DestroyRule| b.names.iter().any(|name| a.names.matches(&sample(name)));
    matches(rule, other) || matches(other, rule)
}

/// An `except` takes away from its own grant only. Where another grant allows some of the same for what lies there, and
/// doesn't name it, its author has probably thought of the `except` as a wall.
fn reopened<'a>(grant: &'a Grant, policy: &'a Policy, place: &'a Place<'_>) -> impl Iterator<Item = Finding> + 'a {
    grant.except.iter().enumerate().filter_map(move |(index, except)| {
        let others = policy.grants.iter().filter(|other| other.id != grant.id && shares_an_operation(grant, other));
        let opener = { others }.find(|other| opens(other, except))?;
        let span = place.or_whole(place.places.except.get(index).map(toml::Spanned::span));
        Some(Finding {
            level: Level::Error,
            what: format!("grant {} opens '{}' again without naming it", opener.id.0, except.as_str()),
            note: "`except` takes away from its own grant only: write it there too, or name it there if that is meant",
            span,
        })
    })
}

fn shares_an_operation(a: &Grant, b: &Grant) -> bool {
    Operation::ALL.into_iter().any(|operation| a.allow.has(operation) && b.allow.has(operation))
}

/// Whether the grant covers, from above, something that the pattern takes out.
fn opens(grant: &Grant, except: &DatasetPattern) -> bool {
    if grant.except.iter().any(|own| own.as_str() == except.as_str()) {
        return false;
    }
    let inside = Dataset::parse(&sample(except.as_str())).ok();
    if inside.as_ref().is_some_and(|inside| grant.except.iter().any(|own| own.covers(inside, Scope::Both))) {
        return false;
    }
    grant.datasets.iter().filter(|pattern| !names(pattern, except)).any(|pattern| {
        let below = pattern.literal().is_some_and(|top| grant.scope != Scope::Local && except.may_match_below(&top));
        below || inside.as_ref().is_some_and(|inside| pattern.covers(inside, grant.scope))
    })
}

/// Whether the pattern is the other one, or stands for something inside of it.
fn names(pattern: &DatasetPattern, except: &DatasetPattern) -> bool {
    let inside = |dataset| except.covers(&dataset, Scope::Both);
    pattern.as_str() == except.as_str() || Dataset::parse(&sample(pattern.as_str())).is_ok_and(inside)
}

/// A name that the pattern matches: a letter for `*` and `?`, the first of its characters for `[...]`.
fn sample(pattern: &str) -> String {
    let mut name = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' | '?' => name.push('x'),
            '[' => {
                name.extend(rest.next());
                rest.by_ref().find(|c| *c == ']');
            }
            c => name.push(c),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_what_the_pattern_matches() {
        assert_eq!(sample("tank/vm-*/p?"), "tank/vm-x/px");
        assert_eq!(sample("*-[0-9][0-9]"), "x-00");
        assert_eq!(sample("[a"), "a");
    }
}
