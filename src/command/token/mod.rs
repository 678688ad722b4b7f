//! Resume tokens (zfs-send(8) -t): strictly decoded, and written anew from what was decoded. A token isn't signed, so
//! its values are claims: the decision compares them with the host. Three layers, each a reader with its writer:
//! `envelope` (text to bytes), `nvlist` (bytes to pairs), and this file (pairs to the value).
#![forbid(unsafe_code)]

mod envelope;
mod nvlist;

use std::fmt;

use thiserror::Error;

use super::argv::rendered;
use super::name::{Guid, NameError, Snapshot};
use nvlist::{Pair, Value};

/// A resume token as the kernel makes it (get_receive_resume_token_impl in module/zfs/dsl_dataset.c).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The snapshot that was being sent, by its name on the sending side.
    pub to: Snapshot,
    /// Its guid.
    pub to_guid: Guid,
    /// The guid of the snapshot or bookmark that the stream starts from; none for a full stream.
    pub from_guid: Option<Guid>,
    /// The object to go on with.
    pub object: u64,
    /// The byte in it.
    pub offset: u64,
    /// Bytes received so far.
    pub bytes: u64,
    /// `largeblockok`, as -L
    pub large_blocks: bool,
    /// `embedok`, as -e
    pub embedded: bool,
    /// `compressok`, as -c
    pub compressed: bool,
    /// `rawok`, as -w
    pub raw: bool,
}

/// Why a text is not such a token. The texts never hold what the client wrote.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// More than [`Token::MAX_TEXT`] bytes.
    #[error("too long")]
    TooLong,
    /// Not `1-CHECKSUM-LENGTH-HEX` in lower case.
    #[error("not in the form 1-checksum-length-hex")]
    Form,
    /// The checksum isn't that of the compressed bytes.
    #[error("wrong checksum")]
    Checksum,
    /// The compressed bytes aren't one whole zlib stream.
    #[error("broken zlib stream")]
    Compression,
    /// Bytes after the zlib stream, which libzfs would ignore.
    #[error("bytes after the zlib stream")]
    Trailing,
    /// The length is out of range, or isn't that of the decompressed bytes.
    #[error("wrong length")]
    Length,
    /// XDR, or a list of a big-endian host. libzfs would read XDR, but no kernel makes such tokens.
    #[error("not in the native encoding of a little-endian host")]
    Encoding,
    /// The list isn't laid out as a kernel packs it.
    #[error("broken name-value list")]
    Layout,
    /// A value has a type that the kernel doesn't give it.
    #[error("value of the wrong type")]
    Type,
    /// `redact_snaps`: a redacted send.
    #[error("of a redacted send")]
    RedactSnaps,
    /// `book_redact_snaps`: a send from a redaction bookmark.
    #[error("of a send from a redaction bookmark")]
    BookRedactSnaps,
    /// `savedok`: zfs reads it, but no kernel writes it. It would send what a partial receive has left.
    #[error("of a saved send")]
    Saved,
    /// `toname` is `dataset@--head--`: the dataset itself was sent, not a snapshot of it.
    #[error("of a send without a snapshot")]
    Head,
    /// A key that no kernel writes. libzfs would ignore it.
    #[error("unknown key")]
    UnknownKey,
    /// The list ends before a key that zfs needs.
    #[error("key missing")]
    MissingKey,
    /// A key twice, left out, or not where the kernel writes it. Which of two equal keys libzfs takes depends on its
    /// hash table.
    #[error("key repeated, left out or out of order")]
    Order,
    /// No snapshot has guid 0, and libzfs takes a `fromguid` of 0 for a full send.
    #[error("guid of zero")]
    ZeroGuid,
    /// `toname` is no snapshot's name.
    #[error("{0}")]
    Name(#[from] NameError),
}

impl Token {
    /// The longest text that is looked at. A kernel's are below 1,500 bytes.
    pub const MAX_TEXT: usize = 4096;

    /// Reads a token: exactly those that a kernel writes, where libzfs takes many more
    /// (zfs_send_resume_token_to_nvlist in lib/libzfs/libzfs_sendrecv.c).
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        Self::from_packed(&envelope::open(text)?)
    }

    fn from_packed(packed: &[u8]) -> Result<Self, TokenError> {
        let pairs = nvlist::read(packed)?;
        let mut keys = Keys(&pairs);
        let token = Self {
            // The fields of this literal are evaluated as they stand here: in the kernel's order.
            from_guid: keys.number("fromguid")?.map(guid).transpose()?,
            object: keys.required("object")?,
            offset: keys.required("offset")?,
            bytes: keys.required("bytes")?,
            to_guid: guid(keys.required("toguid")?)?,
            to: keys.snapshot("toname")?,
            large_blocks: keys.flag("largeblockok")?,
            embedded: keys.flag("embedok")?,
            compressed: keys.flag("compressok")?,
            raw: keys.flag("rawok")?,
        };
        if keys.0.is_empty() { Ok(token) } else { Err(keys.unexpected()) }
    }

    fn to_packed(&self) -> Vec<u8> {
        let to = self.to.to_string();
        let number = |name, number| Some(Pair { name, value: Value::Number(number) });
        let flag = |name, set: bool| set.then_some(Pair { name, value: Value::Flag });
        let pairs = [
            self.from_guid.and_then(|Guid(guid)| number("fromguid", guid)),
            number("object", self.object),
            number("offset", self.offset),
            number("bytes", self.bytes),
            number("toguid", self.to_guid.0),
            Some(Pair { name: "toname", value: Value::Text(&to) }),
            flag("largeblockok", self.large_blocks),
            flag("embedok", self.embedded),
            flag("compressok", self.compressed),
            flag("rawok", self.raw),
        ];
        nvlist::write(pairs.iter().flatten())
    }
}

rendered!(Token);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&envelope::seal(&self.to_packed()))
    }
}

/// The pairs that are still to be read. As each key is looked for only at the front, the order is the kernel's, and no
/// key stands twice.
struct Keys<'a>(&'a [Pair<'a>]);

impl<'a> Keys<'a> {
    fn next(&mut self, name: &str) -> Option<&'a Value<'a>> {
        let (pair, rest) = self.0.split_first().filter(|(pair, _)| pair.name == name)?;
        self.0 = rest;
        Some(&pair.value)
    }

    fn number(&mut self, name: &str) -> Result<Option<u64>, TokenError> {
        match self.next(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(TokenError::Type),
        }
    }

    fn required(&mut self, name: &str) -> Result<u64, TokenError> {
        self.number(name)?.ok_or_else(|| self.unexpected())
    }

    fn snapshot(&mut self, name: &str) -> Result<Snapshot, TokenError> {
        let text = match self.next(name) {
            None => return Err(self.unexpected()),
            Some(Value::Text(text)) => text,
            Some(_) => return Err(TokenError::Type),
        };
        let snapshot = Snapshot::parse(text)?;
        if snapshot.name.as_str() == HEAD { Err(TokenError::Head) } else { Ok(snapshot) }
    }

    fn flag(&mut self, name: &str) -> Result<bool, TokenError> {
        match self.next(name) {
            None => Ok(false),
            Some(Value::Flag) => Ok(true),
            Some(_) => Err(TokenError::Type),
        }
    }

    /// What is wrong with the pair at the front, or with there being none.
    fn unexpected(&self) -> TokenError {
        match self.0.first().map(|pair| pair.name) {
            None => TokenError::MissingKey,
            Some("redact_snaps") => TokenError::RedactSnaps,
            Some("book_redact_snaps") => TokenError::BookRedactSnaps,
            Some("savedok") => TokenError::Saved,
            Some(
                "fromguid" | "object" | "offset" | "bytes" | "toguid" | "toname" | "largeblockok" | "embedok"
                | "compressok" | "rawok",
            ) => TokenError::Order,
            Some(_) => TokenError::UnknownKey,
        }
    }
}

fn guid(number: u64) -> Result<Guid, TokenError> {
    if number == 0 { Err(TokenError::ZeroGuid) } else { Ok(Guid(number)) }
}

/// What a kernel writes for the snapshot's name if there was no snapshot (module/zfs/dmu_send.c).
const HEAD: &str = "--head--";

#[cfg(test)]
mod tests;
