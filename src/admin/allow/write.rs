//! The forms of what `allow` says: lines that a shell can run, with the reasons as comments; a table on a terminal; JSON.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use super::denied::Denial;
use super::need::Rights;
use super::place::{Line, Places, Unknown};
use super::verify::Difference;
use crate::admin::columns;
use crate::admin::form::{counted, visible};
use crate::admin::json;
use crate::policy::Scope;
use crate::syntax::quote;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Lines,
    Table,
}

/// What becomes of a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Allow,
    Unallow,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Unallow => "unallow",
        }
    }
}

/// Where it is written, and for which account.
pub(super) struct Paper<'a, W> {
    pub out: &'a mut W,
    pub form: Form,
    pub account: &'a str,
}

#[derive(Serialize)]
struct Sheet<'a> {
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<Vec<Entry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<Entry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    superfluous: Option<Vec<More<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied: Option<Vec<Told<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<usize>,
    patterns: Vec<Entry<'a>>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Told<'a> {
    message: &'a str,
    count: usize,
    missing: Vec<Entry<'a>>,
    patterns: Vec<Entry<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Entry<'a> {
    dataset: &'a str,
    scope: &'static str,
    rights: Vec<Right<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

#[derive(Serialize)]
struct Right<'a> {
    right: &'a str,
    why: &'a BTreeSet<String>,
}

#[derive(Serialize)]
struct More<'a> {
    dataset: &'a str,
    right: &'a str,
}

impl<W: Write> Paper<'_, W> {
    /// What has to be given, or how it is taken back.
    pub(super) fn places(&mut self, places: &Places, verb: Verb) -> io::Result<()> {
        let notes = match verb {
            Verb::Allow => places.notes.clone(),
            Verb::Unallow => vec!["what other policies need for the same account on these goes too".to_owned()],
        };
        if self.form == Form::Json {
            let given = places.lines.iter().map(|line| self.entry(line, verb)).collect();
            let sheet = self.sheet(&places.patterns, notes);
            return self.json(&Sheet { given: Some(given), ..sheet });
        }
        if self.form == Form::Table && verb == Verb::Allow {
            self.table(&places.lines)?;
        }
        for line in &places.lines {
            if self.form == Form::Lines && verb == Verb::Allow {
                let Line { dataset, scope, rights } = line;
                self.reasons(&on(&visible(dataset.as_str()), *scope), rights)?;
            }
            writeln!(self.out, "{}", command(self.account, verb, line.scope, &line.rights, line.dataset.as_str()))?;
        }
        self.unknown(&places.patterns, verb)?;
        self.notes(&notes)
    }

    /// What differs from what has to be given.
    pub(super) fn difference(
        &mut self,
        difference: &Difference,
        patterns: &[Unknown],
        notes: &[String],
    ) -> io::Result<()> {
        let Difference { missing, superfluous, absent } = difference;
        let mut notes = notes.to_vec();
        notes.extend(absent.iter().map(|dataset| format!("'{dataset}' does not exist")));
        if self.form == Form::Json {
            let missing = missing.iter().map(|line| self.entry(line, Verb::Allow)).collect();
            let more = superfluous.iter().map(|(dataset, right)| More { dataset: dataset.as_str(), right }).collect();
            let sheet = self.sheet(patterns, notes);
            return self.json(&Sheet { missing: Some(missing), superfluous: Some(more), ..sheet });
        }
        let mut rows: Vec<[String; 4]> = Vec::new();
        for line in missing {
            for (right, whys) in &line.rights.0 {
                rows.push(["missing".to_owned(), line.dataset.to_string(), right.clone(), why(right, whys)]);
            }
        }
        for (dataset, right) in superfluous {
            rows.push(["superfluous".to_owned(), dataset.to_string(), right.clone(), String::new()]);
        }
        columns::write(self.out, None, &rows)?;
        for line in missing {
            writeln!(
                self.out,
                "{}",
                command(self.account, Verb::Allow, line.scope, &line.rights, line.dataset.as_str())
            )?;
        }
        self.unknown(patterns, Verb::Allow)?;
        self.notes(&notes)?;
        let lacking = missing.iter().map(|line| line.rights.0.len()).sum();
        writeln!(self.out, "{} missing, {} superfluous", counted(lacking, "right"), superfluous.len())
    }

    /// What a log says was denied, and what is behind it. All but the commands is a comment, also for a terminal.
    pub(super) fn denied(&mut self, denials: &[Denial], unknown: usize, notes: &[String]) -> io::Result<()> {
        if self.form == Form::Json {
            let denied = denials.iter().map(|denial| self.told(denial)).collect();
            let sheet = self.sheet(&[], notes.to_vec());
            return self.json(&Sheet { denied: Some(denied), unknown: Some(unknown), ..sheet });
        }
        for Denial { text, count, missing, patterns, notes } in denials {
            writeln!(self.out, "# {}: {}", counted(*count, "time"), visible(text))?;
            for Line { dataset, scope, rights } in missing {
                self.reasons(&on(&visible(dataset.as_str()), *scope), rights)?;
                writeln!(self.out, "{}", command(self.account, Verb::Allow, *scope, rights, dataset.as_str()))?;
            }
            self.unknown(patterns, Verb::Allow)?;
            self.notes(notes)?;
            writeln!(self.out)?;
        }
        self.notes(notes)?;
        let unknown = counted(unknown, "other line");
        writeln!(
            self.out,
            "# {} of zfs's; {unknown} with \"permission denied\", in no form that is known",
            counted(denials.len(), "message")
        )
    }

    fn told<'d>(&self, denial: &'d Denial) -> Told<'d> {
        let Denial { text, count, missing, patterns, notes } = denial;
        let missing = missing.iter().map(|line| self.entry(line, Verb::Allow)).collect();
        Told { message: text, count: *count, missing, patterns: patterns.iter().map(of_pattern).collect(), notes }
    }

    fn table(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut rows = Vec::new();
        for Line { dataset, scope, rights } in lines {
            let mut place = on(&visible(dataset.as_str()), *scope);
            for (right, whys) in &rights.0 {
                rows.push([std::mem::take(&mut place), right.clone(), why(right, whys)]);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        columns::write(self.out, Some(["dataset", "right", "for"]), &rows)?;
        writeln!(self.out)
    }

    fn reasons(&mut self, place: &str, rights: &Rights) -> io::Result<()> {
        writeln!(self.out, "# {place}:")?;
        let width = rights.0.keys().map(String::len).max().unwrap_or(0);
        rights.0.iter().try_for_each(|(right, whys)| writeln!(self.out, "#   {right:width$}  {}", why(right, whys)))
    }

    /// A pattern is for a person to fill in, and no shell.
    fn unknown(&mut self, patterns: &[Unknown], verb: Verb) -> io::Result<()> {
        for Unknown { pattern, scope, rights } in patterns {
            let place = on(&format!("each dataset that '{pattern}' stands for"), *scope);
            match verb {
                Verb::Allow => self.reasons(&place, rights)?,
                Verb::Unallow => writeln!(self.out, "# {place}:")?,
            }
            let line = command(self.account, verb, *scope, rights, "DATASET");
            writeln!(self.out, "# {line}")?;
        }
        Ok(())
    }

    fn notes(&mut self, notes: &[String]) -> io::Result<()> {
        notes.iter().try_for_each(|note| writeln!(self.out, "# {}", visible(note)))
    }

    fn entry<'l>(&self, line: &'l Line, verb: Verb) -> Entry<'l> {
        let Line { dataset, scope, rights } = line;
        let command = command(self.account, verb, *scope, rights, dataset.as_str());
        Entry { command: Some(command), ..entry(dataset.as_str(), *scope, rights) }
    }

    fn sheet<'p>(&self, patterns: &'p [Unknown], notes: Vec<String>) -> Sheet<'p>
    where
        Self: 'p,
    {
        let patterns = patterns.iter().map(of_pattern).collect();
        Sheet {
            account: self.account,
            given: None,
            missing: None,
            superfluous: None,
            denied: None,
            unknown: None,
            patterns,
            notes,
        }
    }

    fn json(&mut self, sheet: &Sheet<'_>) -> io::Result<()> {
        json::line(self.out, sheet)
    }
}

fn of_pattern(unknown: &Unknown) -> Entry<'_> {
    entry(&unknown.pattern, unknown.scope, &unknown.rights)
}

fn entry<'l>(dataset: &'l str, scope: Scope, rights: &'l Rights) -> Entry<'l> {
    let scope = match scope {
        Scope::Both => "both",
        Scope::Local => "local",
        Scope::Descendents => "descendents",
    };
    let rights = rights.0.iter().map(|(right, why)| Right { right, why }).collect();
    Entry { dataset, scope, rights, command: None }
}

fn on(dataset: &str, scope: Scope) -> String {
    match scope {
        Scope::Both => format!("{dataset} and below"),
        Scope::Local => format!("{dataset} itself"),
        Scope::Descendents => format!("below {dataset}"),
    }
}

fn why(right: &str, whys: &BTreeSet<String>) -> String {
    let whys = whys.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    if right == "mount" { format!("{whys}; mounts nothing") } else { whys }
}

/// Of an account that is called so `everyone` would be all accounts.
fn command(account: &str, verb: Verb, scope: Scope, rights: &Rights, dataset: &str) -> String {
    let mut words = vec!["zfs", verb.name()];
    words.extend(match scope {
        Scope::Both => None,
        Scope::Local => Some("-l"),
        Scope::Descendents => Some("-d"),
    });
    if account == "everyone" {
        words.push("-u");
    }
    let rights = rights.joined();
    words.extend([account, &rights, dataset]);
    quote(words)
}
