//! Names by OpenZFS's own rules (module/zcommon/zfs_namecheck.c, the same from 2.1 to 2.4). A value of one of these
//! types is a name: it has no byte that a shell, a terminal or a log could take for something else, and none begins
//! with `-` where zfs would read an option.
#![forbid(unsafe_code)]

use std::fmt;

use thiserror::Error;

/// The longest full name in bytes (ZFS_MAX_DATASET_NAME_LEN less the NUL).
pub const MAX_NAME: usize = 255;
/// The longest pool name in bytes (pool_namecheck).
pub const MAX_POOL: usize = 239;
/// The most `/` in a name (zfs_max_dataset_nesting; at most 49 pass).
pub const MAX_NESTING: usize = 49;
/// The longest hold tag that is taken, in bytes. The kernel takes 256 and any bytes; `zfs holds` prints them raw.
pub const MAX_TAG: usize = 200;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing, or nothing between two delimiters.
    #[error("empty component or misplaced '@' or '#'")]
    EmptyComponent,
    /// A byte that OpenZFS doesn't allow there.
    #[error("invalid character in name")]
    InvalidCharacter,
    /// `/pool`: zfs would take it for a path.
    #[error("leading slash in name")]
    LeadingSlash,
    /// More than one `@` or `#`.
    #[error("multiple '@' and/or '#' delimiters in name")]
    MultipleDelimiters,
    /// No `@`, where a snapshot is needed.
    #[error("missing '@' delimiter in snapshot name")]
    MissingAt,
    /// No `#`, where a bookmark is needed.
    #[error("missing '#' delimiter in bookmark name")]
    MissingHash,
    /// A pool begins with a letter, and is not `mirror`, `raidz` or `draid`.
    #[error("invalid pool name")]
    Pool,
    /// `.` or `..` as a component.
    #[error("self or parent reference in name")]
    Reference,
    /// More than [`MAX_NAME`] bytes or [`MAX_NESTING`] slashes.
    #[error("name is too long")]
    TooLong,
    /// `@` or `#`, where a dataset is needed.
    #[error("'@' or '#' is not expected here")]
    UnexpectedDelimiter,
}

/// `A-Z a-z 0-9 - _ . :` and the blank (valid_char in zfs_namecheck.c). `%` is left out: zfs keeps it for itself.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b' ')
}

fn part(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::EmptyComponent);
    }
    if text.bytes().all(is_name_byte) { Ok(()) } else { Err(NameError::InvalidCharacter) }
}

/// One component of a dataset's name: neither empty nor `.` nor `..`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Component(Box<str>);

impl Component {
    /// Reads one component.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        component(text)?;
        if text.len() > MAX_NAME {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn component(text: &str) -> Result<(), NameError> {
    part(text)?;
    if text == "." || text == ".." { Err(NameError::Reference) } else { Ok(()) }
}

fn pool(text: &str) -> Result<(), NameError> {
    part(text)?;
    let reserved = matches!(text, "mirror" | "raidz" | "draid");
    if reserved || text.len() > MAX_POOL || !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(NameError::Pool);
    }
    Ok(())
}

/// The name of a pool (pool_namecheck).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pool(Box<str>);

impl Pool {
    /// Reads a pool's name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        pool(text)?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pool's root dataset, which has the same name.
    pub fn root(&self) -> Dataset {
        Dataset(self.0.clone())
    }
}

/// The full name of a file system or volume: `pool/a/b`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dataset(Box<str>);

impl Dataset {
    /// Reads a dataset's name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.starts_with('/') {
            return Err(NameError::LeadingSlash);
        }
        if text.contains(['@', '#']) {
            return Err(NameError::UnexpectedDelimiter);
        }
        let mut components = text.split('/');
        components.next().map_or(Err(NameError::EmptyComponent), pool)?;
        let mut nesting = 0;
        for name in components {
            component(name)?;
            nesting += 1;
        }
        if text.len() > MAX_NAME || nesting > MAX_NESTING {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components from the pool down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The datasets that it lies in, the nearest first.
    pub fn above(&self) -> impl Iterator<Item = Dataset> {
        self.0.rmatch_indices('/').filter_map(|(place, _)| Some(Dataset(self.0.get(..place)?.into())))
    }

    /// The pool it is in.
    pub fn pool(&self) -> Pool {
        Pool(self.components().next().unwrap_or_default().into())
    }

    /// How many components there are.
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// Whether it is `other` or lies below it.
    pub fn is_within(&self, other: &Dataset) -> bool {
        self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The snapshot of it with this name.
    pub fn snapshot(&self, name: &SnapshotName) -> Snapshot {
        Snapshot { dataset: self.clone(), name: name.clone() }
    }
}

/// What stands behind the `@` of a snapshot or the `#` of a bookmark.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotName(Box<str>);

impl SnapshotName {
    /// Reads the part behind `@` or `#`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.contains(['@', '#']) {
            return Err(NameError::MultipleDelimiters);
        }
        part(text)?;
        if text.len() > MAX_NAME {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `dataset@name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Snapshot {
    /// The file system or volume.
    pub dataset: Dataset,
    /// What stands behind the `@`.
    pub name: SnapshotName,
}

impl Snapshot {
    /// Reads a full snapshot name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (dataset, name) = text.split_once('@').ok_or(NameError::MissingAt)?;
        delimited(text, dataset, name).map(|(dataset, name)| Self { dataset, name })
    }
}

/// `dataset#name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bookmark {
    /// The file system or volume.
    pub dataset: Dataset,
    /// What stands behind the `#`.
    pub name: SnapshotName,
}

impl Bookmark {
    /// Reads a full bookmark name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (dataset, name) = text.split_once('#').ok_or(NameError::MissingHash)?;
        delimited(text, dataset, name).map(|(dataset, name)| Self { dataset, name })
    }
}

fn delimited(whole: &str, dataset: &str, name: &str) -> Result<(Dataset, SnapshotName), NameError> {
    if whole.len() > MAX_NAME {
        return Err(NameError::TooLong);
    }
    Ok((Dataset::parse(dataset)?, SnapshotName::parse(name)?))
}

/// Anything that list and get take as an operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Named {
    /// A file system or volume.
    Dataset(Dataset),
    /// A snapshot.
    Snapshot(Snapshot),
    /// A bookmark.
    Bookmark(Bookmark),
}

impl Named {
    /// Reads a dataset, a snapshot or a bookmark, by the delimiter in it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.contains('@') {
            Snapshot::parse(text).map(Self::Snapshot)
        } else if text.contains('#') {
            Bookmark::parse(text).map(Self::Bookmark)
        } else {
            Dataset::parse(text).map(Self::Dataset)
        }
    }

    /// The file system or volume that it is or belongs to.
    pub fn dataset(&self) -> &Dataset {
        match self {
            Self::Dataset(dataset) => dataset,
            Self::Snapshot(snapshot) => &snapshot.dataset,
            Self::Bookmark(bookmark) => &bookmark.dataset,
        }
    }
}

/// A hold's tag, held to the characters of names, though the kernel takes any (dsl_userhold.c).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<str>);

impl Tag {
    /// Reads a tag: at most [`MAX_TAG`] bytes, not beginning with `-` or `.` (zfs keeps `.` for itself).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        part(text)?;
        if text.starts_with(['-', '.']) {
            return Err(NameError::InvalidCharacter);
        }
        if text.len() > MAX_TAG {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What identifies a snapshot or bookmark for ever, on every host: 64 random bits (zfsprops(7), `guid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub u64);

macro_rules! display_text {
    ($($name:ident),*) => { $(impl fmt::Display for $name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
    })* };
}
display_text!(Component, Dataset, Pool, SnapshotName, Tag);

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.dataset, self.name)
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.dataset, self.name)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dataset(dataset) => dataset.fmt(f),
            Self::Snapshot(snapshot) => snapshot.fmt(f),
            Self::Bookmark(bookmark) => bookmark.fmt(f),
        }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_no_longer_than_a_name() {
        assert!(Component::parse(&"a".repeat(MAX_NAME)).is_ok());
        assert_eq!(Component::parse(&"a".repeat(MAX_NAME + 1)), Err(NameError::TooLong));
    }

    #[test]
    fn a_dataset_is_what_openzfs_takes_for_one() {
        for good in ["tank", "tank/a", "tank/my docs:2026", "tank/-x", "tank/.a", "tank/a..b", "T0_-.: /1"] {
            assert!(Dataset::parse(good).is_ok(), "{good}");
        }
        let cases = [
            ("", NameError::EmptyComponent),
            ("/tank", NameError::LeadingSlash),
            ("tank/", NameError::EmptyComponent),
            ("tank//a", NameError::EmptyComponent),
            ("tank/.", NameError::Reference),
            ("tank/../x", NameError::Reference),
            ("1tank", NameError::Pool),
            ("-r", NameError::Pool),
            ("mirror/x", NameError::Pool),
            ("tank/a%b", NameError::InvalidCharacter),
            ("tank/%recv", NameError::InvalidCharacter),
            ("tank/$MOS", NameError::InvalidCharacter),
            ("tank/a,b", NameError::InvalidCharacter),
            ("tank/a\nb", NameError::InvalidCharacter),
            ("tank/ü", NameError::InvalidCharacter),
            ("tank@a", NameError::UnexpectedDelimiter),
        ];
        for (bad, why) in cases {
            assert_eq!(Dataset::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn length_and_nesting_have_openzfs_limits() {
        let longest = format!("tank/{}", "a".repeat(250));
        assert!(Dataset::parse(&longest).is_ok());
        assert_eq!(Dataset::parse(&format!("{longest}a")), Err(NameError::TooLong));
        assert_eq!(Snapshot::parse(&format!("{longest}@a")), Err(NameError::TooLong));
        assert!(Dataset::parse(&format!("t{}", "/a".repeat(49))).is_ok());
        assert_eq!(Dataset::parse(&format!("t{}", "/a".repeat(50))), Err(NameError::TooLong));
        assert!(Pool::parse(&"p".repeat(239)).is_ok());
        assert_eq!(Pool::parse(&"p".repeat(240)), Err(NameError::Pool));
    }

    #[test]
    fn snapshots_and_bookmarks_have_one_delimiter() {
        assert_eq!(Snapshot::parse("tank@a@b"), Err(NameError::MultipleDelimiters));
        assert_eq!(Snapshot::parse("tank@a#b"), Err(NameError::MultipleDelimiters));
        assert_eq!(Snapshot::parse("tank#a@b"), Err(NameError::UnexpectedDelimiter));
        assert_eq!(Snapshot::parse("tank@"), Err(NameError::EmptyComponent));
        assert_eq!(Snapshot::parse("@a"), Err(NameError::EmptyComponent));
        assert_eq!(Snapshot::parse("tank@a/b"), Err(NameError::InvalidCharacter));
        assert_eq!(Snapshot::parse("tank@%"), Err(NameError::InvalidCharacter));
        assert_eq!(Bookmark::parse("tank@a"), Err(NameError::MissingHash));
        assert_eq!(Named::parse("tank/a#b").map(|name| name.to_string()), Ok("tank/a#b".to_owned()));
    }

    #[test]
    fn within_counts_components_not_bytes() {
        let parse = |text| Dataset::parse(text).unwrap();
        assert!(parse("tank/data").is_within(&parse("tank/data")));
        assert!(parse("tank/data/x").is_within(&parse("tank/data")));
        assert!(!parse("tank/database").is_within(&parse("tank/data")));
        assert!(!parse("tank").is_within(&parse("tank/data")));
    }

    #[test]
    fn tags_are_names_that_no_option_or_log_can_be_made_of() {
        assert!(Tag::parse("zfs_autobackup:offsite1").is_ok());
        for bad in ["", "-r", ".send-1", "a\nb", "a/b", "a,b", "a$b"] {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Tag::parse(&"a".repeat(201)), Err(NameError::TooLong));
    }
}
