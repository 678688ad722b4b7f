//! Stands in for zfs. `zfs send DATASET@N` writes N GiB; `zfs send DATASET@N-SIZE` and `-SIZE-package` write a stream of
//! so many GiB in records of SIZE bytes; `zfs receive` reads one as zfs does, record by record, and throws it away; `zfs get`
//! answers what is asked before that, of all datasets but those named `new`; anything else does nothing. Against musl, as the
//! gate, since it is part of all that is measured and glibc alone would take longer to start than the gate does.
use std::ffi::{c_int, c_long};
use std::fs::File;
use std::io::{Read, Write, stdin, stdout};
use std::os::fd::{AsFd, AsRawFd};

mod stream;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let what = words.last().and_then(|word| word.split_once('@')).map(|(_, what)| what);
    match (words.first().map(String::as_str), what) {
        (Some("send"), Some(what)) => send(what),
        (Some("receive"), _) => receive(),
        (Some("get"), _) => get(&words),
        _ => {}
    }
}

fn send(what: &str) {
    let mut parts = what.split('-');
    let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
    let (gib, size) = (number().unwrap_or(0), number());
    // Rust's standard output looks for newlines in all that it is given.
    let mut pipe = widened(File::from(stdout().as_fd().try_clone_to_owned().unwrap()));
    let Some(size) = size else {
        let block = vec![b'z'; 128 << 10]; // as large as a record of a dataset with the default recordsize
        for _ in 0..gib << 13 {
            pipe.write_all(&block).unwrap();
        }
        return;
    };
    let is_package = what.ends_with("-package");
    if is_package {
        pipe.write_all(&[stream::package("tank/data@a", &[]), stream::end(0)].concat()).unwrap();
    }
    pipe.write_all(&stream::begin("tank/data@a", 1)).unwrap();
    let (record, block) = (stream::write(size as usize), vec![b'z'; size as usize]);
    for _ in 0..(gib << 30) / size {
        // Two writes, as the kernel does it.
        pipe.write_all(&record).unwrap();
        pipe.write_all(&block).unwrap();
    }
    pipe.write_all(&stream::end(1)).unwrap();
    if is_package {
        pipe.write_all(&stream::end(0)).unwrap();
    }
}

fn receive() {
    let mut pipe = widened(File::from(stdin().as_fd().try_clone_to_owned().unwrap()));
    let (mut record, mut block) = (vec![0; stream::RECORD], Vec::new());
    let mut depth = 0;
    loop {
        pipe.read_exact(&mut record).expect("an incomplete stream");
        let number = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().unwrap());
        match number(0) as u32 {
            // The end of a package's head is behind it.
            0 => depth += if number(16) & 3 == 2 { 2 } else { 1 },
            3 => {
                block.resize(number(32) as usize, 0);
                pipe.read_exact(&mut block).expect("an incomplete stream");
            }
            5 => depth -= 1,
            _ => panic!("not a stream"),
        }
        if depth == 0 {
            break;
        }
    }
}

fn get(words: &[String]) {
    let mut operands = words.iter().skip_while(|word| *word != "--").skip(1);
    let properties: Vec<&str> = operands.next().map_or(Vec::new(), |list| list.split(',').collect());
    for dataset in operands.filter(|dataset| !dataset.ends_with("/new")) {
        for property in &properties {
            let value = match *property {
                "devices" | "encryption" | "setuid" => "off",
                "mountpoint" => "none",
                _ => "0",
            };
            println!("{dataset}\t{property}\t{value}");
        }
    }
}

/// Both sides of zfs widen the pipes that they are given (libzfs_set_pipe_max in lib/libzfs/os/linux).
fn widened(pipe: File) -> File {
    const F_SETPIPE_SZ: c_int = 1031;
    unsafe extern "C" {
        fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    }
    // SAFETY: a number and a descriptor of ours; no memory is touched.
    unsafe { fcntl(pipe.as_raw_fd(), F_SETPIPE_SZ, 1 << 20 as c_long) };
    pipe
}
