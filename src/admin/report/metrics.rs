//! Metrics for the textfile collector of Prometheus's node_exporter, in its text format. They are of the records that were
//! read, so they are gauges: a log is rotated.
#![forbid(unsafe_code)]

use std::fmt::{Display, Write};
use std::path::Path;

use super::ledger::Ledger;
use crate::admin::Stop;
use crate::admin::replace::replace;

/// Puts the file in place at once: the collector may be reading.
pub(super) fn write(file: &Path, ledger: &Ledger) -> Result<(), Stop> {
    replace(file, &text(ledger)).map_err(|error| Stop::said(format!("{}: {error}", file.display())))
}

fn text(ledger: &Ledger) -> String {
    let mut text = String::new();
    let requests = ledger.policies.iter().flat_map(|(policy, account)| {
        let labels = |word: &str| [("policy", policy.clone()), ("decision", word.to_owned())].to_vec();
        account.requests.iter().map(move |(word, count)| (labels(word), *count))
    });
    family(&mut text, "zfs_shell_requests", "Requests in the records that were read.", requests);
    let labels = |flow: &super::ledger::Flow| {
        let direction = flow.direction.name().to_owned();
        vec![("policy", flow.policy.clone()), ("dataset", flow.dataset.clone()), ("direction", direction)]
    };
    let flows = || ledger.flows.iter();
    let succeeded = flows().map(|flow| (labels(flow), flow.succeeded));
    family(&mut text, "zfs_shell_streams_succeeded", "Streams with a good end.", succeeded);
    family(
        &mut text,
        "zfs_shell_streams_failed",
        "Streams without one.",
        flows().map(|flow| (labels(flow), flow.failed)),
    );
    let bytes = flows().filter_map(|flow| Some((labels(flow), flow.bytes?)));
    family(&mut text, "zfs_shell_received_bytes", "Bytes of streams that came in.", bytes);
    let last = flows().filter_map(|flow| Some((labels(flow), flow.last_success?)));
    family(&mut text, "zfs_shell_last_success_timestamp_seconds", "When the last stream came to a good end.", last);
    let unusual = flows().map(|flow| (labels(flow), flow.unusual.len()));
    family(&mut text, "zfs_shell_streams_unusual", "Streams of ten times the usual size.", unusual);
    text
}

fn family<V: Display>(
    text: &mut String,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (Vec<(&'static str, String)>, V)>,
) {
    // Writing to a String can't fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in samples {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let _ = writeln!(text, "{name}{{{}}} {value}", labels.join(","));
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_end_where_they_should() {
        let mut text = String::new();
        family(&mut text, "m", "h", [(vec![("a", "x\"} 1\n\\".to_owned()), ("b", "y".to_owned())], 2)].into_iter());
        assert_eq!(text, "# HELP m h\n# TYPE m gauge\nm{a=\"x\\\"} 1\\n\\\\\",b=\"y\"} 2\n");
    }
}
