//! How parsers of this room fail: without a trace, so that another may try, or for good, with the construct's name.
#![forbid(unsafe_code)]

use nom::IResult;
use nom::Parser;
use nom::bytes::complete::tag;
use nom::error::{ErrorKind, ParseError};

use super::Construct;

/// What a parser of this room gives: what is left, and what it made of the rest.
pub(super) type Parsed<'a, T> = IResult<&'a str, T, Trouble<'a>>;

/// A construct and the part of the request that shows it.
#[derive(Debug)]
pub(super) struct Trouble<'a> {
    pub(super) construct: Construct,
    pub(super) at: &'a str,
}

/// What nom's own parsers say when they don't match. It ends here unless nobody else matches either.
impl<'a> ParseError<&'a str> for Trouble<'a> {
    fn from_error_kind(at: &'a str, _: ErrorKind) -> Self {
        Self { construct: Construct::Unknown, at }
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Ends the parse: the construct was recognised, and is none of ours.
pub(super) fn refuse<'a, T>(construct: Construct, at: &'a str) -> Parsed<'a, T> {
    Err(nom::Err::Failure(Trouble { construct, at }))
}

/// Ends the parse if the input begins with a mark of the table; longer marks stand before their beginnings there.
pub(super) fn refuse_any<'a>(input: &'a str, table: &[(&'static str, Construct)]) -> Parsed<'a, ()> {
    for (mark, construct) in table {
        let found: Parsed<'_, &str> = tag(*mark).parse(input);
        if let Ok((_, at)) = found {
            return refuse(*construct, at);
        }
    }
    Ok((input, ()))
}
