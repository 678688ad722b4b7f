//! zfs-create(8), of file systems. Left out on purpose: -V, -b and -s, which make volumes; those come by streams.
#![forbid(unsafe_code)]

use super::{argv, single};
use crate::command::argv::Argv;
use crate::command::name::Dataset;
use crate::command::options::{Opt, Text, read};
use crate::command::property::Setting;
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs create`
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// What is to be.
    pub dataset: Dataset,
    /// -o
    pub settings: Vec<Setting>,
    /// How.
    pub flags: Flags,
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
    /// -u: is not mounted.
    pub unmounted: bool,
    /// -v
    pub verbose: bool,
}

#[derive(Clone, Copy)]
enum Flag {
    Set(fn(&mut Flags) -> &mut bool),
    Setting,
}

/// cmd/zfs/zfs_main.c: ":PV:b:nso:puv"
const OPTIONS: &[Opt<Flag>] = &[
    Opt::flag('P', Flag::Set(|flags| &mut flags.parsable)),
    Opt::flag('n', Flag::Set(|flags| &mut flags.dry_run)),
    Opt::value('o', Flag::Setting),
    Opt::flag('p', Flag::Set(|flags| &mut flags.parents)),
    Opt::flag('u', Flag::Set(|flags| &mut flags.unmounted)),
    Opt::flag('v', Flag::Set(|flags| &mut flags.verbose)),
];

impl Create {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let operand = single(subcommand, &found.operands)?;
        let dataset = Dataset::parse(operand.text).map_err(|error| operand.error(error))?;
        let mut flags = Flags::default();
        let mut settings: Vec<Setting> = Vec::new();
        for option in found.options {
            let conflict = |already: bool| if already { Err(option.text.error(What::Conflict)) } else { Ok(()) };
            match option.is {
                Flag::Set(of) => *of(&mut flags) = true,
                Flag::Setting => {
                    let setting = Setting::read(option.text)?;
                    // "specified multiple times" (parseprop)
                    conflict(settings.iter().any(|other| other.property == setting.property))?;
                    settings.push(setting);
                }
            }
        }
        Ok(Self { dataset, settings, flags })
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("create");
        argv.flag(self.flags.parents, "-p");
        argv.flag(self.flags.dry_run, "-n");
        argv.flag(self.flags.parsable, "-P");
        argv.flag(self.flags.unmounted, "-u");
        argv.flag(self.flags.verbose, "-v");
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
            ("create -V 1G tank/a", What::Option),
            ("create -s tank/a", What::Option),
            ("create -o compress=lz4 -o compression=on tank/a", What::Conflict),
            ("create -o compression tank/a", What::Value),
            ("create -o frob=on tank/a", What::Property),
            ("create -Q tank/a", What::Option),
        ] {
            assert_eq!(read(line), Err(why), "{line}");
        }
    }
}
