//! The forms in which people get decisions: a table for many commands, a full account of one.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use annotate_snippets::renderer::{AnsiColor, Style};

use super::diagnostic::Diagnostic;
use super::sketch::{self, Line};
use super::stream::Verdict;
use crate::decide::plan::Plan;
use crate::failure::Failure;
use crate::policy::Policy;
use crate::record::Outcome;
use crate::syntax::quote;

/// So many characters of a command stand in the table.
const COMMAND_WIDTH: usize = 48;
/// The six words (policy contract), in the order in which the summary has them.
const WORDS: [&str; 6] = ["allowed", "kept", "hidden", "refused", "unknown", "broken"];

/// Counts what a table showed, for the line below it.
#[derive(Debug, Default)]
pub(super) struct Summary {
    counts: [usize; WORDS.len()],
    assumed: BTreeSet<String>,
}

impl Summary {
    /// One more command.
    pub(super) fn count(&mut self, decision: &str, assumed: Vec<String>) {
        let counts = WORDS.iter().zip(&mut self.counts);
        counts.filter(|(word, _)| **word == decision).for_each(|(_, count)| *count += 1);
        self.assumed.extend(assumed);
    }

    /// Whether all were allowed or kept.
    pub(super) fn is_clean(&self) -> bool {
        let [_allowed, _kept, others @ ..] = self.counts;
        others.iter().all(|count| *count == 0)
    }

    /// How many there were, how many of each word, and what was assumed of the host.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let total: usize = self.counts.iter().sum();
        let words = WORDS.iter().zip(self.counts).filter(|(_, count)| *count > 0);
        let words: Vec<String> = words.map(|(word, count)| format!("{count} {word}")).collect();
        let colon = if words.is_empty() { "" } else { ": " };
        writeln!(out, "{}{colon}{}", counted(total, "command"), words.join(", "))?;
        self.assumed.iter().try_for_each(|fact| writeln!(out, "assumed: {fact} (unknown)"))
    }
}

/// `1 command`, `2 commands`
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// One row: the word, the command in short, and why not or what happens instead of it.
pub(super) fn row(out: &mut impl Write, command: &[u8], outcome: &Outcome, judged: Judged) -> io::Result<()> {
    let detail = match judged {
        Ok(plan) => sketch::joined(&sketch::lines(plan)),
        Err(_) => outcome.reason.clone().unwrap_or_default(),
    };
    let command = String::from_utf8_lossy(command);
    let command = shortened(visible(&command));
    let detail = visible(&detail);
    let style = style(outcome.decision);
    writeln!(out, "{style}{:7}{style:#}  {command:COMMAND_WIDTH$}  {detail}", outcome.decision)
}

/// What came of a command.
pub(super) type Judged = Result<Plan, Failure>;

/// All that can be said of one command.
pub(super) fn account(
    out: &mut impl Write,
    command: &[u8],
    outcome: &Outcome,
    judged: Judged,
    policy: &Policy,
    assumed: &[String],
) -> io::Result<()> {
    match judged {
        Ok(plan) => plan_account(out, outcome, sketch::lines(plan), assumed),
        Err(failure) => failure_account(out, command, outcome, &failure, policy, assumed),
    }
}

fn plan_account(out: &mut impl Write, outcome: &Outcome, lines: Vec<Line>, assumed: &[String]) -> io::Result<()> {
    let style = style(outcome.decision);
    writeln!(out, "{style}{}{style:#}{}", outcome.decision, by_grants(&outcome.grants))?;
    let mut label = "runs";
    for Line { operator, text, note } in &lines {
        if !note.is_empty() {
            item(out, "says", note)?;
        }
        let blank = if operator.is_empty() { "" } else { " " };
        item(out, label, &format!("{operator}{blank}{text}"))?;
        label = "";
    }
    if lines.is_empty() {
        item(out, label, sketch::NOTHING)?;
    }
    outcome.rewrites.iter().try_for_each(|rewrite| item(out, "rewritten", rewrite))?;
    outcome.status.iter().try_for_each(|status| item(out, "status", &status.to_string()))?;
    assumed.iter().try_for_each(|fact| item(out, "assumed", &format!("{fact} (unknown)")))
}

/// What becomes of the stream that a command receives.
pub(super) fn stream(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let style = style(verdict.decision);
    writeln!(out, "stream of {} bytes: {style}{}{style:#}", verdict.bytes, verdict.decision)?;
    for (place, words) in verdict.stages.iter().enumerate() {
        let joint = if place == 0 { "" } else { "&& " };
        let label = if place == 0 { "runs" } else { "" };
        item(out, label, &format!("{joint}{}", quote(words.iter().map(String::as_str))))?;
    }
    verdict.rewrites.iter().try_for_each(|rewrite| item(out, "rewritten", rewrite))?;
    verdict.reason.iter().try_for_each(|reason| item(out, "reason", reason))
}

fn item(out: &mut impl Write, label: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {label:9}  {}", visible(text))
}

fn failure_account(
    out: &mut impl Write,
    command: &[u8],
    outcome: &Outcome,
    failure: &Failure,
    policy: &Policy,
    assumed: &[String],
) -> io::Result<()> {
    let mut shown = Diagnostic::worded(outcome.decision, outcome.reason.clone().unwrap_or_default());
    if let Some(span) = failure.span() {
        shown = shown.in_command(command, span.start..span.end);
    }
    if !outcome.grants.is_empty() {
        shown = shown.note(format!("{} came furthest", grants(&outcome.grants)));
    }
    let told = failure.for_client(policy.reasons);
    let told = match outcome.reason.as_deref().is_some_and(|reason| told.ends_with(reason)) {
        true => "this reason".to_owned(),
        false => format!("`{told}`"),
    };
    shown = shown.note(format!("nothing runs; the client is told {told}, status {}", failure.kind().status()));
    for fact in assumed {
        shown = shown.note(format!("assumed that {fact} (unknown)"));
    }
    writeln!(out, "{}", shown.render())
}

fn by_grants(ids: &[usize]) -> String {
    if ids.is_empty() { String::new() } else { format!(" by {}", grants(ids)) }
}

fn grants(ids: &[usize]) -> String {
    let plural = if ids.len() == 1 { "grant" } else { "grants" };
    ids.iter().enumerate().fold(plural.to_owned(), |mut text, (index, id)| {
        // Writing to a String can't fail.
        let _ = write!(text, "{} {id}", if index == 0 { "" } else { "," });
        text
    })
}

fn style(decision: &str) -> Style {
    let colour = match decision {
        "allowed" => AnsiColor::Green,
        "kept" => AnsiColor::Cyan,
        "hidden" => AnsiColor::Yellow,
        "broken" => AnsiColor::Magenta,
        _ => AnsiColor::Red,
    };
    colour.on_default().bold()
}

/// The text with nothing in it that a terminal acts on: a checked command may be an attack.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| matches!(c, ' '..='~') || !c.is_ascii() && c.escape_debug().len() == 1;
    if text.chars().all(is_plain) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_plain(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_debug());
        }
    }
    shown.into()
}

pub(super) fn shortened(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.char_indices().nth(COMMAND_WIDTH) {
        None => text,
        Some(_) => text.chars().take(COMMAND_WIDTH - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Error, What};
    use crate::syntax::Span;

    fn plain(bytes: &[u8]) -> String {
        anstream::adapter::strip_str(std::str::from_utf8(bytes).unwrap()).to_string()
    }

    fn unknown() -> Judged {
        Err(Failure::Command(Error { what: What::Subcommand, span: Span { start: 4, end: 8 } }))
    }

    fn row_of(command: &[u8]) -> String {
        let judged = unknown();
        let mut out = Vec::new();
        row(&mut out, command, &Outcome::of(&judged), judged).unwrap();
        plain(&out)
    }

    #[test]
    fn rows_stand_below_each_other_whatever_the_length() {
        let short = row_of(b"zfs dust");
        let long = row_of(format!("zfs dust {}", "x".repeat(100)).as_bytes());
        assert_eq!(short.find("unknown subcommand"), Some(7 + 2 + 48 + 2));
        let at = |row: &str| row.chars().count();
        assert_eq!(at(&short), at(&long));
        assert!(long.contains("xxx…  unknown subcommand"), "{long}");
    }

    #[test]
    fn a_row_is_one_line_and_moves_no_cursor() {
        let row = row_of("a\nb\x1b[2J\u{202e}\r'\"\\ü".as_bytes());
        assert!(row.starts_with(r#"unknown  a\nb\u{1b}[2J\u{202e}\r'"\ü  "#), "{row}");
        assert_eq!(row.lines().count(), 1);
    }

    #[test]
    fn the_summary_counts_words_in_their_order_and_leaves_out_what_there_was_none_of() {
        let mut summary = Summary::default();
        for decision in ["refused", "allowed", "allowed", "kept"] {
            summary.count(decision, vec!["t is encrypted".to_owned()]);
        }
        let mut out = Vec::new();
        summary.write(&mut out).unwrap();
        let expected = "4 commands: 2 allowed, 1 kept, 1 refused\nassumed: t is encrypted (unknown)\n";
        assert_eq!(plain(&out), expected);
        assert!(!summary.is_clean());
    }

    #[test]
    fn allowed_and_kept_are_clean_and_hidden_is_not() {
        let clean = |decision| {
            let mut summary = Summary::default();
            summary.count(decision, Vec::new());
            summary.is_clean()
        };
        assert_eq!(WORDS.map(clean), [true, true, false, false, false, false]);
        assert!(Summary::default().is_clean());
    }

    #[test]
    fn grants_are_listed_by_number() {
        assert_eq!([by_grants(&[]), by_grants(&[1]), by_grants(&[1, 3])], ["", " by grant 1", " by grants 1, 3"]);
    }
}
