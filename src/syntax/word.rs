//! Words: the three quotings and their mixtures.
#![forbid(unsafe_code)]

use super::Span;

/// A word after quote removal: UTF-8, no control character, nothing in it that a shell would expand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    text: String,
    span: Span,
}

impl Word {
    /// The text a program would get.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it stands in the request, quotes included.
    pub fn span(&self) -> Span {
        self.span
    }
}
