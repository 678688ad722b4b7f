//! pv(1): shows how a stream gets on, on stderr. What watches other processes, writes files, drops or stops the
//! stream, or prints free text is not in the table.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use super::number::{GIB, MIB, Size, once, within};
use crate::command::argv::{Argv, Program};
use crate::command::options::{self, Opt, Text};
use crate::command::{Error, What};
use crate::syntax::Word;

/// pv with its flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pv {
    switches: BTreeSet<Switch>,
    /// `-w`: columns
    width: Option<u32>,
    /// `-H`: rows
    height: Option<u32>,
    /// `-s`: bytes expected
    size: Option<Size>,
    /// `-D`: seconds before it shows anything
    delay: Option<u32>,
    /// `-i`: seconds between updates
    interval: Option<u32>,
    /// `-L`: bytes a second
    rate_limit: Option<Size>,
    /// `-B`: bytes of its buffer
    buffer: Option<Size>,
}

/// Flags without a value, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Switch {
    Force,
    Quiet,
    Progress,
    Timer,
    Eta,
    FinEta,
    Rate,
    AverageRate,
    Bytes,
    BufferPercent,
    Numeric,
    Wait,
    NoSplice,
}

impl Switch {
    fn literal(self) -> &'static str {
        match self {
            Self::Force => "-f",
            Self::Quiet => "-q",
            Self::Progress => "-p",
            Self::Timer => "-t",
            Self::Eta => "-e",
            Self::FinEta => "-I",
            Self::Rate => "-r",
            Self::AverageRate => "-a",
            Self::Bytes => "-b",
            Self::BufferPercent => "-T",
            Self::Numeric => "-n",
            Self::Wait => "-W",
            Self::NoSplice => "-C",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Flag {
    Set(Switch),
    Width,
    Height,
    Size,
    Delay,
    Interval,
    RateLimit,
    Buffer,
}

const OPTIONS: [Opt<Flag>; 20] = [
    Opt::flag_long('f', "force", Flag::Set(Switch::Force)),
    Opt::flag_long('q', "quiet", Flag::Set(Switch::Quiet)),
    Opt::flag_long('p', "progress", Flag::Set(Switch::Progress)),
    Opt::flag_long('t', "timer", Flag::Set(Switch::Timer)),
    Opt::flag_long('e', "eta", Flag::Set(Switch::Eta)),
    Opt::flag_long('I', "fineta", Flag::Set(Switch::FinEta)),
    Opt::flag_long('r', "rate", Flag::Set(Switch::Rate)),
    Opt::flag_long('a', "average-rate", Flag::Set(Switch::AverageRate)),
    Opt::flag_long('b', "bytes", Flag::Set(Switch::Bytes)),
    Opt::flag_long('T', "buffer-percent", Flag::Set(Switch::BufferPercent)),
    Opt::flag_long('n', "numeric", Flag::Set(Switch::Numeric)),
    Opt::flag_long('W', "wait", Flag::Set(Switch::Wait)),
    Opt::flag_long('C', "no-splice", Flag::Set(Switch::NoSplice)),
    Opt::value_long('w', "width", Flag::Width),
    Opt::value_long('H', "height", Flag::Height),
    Opt::value_long('s', "size", Flag::Size),
    Opt::value_long('D', "delay-start", Flag::Delay),
    Opt::value_long('i', "interval", Flag::Interval),
    Opt::value_long('L', "rate-limit", Flag::RateLimit),
    Opt::value_long('B', "buffer-size", Flag::Buffer),
];

/// The widest and highest terminal.
const MOST_CELLS: u32 = 1000;
/// The longest wait and interval: a day.
const MOST_SECONDS: u32 = 86_400;
/// The largest stream and the highest rate: 1 EiB.
const MOST_STREAM: u64 = GIB * GIB;
/// The largest buffer.
const MOST_BUFFER: u64 = 256 * MIB;

impl Pv {
    /// One that lets no more than so many bytes a second pass.
    pub fn limiting(rate: Text<'_>) -> Result<Self, Error> {
        let mut pv = Self::default();
        pv.take(Flag::RateLimit, rate)?;
        Ok(pv)
    }

    /// Reads pv's arguments.
    pub(super) fn read(words: &[Word]) -> Result<Self, Error> {
        let found = options::read(&OPTIONS, words)?;
        if let Some(operand) = found.operands.first() {
            return Err(operand.error(What::ExtraOperand));
        }
        let mut pv = Self::default();
        for option in &found.options {
            pv.take(option.is, option.text)?;
        }
        Ok(pv)
    }

    fn take(&mut self, flag: Flag, text: Text<'_>) -> Result<(), Error> {
        match flag {
            Flag::Set(switch) if self.switches.insert(switch) => Ok(()),
            Flag::Set(_) => Err(text.error(What::Conflict)),
            Flag::Width => once(&mut self.width, within(text, 1..=MOST_CELLS)?, text),
            Flag::Height => once(&mut self.height, within(text, 1..=MOST_CELLS)?, text),
            Flag::Size => once(&mut self.size, Size::read(text, MOST_STREAM)?, text),
            Flag::Delay => once(&mut self.delay, within(text, 0..=MOST_SECONDS)?, text),
            Flag::Interval => once(&mut self.interval, within(text, 1..=MOST_SECONDS)?, text),
            Flag::RateLimit => once(&mut self.rate_limit, Size::read(text, MOST_STREAM)?, text),
            Flag::Buffer => once(&mut self.buffer, Size::read(text, MOST_BUFFER)?, text),
        }
    }

    /// What it is told.
    pub(super) fn render(&self) -> Argv {
        let mut argv = Argv::new(Program::Pv);
        argv.extend(self.switches.iter().map(|switch| switch.literal()));
        argv.option("-w", self.width.as_ref());
        argv.option("-H", self.height.as_ref());
        argv.option("-s", self.size.as_ref());
        argv.option("-D", self.delay.as_ref());
        argv.option("-i", self.interval.as_ref());
        argv.option("-L", self.rate_limit.as_ref());
        argv.option("-B", self.buffer.as_ref());
        argv
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::option::of;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::super::number::tests::sizes;
    use super::super::tests::{refused, rendered};
    use super::*;

    /// Any pv.
    pub(in crate::command::filter) fn any() -> impl Strategy<Value = Pv> {
        let switches: Vec<_> = OPTIONS
            .iter()
            .filter_map(|option| if let Flag::Set(switch) = option.is { Some(switch) } else { None })
            .collect();
        let count = switches.len();
        let numbers = (of(1..=MOST_CELLS), of(1..=MOST_CELLS), of(0..=MOST_SECONDS), of(1..=MOST_SECONDS));
        let sizes = (of(sizes(MOST_STREAM)), of(sizes(MOST_STREAM)), of(sizes(MOST_BUFFER)));
        (subsequence(switches, 0..=count), numbers, sizes).prop_map(|(switches, numbers, sizes)| Pv {
            switches: switches.into_iter().collect(),
            width: numbers.0,
            height: numbers.1,
            delay: numbers.2,
            interval: numbers.3,
            size: sizes.0,
            rate_limit: sizes.1,
            buffer: sizes.2,
        })
    }

    #[test]
    fn what_clients_send_is_read_and_written_in_one_order() {
        for (line, argv) in [
            ("pv", "pv"),
            ("pv -f -w 100 -s 3145728 -D 60 -i 60", "pv -f -w 100 -s 3145728 -D 60 -i 60"),
            ("pv -s '12345'", "pv -s 12345"),
            ("pv -peratbnW", "pv -p -t -e -r -a -b -n -W"),
            ("pv --size=3G --force -w100 -L 10m -B 1M", "pv -f -w 100 -s 3G -L 10M -B 1M"),
        ] {
            assert_eq!(rendered(line), argv, "{line}");
        }
    }

    #[test]
    fn what_touches_files_and_processes_or_the_stream_is_no_option_here() {
        for flag in [
            "-d 1",
            "-d 1:3",
            "--watchfd=1:3",
            "-P /tmp/x",
            "--pidfile /tmp/x",
            "-R 1",
            "--remote=1",
            "-U /tmp/x",
            "--store-and-forward /tmp/x",
            "-X",
            "--discard",
            "-o /tmp/x",
            "--output /tmp/x",
            "--outp /tmp/x",
            "-Y",
            "--sync",
            "-K",
            "--direct-io",
            "-S",
            "--stop-at-size",
            "-E",
            "--skip-errors",
            "-Z 1",
            "-l",
            "-0",
            "-k",
            "-8",
            "-c",
            "--cursor",
            "-N name",
            "-F %t",
            "--format=%t",
            "-x both",
            "-v",
            "-h",
            "-V",
            "--siz=1",
            "--si 1",
            "-A 10",
        ] {
            assert_eq!(refused(&format!("pv {flag}")), What::Option, "{flag}");
        }
    }

    #[test]
    fn operands_and_values_out_of_range_are_refused() {
        assert_eq!(refused("pv /etc/shadow"), What::ExtraOperand);
        assert_eq!(refused("pv -- /etc/shadow"), What::ExtraOperand);
        assert_eq!(refused("pv -f -"), What::ExtraOperand);
        assert_eq!(refused("pv ''"), What::ExtraOperand);
        for line in ["pv -B 99999999999", "pv -s @/etc/shadow", "pv -s 1.5G", "pv -i 0.1", "pv -w 0", "pv -w 1001"] {
            assert_eq!(refused(line), What::Number, "{line}");
        }
        assert_eq!(refused("pv -f --force"), What::Conflict);
        assert_eq!(refused("pv --force=1"), What::UnexpectedValue);
    }
}
