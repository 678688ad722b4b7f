//! The door for streams, and for what comes later in a request: what is decided then, in the words that the client and
//! the log get.
#![forbid(unsafe_code)]

use crate::decide::arrival::{self, Admission, Arrival, Closed, Denial, Doorkeeper};
use crate::decide::plan::{Answer, Reception, Stage};
use crate::decide::{self, Error};
use crate::failure::Failure;
use crate::host::{Host, HostError};
use crate::policy::Policy;
use crate::script::Pipeline;
use crate::stream::{Begin, StreamError};

/// The door of one request.
pub struct Door<'a> {
    arrival: Arrival<'a>,
    policy: &'a Policy,
    host: &'a dyn Host,
}

impl<'a> Door<'a> {
    /// Closed, until a begin record opens it.
    pub fn new(policy: &'a Policy, host: &'a dyn Host) -> Self {
        Self { arrival: Arrival::new(policy, host), policy, host }
    }

    fn refusal(&self, failure: &Failure) -> Denial {
        Denial { answer: self.line(failure), reason: Some(failure.to_string()), host: None }
    }

    fn unanswered(&self, error: HostError) -> Denial {
        let answer = self.line(&Failure::Host(error.clone()));
        Denial { answer, reason: None, host: Some(error) }
    }

    fn line(&self, failure: &Failure) -> Answer {
        let line = format!("{}\n", failure.for_client(self.policy.reasons));
        Answer { stdout: Vec::new(), stderr: line.into_bytes(), status: failure.kind().status() }
    }
}

impl Doorkeeper for Door<'_> {
    fn again(&mut self, pipeline: &Pipeline<Stage>) -> Result<(), Denial> {
        decide::again(pipeline, self.policy, self.host).map_err(|error| match error {
            Error::Host(error) => self.unanswered(error),
            Error::Refused(refusal) => self.refusal(&Failure::Refused(refusal)),
        })
    }

    fn begin(&mut self, reception: &Reception, begin: &Begin) -> Result<Option<Admission>, Denial> {
        self.arrival.begin(reception, begin).map_err(|closed| match closed {
            Closed::Answer(answer) => Denial { answer, reason: None, host: None },
            Closed::Host(error) => self.unanswered(error),
            Closed::Refused(refusal) => self.refusal(&Failure::Refused(refusal)),
        })
    }

    fn broken(&mut self, error: &StreamError) -> Denial {
        match arrival::in_words_of_zfs(error) {
            Some(answer) => Denial { answer, reason: None, host: None },
            None => self.refusal(&Failure::Stream(error.clone())),
        }
    }
}
