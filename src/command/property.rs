//! Properties by name (zfsprops(7)): a closed list of native ones, user properties by their rule.
#![forbid(unsafe_code)]

use std::fmt;

use super::argv::rendered;
use super::name::{Bookmark, Dataset, Named, Snapshot, SnapshotName};
use super::options::Text;
use super::size::Size;
use super::{Error, What};

/// The name of a user property: `a-z 0-9 - _ . :`, with a `:`, less than 256 bytes (zfs_prop_user).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserProperty(Box<str>);

impl UserProperty {
    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:".contains(&byte);
        let is_one = text.contains(':') && text.len() < 256 && !text.starts_with('-') && text.bytes().all(is_plain);
        is_one.then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A property of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// One that zfs defines, by its full name.
    Native(&'static str),
    /// One that somebody made up.
    User(UserProperty),
    /// `written@SNAPSHOT`, `written#BOOKMARK`: space written since.
    Written(Since),
}

/// What `written@` and `written#` count from. zfs takes a full name there, of any dataset (zfs_prop_get_written_int).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// `written@SNAPSHOT`, of the dataset that is asked.
    Snapshot(SnapshotName),
    /// `written#BOOKMARK`, of the dataset that is asked.
    Bookmark(SnapshotName),
    /// `written@DATASET@SNAPSHOT`
    SnapshotOf(Snapshot),
    /// `written#DATASET#BOOKMARK`
    BookmarkOf(Bookmark),
}

/// What a native property's value or source can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tells {
    /// Of this dataset alone.
    Own,
    /// Its source may be "inherited from" an ancestor.
    Source,
    /// Its value names other datasets.
    Names,
}

/// Full name, the other name that zfs takes for it (its column title in lower case), what it tells
/// (module/zcommon/zfs_prop.c). The user and group ones (`userused@...`) are left out: they ask for accounts.
const NATIVE: &[(&str, &str, Tells)] = &[
    ("aclinherit", "", Tells::Source),
    ("aclmode", "", Tells::Source),
    ("acltype", "", Tells::Source),
    ("atime", "", Tells::Source),
    ("available", "avail", Tells::Own),
    ("canmount", "", Tells::Own),
    ("casesensitivity", "case", Tells::Source),
    ("checksum", "", Tells::Source),
    ("clones", "", Tells::Names),
    ("compression", "compress", Tells::Source),
    ("compressratio", "ratio", Tells::Own),
    ("context", "", Tells::Own),
    ("copies", "", Tells::Source),
    ("createtxg", "", Tells::Own),
    ("creation", "", Tells::Own),
    ("dedup", "", Tells::Source),
    ("defaultgroupobjquota", "", Tells::Own),
    ("defaultgroupquota", "", Tells::Own),
    ("defaultprojectobjquota", "", Tells::Own),
    ("defaultprojectquota", "", Tells::Own),
    ("defaultuserobjquota", "", Tells::Own),
    ("defaultuserquota", "", Tells::Own),
    ("defcontext", "", Tells::Own),
    ("defer_destroy", "", Tells::Own),
    ("devices", "", Tells::Source),
    ("direct", "", Tells::Source),
    ("dnodesize", "dnsize", Tells::Source),
    ("encryption", "", Tells::Source),
    ("encryptionroot", "encroot", Tells::Names),
    ("exec", "", Tells::Source),
    ("filesystem_count", "fscount", Tells::Own),
    ("filesystem_limit", "fslimit", Tells::Own),
    ("fscontext", "", Tells::Own),
    ("guid", "", Tells::Own),
    ("inconsistent", "", Tells::Own),
    ("keyformat", "", Tells::Own),
    ("keylocation", "", Tells::Own),
    ("keystatus", "", Tells::Own),
    ("logbias", "", Tells::Source),
    ("logicalreferenced", "lrefer", Tells::Own),
    ("logicalused", "lused", Tells::Own),
    ("longname", "", Tells::Source),
    ("mlslabel", "", Tells::Source),
    ("mounted", "", Tells::Own),
    ("mountpoint", "", Tells::Source),
    ("name", "", Tells::Own),
    ("nbmand", "", Tells::Source),
    ("normalization", "", Tells::Source),
    ("numclones", "", Tells::Own),
    ("objsetid", "", Tells::Own),
    ("origin", "", Tells::Names),
    ("overlay", "", Tells::Source),
    ("pbkdf2iters", "", Tells::Own),
    ("prefetch", "", Tells::Source),
    ("primarycache", "", Tells::Source),
    ("quota", "", Tells::Own),
    ("readonly", "rdonly", Tells::Source),
    ("receive_resume_token", "resumetok", Tells::Own),
    ("recordsize", "recsize", Tells::Source),
    ("redact_snaps", "rsnaps", Tells::Names),
    ("redacted", "", Tells::Own),
    ("redundant_metadata", "redund_md", Tells::Source),
    ("refcompressratio", "refratio", Tells::Own),
    ("referenced", "refer", Tells::Own),
    ("refquota", "", Tells::Own),
    ("refreservation", "refreserv", Tells::Own),
    ("relatime", "", Tells::Source),
    ("reservation", "reserv", Tells::Own),
    ("rootcontext", "", Tells::Own),
    ("secondarycache", "", Tells::Source),
    ("setuid", "", Tells::Source),
    ("sharenfs", "", Tells::Source),
    ("sharesmb", "", Tells::Source),
    ("snapdev", "", Tells::Source),
    ("snapdir", "", Tells::Source),
    ("snapshot_count", "sscount", Tells::Own),
    ("snapshot_limit", "sslimit", Tells::Own),
    ("snapshots_changed", "", Tells::Own),
    ("special_small_blocks", "", Tells::Source),
    ("sync", "", Tells::Source),
    ("type", "", Tells::Own),
    ("used", "", Tells::Own),
    ("usedbychildren", "usedchild", Tells::Own),
    ("usedbydataset", "usedds", Tells::Own),
    ("usedbyrefreservation", "usedrefreserv", Tells::Own),
    ("usedbysnapshots", "usedsnap", Tells::Own),
    ("userrefs", "", Tells::Own),
    ("utf8only", "", Tells::Source),
    ("version", "", Tells::Own),
    ("volblocksize", "volblock", Tells::Source),
    ("volmode", "", Tells::Source),
    ("volsize", "", Tells::Own),
    ("volthreading", "", Tells::Own),
    ("vscan", "", Tells::Source),
    ("written", "", Tells::Own),
    ("xattr", "", Tells::Source),
    ("zoned", "", Tells::Source),
];

/// Those of [`NATIVE`] that nobody sets (PROP_READONLY).
const READ_ONLY: &[&str] = &[
    "available",
    "clones",
    "compressratio",
    "createtxg",
    "creation",
    "defer_destroy",
    "encryptionroot",
    "filesystem_count",
    "guid",
    "inconsistent",
    "keystatus",
    "logicalreferenced",
    "logicalused",
    "mounted",
    "name",
    "numclones",
    "objsetid",
    "origin",
    "receive_resume_token",
    "redact_snaps",
    "redacted",
    "refcompressratio",
    "referenced",
    "snapshot_count",
    "snapshots_changed",
    "type",
    "used",
    "usedbychildren",
    "usedbydataset",
    "usedbyrefreservation",
    "usedbysnapshots",
    "userrefs",
    "written",
];

/// Those that a volume doesn't have: zfs fails on them. `special_small_blocks` came to volumes in 2.4.
const FILESYSTEM_ALONE: &[&str] = &[
    "aclinherit",
    "aclmode",
    "acltype",
    "atime",
    "canmount",
    "casesensitivity",
    "defaultgroupobjquota",
    "defaultgroupquota",
    "defaultprojectobjquota",
    "defaultprojectquota",
    "defaultuserobjquota",
    "defaultuserquota",
    "devices",
    "direct",
    "dnodesize",
    "exec",
    "filesystem_count",
    "filesystem_limit",
    "longname",
    "mounted",
    "mountpoint",
    "nbmand",
    "normalization",
    "overlay",
    "quota",
    "recordsize",
    "refquota",
    "relatime",
    "setuid",
    "sharenfs",
    "sharesmb",
    "snapdir",
    "special_small_blocks",
    "utf8only",
    "version",
    "vscan",
    "xattr",
    "zoned",
];

/// Those that a file system doesn't have. `volmode` it has, for the volumes below it.
const VOLUME_ALONE: &[&str] = &["volblocksize", "volsize", "volthreading"];

/// Those that only snapshots have.
const SNAPSHOT_ALONE: &[&str] = &["clones", "defer_destroy", "numclones", "userrefs"];

/// What a dataset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It holds files.
    Filesystem,
    /// It is a block device.
    Volume,
}

/// The columns that `space` stands for (zfs-list(8), -o).
const SPACE: [&str; 7] =
    ["name", "available", "used", "usedbysnapshots", "usedbydataset", "usedbyrefreservation", "usedbychildren"];

impl Property {
    /// Reads one property, by its full name or its short one.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((name, ..)) = NATIVE.iter().find(|(name, short, _)| *name == text || *short == text) {
            return (!text.is_empty()).then_some(Self::Native(name));
        }
        if let Some(since) = text.strip_prefix("written@") {
            let since = match Snapshot::parse(since) {
                Ok(snapshot) => Since::SnapshotOf(snapshot),
                Err(_) => Since::Snapshot(SnapshotName::parse(since).ok()?),
            };
            return Some(Self::Written(since));
        }
        if let Some(since) = text.strip_prefix("written#") {
            let since = match Bookmark::parse(since) {
                Ok(bookmark) => Since::BookmarkOf(bookmark),
                Err(_) => Since::Bookmark(SnapshotName::parse(since).ok()?),
            };
            return Some(Self::Written(since));
        }
        UserProperty::parse(text).map(Self::User)
    }

    /// The full names of those that zfs defines.
    pub fn native() -> impl Iterator<Item = &'static str> {
        NATIVE.iter().map(|(name, ..)| *name)
    }

    fn tells(&self) -> Tells {
        match self {
            Self::Native(own) => {
                NATIVE.iter().find(|(name, ..)| name == own).map_or(Tells::Names, |(.., tells)| *tells)
            }
            Self::User(_) => Tells::Source,
            Self::Written(_) => Tells::Own,
        }
    }

    /// The title of its column in `zfs list`.
    pub fn title(&self) -> String {
        let short = match self {
            Self::Native(own) => NATIVE.iter().find(|(name, ..)| name == own).map_or("", |(_, short, _)| short),
            _ => "",
        };
        if short.is_empty() { self.to_string().to_ascii_uppercase() } else { short.to_ascii_uppercase() }
    }

    /// Whether its value names other datasets.
    pub fn names_datasets(&self) -> bool {
        self.tells() == Tells::Names
    }

    /// Whether its source may name an ancestor.
    pub fn is_inherited(&self) -> bool {
        self.tells() == Tells::Source
    }

    /// Whether a dataset of this kind has it.
    pub fn applies_to(&self, kind: Kind) -> bool {
        let Self::Native(name) = self else { return true };
        let others = match kind {
            Kind::Filesystem => VOLUME_ALONE,
            Kind::Volume => FILESYSTEM_ALONE,
        };
        !others.contains(name) && !SNAPSHOT_ALONE.contains(name)
    }

    /// Whether zfs sets it at all: at once, or when a dataset is made.
    pub fn is_settable(&self) -> bool {
        match self {
            Self::Native(name) => !READ_ONLY.contains(name),
            Self::User(_) => true,
            Self::Written(_) => false,
        }
    }

    /// The right that an account needs to set it (zfs-allow(8)).
    pub fn right(&self) -> &str {
        match self {
            Self::Native(name) => name,
            Self::User(_) => "userprop",
            Self::Written(_) => "written",
        }
    }

    /// Whether two texts are one value of it: `128K` is `131072`, where zfs and not a user gives it a meaning.
    pub fn agrees(&self, one: &str, other: &str) -> bool {
        let sizes = || Size::parse(one).is_some_and(|size| Size::parse(other) == Some(size));
        one == other || matches!(self, Self::Native(_)) && sizes()
    }

    /// The dataset that its *name* names.
    pub fn dataset(&self) -> Option<&Dataset> {
        match self {
            Self::Written(Since::SnapshotOf(snapshot)) => Some(&snapshot.dataset),
            Self::Written(Since::BookmarkOf(bookmark)) => Some(&bookmark.dataset),
            _ => None,
        }
    }
}

/// Properties joined by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(Vec<Property>);

impl Properties {
    /// Reads a list. `space` stands for its columns.
    pub fn read(list: Text<'_>) -> Result<Self, Error> {
        let mut properties = Vec::new();
        for name in list.text.split(',') {
            if name == "space" {
                properties.extend(SPACE.map(Property::Native));
            } else {
                properties.push(Property::parse(name).ok_or(list.error(What::Property))?);
            }
        }
        Ok(Self(properties))
    }

    /// A list of these.
    pub fn of(properties: impl IntoIterator<Item = Property>) -> Self {
        Self(properties.into_iter().collect())
    }

    /// In the order written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Property> {
        self.0.iter()
    }
}

/// `NAME=VALUE`, the value printable ASCII: others would pass through `zfs get -H` into whatever reads that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The property.
    pub property: Property,
    value: Box<str>,
}

impl Setting {
    /// Reads `NAME=VALUE`.
    pub fn read(text: Text<'_>) -> Result<Self, Error> {
        let (name, value) = text.text.split_once('=').ok_or(text.error(What::Value))?;
        let property = Property::parse(name).ok_or(text.error(What::Property))?;
        Self::of(property, value).ok_or(text.error(What::Value))
    }

    /// A property and its value; `None` if the value isn't printable ASCII of less than 8192 bytes.
    pub fn of(property: Property, value: &str) -> Option<Self> {
        let is_plain = value.len() < 8192 && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        is_plain.then(|| Self { property, value: value.into() })
    }

    /// What stands behind the `=`.
    pub fn value(&self) -> &str {
        &self.value
    }
}

rendered!(Properties, Property, Setting);

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(name) => f.write_str(name),
            Self::User(name) => f.write_str(name.as_str()),
            Self::Written(Since::Snapshot(name)) => write!(f, "written@{name}"),
            Self::Written(Since::Bookmark(name)) => write!(f, "written#{name}"),
            Self::Written(Since::SnapshotOf(snapshot)) => write!(f, "written@{snapshot}"),
            Self::Written(Since::BookmarkOf(bookmark)) => write!(f, "written#{bookmark}"),
        }
    }
}

impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        comma_separated(f, &self.0)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.property, self.value)
    }
}

/// Writes values with commas between.
pub(super) fn comma_separated<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    values: impl IntoIterator<Item = T>,
) -> fmt::Result {
    for (place, value) in values.into_iter().enumerate() {
        if place > 0 {
            f.write_str(",")?;
        }
        value.fmt(f)?;
    }
    Ok(())
}

/// The datasets that a value of a property that names datasets names: `origin` and `encryptionroot` one, `clones` and
/// `redact_snaps` several. `None` where a part of it is no name.
pub fn named_in(value: &str) -> Option<Vec<Dataset>> {
    value.split(',').map(|name| Named::parse(name).ok().map(|named| named.dataset().clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Span;

    fn list(text: &str) -> Result<Properties, Error> {
        Properties::read(Text { text, span: Span::default() })
    }

    #[test]
    fn other_names_are_canonical() {
        assert_eq!(list("compress,refer,name").unwrap().to_string(), "compression,referenced,name");
        assert_eq!(list("space").unwrap().iter().len(), 7);
    }

    #[test]
    fn only_known_names_pass() {
        for good in ["syncoid:sync", "a:", ":", "org.zfsbootmenu:x"] {
            assert!(Property::parse(good).is_some(), "{good}");
        }
        for bad in ["", "frob", "userused@root", "Syncoid:sync", "a b:c", "/etc/shadow", "all", "-a:b", "feature@x"] {
            assert!(Property::parse(bad).is_none(), "{bad}");
        }
        assert!(list("name,,used").is_err());
        assert!(list("").is_err());
    }

    #[test]
    fn written_since_a_snapshot_of_another_dataset_says_so() {
        let foreign = Property::parse("written@tank/secret@a").unwrap();
        assert_eq!(foreign.dataset().map(ToString::to_string), Some("tank/secret".to_owned()));
        assert_eq!(foreign.to_string(), "written@tank/secret@a");
        assert!(Property::parse("written@a").unwrap().dataset().is_none());
        assert!(Property::parse("written@a@b@c").is_none());
    }

    #[test]
    fn a_kind_of_dataset_has_the_properties_that_zfs_gives_it() {
        let both = |name| {
            let property = Property::parse(name).unwrap();
            (property.applies_to(Kind::Filesystem), property.applies_to(Kind::Volume))
        };
        assert_eq!(both("readonly"), (true, true));
        assert_eq!(both("volmode"), (true, true));
        assert_eq!(both("zrep:sent"), (true, true));
        assert_eq!(both("canmount"), (true, false));
        assert_eq!(both("volsize"), (false, true));
        assert_eq!(both("clones"), (false, false));
        let lists = [READ_ONLY, FILESYSTEM_ALONE, VOLUME_ALONE, SNAPSHOT_ALONE];
        for name in lists.into_iter().flatten() {
            assert_eq!(Property::parse(name), Some(Property::Native(name)), "{name}");
        }
    }

    #[test]
    fn what_zfs_alone_says_can_not_be_set() {
        let settable = |name| Property::parse(name).unwrap().is_settable();
        assert!(settable("compress") && settable("encryption") && settable("a:b"));
        assert!(!settable("used") && !settable("origin") && !settable("written@a"));
        assert_eq!(Property::parse("rdonly").unwrap().right(), "readonly");
        assert_eq!(Property::parse("a:b").unwrap().right(), "userprop");
    }

    #[test]
    fn names_and_values_are_as_long_as_zfs_takes_them() {
        let name = |length: usize| format!("a:{}", "b".repeat(length - 2));
        assert!(Property::parse(&name(255)).is_some() && Property::parse(&name(256)).is_none());
        let value = |length| Setting::of(Property::parse("a:b").unwrap(), &"x".repeat(length));
        assert!(value(8191).is_some() && value(8192).is_none());
    }

    #[test]
    fn a_size_agrees_with_itself_however_it_is_written() {
        let recordsize = Property::parse("recordsize").unwrap();
        assert!(recordsize.agrees("128K", "131072") && recordsize.agrees("1MiB", "1m"));
        assert!(!recordsize.agrees("128K", "128") && !recordsize.agrees("off", "on"));
        assert!(!Property::parse("a:b").unwrap().agrees("1K", "1024"));
    }

    #[test]
    fn what_names_datasets_is_known() {
        for name in ["origin", "clones", "encryptionroot", "redact_snaps"] {
            assert!(Property::parse(name).unwrap().names_datasets(), "{name}");
        }
        assert!(Property::parse("mountpoint").unwrap().is_inherited());
        assert!(!Property::parse("guid").unwrap().is_inherited());
        assert_eq!(named_in("tank/a,tank/b@x").map(|names| names.len()), Some(2));
        assert_eq!(named_in("tank/a,?"), None);
    }
}
