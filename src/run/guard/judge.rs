//! What may pass of what is held: the walk from record to record, and the doorkeeper's word on each begin record.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::decide::arrival::{Admission, Denial, Doorkeeper};
use crate::decide::plan::Reception;
use crate::stream::{Begin, Need, RECORD, StreamError, Walk};

use super::LARGE;
use super::window::Window;

/// How long a record may take while nothing has passed, once its first byte is there, and each MiB of its payload.
const PATIENCE: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(60) };

/// How many records are held at most: a package's begin and end, the begin of its first stream, and some to spare.
const HELD: usize = 8;

/// Who walks along with a stream.
pub(super) struct Judge<'k> {
    keeper: &'k mut dyn Doorkeeper,
    reception: &'k Reception,
    walk: Walk,
    is_admitted: bool,
    /// How many records were taken before the admission.
    held: usize,
    /// When the record has to be whole.
    deadline: Option<Instant>,
    /// How many bytes the stream has, with the payload of the last record.
    length: u64,
    most: u64,
}

/// What comes of what is held.
pub(super) enum Verdict {
    /// More is needed.
    More,
    Admitted(Box<Admission>),
    Denied(Denial),
}

impl<'k> Judge<'k> {
    pub(super) fn new(reception: &'k Reception, keeper: &'k mut dyn Doorkeeper) -> Self {
        let walk = Walk::new();
        Self { keeper, reception, walk, is_admitted: false, held: 0, deadline: None, length: 0, most: u64::MAX }
    }

    pub(super) fn need(&self) -> Need {
        self.walk.need()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Bytes of a record are there.
    pub(super) fn has_begun(&mut self) {
        if !self.is_admitted && self.deadline.is_none() {
            self.deadline = Some(Instant::now() + PATIENCE);
        }
    }

    /// Payload has passed beside the window.
    pub(super) fn passed(&mut self, count: usize) {
        self.walk.passed(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(super) fn broken(&mut self, error: &StreamError) -> Denial {
        self.keeper.broken(error)
    }

    /// Takes a record that was seen and passes beside the window, if a large payload follows it; whether it did.
    pub(super) fn take_ahead(&mut self, record: &[u8; RECORD]) -> Result<bool, Denial> {
        if !self.is_admitted || self.walk.contents(record).is_none_or(|size| size < LARGE) {
            return Ok(false);
        }
        let taken = self.walk.take(record);
        self.follow(RECORD, taken)?;
        Ok(true)
    }

    /// Walks through what is held and clears what may pass.
    pub(super) fn judge(&mut self, window: &mut Window) -> Verdict {
        loop {
            let held = window.to_take();
            let count = match self.walk.need() {
                // Nobody let it in, and there is something to pass, or nothing more to come.
                Need::Nothing | Need::Pass(_) if !self.is_admitted => return self.refuse(&StreamError::Empty),
                Need::Record => RECORD,
                Need::Payload(count) => count,
                Need::Pass(count) => usize::try_from(count).unwrap_or(usize::MAX).min(held.len()),
                Need::Nothing => return Verdict::More,
            };
            let Some(bytes) = held.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return Verdict::More;
            };
            if matches!(self.walk.need(), Need::Pass(_)) {
                self.passed(count);
                window.took(count);
                window.clear();
                continue;
            }
            let taken = self.walk.take(bytes);
            window.took(count);
            let admission = match self.follow(count, taken) {
                Ok(admission) => admission,
                Err(denial) => return Verdict::Denied(denial),
            };
            // A begin record passes with its payload, if that is let in.
            if !matches!(self.walk.need(), Need::Payload(_)) {
                window.clear();
            }
            if let Some(admission) = admission {
                return Verdict::Admitted(Box::new(admission));
            }
        }
    }

    /// Acts on what the walk made of a record.
    fn follow(&mut self, count: usize, taken: Result<Option<Begin>, StreamError>) -> Result<Option<Admission>, Denial> {
        let begin = taken.map_err(|error| self.broken(&error))?;
        let payload = if let Need::Pass(payload) = self.walk.need() { payload } else { 0 };
        self.length = self.length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX)).saturating_add(payload);
        self.measure()?;
        if !self.is_admitted {
            self.held += 1;
            self.deadline = match self.walk.need() {
                Need::Payload(count) => {
                    let mebibytes = u32::try_from(count.div_ceil(1 << 20)).unwrap_or(u32::MAX);
                    Instant::now().checked_add(PATIENCE.saturating_mul(mebibytes))
                }
                _ => None,
            };
            if self.held > HELD {
                return Err(self.broken(&StreamError::Empty));
            }
        }
        let admission = begin.map_or(Ok(None), |begin| self.keeper.begin(self.reception, &begin))?;
        if let Some(admission) = &admission {
            if self.is_admitted {
                // zfs runs: it is too late for another.
                return Err(self.broken(&StreamError::Magic));
            }
            self.is_admitted = true;
            self.most = admission.max_bytes().unwrap_or(u64::MAX);
            self.measure()?;
        }
        Ok(admission)
    }

    fn measure(&mut self) -> Result<(), Denial> {
        if self.length > self.most { Err(self.broken(&StreamError::TooLong)) } else { Ok(()) }
    }

    fn refuse(&mut self, error: &StreamError) -> Verdict {
        Verdict::Denied(self.broken(error))
    }
}
