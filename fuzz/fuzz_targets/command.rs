//! Whatever the words: a command that is read writes itself as words that read as the same command.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::command::{Command, read};
use zfs_shell::syntax::{parse, quote};

fuzz_target!(|line: &[u8]| {
    let Ok(Some(script)) = parse(line) else { return };
    for command in script.leaves().filter_map(|leaf| read(leaf).ok()).map(|placed| placed.command) {
        let argv = match &command {
            Command::Builtin(_) | Command::Simplesnap(_) => None,
            Command::Filter(filter) => Some(filter.render()),
            Command::Zfs(zfs) => zfs.render(),
            Command::Zpool(zpool) => zpool.render(),
        };
        let Some(argv) = argv else { continue };
        let again = parse(quote(argv.words()).as_bytes()).unwrap().unwrap();
        assert_eq!(read(&again.first.first).unwrap().command, command);
    }
});
