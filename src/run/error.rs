//! Why something could not be started, and what a client is told of it.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use thiserror::Error;

use super::flow;
use crate::decide::plan::Sink;

/// Why nothing could be started.
#[derive(Debug, Error)]
pub enum RunError {
    /// A program didn't start.
    #[error("cannot start '{}': {error}", program.display())]
    Start {
        /// Which one.
        program: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The kernel refused what a process is made of.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        error: std::io::Error,
    },
    /// The user namespace that the policy wants isn't there for this account.
    #[error("cannot enter the user namespace '{}' (sandbox.zone): {error}", file.display())]
    Zone {
        /// Which one.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A pipeline that `decide` never makes: an answer or several programs for one stage of it.
    #[error("a stage of a pipeline is not one program")]
    Pipeline,
    /// The client went, or a signal came, while the host was asked.
    #[error("interrupted while asking '{0}'")]
    Interrupted(&'static str),
    /// The host didn't answer in time.
    #[error("'{0}' gave no answer in time")]
    Time(&'static str),
    /// The host's answer is larger than any that makes sense.
    #[error("'{0}' printed too much")]
    TooMuch(&'static str),
}

impl RunError {
    /// As sh gives a command that could not be started.
    pub(super) fn status(&self) -> u8 {
        match self {
            Self::Start { error, .. } if error.kind() == std::io::ErrorKind::NotFound => 127,
            _ => NOT_STARTED,
        }
    }

    /// What could not be started after something has happened is a line and a status, as in sh. Paths and reasons are
    /// not for clients.
    pub(super) fn tell(&self) -> u8 {
        let program = match self {
            Self::Start { program, .. } => program.file_name().unwrap_or_default().to_string_lossy(),
            _ => "a program".into(),
        };
        flow::tell(Sink::Err, format!("zfs-shell: cannot start {program}\n").as_bytes());
        self.status()
    }
}

/// What sh gives a command that could not be started (XCU 2.8.2).
pub(super) const NOT_STARTED: u8 = 126;
