//! `check`: judges commands as the gate does, by the same function, and stops before anything runs.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::cli::Check;
use super::facts::Facts;
use super::form::{self, Summary};
use super::source::{self, Source};
use super::{Stop, json, stream};
use crate::judge;
use crate::policy::Policy;
use crate::record::Outcome;

/// Answers, with the status that says whether all are allowed or kept.
pub(super) fn run(arguments: &Check, out: &mut impl Write) -> Result<u8, Stop> {
    let policy = Source::find(&arguments.policy)?.policy()?;
    let facts = Facts::of(&arguments.asked, &policy)?;
    let mut checker = Checker { policy: &policy, facts, summary: Summary::default(), json: arguments.json };
    if arguments.command.is_empty() {
        let end = if arguments.null { b'\0' } else { b'\n' };
        for file in source::files(&arguments.files).iter() {
            source::parts(file, end, |command| checker.row(command, out))?;
        }
        if !arguments.json {
            checker.summary.write(out)?;
        }
    } else {
        checker.one(&joined(&arguments.command), arguments.stream.as_deref(), out)?;
    }
    Ok(if checker.summary.is_clean() { 0 } else { 1 })
}

/// As ssh joins the words of a command (ssh(1): "separated by spaces").
pub(super) fn joined(words: &[OsString]) -> Vec<u8> {
    words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>().join(&b' ')
}

struct Checker<'p> {
    policy: &'p Policy,
    facts: Facts<'p>,
    summary: Summary,
    json: bool,
}

impl Checker<'_> {
    /// Many commands have a row or an object each.
    fn row(&mut self, command: &[u8], out: &mut impl Write) -> Result<(), Stop> {
        let judged = judge(command, self.policy, self.facts.host());
        let outcome = Outcome::of(&judged);
        let assumed = self.facts.assumed();
        if self.json {
            json::write(out, command, &outcome, None, &assumed)?;
        } else {
            form::row(out, command, &outcome, judged)?;
        }
        self.summary.count(outcome.decision, assumed);
        Ok(())
    }

    /// One command: all that can be said of it, and of the stream that it receives.
    fn one(&mut self, command: &[u8], stream: Option<&Path>, out: &mut impl Write) -> Result<(), Stop> {
        let judged = judge(command, self.policy, self.facts.host());
        let outcome = Outcome::of(&judged);
        let verdict = match (&judged, stream) {
            (Ok(plan), Some(file)) => stream::judge(plan, file, self.policy, self.facts.host())?,
            _ => None,
        };
        let assumed = self.facts.assumed();
        if self.json {
            json::write(out, command, &outcome, verdict.as_ref(), &assumed)?;
        } else {
            form::account(out, command, &outcome, judged, self.policy, &assumed)?;
            verdict.iter().try_for_each(|verdict| form::stream(out, verdict))?;
        }
        self.summary.count(outcome.decision, assumed);
        if let Some(verdict) = verdict {
            self.summary.count(verdict.decision, Vec::new());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_joined_by_one_blank_and_not_quoted_again() {
        let words = ["zfs", "list", "a  b", ""].map(OsString::from);
        assert_eq!(joined(&words), b"zfs list a  b ");
    }
}
