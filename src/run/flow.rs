//! What the gate itself writes and reads while it waits: answers, rows on their way to the client, what the host says.
//! No step blocks, so that a signal or a client that has gone is noticed at once.
#![forbid(unsafe_code)]

use std::io::{self, PipeReader, Read, Stderr, Stdout};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::unistd::write;

use crate::decide::plan::Sink;
use crate::table::Rows;

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
        Self { target: Target::of(sink), bytes, written: 0 }
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
            Err(_) => self.target = Target::Nowhere,
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
    source: Option<PipeReader>,
    rows: &'a mut Rows<'t>,
    out: &'a mut Outflow,
}

impl<'a, 't> Pump<'a, 't> {
    pub(super) fn new(source: PipeReader, rows: &'a mut Rows<'t>, out: &'a mut Outflow) -> Self {
        Self { source: Some(source), rows, out }
    }
}

impl Channel for Pump<'_, '_> {
    /// Nothing more is read before all is written: a slow client makes the program wait, not the gate grow.
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let read = || self.source.as_ref().map(|source| (source.as_fd(), PollFlags::POLLIN));
        self.out.interest().or_else(read)
    }

    fn step(&mut self) {
        if self.out.interest().is_some() {
            let had_a_reader = !self.out.is_closed();
            self.out.step();
            if had_a_reader && self.out.is_closed() {
                // The program learns it by SIGPIPE, as it would without the gate.
                self.source = None;
            }
            return;
        }
        if let Some(bytes) = read(&mut self.source) {
            self.rows.feed(&bytes, self.out.bytes());
            if self.out.is_closed() {
                self.out.bytes().clear();
            }
        }
    }

    fn close(&mut self) {
        self.source = None;
        self.out.close();
    }
}

/// What a program says, kept.
pub(super) struct Capture {
    source: Option<PipeReader>,
    bytes: Vec<u8>,
    most: usize,
    overflowed: bool,
}

impl Capture {
    pub(super) fn new(source: PipeReader, most: usize) -> Self {
        Self { source: Some(source), bytes: Vec::new(), most, overflowed: false }
    }

    /// The bytes, and whether there were more than that.
    pub(super) fn into_bytes(self) -> (Vec<u8>, bool) {
        (self.bytes, self.overflowed)
    }
}

impl Channel for Capture {
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        self.source.as_ref().map(|source| (source.as_fd(), PollFlags::POLLIN))
    }

    fn step(&mut self) {
        let Some(bytes) = read(&mut self.source) else {
            return;
        };
        let room = self.most - self.bytes.len();
        self.overflowed |= bytes.len() > room;
        self.bytes.extend(bytes.into_iter().take(room));
    }

    fn close(&mut self) {
        self.source = None;
    }
}

/// What is there to read; at the end, nothing, and the source is closed.
fn read(source: &mut Option<PipeReader>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; CHUNK];
    match source.as_mut()?.read(&mut bytes) {
        Ok(count) if count > 0 => {
            bytes.truncate(count);
            Some(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
        _ => {
            *source = None;
            None
        }
    }
}

/// A line of the gate's own. Whether it arrives doesn't matter.
pub(super) fn tell(sink: Sink, line: &[u8]) {
    let target = Target::of(sink);
    if let Some(descriptor) = target.descriptor() {
        let _ = write(descriptor, line);
    }
}
