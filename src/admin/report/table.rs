//! The report for people.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use annotate_snippets::renderer::{AnsiColor, Style};

use super::ledger::{Flow, Ledger};
use super::{ago, date, size};
use crate::admin::form::visible;

const HEAD: Style = Style::new().bold();

pub(super) fn write(out: &mut impl Write, ledger: &Ledger, now: u64) -> io::Result<()> {
    if ledger.policies.is_empty() && ledger.flows.is_empty() {
        return writeln!(out, "no record of zfs-shell");
    }
    let mut rows = vec![["POLICY", "REQUESTS", "", "", "", "", "LAST"].map(str::to_owned)];
    for (name, account) in &ledger.policies {
        let count = |word: &str| account.requests.get(word).copied().unwrap_or_default();
        let of = |words: &[&str], what: &str| match words.iter().map(|word| count(word)).sum::<u64>() {
            0 => String::new(),
            number => format!("{number} {what}"),
        };
        rows.push([
            visible(name).into_owned(),
            account.requests.values().sum::<u64>().to_string(),
            of(&["kept"], "kept"),
            of(&["refused", "unknown"], "refused"),
            of(&["hidden"], "hidden"),
            of(&["broken"], "broken"),
            format!("{}  {} ago", date(account.last), ago(now, account.last)),
        ]);
    }
    table(out, &rows)?;
    if !ledger.flows.is_empty() {
        writeln!(out)?;
        let mut rows = vec![["POLICY", "DATASET", "STREAMS", "FAILED", "BYTES", "LAST SUCCESS"].map(str::to_owned)];
        rows.extend(ledger.flows.iter().map(|flow| row(flow, now)));
        table(out, &rows)?;
    }
    for flow in &ledger.flows {
        for unusual in &flow.unusual {
            let style = AnsiColor::Red.on_default().bold();
            writeln!(
                out,
                "\n{style}unusual{style:#}: {} into {} at {}, where {} is usual: is the source what it was?",
                size(unusual.bytes),
                visible(&flow.dataset),
                date(unusual.at),
                size(unusual.usual),
            )?;
        }
    }
    if !ledger.refusals.is_empty() {
        writeln!(out)?;
        let mut rows = vec![["TIMES", "POLICY", "", "REASON", "LAST"].map(str::to_owned)];
        rows.extend(ledger.refusals.iter().map(|refusal| {
            let texts = [&refusal.policy, &refusal.decision, &refusal.reason].map(|text| visible(text).into_owned());
            let [policy, decision, reason] = texts;
            [refusal.count.to_string(), policy, decision, reason, format!("{} ago", ago(now, refusal.last))]
        }));
        table(out, &rows)?;
    }
    Ok(())
}

fn row(flow: &Flow, now: u64) -> [String; 6] {
    [
        visible(&flow.policy).into_owned(),
        visible(&flow.dataset).into_owned(),
        format!("{} {}", flow.succeeded, flow.direction.name()),
        if flow.failed == 0 { String::new() } else { flow.failed.to_string() },
        flow.bytes.map_or_else(String::new, size),
        match flow.last_success {
            Some(at) => format!("{}  {} ago", date(at), ago(now, at)),
            None => "never".to_owned(),
        },
    ]
}

/// Columns as wide as what stands in them; the first row is the head.
fn table<const COLUMNS: usize>(out: &mut impl Write, rows: &[[String; COLUMNS]]) -> io::Result<()> {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..COLUMNS).map(|column| width(column).unwrap_or(0)).collect();
    for (place, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        let line = line.join("  ");
        let line = line.trim_end();
        match place {
            0 => writeln!(out, "{HEAD}{line}{HEAD:#}")?,
            _ => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}
