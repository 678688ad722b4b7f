//! What is found as one JSON object. The keys are a promise: scripts read them.

use std::io::{self, Write};
use std::ops::Range;

use serde::Serialize;

use super::clients::Hint;
use super::{Finding, Level};
use crate::admin::json;
use crate::admin::source::Source;

#[derive(Serialize)]
struct Report<'a> {
    policy: &'a str,
    findings: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    level: &'static str,
    what: &'a str,
    notes: Vec<&'a str>,
    line: Option<usize>,
}

pub(super) fn write(out: &mut impl Write, source: &Source, findings: &[Finding], hints: &[Hint]) -> io::Result<()> {
    let line = |span: &Option<Range<usize>>| {
        let before = source.text.get(..span.as_ref()?.start)?;
        Some(before.matches('\n').count() + 1)
    };
    let found = findings.iter().map(|finding| {
        let level = match finding.level {
            Level::Warning => "warning",
            Level::Error => "error",
        };
        Row { level, what: &finding.what, notes: vec![&finding.note], line: line(&finding.span) }
    });
    let hinted = hints.iter().map(|hint| {
        let notes = hint.notes.iter().map(String::as_str).collect();
        Row { level: "note", what: hint.what, notes, line: line(&hint.span) }
    });
    json::line(out, &Report { policy: &source.path, findings: found.chain(hinted).collect() })
}
