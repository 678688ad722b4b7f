//! One request, from the environment to the exec.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// The forced command.
pub fn main() -> ExitCode {
    ExitCode::from(125)
}
