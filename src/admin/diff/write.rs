//! The forms of what `diff` says: a line, or a JSON object, for each value and each command that differs.

use std::borrow::Cow;
use std::io::{self, Write};

use annotate_snippets::renderer::{AnsiColor, Style};
use serde::Serialize;

use super::effect::{Change, Effect};
use super::structure::{Difference, Numbers};
use crate::admin::Stop;
use crate::admin::form::{counted, shortened, visible};
use crate::admin::json;
use crate::record::Outcome;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Lines,
}

/// Where it is written, and what was.
pub(super) struct Paper<'o, W> {
    out: &'o mut W,
    form: Form,
    values: [usize; 3],
    commands: [usize; 3],
    judged: usize,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Row<'a> {
    Value {
        grant: Option<Sides<usize>>,
        rule: Option<Sides<usize>>,
        #[serde(flatten)]
        change: &'a Change,
    },
    Command {
        command: Cow<'a, str>,
        effect: Effect,
        old: Decision<'a>,
        new: Decision<'a>,
    },
}

#[derive(Serialize)]
struct Sides<T> {
    old: Option<T>,
    new: Option<T>,
}

#[derive(Serialize)]
struct Decision<'a> {
    decision: &'a str,
    reason: Option<&'a str>,
}

impl<'a> From<&'a Outcome> for Decision<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        Self { decision: outcome.decision, reason: outcome.reason.as_deref() }
    }
}

impl<'o, W: Write> Paper<'o, W> {
    pub(super) fn new(out: &'o mut W, form: Form) -> Self {
        Self { out, form, values: [0; 3], commands: [0; 3], judged: 0 }
    }

    /// A line for each value.
    pub(super) fn differences(&mut self, differences: &[Difference]) -> io::Result<()> {
        for Difference { grant, rule, changes } in differences {
            if self.form == Form::Lines {
                writeln!(self.out, "{}", place(*grant, *rule))?;
            }
            for change in changes {
                count(&mut self.values, change.effect);
                let sides = |numbers: Option<Numbers>| numbers.map(|(old, new)| Sides { old, new });
                match self.form {
                    Form::Json => self.json(&Row::Value { grant: sides(*grant), rule: sides(*rule), change })?,
                    Form::Lines => self.change(change)?,
                }
            }
        }
        Ok(())
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        let Change { effect, key, old, new } = change;
        let values = match (old, new) {
            (Some(old), Some(new)) => format!("{old} -> {new}"),
            (Some(gone), None) => format!("{gone} ->"),
            (None, new) => format!("-> {}", new.as_deref().unwrap_or_default()),
        };
        let style = style(*effect);
        writeln!(self.out, "  {style}{}{style:#} {key}: {}", mark(*effect), visible(&values))
    }

    /// A line for a command of which something else becomes.
    pub(super) fn command(
        &mut self,
        command: &[u8],
        before: &Outcome,
        after: &Outcome,
        turn: Option<Effect>,
    ) -> Result<(), Stop> {
        self.judged += 1;
        let Some(effect) = turn else { return Ok(()) };
        if self.form == Form::Lines && self.commands == [0; 3] {
            writeln!(self.out, "commands")?;
        }
        count(&mut self.commands, effect);
        let command = String::from_utf8_lossy(command);
        if self.form == Form::Json {
            let (old, new) = (Decision::from(before), Decision::from(after));
            return Ok(self.json(&Row::Command { command, effect, old, new })?);
        }
        let command = shortened(visible(&command));
        let style = style(effect);
        let words = format!("{} -> {}", before.decision, after.decision);
        let reason = after.reason.as_deref().or(before.reason.as_deref()).unwrap_or("what runs is another");
        writeln!(self.out, "  {style}{}{style:#} {words:18}  {command:48}  {}", mark(effect), visible(reason))?;
        Ok(())
    }

    /// The counts; whether anything differs.
    pub(super) fn end(self) -> io::Result<bool> {
        if self.form == Form::Lines {
            let told =
                |[more, less, other]: [usize; 3]| format!("{more} allow more, {less} less, {other} something else");
            let values = self.values.iter().sum();
            writeln!(self.out, "{}: {}", counted(values, "value"), told(self.values))?;
            if self.judged > 0 {
                let [more, less, other] = self.commands;
                let counts = format!("{more} become allowed, {less} stop being so, {other} otherwise");
                writeln!(self.out, "{}: {counts}", counted(self.judged, "command"))?;
            }
        }
        Ok(self.values.iter().chain(&self.commands).any(|count| *count > 0))
    }

    fn json(&mut self, row: &Row<'_>) -> io::Result<()> {
        json::line(self.out, row)
    }
}

fn count([more, less, other]: &mut [usize; 3], effect: Effect) {
    match effect {
        Effect::More => *more += 1,
        Effect::Less => *less += 1,
        Effect::Other => *other += 1,
    }
}

fn place(grant: Option<Numbers>, rule: Option<Numbers>) -> String {
    let of = |what: &str, numbers: Numbers| match numbers {
        (Some(old), Some(new)) if old == new => format!("{what} {new}"),
        (Some(old), Some(new)) => format!("{what} {new} (was {old})"),
        (None, Some(new)) => format!("{what} {new} (new)"),
        (Some(old), None) => format!("{what} {old} (gone)"),
        (None, None) => what.to_owned(),
    };
    match (grant, rule) {
        (None, _) => "the rest".to_owned(),
        (Some(grant), None) => of("grant", grant),
        (Some(grant), Some(rule)) => format!("{}, {}", of("grant", grant), of("destroy rule", rule)),
    }
}

fn mark(effect: Effect) -> char {
    match effect {
        Effect::More => '+',
        Effect::Less => '-',
        Effect::Other => '~',
    }
}

fn style(effect: Effect) -> Style {
    let colour = match effect {
        Effect::More => AnsiColor::Green,
        Effect::Less => AnsiColor::Red,
        Effect::Other => AnsiColor::Yellow,
    };
    colour.on_default().bold()
}
