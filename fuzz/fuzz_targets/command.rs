//! Whatever the words: a command that is read writes itself as printable words that read as the same command and
//! are written as the same words again; and what isn't read is told with a place in the request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::command::argv::Argv;
use zfs_shell::command::{Command, read};
use zfs_shell::syntax::{parse, quote};

fn rendered(command: &Command) -> Option<Argv> {
    match command {
        Command::Builtin(_) | Command::Simplesnap(_) => None,
        Command::Filter(filter) => Some(filter.render()),
        Command::Zfs(zfs) => zfs.render(),
        Command::Zpool(zpool) => zpool.render(),
    }
}

fuzz_target!(|line: &[u8]| zfs_shell_fuzz::limited(|| {
    let Ok(Some(script)) = parse(line) else { return };
    for leaf in script.leaves() {
        let command = match read(leaf) {
            Ok(placed) => placed.command,
            Err(error) => {
                assert!(error.span.start <= error.span.end && error.span.end <= line.len(), "{error:?}");
                continue;
            }
        };
        let Some(argv) = rendered(&command) else { continue };
        let words: Vec<&str> = argv.words().collect();
        assert!(words.iter().all(|word| word.bytes().all(|byte| (b' '..=b'~').contains(&byte))), "{words:?}");
        let again = parse(quote(words.iter().copied()).as_bytes()).unwrap().unwrap();
        let again = read(&again.first.first).unwrap().command;
        assert_eq!(again, command);
        assert_eq!(rendered(&again).unwrap().words().collect::<Vec<_>>(), words);
    }
}));
