//! The only maker of argument vectors. An argument is a literal of ours or a typed value that writes itself; there is
//! no way to put in text that came from somewhere else:
//!
//! ```compile_fail,E0277
//! use zfs_shell::command::argv::{Argv, Program};
//! let from_the_client = String::from("-R");
//! Argv::new(Program::Zfs).push(from_the_client);
//! ```
//! ```compile_fail,E0597
//! use zfs_shell::command::argv::{Argv, Program};
//! let mut argv = Argv::new(Program::Zfs);
//! let from_the_client = String::from("-R");
//! argv.push(from_the_client.as_str());
//! ```
#![forbid(unsafe_code)]

use std::fmt;

use crate::host::Executable;

use super::name::{Bookmark, Dataset, Guid, Named, Pool, Snapshot, SnapshotName, Tag};

/// A program that the gate knows how to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Program {
    /// zfs(8)
    Zfs,
    /// zpool(8)
    Zpool,
    /// mbuffer(1)
    Mbuffer,
    /// pv(1)
    Pv,
    /// lzop(1)
    Lzop,
    /// lz4(1)
    Lz4,
    /// zstd(1)
    Zstd,
    /// gzip(1)
    Gzip,
    /// pigz(1)
    Pigz,
    /// xz(1)
    Xz,
    /// bzip2(1)
    Bzip2,
    /// sudo(8)
    Sudo,
    /// doas(1)
    Doas,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Zfs,
        Self::Zpool,
        Self::Mbuffer,
        Self::Pv,
        Self::Lzop,
        Self::Lz4,
        Self::Zstd,
        Self::Gzip,
        Self::Pigz,
        Self::Xz,
        Self::Bzip2,
        Self::Sudo,
        Self::Doas,
    ];

    /// The name of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zfs => "zfs",
            Self::Zpool => "zpool",
            Self::Mbuffer => "mbuffer",
            Self::Pv => "pv",
            Self::Lzop => "lzop",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Pigz => "pigz",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Sudo => "sudo",
            Self::Doas => "doas",
        }
    }

    /// The program whose file has this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.name() == name)
    }
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg(Box<str>);

impl Arg {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What may become an argument: types of this room whose every value is harmless text (and a program's own path).
pub trait Rendered: fmt::Display + sealed::Sealed {}

pub(crate) mod sealed {
    /// Only this room says which types these are.
    pub trait Sealed {}
}

/// Marks types as arguments.
macro_rules! rendered {
    ($($name:ty),* $(,)?) => { $(
        impl $crate::command::argv::sealed::Sealed for $name {}
        impl $crate::command::argv::Rendered for $name {}
    )* };
}
pub(super) use rendered;

impl From<&Executable> for Arg {
    fn from(executable: &Executable) -> Self {
        Self(executable.to_string().into())
    }
}

rendered!(Bookmark, Dataset, Guid, Named, Pool, Snapshot, SnapshotName, Tag, u8, u16, u32, u64);

impl From<&'static str> for Arg {
    fn from(literal: &'static str) -> Self {
        Self(literal.into())
    }
}

impl<T: Rendered> From<&T> for Arg {
    fn from(value: &T) -> Self {
        Self(value.to_string().into())
    }
}

/// A program and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argv {
    program: Program,
    arguments: Vec<Arg>,
}

impl Argv {
    /// The program with no arguments yet.
    pub fn new(program: Program) -> Self {
        Self { program, arguments: Vec::new() }
    }

    /// One more argument.
    pub fn push(&mut self, argument: impl Into<Arg>) {
        self.arguments.push(argument.into());
    }

    /// A flag, if it is set.
    pub fn flag(&mut self, set: bool, flag: &'static str) {
        if set {
            self.push(flag);
        }
    }

    /// An option with its value in the next argument, if there is a value.
    pub fn option<T>(&mut self, name: &'static str, value: Option<T>)
    where
        T: Into<Arg>,
    {
        if let Some(value) = value {
            self.push(name);
            self.push(value);
        }
    }

    /// Several more.
    pub fn extend<T: Into<Arg>>(&mut self, arguments: impl IntoIterator<Item = T>) {
        self.arguments.extend(arguments.into_iter().map(Into::into));
    }

    /// All that another program is told: for the one that starts it.
    pub fn append(&mut self, other: Self) {
        self.arguments.extend(other.arguments);
    }

    /// The program.
    pub fn program(&self) -> Program {
        self.program
    }

    /// What it is told, without its own name.
    pub fn arguments(&self) -> impl ExactSizeIterator<Item = &str> {
        self.arguments.iter().map(Arg::as_str)
    }

    /// The program's name and what it is told, as a shell would show them.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.program.name()).chain(self.arguments())
    }
}
