//! Stream filters: programs that read a stream and write a stream, with the flags that touch no file, socket or
//! program. Other names of the same program (`zcat`, `zstdmt`, `unpigz`, `lz4c`) are forms of it and are rendered by
//! the program's own name, since some are shell scripts.
#![forbid(unsafe_code)]

mod compressor;
mod dialect;
mod form;
mod mbuffer;
mod number;
mod pv;

use super::Error;
use super::argv::{Argv, Program};
use crate::syntax::Word;
use form::Kind;

pub use compressor::Compressor;
pub use form::Form;
pub use mbuffer::Mbuffer;
pub use pv::Pv;

/// A stream filter with its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// mbuffer(1)
    Mbuffer(Mbuffer),
    /// pv(1)
    Pv(Pv),
    /// One of the compressors, either way.
    Compressor(Compressor),
}

impl Filter {
    /// Reads a filter's arguments.
    pub fn read(form: Form, arguments: &[Word]) -> Result<Self, Error> {
        Ok(match form.kind() {
            Kind::Mbuffer => Self::Mbuffer(Mbuffer::read(arguments)?),
            Kind::Pv => Self::Pv(Pv::read(arguments)?),
            Kind::Compressor(coder) => Self::Compressor(Compressor::read(coder, form, arguments)?),
        })
    }

    /// The program.
    pub fn program(&self) -> Program {
        match self {
            Self::Mbuffer(_) => Program::Mbuffer,
            Self::Pv(_) => Program::Pv,
            Self::Compressor(compressor) => compressor.program(),
        }
    }

    /// The memory in bytes that it was told to use (mbuffer -m), if it was told.
    pub fn memory(&self) -> Option<u64> {
        match self {
            Self::Mbuffer(mbuffer) => mbuffer.memory(),
            Self::Pv(_) | Self::Compressor(_) => None,
        }
    }

    /// What it is told.
    pub fn render(&self) -> Argv {
        match self {
            Self::Mbuffer(mbuffer) => mbuffer.render(),
            Self::Pv(pv) => pv.render(),
            Self::Compressor(compressor) => compressor.render(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::{Command, What, read as read_command};
    use crate::syntax;

    /// Reads a line of one filter.
    pub(super) fn read(line: &str) -> Result<Filter, Error> {
        let script = syntax::parse(line.as_bytes()).unwrap().unwrap();
        match read_command(&script.first.first)?.command {
            Command::Filter(filter) => Ok(filter),
            other => panic!("{line}: {other:?}"),
        }
    }

    /// Reads a line of one filter, and writes it again.
    pub(super) fn rendered(line: &str) -> String {
        line_of(&read(line).unwrap_or_else(|error| panic!("{line}: {error}")))
    }

    /// Why a line is refused.
    pub(super) fn refused(line: &str) -> What {
        read(line).expect_err(line).what
    }

    fn line_of(filter: &Filter) -> String {
        filter.render().words().collect::<Vec<_>>().join(" ")
    }

    fn any() -> impl Strategy<Value = Filter> {
        prop_oneof![
            1 => mbuffer::tests::any().prop_map(Filter::Mbuffer),
            1 => pv::tests::any().prop_map(Filter::Pv),
            4 => compressor::tests::any().prop_map(Filter::Compressor),
        ]
    }

    proptest! {
        #[test]
        fn what_is_rendered_reads_back_as_the_same(filter in any()) {
            prop_assert_eq!(read(&line_of(&filter)).unwrap(), filter);
        }

        #[test]
        fn rendered_arguments_are_flags_or_numbers_and_never_operands(filter in any()) {
            for argument in filter.render().arguments() {
                let flag = argument.starts_with('-') && argument.len() > 1;
                let number = argument.starts_with(|first: char| first.is_ascii_digit());
                prop_assert!(flag || number, "{}", argument);
                prop_assert!(argument.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-=".contains(&byte)));
            }
        }

        #[test]
        fn any_words_are_read_or_refused_and_what_is_read_is_a_fixed_point(
            name in prop::sample::select(vec!["mbuffer", "pv", "zstdmt", "lz4c", "zcat", "pigz", "xz", "bzip2", "lzop"]),
            words in prop::collection::vec("-{0,2}[a-zA-Z0-9=+]{0,6}", 0..4),
        ) {
            let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
            if let Ok(filter) = read(&format!("{name} {}", quoted.join(" "))) {
                prop_assert_eq!(read(&line_of(&filter)).unwrap(), filter);
            }
        }
    }

    #[test]
    fn a_refusal_points_at_the_word() {
        let error = read("mbuffer -q -o /tmp/x").unwrap_err();
        assert_eq!((error.span.start, error.what), (11, What::Option));
        let error = read("zstd -c /etc/shadow").unwrap_err();
        assert_eq!((error.span.start, error.what), (8, What::ExtraOperand));
    }
}
