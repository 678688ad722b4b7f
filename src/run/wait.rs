//! Waits for what was started: until all of it has ended, or the client has gone, or a signal says so. Then every
//! process of the group is ended and waited for, so that none is left behind.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::script::Status;

use super::confine::system;
use super::{RunError, sys};

/// How long processes have to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// How often children are looked at where waiting fails.
const PAUSE: Duration = Duration::from_millis(10);

/// How often children are looked at, should a SIGCHLD get lost: in a process with one thread none does.
const LOOK_AGAIN: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(10) };

/// What ends a request before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nobody reads standard output any more.
    Gone,
    /// A signal to the gate.
    Signal(u8),
    /// Its time was up.
    Time,
}

/// The processes of one pipeline: one process group. None of them outlives it.
#[derive(Default)]
pub(super) struct Group {
    leader: Option<i32>,
    members: Vec<Member>,
    status: Status,
}

enum Member {
    Running(Child),
    Ended(u8),
    NotStarted(RunError),
}

/// A descriptor that the gate reads from or writes to while it waits.
pub(super) trait Channel {
    /// What it waits for; `None` when it has nothing to do, or rests until its deadline.
    fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)>;

    /// Whether it has nothing to do any more.
    fn is_over(&self) -> bool {
        self.interest().is_none()
    }

    /// By when it wants a step even if what it waits for isn't there.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// One step that can't block, now that what it waited for is there.
    fn step(&mut self);

    /// Lets go of its descriptors. A program with more rights than ours (sudo) ends by that alone.
    fn close(&mut self);
}

/// What a wait waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// All processes have ended and all channels have nothing to do.
    Over,
    /// All channels have nothing to do. No process is looked after, so that the group stays open to further members.
    Idle,
    /// The last process has ended, whatever the others and the channels do.
    Last,
}

impl Group {
    /// Whose status is that of the members that this says.
    pub(super) fn with_status(status: Status) -> Self {
        Self { leader: None, members: Vec::new(), status }
    }

    /// The process group that further members join.
    pub(super) fn leader(&self) -> Option<i32> {
        self.leader
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn add(&mut self, child: Child) {
        // Not reaped before all are started: a zombie keeps the group alive for those who join it.
        self.leader = self.leader.or(i32::try_from(child.id()).ok());
        self.members.push(Member::Running(child));
    }

    /// A member that could not be started.
    pub(super) fn add_failed(&mut self, error: RunError) {
        self.members.push(Member::NotStarted(error));
    }

    /// Why members could not be started.
    pub(super) fn failures(&self) -> impl Iterator<Item = &RunError> {
        self.members.iter().filter_map(|member| match member {
            Member::NotStarted(error) => Some(error),
            Member::Running(_) | Member::Ended(_) => None,
        })
    }

    /// The status of the pipeline. Not 0 where a stage is missing, which a shell says only of the last: what came out at
    /// the end is not what went in.
    pub(super) fn status(&self) -> u8 {
        let mut statuses = self.members.iter().map(|member| match member {
            Member::Ended(status) => *status,
            Member::NotStarted(error) => error.status(),
            Member::Running(_) => 0,
        });
        let status = match self.status {
            Status::Last => statuses.next_back(),
            Status::FirstFailed => statuses.find(|status| *status != 0),
        };
        let missing = || self.failures().next().map(RunError::status);
        status.filter(|status| *status != 0).or_else(missing).unwrap_or(0)
    }

    fn last_ended(&self) -> bool {
        !matches!(self.members.last(), Some(Member::Running(_)))
    }

    fn is_running(&self) -> bool {
        self.members.iter().any(|member| matches!(member, Member::Running(_)))
    }

    fn reap(&mut self) {
        for member in &mut self.members {
            if let Member::Running(child) = member {
                match child.try_wait() {
                    Ok(None) => {}
                    Ok(Some(ended)) => *member = Member::Ended(status(ended)),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // It's no child of ours any more: somebody else has taken its status.
                    Err(_) => *member = Member::Ended(126),
                }
            }
        }
    }

    /// Whether somebody got it.
    fn signal(&self, signal: Signal) -> bool {
        // Nothing can be done about a program with more rights than ours (sudo); it ends when its pipes close.
        self.leader.filter(|_| self.is_running()).is_some_and(|leader| killpg(Pid::from_raw(leader), signal).is_ok())
    }
}

impl Drop for Group {
    /// Where an error leaves it behind. Otherwise all have ended by now.
    fn drop(&mut self) {
        if !self.signal(Signal::SIGTERM) {
            return;
        }
        let kill_at = Instant::now() + GRACE;
        self.reap();
        while self.is_running() {
            if Instant::now() >= kill_at {
                self.signal(Signal::SIGKILL);
            }
            sleep(PAUSE);
            self.reap();
        }
    }
}

/// As sh gives it: 128 and the number of the signal, for those that a signal ended.
fn status(ended: ExitStatus) -> u8 {
    let status = ended.code().or_else(|| ended.signal().map(|signal| 128 + signal));
    status.and_then(|status| u8::try_from(status).ok()).unwrap_or(u8::MAX)
}

/// Takes the signals that end or wake the gate for as long as it lives.
pub(super) struct Supervisor {
    signals: &'static PipeReader,
    /// One that came when it could not end the gate.
    pending: Cell<Option<u8>>,
}

impl Supervisor {
    /// Before the first child is started: its end must not be missed.
    pub(super) fn begin() -> Result<Self, RunError> {
        let signals = sys::catch(&TAKEN).map_err(|error| RunError::System { what: "take signals", error })?;
        SUPERVISORS.fetch_add(1, Ordering::Relaxed);
        Ok(Self { signals, pending: Cell::new(None) })
    }

    /// Until it is over or the deadline comes, or something cuts it short; then all processes are ended.
    pub(super) fn wait(
        &self,
        group: &mut Group,
        channels: &mut [&mut dyn Channel],
        until: Until,
        deadline: Option<Instant>,
    ) -> Result<Option<Cut>, RunError> {
        let mut cut = None;
        while cut.is_none() {
            let is_idle = |channels: &[&mut dyn Channel]| channels.iter().all(|channel| channel.is_over());
            if until != Until::Idle {
                group.reap();
            }
            let is_over = match until {
                Until::Over => !group.is_running() && is_idle(channels),
                Until::Idle => is_idle(channels),
                Until::Last => group.last_ended(),
            };
            if is_over {
                return Ok(None);
            }
            cut = match self.step(channels, deadline) {
                Ok(cut) => cut,
                Err(error) => {
                    self.cut(group, channels)?;
                    return Err(error);
                }
            };
        }
        self.cut(group, channels)?;
        Ok(cut)
    }

    fn cut(&self, group: &mut Group, channels: &mut [&mut dyn Channel]) -> Result<(), RunError> {
        for channel in channels {
            channel.close();
        }
        self.end(group)
    }

    /// Has all processes end that haven't.
    pub(super) fn end(&self, group: &mut Group) -> Result<(), RunError> {
        group.signal(Signal::SIGTERM);
        self.bury(group)
    }

    /// Waits once, and does what there is to do then.
    fn step(&self, channels: &mut [&mut dyn Channel], deadline: Option<Instant>) -> Result<Option<Cut>, RunError> {
        let stdout = io::stdout();
        let first = channels.iter().filter_map(|channel| channel.deadline()).chain(deadline).min();
        let (signalled, gone, ready) = {
            let interests: Vec<_> = channels.iter().map(|channel| channel.interest()).collect();
            let own =
                [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN), PollFd::new(stdout.as_fd(), PollFlags::empty())];
            let theirs = interests.iter().flatten().map(|(descriptor, events)| PollFd::new(*descriptor, *events));
            let mut descriptors: Vec<PollFd> = own.into_iter().chain(theirs).collect();
            wait_for(&mut descriptors, first)?;
            let mut ready = descriptors.iter().map(|descriptor| descriptor.any().unwrap_or(true));
            let mut next = || ready.next() == Some(true);
            let (signalled, gone) = (next(), next());
            (signalled, gone, interests.iter().map(|interest| interest.is_some() && next()).collect::<Vec<_>>())
        };
        for (channel, ready) in channels.iter_mut().zip(ready) {
            if ready || channel.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
                channel.step();
            }
        }
        let signal = if signalled { self.ending_signal() } else { None };
        let signal = self.pending.take().or(signal);
        let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        Ok(signal.map(Cut::Signal).or(gone.then_some(Cut::Gone)).or(late.then_some(Cut::Time)))
    }

    /// Empties the queue of signals; says which of them ends the gate.
    fn ending_signal(&self) -> Option<u8> {
        let mut numbers = [0; 64];
        let count = (&*self.signals).read(&mut numbers).unwrap_or(0);
        numbers.into_iter().take(count).find(|number| i32::from(*number) != Signal::SIGCHLD as i32)
    }

    /// Waits whoever has gone and whatever signal comes, which counts once this is over; false if the time was up first.
    pub(super) fn outlast(&self, group: &mut Group, time: Duration) -> Result<bool, RunError> {
        let (in_time, signal) = self.reaped(group, Instant::now().checked_add(time))?;
        self.pending.set(self.pending.get().or(signal));
        if !in_time {
            self.end(group)?;
        }
        Ok(in_time)
    }

    /// Waits for those that were told to end, and kills them when their time is up.
    fn bury(&self, group: &mut Group) -> Result<(), RunError> {
        if !self.reaped(group, Some(Instant::now() + GRACE))?.0 {
            group.signal(Signal::SIGKILL);
            self.reaped(group, None)?;
        }
        Ok(())
    }

    /// Waits for children alone: whether all have ended by then, and the first signal that would have ended the gate.
    fn reaped(&self, group: &mut Group, deadline: Option<Instant>) -> Result<(bool, Option<u8>), RunError> {
        let mut signal = None;
        loop {
            group.reap();
            if !group.is_running() {
                return Ok((true, signal));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok((false, signal));
            }
            wait_for(&mut [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)], deadline)?;
            signal = signal.or(self.ending_signal());
        }
    }
}

impl Drop for Supervisor {
    /// Signals that come later have their own effect again, unless this was a question to the host while something
    /// else runs.
    fn drop(&mut self) {
        if SUPERVISORS.fetch_sub(1, Ordering::Relaxed) == 1 {
            let _ = sys::release(&TAKEN);
        }
    }
}

/// poll(2), at most until the deadline.
fn wait_for(descriptors: &mut [PollFd], deadline: Option<Instant>) -> Result<(), RunError> {
    let left = deadline.map_or(LOOK_AGAIN, |deadline| deadline.saturating_duration_since(Instant::now()));
    // Rounded up: with 0 it would spin through the last millisecond.
    let milliseconds = u16::try_from(left.min(LOOK_AGAIN).as_millis() + 1).unwrap_or(u16::MAX);
    match poll(descriptors, PollTimeout::from(milliseconds)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(system("wait")(error)),
    }
}

/// How many there are.
static SUPERVISORS: AtomicUsize = AtomicUsize::new(0);

/// A child's end, and what would end the gate and leave its children behind.
const TAKEN: [Signal; 15] = [
    Signal::SIGCHLD,
    Signal::SIGALRM,
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGIO,
    Signal::SIGPROF,
    Signal::SIGPWR,
    Signal::SIGQUIT,
    Signal::SIGSTKFLT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGVTALRM,
    Signal::SIGXCPU,
    Signal::SIGXFSZ,
];
