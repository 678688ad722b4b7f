//! Who answers for the host: a file of facts, nobody, or this host.

use super::cli::Asked;
use super::{Stop, clock, source};
use crate::facts::Table;
use crate::host::{Host, Live};
use crate::policy::Policy;

/// Who answers.
pub(super) enum Facts<'p> {
    Assumed(Table),
    Live(Live<'p>),
}

impl<'p> Facts<'p> {
    /// As the command line has it.
    pub(super) fn of(asked: &Asked, policy: &'p Policy) -> Result<Self, Stop> {
        if asked.live {
            return Ok(Self::Live(Live::new(policy)));
        }
        let now = clock(asked.at.as_ref())?;
        let table = match &asked.assume {
            Some(path) => source::facts(path)?,
            None => Table::default(),
        };
        Ok(Self::Assumed(table.at(now)))
    }

    /// Whom the decision asks.
    pub(super) fn host(&self) -> &dyn Host {
        match self {
            Self::Assumed(table) => table,
            Self::Live(live) => live,
        }
    }

    /// What was assumed since the last call, for want of a fact.
    pub(super) fn assumed(&self) -> Vec<String> {
        match self {
            Self::Assumed(table) => table.assumed(),
            Self::Live(_) => Vec::new(),
        }
    }
}
