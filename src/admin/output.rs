//! Standard output, written in large pieces, with colours on a terminal alone (and not with NO_COLOR). Whoever prints
//! colours doesn't ask; they are taken out here. On a terminal each line is written whole, beside the line that says how far
//! a file is read.

use std::io::{self, BufWriter, IsTerminal, LineWriter, StdoutLock, Write};

use anstream::adapter::StripBytes;
use anstream::{AutoStream, ColorChoice};

use super::progress;

/// So many bytes are written at once.
const PIECE: usize = 1 << 16;

/// Standard output. anstream's own stream would write each piece between two colours by itself, which costs a system
/// call a row.
pub(super) struct Output {
    out: Box<dyn Write>,
    strip: Option<StripBytes>,
}

impl Output {
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        let plain = AutoStream::choice(&stdout) == ColorChoice::Never;
        let out: Box<dyn Write> = match stdout.is_terminal() {
            true => Box::new(LineWriter::with_capacity(PIECE, Terminal(stdout.lock()))),
            false => Box::new(BufWriter::with_capacity(PIECE, stdout.lock())),
        };
        Self { out, strip: plain.then(StripBytes::new) }
    }
}

/// How many columns standard output has, if it is a terminal.
pub(super) fn width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into())
}

/// A terminal, on which something else may stand.
struct Terminal(StdoutLock<'static>);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        progress::aside(|| self.0.write_all(bytes).and_then(|()| self.0.flush()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.strip {
            Some(strip) => strip.strip_next(bytes).try_for_each(|plain| self.out.write_all(plain))?,
            None => self.out.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
