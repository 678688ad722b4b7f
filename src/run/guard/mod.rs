//! Stands between the client, or the last filter, and `zfs receive`: nothing of a stream passes before the begin record
//! that it belongs to was let in. Records with large payloads are read and written, and their payload moves in the
//! kernel; small ones are walked in a buffer and written together.
#![forbid(unsafe_code)]

mod conduit;
mod window;

use std::io::PipeWriter;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use crate::decide::arrival::{Admission, Denial, Doorkeeper};
use crate::decide::plan::Reception;
use crate::stream::{Begin, Need, RECORD, StreamError, Walk};

use super::RunError;
use super::wait::Channel;
use conduit::{Moved, Outlet};
use window::Window;

pub(super) use conduit::{Intake, standard};

/// How long a record may take while nothing has passed, once its first byte is there, and each MiB of its payload.
const PATIENCE: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(60) };

/// What is read or moved at once at most: what a wide pipe holds.
const CHUNK: usize = 256 << 10;

/// From how many bytes on a payload is moved in the kernel.
const LARGE: u64 = 64 << 10;

/// How many calls a step makes before signals and children are looked at.
const BURST: usize = 64;

/// How many records are held at most: a package's begin and end, the begin of its first stream, and some to spare.
const HELD: usize = 8;

/// A stream on its way in.
pub(super) struct Guard<'k> {
    keeper: &'k mut dyn Doorkeeper,
    reception: &'k Reception,
    walk: Walk,
    window: Window,
    intake: Intake,
    door: Door,
    waits: Waits,
    admission: Option<Admission>,
    denial: Option<Denial>,
    /// How many records were taken before the admission.
    held: usize,
    /// When the record has to be whole.
    deadline: Option<Instant>,
    /// How many bytes are read at once: more with each record that has no large payload.
    reach: usize,
    splices: bool,
    /// How many bytes the stream has, as far as it was judged.
    length: u64,
    most: u64,
    passed: u64,
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
    pub(super) fn new(intake: Intake, reception: &'k Reception, keeper: &'k mut dyn Doorkeeper) -> Self {
        let mut guard = Self {
            keeper,
            reception,
            walk: Walk::new(),
            window: Window::default(),
            intake,
            door: Door::Shut,
            waits: Waits::Source,
            admission: None,
            denial: None,
            held: 0,
            deadline: None,
            reach: RECORD,
            splices: true,
            length: 0,
            most: u64::MAX,
            passed: 0,
        };
        if guard.intake.descriptor().is_none() {
            guard.broken(&StreamError::Empty);
        }
        guard
    }

    /// What the stream was let in to; `None` if it wasn't.
    pub(super) fn admission(&mut self) -> Option<Admission> {
        self.admission.take()
    }

    /// Lets the stream through to the reader of this pipe.
    pub(super) fn open(&mut self, pipe: PipeWriter) -> Result<(), RunError> {
        self.window.clear();
        self.door = Door::Open(Outlet::new(pipe)?);
        self.waits = Waits::Sink;
        self.reach = RECORD;
        Ok(())
    }

    /// Reads and writes no more.
    pub(super) fn let_go(&mut self) {
        self.close();
    }

    /// How many bytes went through, and why no more did.
    pub(super) fn end(self) -> (u64, Option<Denial>) {
        (self.passed, self.denial)
    }

    /// One call, or one record; what to wait for if it would have blocked.
    fn advance(&mut self) -> Option<Waits> {
        if let Door::Open(outlet) | Door::Closing(outlet) = &self.door {
            if !self.window.to_write().is_empty() {
                let moved = outlet.write(self.window.to_write());
                return self.wrote(moved);
            }
        }
        match &self.door {
            Door::Shut | Door::Open(_) => {}
            Door::Closing(_) | Door::Closed => {
                self.close();
                return None;
            }
        }
        if self.judge() {
            return None;
        }
        match (&self.door, self.walk.need()) {
            (Door::Shut, Need::Nothing | Need::Pass(_)) => {
                // Nobody let it in, and there is something to pass, or nothing more to come.
                self.broken(&StreamError::Empty);
                None
            }
            (_, Need::Nothing) => {
                self.stop();
                None
            }
            (Door::Open(outlet), Need::Pass(count)) if self.moves(count) => {
                let moved = outlet.splice(&self.intake, usize::try_from(count).unwrap_or(CHUNK).min(CHUNK));
                self.spliced(moved)
            }
            (_, need) => self.fill(need),
        }
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
            // Its reader has ended. What it says of that counts.
            _ => self.close(),
        }
        None
    }

    fn spliced(&mut self, moved: Moved) -> Option<Waits> {
        match moved {
            Moved::Bytes(count) => {
                self.pass(count);
                self.walk.passed(u64::try_from(count).unwrap_or(u64::MAX));
                // The next thing is another record, and its payload is likely to be as large.
                self.reach = RECORD;
            }
            Moved::Empty => return Some(Waits::Source),
            Moved::Full => return Some(Waits::Sink),
            Moved::Unable => self.splices = false,
            Moved::Broken | Moved::End => self.close(),
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
                if self.is_shut() && self.deadline.is_none() {
                    self.deadline = Some(Instant::now() + PATIENCE);
                }
                None
            }
            Moved::Empty => Some(Waits::Source),
            _ if self.is_shut() => {
                self.broken(&StreamError::Empty);
                None
            }
            _ => {
                self.stop();
                None
            }
        }
    }

    /// Walks through what is held. True if that changed anything.
    fn judge(&mut self) -> bool {
        let mut changed = false;
        loop {
            let held = self.window.to_take();
            let count = match self.walk.need() {
                Need::Record => RECORD,
                Need::Payload(count) => count,
                Need::Pass(count) => {
                    let count = usize::try_from(count).unwrap_or(usize::MAX).min(held.len());
                    if count == 0 {
                        return changed;
                    }
                    self.walk.passed(u64::try_from(count).unwrap_or(u64::MAX));
                    self.window.took(count);
                    self.window.clear();
                    changed = true;
                    continue;
                }
                Need::Nothing => return changed,
            };
            let Some(record) = held.get(..count) else {
                return changed;
            };
            changed = true;
            let taken = self.walk.take(record);
            self.window.took(count);
            if !self.follow(count, taken) {
                return true;
            }
        }
    }

    /// Acts on what the walk made of a record. False where there is nothing more to judge for now.
    fn follow(&mut self, count: usize, taken: Result<Option<Begin>, StreamError>) -> bool {
        let need = self.walk.need();
        let payload = if let Need::Pass(payload) = need { payload } else { 0 };
        self.length = self.length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX)).saturating_add(payload);
        let begin = match taken {
            Ok(begin) => begin,
            Err(error) => {
                self.broken(&error);
                return false;
            }
        };
        if self.is_shut() {
            self.held += 1;
            self.deadline = None;
            if self.held > HELD {
                self.broken(&StreamError::Empty);
                return false;
            }
        }
        if self.length > self.most {
            self.broken(&StreamError::TooLong);
            return false;
        }
        if let Some(begin) = begin {
            return self.ask(&begin);
        }
        match need {
            // The record passes with its payload, if that is let in.
            Need::Payload(count) => {
                let mebibytes = u32::try_from(count.div_ceil(1 << 20)).unwrap_or(u32::MAX);
                self.deadline =
                    Instant::now().checked_add(PATIENCE.saturating_mul(mebibytes)).filter(|_| self.is_shut());
            }
            _ => self.window.clear(),
        }
        true
    }

    fn ask(&mut self, begin: &Begin) -> bool {
        match self.keeper.begin(self.reception, begin) {
            Ok(None) => {
                self.window.clear();
                true
            }
            Ok(Some(admission)) if self.is_shut() => {
                self.window.clear();
                self.most = admission.max_bytes().unwrap_or(u64::MAX);
                if self.length > self.most {
                    self.broken(&StreamError::TooLong);
                } else {
                    self.admission = Some(admission);
                }
                false
            }
            // A second one would be too late.
            Ok(Some(_)) => {
                self.broken(&StreamError::Magic);
                false
            }
            Err(denial) => {
                self.deny(denial);
                false
            }
        }
    }

    fn pass(&mut self, count: usize) {
        self.passed += u64::try_from(count).unwrap_or(0);
    }

    fn broken(&mut self, error: &StreamError) {
        let denial = self.keeper.broken(error);
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

    fn is_shut(&self) -> bool {
        matches!(self.door, Door::Shut)
    }

    fn is_done(&self) -> bool {
        matches!(self.door, Door::Closed) || self.is_shut() && self.admission.is_some()
    }
}

impl Channel for Guard<'_> {
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        if self.is_done() {
            return None;
        }
        match (&self.waits, &self.door) {
            (Waits::Sink, Door::Open(outlet) | Door::Closing(outlet)) => {
                Some((outlet.descriptor(), PollFlags::POLLOUT))
            }
            _ => self.intake.descriptor().map(|descriptor| (descriptor, PollFlags::POLLIN)),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.is_done())
    }

    fn step(&mut self) {
        if self.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
            return self.broken(&StreamError::Slow);
        }
        for _ in 0..BURST {
            if self.is_done() {
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
