//! The parts of a request by what it takes to run them.
#![forbid(unsafe_code)]

use super::RunError;
use super::reception::Receiver;
use crate::decide::plan::{Action, Answer, Exec, Run, Stage};
use crate::script::{Pipeline, Status};

/// A pipeline by what it takes to run it.
pub(super) enum Part<'p> {
    Answer(&'p Stage, &'p Answer),
    Exit(Option<u8>),
    /// One program, and nothing to do with what it prints.
    Program(Program<'p>),
    /// Programs one after another, with others around them, or one whose rows pass through the gate.
    Sequence(&'p Stage, &'p Run),
    Pipeline(Vec<Program<'p>>, Status),
    /// A stream comes in, through filters.
    Receive(Vec<Program<'p>>, Status, Receiver<'p>),
}

/// A stage that is one program whose output goes where it goes.
#[derive(Clone, Copy)]
pub(super) struct Program<'p> {
    pub stage: &'p Stage,
    pub exec: &'p Exec,
    pub note: &'p [u8],
    pub is_stream: bool,
}

impl<'p> Part<'p> {
    pub(super) fn of(pipeline: &'p Pipeline<Stage>) -> Result<Self, RunError> {
        let stages: Vec<&Stage> = pipeline.leaves().collect();
        let programs = |stages: &[&'p Stage]| {
            stages.iter().map(|stage| Program::of(stage).ok_or(RunError::Pipeline)).collect::<Result<Vec<_>, _>>()
        };
        if let Some((stage, filters)) = stages.split_last()
            && let Action::Receive(reception) = stage.action()
        {
            return Ok(Self::Receive(programs(filters)?, pipeline.status, Receiver { stage, reception }));
        }
        let stage = &pipeline.first;
        if !pipeline.is_single() {
            return Ok(Self::Pipeline(programs(&stages)?, pipeline.status));
        }
        Ok(match stage.action() {
            Action::Answer(answer) => Self::Answer(stage, answer),
            Action::Exit(status) => Self::Exit(*status),
            Action::Receive(_) => return Err(RunError::Pipeline),
            Action::Run(run) => Program::of(stage).map_or(Self::Sequence(stage, run), Self::Program),
        })
    }
}

impl Part<'_> {
    /// Whether it starts programs by what the plan says alone.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::Program(_) | Self::Sequence(..) | Self::Pipeline(..))
    }
}

impl<'p> Program<'p> {
    fn of(stage: &'p Stage) -> Option<Self> {
        let Action::Run(run) = stage.action() else {
            return None;
        };
        let mut execs = run.execs();
        let exec = execs.next()?;
        let alone = run.table().is_none() && run.status() == 0 && run.hooks().is_none() && execs.next().is_none();
        alone.then_some(Self { stage, exec, note: run.note(), is_stream: run.is_stream() })
    }
}
