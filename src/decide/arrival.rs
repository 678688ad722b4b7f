//! A stream at the door: what its head says, against the policy and what the host says now. The request was decided when
//! it came; a stream may begin hours later, so all that matters is asked again.
#![forbid(unsafe_code)]

use super::plan::{Answer, Exec, Reception, Rewrite};
use crate::host::HostError;
use crate::stream::{Begin, StreamError};

/// Who decides on streams, for the one that moves them.
pub trait Doorkeeper {
    /// Judges each begin record of a stream, in order. Until an admission comes all bytes are held and nothing is started
    /// for the stream: with `None` the next begin record is waited for (the head of a package doesn't say what its first
    /// stream starts from). After the admission `None` means that the stream may go on.
    fn begin(&mut self, reception: &Reception, begin: &Begin) -> Result<Option<Admission>, Denial>;

    /// What is said of a stream that can't be followed, or is more than may come.
    fn broken(&mut self, error: &StreamError) -> Denial;
}

/// What runs for a stream that may come in.
#[derive(Debug)]
pub struct Admission {
    pub(super) before: Option<Exec>,
    pub(super) receive: Exec,
    pub(super) max_bytes: Option<u64>,
    pub(super) rewrites: Vec<Rewrite>,
}

/// What becomes of a stream that may not.
#[derive(Debug)]
pub struct Denial {
    /// What the client is told; its status is that of the command.
    pub answer: Answer,
    /// For the log; `None` where the answer is zfs's own and nobody was refused anything.
    pub reason: Option<String>,
    /// The host gave no answer.
    pub host: Option<HostError>,
}

impl Admission {
    /// What has to succeed first: a rollback.
    pub fn before(&self) -> Option<&Exec> {
        self.before.as_ref()
    }

    /// `zfs receive`
    pub fn receive(&self) -> &Exec {
        &self.receive
    }

    /// The most bytes that may come.
    pub fn max_bytes(&self) -> Option<u64> {
        self.max_bytes
    }

    /// How it differs from what was sent, besides what was known before.
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }
}
