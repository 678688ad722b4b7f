//! What each compressor calls its flags, and how it reads them. The tables are the only knowledge of these flags: what
//! names a file, a directory, a dictionary or a suffix, what tests, lists or benchmarks, and what needs gigabytes is not
//! in them.
#![forbid(unsafe_code)]

use super::compressor::{Coder, Flag, Switch};
use crate::command::options::{self, Found, Opt, Text};
use crate::command::{Error, What};
use crate::syntax::Word;

/// How a compressor is spoken to.
pub(super) struct Dialect {
    syntax: Syntax,
    tables: &'static [&'static [Opt<Flag>]],
}

enum Syntax {
    /// getopt_long(3), or a loop that agrees with it on these flags
    Getopt,
    /// The loop of zstd(1) and lz4(1), with the highest level that a number may choose.
    Aggregated { most: u32 },
}

impl Dialect {
    /// That of a compressor.
    pub(super) fn of(coder: Coder) -> &'static Self {
        match coder {
            Coder::Lzop => &LZOP,
            Coder::Lz4 => &LZ4,
            Coder::Zstd => &ZSTD,
            Coder::Gzip => &GZIP,
            Coder::Pigz => &PIGZ,
            Coder::Xz => &XZ,
            Coder::Bzip2 => &BZIP2,
        }
    }

    /// Reads flags. An operand would be a file, also `-` for some versions of some programs.
    pub(super) fn read<'a>(&self, words: &'a [Word]) -> Result<Vec<Found<'a, Flag>>, Error> {
        let table = self.tables.concat();
        match self.syntax {
            Syntax::Aggregated { most } => aggregated(&table, Flag::Level { most }, words),
            Syntax::Getopt => {
                let found = options::read(&table, words)?;
                match found.operands.first() {
                    Some(operand) => Err(operand.error(What::ExtraOperand)),
                    None => Ok(found.options),
                }
            }
        }
    }

    /// The flags there are.
    #[cfg(test)]
    pub(super) fn flags(&self) -> impl Iterator<Item = Flag> {
        let level = match self.syntax {
            Syntax::Aggregated { most } => Some(Flag::Level { most }),
            Syntax::Getopt => None,
        };
        self.tables.iter().flat_map(|table| table.iter().map(|option| option.is)).chain(level)
    }
}

/// As zstdcli.c and lz4cli.c read theirs: a value is the digits right behind its letter, more letters may follow it,
/// bare digits are a level, long names are compared whole, and a value of theirs stands behind `=`. There is no value
/// in a word of its own: to them, the `4` of `-T 4` is a file.
fn aggregated<'a>(table: &[Opt<Flag>], level: Flag, words: &'a [Word]) -> Result<Vec<Found<'a, Flag>>, Error> {
    let mut found = Vec::new();
    for word in words.iter().map(Text::from) {
        if let Some(name) = word.text.strip_prefix("--") {
            found.push(long(table, word, name)?);
        } else if let Some(bundle) = word.text.strip_prefix('-').filter(|bundle| !bundle.is_empty()) {
            short(table, level, word, bundle, &mut found)?;
        } else {
            return Err(word.error(What::ExtraOperand));
        }
    }
    Ok(found)
}

fn long<'a>(table: &[Opt<Flag>], word: Text<'a>, name: &'a str) -> Result<Found<'a, Flag>, Error> {
    let (name, value) = match name.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (name, None),
    };
    let option = table
        .iter()
        .find(|option| option.long == Some(name) && option.value == value.is_some())
        .ok_or(word.error(What::Option))?;
    Ok(Found { is: option.is, text: Text { text: value.unwrap_or(word.text), ..word } })
}

fn short<'a>(
    table: &[Opt<Flag>],
    level: Flag,
    word: Text<'a>,
    bundle: &'a str,
    found: &mut Vec<Found<'a, Flag>>,
) -> Result<(), Error> {
    let mut rest = bundle;
    while let Some(letter) = rest.chars().next() {
        let is = if letter.is_ascii_digit() {
            level
        } else {
            rest = rest.strip_prefix(letter).unwrap_or_default();
            let option = table.iter().find(|option| option.short == Some(letter)).ok_or(word.error(What::Option))?;
            if !option.value {
                found.push(Found { is: option.is, text: word });
                continue;
            }
            option.is
        };
        let behind = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let digits = rest.strip_suffix(behind).unwrap_or_default();
        found.push(Found { is, text: Text { text: digits, ..word } });
        rest = behind;
    }
    Ok(())
}

/// What all of them call alike, and what does no harm without operands: with `-f`, some pass on what isn't compressed,
/// and `-k` is about input files.
const COMMON: [Opt<Flag>; 6] = [
    Opt::flag_long('c', "stdout", Flag::Set(Switch::Stdout)),
    Opt::flag_long('d', "decompress", Flag::Decompress),
    Opt::flag_long('f', "force", Flag::Set(Switch::Force)),
    Opt::flag_long('k', "keep", Flag::Set(Switch::Keep)),
    Opt::flag_long('q', "quiet", Flag::Set(Switch::Quiet)),
    Opt::flag_long('v', "verbose", Flag::Set(Switch::Verbose)),
];

/// Other long names for the same.
const TO_STDOUT: Opt<Flag> = Opt::long("to-stdout", Flag::Set(Switch::Stdout));
const UNCOMPRESS: Opt<Flag> = Opt::long("uncompress", Flag::Decompress);
const SILENT: Opt<Flag> = Opt::long("silent", Flag::Set(Switch::Quiet));
const COMPRESS: Opt<Flag> = Opt::flag_long('z', "compress", Flag::Compress);

/// One letter for each level, as getopt has it: `-19` is `-1 -9`.
const DIGITS: [Opt<Flag>; 9] = [
    Opt::flag_long('1', "fast", Flag::Preset(1)),
    Opt::flag('2', Flag::Preset(2)),
    Opt::flag('3', Flag::Preset(3)),
    Opt::flag('4', Flag::Preset(4)),
    Opt::flag('5', Flag::Preset(5)),
    Opt::flag('6', Flag::Preset(6)),
    Opt::flag('7', Flag::Preset(7)),
    Opt::flag('8', Flag::Preset(8)),
    Opt::flag_long('9', "best", Flag::Preset(9)),
];
const ZERO: Opt<Flag> = Opt::flag('0', Flag::Preset(0));

/// An option that takes its value behind `=` alone.
const fn assigned(name: &'static str, is: Flag) -> Opt<Flag> {
    Opt { short: None, long: Some(name), value: true, is }
}

/// lzop(1). Without `-o`, `-p`, `-N`, `-P`, `-x`, `-S`, `-U`, and the tests and lists.
static LZOP: Dialect =
    Dialect { syntax: Syntax::Getopt, tables: &[&COMMON, &DIGITS, &[TO_STDOUT, UNCOMPRESS, SILENT]] };

/// lz4(1). Without `-D`, `-m`, `-r`, `-b`, `-l`, `-t`, `--rm`, `--content-size` (which stats a file `stdin`), operands.
static LZ4: Dialect = Dialect {
    syntax: Syntax::Aggregated { most: 12 },
    tables: &[
        &COMMON,
        &[
            COMPRESS,
            TO_STDOUT,
            UNCOMPRESS,
            Opt::long("fast", Flag::Fastest),
            assigned("fast", Flag::Fast { most: 65_537 }),
            Opt::long("best", Flag::Preset(12)),
            Opt::value('B', Flag::Block),
        ],
    ],
};

/// zstd(1). Without `-o`, `-D`, `-r`, `-l`, `-t`, `-b`, `-M`, `-p`, `--ultra`, `--filelist`, `--patch-from`, `--rm`,
/// `--output-dir-*`, `--train*`, `--trace`, `--format`, `--zstd=`, `--priority=rt`, operands.
static ZSTD: Dialect = Dialect {
    syntax: Syntax::Aggregated { most: 19 },
    tables: &[
        &COMMON,
        &[
            COMPRESS,
            UNCOMPRESS,
            Opt::long("fast", Flag::Fastest),
            assigned("fast", Flag::Fast { most: 131_072 }),
            Opt::value_long('T', "threads", Flag::Threads { least: 0 }),
            Opt::long("long", Flag::Widest),
            assigned("long", Flag::Window),
            Opt::long("adapt", Flag::Set(Switch::Adapt)),
            Opt::long("rsyncable", Flag::Set(Switch::Rsyncable)),
            Opt::flag_long('C', "check", Flag::Set(Switch::Check)),
            Opt::long("no-progress", Flag::Set(Switch::NoProgress)),
        ],
    ],
};

/// gzip(1). Without `-r`, `-S`, `-N`, `-l`, `-t`, `-a`, `-b`, `--synchronous`.
static GZIP: Dialect = Dialect {
    syntax: Syntax::Getopt,
    tables: &[
        &COMMON,
        &DIGITS,
        &[
            TO_STDOUT,
            UNCOMPRESS,
            SILENT,
            Opt::flag_long('n', "no-name", Flag::Set(Switch::NoName)),
            Opt::long("rsyncable", Flag::Set(Switch::Rsyncable)),
        ],
    ],
};

/// pigz(1). Without `-11` (zopfli, and to getopt `-1 -1`), `-A`, `-C`, `-F`, `-I`, `-J`, `-K`, `-M`, `-N`, `-O`, `-S`,
/// `-Y`, `-b`, `-l`, `-r`, `-t`, `-z` (which is zlib's format here).
static PIGZ: Dialect = Dialect {
    syntax: Syntax::Getopt,
    tables: &[
        &COMMON,
        &DIGITS,
        &[
            ZERO,
            TO_STDOUT,
            UNCOMPRESS,
            SILENT,
            Opt::flag_long('n', "no-name", Flag::Set(Switch::NoName)),
            Opt::flag_long('R', "rsyncable", Flag::Set(Switch::Rsyncable)),
            Opt::flag_long('i', "independent", Flag::Set(Switch::Independent)),
            Opt::value('p', Flag::Threads { least: 1 }),
        ],
    ],
};

/// xz(1). Without `-F`, `-S`, `-C`, `-M`, `-l`, `-t`, `--files`, `--files0`, filter chains. (`--fast` is `-0` here.)
static XZ: Dialect = Dialect {
    syntax: Syntax::Getopt,
    tables: &[
        &[Opt::long("fast", Flag::Preset(0))],
        &COMMON,
        &DIGITS,
        &[
            ZERO,
            COMPRESS,
            TO_STDOUT,
            UNCOMPRESS,
            Opt::flag_long('e', "extreme", Flag::Set(Switch::Extreme)),
            Opt::value_long('T', "threads", Flag::Threads { least: 0 }),
        ],
    ],
};

/// bzip2(1). Without `-t`, operands.
static BZIP2: Dialect = Dialect {
    syntax: Syntax::Getopt,
    tables: &[&COMMON, &DIGITS, &[COMPRESS, Opt::flag_long('s', "small", Flag::Set(Switch::Small))]],
};
