//! zfs-list(8). Left out on purpose: -j, --json, --json-int (2.3), whose output can't be cut to what is granted.
#![forbid(unsafe_code)]

use super::selection::{Reach, Types};
use super::{argv, names};
use crate::command::argv::Argv;
use crate::command::name::Named;
use crate::command::options::{Opt, Text, read};
use crate::command::property::{Properties, Property};
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs list`
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// -H: no header, columns separated by tabs.
    pub scripted: bool,
    /// -p: exact numbers.
    pub exact: bool,
    /// -r, -d
    pub reach: Reach,
    /// -o; zfs shows name, used, available, referenced, mountpoint without it.
    pub columns: Option<Properties>,
    /// -s (ascending) and -S (descending), the first counts most.
    pub sort: Vec<(Order, Property)>,
    /// -t
    pub types: Option<Types>,
    /// None stands for all datasets of all pools.
    pub operands: Vec<Named>,
    /// A property: rows in which it is `on` are left out. zfs has no such option; it is what simplesnapwrap does to them.
    pub unless: Option<Property>,
}

/// Which way to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// -s
    Ascending,
    /// -S
    Descending,
}

#[derive(Clone, Copy)]
enum Flag {
    Columns,
    Depth,
    Exact,
    Recursive,
    Scripted,
    Sort(Order),
    Types,
}

const OPTIONS: &[Opt<Flag>] = &[
    Opt::flag('H', Flag::Scripted),
    Opt::value('S', Flag::Sort(Order::Descending)),
    Opt::value('d', Flag::Depth),
    Opt::value('o', Flag::Columns),
    Opt::flag('p', Flag::Exact),
    Opt::flag('r', Flag::Recursive),
    Opt::value('s', Flag::Sort(Order::Ascending)),
    Opt::value('t', Flag::Types),
];

impl List {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let mut list = Self {
            scripted: false,
            exact: false,
            reach: Reach::Own,
            columns: None,
            sort: Vec::new(),
            types: None,
            operands: match found.operands.as_slice() {
                [] => Vec::new(),
                operands => names(subcommand, operands, Named::parse)?,
            },
            unless: None,
        };
        for option in found.options {
            match option.is {
                Flag::Columns => list.columns = Some(Properties::read(option.text)?),
                Flag::Depth => list.reach = Reach::Depth(option.text.number()?),
                Flag::Exact => list.exact = true,
                Flag::Recursive => list.reach = list.reach.recursive(),
                Flag::Scripted => list.scripted = true,
                Flag::Sort(order) => {
                    let property = Property::parse(option.text.text).ok_or(option.text.error(What::Property))?;
                    list.sort.push((order, property));
                }
                Flag::Types => list.types = Some(Types::read(option.text)?),
            }
        }
        Ok(list)
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("list");
        argv.flag(self.scripted, "-H");
        argv.flag(self.exact, "-p");
        self.reach.render(&mut argv);
        argv.option("-t", self.types.as_ref());
        argv.option("-o", self.columns.as_ref());
        for (order, property) in &self.sort {
            argv.push(match order {
                Order::Ascending => "-s",
                Order::Descending => "-S",
            });
            argv.push(property);
        }
        argv.push("--");
        argv.extend(&self.operands);
        argv
    }
}
