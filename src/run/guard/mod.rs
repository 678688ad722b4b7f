//! Stands between the client, or the last filter, and `zfs receive`: nothing of a stream passes before the begin record
//! that it belongs to was let in. Records with large payloads are looked at and move in the kernel, together with their
//! payload; small ones are walked in a buffer and written together.
#![forbid(unsafe_code)]

mod conduit;
mod judge;
mod window;

use std::io::PipeWriter;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::PollFlags;

use crate::decide::arrival::{Admission, Denial, Doorkeeper};
use crate::decide::plan::Reception;
use crate::stream::{Need, RECORD, StreamError};

use super::RunError;
use super::confine::system;
use super::pace::Pace;
use super::wait::Channel;
use conduit::{Moved, Outlet, Peek};
use judge::{Judge, Verdict};
use window::Window;

pub(super) use conduit::{Intake, standard};

/// What is read or moved at once at most: what a wide pipe holds.
const CHUNK: usize = 256 << 10;

/// From how many bytes on a payload is moved in the kernel.
const LARGE: u64 = 64 << 10;

/// How many calls a step makes before signals and children are looked at.
const BURST: usize = 512;

/// A stream on its way in.
pub(super) struct Guard<'k> {
    judge: Judge<'k>,
    window: Window,
    intake: Intake,
    door: Door,
    waits: Waits,
    admission: Option<Box<Admission>>,
    denial: Option<Denial>,
    /// Why the host could not pass it on.
    failure: Option<Errno>,
    /// How many bytes are read at once: more with each record that has no large payload.
    reach: usize,
    /// With which a record is looked at; not where what comes in is no pipe.
    peek: Option<Peek>,
    /// How many bytes of a record that was looked at have still to move, ahead of its payload.
    ahead: usize,
    splices: bool,
    passed: u64,
    pace: Option<Pace>,
}

enum Door {
    /// All is held: there was no admission yet, or nothing was started for it.
    Shut,
    Open(Outlet),
    /// What was cleared still passes, and nothing more.
    Closing(Outlet),
    Closed,
}

enum Waits {
    Source,
    Sink,
}

impl<'k> Guard<'k> {
    pub(super) fn new(
        intake: Intake,
        reception: &'k Reception,
        keeper: &'k mut dyn Doorkeeper,
        pace: Option<Pace>,
    ) -> Self {
        let mut guard = Self {
            judge: Judge::new(reception, keeper),
            window: Window::default(),
            intake,
            door: Door::Shut,
            waits: Waits::Source,
            admission: None,
            denial: None,
            failure: None,
            reach: RECORD,
            peek: None,
            ahead: 0,
            splices: true,
            passed: 0,
            pace,
        };
        if guard.intake.descriptor().is_none() {
            guard.broken(&StreamError::Empty);
        }
        guard
    }

    /// What the stream was let in to; `None` if it wasn't.
    pub(super) fn admission(&mut self) -> Option<Box<Admission>> {
        self.admission.take()
    }

    /// Lets the stream through to the reader of this pipe.
    pub(super) fn open(&mut self, pipe: PipeWriter) -> Result<(), RunError> {
        self.door = Door::Open(Outlet::new(pipe)?);
        self.peek = Some(Peek::new()?);
        self.waits = Waits::Sink;
        self.reach = RECORD;
        Ok(())
    }

    /// Reads and writes no more.
    pub(super) fn let_go(&mut self) {
        self.close();
    }

    /// How many bytes went through, and why no more did: what was decided, and what the host failed at.
    pub(super) fn end(self) -> (u64, Option<Denial>, Option<RunError>) {
        (self.passed, self.denial, self.failure.map(system("pass a stream on")))
    }

    /// One call, or one record; what to wait for if it would have blocked.
    fn advance(&mut self) -> Option<Waits> {
        match &self.door {
            Door::Open(outlet) | Door::Closing(outlet) if !self.window.to_write().is_empty() => {
                let moved = outlet.write(self.window.to_write());
                return self.wrote(moved);
            }
            Door::Shut | Door::Open(_) => {}
            Door::Closing(_) | Door::Closed => {
                self.close();
                return None;
            }
        }
        match self.judge.judge(&mut self.window) {
            Verdict::Admitted(admission) => {
                self.admission = Some(admission);
                return None;
            }
            Verdict::Denied(denial) => {
                self.deny(denial);
                return None;
            }
            Verdict::More => {}
        }
        match (&self.door, self.judge.need()) {
            (Door::Open(_), _) if !self.window.to_write().is_empty() => None,
            (_, Need::Nothing) => {
                self.stop();
                None
            }
            (Door::Open(outlet), Need::Pass(count)) if self.moves(count) => {
                let count = usize::try_from(count).unwrap_or(CHUNK).saturating_add(self.ahead).min(CHUNK);
                let moved = outlet.splice(&self.intake, count);
                self.spliced(moved)
            }
            (Door::Open(_), Need::Record) if self.window.is_empty() && self.reach == RECORD => self.look(),
            (_, need) => self.fill(need),
        }
    }

    /// Looks at a record, which will move with its payload: one call less, and its reader is woken once. Where that
    /// can't be, it is read.
    fn look(&mut self) -> Option<Waits> {
        let mut record = [0; RECORD];
        match self.peek.as_ref().map(|peek| peek.record(&self.intake, &mut record)) {
            Some(Moved::Bytes(RECORD)) => match self.judge.take_ahead(&record) {
                Ok(true) => {
                    self.ahead = RECORD;
                    return None;
                }
                Ok(false) => {}
                Err(denial) => {
                    self.deny(denial);
                    return None;
                }
            },
            Some(Moved::Empty) => return Some(Waits::Source),
            Some(Moved::Unable) => self.peek = None,
            _ => {}
        }
        self.fill(Need::Record)
    }

    /// Whether this payload, or what is left of it, moves in the kernel. What began so ends so, else the end of each
    /// would be copied, and the next record with it.
    fn moves(&self, count: u64) -> bool {
        self.splices && self.window.is_empty() && (count >= LARGE || self.reach == RECORD)
    }

    fn wrote(&mut self, moved: Moved) -> Option<Waits> {
        match moved {
            Moved::Bytes(count) => {
                self.window.wrote(count);
                self.pass(count);
            }
            Moved::Full => return Some(Waits::Sink),
            Moved::Failed(error) => self.fail(error),
            // Its reader has ended. What it says of that counts.
            _ => self.close(),
        }
        None
    }

    fn spliced(&mut self, moved: Moved) -> Option<Waits> {
        match moved {
            Moved::Bytes(count) => {
                self.pass(count);
                let of_record = count.min(self.ahead);
                self.ahead -= of_record;
                self.judge.passed(count - of_record);
                // The next thing is another record, and its payload is likely to be as large.
                self.reach = RECORD;
            }
            Moved::Empty => return Some(Waits::Source),
            Moved::Full => return Some(Waits::Sink),
            // By copying, then. Not with a record ahead: tee(2) has moved it.
            Moved::Failed(_) if self.ahead == 0 => self.splices = false,
            Moved::Failed(error) => self.fail(error),
            Moved::Unable | Moved::Broken | Moved::End => self.close(),
        }
        None
    }

    /// Reads some more.
    fn fill(&mut self, need: Need) -> Option<Waits> {
        let count = match need {
            Need::Payload(count) => count.saturating_sub(self.window.to_take().len()).min(CHUNK),
            _ if self.is_shut() => RECORD.saturating_sub(self.window.to_take().len()),
            _ => self.reach,
        };
        match self.intake.read(self.window.room(count)) {
            Moved::Bytes(count) => {
                self.window.filled(count);
                self.reach = (self.reach * 4).min(CHUNK);
                self.judge.has_begun();
                None
            }
            Moved::Empty => Some(Waits::Source),
            Moved::Failed(error) if !self.is_shut() => {
                self.fail(error);
                None
            }
            moved if self.is_shut() => {
                if let Moved::Failed(error) = moved {
                    self.failure = Some(error);
                }
                self.broken(&StreamError::Empty);
                None
            }
            _ => {
                self.stop();
                None
            }
        }
    }

    fn pass(&mut self, count: usize) {
        self.passed += u64::try_from(count).unwrap_or(0);
        if let Some(pace) = &mut self.pace {
            pace.moved(count, Instant::now());
        }
    }

    fn broken(&mut self, error: &StreamError) {
        let denial = self.judge.broken(error);
        self.deny(denial);
    }

    fn deny(&mut self, denial: Denial) {
        self.denial = Some(denial);
        self.stop();
    }

    /// Reads no more. What was cleared still passes.
    fn stop(&mut self) {
        self.intake = Intake::Nothing;
        self.door = match std::mem::replace(&mut self.door, Door::Closed) {
            Door::Open(outlet) | Door::Closing(outlet) => Door::Closing(outlet),
            Door::Shut | Door::Closed => Door::Closed,
        };
        self.waits = Waits::Sink;
    }

    /// `zfs receive` finds a stream without an end, and says so.
    fn fail(&mut self, error: Errno) {
        self.failure = Some(error);
        self.close();
    }

    fn is_shut(&self) -> bool {
        matches!(self.door, Door::Shut)
    }

    fn rests(&self) -> Option<Instant> {
        self.pace.and_then(|pace| pace.rests(Instant::now()))
    }

    fn is_done(&self) -> bool {
        matches!(self.door, Door::Closed) || self.is_shut() && self.admission.is_some()
    }
}

impl Channel for Guard<'_> {
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        if self.is_done() || self.rests().is_some() {
            return None;
        }
        match (&self.waits, &self.door) {
            (Waits::Sink, Door::Open(outlet) | Door::Closing(outlet)) => {
                Some((outlet.descriptor(), PollFlags::POLLOUT))
            }
            _ => self.intake.descriptor().map(|descriptor| (descriptor, PollFlags::POLLIN)),
        }
    }

    fn is_over(&self) -> bool {
        self.is_done()
    }

    fn deadline(&self) -> Option<Instant> {
        self.judge.deadline().into_iter().chain(self.rests()).min().filter(|_| !self.is_done())
    }

    fn step(&mut self) {
        if self.judge.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
            return self.broken(&StreamError::Slow);
        }
        for _ in 0..BURST {
            if self.is_done() || self.rests().is_some() {
                return;
            }
            if let Some(waits) = self.advance() {
                self.waits = waits;
                return;
            }
        }
    }

    fn close(&mut self) {
        self.intake = Intake::Nothing;
        self.door = Door::Closed;
    }
}
