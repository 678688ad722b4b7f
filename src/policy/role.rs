//! What a role stands for.
#![forbid(unsafe_code)]

/// A role: shorthand for tables with safe values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Another host may pull from here.
    PullSource,
}
