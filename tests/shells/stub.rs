//! What the shells run in place of every program: appends to the file named by RECORD who it is, what its descriptors
//! are and what it was given, in one write, and ends with a status that follows from its arguments.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::process;

fn main() {
    let mut record = process::id().to_string().into_bytes();
    for descriptor in 0..3 {
        let file = fs::metadata(format!("/proc/self/fd/{descriptor}")).expect("a descriptor that is open");
        record.extend(format!("\0{}:{}", file.dev(), file.ino()).bytes());
    }
    let arguments: Vec<Vec<u8>> = std::env::args_os().map(OsString::into_vec).collect();
    for argument in &arguments {
        record.push(0);
        record.extend(argument);
    }
    record.push(0x1e);
    let path = std::env::var_os("RECORD").expect("where to write");
    let mut file = OpenOptions::new().append(true).open(path).expect("a file to append to");
    file.write_all(&record).expect("a record");
    let sum: u32 = arguments.iter().flatten().map(|byte| u32::from(*byte)).sum();
    process::exit(i32::from(sum % 3 == 0));
}
