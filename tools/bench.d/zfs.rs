//! Stands in for zfs: `zfs send DATASET@N` writes N GiB, anything else does nothing. Against musl, as the gate, since it
//! is part of all that is measured and glibc alone would take longer to start than the gate does.
use std::fs::File;
use std::io::{Write, stdout};
use std::os::fd::AsFd;

fn main() {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() != Some("send") {
        return;
    }
    let gib: u64 = words.last().and_then(|word| word.split_once('@')?.1.parse().ok()).unwrap_or(0);
    let block = vec![b'z'; 128 << 10]; // as large as a record of a dataset with the default recordsize
    // Rust's standard output looks for newlines in all that it is given.
    let mut pipe = File::from(stdout().as_fd().try_clone_to_owned().unwrap());
    for _ in 0..gib << 13 {
        pipe.write_all(&block).unwrap();
    }
}
