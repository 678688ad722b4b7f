//! `report`: what keys did, by the log.
#![forbid(unsafe_code)]

mod kept;
mod ledger;
mod metrics;
mod page;
mod plugin;
mod refusals;
mod table;

use std::io::Write;
use std::time::{Duration, SystemTime};

use super::cli::Report;
use super::source;
use super::trace;
use super::{Stop, clock, json};
use ledger::Ledger;

/// Reports; the status is 0, or that of a monitoring plugin.
pub(super) fn run(arguments: &Report, out: &mut impl Write) -> Result<u8, Stop> {
    let now = clock(arguments.at.as_ref())?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let ledger = ledger(arguments)?;
    if let Some(stale) = arguments.stale {
        return Ok(plugin::write(out, &ledger, now, stale.as_secs())?);
    }
    if let Some(file) = &arguments.prometheus {
        metrics::write(file, &ledger)?;
        return Ok(0);
    }
    if let Some(file) = &arguments.html {
        page::write(file, &ledger, now)?;
        return Ok(0);
    }
    if arguments.json {
        json::line(out, &ledger)?;
        return Ok(0);
    }
    table::write(out, &ledger, now)?;
    Ok(0)
}

fn ledger(arguments: &Report) -> Result<Ledger, Stop> {
    let mut ledger = Ledger::default();
    for file in source::files(&arguments.files).iter() {
        trace::records(file, |record| {
            if arguments.of.as_ref().is_none_or(|of| *of == record.policy) {
                ledger.record(record);
            }
        })?;
    }
    Ok(ledger)
}

/// Of a list that is long so many are shown.
const SHOWN: usize = 20;

/// `3h`, `2d`: how long ago that was, in its largest unit.
fn ago(now: u64, then: u64) -> String {
    let seconds = now.saturating_sub(then);
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "s"));
    format!("{} {unit}", seconds / size)
}

/// `2026-11-01T03:00:00Z`
fn date(seconds: u64) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    // No date has more than four digits of a year.
    time.filter(|_| seconds < 253_402_300_800)
        .map_or_else(String::new, |time| humantime::format_rfc3339_seconds(time).to_string())
}

/// `1.5 GiB`
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut number, mut unit) = (bytes as f64, "B");
    for larger in units {
        if number < 1024.0 {
            break;
        }
        (number, unit) = (number / 1024.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{number:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!([ago(100, 100), ago(7300, 100), ago(200_000, 0), ago(5, 100)], ["0 s", "2 h", "2 d", "0 s"]);
        assert_eq!([size(0), size(1023), size(1536), size(3 << 40)], ["0 B", "1023 B", "1.5 KiB", "3.0 TiB"]);
        assert_eq!(date(1_761_966_000), "2025-11-01T03:00:00Z");
        assert_eq!(date(u64::MAX), "");
    }
}
