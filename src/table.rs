//! Rows that zfs and zpool print, and what of them a client may see: a value that names a dataset outside the grant
//! becomes `-`. Pure: bytes in, bytes out. The programs are asked for tab-separated rows in an order in which the
//! columns that name datasets come first, so that no free text can push one of them out of its place.
#![forbid(unsafe_code)]

/// What becomes of rows. Made by `decide` alone.
#[derive(Clone, Debug)]
pub struct Table {}

/// Rows on their way through.
#[derive(Debug)]
pub struct Rows<'t> {
    #[expect(dead_code, reason = "not written yet")]
    table: &'t Table,
}

impl Table {
    /// Begins: what is to be shown before the first row is put into `out`.
    pub fn begin(&self, _out: &mut Vec<u8>) -> Rows<'_> {
        Rows { table: self }
    }
}

impl Rows<'_> {
    /// Takes more of what the programs printed, and adds to `out` what of it may be shown.
    pub fn feed(&mut self, _bytes: &[u8], _out: &mut Vec<u8>) {}

    /// The programs have ended: adds what was held back.
    pub fn end(self, _out: &mut Vec<u8>) {}
}
