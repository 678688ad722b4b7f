//! `[[command]]`: what isn't ZFS, and stands in a policy word by word. What runs is the administrator's text.
#![forbid(unsafe_code)]

use std::path::Path;

/// One `[[command]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedCommand {
    /// The words of the request. None: a connection without a command.
    pub request: Vec<String>,
    /// Whether further words may follow (`...`). They never reach the program's arguments.
    pub is_open: bool,
    /// The program by its absolute path, and its arguments.
    pub exec: Vec<String>,
    /// Whether the program gets SSH_ORIGINAL_COMMAND, to check it itself.
    pub original_command: bool,
}

impl FixedCommand {
    /// Whether these words are its request.
    pub fn is_asked<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> bool {
        let mut words = words.into_iter();
        let begins = self.request.iter().all(|own| words.next() == Some(own));
        begins && (self.is_open || words.next().is_none())
    }

    /// The file to execute.
    pub fn program(&self) -> &Path {
        Path::new(self.exec.first().map_or("", String::as_str))
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
            exec: Vec::new(),
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
