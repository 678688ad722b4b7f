//! zfs-shell-policy: what an administrator asks of a policy. Never part of the gate. It decides nothing, [`crate::judge`]
//! does, and runs nothing but the questions of [`crate::host`].
#![forbid(unsafe_code)]

mod allow;
mod authorize;
mod authorized;
mod check;
pub mod cli;
mod columns;
mod completions;
mod diagnostic;
mod diff;
mod disable;
mod doctor;
mod explain;
mod facts;
mod form;
mod init;
mod json;
mod keys;
mod learn;
mod lint;
mod output;
mod progress;
mod propose;
mod replace;
mod report;
mod restore;
mod show;
mod sketch;
mod source;
mod stream;
mod told;
mod trace;
mod version;
mod written;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use thiserror::Error;
use toml::value::Datetime;

use crate::policy::seconds_since_1970;
use cli::{Cli, Command};
use output::Output;

/// The policy tool.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = Output::new();
    let status = run(&cli.command, &mut out).and_then(|status| Ok(out.flush().map(|()| status)?));
    match status {
        Ok(status) => status.into(),
        Err(stop) => {
            if !stop.is_broken_pipe() {
                // Where standard error is gone too there is nobody left to tell.
                let _ = writeln!(anstream::stderr(), "{stop}");
            }
            TROUBLE.into()
        }
    }
}

/// The status where no question was answered: usage (clap's own too), policy, files, output.
const TROUBLE: u8 = 2;

fn run(command: &Command, out: &mut impl Write) -> Result<u8, Stop> {
    match command {
        Command::Allow(arguments) => allow::run(arguments, out),
        Command::Authorize(arguments) => authorize::run(arguments, out),
        Command::Check(arguments) => check::run(arguments, out),
        Command::Completions(arguments) => completions::run(arguments, out),
        Command::Diff(arguments) => diff::run(arguments, out),
        Command::Disable(arguments) => disable::run(arguments, out),
        Command::Doctor(arguments) => doctor::run(arguments, out),
        Command::Explain(arguments) => explain::run(arguments, out),
        Command::Init(arguments) => init::run(arguments, out),
        Command::Keys(arguments) => keys::run(arguments, out),
        Command::Learn(arguments) => learn::run(arguments, out),
        Command::Lint(arguments) => lint::run(arguments, out),
        Command::Report(arguments) => report::run(arguments, out),
        Command::Restore(arguments) => restore::run(arguments, out),
        Command::Show(arguments) => show::run(arguments, out),
    }
}

/// Why there is no answer.
#[derive(Debug, Error)]
enum Stop {
    /// In words, ready to be printed.
    #[error("{0}")]
    Said(String),
    /// Nobody takes the answer.
    #[error("zfs-shell-policy: cannot write: {0}")]
    Output(#[from] io::Error),
}

impl Stop {
    fn said(message: impl std::fmt::Display) -> Self {
        Self::Said(format!("zfs-shell-policy: {message}"))
    }

    fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// The time that `--at` gives, or now.
fn clock(at: Option<&Datetime>) -> Result<SystemTime, Stop> {
    let Some(at) = at else {
        return Ok(SystemTime::now());
    };
    let seconds = seconds_since_1970(at)
        .and_then(|seconds| u64::try_from(seconds).ok())
        .ok_or_else(|| Stop::said(format!("--at {at}: a time is written in full, as 2026-11-01T03:00:00Z")))?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_date_or_offset_is_refused_not_guessed() {
        let at = |text: &str| clock(Some(&text.parse().unwrap()));
        assert_eq!(at("1970-01-01T00:01:00Z").unwrap(), SystemTime::UNIX_EPOCH + Duration::from_secs(60));
        assert!(at("2026-11-01T03:00:00").is_err());
        assert!(at("03:00:00").is_err());
    }
}
