//! Properties by name (zfsprops(7), zpoolprops(7)): a closed list of native ones, user properties by their rule.
#![forbid(unsafe_code)]

use super::name::Dataset;
use super::name::SnapshotName;

/// The name of a user property: `a-z 0-9 - _ . :`, with a `:`, less than 256 bytes (zfs_prop_user).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserProperty(Box<str>);

impl UserProperty {
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
    /// `written@SNAPSHOT`, `written#BOOKMARK`; with a dataset where the client wrote one.
    Written(Option<Dataset>, char, SnapshotName),
}
