//! A plan to processes: the only room that starts any.

use thiserror::Error;

/// Why nothing could be started.
#[derive(Debug, Error)]
pub enum RunError {
    /// A program didn't start.
    #[error("cannot start '{program}': {error}")]
    Start {
        /// Which one.
        program: &'static str,
        /// Why.
        error: std::io::Error,
    },
}
