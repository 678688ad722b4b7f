//! The descriptors that a stream moves between. No call here blocks.
#![forbid(unsafe_code)]

use std::io::{self, PipeReader, PipeWriter, Read, Stdin};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice, tee};
use nix::poll::PollFlags;
use nix::unistd::{read, write};

use super::super::confine::system;
use super::super::plumbing::is_ready;
use super::super::{RunError, plumbing};
use crate::stream::RECORD;

/// What became of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// So many bytes.
    Bytes(usize),
    /// None: there are none to read yet.
    Empty,
    /// None: there is no room to write yet.
    Full,
    /// None: there are no more.
    End,
    /// None: nobody reads any more.
    Broken,
    /// None: the kernel can't move pages between these two.
    Unable,
    /// None: this went wrong.
    Failed(Errno),
}

/// Where a stream comes from.
pub(in super::super) enum Intake {
    /// Nowhere: /dev/null.
    Nothing,
    /// The last filter.
    Pipe(PipeReader),
    /// The client: a pipe or a socket of sshd's.
    Standard(Stdin),
}

impl Intake {
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Nothing => None,
            Self::Pipe(pipe) => Some(pipe.as_fd()),
            Self::Standard(stdin) => Some(stdin.as_fd()),
        }
    }

    /// Asks poll(2) first: what has something to read does not block, and nobody else reads it. O_NONBLOCK would be a
    /// call less, but it belongs to what was opened, not to this descriptor: where sshd gives one socket for input and
    /// output, zfs would write to a descriptor that it doesn't expect, and a gate that is killed would leave it so.
    pub(super) fn read(&self, room: &mut [u8]) -> Moved {
        let Some(descriptor) = self.descriptor() else {
            return Moved::End;
        };
        if !is_ready(descriptor, PollFlags::POLLIN) {
            return Moved::Empty;
        }
        match read(descriptor, room) {
            Ok(0) => Moved::End,
            Ok(count) => Moved::Bytes(count),
            Err(Errno::EINTR | Errno::EAGAIN) => Moved::Empty,
            // Of a socket whose other end has gone.
            Err(Errno::ECONNRESET) => Moved::End,
            Err(error) => Moved::Failed(error),
        }
    }
}

/// What `zfs receive` reads from.
pub(super) struct Outlet(PipeWriter);

impl Outlet {
    /// The end of a pipe that is ours alone: its other end blocks as before.
    pub(super) fn new(pipe: PipeWriter) -> Result<Self, RunError> {
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(system("prepare a pipe"))?;
        Ok(Self(pipe))
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub(super) fn write(&self, bytes: &[u8]) -> Moved {
        match write(&self.0, bytes) {
            Ok(count) => Moved::Bytes(count),
            Err(Errno::EINTR) => Moved::Bytes(0),
            Err(Errno::EAGAIN) => Moved::Full,
            // Rust's start-up code has SIGPIPE ignored, so it is this that says it.
            Err(Errno::EPIPE) => Moved::Broken,
            Err(error) => Moved::Failed(error),
        }
    }

    /// Moves pages without looking at them (splice(2)).
    pub(super) fn splice(&self, from: &Intake, count: usize) -> Moved {
        let Some(descriptor) = from.descriptor() else {
            return Moved::End;
        };
        match splice(descriptor, None, &self.0, None, count, SpliceFFlags::SPLICE_F_NONBLOCK) {
            Ok(0) => Moved::End,
            Ok(count) => Moved::Bytes(count),
            Err(Errno::EINTR) => Moved::Bytes(0),
            // Either has nothing, or the other has no room.
            Err(Errno::EAGAIN) if is_ready(descriptor, PollFlags::POLLIN) => Moved::Full,
            Err(Errno::EAGAIN) => Moved::Empty,
            Err(Errno::EPIPE) => Moved::Broken,
            Err(error) => Moved::Failed(error),
        }
    }
}

/// A look at what an intake has, which stays there.
pub(super) struct Peek {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Peek {
    pub(super) fn new() -> Result<Self, RunError> {
        let (reader, writer) = plumbing::pipe()?;
        Ok(Self { reader, writer })
    }

    /// The next record, if all of it is there (tee(2)). What is seen here is what splice(2) moves afterwards: a writer
    /// can't change what it has written, unless it lent its memory (vmsplice(2)), and neither sshd nor a filter does.
    pub(super) fn record(&self, from: &Intake, record: &mut [u8; RECORD]) -> Moved {
        let Some(descriptor) = from.descriptor() else {
            return Moved::End;
        };
        let count = match tee(descriptor, &self.writer, RECORD, SpliceFFlags::SPLICE_F_NONBLOCK) {
            Ok(0) => return Moved::End,
            Ok(count) => count,
            Err(Errno::EAGAIN | Errno::EINTR) => return Moved::Empty,
            // A socket, say.
            Err(_) => return Moved::Unable,
        };
        // As many bytes are in a pipe that nobody else has: nothing blocks, and none stays behind.
        match (&self.reader).read_exact(record.get_mut(..count).unwrap_or_default()) {
            Ok(()) => Moved::Bytes(count),
            Err(_) => Moved::Unable,
        }
    }
}

impl From<Stdin> for Intake {
    fn from(stdin: Stdin) -> Self {
        Self::Standard(stdin)
    }
}

/// Standard input, as it was inherited.
pub(in super::super) fn standard() -> Intake {
    io::stdin().into()
}
