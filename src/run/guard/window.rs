//! Bytes of a stream that are held: read, then taken by the walk, then cleared to pass, then written.
#![forbid(unsafe_code)]

/// The marks stand in this order, from the front: written, cleared, taken, filled.
#[derive(Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    written: usize,
    cleared: usize,
    taken: usize,
    filled: usize,
}

impl Window {
    /// What may pass and hasn't.
    pub(super) fn to_write(&self) -> &[u8] {
        self.bytes.get(self.written..self.cleared).unwrap_or_default()
    }

    pub(super) fn wrote(&mut self, count: usize) {
        self.written += count;
    }

    /// What the walk hasn't taken yet.
    pub(super) fn to_take(&self) -> &[u8] {
        self.bytes.get(self.taken..self.filled).unwrap_or_default()
    }

    pub(super) fn took(&mut self, count: usize) {
        self.taken += count;
    }

    /// What was taken may pass.
    pub(super) fn clear(&mut self) {
        self.cleared = self.taken;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written == self.filled
    }

    /// Room for so many bytes more. What is held goes to the front first.
    pub(super) fn room(&mut self, count: usize) -> &mut [u8] {
        if self.written > 0 {
            self.bytes.copy_within(self.written..self.filled, 0);
            self.cleared -= self.written;
            self.taken -= self.written;
            self.filled -= self.written;
            self.written = 0;
        }
        let end = self.filled + count;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes.get_mut(self.filled..end).unwrap_or_default()
    }

    pub(super) fn filled(&mut self, count: usize) {
        self.filled += count;
    }
}
