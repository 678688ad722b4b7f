//! What is found in `[[command]]`: a program to which the request is a text to execute, which is what this shell is there to
//! spare; one by which a client writes the account's home; and a request that takes the place of zfs.

use std::ops::Range;
use std::path::PathBuf;

use super::{Finding, home};
use crate::policy::FixedCommand;

/// What reads a text as commands, whatever it is told first.
const INTERPRETERS: [&str; 17] = [
    "ash", "bash", "csh", "dash", "fish", "ksh", "lua", "mksh", "node", "perl", "php", "python", "ruby", "sh", "tclsh",
    "tcsh", "zsh",
];

/// With the request in their environment these hand it to such a one, or act on it themselves.
const HELPERS: [&str; 3] = ["awk", "busybox", "env"];

/// Whether it is one, in whatever version.
pub(super) fn is_interpreter(program: &str) -> bool {
    INTERPRETERS.contains(&program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

/// The last part of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// `homes`: where that of the account may be; `span`: where the command is written.
pub(super) fn findings(command: &FixedCommand, homes: &[PathBuf], span: Option<Range<usize>>) -> Vec<Finding> {
    let mut found = Vec::new();
    let program = name(command.exec.words().first().map_or("", String::as_str));
    if command.original_command && (is_interpreter(program) || HELPERS.contains(&program)) {
        let note =
            "give the request to a program that was made to check it, as rrsync, or leave `original_command` out";
        let what = format!("{program} can execute the request, whatever it is");
        found.push(Finding::error(what, note, span.clone()));
    } else {
        found.extend(home::finding(command.exec.words(), homes, span.clone()));
    }
    if command.request.first().is_some_and(|first| ["zfs", "zpool"].contains(&name(first))) {
        let note = "it is executed in the place of zfs, and no grant is asked";
        found.push(Finding::warning("a request for zfs is fixed", note, span));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::admin::written::Written;
    use crate::policy::parse;

    fn found(lines: &str) -> Vec<String> {
        let text = format!("[[command]]\n{lines}\n");
        let policy = parse(&text, None).unwrap();
        let written = Written::read(&text);
        let found = super::findings(&policy.commands[0], &[], written.command(0));
        found.into_iter().map(|finding| format!("{} {:?}", finding.what, finding.span.unwrap())).collect()
    }

    #[test]
    fn a_shell_that_gets_the_request_is_found_and_one_that_does_not_is_a_choice() {
        let shell = "request = ['a', '...']\nexec = ['/bin/sh', '-c', 'exec $SSH_ORIGINAL_COMMAND']";
        assert_eq!(found(shell), Vec::<String>::new());
        let found_in = found(&format!("{shell}\noriginal_command = true"));
        assert_eq!(found_in.len(), 1);
        assert!(found_in[0].starts_with("sh can execute the request, whatever it is 0.."), "{found_in:?}");
        assert_eq!(
            found("request = ['rsync', '...']\nexec = ['/usr/bin/rrsync', '/srv']\noriginal_command = true").len(),
            0
        );
    }

    #[test]
    fn a_request_for_zfs_that_no_grant_is_asked_of_is_found() {
        for request in ["zfs", "/usr/sbin/zfs", "zpool"] {
            let found = found(&format!("request = ['{request}', 'list']\nexec = ['/bin/true']"));
            assert!(found.len() == 1 && found[0].starts_with("a request for zfs is fixed "), "{found:?}");
        }
        assert_eq!(found("request = ['zfsx']\nexec = ['/bin/true']").len(), 0);
    }
}
