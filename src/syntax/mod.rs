//! Bytes to words: a recogniser of the small part of the POSIX shell language that replication clients write. It knows
//! no zfs and no policy. What it does not recognise, or what two shells would read differently, it refuses by name.
//! (POSIX.1-2024, XCU 2.2 Quoting, 2.3 Token Recognition, 2.10 Shell Grammar.)
#![forbid(unsafe_code)]

mod error;
mod grammar;
mod nested;
mod quote;
mod redirect;
mod room;
mod text;
mod word;

#[cfg(test)]
mod laws;

use std::borrow::Cow;

use crate::script::Script;
use nested::Base;

pub use error::{Construct, Error};
pub use quote::quote;
pub use word::Word;

/// A range of bytes of the request, `start` included, `end` not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
}

/// A redirection of the closed list that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// `2>&1`
    ErrToOut,
    /// `2>/dev/null`
    ErrToNull,
    /// `>/dev/null`
    OutToNull,
    /// `</dev/null`
    InFromNull,
}

/// One command as words: no expansion left in it, nothing known about its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simple {
    /// The first word.
    pub program: Word,
    /// The others.
    pub arguments: Vec<Word>,
    /// In the order written; later ones act on what earlier ones made.
    pub redirects: Vec<Redirect>,
    /// Whether [`nested::PATH`] stands in front. What is looked up where is not for clients to say.
    pub path: bool,
    /// From the first to the last byte of it.
    pub span: Span,
}

/// The longest request, in bytes: what Linux lets one environment string have (MAX_ARG_STRLEN, execve(2)).
pub const MAX_LINE: usize = 128 * 1024;
/// The most commands in a request.
pub const MAX_COMMANDS: usize = 256;
/// The most commands in one pipeline.
pub const MAX_STAGES: usize = 8;
/// The most words in a request.
pub const MAX_WORDS: usize = 8192;

/// Reads a request. `None` is a blank one, which sh answers with status 0 and nothing else. Length, control characters
/// and UTF-8 are checked before any grammar; time and memory grow with the length, and nothing recurses. `sh -c TEXT` is
/// what TEXT is.
pub fn parse(line: &[u8]) -> Result<Option<Script<Simple>>, Error> {
    let mut text = Cow::Borrowed(text::check(line)?);
    let mut base = Base::request(&text);
    let mut path = false;
    for _ in 0..=nested::MAX_DEPTH {
        let placed = |error: Error| Error { span: base.place(error.span), ..error };
        text::check(text.as_bytes()).map_err(placed)?;
        let Some(mut script) = grammar::parse(&text).map_err(placed)? else {
            return Ok(None);
        };
        let Some(word) = nested::text(&script) else {
            base.script(&mut script);
            script.first.first.path = path;
            return Ok(Some(script));
        };
        base = base.of(&text, word);
        let inner = match word.as_str().strip_prefix(nested::PATH) {
            Some(inner) => {
                path = true;
                base = base.behind(nested::PATH);
                inner
            }
            None => word.as_str(),
        };
        text = Cow::Owned(inner.to_owned());
    }
    Err(Error { construct: Construct::TooDeep, span: base.place(Span::default()) })
}
