//! `lint`: what a policy says and its author probably doesn't mean. A policy with an error allows nothing; what is found
//! here is allowed all the same, so it is for people alone.

mod clients;
mod fixed;
mod home;
mod host;
mod json;
mod key;
mod push;
mod reach;

pub(super) use push::OPENING;

use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use super::cli::Lint;
use super::diagnostic::Diagnostic;
use super::facts::Facts;
use super::form::counted;
use super::source::{self, Source};
use super::written::{self, Written};
use super::{Stop, authorized, clock};
use crate::command::name::Dataset;
use crate::host::Live;
use crate::policy::{self, DatasetPattern, DestroyRule, Floor, Grant, Operation, Policy, Privilege, Raw, Scope};

/// Prints what is found; the status says how bad the worst is.
pub(super) fn run(arguments: &Lint, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let policy = source.policy()?;
    let written = Written::read(&source.text);
    let now = clock(arguments.at.as_ref())?;
    let mut findings = findings(&policy, &written, now);
    let name = source.name().ok();
    let account = name.as_ref().map(|name| authorized::account(&policy.key, name));
    let homes = account.map(|account| home::of(account, arguments.live)).unwrap_or_default();
    for (index, command) in policy.commands.iter().enumerate() {
        findings.extend(fixed::findings(command, &homes, written.command(index)));
    }
    findings.extend(key::findings(&policy.key, written.key(), source.client.is_some(), now));
    findings.extend(unread(&source, Path::new(policy::DIRECTORY)));
    let live = arguments.live.then(|| Facts::Live(Live::new(&policy)));
    let assumed = arguments.assume.as_ref().map(|facts| source::facts(facts).map(Facts::Assumed)).transpose()?;
    for facts in live.iter().chain(&assumed) {
        findings.extend(host::findings(&policy, &written, facts.host()));
        findings.extend(account.iter().flat_map(|account| host::rights(&policy, &written, account, facts)));
    }
    let hints = clients::hints(&policy, &written);
    if arguments.json {
        json::write(out, &source, &findings, &hints)?;
    } else {
        for finding in &findings {
            writeln!(out, "{}\n", finding.diagnostic(&source).render())?;
        }
        for hint in hints {
            writeln!(out, "{}\n", hint.diagnostic(&source).render())?;
        }
        let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
        let (errors, warnings) = (counted(errors, "error"), counted(findings.len() - errors, "warning"));
        writeln!(out, "{}: {errors}, {warnings}", source.path)?;
    }
    Ok(findings.iter().map(|finding| finding.level as u8).max().unwrap_or(0))
}

/// A file in the place of policies that the gate would refuse to read.
fn unread(source: &Source, directory: &Path) -> Option<Finding> {
    if source.name.is_some() || Path::new(&source.path).parent() != Some(directory) {
        return None;
    }
    let error = policy::open(directory, &source.name().ok()?).err()?;
    Some(Finding::error("the gate does not read this file", error.to_string(), None))
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
    note: Cow<'static, str>,
    span: Option<Range<usize>>,
}

impl Finding {
    fn warning(what: impl Into<String>, note: impl Into<Cow<'static, str>>, span: Option<Range<usize>>) -> Self {
        Self { level: Level::Warning, what: what.into(), note: note.into(), span }
    }

    fn error(what: impl Into<String>, note: impl Into<Cow<'static, str>>, span: Option<Range<usize>>) -> Self {
        Self { level: Level::Error, ..Self::warning(what, note, span) }
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
        shown.note(self.note.as_ref())
    }
}

fn findings(policy: &Policy, written: &Written, now: SystemTime) -> Vec<Finding> {
    let mut found = Vec::new();
    if policy.grants.is_empty() && policy.commands.is_empty() {
        let note = "with this policy every request is refused";
        found.push(Finding::warning("no grant", note, None));
    }
    if policy.privilege != Privilege::None {
        let note = "what gains rights can't be confined; `via = \"none\"` with `zfs allow` needs no sudo";
        found.push(Finding::warning("the sandbox does not hold for zfs", note, written.via()));
        if policy.grants.iter().any(|grant| grant.allow.has(Operation::Receive)) {
            let note = "what `zfs allow` gives no longer limits what a stream can do; the stream rules alone do";
            found.push(Finding::warning("what arrives is received with all rights of root", note, written.via()));
        }
    }
    for (index, grant) in policy.grants.iter().enumerate() {
        let nothing = written::Grant::default();
        let place = Place::of(written, index, &nothing);
        found.extend(ended(grant, now, &place));
        found.extend(raw(grant, &place));
        found.extend(any_name(grant, &place));
        let lost: Vec<Finding> = floor_lost(grant, &place).collect();
        let is_told = |finding: &Finding| lost.iter().any(|lost| lost.span == finding.span);
        found.extend(push::floor_missing(grant, &place).filter(|finding| !is_told(finding)));
        found.extend(lost);
        found.extend(push::findings(grant, policy.privilege, &place));
        found.extend(reopened(grant, policy, &place));
        found.extend(reach::findings(grant, &place));
    }
    found
}

/// Where things of one grant are written.
struct Place<'a> {
    places: &'a written::Grant,
    whole: Option<Range<usize>>,
}

impl<'a> Place<'a> {
    fn of(written: &'a Written, index: usize, nothing: &'a written::Grant) -> Self {
        match written.grant(index) {
            Some((places, whole)) => Self { places, whole: Some(whole) },
            None => Self { places: nothing, whole: None },
        }
    }

    /// This place, or else that of the whole grant.
    fn or_whole(&self, span: Option<Range<usize>>) -> Option<Range<usize>> {
        span.or_else(|| self.whole.clone())
    }

    /// This value, or else the whole grant.
    fn at<T>(&self, value: Option<&toml::Spanned<T>>) -> Option<Range<usize>> {
        self.or_whole(value.map(toml::Spanned::span))
    }

    fn destroy(&self, index: usize) -> Option<Range<usize>> {
        self.at(self.places.destroy.get(index))
    }
}

fn ended(grant: &Grant, now: SystemTime, place: &Place<'_>) -> Option<Finding> {
    let span = place.at(place.places.until.as_ref());
    let past = grant.until.is_some_and(|until| until <= now);
    past.then(|| Finding::warning("this grant has ended", "it allows nothing any more; take it out", span))
}

fn raw(grant: &Grant, place: &Place<'_>) -> Option<Finding> {
    let note = match grant.send.raw {
        Raw::Always | Raw::Encrypted => return None,
        Raw::Any => "whoever has the key can have the host decrypt what it sends; `raw = \"encrypted\"` needs -w there",
        Raw::Never => "the host decrypts all that it sends; `raw = \"encrypted\"` needs -w there",
    };
    let span = place.at(place.places.send.raw.as_ref());
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
    let replaced = written.and_then(|role| of_role(role.get_ref())).map(|role| role.destroy);
    let replaced = replaced.as_deref().unwrap_or_default().to_vec();
    grant.destroy.iter().enumerate().filter_map(move |(index, rule)| {
        let lost = replaced.iter().find(|old| is_lower(rule.floor, old.floor) && shares_a_name(rule, old))?;
        let Floor { daily, weekly, monthly } = lost.floor;
        let parts = [(daily, "day"), (weekly, "week"), (monthly, "month")].into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, unit)| counted(count as usize, unit)).collect();
        let what = format!("the role's floor of {} is lost", parts.join(", "));
        let note = "rules of [[grant.destroy]] replace all of the role's; write `floor` in this one";
        Some(Finding::warning(what, note, place.destroy(index)))
    })
}

/// What a role stands for.
fn of_role(role: &str) -> Option<Grant> {
    let text = format!("[[grant]]\nrole = {role:?}\ndatasets = [\"tank\"]\n");
    policy::parse(&text, None).ok()?.grants.first().cloned()
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
        let opener = policy.grants.iter().find(|other| other.id != grant.id && opens(other, grant, except))?;
        let span = place.at(place.places.except.get(index));
        let what = format!("grant {} opens '{}' again without naming it", opener.id.0, except.as_str());
        let note = "`except` takes away from its own grant only: write it there too, or name it there if that is meant";
        Some(Finding::error(what, note, span))
    })
}

/// Whether `other` covers, from above, a dataset that the pattern takes out of `grant`, for an operation of both. Looked
/// for by example, so that what is found is there.
fn opens(other: &Grant, grant: &Grant, except: &DatasetPattern) -> bool {
    let shared = Operation::ALL.into_iter().any(|operation| grant.allow.has(operation) && other.allow.has(operation));
    let named = other.datasets.iter().any(|pattern| pattern.as_str() == except.as_str());
    let from_above = other.datasets.iter().filter(|pattern| !lies_within(pattern, except));
    let mut pairs = from_above.flat_map(|pattern| grant.datasets.iter().map(move |own| (pattern, own)));
    let is_example = |dataset: Dataset| {
        except.covers(&dataset, Scope::Both)
            && other.covers(&dataset)
            && grant.datasets.iter().any(|own| own.covers(&dataset, grant.scope))
    };
    shared && !named && pairs.any(|(pattern, own)| example(except, [pattern, own]).is_some_and(is_example))
}

/// Whether all that the pattern names itself lies in the other.
fn lies_within(pattern: &DatasetPattern, except: &DatasetPattern) -> bool {
    Dataset::parse(&sample(pattern.as_str())).is_ok_and(|dataset| except.covers(&dataset, Scope::Both))
}

/// A dataset that could match the pattern, made with the plain components of the others where it has a wildcard.
fn example(pattern: &DatasetPattern, others: [&DatasetPattern; 2]) -> Option<Dataset> {
    let is_plain = |component: &&str| !component.contains(['*', '?', '[']);
    let components: Vec<String> = pattern
        .as_str()
        .split('/')
        .enumerate()
        .map(|(depth, own)| {
            let theirs = others.iter().filter_map(|other| other.as_str().split('/').nth(depth));
            std::iter::once(own).chain(theirs).find(is_plain).map_or_else(|| sample(own), str::to_owned)
        })
        .collect();
    Dataset::parse(&components.join("/")).ok()
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
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    /// What is found: how bad, what is said, and what is pointed at.
    pub(super) fn lint(text: &str) -> Vec<(Level, String, String)> {
        let policy = policy::parse(text, None).unwrap();
        // 2027-01-15
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let found = findings(&policy, &Written::read(text), now);
        let at = |span: Option<Range<usize>>| text.get(span.unwrap_or_default()).unwrap().to_owned();
        found.into_iter().map(|finding| (finding.level, finding.what, at(finding.span))).collect()
    }

    #[test]
    fn a_file_that_the_gate_would_not_read_is_found_where_policies_lie() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nas.toml");
        std::fs::write(&path, PULL).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let source = Source { path: path.display().to_string(), name: None, text: PULL.to_owned(), client: None };
        let found = unread(&source, directory.path()).unwrap();
        assert!(found.level == Level::Error && found.note.contains(" is writable by "), "{found:?}");
        assert!(unread(&source, Path::new("/etc/zfs-shell")).is_none(), "elsewhere it is on its way");
    }

    pub(super) fn pointed(text: &str) -> Vec<String> {
        lint(text).into_iter().map(|(_, _, at)| at).collect()
    }

    const PULL: &str = "[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/home']\n";

    #[test]
    fn the_common_case_has_nothing_to_find() {
        assert_eq!(lint(PULL), []);
    }

    #[test]
    fn a_policy_without_a_grant_is_found() {
        assert_eq!(lint("")[0].1, "no grant");
    }

    #[test]
    fn a_grant_that_has_ended_is_found_at_its_date() {
        assert_eq!(pointed(&format!("{PULL}until = 2027-01-01T00:00:00Z\n")), ["2027-01-01T00:00:00Z"]);
        assert!(lint(&format!("{PULL}until = 2028-01-01T00:00:00Z\n")).is_empty());
    }

    #[test]
    fn sending_plain_text_of_encrypted_datasets_is_found_where_there_is_sending() {
        assert_eq!(pointed(&format!("{PULL}send.raw = 'any'\n")), ["'any'"]);
        assert_eq!(pointed(&format!("{PULL}send.raw = 'never'\n")), ["'never'"]);
        assert!(lint(&format!("{PULL}send.raw = 'always'\n")).is_empty());
        assert!(lint(&format!("{PULL}send.raw = 'any'\nallow = ['list']\n")).is_empty());
    }

    #[test]
    fn gaining_rights_is_found_for_what_it_takes_away() {
        let found = lint(&format!("{PULL}[privilege]\nvia = 'sudo'\n"));
        assert_eq!(found, [(Level::Warning, "the sandbox does not hold for zfs".to_owned(), "'sudo'".to_owned())]);
    }

    #[test]
    fn a_written_rule_that_loses_the_floor_of_its_role_is_found() {
        let rule = |text| lint(&format!("{PULL}[[grant.destroy]]\n{text}\n"));
        let what = &rule("names = ['bzfs_*']")[0].1;
        assert_eq!(what, "the role's floor of 7 days, 4 weeks is lost");
        assert_eq!(rule("names = ['bzfs_*']\nfloor = { daily = 7 }").len(), 1);
        assert!(rule("names = ['bzfs_*']\nfloor = { daily = 7, weekly = 4 }").is_empty());
        assert!(rule("names = ['mine_*']").is_empty());
    }

    #[test]
    fn any_name_that_may_be_destroyed_is_found_at_the_star() {
        let text = format!("{PULL}[[grant.destroy]]\nnames = ['a', '*']\nfloor = {{ daily = 99, weekly = 99 }}\n");
        assert_eq!(pointed(&text), ["'*'"]);
    }

    #[test]
    fn an_except_that_another_grant_opens_again_is_an_error() {
        let with = |other: &str| lint(&format!("{PULL}except = ['tank/home/private']\n[[grant]]\n{other}\n"));
        let found = with("allow = ['send']\ndatasets = ['tank']");
        let what = "grant 2 opens 'tank/home/private' again without naming it".to_owned();
        assert_eq!(found, [(Level::Error, what, "'tank/home/private'".to_owned())]);
        let fine = [
            "allow = ['send']\ndatasets = ['tank/home/private']",
            "allow = ['send']\ndatasets = ['tank/home/private/shared']",
            "allow = ['send']\ndatasets = ['tank']\nexcept = ['tank/home/private']",
            "allow = ['send']\ndatasets = ['tank']\nexcept = ['tank/*/private']",
            "allow = ['send']\ndatasets = ['tank/home']\nscope = 'local'",
            "allow = ['send']\ndatasets = ['tank/other']",
        ];
        for other in fine {
            assert_eq!(with(other), [], "{other}");
        }
    }

    #[test]
    fn an_except_with_a_wildcard_is_opened_by_what_it_could_match_below() {
        let with = |other: &str| {
            lint(&format!("{PULL}except = ['tank/home/*/private']\n[[grant]]\nallow = ['send']\n{other}\n")).len()
        };
        assert_eq!(with("datasets = ['tank/home/anna']"), 1);
        assert_eq!(with("datasets = ['tank/home/*']"), 1);
        assert_eq!(with("datasets = ['tank/home/anna/private']"), 0);
        assert_eq!(with("datasets = ['tank/homes']"), 0);
        assert_eq!(with("datasets = ['tank']\nexcept = ['tank/*/*/private']"), 0);
    }

    #[test]
    fn a_sample_is_what_the_pattern_matches() {
        assert_eq!(sample("tank/vm-*/p?"), "tank/vm-x/px");
        assert_eq!(sample("*-[0-9][0-9]"), "x-00");
        assert_eq!(sample("[a"), "a");
    }
}
