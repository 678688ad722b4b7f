//! What is wrong with a policy, said so that the place and the remedy are plain.
#![forbid(unsafe_code)]

use std::ops::Range;

use thiserror::Error;

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}, column {column}: {message}")]
pub struct PolicyError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong, in one line, with the nearest valid name where there is one.
    pub message: String,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
}

impl PolicyError {
    /// With the line and the column of the first of these bytes of the file.
    pub(super) fn new(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let (mut line, mut column) = (1, 1);
        for byte in text.bytes().take(span.start) {
            match byte {
                b'\n' => (line, column) = (line + 1, 1),
                0x80..=0xbf => {} // inside a character
                _ => column += 1,
            }
        }
        Self { line, column, message: message.into(), span }
    }

    /// From the parser's own words.
    pub(super) fn from_toml(text: &str, error: &::toml::de::Error) -> Self {
        let end = text.len();
        Self::new(text, error.span().unwrap_or(end..end), reword(error.message()))
    }
}

/// Says that a name is none of a closed list: `unknown key x, did you mean y?`.
pub(super) fn unknown(what: &str, given: &str, valid: &[&str]) -> String {
    let shown = given.escape_debug();
    match (nearest(given, valid), valid) {
        (Some(nearest), _) => format!("unknown {what} `{shown}`, did you mean `{nearest}`?"),
        (None, [only]) => format!("unknown {what} `{shown}`, expected `{only}`"),
        (None, valid) => {
            let valid: Vec<String> = valid.iter().map(|valid| format!("`{valid}`")).collect();
            format!("unknown {what} `{shown}`, expected one of {}", valid.join(", "))
        }
    }
}

/// The valid name that this is most likely meant to be: a third of it may be wrong.
pub(super) fn nearest<'v>(given: &str, valid: &[&'v str]) -> Option<&'v str> {
    let far = |valid: &str| strsim::osa_distance(given, valid);
    let nearest = *valid.iter().min_by_key(|valid| far(valid))?;
    (far(nearest) <= (given.chars().count() / 3).max(1)).then_some(nearest)
}

/// Puts serde's words into those of TOML, in one line.
fn reword(message: &str) -> String {
    if let Some(unknown) = unknown_field(message) {
        return unknown;
    }
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = message
        .replace("invalid type: map", "invalid type: table")
        .replace("a sequence", "an array")
        .replace("type: sequence", "type: array");
    if message == "invalid type: table, expected an array" {
        return format!("{message} (of tables: `[[` and `]]` around its name)");
    }
    message
}

/// serde has the names of a table's keys, but hands them on in its message alone:
/// unknown field `x`, expected one of `a`, `b`.
fn unknown_field(message: &str) -> Option<String> {
    let (given, expected) = message.strip_prefix("unknown field `")?.rsplit_once("`, expected ")?;
    if given.starts_with("$__") {
        return Some("invalid type: date-time, expected a table".to_owned()); // the parser's inner name of it
    }
    let valid: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    Some(unknown("key", given, &valid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let text = "a = 1\nä = \"ö\" x\n";
        let place = |start| {
            let error = PolicyError::new(text, start..start, "");
            (error.line, error.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(4), (1, 5));
        assert_eq!(place(6), (2, 1));
        assert_eq!(place(text.find('x').unwrap()), (2, 9));
        assert_eq!(place(text.len()), (3, 1));
        assert_eq!(place(1000), (3, 1));
    }

    #[test]
    fn the_nearest_name_is_offered_only_where_it_is_near() {
        let valid = ["datasets", "destroy", "until"];
        assert_eq!(nearest("dataset", &valid), Some("datasets"));
        assert_eq!(nearest("untill", &valid), Some("until"));
        assert_eq!(nearest("x", &valid), None);
        assert_eq!(nearest("mountpoint", &valid), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn an_unknown_field_is_told_in_words_of_the_file() {
        let cases = [
            ("unknown field `keeps`, expected one of `keep`, `names`", "unknown key `keeps`, did you mean `keep`?"),
            ("unknown field `via2`, expected `via`", "unknown key `via2`, did you mean `via`?"),
            ("unknown field `x`, expected `max` or `tags`", "unknown key `x`, expected one of `max`, `tags`"),
            ("unknown field `x\ny`, expected `via`", "unknown key `x\\ny`, expected `via`"),
            ("unknown field ``, expected `, expected `via`", "unknown key ``, expected `, expected `via`"),
            ("invalid type: map, expected a boolean", "invalid type: table, expected a boolean"),
            ("one\ntwo", "one two"),
        ];
        for (message, expected) in cases {
            assert_eq!(reword(message), expected);
        }
    }
}
