//! What is found in `[[command]]` where a client may write the home of the account: who writes `~/.ssh/authorized_keys`, or what
//! a shell reads there, has left the policy. What the program is told stands in the policy; what it takes from the client's
//! end of the connection doesn't.

use std::ops::Range;
use std::path::{Path, PathBuf};

use nix::unistd::User;

use super::fixed::{is_interpreter, name};
use super::{Finding, Level};

/// Where the home of an account is: on this host, or where it is by custom and by `init`.
pub(super) fn of(account: &str, is_here: bool) -> Vec<PathBuf> {
    let here = if is_here { User::from_name(account).ok().flatten() } else { None };
    match here {
        // What is everybody's is no home.
        Some(user) if user.dir.parent().is_none() => Vec::new(),
        Some(user) => vec![user.dir],
        None if account == "root" => vec!["/root".into()],
        None => ["/home", "/var/lib"].map(|above| Path::new(above).join(account)).to_vec(),
    }
}

/// What there is to say of a command; one thing is enough.
pub(super) fn finding(exec: &[String], homes: &[PathBuf], span: Option<Range<usize>>) -> Option<Finding> {
    let (level, what, note) = said(exec, homes)?;
    Some(Finding { level, what, note: note.into(), span })
}

fn said(exec: &[String], homes: &[PathBuf]) -> Option<(Level, String, String)> {
    let words = behind_wrappers(exec);
    let (first, arguments) = words.split_first()?;
    let program = name(first);
    if is_interpreter(program) && reads_its_script(arguments) {
        let note = "its script comes from the client; name one by its path, of a file that is root's".to_owned();
        return Some((Level::Error, format!("{program} executes what the client sends"), note));
    }
    if let Some(server) = SERVERS.iter().find(|server| server.is_free(program, arguments)) {
        let what = format!("{program} does not hold the client to a place that the policy names");
        return Some((Level::Warning, what, format!("{LEFT}: {}", server.instead)));
    }
    let script = arguments.iter().find(|word| !word.starts_with('-')).filter(|_| is_interpreter(program));
    let executed: Vec<&Path> = [exec.first(), Some(first), script].into_iter().flatten().map(Path::new).collect();
    if let Some(home) = homes.iter().find(|home| executed.iter().any(|path| path.starts_with(home))) {
        let what = format!("what it executes lies in {}, perhaps the account's own home", home.display());
        let note = "who may write there says what runs: put it where root alone writes, as /usr/local/bin".to_owned();
        return Some((Level::Warning, what, note));
    }
    if only_reads(program, arguments) {
        return None;
    }
    let mut pairs = homes.iter().flat_map(|home| paths(arguments).map(move |path| (home, path)));
    let (home, path) = pairs.find(|(home, path)| reaches(path, home))?;
    let what = format!("{program} may write {}, perhaps the account's own home", home.display());
    let note = format!("{LEFT}: {} is or holds such a file; name a directory apart from it", path.display());
    Some((Level::Warning, what, note))
}

const LEFT: &str = "who writes ~/.ssh/authorized_keys, or what a shell reads there, has left the policy";

/// The words from the program on that does the work, where another one starts it.
fn behind_wrappers(exec: &[String]) -> &[String] {
    let is_wrapper = exec.first().is_some_and(|first| WRAPPERS.contains(&name(first)));
    let is_known = |word: &String| {
        let name = name(word);
        is_interpreter(name) || READERS.contains(&name) || SERVERS.iter().any(|server| server.program == name)
    };
    let place = exec.iter().skip(1).position(is_known).filter(|_| is_wrapper).map_or(0, |place| place + 1);
    exec.get(place..).unwrap_or_default()
}

const WRAPPERS: [&str; 12] = [
    "busybox",
    "chrt",
    "doas",
    "env",
    "flock",
    "ionice",
    "nice",
    "setpriv",
    "stdbuf",
    "sudo",
    "systemd-run",
    "timeout",
];

/// Whether an interpreter has nothing to execute but its standard input.
fn reads_its_script(arguments: &[String]) -> bool {
    let is_option = |word: &String| word.starts_with(['-', '+']) && word != "-";
    let reads = |word: &String| word == "-" || word == "-s" || word == "/dev/stdin";
    arguments.iter().any(reads) || arguments.iter().all(is_option)
}

/// A program whose client says, by the protocol that it speaks, which files are read and written.
struct Server {
    program: &'static str,
    /// A word that makes it one; without one it always is.
    by: Option<&'static str>,
    /// What holds it to a place, or to reading.
    bounds: &'static [&'static str],
    instead: &'static str,
}

impl Server {
    fn is_free(&self, program: &str, arguments: &[String]) -> bool {
        let has = |option: &str| {
            arguments
                .iter()
                .any(|word| word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
        };
        self.program == program && self.by.is_none_or(has) && !self.bounds.iter().any(|bound| has(bound))
    }
}

const SERVERS: [Server; 7] = [
    Server {
        program: "borg",
        by: Some("serve"),
        bounds: &["--restrict-to-path", "--restrict-to-repository"],
        instead: "--restrict-to-repository PATH holds it to one",
    },
    Server {
        program: "rdiff-backup",
        by: Some("server"),
        bounds: RDIFF_BOUNDS,
        instead: "--restrict-path PATH holds it to one",
    },
    Server {
        program: "rdiff-backup",
        by: Some("--server"),
        bounds: RDIFF_BOUNDS,
        instead: "--restrict PATH holds it to one",
    },
    Server {
        program: "rsync",
        by: Some("--server"),
        bounds: &["--sender", "--daemon"],
        instead: "rrsync DIRECTORY with original_command holds it to one, and with -ro to reading",
    },
    Server { program: "sftp-server", by: None, bounds: &["-R"], instead: "-R holds it to reading" },
    Server {
        program: "svnserve",
        by: None,
        bounds: &["-r", "--root", "-R", "--read-only"],
        instead: "-r PATH holds it to one",
    },
    Server { program: "unison", by: Some("-server"), bounds: &[], instead: "rrsync DIRECTORY would hold it to one" },
];

const RDIFF_BOUNDS: &[&str] = &["--restrict", "--restrict-path", "--restrict-read-only", "--restrict-update-only"];

/// Those that write nothing, whatever they are told.
const READERS: [&str; 8] = ["cat", "df", "du", "ls", "rrsync", "rsync", "sha256sum", "stat"];

fn only_reads(program: &str, arguments: &[String]) -> bool {
    let has = |option: &str| arguments.iter().any(|word| word == option);
    match program {
        "rrsync" => has("-ro"),
        "rsync" => has("--sender"),
        "sftp-server" => has("-R"),
        other => READERS.contains(&other),
    }
}

/// Words that are paths, and paths that are the value of an option or an operand: `of=/srv/x`.
fn paths(arguments: &[String]) -> impl Iterator<Item = &Path> {
    let path = |word: &'_ String| word.find("=/").map_or(0, |place| place + 1);
    arguments.iter().filter_map(move |word| word.get(path(word)..)).filter(|word| word.starts_with('/')).map(Path::new)
}

/// Whether what is written there can be a file that sshd or a shell reads in a home.
fn reaches(path: &Path, home: &Path) -> bool {
    let hidden = |rest: &Path| {
        rest.components().next().is_some_and(|first| first.as_os_str().as_encoded_bytes().starts_with(b"."))
    };
    home.starts_with(path) || path.strip_prefix(home).is_ok_and(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(exec: &[&str]) -> Option<(Level, String)> {
        let exec: Vec<String> = exec.iter().map(ToString::to_string).collect();
        said(&exec, &of("backup", false)).map(|(level, what, _)| (level, what))
    }

    fn warning(what: &str) -> Option<(Level, String)> {
        Some((Level::Warning, what.to_owned()))
    }

    #[test]
    fn the_recipes_have_nothing_to_find() {
        for exec in [
            &["/usr/bin/borg", "serve", "--append-only", "--restrict-to-repository", "/srv/borg/laptop"][..],
            &["/usr/bin/borg", "serve", "--restrict-to-path=/home/backup/repositories"],
            &["/usr/bin/rrsync", "-ro", "/srv/tree"],
            &["/usr/bin/rrsync", "/srv/tree"],
            &["/usr/bin/sudo", "-n", "/usr/bin/systemctl", "start", "run-borg-backup.service"],
            &["/usr/bin/zrepl", "stdinserver", "laptop"],
            &["/bin/sh", "-c", "exec $SSH_ORIGINAL_COMMAND"],
            &["/usr/bin/python3", "/usr/local/bin/report"],
            &["/usr/bin/env", "FOO=1", "/usr/bin/true"],
        ] {
            assert_eq!(told(exec), None, "{exec:?}");
        }
    }

    #[test]
    fn an_interpreter_without_a_script_is_a_shell_of_the_client_s() {
        for exec in [
            &["/bin/bash"][..],
            &["/bin/sh", "-s", "argument"],
            &["/bin/bash", "--login"],
            &["/usr/bin/python3.13", "-u", "-"],
            &["/usr/bin/perl", "/dev/stdin"],
            &["/usr/bin/env", "-i", "dash"],
            &["/usr/bin/sudo", "-n", "/bin/sh"],
            &["/bin/busybox", "sh"],
        ] {
            let found = told(exec).unwrap_or_else(|| panic!("{exec:?}"));
            assert!(found.0 == Level::Error && found.1.ends_with(" executes what the client sends"), "{found:?}");
        }
    }

    #[test]
    fn a_server_whose_client_says_where_it_writes_is_found_unless_it_is_held() {
        let free =
            |program: &str| warning(&format!("{program} does not hold the client to a place that the policy names"));
        assert_eq!(told(&["/usr/bin/borg", "serve"]), free("borg"));
        assert_eq!(told(&["/usr/bin/nice", "-n", "10", "/usr/bin/borg", "serve", "--append-only"]), free("borg"));
        assert_eq!(told(&["/usr/bin/borg", "create", "/srv/borg/x::y", "/etc"]), None);
        assert_eq!(told(&["/usr/lib/openssh/sftp-server"]), free("sftp-server"));
        assert_eq!(told(&["/usr/lib/openssh/sftp-server", "-R"]), None);
        assert_eq!(told(&["/usr/bin/rsync", "--server", "-logDtpr", ".", "/srv/in"]), free("rsync"));
        assert_eq!(told(&["/usr/bin/rsync", "--server", "--sender", "-logDtpr", ".", "/srv/out"]), None);
        assert_eq!(told(&["/usr/bin/rdiff-backup", "--server"]), free("rdiff-backup"));
        assert_eq!(told(&["/usr/bin/rdiff-backup", "--restrict-path", "/srv/x", "server"]), None);
        assert_eq!(told(&["/usr/bin/unison", "-server"]), free("unison"));
    }

    #[test]
    fn a_path_by_which_the_home_s_own_files_are_written_is_found_and_a_directory_beside_them_is_not() {
        let home =
            |program: &str| warning(&format!("{program} may write /home/backup, perhaps the account's own home"));
        for path in
            ["/home/backup", "/home/backup/", "/home", "/", "/home/backup/.ssh", "/home/backup/.ssh/authorized_keys"]
        {
            assert_eq!(told(&["/usr/bin/rrsync", path]), home("rrsync"), "{path}");
            assert_eq!(told(&["/usr/bin/rrsync", "-ro", path]), None, "it only reads");
        }
        assert_eq!(told(&["/usr/bin/tee", "-a", "/home/backup/.bashrc"]), home("tee"));
        assert_eq!(told(&["/bin/dd", "of=/home/backup/.ssh/authorized_keys"]), home("dd"));
        assert_eq!(told(&["/usr/bin/borg", "serve", "--restrict-to-path=/home/backup"]), home("borg"));
        for path in ["/home/backup/in", "/home/other", "/srv", "/home/backups"] {
            assert_eq!(told(&["/usr/bin/tee", path]), None, "{path}");
        }
        let init = "tee may write /var/lib/backup, perhaps the account's own home";
        assert_eq!(told(&["/usr/bin/tee", "/var/lib/backup/.profile"]), warning(init));
    }

    #[test]
    fn a_program_in_the_home_is_what_the_account_makes_of_it() {
        let what = "what it executes lies in /home/backup, perhaps the account's own home";
        assert_eq!(told(&["/home/backup/bin/pull"]), warning(what));
        assert_eq!(told(&["/bin/sh", "/home/backup/pull.sh"]), warning(what));
    }

    #[test]
    fn the_home_is_that_of_this_host_where_it_is_asked() {
        assert_eq!(of("root", true), [PathBuf::from("/root")]);
        assert_eq!(of("root", false), [PathBuf::from("/root")]);
        assert_eq!(of("no-such-account", true), of("no-such-account", false));
    }
}
