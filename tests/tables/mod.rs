//! The tables of requests: tab-separated, one header line, `#` begins a comment. (tests/attacks/README.md)
#![expect(clippy::disallowed_methods, reason = "a test reads its tables")]

use std::fs;

/// One line of a table: the bytes of the request, and what the other columns say.
pub struct Row {
    pub id: String,
    pub line: Vec<u8>,
    pub third: String,
    pub fourth: String,
}

/// The rows of a file below tests/attacks.
pub fn rows(name: &str) -> Vec<Row> {
    let path = format!("{}/tests/attacks/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| match row.split('\t').collect::<Vec<_>>()[..] {
        [id, line, third, fourth] => {
            Row { id: id.to_owned(), line: unescape(line), third: third.to_owned(), fourth: fourth.to_owned() }
        }
        _ => panic!("{path}: not four columns: {row}"),
    })
    .collect()
}

/// `\n \r \t \0 \\ \xHH`, and no others.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut line = Vec::new();
    while let Some(byte) = bytes.next() {
        line.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'0') => 0,
                Some(b'\\') => b'\\',
                Some(b'x') => {
                    let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                    u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("unknown escape {other:?} in {text}"),
            },
            byte => byte,
        });
    }
    line
}
