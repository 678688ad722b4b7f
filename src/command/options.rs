//! Options as getopt(3) and getopt_long(3) of glibc read them, which is how zfs, zpool and the filters read theirs:
//! bundled (`-Hp`), with the value attached (`-d1`) or in the next word, between and behind operands, until `--`.
//! Long names are taken whole; getopt_long's abbreviations are refused, since they change meaning between versions.
#![forbid(unsafe_code)]

use super::{Error, What};
use crate::syntax::{Span, Word};

/// One option of a program. A table of these is the only knowledge of its options.
#[derive(Clone, Copy, Debug)]
pub struct Opt<K: 'static> {
    /// `-x`
    pub short: Option<char>,
    /// `--name`
    pub long: Option<&'static str>,
    /// Whether a value follows.
    pub value: bool,
    /// What it is.
    pub is: K,
}

impl<K> Opt<K> {
    /// A flag without a long name.
    pub const fn flag(short: char, is: K) -> Self {
        Self { short: Some(short), long: None, value: false, is }
    }

    /// A flag with a long name.
    pub const fn flag_long(short: char, long: &'static str, is: K) -> Self {
        Self { short: Some(short), long: Some(long), value: false, is }
    }

    /// An option with a value, without a long name.
    pub const fn value(short: char, is: K) -> Self {
        Self { short: Some(short), long: None, value: true, is }
    }

    /// An option with a value and a long name.
    pub const fn value_long(short: char, long: &'static str, is: K) -> Self {
        Self { short: Some(short), long: Some(long), value: true, is }
    }

    /// A flag with a long name alone.
    pub const fn long(long: &'static str, is: K) -> Self {
        Self { short: None, long: Some(long), value: false, is }
    }
}

/// A piece of a word: an operand, or an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// What a program would get.
    pub text: &'a str,
    /// The word it stands in.
    pub span: Span,
}

impl<'a> From<&'a Word> for Text<'a> {
    fn from(word: &'a Word) -> Self {
        Self { text: word.as_str(), span: word.span() }
    }
}

impl Text<'_> {
    /// An error about this text.
    pub fn error(self, what: impl Into<What>) -> Error {
        Error { what: what.into(), span: self.span }
    }

    /// A decimal number as all programs read it: digits alone, none of strtol's bases, blanks and signs.
    pub fn number<N: std::str::FromStr>(self) -> Result<N, Error> {
        let plain = self.text.bytes().all(|byte| byte.is_ascii_digit()) && !self.text.is_empty();
        let octal = self.text.len() > 1 && self.text.starts_with('0');
        if !plain || octal {
            return Err(self.error(What::Number));
        }
        self.text.parse().map_err(|_| self.error(What::Number))
    }
}

/// An option as it was found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a, K> {
    /// Which one.
    pub is: K,
    /// Its value, or the option itself where it has none.
    pub text: Text<'a>,
}

/// Options and operands, told apart.
#[derive(Debug)]
pub struct Arguments<'a, K> {
    /// In the order written.
    pub options: Vec<Found<'a, K>>,
    /// In the order written.
    pub operands: Vec<Text<'a>>,
}

/// Tells options from operands by a table.
pub fn read<'a, K: Copy>(table: &[Opt<K>], words: &'a [Word]) -> Result<Arguments<'a, K>, Error> {
    let mut found = Arguments { options: Vec::new(), operands: Vec::new() };
    let mut words = words.iter().map(Text::from);
    while let Some(word) = words.next() {
        if word.text == "--" {
            found.operands.extend(words);
            break;
        }
        if let Some(name) = word.text.strip_prefix("--") {
            found.options.push(long(table, word, name, &mut words)?);
        } else if let Some(bundle) = word.text.strip_prefix('-').filter(|bundle| !bundle.is_empty()) {
            short(table, word, bundle, &mut words, &mut found.options)?;
        } else {
            found.operands.push(word);
        }
    }
    Ok(found)
}

fn long<'a, K: Copy>(
    table: &[Opt<K>],
    word: Text<'a>,
    name: &'a str,
    words: &mut impl Iterator<Item = Text<'a>>,
) -> Result<Found<'a, K>, Error> {
    let (name, attached) = match name.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (name, None),
    };
    let option = table.iter().find(|option| option.long == Some(name)).ok_or(word.error(What::Option))?;
    let text = match (option.value, attached) {
        (false, None) => word,
        (false, Some(_)) => return Err(word.error(What::UnexpectedValue)),
        (true, Some(text)) => Text { text, ..word },
        (true, None) => words.next().ok_or(word.error(What::MissingValue))?,
    };
    Ok(Found { is: option.is, text })
}

fn short<'a, K: Copy>(
    table: &[Opt<K>],
    word: Text<'a>,
    bundle: &'a str,
    words: &mut impl Iterator<Item = Text<'a>>,
    options: &mut Vec<Found<'a, K>>,
) -> Result<(), Error> {
    let mut rest = bundle.chars();
    while let Some(letter) = rest.next() {
        let option = table.iter().find(|option| option.short == Some(letter)).ok_or(word.error(What::Option))?;
        if !option.value {
            options.push(Found { is: option.is, text: word });
            continue;
        }
        let attached = rest.as_str();
        let text = if attached.is_empty() {
            words.next().ok_or(word.error(What::MissingValue))?
        } else {
            Text { text: attached, ..word }
        };
        options.push(Found { is: option.is, text });
        break;
    }
    Ok(())
}
