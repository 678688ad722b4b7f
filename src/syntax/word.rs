//! Words: the three quotings and their mixtures. (POSIX.1-2024, XCU 2.2.)
#![forbid(unsafe_code)]

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while, take_while1};
use nom::combinator::consumed;
use nom::multi::{fold_many0, fold_many1};
use nom::{Input, Parser};

use super::room::{Parsed, refuse, refuse_any};
use super::{Construct, SHELLS, Span};

/// A word after quote removal: UTF-8, no control character (but newlines in a format of printf and a text of `sh -c`),
/// nothing in it that a shell would expand. Only the parser makes one:
/// ```compile_fail,E0451
/// use zfs_shell::syntax::{Span, Word};
/// let word = Word { text: "zfs".to_owned(), span: Span::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    text: String,
    span: Span,
}

impl Word {
    pub(super) fn new(text: String, span: Span) -> Self {
        Self { text, span }
    }

    /// The text a program would get.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Says where it stands.
    pub(super) fn put(&mut self, span: Span) {
        self.span = span;
    }

    /// Where it stands in the request, quotes included.
    pub fn span(&self) -> Span {
        self.span
    }
}

/// What a word may hold besides what any may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    NoMore,
    /// A newline in quotes: a format of printf, a text of `sh -c`.
    Newline,
    /// `"$SHELL"` and nothing else, what printf and echo are asked to print.
    Shell,
}

impl Holds {
    /// Of the word behind these.
    pub(super) fn behind(words: &[Word]) -> Self {
        let [program, arguments @ ..] = words else { return Self::NoMore };
        match (program.as_str(), arguments) {
            ("printf", []) => Self::Newline,
            ("printf" | "echo", _) => Self::Shell,
            (name, [option]) if SHELLS.contains(&name) && option.as_str() == "-c" => Self::Newline,
            _ => Self::NoMore,
        }
    }
}

/// A word as it stands in the request, and its text.
pub(super) fn word<'a>(holds: Holds) -> impl FnMut(&'a str) -> Parsed<'a, (&'a str, String)> {
    move |input| {
        let (input, ()) = refuse_any(input, &[("#", Construct::Comment)])?;
        if let Some(known) = bracket(input).or_else(|| shell(input, holds)) {
            return Ok(known);
        }
        let piece = |input| piece(input, holds);
        consumed(fold_many1(piece, String::new, |text, piece| text + &piece)).parse(input)
    }
}

/// `[` or `]` as a whole word is no pattern (XCU 2.14.1): `[` is test(1), and `]` its last word.
fn bracket(input: &str) -> Option<(&str, (&str, String))> {
    ["[", "]"].into_iter().find_map(|bracket| whole(input, bracket, bracket))
}

/// `"$SHELL"`: the client speaks to sh.
fn shell(input: &str, holds: Holds) -> Option<(&str, (&str, String))> {
    if holds == Holds::Shell { whole(input, "\"$SHELL\"", "/bin/sh") } else { None }
}

/// These bytes as a whole word, and what they stand for.
fn whole<'a>(input: &'a str, written: &str, text: &str) -> Option<(&'a str, (&'a str, String))> {
    let behind = input.strip_prefix(written)?;
    let is_whole = behind.is_empty() || behind.starts_with([' ', '\t', '\n', ';', '&', '|', '<', '>']);
    is_whole.then(|| (behind, (input.take(written.len()), text.to_owned())))
}

/// Whether a shell reads the character as itself, wherever in a word it stands. An allowlist: what some shell gives a
/// meaning today or tomorrow is not in it. (`#` has one at the beginning of a word, which [`word`] looks at.)
pub(super) fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "#%+,-./:=@_".contains(character)
}

/// A part of a word that is quoted in one way.
fn piece(input: &str, holds: Holds) -> Parsed<'_, Cow<'_, str>> {
    let (input, ()) = refuse_any(input, &EXPANSIONS)?;
    let is_text = move |c: char| !c.is_ascii_control() || (c == '\n' && holds == Holds::Newline);
    alt((bare, single_quoted(is_text), double_quoted(is_text), escaped, not_ascii)).parse(input)
}

fn bare(input: &str) -> Parsed<'_, Cow<'_, str>> {
    take_while1(is_plain).map(Cow::Borrowed).parse(input)
}

/// XCU 2.2.1. A tab would be the only control character in a word, so there is none.
fn escaped(input: &str) -> Parsed<'_, Cow<'_, str>> {
    let (behind, backslash) = tag("\\").parse(input)?;
    match behind.chars().next() {
        None => refuse(Construct::TrailingBackslash, backslash),
        Some('\n') => refuse(Construct::LineContinuation, backslash),
        Some('\t') => refuse(Construct::ControlCharacter, behind),
        Some(character) if !character.is_ascii() => refuse(Construct::UnquotedNonAscii, behind),
        Some(_) => take(1usize).map(Cow::Borrowed).parse(behind),
    }
}

/// XCU 2.2.2: everything but `'` is itself.
fn single_quoted<'a>(is_text: impl Fn(char) -> bool) -> impl FnMut(&'a str) -> Parsed<'a, Cow<'a, str>> {
    move |input| {
        let (behind, quote) = tag("'").parse(input)?;
        let (behind, text) = take_while(|c| c != '\'' && is_text(c)).parse(behind)?;
        let (behind, _) = closed(behind, "'", Construct::UnterminatedSingleQuote, quote)?;
        Ok((behind, Cow::Borrowed(text)))
    }
}

/// XCU 2.2.3: `$` and the backquote keep their meaning; a backslash has one before these, `"`, itself and a newline.
fn double_quoted<'a>(is_text: impl Fn(char) -> bool) -> impl FnMut(&'a str) -> Parsed<'a, Cow<'a, str>> {
    move |input| {
        let (behind, quote) = tag("\"").parse(input)?;
        let part = alt((take_while1(|c| !"\"\\$`".contains(c) && is_text(c)), escaped_in_quotes));
        let (behind, text) = fold_many0(part, String::new, |text, part| text + part).parse(behind)?;
        let (behind, ()) = refuse_any(behind, &EXPANSIONS_IN_QUOTES)?;
        let (behind, _) = closed(behind, "\"", Construct::UnterminatedDoubleQuote, quote)?;
        Ok((behind, Cow::Owned(text)))
    }
}

fn escaped_in_quotes(input: &str) -> Parsed<'_, &str> {
    let (behind, backslash) = tag("\\").parse(input)?;
    match behind.chars().next() {
        Some('\n') => refuse(Construct::LineContinuation, backslash),
        Some('$' | '`' | '"' | '\\') => take(1usize).parse(behind),
        _ => Ok((behind, backslash)),
    }
}

/// The end of a quotation, or why there is none: the request ends, or a newline or tab would become part of the word.
fn closed<'a>(input: &'a str, mark: &'static str, missing: Construct, opened: &'a str) -> Parsed<'a, &'a str> {
    match tag(mark).parse(input) {
        Err(nom::Err::Error(_)) if input.is_empty() => refuse(missing, opened),
        Err(nom::Err::Error(_)) => {
            let (_, found) = take(1usize).parse(input)?;
            refuse(Construct::ControlCharacter, found)
        }
        end => end,
    }
}

fn not_ascii(input: &str) -> Parsed<'_, Cow<'_, str>> {
    let (_, found) = take_while1(|c: char| !c.is_ascii()).parse(input)?;
    refuse(Construct::UnquotedNonAscii, found)
}

/// What an unquoted character of a word would start. Longer marks first.
const EXPANSIONS: [(&str, Construct); 18] = [
    ("$((", Construct::ArithmeticExpansion),
    ("$[", Construct::ArithmeticExpansion),
    ("$(", Construct::CommandSubstitution),
    ("`", Construct::CommandSubstitution),
    ("$'", Construct::DollarQuote),
    ("$\"", Construct::DollarQuote),
    ("$", Construct::ParameterExpansion),
    ("*", Construct::GlobPattern),
    ("?", Construct::GlobPattern),
    ("[", Construct::GlobPattern),
    ("]", Construct::GlobPattern),
    ("{", Construct::Brace),
    ("}", Construct::Brace),
    ("~", Construct::Tilde),
    ("!", Construct::ExclamationMark),
    ("^", Construct::Caret),
    ("(", Construct::Parenthesis),
    (")", Construct::Parenthesis),
];

/// What keeps its meaning inside double quotes.
const EXPANSIONS_IN_QUOTES: [(&str, Construct); 5] = [
    ("$((", Construct::ArithmeticExpansion),
    ("$[", Construct::ArithmeticExpansion),
    ("$(", Construct::CommandSubstitution),
    ("`", Construct::CommandSubstitution),
    ("$", Construct::ParameterExpansion),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(input: &str) -> String {
        let (rest, (written, text)) = word(Holds::NoMore)(input).unwrap();
        assert_eq!((written, rest), (input, ""), "{input:?} is one word");
        text
    }

    fn refusal(input: &str) -> (Construct, &str) {
        match word(Holds::NoMore)(input) {
            Err(nom::Err::Failure(trouble)) => (trouble.construct, trouble.at),
            other => panic!("{input:?} gave {other:?}"),
        }
    }

    #[test]
    fn each_quoting_and_each_mixture_gives_one_text() {
        for (written, expected) in [
            ("tank/data@a", "tank/data@a"),
            ("%+,-./:=@_a#b", "%+,-./:=@_a#b"),
            ("''", ""),
            ("\"\"", ""),
            ("''zfs\"\"", "zfs"),
            ("'a b'", "a b"),
            (r"'a\'", r"a\"),
            ("'$(id)`*~#;|&<>'", "$(id)`*~#;|&<>"),
            (r#""a\$b\`c\"d\\e""#, r#"a$b`c"d\e"#),
            (r#""\a\!\'""#, r"\a\!\'"),
            ("\"*?~#{!}';|&<>()\"", "*?~#{!}';|&<>()"),
            (r"\z\f\s\ \;\$\#\~\\", r"zfs ;$#~\"),
            ("tank'/'\"data\"\\@a", "tank/data@a"),
            ("'é'\"ß漢\"", "éß漢"),
            ("''#b", "#b"),
            ("[", "["),
            ("]", "]"),
        ] {
            assert_eq!(text(written), expected, "{written}");
        }
    }

    #[test]
    fn a_word_ends_before_a_blank_or_an_operator() {
        for end in [" ", "\t", "\n", ";", "&", "|", "<", ">", " b", "|b"] {
            let line = format!("'a'{end}");
            assert_eq!(word(Holds::NoMore)(&line).unwrap(), (end, ("'a'", "a".to_owned())), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_word_is_named_with_its_bytes() {
        for (written, construct, at) in [
            ("a$(id)", Construct::CommandSubstitution, "$("),
            ("a`id`", Construct::CommandSubstitution, "`"),
            ("\"a`\"", Construct::CommandSubstitution, "`"),
            ("\"$(id)\"", Construct::CommandSubstitution, "$("),
            ("$((1))", Construct::ArithmeticExpansion, "$(("),
            ("$[1]", Construct::ArithmeticExpansion, "$["),
            ("${x}", Construct::ParameterExpansion, "$"),
            ("a$", Construct::ParameterExpansion, "$"),
            ("\"a$\"", Construct::ParameterExpansion, "$"),
            ("$'a'", Construct::DollarQuote, "$'"),
            ("$\"a\"", Construct::DollarQuote, "$\""),
            ("a*", Construct::GlobPattern, "*"),
            ("a[b]", Construct::GlobPattern, "["),
            ("a]", Construct::GlobPattern, "]"),
            ("a{b,c}", Construct::Brace, "{"),
            ("x=~", Construct::Tilde, "~"),
            ("!b", Construct::ExclamationMark, "!"),
            ("a^b", Construct::Caret, "^"),
            ("a()", Construct::Parenthesis, "("),
            ("#a", Construct::Comment, "#"),
            ("'a", Construct::UnterminatedSingleQuote, "'"),
            (r"'a\''b", Construct::UnterminatedSingleQuote, "'"),
            ("a\"b", Construct::UnterminatedDoubleQuote, "\""),
            (r#""a\"#, Construct::UnterminatedDoubleQuote, "\""),
            ("a\\", Construct::TrailingBackslash, "\\"),
            ("a\\\nb", Construct::LineContinuation, "\\"),
            ("\"a\\\nb\"", Construct::LineContinuation, "\\"),
            ("'a\nb'", Construct::ControlCharacter, "\n"),
            ("\"a\tb\"", Construct::ControlCharacter, "\t"),
            ("aé", Construct::UnquotedNonAscii, "é"),
        ] {
            assert_eq!(refusal(written), (construct, at), "{written:?}");
        }
    }
}
