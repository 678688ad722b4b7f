//! What strace(1) saw start below each gate: by it neither a stub's word nor ours is needed that nothing ran.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test reads what strace wrote")]

use std::collections::BTreeMap;
use std::path::Path;

/// Shell commands that put strace in front of a sandbox's command; what it sees is read from `tmp/trace`.
pub const WATCH: &str = "set -- strace --seccomp-bpf -f -q -s 200000 -e signal=none \
    -e trace=execve,execveat,fork,vfork,clone,clone3 -o \"$root/tmp/trace\" \"$@\"";

/// What a gate, or whatever it started, did after it was started itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    /// Another process.
    Fork,
    /// A program, by its path and its words.
    Exec(String, Vec<String>),
}

impl Call {
    /// Whether it is a question to zfs, or the fork for one: what the gate asks on its own to decide a request.
    pub fn asks(&self) -> bool {
        match self {
            Self::Fork => true,
            Self::Exec(path, words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                path == "/stub/zfs" && matches!(words[..], [_, "get" | "holds" | "list", ..] | [_, "allow", "--", _])
            }
        }
    }
}

/// For each gate that was started, in this order, what was called in it and below it.
pub fn gates(trace: &Path) -> Vec<Vec<Call>> {
    let bytes = std::fs::read(trace).unwrap_or_else(|error| panic!("{}: {error}", trace.display()));
    let text = String::from_utf8_lossy(&bytes);
    // `PID CALL(ARGUMENTS) = RESULT`, or in two parts, `PID CALL(ARGUMENTS <unfinished ...>` and
    // `PID <... CALL resumed>) = RESULT`.
    let lines = text.lines().filter_map(|line| line.split_once(' ')).map(|(pid, call)| (pid, call.trim_start()));
    // The number of a process that has ended is given to another one: which it is, is counted.
    let mut ended: BTreeMap<&str, usize> = BTreeMap::new();
    let lines = lines.filter_map(|(pid, call)| {
        let ended = ended.entry(pid).or_default();
        let process = (pid, *ended);
        *ended += usize::from(call.starts_with("+++ "));
        Some((process, call)).filter(|(_, call)| !call.starts_with("+++ "))
    });
    let lines: Vec<((&str, usize), &str)> = lines.collect();
    let is_fork = |name: &str| ["clone", "clone3", "fork", "vfork"].contains(&name);
    let mut forked: BTreeMap<&str, usize> = BTreeMap::new();
    let mut parents = BTreeMap::new();
    for (process, call) in &lines {
        let name = call.trim_start_matches("<... ").split([' ', '(']).next().unwrap();
        let result = call.rsplit_once(" = ").map(|(_, result)| result.trim());
        if is_fork(name)
            && let Some(child) = result.filter(|result| result.parse::<u32>().is_ok())
        {
            let forked = forked.entry(child).or_default();
            parents.insert((child, *forked), *process);
            *forked += 1;
        }
    }
    let mut gates: Vec<Vec<Call>> = Vec::new();
    let mut place: BTreeMap<(&str, usize), usize> = BTreeMap::new();
    for (process, call) in lines {
        let Some((name, arguments)) = call.split_once('(').filter(|(name, _)| !name.starts_with('<')) else { continue };
        let above = std::iter::successors(Some(process), |process| parents.get(process).copied());
        let gate = above.into_iter().find_map(|process| place.get(&process).copied());
        let seen = match name {
            name if is_fork(name) => Call::Fork,
            "execve" | "execveat" => {
                let mut words = strings(arguments).into_iter();
                Call::Exec(words.next().unwrap_or_default(), words.collect())
            }
            other => panic!("{other}, which was not to be traced"),
        };
        match (gate, seen) {
            (Some(gate), seen) => gates[gate].push(seen),
            (None, Call::Exec(path, _)) if path == "/zfs-shell" => {
                place.insert(process, gates.len());
                gates.push(Vec::new());
            }
            (None, _) => {}
        }
    }
    gates
}

/// What stands in double quotes, with strace's escapes as they are.
fn strings(arguments: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut open: Option<String> = None;
    let mut characters = arguments.chars();
    while let Some(character) = characters.next() {
        match (&mut open, character) {
            (None, '"') => open = Some(String::new()),
            (None, _) => {}
            (Some(text), '"') => {
                strings.push(std::mem::take(text));
                open = None;
            }
            (Some(text), '\\') => text.extend(['\\'].into_iter().chain(characters.next())),
            (Some(text), other) => text.push(other),
        }
    }
    strings
}
