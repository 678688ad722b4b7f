//! What clients ask that needs no program: the requests. What they are answered is decided elsewhere, since it depends
//! on the policy and the host.
#![forbid(unsafe_code)]

use super::argv::Program;
use super::{Error, What};
use crate::command::options::Text;
use crate::syntax::Word;

/// A request that is answered in-process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// `command -v NAME`; `None` for a program that the gate doesn't know.
    CommandV(Option<Program>),
    /// `echo [-n] [WORD...]`: the text that it prints, newline included.
    Echo(String),
    /// `exit [N]`
    Exit(Option<u8>),
    /// `ps -Ao args=`, `ps -Ao args`
    Ps,
    /// `true`, `:`
    True,
}

impl Builtin {
    /// Reads a request.
    pub fn read(program: &Word, _arguments: &[Word]) -> Result<Self, Error> {
        Err(Text::from(program).error(What::Program))
    }
}
