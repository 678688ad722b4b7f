//! lzop(1), lz4(1), zstd(1), gzip(1), pigz(1), xz(1), bzip2(1) as filters: from stdin to stdout, no operand, no file.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use super::dialect::Dialect;
use super::form::Form;
use super::number::{Attached, once, within};
use crate::command::argv::{Argv, Program};
use crate::command::options::Text;
use crate::command::{Error, What};
use crate::syntax::Word;

/// A compressor with its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compressor {
    coder: Coder,
    direction: Direction,
    level: Option<Level>,
    /// 0 leaves the number to the program.
    threads: Option<u32>,
    /// `--long` of zstd: the binary logarithm of the window's bytes
    window: Option<u32>,
    /// `-B` of lz4: the block's size by number
    block: Option<u32>,
    switches: BTreeSet<Switch>,
}

/// Which compressor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coder {
    Lzop,
    Lz4,
    Zstd,
    Gzip,
    Pigz,
    Xz,
    Bzip2,
}

impl Coder {
    /// Its program.
    pub(super) fn program(self) -> Program {
        match self {
            Self::Lzop => Program::Lzop,
            Self::Lz4 => Program::Lz4,
            Self::Zstd => Program::Zstd,
            Self::Gzip => Program::Gzip,
            Self::Pigz => Program::Pigz,
            Self::Xz => Program::Xz,
            Self::Bzip2 => Program::Bzip2,
        }
    }
}

/// Which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    #[default]
    Compress,
    Decompress,
}

/// How hard it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// `-19`
    Preset(u32),
    /// `--fast=3` of zstd and lz4
    Fast(u32),
}

/// Flags without a value, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Switch {
    Stdout,
    Force,
    Keep,
    Quiet,
    Verbose,
    NoName,
    Extreme,
    Small,
    Independent,
    Adapt,
    Rsyncable,
    Check,
    NoProgress,
}

impl Switch {
    /// As every program writes it that has it.
    fn literal(self) -> &'static str {
        match self {
            Self::Stdout => "-c",
            Self::Force => "-f",
            Self::Keep => "-k",
            Self::Quiet => "-q",
            Self::Verbose => "-v",
            Self::NoName => "-n",
            Self::Extreme => "-e",
            Self::Small => "-s",
            Self::Independent => "-i",
            Self::Adapt => "--adapt",
            Self::Rsyncable => "--rsyncable",
            Self::Check => "--check",
            Self::NoProgress => "--no-progress",
        }
    }
}

/// What a flag says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flag {
    Compress,
    Decompress,
    /// A level by a name of its own.
    Preset(u32),
    /// A level as a number.
    Level {
        most: u32,
    },
    /// `--fast=N`
    Fast {
        most: u32,
    },
    /// `--fast`, which is `--fast=1`
    Fastest,
    /// How many; pigz knows no 0.
    Threads {
        least: u32,
    },
    /// `--long=N`
    Window,
    /// `--long`, which is the widest window that every zstd decompresses unasked
    Widest,
    Block,
    Set(Switch),
}

/// The binary logarithm of the widest window (128 MiB): a wider one needs `--long` or `--memory` on the other side too.
const WIDEST: u32 = 27;
/// Most threads, whatever the machine has. Each costs address space, which is limited for a filter, and pigz 2.6 hangs
/// where it gets no more of it (tried: 48 threads in 1.25 GiB).
const MOST_THREADS: u32 = 32;

impl Compressor {
    /// Reads a compressor's arguments.
    pub(super) fn read(coder: Coder, form: Form, words: &[Word]) -> Result<Self, Error> {
        if form.name() == "lz4c" {
            no_legacy(words)?;
        }
        let mut reading = Reading::default();
        for option in Dialect::of(coder).read(words)? {
            reading.take(option.is, option.text)?;
        }
        let mut switches = reading.switches;
        switches.extend(form.switches());
        Ok(Self {
            coder,
            direction: reading.direction.unwrap_or(form.direction()),
            level: reading.level,
            threads: reading.threads.or(form.threads()),
            window: reading.window,
            block: reading.block,
            switches,
        })
    }

    /// The program.
    pub(super) fn program(&self) -> Program {
        self.coder.program()
    }

    /// What it is told.
    pub(super) fn render(&self) -> Argv {
        let mut argv = Argv::new(self.program());
        argv.flag(self.direction == Direction::Decompress, "-d");
        argv.extend(self.level.map(Level::attached).as_ref());
        let letter = if self.coder == Coder::Pigz { "-p" } else { "-T" };
        argv.extend(self.threads.map(|threads| Attached(letter, threads)).as_ref());
        argv.extend(self.window.map(|window| Attached("--long=", window)).as_ref());
        argv.extend(self.block.map(|block| Attached("-B", block)).as_ref());
        argv.extend(self.switches.iter().map(|switch| switch.literal()));
        argv
    }
}

/// Called as lz4c, lz4 reads the rest of a bundle `c0`, `c1` or `c2` as a level by an older numbering (lz4cli.c).
fn no_legacy(words: &[Word]) -> Result<(), Error> {
    match words.iter().map(Text::from).find(|word| ["c0", "c1", "c2"].iter().any(|level| word.text.ends_with(level))) {
        Some(word) => Err(word.error(What::Option)),
        None => Ok(()),
    }
}

impl Level {
    fn attached(self) -> Attached {
        match self {
            Self::Preset(level) => Attached("-", level),
            Self::Fast(factor) => Attached("--fast=", factor),
        }
    }
}

/// What was said so far.
#[derive(Default)]
struct Reading {
    direction: Option<Direction>,
    level: Option<Level>,
    threads: Option<u32>,
    window: Option<u32>,
    block: Option<u32>,
    switches: BTreeSet<Switch>,
}

impl Reading {
    fn take(&mut self, flag: Flag, text: Text<'_>) -> Result<(), Error> {
        match flag {
            Flag::Compress => once(&mut self.direction, Direction::Compress, text),
            Flag::Decompress => once(&mut self.direction, Direction::Decompress, text),
            Flag::Preset(level) => once(&mut self.level, Level::Preset(level), text),
            Flag::Level { most } => once(&mut self.level, Level::Preset(within(text, 1..=most)?), text),
            Flag::Fast { most } => once(&mut self.level, Level::Fast(within(text, 1..=most)?), text),
            Flag::Fastest => once(&mut self.level, Level::Fast(1), text),
            Flag::Threads { least } => once(&mut self.threads, within(text, least..=MOST_THREADS)?, text),
            Flag::Window => once(&mut self.window, within(text, 10..=WIDEST)?, text),
            Flag::Widest => once(&mut self.window, WIDEST, text),
            Flag::Block => once(&mut self.block, within(text, 4..=7)?, text),
            Flag::Set(switch) if self.switches.insert(switch) => Ok(()),
            Flag::Set(_) => Err(text.error(What::Conflict)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::option::of;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};
    use proptest::strategy::Union;

    use super::super::tests::{refused, rendered};
    use super::*;

    /// Any compressor with any of the flags that it has.
    pub(in crate::command::filter) fn any() -> impl Strategy<Value = Compressor> {
        let all = vec![Coder::Lzop, Coder::Lz4, Coder::Zstd, Coder::Gzip, Coder::Pigz, Coder::Xz, Coder::Bzip2];
        select(all).prop_flat_map(with_flags)
    }

    fn with_flags(coder: Coder) -> impl Strategy<Value = Compressor> {
        let mut levels = vec![Just(None).boxed()];
        let [mut threads, mut window, mut block] = [(); 3].map(|()| Just(None).boxed());
        let mut switches = BTreeSet::new();
        for flag in Dialect::of(coder).flags() {
            match flag {
                Flag::Compress | Flag::Decompress | Flag::Fastest | Flag::Widest => {}
                Flag::Preset(level) => levels.push(Just(Some(Level::Preset(level))).boxed()),
                Flag::Level { most } => levels.push(of((1..=most).prop_map(Level::Preset)).boxed()),
                Flag::Fast { most } => levels.push(of((1..=most).prop_map(Level::Fast)).boxed()),
                Flag::Threads { least } => threads = of(least..=MOST_THREADS).boxed(),
                Flag::Window => window = of(10..=WIDEST).boxed(),
                Flag::Block => block = of(4..=7_u32).boxed(),
                Flag::Set(switch) => _ = switches.insert(switch),
            }
        }
        let direction = prop_oneof![Just(Direction::Compress), Just(Direction::Decompress)];
        let (switches, count) = (switches.iter().copied().collect::<Vec<_>>(), switches.len());
        (direction, Union::new(levels), threads, window, block, subsequence(switches, 0..=count)).prop_map(
            move |(direction, level, threads, window, block, switches)| Compressor {
                coder,
                direction,
                level,
                threads,
                window,
                block,
                switches: switches.into_iter().collect(),
            },
        )
    }

    #[test]
    fn what_clients_send_is_read_and_written_in_one_order() {
        for (line, argv) in [
            ("lzop", "lzop"),
            ("/usr/bin/lzop -dfc", "lzop -d -c -f"),
            ("gzip -3", "gzip -3"),
            ("gzip -cd", "gzip -d -c"),
            ("gzip -9c", "gzip -9 -c"),
            ("gzip --best --no-name --rsyncable", "gzip -9 -n --rsyncable"),
            ("pigz -9", "pigz -9"),
            ("pigz -dc", "pigz -d -c"),
            ("pigz -p4 -R -i -0", "pigz -0 -p4 -i --rsyncable"),
            ("pigz -p 4 --fast", "pigz -1 -p4"),
            ("zstd -3", "zstd -3"),
            ("zstd '-19'", "zstd -19"),
            ("zstd -c -1", "zstd -1 -c"),
            ("zstd -dc", "zstd -d -c"),
            ("zstd -19T0c", "zstd -19 -T0 -c"),
            ("zstd --long --fast -T4 --adapt --rsyncable -q", "zstd --fast=1 -T4 --long=27 -q --adapt --rsyncable"),
            ("zstd --long=24 --fast=7 --threads=2 --check", "zstd --fast=7 -T2 --long=24 --check"),
            ("lz4", "lz4"),
            ("lz4 -dc", "lz4 -d -c"),
            ("lz4 -c -1", "lz4 -1 -c"),
            ("lz4 -12cB7", "lz4 -12 -B7 -c"),
            ("lz4 -z --best", "lz4 -12"),
            ("xz", "xz"),
            ("xz -d", "xz -d"),
            ("xz -6e -T 0", "xz -6 -T0 -e"),
            ("xz --threads=2 --fast --stdout", "xz -0 -T2 -c"),
            ("bzip2 -dfc", "bzip2 -d -c -f"),
            ("bzip2 -9 --small", "bzip2 -9 -s"),
        ] {
            assert_eq!(rendered(line), argv, "{line}");
        }
    }

    #[test]
    fn other_names_are_the_program_with_the_flags_they_stand_for() {
        for (line, argv) in [
            ("zcat", "gzip -d -c"),
            ("gzcat -f", "gzip -d -c -f"),
            ("gunzip -c", "gzip -d -c"),
            ("unpigz", "pigz -d"),
            ("unxz -T2", "xz -d -T2"),
            ("xzcat", "xz -d -c"),
            ("xzdec", "xz -d"),
            ("bunzip2 -s", "bzip2 -d -s"),
            ("bzcat -c", "bzip2 -d -c"),
            ("unzstd", "zstd -d"),
            ("zstdcat", "zstd -d -c -f"),
            ("zstdmt -3", "zstd -3 -T0"),
            ("zstdmt --adapt", "zstd -T0 --adapt"),
            ("zstdmt -dc", "zstd -d -T0 -c"),
            ("zstdmt -T4", "zstd -T4"),
            ("lz4c", "lz4"),
            ("lz4c -d", "lz4 -d"),
            ("lz4cat", "lz4 -d -c -f"),
            ("unlz4", "lz4 -d"),
            ("unlzop", "lzop -d"),
            ("unxz -z", "xz"),
        ] {
            assert_eq!(rendered(line), argv, "{line}");
        }
    }

    #[test]
    fn files_folders_lists_dictionaries_and_tests_are_no_options_here() {
        for line in [
            "zstd -rc",
            "zstd --filelist=/etc/shadow",
            "zstd -D",
            "zstd -D/etc/shadow",
            "zstd --patch-from=/etc/shadow",
            "zstd --ultra -22",
            "zstd -M4294967295",
            "zstd --memory=1",
            "zstd -o/tmp/x",
            "zstd --output-dir-flat=/tmp",
            "zstd --rm",
            "zstd --train",
            "zstd --trace=/tmp/x",
            "zstd --format=gzip",
            "zstd -b",
            "zstd -p",
            "zstd -t",
            "zstd -l",
            "zstd --zstd=wlog=31",
            "zstd --adapt=min=1",
            "zstd --threads",
            "zstd --auto-threads=logical",
            "zstd --priority=rt",
            "zstd -B1",
            "zstd -3K",
            "zstd --std",
            "zstd --stdout=x",
            "zstd --",
            "zstd -V",
            "xz --files0",
            "xz --files=/etc/shadow",
            "xz -S.x",
            "xz --suffix=.x",
            "xz --format=raw",
            "xz -l",
            "xz -t",
            "xz -M1G",
            "xz --memlimit=1G",
            "xz --block-size=1G",
            "xz --lzma2=dict=1536MiB",
            "xz --decomp",
            "gzip -S.x",
            "gzip -cS.x",
            "gzip --recurs",
            "gzip -r",
            "gzip -N",
            "gzip -l",
            "gzip -t",
            "gzip -0",
            "gzip -V",
            "pigz -dN",
            "pigz -K",
            "pigz -z",
            "pigz -A",
            "pigz -b",
            "pigz -t",
            "pigz -r",
            "pigz --processes",
            "pigz -M",
            "lzop -o/tmp/x",
            "lzop -p/etc",
            "lzop -x",
            "lzop -dNP",
            "lzop -U",
            "lzop -S.x",
            "lzop --delete",
            "lzop -t",
            "lzop --filter=1",
            "lzop -0",
            "lz4 -r",
            "lz4 -D",
            "lz4 --rm",
            "lz4 -b9",
            "lz4 -m",
            "lz4 -l",
            "lz4 -t",
            "lz4 --list",
            "lz4 --content-size",
            "lz4 -hc",
            "lz4 -i1",
            "lz4 -p",
            "lz4 -BD",
            "lz4 --",
            "bzip2 -t",
            "bzip2 --repetitive-best",
            "bzip2 -V",
            "bzip2 -0",
        ] {
            assert_eq!(refused(line), What::Option, "{line}");
        }
    }

    #[test]
    fn operands_are_refused_wherever_they_stand() {
        for line in [
            "zstd -c /etc/shadow",
            "zstd -T 4",
            "zstd -",
            "zstd ''",
            "zcat /etc/shadow",
            "gzip -c /etc/shadow",
            "gzip -- /etc/passwd",
            "gzip -",
            "pigz -c - /etc/shadow",
            "lzop ''",
            "lzop -d x",
            "lz4 - /tmp/x",
            "lz4 -c /etc/shadow",
            "lz4 stdin /tmp/x",
            "lz4 -B 4",
            "xz x",
            "bzip2 x",
            "bzcat -",
            "xz -T0 0",
        ] {
            assert_eq!(refused(line), What::ExtraOperand, "{line}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for line in [
            "zstd -0",
            "zstd -20",
            "zstd -19999999999",
            "zstd -T33",
            "zstd -T",
            "zstd --fast=0",
            "zstd --fast=131073",
            "zstd --long=28",
            "zstd --long=31",
            "zstd --long=9",
            "zstd --long=",
            "lz4 -0",
            "lz4 -13",
            "lz4 -B3",
            "lz4 -B8",
            "lz4 -B",
            "lz4 --fast=0",
            "xz -T33",
            "xz -T+1",
            "xz -T -1",
            "pigz -p0",
            "pigz -p 33",
            "pigz -p -4",
            "zstd -03",
        ] {
            assert_eq!(refused(line), What::Number, "{line}");
        }
    }

    #[test]
    fn one_thing_said_twice_is_refused() {
        for line in [
            "gzip -19",
            "pigz -11",
            "xz -9 -6",
            "zstd -3 --fast",
            "zstd -1 -2",
            "zstd -T1 -T2",
            "lz4 -d -z",
            "gzip -dd",
            "bzip2 -19",
            "gzip -c --stdout",
            "zstd -qq",
            "lzop -11",
        ] {
            assert_eq!(refused(line), What::Conflict, "{line}");
        }
        assert_eq!(refused("xz -T"), What::MissingValue);
        assert_eq!(refused("pigz -p"), What::MissingValue);
    }

    #[test]
    fn what_lz4c_reads_as_a_level_of_its_own_is_refused() {
        for line in ["lz4c -c1", "lz4c -dc0", "lz4c -c2", "lz4c -hc", "lz4c -y"] {
            assert_eq!(refused(line), What::Option, "{line}");
        }
        assert_eq!(rendered("lz4 -c1"), "lz4 -1 -c");
        assert_eq!(rendered("lz4c -c12"), "lz4 -12 -c");
    }
}
