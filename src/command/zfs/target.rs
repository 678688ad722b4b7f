//! What writes on a push target: create, rollback. A pull source can't be granted any of it, so it is read
//! just so far as to know which dataset it is about.
#![forbid(unsafe_code)]

use super::single;
use crate::command::Error;
use crate::command::name::Named;
use crate::command::options::{Opt, Text, read};
use crate::syntax::Word;

/// An operation on a push target.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its subcommand.
    pub operation: &'static str,
    /// What it would change.
    pub operand: Named,
}

/// cmd/zfs/zfs_main.c: "P" "V:" "b:" "n" "s" "o:" "p" "u" "v"
const CREATE: &[Opt<()>] = &[
    Opt::flag('P', ()),
    Opt::value('V', ()),
    Opt::value('b', ()),
    Opt::flag('n', ()),
    Opt::value('o', ()),
    Opt::flag('p', ()),
    Opt::flag('s', ()),
    Opt::flag('u', ()),
    Opt::flag('v', ()),
];
const ROLLBACK: &[Opt<()>] = &[Opt::flag('R', ()), Opt::flag('f', ()), Opt::flag('r', ())];

impl Target {
    pub(super) fn create(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        Self::read("create", CREATE, subcommand, words)
    }

    pub(super) fn rollback(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        Self::read("rollback", ROLLBACK, subcommand, words)
    }

    fn read(operation: &'static str, options: &[Opt<()>], subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let operand = single(subcommand, &read(options, words)?.operands)?;
        let operand = Named::parse(operand.text).map_err(|error| operand.error(error))?;
        Ok(Self { operation, operand })
    }
}
