//! mbuffer(1): a buffer in memory between two pipes. What reads or writes a file, a socket or a tape, runs a program,
//! or locks memory is not in the table.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use super::number::{GIB, MIB, Size, once, within};
use crate::command::argv::{Argv, Program};
use crate::command::options::{self, Opt, Text};
use crate::command::unserved::Unserved;
use crate::command::{Error, What};
use crate::syntax::Word;

/// mbuffer with its flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mbuffer {
    switches: BTreeSet<Switch>,
    /// `-v`: 0 to 4; 5 and 6 print internals
    verbosity: Option<u32>,
    /// `-s`: bytes of a block
    block: Option<Size>,
    /// `-m`: bytes of the buffer
    memory: Option<Size>,
    /// `-r`: bytes a second read
    read_rate: Option<Size>,
    /// `-R`: bytes a second written
    write_rate: Option<Size>,
    /// `-W`: seconds without a byte after which it gives up
    watchdog: Option<u32>,
    /// `-p`, `-P`
    mark: Option<Mark>,
}

/// A filling of the buffer, in percent. mbuffer refuses to have both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// `-p`: reads again when it is filled to less
    Low(u32),
    /// `-P`: writes when it is filled to more
    High(u32),
}

/// Flags without a value, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Switch {
    /// No status on stderr.
    Quiet,
    /// No status in the log.
    NoStatusLog,
    /// Any error ends it.
    ErrorsFatal,
}

impl Switch {
    fn literal(self) -> &'static str {
        match self {
            Self::Quiet => "-q",
            Self::NoStatusLog => "-Q",
            Self::ErrorsFatal => "-e",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Flag {
    Set(Switch),
    Verbosity,
    Block,
    Memory,
    ReadRate,
    WriteRate,
    Watchdog,
    LowMark,
    HighMark,
}

const OPTIONS: [Opt<Flag>; 11] = [
    Opt::flag('q', Flag::Set(Switch::Quiet)),
    Opt::flag('Q', Flag::Set(Switch::NoStatusLog)),
    Opt::flag('e', Flag::Set(Switch::ErrorsFatal)),
    Opt::value('v', Flag::Verbosity),
    Opt::value('s', Flag::Block),
    Opt::value('m', Flag::Memory),
    Opt::value('r', Flag::ReadRate),
    Opt::value('R', Flag::WriteRate),
    Opt::value('W', Flag::Watchdog),
    Opt::value('p', Flag::LowMark),
    Opt::value('P', Flag::HighMark),
];

/// The largest block.
const MOST_BLOCK: u64 = 256 * MIB;
/// The largest buffer; a policy's cap is far below.
const MOST_MEMORY: u64 = 1024 * GIB;
/// The highest rate: none at all.
const MOST_RATE: u64 = 1024 * GIB;
/// The longest watch: a day.
const MOST_WATCH: u32 = 86_400;

impl Mbuffer {
    /// Reads mbuffer's arguments.
    pub(super) fn read(words: &[Word]) -> Result<Self, Error> {
        not_bundled(words)?;
        let found = options::read(&OPTIONS, words)?;
        if let Some(operand) = found.operands.first() {
            return Err(operand.error(What::ExtraOperand));
        }
        let mut mbuffer = Self::default();
        for option in &found.options {
            mbuffer.take(option.is, option.text)?;
        }
        Ok(mbuffer)
    }

    fn take(&mut self, flag: Flag, text: Text<'_>) -> Result<(), Error> {
        match flag {
            Flag::Set(switch) if self.switches.insert(switch) => Ok(()),
            Flag::Set(_) => Err(text.error(What::Conflict)),
            Flag::Verbosity => once(&mut self.verbosity, within(text, 0..=4)?, text),
            Flag::Block => once(&mut self.block, size(text, MOST_BLOCK)?, text),
            Flag::Memory => once(&mut self.memory, size(text, MOST_MEMORY)?, text),
            Flag::ReadRate => once(&mut self.read_rate, size(text, MOST_RATE)?, text),
            Flag::WriteRate => once(&mut self.write_rate, size(text, MOST_RATE)?, text),
            Flag::Watchdog => once(&mut self.watchdog, within(text, 1..=MOST_WATCH)?, text),
            Flag::LowMark => once(&mut self.mark, Mark::Low(within(text, 0..=99)?), text),
            Flag::HighMark => once(&mut self.mark, Mark::High(within(text, 1..=100)?), text),
        }
    }

    /// The bytes of the buffer, if they were given.
    pub(super) fn memory(&self) -> Option<u64> {
        self.memory.map(Size::bytes)
    }

    /// What it is told.
    pub(super) fn render(&self) -> Argv {
        let mut argv = Argv::new(Program::Mbuffer);
        argv.extend(self.switches.iter().map(|switch| switch.literal()));
        argv.option("-v", self.verbosity.as_ref());
        argv.option("-s", self.block.as_ref());
        argv.option("-m", self.memory.as_ref());
        argv.option("-r", self.read_rate.as_ref());
        argv.option("-R", self.write_rate.as_ref());
        argv.option("-W", self.watchdog.as_ref());
        match &self.mark {
            Some(Mark::Low(percent)) => argv.option("-p", Some(percent)),
            Some(Mark::High(percent)) => argv.option("-P", Some(percent)),
            None => {}
        }
        argv
    }
}

/// mbuffer compares flags as whole words (settings.c, parseOption): it knows neither `-qQ` nor `--`.
fn not_bundled(words: &[Word]) -> Result<(), Error> {
    let takes_value = |letter| OPTIONS.iter().any(|option| option.short == Some(letter) && option.value);
    for word in words.iter().map(Text::from) {
        // `-I` listens, `-O` connects.
        if matches!(word.text, "-I" | "-O") {
            return Err(word.error(What::Unserved(Unserved::Direct)));
        }
        let mut letters = word.text.chars();
        if letters.next() == Some('-')
            && let (Some(letter), Some(_)) = (letters.next(), letters.next())
            && !takes_value(letter)
        {
            return Err(word.error(What::Option));
        }
        if word.text == "--" {
            return Err(word.error(What::Option));
        }
    }
    Ok(())
}

/// A size, also with mbuffer's `b` for bytes, which says what no letter says.
fn size(text: Text<'_>, most: u64) -> Result<Size, Error> {
    match text.text.strip_suffix(['b', 'B']) {
        Some(bytes) if bytes.ends_with(|last: char| last.is_ascii_digit()) => {
            Size::read(Text { text: bytes, ..text }, most)
        }
        _ => Size::read(text, most),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::option::of;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::super::number::tests::sizes;
    use super::super::tests::{read, refused, rendered};
    use super::*;

    /// Any mbuffer.
    pub(in crate::command::filter) fn any() -> impl Strategy<Value = Mbuffer> {
        let switches = subsequence(vec![Switch::Quiet, Switch::NoStatusLog, Switch::ErrorsFatal], 0..=3);
        let sizes = (of(sizes(MOST_BLOCK)), of(sizes(MOST_MEMORY)), of(sizes(MOST_RATE)), of(sizes(MOST_RATE)));
        let mark = prop_oneof![(0..=99_u32).prop_map(Mark::Low), (1..=100_u32).prop_map(Mark::High)];
        let numbers = (of(0..=4_u32), of(1..=MOST_WATCH), of(mark));
        (switches, sizes, numbers).prop_map(|(switches, sizes, numbers)| Mbuffer {
            switches: switches.into_iter().collect(),
            verbosity: numbers.0,
            block: sizes.0,
            memory: sizes.1,
            read_rate: sizes.2,
            write_rate: sizes.3,
            watchdog: numbers.1,
            mark: numbers.2,
        })
    }

    #[test]
    fn what_clients_send_is_read_and_written_in_one_order() {
        for (line, argv) in [
            ("mbuffer", "mbuffer"),
            ("mbuffer -q -s 128k -m 16M", "mbuffer -q -s 128k -m 16M"),
            ("mbuffer -R 10m -q -s 128k -m 16M", "mbuffer -q -s 128k -m 16M -R 10M"),
            ("mbuffer -q -s128k -m16M -R1M", "mbuffer -q -s 128k -m 16M -R 1M"),
            ("mbuffer -s 2097152 -q -m 128M -r 10M", "mbuffer -q -s 2097152 -m 128M -r 10M"),
            ("mbuffer -q -s 256k -W 600 -m 1G", "mbuffer -q -s 256k -m 1G -W 600"),
            ("mbuffer -q -v 0 -s 128k -m 512M", "mbuffer -q -v 0 -s 128k -m 512M"),
            ("mbuffer -q -s 128K -m 256M", "mbuffer -q -s 128k -m 256M"),
            ("mbuffer -q -Q -m 1048576b -r 1048576 -R 1048576", "mbuffer -q -Q -m 1048576 -r 1048576 -R 1048576"),
            ("mbuffer -P80 -e", "mbuffer -e -P 80"),
            ("/usr/bin/mbuffer -q", "mbuffer -q"),
        ] {
            assert_eq!(rendered(line), argv, "{line}");
        }
    }

    #[test]
    fn the_memory_is_that_of_m_in_bytes() {
        assert_eq!(read("mbuffer -q -m 16M").unwrap().memory(), Some(16 << 20));
        assert_eq!(read("mbuffer -m 1048576b").unwrap().memory(), Some(1 << 20));
        assert_eq!(read("mbuffer -q").unwrap().memory(), None);
    }

    #[test]
    fn files_sockets_tapes_programs_and_locked_memory_are_no_options_here() {
        for flag in [
            "-i /etc/shadow",
            "-i -",
            "-I192.0.2.1:9000",
            "-o /tmp/x",
            "-o/root/.bashrc",
            "-o -",
            "-b 10",
            "-L",
            "-n 0",
            "-t",
            "-T /root/x",
            "-d",
            "-D 1G",
            "-l /etc/cron.d/x",
            "-u 1",
            "-A sh",
            "-a 1",
            "-f",
            "-c",
            "--append",
            "--truncate",
            "--tapeaware",
            "--tcpbuffer 1M",
            "--tcptimeo 1s",
            "--direct",
            "--no-direct",
            "-6",
            "-4",
            "-0",
            "-h",
            "--help",
            "-H",
            "--md5",
            "--hash md5",
            "--pid",
            "-V",
            "--version",
        ] {
            assert_eq!(refused(&format!("mbuffer -q {flag}")), What::Option, "{flag}");
        }
        for flag in ["-I 9092", "-O h:1"] {
            assert_eq!(refused(&format!("mbuffer -q {flag}")), What::Unserved(Unserved::Direct), "{flag}");
        }
    }

    #[test]
    fn operands_bundles_and_the_end_of_options_are_refused() {
        assert_eq!(refused("mbuffer -q /tmp/x"), What::ExtraOperand);
        assert_eq!(refused("mbuffer ''"), What::ExtraOperand);
        assert_eq!(refused("mbuffer -"), What::ExtraOperand);
        for line in ["mbuffer -qQ", "mbuffer -qs128k", "mbuffer -q --", "mbuffer -- x", "mbuffer --quiet"] {
            assert_eq!(refused(line), What::Option, "{line}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for line in [
            "mbuffer -m -1",
            "mbuffer -m 99999999999999G",
            "mbuffer -m 50%",
            "mbuffer -m 1025G",
            "mbuffer -m 0",
            "mbuffer -m 1kb",
            "mbuffer -m b",
            "mbuffer -s 257M",
            "mbuffer -v 5",
            "mbuffer -v -1",
            "mbuffer -W 0",
            "mbuffer -W 86401",
            "mbuffer -p 100",
            "mbuffer -P 0",
            "mbuffer -P 101",
            "mbuffer -r 1e9",
            "mbuffer -R inf",
        ] {
            assert_eq!(refused(line), What::Number, "{line}");
        }
        assert_eq!(refused("mbuffer -q -s 128k -m"), What::MissingValue);
        assert_eq!(refused("mbuffer -m 16M -m 1G"), What::Conflict);
        assert_eq!(refused("mbuffer -q -q"), What::Conflict);
        assert_eq!(refused("mbuffer -p 10 -P 80"), What::Conflict);
    }
}
