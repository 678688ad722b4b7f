//! The report for people.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use annotate_snippets::renderer::AnsiColor;

use super::ledger::{Flow, Ledger};
use super::{ago, date, size};
use crate::admin::columns;
use crate::admin::form::visible;

pub(super) fn write(out: &mut impl Write, ledger: &Ledger, now: u64) -> io::Result<()> {
    if ledger.policies.is_empty() && ledger.flows.is_empty() {
        return writeln!(out, "no record of zfs-shell");
    }
    let mut rows = Vec::new();
    for (name, account) in &ledger.policies {
        let count = |word: &str| account.requests.get(word).copied().unwrap_or_default();
        let of = |words: &[&str], what: &str| match words.iter().map(|word| count(word)).sum::<u64>() {
            0 => String::new(),
            number => format!("{number} {what}"),
        };
        rows.push([
            name.clone(),
            account.requests.values().sum::<u64>().to_string(),
            of(&["kept"], "kept"),
            of(&["refused", "unknown"], "refused"),
            of(&["hidden"], "hidden"),
            of(&["broken"], "broken"),
            format!("{}  {} ago", date(account.last), ago(now, account.last)),
        ]);
    }
    columns::write(out, Some(["POLICY", "REQUESTS", "", "", "", "", "LAST"]), &rows)?;
    if !ledger.flows.is_empty() {
        writeln!(out)?;
        let rows: Vec<[String; 6]> = ledger.flows.iter().map(|flow| row(flow, now)).collect();
        columns::write(out, Some(["POLICY", "DATASET", "STREAMS", "FAILED", "BYTES", "LAST SUCCESS"]), &rows)?;
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
        let rows = ledger.refusals.iter().map(|refusal| {
            let [policy, decision, reason] = [&refusal.policy, &refusal.decision, &refusal.reason].map(Clone::clone);
            [refusal.count.to_string(), policy, decision, reason, format!("{} ago", ago(now, refusal.last))]
        });
        columns::write(out, Some(["TIMES", "POLICY", "", "REASON", "LAST"]), &rows.collect::<Vec<_>>())?;
    }
    Ok(())
}

fn row(flow: &Flow, now: u64) -> [String; 6] {
    [
        flow.policy.clone(),
        flow.dataset.clone(),
        format!("{} {}", flow.succeeded, flow.direction.name()),
        if flow.failed == 0 { String::new() } else { flow.failed.to_string() },
        flow.bytes.map_or_else(String::new, size),
        match flow.last_success {
            Some(at) => format!("{}  {} ago", date(at), ago(now, at)),
            None => "never".to_owned(),
        },
    ]
}
