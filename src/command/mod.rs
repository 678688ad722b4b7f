//! Words to typed commands, and typed commands back to words. No policy, no I/O: what is read here is what a client
//! asks, not what it may. Each operation's file holds its type, its option table, `read`, `render` and their tests.
#![forbid(unsafe_code)]

pub mod argv;
pub mod builtin;
pub mod date;
pub mod filter;
pub mod name;
pub mod options;
pub mod property;
pub mod simplesnap;
pub mod size;
pub mod token;
pub mod unserved;
pub mod zfs;
pub mod zpool;

use thiserror::Error;

use crate::syntax::{Redirect, Simple, Span, Word};
use argv::Program;
use builtin::Builtin;
use filter::{Filter, Form};
use name::NameError;
use options::Text;
use simplesnap::Simplesnap;
use token::TokenError;
use unserved::Unserved;
use zfs::Zfs;
use zpool::Zpool;

/// What a client can ask.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Answered without a program.
    Builtin(Builtin),
    /// A stream filter.
    Filter(Filter),
    /// simplesnap's own program at a source: it stands for other commands, as `decide` says.
    Simplesnap(Simplesnap),
    /// zfs(8)
    Zfs(Zfs),
    /// zpool(8)
    Zpool(Zpool),
}

/// A command where it stands in the request.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What is asked.
    pub command: Command,
    /// What the client wrote in front of it to gain rights; the policy's `privilege` decides what becomes of it.
    pub elevation: Option<Elevation>,
    /// Whether the client wrote `env -` in front of all that. Programs get nothing of an environment of its anyhow.
    pub bare: bool,
    /// Whether the client wrote a longer PATH in front. Programs get ours.
    pub path: bool,
    /// Whether its process id is to be told on standard error.
    pub announced: bool,
    /// In the order written.
    pub redirects: Vec<Redirect>,
    /// Where it stands.
    pub span: Span,
}

/// What clients write to gain rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elevation {
    /// doas(1)
    Doas,
    /// pfexec(1) of illumos
    Pfexec,
    /// sudo(8)
    Sudo,
}

/// Why words are not a command.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what} at byte {}{}", span.start, what.instead())]
pub struct Error {
    /// What is wrong.
    pub what: What,
    /// With which word.
    pub span: Span,
}

/// What can be wrong with words. The texts never hold what the client wrote.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum What {
    /// No such program here.
    #[error("unknown program")]
    Program,
    /// A program, or a use of one, that no policy can allow.
    #[error("not served")]
    Unserved(Unserved),
    /// The program knows no such subcommand.
    #[error("unknown subcommand")]
    Subcommand,
    /// The program has no such option, or it isn't understood.
    #[error("unknown option")]
    Option,
    /// An option twice that may stand once, or two that exclude each other.
    #[error("option given twice, or against another")]
    Conflict,
    /// An option wants a value, and the words end.
    #[error("option without its value")]
    MissingValue,
    /// `--flag=value`, where the flag takes none.
    #[error("option takes no value")]
    UnexpectedValue,
    /// Fewer operands than it takes.
    #[error("operand missing")]
    MissingOperand,
    /// More operands than it takes.
    #[error("too many operands")]
    ExtraOperand,
    /// A process id is told of `zfs send` alone.
    #[error("not zfs send, whose process id is told")]
    Announced,
    /// Not a plain decimal number, or out of range.
    #[error("not a plain number in range")]
    Number,
    /// Not a word of a closed list (a type, a column, a source).
    #[error("unknown value")]
    Value,
    /// A property that isn't known, or not by this name.
    #[error("unknown property")]
    Property,
    /// Not a name by OpenZFS's rules.
    #[error("{0}")]
    Name(#[from] NameError),
    /// Not a resume token as kernels make them.
    #[error("resume token: {0}")]
    Token(#[from] TokenError),
    /// The list or range syntax of `destroy` is broken.
    #[error("broken list or range of snapshots")]
    Range,
}

impl What {
    /// What can be done instead, to be said behind the place.
    fn instead(&self) -> String {
        match self {
            Self::Unserved(unserved) => format!("; {unserved}"),
            _ => String::new(),
        }
    }

    /// Of the program of this name, which isn't known.
    fn program(name: &str) -> Self {
        Unserved::of(name).map_or(Self::Program, Self::Unserved)
    }
}

/// The directories in which a client may name a program by its path. Which file runs is for the host to say, not the
/// client: `/sbin/zfs` asks for zfs, not for that file.
pub const DIRECTORIES: [&str; 6] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Reads one command.
pub fn read(simple: &Simple) -> Result<Placed, Error> {
    let (bare, program, arguments) = without_env(&simple.program, &simple.arguments)?;
    let (elevation, program, arguments) = elevated(program, arguments)?;
    let name = program_name(program.as_str());
    let command = match Program::named(name) {
        Some(Program::Zfs) => Command::Zfs(Zfs::read(program, arguments)?),
        Some(Program::Zpool) => Command::Zpool(Zpool::read(program, arguments)?),
        // What is answered in-process is a builtin of the shell, which env(1) and sudo(8) can't start; but for test(1).
        _ if elevation.is_some() && name != "test" => return Err(Text::from(program).error(What::program(name))),
        _ => match Form::named(name) {
            Some(form) => Command::Filter(Filter::read(form, arguments)?),
            None if bare => return Err(Text::from(program).error(What::program(name))),
            None if name == simplesnap::PROGRAM => Command::Simplesnap(Simplesnap::read(program, arguments)?),
            None => Command::Builtin(Builtin::read(program, arguments)?),
        },
    };
    let Simple { path, announced, span, .. } = *simple;
    if announced && !matches!(command, Command::Zfs(Zfs::Send(_))) {
        return Err(Text::from(program).error(What::Announced));
    }
    Ok(Placed { command, elevation, bare, path, announced, redirects: simple.redirects.clone(), span })
}

/// Takes `env -` off the front: an empty environment (env(1)).
fn without_env<'a>(program: &'a Word, arguments: &'a [Word]) -> Result<(bool, &'a Word, &'a [Word]), Error> {
    match arguments {
        _ if program_name(program.as_str()) != "env" => Ok((false, program, arguments)),
        [empty, program, arguments @ ..] if empty.as_str() == "-" => Ok((true, program, arguments)),
        [empty] if empty.as_str() == "-" => Err(Text::from(empty).error(What::MissingOperand)),
        [option, ..] => Err(Text::from(option).error(What::Option)),
        [] => Err(Text::from(program).error(What::MissingOperand)),
    }
}

/// Takes `sudo [-n] [--]`, `doas [-n] [--]` or `pfexec` off the front.
fn elevated<'a>(program: &'a Word, arguments: &'a [Word]) -> Result<(Option<Elevation>, &'a Word, &'a [Word]), Error> {
    let elevation = match program_name(program.as_str()) {
        "sudo" => Elevation::Sudo,
        "doas" => Elevation::Doas,
        "pfexec" => Elevation::Pfexec,
        _ => return Ok((None, program, arguments)),
    };
    let mut rest = arguments;
    let mut skip = |word: &str| {
        if let Some((first, others)) = rest.split_first()
            && first.as_str() == word
        {
            rest = others;
        }
    };
    if elevation != Elevation::Pfexec {
        skip("-n");
        skip("--");
    }
    let (program, arguments) = rest.split_first().ok_or(Text::from(program).error(What::MissingOperand))?;
    Ok((Some(elevation), program, arguments))
}

/// The name of the program that a first word asks for: bare, or as a path into one of [`DIRECTORIES`].
fn program_name(word: &str) -> &str {
    match word.rsplit_once('/') {
        Some((directory, name)) if DIRECTORIES.contains(&directory) => name,
        _ => word,
    }
}
