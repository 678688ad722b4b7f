//! What an administrator writes word by word: `[[command]]`, which isn't ZFS, and the programs of `[hooks]`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// A program by its absolute path, and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedExec(Rc<[String]>);

/// One `[[command]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedCommand {
    /// The words of the request. None: a connection without a command.
    pub request: Vec<String>,
    /// Whether further words may follow (`...`). They never reach the program's arguments.
    pub is_open: bool,
    /// What runs.
    pub exec: FixedExec,
    /// Whether the program gets SSH_ORIGINAL_COMMAND, to check it itself.
    pub original_command: bool,
}

/// `[hooks]`: what runs around each `zfs snapshot`, to freeze and thaw what writes to the datasets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// First. No snapshot is taken unless it ends with status 0.
    pub before_snapshot: Option<FixedExec>,
    /// Last, whatever became of the one and the other.
    pub after_snapshot: Option<FixedExec>,
    /// How long each of the two may take.
    pub time: Duration,
}

impl Hooks {
    /// Those that are written.
    pub fn programs(&self) -> impl Iterator<Item = &FixedExec> {
        self.before_snapshot.iter().chain(&self.after_snapshot)
    }
}

impl FixedExec {
    /// None, unless the first word is an absolute path that may be a program's.
    pub fn new(words: Vec<String>) -> Option<Self> {
        let is_program = words.first().is_some_and(|first| first.starts_with('/') && !first.ends_with('/'));
        is_program.then(|| Self(words.into()))
    }

    /// The file to execute.
    pub fn program(&self) -> &Path {
        Path::new(self.0.first().map_or("", String::as_str))
    }

    /// The program's name and arguments.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl FixedCommand {
    /// Whether these words are its request.
    pub fn is_asked<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> bool {
        let mut words = words.into_iter();
        let begins = self.request.iter().all(|own| words.next() == Some(own));
        begins && (self.is_open || words.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_all_of_the_words_and_more_only_where_it_says_so() {
        let command = |request: &[&str], is_open| FixedCommand {
            request: request.iter().map(ToString::to_string).collect(),
            is_open,
            exec: FixedExec::new(vec!["/bin/x".to_owned()]).unwrap(),
            original_command: false,
        };
        let closed = command(&["backup", "now"], false);
        assert!(closed.is_asked(["backup", "now"]));
        for other in
            [&["backup"][..], &["backup", "now", ""], &["now", "backup"], &[], &["backup now"], &["backup", "no"]]
        {
            assert!(!closed.is_asked(other.iter().copied()), "{other:?}");
        }
        let open = command(&["borg", "serve"], true);
        assert!(open.is_asked(["borg", "serve"]) && open.is_asked(["borg", "serve", "--umask=077"]));
        assert!(!open.is_asked(["borg"]) && !open.is_asked(["borg", "init"]));
        assert!(command(&[], false).is_asked([]) && !command(&[], false).is_asked(["x"]));
    }
}
