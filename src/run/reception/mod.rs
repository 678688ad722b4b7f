//! `zfs receive` behind a guard: nothing is started for a stream before its head was judged.
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use std::io::PipeReader;
use std::process::Stdio;

use crate::decide::arrival::Doorkeeper;
use crate::decide::plan::{Exec, Reception, Rewrite, Source, Stage};
use crate::script::Status;

use super::guard::{self, Guard, Intake};
use super::wait::{Cut, Group, Until};
use super::{Program, RunError, Session, plumbing, spawn, sys};

/// What a stream was let in to, and how far it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// The words of each program that was started for it.
    pub execs: Vec<Vec<String>>,
    /// How they differ from what was sent, besides what was known before.
    pub rewrites: Vec<Rewrite>,
    /// How many bytes of it passed.
    pub bytes: u64,
    /// Why it, or the rest of it, was refused.
    pub refused: Option<String>,
    /// What the host had no answer to.
    pub broken: Option<String>,
}

/// The last stage of a pipeline, whose other stages are filters.
#[derive(Clone, Copy)]
pub(super) struct Receiver<'p> {
    pub(super) stage: &'p Stage,
    pub(super) reception: &'p Reception,
}

/// How an attempt to receive ended, but for a denial.
enum Passage {
    /// As zfs says.
    Over,
    Cut(Cut),
    /// The stream was not let in, or what had to succeed first did not.
    NotBegun,
}

impl Session {
    pub(super) fn receive(
        &mut self,
        filters: &[Program],
        status: Status,
        receiver: Receiver,
        keeper: &mut dyn Doorkeeper,
    ) -> Result<Option<Cut>, RunError> {
        self.supervisor()?;
        let (mut group, intake) = self.filters(filters, status, receiver.stage)?;
        let mut arrived = Arrived::default();
        let mut guard = Guard::new(intake, receiver.reception, keeper, self.limits.pace());
        let passage = self.pass(&mut group, &mut guard, receiver, &mut arrived);
        // Here the guard's pipes close: what reads or writes them ends.
        let (bytes, denial, failure) = guard.end();
        arrived.bytes = bytes;
        arrived.broken = failure.map(|error| error.to_string());
        if let Some(denial) = &denial {
            arrived.refused = denial.reason.clone();
            arrived.broken = denial.host.as_ref().map(ToString::to_string).or(arrived.broken);
        }
        self.ended.arrived.push(arrived);
        match (passage, denial) {
            (Ok(Passage::Cut(cut)), _) => {
                self.course.put(group.status());
                Ok(Some(cut))
            }
            (Ok(Passage::Over), None) => {
                let cut = self.wait(&mut group, &mut [])?;
                self.course.put(group.status());
                Ok(cut)
            }
            (Ok(_), denial) => {
                self.supervisor()?.end(&mut group)?;
                // After zfs has ended: what the client reads last is why.
                denial.map_or(Ok(None), |denial| self.answer(receiver.stage, &denial.answer))
            }
            (Err(error), _) => {
                self.supervisor()?.end(&mut group)?;
                Err(error)
            }
        }
    }

    /// Starts what stands in front; where the stream then comes from.
    fn filters(&mut self, filters: &[Program], status: Status, stage: &Stage) -> Result<(Group, Intake), RunError> {
        let intake = |pipe: Option<PipeReader>| match (stage.stdin(), pipe) {
            (Source::Null, _) => Intake::Nothing,
            (Source::Inherit, Some(pipe)) => Intake::Pipe(pipe),
            (Source::Inherit, None) => guard::standard(),
        };
        if filters.is_empty() {
            return Ok((Group::default(), intake(None)));
        }
        let (reader, writer) = plumbing::wide_pipe()?;
        Ok((self.start(filters, status, Some(writer))?, intake(Some(reader))))
    }

    fn pass(
        &mut self,
        group: &mut Group,
        guard: &mut Guard,
        receiver: Receiver,
        arrived: &mut Arrived,
    ) -> Result<Passage, RunError> {
        let stage = receiver.stage;
        let until = self.limits.until;
        if let Some(cut) = self.supervisor()?.wait(group, &mut [guard], Until::Idle, until)? {
            return Ok(Passage::Cut(cut));
        }
        let Some(admission) = guard.admission() else {
            return Ok(Passage::NotBegun);
        };
        arrived.rewrites = admission.rewrites().to_vec();
        if let Some(before) = admission.before() {
            // A group of its own: that of the filters has to stay open to zfs.
            let mut ahead = Group::default();
            self.member(&mut ahead, stage, before, Stdio::null(), arrived)?;
            let cut = self.wait(&mut ahead, &mut [])?;
            self.course.put(ahead.status());
            if let Some(cut) = cut {
                guard.let_go();
                self.supervisor()?.end(group)?;
                return Ok(Passage::Cut(cut));
            }
            if ahead.status() != 0 {
                return Ok(Passage::NotBegun);
            }
        }
        let (reader, writer) = plumbing::wide_pipe()?;
        self.member(group, stage, admission.receive(), reader, arrived)?;
        guard.open(writer)?;
        // The guard works in between: both its neighbours hold the lock of a pipe while they copy, and to wait for that
        // is time of theirs. Behind them it finds more at once.
        sys::step_back();
        let cut = self.supervisor()?.wait(group, &mut [guard], Until::Last, until)?;
        Ok(cut.map_or(Passage::Over, Passage::Cut))
    }

    fn member(
        &mut self,
        group: &mut Group,
        stage: &Stage,
        exec: &Exec,
        input: impl Into<Stdio>,
        arrived: &mut Arrived,
    ) -> Result<(), RunError> {
        spawn::member(group, stage, exec, input)?;
        self.begun = true;
        arrived.execs.push(exec.words().map(str::to_owned).collect());
        Ok(())
    }
}
