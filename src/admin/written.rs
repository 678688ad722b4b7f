//! Where in a policy file what `lint` speaks of is written. A second, lenient look at a text that the policy's own
//! reader has already taken: it serves for places, never for what is allowed.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

/// The file.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    grant: Vec<Spanned<Grant>>,
    #[serde(default)]
    filters: Filters,
    #[serde(default)]
    privilege: Privilege,
    #[serde(default)]
    key: Key,
    #[serde(default)]
    command: Vec<Spanned<toml::Table>>,
}

/// One `[[grant]]`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Grant {
    pub role: Option<Spanned<String>>,
    #[serde(default)]
    pub datasets: Vec<Spanned<String>>,
    #[serde(default)]
    pub except: Vec<Spanned<String>>,
    pub until: Option<Spanned<Datetime>>,
    #[serde(default)]
    pub send: Send,
    #[serde(default)]
    pub destroy: Vec<Spanned<Destroy>>,
    #[serde(default)]
    pub set: Set,
    #[serde(default)]
    pub receive: Receive,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Send {
    pub raw: Option<Spanned<String>>,
}

/// One `[[grant.destroy]]`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Destroy {
    #[serde(default)]
    pub names: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Set {
    #[serde(default)]
    pub properties: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Receive {
    pub force: Option<Spanned<String>>,
    pub rollback: Option<Spanned<String>>,
    pub mount: Option<Spanned<bool>>,
    pub require: Option<Spanned<toml::Table>>,
    pub set: Option<Spanned<toml::Table>>,
    #[serde(default)]
    pub client_may_set: Vec<Spanned<String>>,
    #[serde(default)]
    pub stream: Stream,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Stream {
    pub properties: Option<Spanned<String>>,
    pub clone: Option<Spanned<bool>>,
    pub future: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
struct Filters {
    #[serde(default)]
    allow: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
struct Privilege {
    via: Option<Spanned<String>>,
}

/// `[key]`
#[derive(Debug, Default, Deserialize)]
pub(super) struct Key {
    pub public: Option<Spanned<Vec<String>>>,
    pub expires: Option<Spanned<Datetime>>,
}

impl Written {
    /// What is written, as far as it can be read.
    pub(super) fn read(text: &str) -> Self {
        toml::from_str(text).unwrap_or_default()
    }

    /// A grant by its place in the file, and where it is.
    pub(super) fn grant(&self, index: usize) -> Option<(&Grant, Range<usize>)> {
        self.grant.get(index).map(|grant| (grant.get_ref(), grant.span()))
    }

    /// Where a `[[command]]` is, by its place in the file.
    pub(super) fn command(&self, index: usize) -> Option<Range<usize>> {
        self.command.get(index).map(Spanned::span)
    }

    /// The names in `filters.allow`.
    pub(super) fn filters(&self) -> &[Spanned<String>] {
        &self.filters.allow
    }

    /// What `[key]` has.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Where `privilege.via` is.
    pub(super) fn via(&self) -> Option<Range<usize>> {
        self.privilege.via.as_ref().map(Spanned::span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_values_and_other_keys_do_not_matter() {
        let text = "[[grant]]\nrole = 'x'\nexcept = ['a', 'b']\nother = 1\n[[grant.destroy]]\nnames = ['*']\n\
                    [privilege]\nvia = 'sudo'\n";
        let written = Written::read(text);
        let (grant, _) = written.grant(0).unwrap();
        let at = |range: Range<usize>| text.get(range).unwrap();
        assert_eq!(at(grant.except[1].span()), "'b'");
        assert_eq!(at(grant.destroy[0].get_ref().names[0].span()), "'*'");
        assert_eq!(at(written.via().unwrap()), "'sudo'");
        assert!(written.grant(1).is_none());
    }

    #[test]
    fn a_text_that_cannot_be_read_has_no_places() {
        assert!(Written::read("[[grant").grant(0).is_none());
    }
}
