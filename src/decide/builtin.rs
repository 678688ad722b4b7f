//! What clients ask that needs no program, answered by the policy and the host.
#![forbid(unsafe_code)]

use super::plan::{Action, Answer};
use super::{Scene, Stop, Verdict};
use crate::command::argv::Program;
use crate::command::builtin::{Asked, Builtin};
use crate::host::{Executable, Host as _};

impl Scene<'_> {
    pub(super) fn builtin(&self, builtin: &Builtin) -> Result<Verdict, Stop> {
        let answer = match builtin {
            Builtin::Exit(status) => return Ok(Verdict::new(Action::Exit(*status))),
            Builtin::Echo(text) => printed(text.clone()),
            // An honest list of processes would tell of other datasets; none at all means that nobody is at work.
            Builtin::Ps | Builtin::True => Answer::default(),
            Builtin::PsOf => Answer { status: 1, ..printed("COMMAND\n".to_owned()) },
            Builtin::False => Answer { status: 1, ..Answer::default() },
            Builtin::Test(asked) => Answer { status: u8::from(self.place(*asked).is_none()), ..Answer::default() },
            // As little as clients can do with. Its version, its name and its size are not for them.
            Builtin::Uname => printed("Linux\n".to_owned()),
            Builtin::Processors => printed("1\n".to_owned()),
            Builtin::CommandV { asked, spelling } => match self.place(*asked) {
                Some(place) => printed(format!("{place}\n")),
                None => Answer { status: spelling.missing(), ..Answer::default() },
            },
        };
        Ok(Verdict::new(Action::Answer(answer)))
    }

    /// Where a program is, if the policy allows it and the host has it; so clients choose what works.
    fn place(&self, asked: Asked) -> Option<String> {
        let program = match asked {
            Asked::Builtin(name) => return Some(name.to_owned()),
            Asked::Form(form) => form.program(),
            Asked::Program(program) => program,
            Asked::Unknown => return None,
        };
        self.available(program).map(|executable| executable.to_string())
    }

    /// A program that a client may choose, where it is here.
    pub(super) fn available(&self, program: Program) -> Option<Executable> {
        let may = match program {
            Program::Zfs | Program::Zpool => true,
            Program::Doas | Program::Sudo => false,
            filter => self.policy.filters.allow.contains(&filter),
        };
        if may { self.host.program(program) } else { None }
    }
}

fn printed(text: String) -> Answer {
    Answer { stdout: text.into_bytes(), ..Answer::default() }
}
