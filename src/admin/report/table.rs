//! The report for people.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{self, Write};

use annotate_snippets::renderer::AnsiColor;

use super::ledger::{Flow, Ledger};
use super::{SHOWN, ago, date, size};
use crate::admin::columns;
use crate::admin::form::{counted, visible};

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
    kept(out, ledger, now)?;
    refusals(out, ledger, now)
}

/// What was to be destroyed and stayed, by dataset.
fn kept(out: &mut impl Write, ledger: &Ledger, now: u64) -> io::Result<()> {
    let mut by_dataset: BTreeMap<[&str; 2], (usize, u64)> = BTreeMap::new();
    for stayed in ledger.kept.iter() {
        let (count, last) = by_dataset.entry([&stayed.policy, stayed.dataset()]).or_default();
        *count += 1;
        *last = stayed.last.max(*last);
    }
    let rows = by_dataset.into_iter().map(|([policy, dataset], (count, last))| {
        [policy.to_owned(), dataset.to_owned(), counted(count, "snapshot"), format!("{} ago", ago(now, last))]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        writeln!(out)?;
        columns::write(out, Some(["POLICY", "DATASET", "KEPT", "LAST"]), &rows)?;
    }
    Ok(())
}

fn refusals(out: &mut impl Write, ledger: &Ledger, now: u64) -> io::Result<()> {
    let refusals = ledger.refusals.sorted();
    let rows: Vec<_> = refusals
        .iter()
        .take(SHOWN)
        .map(|refusal| {
            let [policy, decision, reason] = [&refusal.policy, &refusal.decision, &refusal.reason].map(Clone::clone);
            [refusal.count.to_string(), policy, decision, reason, format!("{} ago", ago(now, refusal.last))]
        })
        .collect();
    if !rows.is_empty() {
        writeln!(out)?;
        columns::write(out, Some(["TIMES", "POLICY", "", "REASON", "LAST"]), &rows)?;
    }
    if let more @ 1.. = refusals.len().saturating_sub(SHOWN) {
        writeln!(out, "and {more} more; --json has them all")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ledger: &Ledger) -> String {
        let mut out = Vec::new();
        write(&mut out, ledger, 100).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn of_many_refusals_the_most_frequent_are_shown_and_the_others_counted() {
        let mut ledger = Ledger::default();
        ledger.policies.entry("nas".to_owned()).or_default();
        for number in 0..23 {
            ledger.refusals.add("nas", "refused", &format!("no rule covers 'tank/{number}'"), number);
        }
        ledger.refusals.add("nas", "refused", "no rule covers 'tank/1'", 1);
        let table = table(&ledger);
        assert!(table.contains("'tank/1' ") && table.contains("'tank/22' ") && !table.contains("'tank/0' "), "{table}");
        assert!(table.ends_with("\nand 3 more; --json has them all\n"), "{table}");
    }

    #[test]
    fn snapshots_that_stayed_are_counted_by_dataset_each_once() {
        let mut ledger = Ledger::default();
        ledger.policies.entry("nas".to_owned()).or_default();
        for (snapshot, at) in [("a/b@x", 10), ("a/b@x", 40), ("a/b@y", 20), ("a/c@x", 30)] {
            ledger.kept.add("nas", snapshot, at);
        }
        let table = table(&ledger);
        assert!(table.contains("a/b      2 snapshots  1 min ago\n"), "{table}");
        assert!(table.contains("a/c      1 snapshot   1 min ago\n"), "{table}");
    }
}
