//! Stream filters: programs that read a stream and write a stream, with the flags that touch no file, socket or
//! program. Other names of the same program (`zcat`, `zstdmt`, `unpigz`, `lz4c`) are forms of it and are rendered by
//! the program's own name, since some are shell scripts.
#![forbid(unsafe_code)]

use super::argv::{Argv, Program};
use super::{Error, What};
use crate::command::options::Text;
use crate::syntax::Word;

/// A name under which a filter is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    program: Program,
}

impl Form {
    /// The form that a program name stands for.
    pub fn named(_name: &str) -> Option<Self> {
        None
    }

    /// The program behind it.
    pub fn program(self) -> Program {
        self.program
    }
}

/// A stream filter with its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    program: Program,
}

impl Filter {
    /// Reads a filter's arguments.
    pub fn read(_form: Form, arguments: &[Word]) -> Result<Self, Error> {
        let span = arguments.first().map(|word| word.span()).unwrap_or_default();
        Err(Text { text: "", span }.error(What::Option))
    }

    /// The program.
    pub fn program(&self) -> Program {
        self.program
    }

    /// The memory in bytes that it was told to use (mbuffer -m), if it was told.
    pub fn memory(&self) -> Option<u64> {
        None
    }

    /// What it is told.
    pub fn render(&self) -> Argv {
        Argv::new(self.program)
    }
}
