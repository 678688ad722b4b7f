//! Words for people: as a shell would have to read them.
#![forbid(unsafe_code)]

use super::grammar::is_program;
use super::word::is_plain;

/// The words of one command as a line that any POSIX shell reads back as the same words, and so does [`super::parse`].
/// For display, and for a program of the administrator's that reads the request itself: no argument is made from it.
pub fn quote<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for word in words {
        if line.is_empty() {
            // A first word means more than another: a reserved word, an assignment, an option of the shell.
            line = if is_bare(word) && is_program(word) { word.to_owned() } else { in_quotes(word) };
        } else {
            line.push(' ');
            line += &if is_bare(word) { word.to_owned() } else { in_quotes(word) };
        }
    }
    line
}

fn is_bare(word: &str) -> bool {
    !word.is_empty() && !word.starts_with('#') && word.chars().all(is_plain)
}

/// The one character that single quotes can't hold stands outside them (XCU 2.2.2).
fn in_quotes(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        for (words, expected) in [
            (&["zfs", "list", "-o", "name", "tank/data@a"][..], "zfs list -o name tank/data@a"),
            (&["zfs", "list", "tank/x y"], "zfs list 'tank/x y'"),
            (&["a", ""], "a ''"),
            (&["a", "it's"], r"a 'it'\''s'"),
            (&["a", "#b", "c#d", "x=~", "$(id)"], "a '#b' c#d 'x=~' '$(id)'"),
            (&["if", "if"], "'if' if"),
            (&["-x", "-x"], "'-x' -x"),
            (&[], ""),
        ] {
            assert_eq!(quote(words.iter().copied()), expected);
        }
    }
}
