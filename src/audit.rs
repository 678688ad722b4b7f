//! Records to syslog (authpriv). Where syslog is away or stalls, that is said, and soon.
#![forbid(unsafe_code)]

use thiserror::Error;

/// Why a record wasn't taken.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The socket isn't there, or is full.
    #[error("syslog takes no record: {0}")]
    Syslog(String),
}
