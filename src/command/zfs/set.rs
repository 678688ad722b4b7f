//! zfs-set(8): set and inherit. `zfs NAME=VALUE dataset`, which is a `set` too, is not read.
#![forbid(unsafe_code)]

use super::{argv, names};
use crate::command::argv::Argv;
use crate::command::name::{NameError, Named};
use crate::command::options::{Opt, Text, read};
use crate::command::property::{Property, Setting};
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs set`
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// -u (2.2): mounts and shares stay as they are.
    pub unmounted: bool,
    /// At least one, each property once.
    pub settings: Vec<Setting>,
    /// At least one dataset or snapshot.
    pub operands: Vec<Named>,
}

/// `zfs inherit`
#[derive(Clone, Debug, PartialEq)]
pub struct Inherit {
    /// -r: in all that lies below too.
    pub recursive: bool,
    /// -S: back to the value that was received, if there is one.
    pub received: bool,
    /// What loses its own value.
    pub property: Property,
    /// At least one dataset or snapshot.
    pub operands: Vec<Named>,
}

const SET: &[Opt<()>] = &[Opt::flag('u', ())];
const INHERIT: &[Opt<bool>] = &[Opt::flag('S', true), Opt::flag('r', false)];

impl Set {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(SET, words)?;
        // What holds a `=` is a setting; behind the first that doesn't, nothing may (zfs_do_set).
        let end = found.operands.iter().position(|word| !word.text.contains('=')).unwrap_or(found.operands.len());
        let (written, operands) = found.operands.split_at_checked(end).unwrap_or_default();
        let mut settings: Vec<Setting> = Vec::new();
        for word in written {
            let setting = Setting::read(*word)?;
            if settings.iter().any(|other| other.property == setting.property) {
                return Err(word.error(What::Conflict));
            }
            settings.push(setting);
        }
        if settings.is_empty() {
            return Err(subcommand.error(What::MissingOperand));
        }
        Ok(Self { unmounted: !found.options.is_empty(), settings, operands: names(subcommand, operands, settable)? })
    }

    /// What zfs is told. Without `--`, which 2.1 takes for an option; nothing here can begin with `-`.
    pub fn render(&self) -> Argv {
        let mut argv = argv("set");
        argv.flag(self.unmounted, "-u");
        argv.extend(&self.settings);
        argv.extend(&self.operands);
        argv
    }
}

impl Inherit {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(INHERIT, words)?;
        let (property, operands) = found.operands.split_first().ok_or(subcommand.error(What::MissingOperand))?;
        Ok(Self {
            recursive: found.options.iter().any(|option| !option.is),
            received: found.options.iter().any(|option| option.is),
            property: Property::parse(property.text).ok_or(property.error(What::Property))?,
            operands: names(subcommand, operands, settable)?,
        })
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("inherit");
        argv.flag(self.recursive, "-r");
        argv.flag(self.received, "-S");
        argv.push("--");
        argv.push(&self.property);
        argv.extend(&self.operands);
        argv
    }
}

/// What has properties that can be set.
fn settable(text: &str) -> Result<Named, NameError> {
    match Named::parse(text)? {
        Named::Bookmark(_) => Err(NameError::UnexpectedDelimiter),
        named => Ok(named),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, rendered_again};
    use super::*;

    #[test]
    fn settings_come_first_and_no_dashes_are_written() {
        let cases = [
            ("set readonly=on backup/laptop", "zfs set readonly=on backup/laptop"),
            (
                "set zrep:sent=1795230000 backup/laptop@zrep_000001",
                "zfs set zrep:sent=1795230000 backup/laptop@zrep_000001",
            ),
            (
                "set compress=zstd 'a:b=two words' tank/a tank/b",
                "zfs set compression=zstd 'a:b=two words' tank/a tank/b",
            ),
            ("set -u -- a:b=-r tank/a", "zfs set -u a:b=-r tank/a"),
            ("set a:b= tank/a", "zfs set a:b= tank/a"),
            ("set a:b=c=d tank/a", "zfs set a:b=c=d tank/a"),
        ];
        for (line, expected) in cases {
            assert_eq!(rendered_again(line), expected);
            assert_eq!(rendered_again(expected.trim_start_matches("zfs ")), expected);
        }
    }

    #[test]
    fn a_set_that_zfs_would_not_take_is_no_command() {
        for (line, why) in [
            ("set", What::MissingOperand),
            ("set tank/a", What::MissingOperand),
            ("set a:b=c", What::MissingOperand),
            ("set a:b=c a:b=d tank/a", What::Conflict),
            ("set a:b=c tank/a d:e=f", What::Name(NameError::InvalidCharacter)),
            ("set a:b=c 'tank/a#b'", What::Name(NameError::UnexpectedDelimiter)),
            ("set -a:b=c tank/a", What::Option),
            ("set -- -a:b=c tank/a", What::Property),
            ("set a:b=c -r tank/a", What::Option),
            ("a:b=c tank/a", What::Subcommand),
        ] {
            assert_eq!(read(line), Err(why), "{line}");
        }
    }

    #[test]
    fn one_property_is_inherited_by_several() {
        assert_eq!(
            rendered_again("inherit rdonly tank/a -Sr tank/b@c"),
            "zfs inherit -r -S -- readonly tank/a tank/b@c"
        );
        for (line, why) in [
            ("inherit", What::MissingOperand),
            ("inherit readonly", What::MissingOperand),
            ("inherit all tank/a", What::Property),
            ("inherit readonly,exec tank/a", What::Property),
        ] {
            assert_eq!(read(line), Err(why), "{line}");
        }
    }
}
