//! Why nothing ran: three kinds, by who has to act, and the exit status of each. Nobody else names one.
#![forbid(unsafe_code)]

use thiserror::Error;

use crate::audit::AuditError;
use crate::host::HostError;
use crate::policy::{OpenError, PolicyError};
use crate::request::RequestError;
use crate::stream::StreamError;
use crate::syntax::Span;
use crate::{command, decide, run, syntax};

/// Why nothing ran. `Display` is for administrators; clients get [`Failure::for_client`].
#[derive(Debug, Error)]
pub enum Failure {
    /// There was no request: an interactive login.
    #[error("no command")]
    NoCommand,
    /// The gate was called in a way that sshd never calls it, or by nobody known.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Not syntax that is understood.
    #[error(transparent)]
    Syntax(#[from] syntax::Error),
    /// Not a command that is understood.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// Understood and not allowed.
    #[error(transparent)]
    Refused(#[from] decide::Refusal),
    /// A stream that can't be followed, or is more than may come.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The policy's name or file can't be taken.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The policy has an error.
    #[error("{path}: {error}")]
    Policy {
        /// The file.
        path: String,
        /// What is wrong with it.
        error: PolicyError,
    },
    /// The host gave no answer.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The log takes no record, and the policy requires one.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The kernel lacks what would confine programs, and the policy requires it.
    #[error("the policy requires what is missing here: {}", .0.iter().map(|measure| measure.needs()).collect::<Vec<_>>().join("; "))]
    Unconfined(Vec<run::Measure>),
    /// As many requests as there may be at once are there.
    #[error("this key has {0} requests at once, as many as it may have (session.count)")]
    Busy(u32),
    /// Nothing could be started.
    #[error(transparent)]
    Run(#[from] run::RunError),
}

/// The word of a failed request (the contract's six less those of [`decide::plan::Decision`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The installation: no policy, an error in it, a missing program.
    Broken,
    /// A known operation that the policy does not allow.
    Refused,
    /// Not understood.
    Unknown,
}

impl Kind {
    /// As the contract and the log spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }

    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            Self::Broken => 125,
            Self::Refused => 126,
            Self::Unknown => 127,
        }
    }
}

impl From<decide::Error> for Failure {
    fn from(error: decide::Error) -> Self {
        match error {
            decide::Error::Refused(refusal) => Self::Refused(refusal),
            decide::Error::Host(error) => Self::Host(error),
        }
    }
}

impl Failure {
    /// Which kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Syntax(_) | Self::Command(_) => Kind::Unknown,
            Self::Busy(_) | Self::NoCommand | Self::Open(OpenError::Disabled) | Self::Refused(_) | Self::Stream(_) => {
                Kind::Refused
            }
            Self::Audit(_)
            | Self::Host(_)
            | Self::Open(_)
            | Self::Policy { .. }
            | Self::Request(_)
            | Self::Run(_)
            | Self::Unconfined(_) => Kind::Broken,
        }
    }

    /// The part of the request that it is about.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Syntax(error) => Some(error.span),
            Self::Command(error) => Some(error.span),
            Self::Refused(refusal) => Some(refusal.span),
            _ => None,
        }
    }

    /// Whether only the log tells why.
    pub fn is_for_the_log(&self) -> bool {
        self.kind() == Kind::Broken && !matches!(self, Self::Audit(_) | Self::Request(RequestError::Usage))
    }

    /// The one line that the client gets, without a newline. It holds nothing that the client didn't know.
    pub fn for_client(&self, reasons: bool) -> String {
        match (self, self.kind()) {
            (Self::Request(RequestError::Usage), _) => format!("zfs-shell: {}", RequestError::Usage),
            (Self::Audit(_), _) => "zfs-shell: not available, and the log takes no record".to_owned(),
            (_, Kind::Broken) => "zfs-shell: not available, see the log".to_owned(),
            (Self::NoCommand, _) => {
                "zfs-shell: refused: this key is for ZFS replication, there is no shell behind it".to_owned()
            }
            (_, kind) if !reasons => format!("zfs-shell: {}", kind.word()),
            (failure, kind) => format!("zfs-shell: {}: {failure}", kind.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::What;

    #[test]
    fn only_a_failure_of_the_request_has_a_place_in_it() {
        let span = Span { start: 4, end: 8 };
        let unknown = Failure::Command(command::Error { what: What::Subcommand, span });
        assert_eq!(unknown.span(), Some(span));
        assert_eq!(Failure::Host(HostError::Unknown("x".to_owned())).span(), None);
    }
}
