//! What list and get have in common: how deep, which types.
#![forbid(unsafe_code)]

use std::fmt;

use crate::command::argv::{Argv, rendered};
use crate::command::options::Text;
use crate::command::property::comma_separated;
use crate::command::{Error, What};

/// How far below the operands to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// `-r`: everything below.
    All,
    /// `-d N`: so many levels below.
    Depth(u16),
    /// The operands alone.
    #[default]
    Own,
}

impl Reach {
    /// With `-r`: a depth that was given holds, wherever it stands (zfs_do_list sets the flag and keeps the limit).
    #[must_use]
    pub fn recursive(self) -> Self {
        match self {
            Self::Own => Self::All,
            limited => limited,
        }
    }

    /// Whether anything but the operands can be looked at.
    pub fn goes_below(self) -> bool {
        !matches!(self, Self::Own | Self::Depth(0))
    }

    /// As options.
    pub(super) fn render(self, argv: &mut Argv) {
        match self {
            Self::All => argv.push("-r"),
            Self::Depth(depth) => argv.option("-d", Some(&depth)),
            Self::Own => (),
        }
    }
}

/// Types of datasets (`-t`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Types {
    /// `bookmark`
    pub bookmark: bool,
    /// `filesystem`, `fs`
    pub filesystem: bool,
    /// `snapshot`, `snap`
    pub snapshot: bool,
    /// `volume`, `vol`
    pub volume: bool,
}

impl Types {
    /// Reads a comma list. The short names came with 2.2; they are rendered by the long ones.
    pub(super) fn read(list: Text<'_>) -> Result<Self, Error> {
        let mut types = Self::default();
        for name in list.text.split(',') {
            match name {
                "all" => types = Self { bookmark: true, filesystem: true, snapshot: true, volume: true },
                "bookmark" => types.bookmark = true,
                "filesystem" | "fs" => types.filesystem = true,
                "snapshot" | "snap" => types.snapshot = true,
                "volume" | "vol" => types.volume = true,
                _ => return Err(list.error(What::Value)),
            }
        }
        Ok(types)
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            (self.filesystem, "filesystem"),
            (self.volume, "volume"),
            (self.snapshot, "snapshot"),
            (self.bookmark, "bookmark"),
        ];
        comma_separated(f, named.into_iter().filter_map(|(set, name)| set.then_some(name)))
    }
}

rendered!(Types);
