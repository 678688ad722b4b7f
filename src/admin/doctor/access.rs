//! The account that a policy is for: whether its keys lead to the gate, and to nothing else (sshd(8), AUTHORIZED_KEYS FILE
//! FORMAT). Looked at are the files where sshd looks by default.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::User;

use super::{Finding, State};
use crate::admin::form::visible;
use crate::admin::source;

const ACCOUNT: &str = "account";
const KEYS: &str = "keys";

/// What there is to say of an account, and of its keys.
pub(super) fn of(user: &User) -> Vec<Finding> {
    let shell = shell(&user.name, &user.shell);
    let shell_is_gate = shell.state == State::Ok;
    let missing = |how: String| Finding::new(State::Missing, KEYS, how);
    let open = |path: &PathBuf| {
        let there = fs::symlink_metadata(path).ok()?;
        let is_open = is_open(user.uid.as_raw(), there.uid(), there.mode());
        is_open.then(|| missing(format!("{}: {OPEN}", path.display())))
    };
    let mut found = vec![shell];
    found.extend([user.dir.clone(), user.dir.join(".ssh")].iter().chain(&files(user)).filter_map(open));
    for file in files(user) {
        let lines = lines(&source::text(&file).unwrap_or_default(), shell_is_gate).into_iter();
        found.extend(lines.map(|(number, how)| missing(format!("{}:{number}: {how}", file.display()))));
    }
    if found.iter().all(|finding| finding.what != KEYS) {
        let [file, _] = files(user);
        let how = format!("{}: {}", file.display(), counted(&text(user)));
        found.push(Finding::new(State::Ok, KEYS, how));
    }
    found
}

/// That there is none.
pub(super) fn absent(account: &str) -> Finding {
    Finding::new(State::Absent, ACCOUNT, format!("none is called {account}"))
}

/// The lines of its keys, of both files.
pub(super) fn text(user: &User) -> String {
    files(user).iter().filter_map(|file| source::text(file).ok()).map(|text| text + "\n").collect()
}

fn files(user: &User) -> [PathBuf; 2] {
    FILES.map(|file| user.dir.join(file))
}

/// Where sshd looks by default.
pub(super) const FILES: [&str; 2] = [".ssh/authorized_keys", ".ssh/authorized_keys2"];

/// What the lines of keys leave to sshd's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Whether there are any.
    pub some: bool,
    /// Whether each of them has `restrict`.
    pub restricted: bool,
    /// Whether one of them has no `command=`.
    pub bare: bool,
}

impl Keys {
    pub(super) fn read(text: &str) -> Self {
        let lines: Vec<Vec<String>> = text.lines().filter_map(options).collect();
        Self {
            some: !lines.is_empty(),
            restricted: lines.iter().all(|options| has(options, "restrict") && given_back(options).next().is_none()),
            bare: lines.iter().any(|options| !options.iter().any(|option| option.starts_with("command="))),
        }
    }
}

/// What runs as the account could give it another key.
const OPEN: &str = "belongs to the account or others, who could add keys; it should be root's";

fn is_open(account: u32, owner: u32, mode: u32) -> bool {
    owner == account && account != 0 || mode & 0o022 != 0
}

pub(super) fn is_gate(program: &Path) -> bool {
    program.file_name() == Some(OsStr::new("zfs-shell"))
}

fn shell(account: &str, shell: &Path) -> Finding {
    match is_gate(shell) {
        true => Finding::new(State::Ok, ACCOUNT, format!("{account}, whose shell is {}", shell.display())),
        false => {
            let how = format!(
                "the shell of {account} is {}, which a key without command= opens: usermod --shell /usr/bin/zfs-shell",
                shell.display()
            );
            Finding::new(State::Missing, ACCOUNT, how)
        }
    }
}

fn counted(text: &str) -> String {
    crate::admin::form::counted(text.lines().filter_map(options).count(), "key")
}

/// The lines that open more than the gate, by their numbers from 1.
fn lines(text: &str, shell_is_gate: bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, options) in text.lines().enumerate().filter_map(|(place, line)| Some((place + 1, options(line)?))) {
        if !has(&options, "restrict") {
            found.push((number, "no `restrict`: ports, agents, X11 and terminals are sshd's to give".to_owned()));
        }
        found.extend(
            given_back(&options).map(|name| (number, format!("`{name}` gives back what `restrict` takes away"))),
        );
        let command = options.iter().find_map(|option| option.strip_prefix("command=\"")?.strip_suffix('"'));
        let program = command.and_then(|command| command.split(' ').next()).map(Path::new);
        match program.map(is_gate) {
            Some(true) => {}
            Some(false) => {
                let command = visible(command.unwrap_or_default()).into_owned();
                found.push((number, format!("another command: {command}")));
            }
            None if shell_is_gate => {}
            None => found.push((number, "no `command=`: it opens the shell of the account".to_owned())),
        }
    }
    found
}

/// Options behind which `restrict` doesn't hold.
fn given_back(options: &[String]) -> impl Iterator<Item = &'static str> {
    let names = ["agent-forwarding", "port-forwarding", "pty", "user-rc", "x11-forwarding"];
    names.into_iter().filter(|name| has(options, name))
}

fn has(options: &[String], name: &str) -> bool {
    options.iter().any(|option| option.eq_ignore_ascii_case(name))
}

/// The options in front of a key; `None` where the line has no key. A blank in quotes doesn't end them, nor does a quote
/// behind a backslash.
fn options(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (mut options, mut option) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            ' ' | '\t' if !quoted => break,
            ',' if !quoted => options.push(std::mem::take(&mut option)),
            _ => {
                quoted ^= c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                option.push(c);
            }
        }
    }
    options.push(option);
    let is_key = |option: &String| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| option.starts_with(kind));
    Some(if options.first().is_some_and(is_key) { Vec::new() } else { options })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAA nas";

    #[test]
    fn a_line_leads_to_the_gate_and_to_nothing_else_or_is_named() {
        let text = format!(
            "# keys\n\n\
             restrict,command=\"/usr/bin/zfs-shell nas\" {KEY}\n\
             command=\"/usr/bin/zfs-shell nas\",restrict,from=\"192.0.2.1,x y\" {KEY}\n\
             command=\"/usr/bin/zfs-shell nas\" {KEY}\n\
             restrict {KEY}\n\
             {KEY}\n\
             restrict,command=\"/bin/sh -c \\\"zfs-shell nas\\\"\" {KEY}\n\
             no-pty,command=\"/usr/bin/zfs-shell restrict\" {KEY}\n"
        );
        let numbers = |gate| lines(&text, gate).into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(numbers(true), [5, 7, 8, 9]);
        assert_eq!(numbers(false), [5, 6, 7, 7, 8, 9]);
        let found = lines(&text, false);
        assert!(found[0].1.starts_with("no `restrict`") && found[1].1.starts_with("no `command=`"), "{found:?}");
        assert_eq!(found[4], (8, r#"another command: /bin/sh -c \"zfs-shell nas\"#.to_owned() + "\""));
        assert_eq!(counted(&text), "7 keys");
    }

    #[test]
    fn an_account_has_the_gate_for_its_shell_and_no_say_in_its_keys() {
        assert_eq!(shell("nas", Path::new("/usr/bin/zfs-shell")).state, State::Ok);
        let bash = shell("nas", Path::new("/bin/bash"));
        assert!(bash.state == State::Missing && bash.how.contains("usermod"), "{bash:?}");
        assert!(!is_open(1000, 0, 0o644) && !is_open(0, 0, 0o755));
        assert!(is_open(1000, 1000, 0o600) && is_open(1000, 0, 0o664) && is_open(1000, 0, 0o602));
    }

    #[test]
    fn what_lines_leave_to_sshd_is_known_by_their_options() {
        let keys = |some, restricted, bare| Keys { some, restricted, bare };
        assert_eq!(Keys::read("# none\n"), keys(false, true, false));
        let bound = format!("restrict,command=\"/usr/bin/zfs-shell nas\" {KEY}\n");
        assert_eq!(Keys::read(&bound), keys(true, true, false));
        assert_eq!(Keys::read(&format!("{bound}command=\"/usr/bin/zfs-shell nas\" {KEY}\n")), keys(true, false, false));
        assert_eq!(Keys::read(&format!("{bound}restrict {KEY}\n")), keys(true, true, true));
        let pty = format!("restrict,command=\"/usr/bin/zfs-shell nas\",pty {KEY}\n");
        assert_eq!(Keys::read(&pty), keys(true, false, false));
        assert_eq!(lines(&pty, true), [(1, "`pty` gives back what `restrict` takes away".to_owned())]);
    }
}
