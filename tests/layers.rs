//! Who may know whom: the arrows between the rooms of src/, and where unsafe code and forbidden methods may be.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads the sources")]

use std::fs;
use std::path::{Path, PathBuf};

/// What a room may use of the others. What isn't here may not be.
const ARROWS: [(&str, &[&str]); 19] = [
    (
        "admin",
        &[
            "command", "decide", "door", "facts", "failure", "host", "judge", "policy", "record", "script", "stream",
            "syntax",
        ],
    ),
    ("audit", &[]),
    ("bin", &[]),
    ("command", &["host", "syntax"]),
    ("decide", &["command", "host", "policy", "script", "stream", "syntax", "table"]),
    ("door", &["decide", "failure", "host", "policy", "script", "stream"]),
    ("facts", &["command", "host", "policy"]),
    ("failure", &["audit", "command", "decide", "host", "policy", "request", "run", "stream", "syntax"]),
    ("gate", &["audit", "decide", "door", "failure", "host", "judge", "policy", "record", "request", "run"]),
    ("host", &["command", "policy", "run"]),
    ("lib", &[]),
    ("policy", &["command"]),
    ("record", &["audit", "decide", "failure", "run", "syntax"]),
    ("request", &[]),
    ("run", &["command", "decide", "host", "script", "stream", "table"]),
    ("script", &[]),
    ("stream", &["command"]),
    ("syntax", &["script"]),
    ("table", &["command", "policy"]),
];

#[test]
fn a_room_uses_only_the_rooms_below_it() {
    for (path, text) in sources() {
        let room = room(&path);
        let allowed = ARROWS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is not known")).1;
        for used in used(&text) {
            assert!(used == room || allowed.contains(&used.as_str()), "{}: {room} uses {used}", path.display());
        }
    }
}

#[test]
fn unsafe_code_is_forbidden_but_in_one_file() {
    let has = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.contains("#![forbid(unsafe_code)]"));
    for (path, _) in sources() {
        // A module's lint level holds for the modules in it.
        let heads = path.ancestors().skip(1).map(|directory| directory.join("mod.rs"));
        let exempt =
            ["run/sys.rs", "run/mod.rs", "src/lib.rs"].iter().any(|end| path.ends_with(end)) || room(&path) == "bin";
        assert!(exempt || has(&path) || heads.into_iter().any(|head| has(&head)), "{}", path.display());
    }
}

/// The words of the language that lift its promises, wherever they stand; what they are for is in docs/proof.md.
#[test]
fn every_unsafe_block_is_in_one_file_and_named_in_the_proof() {
    let proof = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/proof.md")).unwrap();
    let mut found = Vec::new();
    for (path, text) in sources() {
        let mut function = "";
        for line in text.lines() {
            if let Some((_, name)) = line.split_once("fn ") {
                function = name.split(['(', '<']).next().unwrap();
            }
            let words = line.split(|end: char| !(end.is_ascii_alphanumeric() || end == '_'));
            for _ in words.filter(|word| *word == "unsafe") {
                assert!(path.ends_with("run/sys.rs"), "{}: {line}", path.display());
                assert!(line.contains("unsafe {"), "{line}: a block, and nothing larger");
                assert!(proof.contains(&format!("| `{function}` | ")), "docs/proof.md does not name {function}");
                found.push(function.to_owned());
            }
        }
    }
    assert_eq!(found.len(), proof.lines().filter(|line| line.contains(" | `unsafe` of ")).count(), "{found:?}");
}

#[test]
fn what_starts_programs_or_reads_files_and_environment_is_in_few_places() {
    for (path, text) in sources() {
        let may = matches!(room(&path).as_str(), "run" | "request" | "admin") || path.ends_with("policy/open.rs");
        assert!(may || !text.contains("clippy::disallowed_methods"), "{}", path.display());
    }
}

/// All files of src/ without their tests and comments.
fn sources() -> Vec<(PathBuf, String)> {
    let mut directories = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                sources.push((path, lines.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    sources
}

/// The first step below src/.
fn room(path: &Path) -> String {
    let below = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// What follows `crate::`, one name or the first names in braces.
fn used(text: &str) -> Vec<String> {
    let name = |text: &str| {
        text.trim_start().split(|next: char| next != '_' && !next.is_alphanumeric()).next().unwrap().to_owned()
    };
    let mut used = Vec::new();
    for after in text.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            used.push(name(after));
            continue;
        };
        let mut depth = 0;
        for item in list.split_inclusive([',', '{', '}']) {
            if depth == 0 && !name(item).is_empty() {
                used.push(name(item));
            }
            depth += i32::from(item.ends_with('{')) - i32::from(item.ends_with('}'));
            if depth < 0 {
                break;
            }
        }
    }
    used
}
