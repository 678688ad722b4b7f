//! One line and a status, as monitoring takes them (the plugin interface of Nagios, which Icinga and others have too).
#![forbid(unsafe_code)]

use std::io::{self, Write};

use super::ledger::{Flow, Ledger};
use super::{ago, date, size};
use crate::admin::form::{counted, visible};

const OK: u8 = 0;
const WARNING: u8 = 1;
const CRITICAL: u8 = 2;
const UNKNOWN: u8 = 3;

pub(super) fn write(out: &mut impl Write, ledger: &Ledger, now: u64, most: u64) -> io::Result<u8> {
    let (word, status, text) = judged(ledger, now, most);
    let ages = ledger.flows.iter().filter_map(|flow| flow.last_success).map(|at| now.saturating_sub(at));
    let oldest = ages.max().map_or_else(String::new, |age| format!(" | oldest={age}s;;{most}"));
    writeln!(out, "ZFS-SHELL {word}: {text}{oldest}")?;
    Ok(status)
}

fn judged(ledger: &Ledger, now: u64, most: u64) -> (&'static str, u8, String) {
    if ledger.flows.is_empty() {
        return ("UNKNOWN", UNKNOWN, "the log has no stream".to_owned());
    }
    let is_late = |flow: &&Flow| flow.last_success.is_none_or(|at| now.saturating_sub(at) > most);
    let late: Vec<String> = ledger.flows.iter().filter(is_late).map(|flow| of(flow, now)).collect();
    if !late.is_empty() {
        return ("CRITICAL", CRITICAL, format!("stale: {}", late.join(", ")));
    }
    // What came long ago was seen then.
    let recent = ledger.flows.iter().flat_map(|flow| flow.unusual.iter().map(move |unusual| (flow, unusual)));
    let recent = recent.filter(|(_, unusual)| now.saturating_sub(unusual.at) <= most);
    let unusual: Vec<String> = recent
        .map(|(flow, unusual)| {
            let (dataset, usual) = (visible(&flow.dataset), size(unusual.usual));
            format!("{} into {dataset} at {}, where {usual} is usual", size(unusual.bytes), date(unusual.at))
        })
        .collect();
    match unusual.is_empty() {
        true => ("OK", OK, format!("{} fresh", counted(ledger.flows.len(), "dataset"))),
        false => ("WARNING", WARNING, unusual.join(", ")),
    }
}

fn of(flow: &Flow, now: u64) -> String {
    let last = flow.last_success.map_or_else(|| "never".to_owned(), |at| format!("{} ago", ago(now, at)));
    format!("{} {} ({last})", visible(&flow.policy), visible(&flow.dataset))
}
