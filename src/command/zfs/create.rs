//! zfs-create(8).
#![forbid(unsafe_code)]

use super::{argv, single};
use crate::command::argv::Argv;
use crate::command::name::Dataset;
use crate::command::options::{Opt, Text, read};
use crate::command::property::{Kind, Setting};
use crate::command::size::Size;
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs create`
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// What is to be.
    pub dataset: Dataset,
    /// -V: a volume, and no file system.
    pub volume: Option<Volume>,
    /// -o
    pub settings: Vec<Setting>,
    /// How.
    pub flags: Flags,
}

/// What a volume is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// -V
    pub size: Size,
    /// -b
    pub block: Option<Size>,
    /// -s: reserves nothing.
    pub sparse: bool,
}

/// The flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// -n
    pub dry_run: bool,
    /// -p: the missing datasets above it too, without -o; zfs mounts and shares them whatever else is said.
    pub parents: bool,
    /// -P
    pub parsable: bool,
    /// -u: is not mounted. A volume never is.
    pub unmounted: bool,
    /// -v
    pub verbose: bool,
}

#[derive(Clone, Copy)]
enum Flag {
    Block,
    Set(fn(&mut Flags) -> &mut bool),
    Setting,
    Size,
    Sparse,
}

/// cmd/zfs/zfs_main.c: ":PV:b:nso:puv"
const OPTIONS: &[Opt<Flag>] = &[
    Opt::flag('P', Flag::Set(|flags| &mut flags.parsable)),
    Opt::value('V', Flag::Size),
    Opt::value('b', Flag::Block),
    Opt::flag('n', Flag::Set(|flags| &mut flags.dry_run)),
    Opt::value('o', Flag::Setting),
    Opt::flag('p', Flag::Set(|flags| &mut flags.parents)),
    Opt::flag('s', Flag::Sparse),
    Opt::flag('u', Flag::Set(|flags| &mut flags.unmounted)),
    Opt::flag('v', Flag::Set(|flags| &mut flags.verbose)),
];

impl Create {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let operand = single(subcommand, &found.operands)?;
        let dataset = Dataset::parse(operand.text).map_err(|error| operand.error(error))?;
        let (mut size, mut block, mut sparse) = (None, None, false);
        let mut flags = Flags::default();
        let mut settings: Vec<Setting> = Vec::new();
        for option in found.options {
            let conflict = |already: bool| if already { Err(option.text.error(What::Conflict)) } else { Ok(()) };
            match option.is {
                Flag::Block => conflict(block.replace(Size::read(option.text)?).is_some())?,
                Flag::Size => conflict(size.replace(Size::read(option.text)?).is_some())?,
                Flag::Set(of) => *of(&mut flags) = true,
                Flag::Sparse => sparse = true,
                Flag::Setting => {
                    let setting = Setting::read(option.text)?;
                    // "specified multiple times" (parseprop)
                    conflict(settings.iter().any(|other| other.property == setting.property))?;
                    settings.push(setting);
                }
            }
        }
        // zfs_do_create: "can only be used when creating a volume", "... a filesystem"
        let volume = match size {
            Some(size) if !flags.unmounted => Some(Volume { size, block, sparse }),
            None if block.is_none() && !sparse => None,
            _ => return Err(subcommand.error(What::Conflict)),
        };
        Ok(Self { dataset, volume, settings, flags })
    }

    /// What it will be.
    pub fn kind(&self) -> Kind {
        if self.volume.is_some() { Kind::Volume } else { Kind::Filesystem }
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("create");
        argv.flag(self.flags.parents, "-p");
        argv.flag(self.flags.dry_run, "-n");
        argv.flag(self.flags.parsable, "-P");
        argv.flag(self.flags.unmounted, "-u");
        argv.flag(self.flags.verbose, "-v");
        if let Some(volume) = &self.volume {
            argv.flag(volume.sparse, "-s");
            argv.option("-b", volume.block.as_ref());
            argv.option("-V", Some(&volume.size));
        }
        for setting in &self.settings {
            argv.option("-o", Some(setting));
        }
        argv.push("--");
        argv.push(&self.dataset);
        argv
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, rendered_again};
    use super::*;
    use crate::command::name::NameError;

    #[test]
    fn what_clients_send_has_one_order() {
        let cases = [
            ("create backup/laptop", "zfs create -- backup/laptop"),
            ("create -vupo canmount=noauto backup/laptop", "zfs create -p -u -v -o canmount=noauto -- backup/laptop"),
            (
                "create backup/laptop -o compress=lz4 -o atime=off",
                "zfs create -o compression=lz4 -o atime=off -- backup/laptop",
            ),
            (
                "create -V 1073741824 -o compression=lz4 backup/vol",
                "zfs create -V 1073741824 -o compression=lz4 -- backup/vol",
            ),
            ("create -s -b8K -V 1GiB backup/vol", "zfs create -s -b 8192 -V 1073741824 -- backup/vol"),
        ];
        for (line, expected) in cases {
            assert_eq!(rendered_again(line), expected);
            assert_eq!(rendered_again(expected.trim_start_matches("zfs ")), expected);
        }
    }

    #[test]
    fn what_zfs_takes_for_a_mistake_is_no_command() {
        for (line, why) in [
            ("create", What::MissingOperand),
            ("create a b", What::ExtraOperand),
            ("create tank/a@b", What::Name(NameError::UnexpectedDelimiter)),
            ("create -s tank/a", What::Conflict),
            ("create -b 8K tank/a", What::Conflict),
            ("create -u -V 1G tank/a", What::Conflict),
            ("create -V 1G -V 2G tank/a", What::Conflict),
            ("create -V 0 tank/a", What::Number),
            ("create -V 1.5G tank/a", What::Number),
            ("create -o compress=lz4 -o compression=on tank/a", What::Conflict),
            ("create -o compression tank/a", What::Value),
            ("create -o frob=on tank/a", What::Property),
            ("create -Q tank/a", What::Option),
        ] {
            assert_eq!(read(line), Err(why), "{line}");
        }
    }
}
