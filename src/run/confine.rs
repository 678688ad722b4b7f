//! What holds for the gate and for all that it starts.
#![forbid(unsafe_code)]

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::SigSet;
use nix::sys::stat::{Mode, umask};
use nix::unistd::chdir;

use super::{RunError, sys};

/// Once, before anything starts: no core files with keys in them, no directory kept busy, no descriptor handed on that
/// sshd or pam left open, files (should a program make one) for the account alone, no signal ignored or blocked: both
/// would be handed on.
pub fn prepare() -> Result<(), RunError> {
    sys::release_all().map_err(|error| RunError::System { what: "release signals", error })?;
    SigSet::empty().thread_set_mask().map_err(system("unblock signals"))?;
    umask(Mode::from_bits_truncate(0o077));
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(system("set the limit of core files"))?;
    chdir("/").map_err(system("change to the root directory"))?;
    sys::close_on_exec_above_stderr().map_err(|error| RunError::System { what: "close descriptors on exec", error })
}

/// Has the gate, and all that it starts, step back behind others.
pub fn step_back(nice: Option<u32>, io_priority: Option<u16>) -> Result<(), RunError> {
    let failed = |error| RunError::System { what: "step back behind other programs", error };
    nice.map_or(Ok(()), sys::be_nice).map_err(failed)?;
    io_priority.map_or(Ok(()), sys::set_io_priority).map_err(failed)
}

pub(super) fn system(what: &'static str) -> impl Fn(nix::Error) -> RunError {
    move |error| RunError::System { what, error: error.into() }
}
