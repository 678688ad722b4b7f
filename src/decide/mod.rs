//! The decision: grants add up, and the first doubt refuses all.
#![forbid(unsafe_code)]

pub mod plan;

use thiserror::Error;

use crate::command::Placed;
use crate::host::{Host, HostError};
use crate::policy::{GrantId, Policy};
use crate::script::Script;
use crate::syntax::Span;
use plan::Plan;

/// A known operation that the policy does not allow.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct Refusal {
    /// Why, in words for the client: they name nothing that the client didn't.
    pub reason: String,
    /// The command it is about.
    pub span: Span,
    /// The grant that came furthest, if one covers the dataset.
    pub grant: Option<GrantId>,
}

/// Why there is no plan.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// The policy says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The host can't say.
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Decides a whole request.
pub fn decide(_request: &Script<Placed>, _policy: &Policy, _host: &dyn Host) -> Result<Plan, Error> {
    Err(HostError::Unknown(String::new()).into())
}
