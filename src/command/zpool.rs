//! zpool(8): what clients ask of pools. Left out on purpose: what repeats itself (-T, intervals) or prints JSON (-j).
#![forbid(unsafe_code)]

use std::fmt;

use super::argv::{Argv, Program, rendered};
use super::name::Pool;
use super::options::{Opt, Text, read};
use super::property::comma_separated;
use super::zfs::get::Fields;
use super::{Error, What};
use crate::syntax::Word;

/// A zpool command.
#[derive(Clone, Debug, PartialEq)]
pub enum Zpool {
    /// zpool-get(8)
    Get(PoolGet),
    /// zpool-list(8)
    List(PoolList),
    /// A subcommand of zpool that no policy can allow.
    Unserved(&'static str),
    /// `zpool version`
    Version,
}

/// `zpool get`
#[derive(Clone, Debug, PartialEq)]
pub struct PoolGet {
    /// -H
    pub scripted: bool,
    /// -p
    pub exact: bool,
    /// -o
    pub fields: Option<Fields>,
    /// `None` is `all`.
    pub properties: Option<PoolProperties>,
    /// None stands for all pools.
    pub pools: Vec<Pool>,
}

/// `zpool list`
#[derive(Clone, Debug, PartialEq)]
pub struct PoolList {
    /// -H
    pub scripted: bool,
    /// -p
    pub exact: bool,
    /// -o
    pub columns: Option<PoolProperties>,
    /// -g, -L, -P, -v: shows the devices that pools are made of. No policy can allow it.
    pub devices: bool,
    /// None stands for all pools.
    pub pools: Vec<Pool>,
}

/// A property of a pool (zpoolprops(7), zpool-features(7)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolProperty {
    /// `feature@NAME`
    Feature(Box<str>),
    /// One that zpool defines, by its full name.
    Native(&'static str),
}

/// Properties joined by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolProperties(pub Vec<PoolProperty>);

/// Full name and the other name that zpool takes for it (module/zcommon/zpool_prop.c).
const NATIVE: &[(&str, &str)] = &[
    ("allocated", "alloc"),
    ("altroot", ""),
    ("ashift", ""),
    ("autoexpand", "expand"),
    ("autoreplace", "replace"),
    ("autotrim", ""),
    ("bclonesaved", ""),
    ("bcloneused", ""),
    ("bcloneratio", ""),
    ("bootfs", ""),
    ("cachefile", ""),
    ("capacity", "cap"),
    ("checkpoint", "ckpoint"),
    ("comment", ""),
    ("compatibility", ""),
    ("dedupratio", "dedup"),
    ("delegation", ""),
    ("expandsize", "expandsz"),
    ("failmode", ""),
    ("fragmentation", "frag"),
    ("free", ""),
    ("freeing", ""),
    ("guid", ""),
    ("health", ""),
    ("leaked", ""),
    ("listsnapshots", "listsnaps"),
    ("load_guid", ""),
    ("multihost", ""),
    ("name", ""),
    ("readonly", "rdonly"),
    ("size", ""),
    ("version", ""),
];

/// Subcommands that zpool has and nobody is served.
const UNSERVED: &[&str] = &[
    "add",
    "attach",
    "checkpoint",
    "clear",
    "condense",
    "create",
    "ddtprune",
    "destroy",
    "detach",
    "events",
    "export",
    "help",
    "history",
    "import",
    "initialize",
    "iostat",
    "labelclear",
    "offline",
    "online",
    "prefetch",
    "reguid",
    "remove",
    "reopen",
    "replace",
    "resilver",
    "scrub",
    "set",
    "split",
    "status",
    "sync",
    "trim",
    "upgrade",
    "wait",
];

#[derive(Clone, Copy)]
enum Flag {
    Columns,
    Devices,
    Exact,
    Scripted,
}

const GET: &[Opt<Flag>] =
    &[Opt::flag('H', Flag::Scripted), Opt::value('o', Flag::Columns), Opt::flag('p', Flag::Exact)];
const LIST: &[Opt<Flag>] = &[
    Opt::flag('H', Flag::Scripted),
    Opt::flag('L', Flag::Devices),
    Opt::flag('P', Flag::Devices),
    Opt::flag('g', Flag::Devices),
    Opt::value('o', Flag::Columns),
    Opt::flag('p', Flag::Exact),
    Opt::flag('v', Flag::Devices),
];

impl Zpool {
    /// Reads what follows `zpool`.
    pub fn read(program: &Word, arguments: &[Word]) -> Result<Self, Error> {
        let Some((subcommand, words)) = arguments.split_first() else {
            return Err(Text::from(program).error(What::MissingOperand));
        };
        let subcommand = Text::from(subcommand);
        match subcommand.text {
            "get" => PoolGet::read(subcommand, words).map(Self::Get),
            "list" => PoolList::read(words).map(Self::List),
            "version" | "--version" | "-V" => match words.first() {
                None => Ok(Self::Version),
                Some(extra) => Err(Text::from(extra).error(What::ExtraOperand)),
            },
            name => match UNSERVED.iter().find(|unserved| **unserved == name) {
                Some(unserved) => Ok(Self::Unserved(unserved)),
                None => Err(subcommand.error(What::Subcommand)),
            },
        }
    }

    /// What zpool is told, for operations that it may be told of at all.
    pub fn render(&self) -> Option<Argv> {
        let mut argv = Argv::new(Program::Zpool);
        match self {
            Self::Get(get) => {
                argv.push("get");
                argv.flag(get.scripted, "-H");
                argv.flag(get.exact, "-p");
                argv.option("-o", get.fields.as_ref());
                argv.push("--");
                match &get.properties {
                    Some(properties) => argv.push(properties),
                    None => argv.push("all"),
                }
                argv.extend(&get.pools);
            }
            Self::List(list) if list.devices => return None,
            Self::List(list) => {
                argv.push("list");
                argv.flag(list.scripted, "-H");
                argv.flag(list.exact, "-p");
                argv.option("-o", list.columns.as_ref());
                argv.push("--");
                argv.extend(&list.pools);
            }
            Self::Version => argv.push("version"),
            Self::Unserved(_) => return None,
        }
        Some(argv)
    }
}

impl PoolGet {
    fn read(subcommand: Text<'_>, words: &[Word]) -> Result<Self, Error> {
        let found = read(GET, words)?;
        let (properties, pools) = found.operands.split_first().ok_or(subcommand.error(What::MissingOperand))?;
        let mut get = Self {
            scripted: false,
            exact: false,
            fields: None,
            properties: match properties.text {
                "all" => None,
                _ => Some(PoolProperties::read(*properties)?),
            },
            pools: pools_of(pools)?,
        };
        for option in found.options {
            match option.is {
                Flag::Columns => get.fields = Some(Fields::of_pool(option.text)?),
                Flag::Devices => return Err(option.text.error(What::Option)),
                Flag::Exact => get.exact = true,
                Flag::Scripted => get.scripted = true,
            }
        }
        Ok(get)
    }
}

impl PoolList {
    fn read(words: &[Word]) -> Result<Self, Error> {
        let found = read(LIST, words)?;
        let mut list =
            Self { scripted: false, exact: false, columns: None, devices: false, pools: pools_of(&found.operands)? };
        for option in found.options {
            match option.is {
                Flag::Columns => list.columns = Some(PoolProperties::read(option.text)?),
                Flag::Devices => list.devices = true,
                Flag::Exact => list.exact = true,
                Flag::Scripted => list.scripted = true,
            }
        }
        Ok(list)
    }
}

/// A number would be an interval, and the program would run for ever; but no pool's name begins with a digit.
fn pools_of(operands: &[Text<'_>]) -> Result<Vec<Pool>, Error> {
    operands.iter().map(|operand| Pool::parse(operand.text).map_err(|error| operand.error(error))).collect()
}

impl From<PoolGet> for Zpool {
    fn from(get: PoolGet) -> Self {
        Self::Get(get)
    }
}

impl From<PoolList> for Zpool {
    fn from(list: PoolList) -> Self {
        Self::List(list)
    }
}

impl PoolProperty {
    /// Whether it is told of a pool that holds a granted dataset: what a client needs to choose its stream's features.
    pub fn is_public(&self) -> bool {
        match self {
            Self::Feature(_) => true,
            Self::Native(name) => matches!(*name, "delegation" | "guid" | "health" | "name" | "readonly" | "version"),
        }
    }

    /// Reads one property, by its full name or its short one.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(feature) = text.strip_prefix("feature@") {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let is_one = !feature.is_empty() && feature.len() <= 64 && feature.bytes().all(is_plain);
            return is_one.then(|| Self::Feature(feature.into()));
        }
        let (name, _) = NATIVE.iter().find(|(name, short)| *name == text || *short == text)?;
        (!text.is_empty()).then_some(Self::Native(name))
    }
}

impl PoolProperties {
    /// What zpool list shows without -o (zpool-list(8)).
    pub fn of_list() -> Self {
        let names = ["name", "size", "allocated", "free", "checkpoint", "expandsize", "fragmentation", "capacity"];
        let more = ["dedupratio", "health", "altroot"];
        Self(names.into_iter().chain(more).map(PoolProperty::Native).collect())
    }

    fn read(list: Text<'_>) -> Result<Self, Error> {
        let properties = list.text.split(',').map(PoolProperty::parse).collect::<Option<_>>();
        properties.map(Self).ok_or(list.error(What::Property))
    }
}

impl fmt::Display for PoolProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feature(name) => write!(f, "feature@{name}"),
            Self::Native(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for PoolProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        comma_separated(f, &self.0)
    }
}

rendered!(PoolProperties);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_has_a_plain_name_of_at_most_64_bytes() {
        for good in ["feature@x", "feature@lz4_compress", &format!("feature@{}", "a".repeat(64))] {
            assert!(matches!(PoolProperty::parse(good), Some(PoolProperty::Feature(_))), "{good}");
        }
        for bad in ["feature@", "feature@A", "feature@a b", "feature@a,b", &format!("feature@{}", "a".repeat(65)), ""] {
            assert_eq!(PoolProperty::parse(bad), None, "{bad}");
        }
    }
}
