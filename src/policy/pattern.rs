//! Patterns of datasets and names, as fnmatch(3): `*`, `?`, `[0-9]`; anchored, never across `/`, `@`, `#`.
#![forbid(unsafe_code)]

use std::rc::Rc;

use thiserror::Error;

use super::Scope;
use crate::command::name::Dataset;

/// Why a text is not a pattern.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// Nothing in it.
    #[error("empty pattern")]
    Empty,
}

/// A pattern of full dataset names, component by component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetPattern {
    text: Box<str>,
}

impl DatasetPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Ok(Self { text: text.into() })
    }

    /// As it was written, `{client}` filled in.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names the dataset, or one above it, as far as the scope goes.
    pub fn covers(&self, _dataset: &Dataset, _scope: Scope) -> bool {
        false
    }

    /// Whether it could match a dataset that lies below this one.
    pub fn may_match_below(&self, _dataset: &Dataset) -> bool {
        true
    }

    /// Whether the dataset lies above what this names, in the part before the first component with a wildcard.
    pub fn implies(&self, _dataset: &Dataset) -> bool {
        false
    }

    /// The dataset that it names, if it has no wildcard.
    pub fn literal(&self) -> Option<Dataset> {
        None
    }
}

/// Patterns of snapshot names, bookmark names, tags or properties: one of them must match the whole.
#[derive(Clone, Debug, Default)]
pub struct Names(Rc<[Box<str>]>);

impl Names {
    /// Reads patterns.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        Ok(Self(texts.into_iter().map(Box::from).collect()))
    }

    /// Whether one of them matches the whole name.
    pub fn matches(&self, _name: &str) -> bool {
        false
    }

    /// As they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }
}
