//! Why a stream doesn't pass.
#![forbid(unsafe_code)]

use thiserror::Error;

use super::{MAX_BLOCK, MAX_LIST, MAX_PACKAGE, MAX_STREAMS};
use crate::command::name::NameError;

/// Why a stream doesn't pass. The texts never hold what the sender wrote.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StreamError {
    /// It ended before its first record, and what belongs to it, was whole.
    #[error("the stream ended before it began")]
    Empty,
    /// Its first record took too long.
    #[error("the stream's first record was not whole in time")]
    Slow,
    /// More came than may.
    #[error("more bytes than may come")]
    TooLong,
    /// It doesn't begin as a send stream does, or something in it doesn't.
    #[error("not a send stream")]
    Magic,
    /// A begin record in the other byte order than the first.
    #[error("a stream that changes its byte order")]
    ByteOrder,
    /// Not what [`super::Walk::need`] asked for.
    #[error("not as many bytes as belong there")]
    Length,
    /// A type of record that OpenZFS 2.1 to 2.4 don't send.
    #[error("a record of a type that isn't known")]
    Record,
    /// A record that can't stand where it stands.
    #[error("a record that can't stand there")]
    Order,
    /// `drr_payloadlen` in another record than a begin record. Nobody reads it there.
    #[error("a record with a length that it can't have")]
    PayloadLength,
    /// The contents of a record are larger than a block can be.
    #[error("a record of more than {MAX_BLOCK} bytes")]
    Block,
    /// The list that follows a begin record is too long.
    #[error("a list of more than {MAX_LIST} bytes, or {MAX_PACKAGE} in a package")]
    List,
    /// Neither stream nor package.
    #[error("neither a stream nor a package of streams")]
    Header,
    /// WRITE_BYREF: gone since OpenZFS 2.0.
    #[error("a deduplicated stream (zfs send -D)")]
    Dedup,
    /// Feature flags that aren't known, or not there.
    #[error("a stream with features that aren't known")]
    Features,
    /// `drr_flags` that aren't known or contradict the rest.
    #[error("a stream with flags that aren't known")]
    Flags,
    /// Neither file system nor volume, or a package that claims to be one.
    #[error("a stream of something else than a file system or volume")]
    Kind,
    /// A guid of zero where there has to be one, or one where there can't.
    #[error("a guid that can't be")]
    Guid,
    /// A name that isn't followed by zeros to the end of its field.
    #[error("a name that isn't closed by zeros")]
    Unclosed,
    /// What was sent has a name that isn't one.
    #[error("{0}")]
    Name(#[from] NameError),
    /// `dataset@--head--`: the dataset itself was sent, not a snapshot of it.
    #[error("a stream of a live dataset, not of a snapshot")]
    Head,
    /// An end record with another guid than its begin record.
    #[error("an end that isn't the end of what began")]
    End,
    /// The receiver cuts a package's name off those of its streams without looking, so a name beside it would land
    /// beside the receiver's dataset. Also what it doesn't announce.
    #[error("a stream of a dataset that isn't in its package")]
    Outside,
    /// A snapshot twice in a package.
    #[error("a snapshot twice in one package")]
    Again,
    /// More streams in a package than are remembered.
    #[error("a package of more than {MAX_STREAMS} streams")]
    Streams,
    /// Contents straight behind a list. See [`super::Walk`].
    #[error("a record with contents where libzfs loses its place")]
    Misplaced,
    /// A package's list isn't laid out as libzfs does it.
    #[error("a package with a broken list")]
    Layout,
    /// A text that isn't UTF-8, or holds NUL.
    #[error("a package with a text that isn't UTF-8")]
    Text,
    /// A key that libzfs doesn't write, or one with a value of another type.
    #[error("a package with a key or type that isn't known")]
    Key,
    /// A key that libzfs always writes is missing.
    #[error("a package with a key missing")]
    Missing,
    /// A key or a dataset twice in a list. Which one libzfs takes depends on its hash table.
    #[error("a package with a key twice")]
    Twice,
    /// The list says another snapshot than the record.
    #[error("a package that contradicts itself")]
    Contradiction,
    /// A property that isn't known.
    #[error("a package with a property that isn't known")]
    Property,
}
