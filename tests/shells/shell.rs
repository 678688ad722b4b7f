//! The shells that are asked, and what they have built in.
#![expect(clippy::panic, reason = "without a shell there is no test")]

use std::path::PathBuf;

/// A shell, and the locale it runs in: bash reads bytes in one and characters in the other.
pub struct Shell {
    pub program: &'static str,
    pub options: &'static [&'static str],
    pub locale: &'static str,
}

pub const SHELLS: [Shell; 4] = [
    Shell { program: "dash", options: &[], locale: "C" },
    Shell { program: "bash", options: &[], locale: "C.UTF-8" },
    Shell { program: "bash", options: &["--posix"], locale: "C" },
    Shell { program: "busybox", options: &["ash"], locale: "C.UTF-8" },
];

/// A shell of this machine. Without it there is nothing to compare with, and so no success.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed, and this test compares with it"))
}

/// What dash and bash look for before PATH.
pub const BUILT_IN: [&str; 64] = [
    ".",
    ":",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "chdir",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "newgrp",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
    "[",
    "[[",
];
