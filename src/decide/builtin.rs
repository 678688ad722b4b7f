//! What clients ask that needs no program, answered by the policy and the host.
#![forbid(unsafe_code)]

use super::plan::{Action, Answer};
use super::{Scene, Stop, Verdict};
use crate::command::builtin::Builtin;

impl Scene<'_> {
    pub(super) fn builtin(&self, builtin: &Builtin) -> Result<Verdict, Stop> {
        let answer = match builtin {
            Builtin::Exit(status) => return Ok(Verdict::new(Action::Exit(*status))),
            Builtin::Echo(text) => Answer { stdout: text.clone().into_bytes(), ..Answer::default() },
            Builtin::Ps | Builtin::True => Answer::default(),
            Builtin::CommandV(_) => Answer::default(),
        };
        Ok(Verdict::new(Action::Answer(answer)))
    }
}
