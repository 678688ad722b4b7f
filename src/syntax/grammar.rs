//! Operators, redirections and lists.
#![forbid(unsafe_code)]

use super::{Construct, Error, Simple, Span};
use crate::script::Script;

pub(super) fn parse(_line: &[u8]) -> Result<Option<Script<Simple>>, Error> {
    Err(Error { construct: Construct::LineTooLong, span: Span::default() })
}
