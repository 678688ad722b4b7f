//! Pipes, as wide as an ordinary account may have them.
#![forbid(unsafe_code)]

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::RunError;

/// What `/proc/sys/fs/pipe-max-size` is by default. A stream through 1 MiB takes a quarter of the time that it takes
/// through the 64 KiB of a fresh pipe.
const WIDTH: i32 = 1 << 20;

/// A pipe between two programs.
pub(super) fn wide_pipe() -> Result<(PipeReader, PipeWriter), RunError> {
    let (reader, writer) = pipe()?;
    widen(&writer);
    Ok((reader, writer))
}

/// A pipe from a program to the gate.
pub(super) fn pipe() -> Result<(PipeReader, PipeWriter), RunError> {
    io::pipe().map_err(|error| RunError::System { what: "make a pipe", error })
}

/// Widens standard input and output, where sshd made them pipes.
pub(super) fn widen_standard() {
    widen(io::stdin());
    widen(io::stdout());
}

/// Whether a call that reads or writes would not wait now.
pub(super) fn is_ready(descriptor: BorrowedFd, events: PollFlags) -> bool {
    poll(&mut [PollFd::new(descriptor, events)], PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Failure is no matter: the account's share of pipe memory may be used up, or it's no pipe.
fn widen(descriptor: impl AsFd) {
    let _ = fcntl(descriptor, FcntlArg::F_SETPIPE_SZ(WIDTH));
}
