//! zfs(8): one file for each operation.
#![forbid(unsafe_code)]

use super::options::Text;
use super::{Error, What};
use crate::syntax::Word;

/// A zfs command.
#[derive(Clone, Debug, PartialEq)]
pub enum Zfs {
    /// `zfs version`
    Version,
}

impl Zfs {
    /// Reads what follows `zfs`.
    pub fn read(program: &Word, _arguments: &[Word]) -> Result<Self, Error> {
        Err(Text::from(program).error(What::Subcommand))
    }
}
