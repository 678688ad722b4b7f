//! One typed record of a request: as one escaped line for the log, as JSON for the checker. What was decided is an
//! [`Outcome`], the same for both, so "the log says what the checker said" is one comparison of values.
#![forbid(unsafe_code)]

use crate::decide::plan::{Action, Plan};
use crate::failure::Failure;

/// What was decided, for people and programs to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// One of the contract's six words.
    pub decision: &'static str,
    /// The exit status, where it is known beforehand.
    pub status: Option<u8>,
    /// Why not, where it is a failure.
    pub reason: Option<String>,
    /// The byte of the request that the reason is about.
    pub offset: Option<usize>,
    /// The grants that allowed it, or the one that came furthest, counted from 1.
    pub grants: Vec<usize>,
    /// What is executed or answered, in order.
    pub stages: Vec<Step>,
    /// How it differs from what was sent.
    pub rewrites: Vec<String>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A program is executed with these words; the first is its name.
    Exec(Vec<String>),
    /// These bytes are answered with a status: standard output, standard error.
    Answer(String, String, u8),
    /// The request ends.
    Exit(Option<u8>),
}

impl Outcome {
    /// What a judgement comes to.
    pub fn of(judged: &Result<Plan, Failure>) -> Self {
        match judged {
            Ok(plan) => Self::of_plan(plan),
            Err(failure) => Self::of_failure(failure),
        }
    }

    fn of_failure(failure: &Failure) -> Self {
        let grant = match failure {
            Failure::Refused(refusal) => refusal.grant,
            _ => None,
        };
        Self {
            decision: failure.kind().word(),
            status: Some(failure.kind().status()),
            reason: Some(failure.to_string()),
            offset: failure.offset(),
            grants: grant.iter().map(|grant| grant.0).collect(),
            stages: Vec::new(),
            rewrites: Vec::new(),
        }
    }

    fn of_plan(plan: &Plan) -> Self {
        let stages: Vec<Step> = plan.stages().flat_map(|stage| steps(stage.action())).collect();
        let status = match stages.as_slice() {
            [] => Some(0),
            [Step::Answer(_, _, status)] => Some(*status),
            [Step::Exit(status)] => Some(status.unwrap_or(0)),
            _ => None,
        };
        Self {
            decision: plan.decision().word(),
            status,
            reason: None,
            offset: None,
            grants: plan.grants().iter().map(|grant| grant.0).collect(),
            stages,
            rewrites: plan.rewrites().iter().map(ToString::to_string).collect(),
        }
    }
}

fn steps(action: &Action) -> Vec<Step> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match action {
        Action::Answer(answer) => vec![Step::Answer(text(&answer.stdout), text(&answer.stderr), answer.status)],
        Action::Exit(status) => vec![Step::Exit(*status)],
        Action::Run(run) => run.execs().map(|exec| Step::Exec(exec.words().map(str::to_owned).collect())).collect(),
    }
}
