//! Whatever the bytes: no panic, and what is read is read again, as the same words, from its own quoted form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::syntax::{Simple, parse, quote};

fuzz_target!(|line: &[u8]| {
    let Ok(Some(script)) = parse(line) else { return };
    let words = |leaf: &Simple| {
        std::iter::once(&leaf.program).chain(&leaf.arguments).map(|word| word.as_str().to_owned()).collect()
    };
    for leaf in script.leaves() {
        let written: Vec<String> = words(leaf);
        // Not as the whole request: `sh -c TEXT` would be what its text is.
        let line = format!("{}; x", quote(written.iter().map(String::as_str)));
        let again = parse(line.as_bytes()).unwrap().unwrap();
        assert_eq!(again.leaves().map(words).collect::<Vec<Vec<String>>>(), [written, vec!["x".to_owned()]]);
    }
});
