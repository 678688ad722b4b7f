//! zfs-get(8). Left out on purpose: -j, --json, --json-int (2.3), whose output can't be cut to what is granted.
#![forbid(unsafe_code)]

use std::fmt;

use super::argv;
use super::names;
use super::selection::{Reach, Types};
use crate::command::argv::{Argv, rendered};
use crate::command::name::Named;
use crate::command::options::{Opt, Text, read};
use crate::command::property::{Properties, comma_separated};
use crate::command::{Error, What};
use crate::syntax::Word;

/// `zfs get`
#[derive(Clone, Debug, PartialEq)]
pub struct Get {
    /// -H: no header, columns separated by tabs.
    pub scripted: bool,
    /// -p: exact numbers.
    pub exact: bool,
    /// -r, -d
    pub reach: Reach,
    /// -o; zfs shows name, property, value, source without it.
    pub fields: Option<Fields>,
    /// -s
    pub sources: Option<Sources>,
    /// -t
    pub types: Option<Types>,
    /// `None` is `all`.
    pub properties: Option<Properties>,
    /// None stands for all datasets of all pools.
    pub operands: Vec<Named>,
}

/// A column of `zfs get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The dataset.
    Name,
    /// The property.
    Property,
    /// What a stream brought along.
    Received,
    /// Where the value comes from.
    Source,
    /// The value.
    Value,
}

impl Field {
    /// As -o spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Property => "property",
            Self::Received => "received",
            Self::Source => "source",
            Self::Value => "value",
        }
    }
}

/// Columns, each at most once (zfs takes five at most).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields(pub Vec<Field>);

/// Where values come from (`-s`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sources(u8);

const SOURCES: [&str; 6] = ["local", "default", "inherited", "received", "temporary", "none"];

#[derive(Clone, Copy)]
enum Flag {
    Depth,
    Exact,
    Fields,
    Recursive,
    Scripted,
    Sources,
    Types,
}

const OPTIONS: &[Opt<Flag>] = &[
    Opt::flag('H', Flag::Scripted),
    Opt::value('d', Flag::Depth),
    Opt::value('o', Flag::Fields),
    Opt::flag('p', Flag::Exact),
    Opt::flag('r', Flag::Recursive),
    Opt::value('s', Flag::Sources),
    Opt::value('t', Flag::Types),
];

impl Get {
    pub(super) fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(OPTIONS, words)?;
        let (properties, operands) = found.operands.split_first().ok_or(subcommand.error(What::MissingOperand))?;
        let mut get = Self {
            scripted: false,
            exact: false,
            reach: Reach::Own,
            fields: None,
            sources: None,
            types: None,
            properties: match properties.text {
                "all" => None,
                _ => Some(Properties::read(*properties)?),
            },
            operands: match operands {
                [] => Vec::new(),
                operands => names(subcommand, operands, Named::parse)?,
            },
        };
        for option in found.options {
            match option.is {
                Flag::Depth => get.reach = Reach::Depth(option.text.number()?),
                Flag::Exact => get.exact = true,
                Flag::Fields => get.fields = Some(Fields::read(option.text)?),
                Flag::Recursive => get.reach = get.reach.recursive(),
                Flag::Scripted => get.scripted = true,
                Flag::Sources => get.sources = Some(Sources::read(option.text)?),
                Flag::Types => get.types = Some(Types::read(option.text)?),
            }
        }
        Ok(get)
    }

    /// What zfs is told.
    pub fn render(&self) -> Argv {
        let mut argv = argv("get");
        argv.flag(self.scripted, "-H");
        argv.flag(self.exact, "-p");
        self.reach.render(&mut argv);
        argv.option("-t", self.types.as_ref());
        argv.option("-s", self.sources.as_ref());
        argv.option("-o", self.fields.as_ref());
        argv.push("--");
        match &self.properties {
            Some(properties) => argv.push(properties),
            None => argv.push("all"),
        }
        argv.extend(&self.operands);
        argv
    }
}

impl Fields {
    /// The columns of `zpool get`, which are those of `zfs get` but for `received`.
    pub(in crate::command) fn of_pool(list: Text<'_>) -> Result<Self, Error> {
        let mut fields = Self::read(list)?;
        if list.text == "all" {
            fields.0.retain(|field| *field != Field::Received);
        }
        if fields.0.contains(&Field::Received) { Err(list.error(What::Value)) } else { Ok(fields) }
    }

    fn read(list: Text<'_>) -> Result<Self, Error> {
        let mut fields = Vec::new();
        for name in list.text.split(',') {
            let more: &[Field] = match name {
                "all" => &[Field::Name, Field::Property, Field::Value, Field::Received, Field::Source],
                "name" => &[Field::Name],
                "property" => &[Field::Property],
                "received" => &[Field::Received],
                "source" => &[Field::Source],
                "value" => &[Field::Value],
                _ => return Err(list.error(What::Value)),
            };
            if more.iter().any(|field| fields.contains(field)) {
                return Err(list.error(What::Conflict));
            }
            fields.extend(more);
        }
        Ok(Self(fields))
    }
}

impl Sources {
    /// Whether properties that have no source are shown: those that nobody can set.
    pub fn has_none(self) -> bool {
        SOURCES.iter().position(|source| *source == "none").is_some_and(|place| self.0 & 1 << place != 0)
    }

    fn read(list: Text<'_>) -> Result<Self, Error> {
        let mut sources = 0;
        for name in list.text.split(',') {
            let place = SOURCES.iter().position(|source| *source == name).ok_or(list.error(What::Value))?;
            sources |= 1 << place;
        }
        Ok(Self(sources))
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        comma_separated(f, self.0.iter().map(|field| field.name()))
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = |place: usize| self.0 & 1 << place != 0;
        comma_separated(f, SOURCES.iter().enumerate().filter_map(|(place, name)| set(place).then_some(name)))
    }
}

rendered!(Fields, Sources);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Span;

    #[test]
    fn all_is_every_column_and_none_stands_twice() {
        let read = |text| Fields::read(Text { text, span: Span::default() }).map_err(|error| error.what);
        assert_eq!(read("all").unwrap().to_string(), "name,property,value,received,source");
        assert_eq!(read("value,name").unwrap().to_string(), "value,name");
        for twice in ["value,value", "all,name", "name,all"] {
            assert_eq!(read(twice), Err(What::Conflict), "{twice}");
        }
    }
}
