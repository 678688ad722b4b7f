//! What holds for the gate and for all that it starts.
#![forbid(unsafe_code)]

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
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

/// No program started from here on gains rights by being set-user-ID (PR_SET_NO_NEW_PRIVS, prctl(2)).
pub(super) fn no_new_privs() -> Result<(), RunError> {
    prctl::set_no_new_privs().map_err(system("set no_new_privs"))
}

/// Runs `start` with a lower limit of address space, for the child to inherit: std's posix_spawn has no place for it,
/// and a hook between fork and exec would cost a copy of the gate.
pub(super) fn with_memory<T>(bytes: Option<u64>, start: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    let Some(bytes) = bytes else {
        return start();
    };
    let (soft, hard) = getrlimit(Resource::RLIMIT_AS).map_err(system("read the limit of memory"))?;
    set_memory(soft.min(bytes), hard)?;
    let started = start();
    set_memory(soft, hard)?;
    started
}

fn set_memory(soft: rlim_t, hard: rlim_t) -> Result<(), RunError> {
    setrlimit(Resource::RLIMIT_AS, soft, hard).map_err(system("set the limit of memory"))
}

pub(super) fn system(what: &'static str) -> impl Fn(nix::Error) -> RunError {
    move |error| RunError::System { what, error: error.into() }
}
