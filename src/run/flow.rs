//! What the gate itself writes and reads while it waits: answers, rows on their way to the client, what the host says.
//! No step blocks, so that a signal or a client that has gone is noticed at once.
#![forbid(unsafe_code)]

use std::io::{self, PipeReader, Stderr, Stdout};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::unistd::{read, write};

use crate::decide::plan::Sink;
use crate::table::Rows;

use super::RunError;
use super::confine::system;
use super::wait::Channel;

/// What a pipe takes without blocking once poll(2) says that it takes anything (PIPE_BUF, pipe(7)).
const STEP: usize = 4096;

/// What one read takes from a pipe at most.
const CHUNK: usize = 64 * 1024;

/// Bytes on their way to the client.
pub(super) struct Outflow {
    target: Target,
    bytes: Vec<u8>,
    written: usize,
    failure: Option<Errno>,
}

enum Target {
    Err(Stderr),
    Nowhere,
    Out(Stdout),
}

impl Target {
    fn of(sink: Sink) -> Self {
        match sink {
            Sink::Err => Self::Err(io::stderr()),
            Sink::Null => Self::Nowhere,
            Sink::Out => Self::Out(io::stdout()),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Err(stderr) => Some(stderr.as_fd()),
            Self::Nowhere => None,
            Self::Out(stdout) => Some(stdout.as_fd()),
        }
    }
}

impl Outflow {
    pub(super) fn new(sink: Sink, bytes: Vec<u8>) -> Self {
        Self { target: Target::of(sink), bytes, written: 0, failure: None }
    }

    /// Whether all was taken, by whoever reads it.
    pub(super) fn result(&self) -> Result<(), RunError> {
        self.failure.map_or(Ok(()), |error| Err(system("write to the client")(error)))
    }

    /// Where further bytes are put.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn is_closed(&self) -> bool {
        matches!(self.target, Target::Nowhere)
    }

    fn left(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }
}

impl Channel for Outflow {
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        if self.left().is_empty() {
            return None;
        }
        self.target.descriptor().map(|descriptor| (descriptor, PollFlags::POLLOUT))
    }

    fn step(&mut self) {
        let left = self.left();
        let Some(descriptor) = self.target.descriptor() else {
            return;
        };
        match write(descriptor, left.get(..STEP).unwrap_or(left)) {
            Ok(count) => self.written += count,
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            // Whoever should read it has gone.
            Err(Errno::EPIPE | Errno::ECONNRESET) => self.target = Target::Nowhere,
            Err(error) => {
                self.failure = Some(error);
                self.target = Target::Nowhere;
            }
        }
        if self.left().is_empty() {
            self.bytes.clear();
            self.written = 0;
        }
    }

    fn close(&mut self) {
        self.target = Target::Nowhere;
    }
}

/// Rows on their way from a program to the client.
pub(super) struct Pump<'a, 't> {
    source: Source,
    rows: &'a mut Rows<'t>,
    out: &'a mut Outflow,
}

impl<'a, 't> Pump<'a, 't> {
    pub(super) fn new(source: PipeReader, rows: &'a mut Rows<'t>, out: &'a mut Outflow) -> Self {
        Self { source: Source::new(source), rows, out }
    }

    /// Whether they came to their end.
    pub(super) fn result(&self) -> Result<(), RunError> {
        self.source.result()
    }
}

impl Channel for Pump<'_, '_> {
    /// Nothing more is read before all is written: a slow client makes the program wait, not the gate grow.
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        self.out.interest().or_else(|| self.source.interest())
    }

    fn step(&mut self) {
        if self.out.interest().is_some() {
            let had_a_reader = !self.out.is_closed();
            self.out.step();
            if had_a_reader && self.out.is_closed() {
                // The program learns it by SIGPIPE, as it would without the gate.
                self.source.close();
            }
            return;
        }
        if let Some(bytes) = self.source.read() {
            self.rows.feed(&bytes, self.out.bytes());
            if self.out.is_closed() {
                self.out.bytes().clear();
            }
        }
    }

    fn close(&mut self) {
        self.source.close();
        self.out.close();
    }
}

/// What a program says, kept.
pub(super) struct Capture {
    source: Source,
    bytes: Vec<u8>,
    most: usize,
    overflowed: bool,
}

impl Capture {
    pub(super) fn new(source: PipeReader, most: usize) -> Self {
        Self { source: Source::new(source), bytes: Vec::new(), most, overflowed: false }
    }

    /// The bytes, and whether there were more than that.
    pub(super) fn into_bytes(self) -> Result<(Vec<u8>, bool), RunError> {
        self.source.result().map(|()| (self.bytes, self.overflowed))
    }
}

impl Channel for Capture {
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        self.source.interest()
    }

    fn step(&mut self) {
        let Some(bytes) = self.source.read() else {
            return;
        };
        let room = self.most - self.bytes.len();
        self.overflowed |= bytes.len() > room;
        self.bytes.extend(bytes.into_iter().take(room));
    }

    fn close(&mut self) {
        self.source.close();
    }
}

/// What a program prints. That it can't be read is not its end: what there was by then may look whole.
struct Source {
    pipe: Option<PipeReader>,
    failure: Option<Errno>,
}

impl Source {
    fn new(pipe: PipeReader) -> Self {
        Self { pipe: Some(pipe), failure: None }
    }

    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        self.pipe.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::POLLIN))
    }

    /// What is there to read; at the end, nothing, and the pipe is closed.
    fn read(&mut self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; CHUNK];
        match read(self.pipe.as_ref()?, &mut bytes) {
            Ok(0) => self.close(),
            Ok(count) => {
                bytes.truncate(count);
                return Some(bytes);
            }
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(error) => {
                self.failure = Some(error);
                self.close();
            }
        }
        None
    }

    fn result(&self) -> Result<(), RunError> {
        self.failure.map_or(Ok(()), |error| Err(system("read what a program prints")(error)))
    }

    fn close(&mut self) {
        self.pipe = None;
    }
}

/// A line of the gate's own. Whether it arrives doesn't matter.
pub(super) fn tell(sink: Sink, line: &[u8]) {
    let target = Target::of(sink);
    if let Some(descriptor) = target.descriptor() {
        while write(descriptor, line) == Err(Errno::EINTR) {}
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use nix::fcntl::{OFlag, open};
    use nix::sys::stat::Mode;

    use super::*;

    #[test]
    fn what_can_not_be_read_is_not_at_its_end() {
        // Reading a directory fails.
        let directory: OwnedFd = open("/", OFlag::O_RDONLY, Mode::empty()).unwrap();
        let mut capture = Capture::new(PipeReader::from(directory), 10);
        capture.step();
        let error = capture.into_bytes().unwrap_err().to_string();
        assert!(error.starts_with("cannot read what a program prints: Is a directory"), "{error}");
        let (reader, writer) = io::pipe().unwrap();
        drop(writer);
        let mut capture = Capture::new(reader, 10);
        capture.step();
        assert_eq!(capture.into_bytes().unwrap(), (Vec::new(), false));
    }
}
