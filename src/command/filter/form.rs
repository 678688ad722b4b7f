//! The names under which filters are called. `zcat`, `zstdmt`, `unpigz` and their like are another program's name with
//! flags that the name stands for; they are written by the program's own name, since some are shell scripts (zcat of
//! Debian) and some say other things elsewhere (zcat of BSD).
#![forbid(unsafe_code)]

use super::compressor::{Coder, Direction, Switch};
use crate::command::argv::Program;

/// A name under which a filter is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form(&'static Row);

/// One name.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: &'static str,
    kind: Kind,
    direction: Direction,
    switches: &'static [Switch],
    threads: Option<u32>,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Mbuffer,
    Pv,
    Compressor(Coder),
}

impl Form {
    /// The form that a program name stands for.
    pub fn named(name: &str) -> Option<Self> {
        FORMS.iter().find(|row| row.name == name).map(Self)
    }

    /// The name itself.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The program behind it.
    pub fn program(self) -> Program {
        match self.0.kind {
            Kind::Mbuffer => Program::Mbuffer,
            Kind::Pv => Program::Pv,
            Kind::Compressor(coder) => coder.program(),
        }
    }

    /// What is called.
    pub(super) fn kind(self) -> Kind {
        self.0.kind
    }

    /// The way it goes unless told.
    pub(super) fn direction(self) -> Direction {
        self.0.direction
    }

    /// The flags it stands for.
    pub(super) fn switches(self) -> impl Iterator<Item = Switch> {
        self.0.switches.iter().copied()
    }

    /// The threads it has unless told.
    pub(super) fn threads(self) -> Option<u32> {
        self.0.threads
    }
}

const fn own(name: &'static str, kind: Kind) -> Row {
    Row { name, kind, direction: Direction::Compress, switches: &[], threads: None }
}

const fn compressor(name: &'static str, coder: Coder) -> Row {
    own(name, Kind::Compressor(coder))
}

const fn decompressor(name: &'static str, coder: Coder, switches: &'static [Switch]) -> Row {
    Row { name, kind: Kind::Compressor(coder), direction: Direction::Decompress, switches, threads: None }
}

/// Not here: pzstd and plzip, which are other programs, and lzma, unlzma and lzcat, which are another format. xzdec reads what
/// xz writes and has nothing of its own.
static FORMS: [Row; 25] = [
    own("mbuffer", Kind::Mbuffer),
    own("pv", Kind::Pv),
    compressor("lzop", Coder::Lzop),
    decompressor("unlzop", Coder::Lzop, &[]),
    compressor("lz4", Coder::Lz4),
    compressor("lz4c", Coder::Lz4),
    decompressor("lz4cat", Coder::Lz4, &[Switch::Stdout, Switch::Force]),
    decompressor("unlz4", Coder::Lz4, &[]),
    compressor("zstd", Coder::Zstd),
    Row { threads: Some(0), ..compressor("zstdmt", Coder::Zstd) },
    decompressor("zstdcat", Coder::Zstd, &[Switch::Stdout, Switch::Force]),
    decompressor("unzstd", Coder::Zstd, &[]),
    compressor("gzip", Coder::Gzip),
    decompressor("gunzip", Coder::Gzip, &[]),
    decompressor("zcat", Coder::Gzip, &[Switch::Stdout]),
    decompressor("gzcat", Coder::Gzip, &[Switch::Stdout]),
    compressor("pigz", Coder::Pigz),
    decompressor("unpigz", Coder::Pigz, &[]),
    compressor("xz", Coder::Xz),
    decompressor("unxz", Coder::Xz, &[]),
    decompressor("xzcat", Coder::Xz, &[Switch::Stdout]),
    decompressor("xzdec", Coder::Xz, &[]),
    compressor("bzip2", Coder::Bzip2),
    decompressor("bunzip2", Coder::Bzip2, &[]),
    decompressor("bzcat", Coder::Bzip2, &[Switch::Stdout]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_program_has_a_form_of_its_own_name() {
        for program in Program::ALL {
            let filter = !matches!(program, Program::Zfs | Program::Zpool | Program::Sudo | Program::Doas);
            let form = Form::named(program.name());
            assert_eq!(form.map(Form::program), filter.then_some(program), "{}", program.name());
        }
    }

    #[test]
    fn other_names_know_their_program() {
        for (name, program) in [("zcat", Program::Gzip), ("zstdmt", Program::Zstd), ("lz4c", Program::Lz4)] {
            let form = Form::named(name).unwrap();
            assert_eq!((form.name(), form.program()), (name, program));
        }
    }

    #[test]
    fn other_programs_and_other_formats_are_no_forms() {
        for name in ["pzstd", "plzip", "lzma", "lzcat", "uncompress", "cat", "sh", "", "/usr/bin/zcat", "ZSTD"] {
            assert_eq!(Form::named(name), None, "{name}");
        }
    }
}
