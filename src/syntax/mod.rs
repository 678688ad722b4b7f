//! Bytes to words: a recogniser of the small part of the POSIX shell language that replication clients write. It knows
//! no zfs and no policy. What it does not recognise, or what two shells would read differently, it refuses by name.
//! (POSIX.1-2024, XCU 2.2 Quoting, 2.3 Token Recognition, 2.10 Shell Grammar.)
#![forbid(unsafe_code)]

mod error;
mod grammar;
mod idiom;
mod nested;
mod quote;
mod redirect;
mod room;
mod text;
mod word;

#[cfg(test)]
mod laws;

use nom::Offset;

use crate::script::{Pipeline, Script, Status};
use idiom::Idiom;
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
    /// Whether its process id is to be told on standard error.
    pub announced: bool,
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

/// The names by which clients start sh for a text.
pub const SHELLS: [&str; 3] = ["sh", "/bin/sh", "/usr/bin/sh"];

/// Reads a request. `None` is a blank one, which sh answers with status 0 and nothing else. Length, control characters
/// and UTF-8 are checked before any grammar; time and memory grow with the length. `sh -c TEXT` is what TEXT is, up to
/// [`nested::MAX_DEPTH`] of them; nothing else recurses.
pub fn parse(line: &[u8]) -> Result<Option<Script<Simple>>, Error> {
    let text = text::check(line)?;
    read(text, Base::request(text), 0)
}

/// Reads a text that stands there in the request, in so many others.
fn read(text: &str, base: Base, depth: usize) -> Result<Option<Script<Simple>>, Error> {
    let placed = |error: Error| Error { span: base.place(error.span), ..error };
    text::check(text.as_bytes()).map_err(placed)?;
    if let Some(idiom) = idiom::find(text) {
        return around(idiom, text, base, depth).map(|first| Some(Script { first, rest: Vec::new() }));
    }
    let Some(mut script) = grammar::parse(text).map_err(placed)? else {
        return Ok(None);
    };
    let Some(word) = nested::text(&script) else {
        base.script(&mut script);
        return Ok(Some(script));
    };
    if depth == nested::MAX_DEPTH {
        return Err(placed(Error { construct: Construct::TooDeep, span: word.span() }));
    }
    let base = base.of(text, word);
    match word.as_str().strip_prefix(nested::PATH) {
        None => read(word.as_str(), base, depth + 1),
        Some(inner) => {
            let mut script = read(inner, base.behind(nested::PATH), depth + 1)?;
            if let Some(script) = &mut script {
                script.first.first.path = true;
            }
            Ok(script)
        }
    }
}

/// What a text of the closed table is: what stands in its holes, with what the text adds.
fn around(idiom: Idiom<'_>, text: &str, base: Base, depth: usize) -> Result<Pipeline<Simple>, Error> {
    let inside = |hole: &str| {
        let base = base.behind(text.get(..text.offset(hole)).unwrap_or_default());
        let span = base.place(Span { start: 0, end: hole.len() });
        // The status of a pipeline that is no such text would be that of its last command.
        let fits = |pipeline: &Pipeline<_>| pipeline.is_single() || pipeline.status == Status::FirstFailed;
        match read(hole, base, depth)? {
            Some(Script { first, rest }) if rest.is_empty() && fits(&first) => Ok((first, span)),
            _ => Err(Error { construct: Construct::NotOneCommand, span }),
        }
    };
    match idiom {
        Idiom::Announced(hole) => {
            let (mut pipeline, span) = inside(hole)?;
            if !pipeline.is_single() {
                return Err(Error { construct: Construct::NotOneCommand, span });
            }
            pipeline.first.announced = true;
            // What runs behind `&` reads nothing (XCU 2.9.3.1).
            pipeline.first.redirects.push(Redirect::InFromNull);
            Ok(pipeline)
        }
        Idiom::FirstFailed { first, rest } => {
            let (mut pipeline, _) = inside(first)?;
            pipeline.status = Status::FirstFailed;
            for hole in rest {
                let (Pipeline { first, rest, .. }, span) = inside(hole)?;
                pipeline.rest.push(first);
                pipeline.rest.extend(rest);
                if pipeline.rest.len() >= MAX_STAGES {
                    return Err(Error { construct: Construct::TooManyStages, span });
                }
            }
            Ok(pipeline)
        }
    }
}
