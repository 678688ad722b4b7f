//! Standard output, written in large pieces, with colours on a terminal alone (and not with NO_COLOR). Whoever prints
//! colours doesn't ask; they are taken out here.

use std::io::{self, BufWriter, StdoutLock, Write};

use anstream::adapter::StripBytes;
use anstream::{AutoStream, ColorChoice};

/// So many bytes are written at once.
const PIECE: usize = 1 << 16;

/// Standard output. anstream's own stream would write each piece between two colours by itself, which costs a system
/// call a row.
pub(super) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    strip: Option<StripBytes>,
}

impl Output {
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        let plain = AutoStream::choice(&stdout) == ColorChoice::Never;
        Self { out: BufWriter::with_capacity(PIECE, stdout.lock()), strip: plain.then(StripBytes::new) }
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
