//! zpool(8): what clients ask of pools.
#![forbid(unsafe_code)]

use super::options::Text;
use super::{Error, What};
use crate::syntax::Word;

/// A zpool command.
#[derive(Clone, Debug, PartialEq)]
pub enum Zpool {
    /// `zpool version`
    Version,
}

impl Zpool {
    /// Reads what follows `zpool`.
    pub fn read(program: &Word, _arguments: &[Word]) -> Result<Self, Error> {
        Err(Text::from(program).error(What::Subcommand))
    }
}
