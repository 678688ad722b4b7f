//! The laws of this room, over whatever a client may send.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{MAX_LINE, Simple, Span, Word, parse, quote};
use crate::script::Script;

fn words(simple: &Simple) -> Vec<&str> {
    std::iter::once(&simple.program).chain(&simple.arguments).map(Word::as_str).collect()
}

fn all_words(script: &Script<Simple>) -> Vec<Vec<&str>> {
    script.leaves().map(words).collect()
}

/// Text that is mostly the language of shells.
fn shellish() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        8 => prop::sample::select(&WORDS[..]),
        8 => prop::sample::select(&OPERATORS[..]),
        4 => prop::sample::select(&QUOTES[..]),
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

const WORDS: [&str; 12] = ["zfs", "list", "a", "2", "22", "x2", "tank/data@a", "if", "a=b", "-x", "é", "\u{a0}"];
const OPERATORS: [&str; 14] = [" ", " ", "\t", "\n", ";", "|", "&&", "||", "2>&1", ">/dev/null", "2>", "<", "&", "#"];
const QUOTES: [&str; 15] =
    ["'", "\"", "\\", "'a b'", "\"a\\\"b\"", "\\;", "''", "'é'", "$", "`", "*", "{", "~", "(", "!"];

/// A word that some request could hold.
fn any_word() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "[a-z/@=#%+:-]{1,12}", "[ -~éß漢]{0,6}"]
}

proptest! {
    #[test]
    fn whatever_bytes_come_an_answer_comes_back_with_its_place(line in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = parse(&line) {
            prop_assert!(error.span.start < error.span.end && error.span.end <= line.len());
        }
    }

    #[test]
    fn a_refusal_points_into_the_request_and_between_characters(line in shellish()) {
        if let Err(error) = parse(line.as_bytes()) {
            prop_assert!(line.get(error.span.start..error.span.end).is_some_and(|part| !part.is_empty()), "{error:?}");
        }
    }

    #[test]
    fn words_quoted_and_read_are_the_same_words(
        program in "[a-z][ -<>-~]{0,9}",
        others in prop::collection::vec(any_word(), 0..6),
    ) {
        let written: Vec<&str> = std::iter::once(&program).chain(&others).map(String::as_str).collect();
        let script = parse(quote(written.iter().copied()).as_bytes()).unwrap().unwrap();
        prop_assert_eq!(all_words(&script), vec![written]);
    }

    #[test]
    fn what_was_read_is_read_again_from_its_quoted_words(line in shellish()) {
        if let Ok(Some(script)) = parse(line.as_bytes()) {
            for leaf in script.leaves() {
                // Not as the whole request: `sh -c TEXT` would be what its text is.
                let again = parse(format!("{}; x", quote(words(leaf))).as_bytes()).unwrap().unwrap();
                prop_assert_eq!(all_words(&again), vec![words(leaf), vec!["x"]]);
            }
        }
    }

    #[test]
    fn each_word_is_read_again_from_its_own_bytes(line in shellish()) {
        if let Ok(Some(script)) = parse(line.as_bytes()) {
            for word in script.leaves().flat_map(|leaf| std::iter::once(&leaf.program).chain(&leaf.arguments)) {
                let Span { start, end } = word.span();
                let alone = parse(format!("a {}", line.get(start..end).unwrap()).as_bytes()).unwrap().unwrap();
                prop_assert_eq!(all_words(&alone), vec![vec!["a", word.as_str()]]);
            }
        }
    }

    #[test]
    fn a_line_without_operators_is_read_as_an_independent_reader_does(line in shellish()) {
        if let Ok(Some(script)) = parse(line.as_bytes())
            && !line.contains(['<', '>', '|', '&', ';', '\n'])
        {
            let theirs = shlex::split(&line).unwrap();
            prop_assert_eq!(all_words(&script), vec![theirs.iter().map(String::as_str).collect::<Vec<_>>()]);
        }
    }

    #[test]
    fn blanks_around_change_nothing(line in shellish()) {
        let around = format!(" \n\t{line} \n");
        // The first byte has a rule of its own, and a backslash at the end would take the blank.
        if let Ok(Some(script)) = parse(line.as_bytes()) {
            let again = parse(around.as_bytes()).unwrap().unwrap();
            prop_assert_eq!(all_words(&again), all_words(&script));
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
fn the_longest_requests_take_no_longer_than_their_bytes() {
    for part in [
        "a",
        "'",
        "\"",
        "\\a",
        "''",
        "\"\"",
        "a'b'\"c\"",
        "a ",
        "2",
        "2>&1 ",
        ">/dev/null ",
        "a|",
        "a;",
        "\n",
        " ",
        "$(",
        "(",
    ] {
        for start in ["", "a \""] {
            let line: String = start.chars().chain(part.chars().cycle()).take(MAX_LINE).collect();
            let begun = Instant::now();
            let _ = parse(line.as_bytes());
            assert!(begun.elapsed() < Duration::from_secs(5), "{start}{part}");
        }
    }
}
