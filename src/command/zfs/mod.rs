//! zfs(8): one file for each operation, each with its type, its option table, `read` and `render`. Rendered argv has
//! one order that every version of zfs and every libc agrees on: flags, then `--` (but for `set`), then operands.
#![forbid(unsafe_code)]

pub mod bookmark;
pub mod create;
pub mod destroy;
pub mod get;
pub mod hold;
pub mod list;
mod mount;
pub mod receive;
pub mod rename;
pub mod rollback;
pub mod selection;
pub mod send;
pub mod set;
pub mod snapshot;

use super::argv::{Argv, Program};
use super::name::{Dataset, NameError};
use super::options::Text;
use super::{Error, What};
use crate::syntax::Word;
use bookmark::Bookmarking;
use create::Create;
use destroy::Destroy;
use get::Get;
use hold::{Holding, Holds};
use list::List;
use receive::Receiving;
use rename::Rename;
use rollback::Rollback;
use send::Send;
use set::{Inherit, Set};
use snapshot::Snapshotting;

/// A zfs command.
#[derive(Clone, Debug, PartialEq)]
pub enum Zfs {
    /// zfs-bookmark(8)
    Bookmark(Bookmarking),
    /// zfs-create(8)
    Create(Create),
    /// zfs-destroy(8)
    Destroy(Destroy),
    /// zfs-get(8)
    Get(Get),
    /// zfs-hold(8)
    Hold(Holding),
    /// zfs-holds(8)
    Holds(Holds),
    /// zfs-inherit(8)
    Inherit(Inherit),
    /// zfs-list(8)
    List(List),
    /// zfs-mount(8), of one dataset and without an option
    Mount(Dataset),
    /// zfs-receive(8)
    Receive(Receiving),
    /// zfs-release(8)
    Release(Holding),
    /// zfs-rename(8)
    Rename(Rename),
    /// zfs-rollback(8)
    Rollback(Rollback),
    /// zfs-send(8)
    Send(Send),
    /// zfs-set(8)
    Set(Set),
    /// zfs-snapshot(8)
    Snapshot(Snapshotting),
    /// zfs-unmount(8), of one dataset and without an option
    Unmount(Dataset),
    /// A command without its operands, by which clients find out which options zfs has: it ends with its usage.
    Usage(Usage),
    /// A subcommand of zfs that no policy can allow; its arguments are not looked at.
    Unserved(&'static str),
    /// `zfs version`, `zfs --version`, `zfs -V`
    Version,
}

/// Commands that end with zfs's usage, as clients send them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// `get -H -t snapshot`, of syncoid after 2.3
    GetTypes,
    /// `receive -x`, of zettarepl
    ReceiveExclude,
    /// `send -V`, of zettarepl
    SendProgress,
}

impl Usage {
    const ALL: [Self; 3] = [Self::GetTypes, Self::ReceiveExclude, Self::SendProgress];

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::GetTypes => &["get", "-H", "-t", "snapshot"],
            Self::ReceiveExclude => &["receive", "-x"],
            Self::SendProgress => &["send", "-V"],
        }
    }

    fn read(arguments: &[Word]) -> Option<Self> {
        let given = arguments.iter().map(|word| if word.as_str() == "recv" { "receive" } else { word.as_str() });
        Self::ALL.into_iter().find(|usage| given.clone().eq(usage.words().iter().copied()))
    }
}

/// Subcommands that zfs has and nobody is served (cmd/zfs/zfs_main.c, 2.1 to 2.4).
const UNSERVED: &[&str] = &[
    "allow",
    "change-key",
    "clone",
    "diff",
    "groupspace",
    "help",
    "jail",
    "load-key",
    "program",
    "project",
    "projectspace",
    "promote",
    "redact",
    "rewrite",
    "share",
    "unallow",
    "unjail",
    "unload-key",
    "unshare",
    "unzone",
    "upgrade",
    "userspace",
    "wait",
    "zone",
];

impl Zfs {
    /// Reads what follows `zfs`.
    pub fn read(program: &Word, arguments: &[Word]) -> Result<Self, Error> {
        let Some((subcommand, words)) = arguments.split_first() else {
            return Err(Text::from(program).error(What::MissingOperand));
        };
        let subcommand = Text::from(subcommand);
        if let Some(usage) = Usage::read(arguments) {
            return Ok(Self::Usage(usage));
        }
        Ok(match subcommand.text {
            "bookmark" => Self::Bookmark(Bookmarking::read(subcommand, words)?),
            "create" => Self::Create(Create::read(subcommand, words)?),
            "destroy" => Self::Destroy(Destroy::read(subcommand, words)?),
            "get" => Self::Get(Get::read(subcommand, words)?),
            "hold" => Self::Hold(Holding::read(subcommand, words)?),
            "holds" => Self::Holds(Holds::read(subcommand, words)?),
            "inherit" => Self::Inherit(Inherit::read(subcommand, words)?),
            "list" => Self::List(List::read(subcommand, words)?),
            "mount" => mount::read(words).map_or(Self::Unserved("mount"), Self::Mount),
            "receive" | "recv" => Self::Receive(Receiving::read(subcommand, words)?),
            "release" => Self::Release(Holding::read(subcommand, words)?),
            "rename" => Self::Rename(Rename::read(subcommand, words)?),
            "rollback" => Self::Rollback(Rollback::read(subcommand, words)?),
            "send" => Self::Send(Send::read(subcommand, words)?),
            "set" => Self::Set(Set::read(subcommand, words)?),
            "snapshot" | "snap" => Self::Snapshot(Snapshotting::read(subcommand, words)?),
            "umount" | "unmount" => mount::read(words).map_or(Self::Unserved("unmount"), Self::Unmount),
            "version" | "--version" | "-V" => match words.first() {
                None => Self::Version,
                Some(extra) => return Err(Text::from(extra).error(What::ExtraOperand)),
            },
            // `NAME=VALUE` in the place of a subcommand is a `set` (zfs_main.c), and so is not in this list either.
            name => match UNSERVED.iter().find(|unserved| **unserved == name) {
                Some(unserved) => Self::Unserved(unserved),
                None => return Err(subcommand.error(What::Subcommand)),
            },
        })
    }
}

impl Zfs {
    /// What zfs is told, for operations that it may be told of at all.
    pub fn render(&self) -> Option<Argv> {
        Some(match self {
            Self::Bookmark(bookmarking) => bookmarking.render(),
            Self::Create(create) => create.render(),
            Self::Destroy(destroy) => destroy.render(),
            Self::Get(get) => get.render(),
            Self::Hold(holding) => holding.render("hold"),
            Self::Holds(holds) => holds.render(),
            Self::Inherit(inherit) => inherit.render(),
            Self::List(list) => list.render(),
            Self::Mount(dataset) => mount::render("mount", dataset),
            Self::Receive(receiving) => receiving.render(),
            Self::Release(holding) => holding.render("release"),
            Self::Rename(rename) => rename.render(),
            Self::Rollback(rollback) => rollback.render(),
            Self::Send(send) => send.render(),
            Self::Set(set) => set.render(),
            Self::Snapshot(snapshotting) => snapshotting.render(),
            Self::Unmount(dataset) => mount::render("unmount", dataset),
            Self::Usage(usage) => {
                let mut argv = Argv::new(Program::Zfs);
                usage.words().iter().for_each(|word| argv.push(*word));
                argv
            }
            Self::Version => argv("version"),
            Self::Unserved(_) => return None,
        })
    }
}

/// `zfs SUBCOMMAND`
fn argv(subcommand: &'static str) -> Argv {
    let mut argv = Argv::new(Program::Zfs);
    argv.push(subcommand);
    argv
}

/// The one operand that an operation takes.
fn single<'a>(subcommand: Text<'a>, operands: &[Text<'a>]) -> Result<Text<'a>, Error> {
    match operands {
        [] => Err(subcommand.error(What::MissingOperand)),
        [operand] => Ok(*operand),
        [_, extra, ..] => Err(extra.error(What::ExtraOperand)),
    }
}

/// Operands that are names, at least one.
fn names<T>(
    subcommand: Text<'_>,
    operands: &[Text<'_>],
    parse: impl Fn(&str) -> Result<T, NameError>,
) -> Result<Vec<T>, Error> {
    if operands.is_empty() {
        return Err(subcommand.error(What::MissingOperand));
    }
    operands.iter().map(|operand| parse(operand.text).map_err(|error| operand.error(error))).collect()
}

/// Reads and renders a command line, for the tests of the operations.
#[cfg(test)]
pub(crate) mod testing {
    use super::Zfs;
    use crate::command::{Command, What, read as read_command};
    use crate::syntax;

    /// What `zfs LINE` reads as.
    pub fn read(line: &str) -> Result<Zfs, What> {
        let script = syntax::parse(format!("zfs {line}").as_bytes()).unwrap().unwrap();
        match read_command(&script.first.first).map_err(|error| error.what)?.command {
            Command::Zfs(zfs) => Ok(zfs),
            other => panic!("{other:?}"),
        }
    }

    /// How `zfs LINE` is written anew, as a shell would show it.
    pub fn rendered_again(line: &str) -> String {
        let zfs = read(line).unwrap();
        let argv = zfs.render().unwrap();
        syntax::quote(argv.words())
    }
}
