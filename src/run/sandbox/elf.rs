//! Which file the kernel starts to load a program: the interpreter that the program names (elf(5)).
#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How much of a file has to be seen: its header, the table behind it and the name, which linkers put first.
pub(super) const HEAD: usize = 4096;

/// What starts a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Loader<'h> {
    /// Nothing else.
    Own,
    /// This program.
    Named(&'h Path),
    /// It is a script, or for another machine.
    Unknown,
}

/// Of a file that begins so.
pub(super) fn loader(head: &[u8]) -> Loader<'_> {
    if !head.starts_with(MAGIC) {
        return Loader::Unknown;
    }
    entries(head).unwrap_or(Loader::Unknown)
}

fn entries(head: &[u8]) -> Option<Loader<'_>> {
    let table = usize::try_from(u64::from_le_bytes(field(head, 32)?)).ok()?;
    let size = usize::from(u16::from_le_bytes(field(head, 54)?));
    let count = usize::from(u16::from_le_bytes(field(head, 56)?));
    for index in 0..count {
        let entry = head.get(table.checked_add(index.checked_mul(size)?)?..)?;
        if u32::from_le_bytes(field(entry, 0)?) != PT_INTERP {
            continue;
        }
        let start = usize::try_from(u64::from_le_bytes(field(entry, 8)?)).ok()?;
        let length = usize::try_from(u64::from_le_bytes(field(entry, 32)?)).ok()?;
        let name = head.get(start..start.checked_add(length)?)?;
        let name = name.split(|byte| *byte == 0).next().filter(|name| !name.is_empty())?;
        return Some(Loader::Named(Path::new(OsStr::from_bytes(name))));
    }
    Some(Loader::Own)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// ELF of 64 bits, little endian.
const MAGIC: &[u8] = b"\x7fELF\x02\x01";
const PT_INTERP: u32 = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A header with a table of one entry behind it.
    fn program(kind: u32, start: u64, name: &[u8]) -> Vec<u8> {
        let mut head = MAGIC.to_vec();
        head.resize(120, 0);
        head[32..40].copy_from_slice(&64_u64.to_le_bytes());
        head[54..58].copy_from_slice(&[56, 0, 1, 0]);
        head[64..68].copy_from_slice(&kind.to_le_bytes());
        head[72..80].copy_from_slice(&start.to_le_bytes());
        head[96..104].copy_from_slice(&(name.len() as u64).to_le_bytes());
        head.extend(name);
        head
    }

    #[test]
    fn a_program_names_what_loads_it_or_loads_itself() {
        let named = program(PT_INTERP, 120, b"/lib64/ld-linux-x86-64.so.2\0");
        assert_eq!(loader(&named), Loader::Named(Path::new("/lib64/ld-linux-x86-64.so.2")));
        assert_eq!(loader(&program(1, 0, b"")), Loader::Own);
    }

    #[test]
    fn what_is_no_program_of_this_machine_or_can_not_be_read_has_no_loader() {
        for head in
            [&b"#!/bin/sh\n"[..], b"", b"\x7fELF\x01\x01", b"\x7fELF\x02\x01", &program(PT_INTERP, 5000, b"/l\0")]
        {
            assert_eq!(loader(head), Loader::Unknown, "{head:?}");
        }
        assert_eq!(loader(&program(PT_INTERP, u64::MAX, b"/l\0")), Loader::Unknown);
        assert_eq!(loader(&program(PT_INTERP, 120, b"\0")), Loader::Unknown);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut head = MAGIC.to_vec();
            head.extend(tail);
            loader(&head);
        }
    }
}
