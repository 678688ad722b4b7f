//! A stream on its way out that may go only so fast: pages move in the kernel, from the last program to the client.
#![forbid(unsafe_code)]

use std::io::{self, PipeReader, Stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::poll::PollFlags;

use super::RunError;
use super::confine::system;
use super::pace::Pace;
use super::plumbing::is_ready;
use super::wait::Channel;

/// What is moved at once at most. A socket that takes anything takes as much (unix(7) counts as ready what is three
/// quarters empty), so that no call waits.
const CHUNK: usize = 64 << 10;

pub(super) struct Meter {
    /// None when all has moved, or nobody reads it any more.
    source: Option<PipeReader>,
    sink: Stdout,
    pace: Pace,
    waits_for_sink: bool,
    failure: Option<Errno>,
}

impl Meter {
    pub(super) fn new(source: PipeReader, pace: Pace) -> Self {
        Self { source: Some(source), sink: io::stdout(), pace, waits_for_sink: false, failure: None }
    }

    /// Whether all of it was taken, by whoever reads it.
    pub(super) fn result(&self) -> Result<(), RunError> {
        self.failure.map_or(Ok(()), |error| Err(system("pass a stream on")(error)))
    }
}

impl Channel for Meter {
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        if self.deadline().is_some() {
            return None;
        }
        let source = self.source.as_ref()?;
        let sink = self.waits_for_sink;
        Some(if sink { (self.sink.as_fd(), PollFlags::POLLOUT) } else { (source.as_fd(), PollFlags::POLLIN) })
    }

    fn is_over(&self) -> bool {
        self.source.is_none()
    }

    fn deadline(&self) -> Option<Instant> {
        self.source.as_ref().and_then(|_| self.pace.rests(Instant::now()))
    }

    fn step(&mut self) {
        let Some(source) = &self.source else {
            return;
        };
        self.waits_for_sink = !is_ready(self.sink.as_fd(), PollFlags::POLLOUT);
        if self.waits_for_sink {
            return;
        }
        match splice(source, None, &self.sink, None, CHUNK, SpliceFFlags::SPLICE_F_NONBLOCK) {
            Ok(0) => self.close(),
            Ok(count) => self.pace.moved(count, Instant::now()),
            // Either the one has nothing, or the other no room for a whole page.
            Err(Errno::EAGAIN) => self.waits_for_sink = is_ready(source.as_fd(), PollFlags::POLLIN),
            Err(Errno::EINTR) => {}
            // The program learns it by SIGPIPE, as it would without the gate.
            Err(Errno::EPIPE | Errno::ECONNRESET) => self.close(),
            Err(error) => {
                self.failure = Some(error);
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.source = None;
    }
}
