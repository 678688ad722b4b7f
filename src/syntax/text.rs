//! What a request may consist of, before any grammar: bytes to text.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;

use super::{Construct, Error, MAX_LINE, Span};

/// The request as text, if it is short enough and nothing in it could hide from a reader of the log.
pub(super) fn check(line: &[u8]) -> Result<&str, Error> {
    let found = |construct, start, length| Err(Error { construct, span: Span { start, end: start + length } });
    if line.len() > MAX_LINE {
        return found(Construct::LineTooLong, MAX_LINE, line.len() - MAX_LINE);
    }
    if let Some(at) = line.iter().position(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n')) {
        return found(Construct::ControlCharacter, at, 1);
    }
    let text = match str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => return found(Construct::InvalidUtf8, error.valid_up_to(), error.error_len().unwrap_or(1)),
    };
    for (at, character) in text.char_indices().filter(|(_, character)| !character.is_ascii()) {
        if character.is_control() {
            return found(Construct::ControlCharacter, at, character.len_utf8());
        }
        if is_invisible(character) {
            return found(Construct::InvisibleCharacter, at, character.len_utf8());
        }
    }
    // `sh -c -x` is two options and no request, in dash as in bash: what stands behind `-c` is looked at first.
    if text.starts_with(['-', '+']) {
        return found(Construct::ShellOption, 0, 1);
    }
    Ok(text)
}

/// Whether a character outside ASCII leaves no mark of its own.
fn is_invisible(character: char) -> bool {
    character.is_whitespace() || INVISIBLE.iter().any(|range| range.contains(&character))
}

/// General category Cf, Default_Ignorable_Code_Point and the non-characters at the end of the first plane (Unicode 16,
/// UnicodeData.txt and DerivedCoreProperties.txt), and what is for private use: nobody can say what that shows.
const INVISIBLE: [RangeInclusive<char>; 29] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{e000}'..='\u{f8ff}',
    '\u{fdd0}'..='\u{fdef}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{fffe}'..='\u{ffff}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{10ffff}',
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &[u8]) -> (Construct, usize, usize) {
        let error = check(line).unwrap_err();
        (error.construct, error.span.start, error.span.end)
    }

    #[test]
    fn what_no_terminal_shows_is_refused_by_name_and_place() {
        for (line, construct, start, end) in [
            (b"a\0".as_slice(), Construct::ControlCharacter, 1, 2),
            (b"\0a", Construct::ControlCharacter, 0, 1),
            (b"a\r\n", Construct::ControlCharacter, 1, 2),
            (b"a '\x1b[2J'", Construct::ControlCharacter, 3, 4),
            (b"a \x7f", Construct::ControlCharacter, 2, 3),
            (b"a \xff", Construct::InvalidUtf8, 2, 3),
            (b"a \xc3", Construct::InvalidUtf8, 2, 3),
            (b"a \xc0\xaf", Construct::InvalidUtf8, 2, 3),
            (b"a \xed\xa0\x80", Construct::InvalidUtf8, 2, 3),
            ("a '\u{9b}31m'".as_bytes(), Construct::ControlCharacter, 3, 5),
            ("a '\u{85}'".as_bytes(), Construct::ControlCharacter, 3, 5),
            ("a '\u{a0}'".as_bytes(), Construct::InvisibleCharacter, 3, 5),
            ("a '\u{202e}shs'".as_bytes(), Construct::InvisibleCharacter, 3, 6),
            ("a '\u{2028}'".as_bytes(), Construct::InvisibleCharacter, 3, 6),
            ("a '\u{200b}'".as_bytes(), Construct::InvisibleCharacter, 3, 6),
            ("a '\u{e0041}'".as_bytes(), Construct::InvisibleCharacter, 3, 7),
            (b"-c sh", Construct::ShellOption, 0, 1),
            (b"+x", Construct::ShellOption, 0, 1),
        ] {
            assert_eq!(refusal(line), (construct, start, end), "{:?}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
    fn the_length_is_checked_before_all_else() {
        assert_eq!(refusal(&vec![0; MAX_LINE + 2]), (Construct::LineTooLong, MAX_LINE, MAX_LINE + 2));
        assert!(check(&vec![b'a'; MAX_LINE]).is_ok());
    }

    #[test]
    fn text_with_newline_tab_and_letters_of_the_world_passes() {
        for text in ["", " ", "\n\ta\n", "a 'é ß 漢 😀'", " -x"] {
            assert_eq!(check(text.as_bytes()), Ok(text));
        }
    }

    #[test]
    fn the_table_of_invisible_characters_is_in_order() {
        assert!(INVISIBLE.iter().all(|range| range.start() <= range.end()));
        assert!(INVISIBLE.windows(2).all(|pair| pair[0].end() < pair[1].start()));
    }
}
