//! zfs-shell-policy: what an administrator asks of a policy. Never part of the gate.

use std::process::ExitCode;

/// The policy tool.
pub fn main() -> ExitCode {
    ExitCode::from(2)
}
