//! Commands, pipelines, lists, and `if` that stands in no other. Flat, and so a loop for each: nothing here calls itself,
//! whatever the input. (POSIX.1-2024, XCU 2.9 and 2.10.)
#![forbid(unsafe_code)]

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while};
use nom::character::complete::one_of;
use nom::combinator::{consumed, not, value};
use nom::sequence::terminated;
use nom::{Input, Offset, Parser};

use super::redirect::{blanks, redirect};
use super::room::{Parsed, Trouble, refuse, refuse_any};
use super::word::{Holds, Word, word};
use super::{Construct, Error, MAX_COMMANDS, MAX_STAGES, MAX_WORDS, Redirect, Simple, Span};
use crate::script::{Joint, Pipeline, Script, Status};

/// Reads a request of which [`super::text`] found nothing to say.
pub(super) fn parse(line: &str) -> Result<Option<Script<Simple>>, Error> {
    match (Reader { line, commands: 0, words: 0 }).script() {
        Ok((_, script)) => Ok(script),
        Err(nom::Err::Error(trouble) | nom::Err::Failure(trouble)) => {
            Err(Error { construct: trouble.construct, span: span(line, trouble.at) })
        }
        Err(nom::Err::Incomplete(_)) => Err(Error { construct: Construct::Unknown, span: span(line, line) }),
    }
}

/// What stands in a command.
enum Element<'a> {
    Word(&'a str, String),
    Redirect(Redirect),
}

/// Where in a command a word stands.
#[derive(Clone, Copy)]
enum Place {
    Program,
    Argument,
}

/// The request, and what was counted so far.
struct Reader<'a> {
    line: &'a str,
    commands: usize,
    words: usize,
}

/// Where in an `if` a list is, and the `if` itself.
#[derive(Clone, Copy)]
enum Open<'a> {
    No,
    /// In front of `then`.
    If(&'a str),
    /// In front of `else` or `fi`.
    Then(&'a str),
    /// In front of `fi`.
    Else(&'a str),
}

impl<'a> Reader<'a> {
    /// Pipelines and what joins them, up to the end of the request.
    fn script(&mut self) -> Parsed<'a, Option<Script<Simple>>> {
        let (mut input, _) = gap(self.line)?;
        let mut parts = Vec::new();
        let (mut before, mut open) = (Joint::Next, Open::No);
        while !input.is_empty() {
            match (reserved(input), open, before) {
                (Some(("fi", word, behind)), Open::Then(_) | Open::Else(_), Joint::Next) => {
                    ((input, ()), before, open) = (end_of_if(word, behind)?, Joint::Fi, Open::No);
                    continue;
                }
                (Some(("if", word, behind)), Open::No, Joint::Next | Joint::Fi) => {
                    ((input, _), open) = (gap(behind)?, Open::If(word));
                }
                (Some(("then", _, behind)), Open::If(at), Joint::Next) => {
                    ((input, _), before, open) = (gap(behind)?, Joint::Then, Open::Then(at));
                }
                (Some(("else", _, behind)), Open::Then(at), Joint::Next) => {
                    ((input, _), before, open) = (gap(behind)?, Joint::Else, Open::Else(at));
                }
                _ => {}
            }
            if input.is_empty() {
                break;
            }
            let (behind, pipeline) = self.pipeline(input)?;
            parts.push((before, pipeline));
            (input, before) = end_of_pipeline(behind)?;
        }
        if let Open::If(at) | Open::Then(at) | Open::Else(at) = open {
            return refuse(Construct::CompoundCommand, at);
        }
        let mut parts = parts.into_iter();
        Ok((input, parts.next().map(|(_, first)| Script { first, rest: parts.collect() })))
    }

    /// Commands joined by `|`, up to what else ends a command.
    fn pipeline(&mut self, input: &'a str) -> Parsed<'a, Pipeline<Simple>> {
        let (mut input, first) = self.command(input)?;
        let mut rest = Vec::new();
        while let Ok((behind, operator)) = pipe(input) {
            let (behind, _) = gap(behind)?;
            if behind.is_empty() {
                return refuse(Construct::EmptyCommand, operator);
            }
            if rest.len() + 1 >= MAX_STAGES {
                return refuse(Construct::TooManyStages, operator);
            }
            let (behind, stage) = self.command(behind)?;
            rest.push(stage);
            input = behind;
        }
        Ok((input, Pipeline { first, rest, status: Status::Last }))
    }

    /// One command, up to the operator or newline that ends it.
    fn command(&mut self, start: &'a str) -> Parsed<'a, Simple> {
        let mut words: Vec<Word> = Vec::new();
        let mut redirects = Vec::new();
        let mut end = start;
        let behind = loop {
            let (input, _) = blanks(end)?;
            end = match element(input, Holds::behind(&words)) {
                Ok((behind, Element::Redirect(redirect))) => {
                    redirects.push(redirect);
                    behind
                }
                Ok((behind, Element::Word(written, text))) => {
                    let place = if words.is_empty() { Place::Program } else { Place::Argument };
                    words.push(self.word(place, written, text)?);
                    behind
                }
                Err(nom::Err::Error(_)) => break input,
                Err(failure) => return Err(failure),
            };
        };
        let written = start.take(start.offset(end));
        if written.is_empty() {
            let (behind, ()) = none_of_ours(behind)?;
            let (_, operator) = take(1usize).parse(behind)?;
            return refuse(Construct::EmptyCommand, operator);
        }
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            return refuse(Construct::TooManyCommands, written);
        }
        let mut words = words.into_iter();
        match words.next() {
            None => refuse(Construct::NoProgram, written),
            Some(program) => {
                let span = span(self.line, written);
                Ok((
                    behind,
                    Simple { program, arguments: words.collect(), redirects, path: false, announced: false, span },
                ))
            }
        }
    }

    /// One word of a command, if shells take it for one where it stands.
    fn word(&mut self, place: Place, written: &'a str, text: String) -> Result<Word, nom::Err<Trouble<'a>>> {
        self.words += 1;
        let construct = match place {
            _ if self.words > MAX_WORDS => Some(Construct::TooManyWords),
            Place::Program => no_program(written, &text),
            Place::Argument => None,
        };
        match construct {
            Some(construct) => Err(nom::Err::Failure(Trouble { construct, at: written })),
            None => Ok(Word::new(text, span(self.line, written))),
        }
    }
}

fn element(input: &str, holds: Holds) -> Parsed<'_, Element<'_>> {
    let word = word(holds).map(|(written, text)| Element::Word(written, text));
    alt((redirect.map(Element::Redirect), word)).parse(input)
}

/// A reserved word that begins or ends a list of an `if`, where the input begins with one: as which, as it stands there,
/// and what stands behind.
fn reserved(input: &str) -> Option<(&'static str, &str, &str)> {
    let end = input.find([' ', '\t', '\n', ';']).unwrap_or(input.len());
    let (word, behind) = input.split_at(end);
    let name = ["if", "then", "else", "fi"].into_iter().find(|name| *name == word)?;
    Some((name, word, behind))
}

/// What ends an `if`: the end, or what separates commands. A redirection of all of it is not understood, nor a pipe.
fn end_of_if<'a>(fi: &'a str, input: &'a str) -> Parsed<'a, ()> {
    let (input, _) = blanks(input)?;
    if input.is_empty() {
        return Ok((input, ()));
    }
    match joint(input) {
        Ok((behind, Joint::Next)) => gap(behind).map(|(behind, _)| (behind, ())),
        Err(failure @ nom::Err::Failure(_)) => Err(failure),
        _ => refuse(Construct::CompoundCommand, fi),
    }
}

/// What ends a pipeline: the end, or what joins it to the next.
fn end_of_pipeline(input: &str) -> Parsed<'_, Joint> {
    if input.is_empty() {
        return Ok((input, Joint::Next));
    }
    let (behind, (operator, joint)) = consumed(joint).parse(input)?;
    let (behind, _) = gap(behind)?;
    match joint {
        Joint::And | Joint::Or if behind.is_empty() => refuse(Construct::EmptyCommand, operator),
        joint => Ok((behind, joint)),
    }
}

/// What a first word is that is no name of a program, if so.
fn no_program(written: &str, text: &str) -> Option<Construct> {
    let tail = written.trim_start_matches(|character: char| character.is_ascii_alphanumeric() || character == '_');
    let is_named = !written.starts_with(|character: char| character.is_ascii_digit()) && tail.len() < written.len();
    match text {
        "" => Some(Construct::EmptyProgram),
        _ if is_named && (tail.starts_with('=') || tail.starts_with("+=")) => Some(Construct::Assignment),
        _ if text.contains('=') => Some(Construct::EqualsInProgram),
        _ if text.starts_with('%') => Some(Construct::Job),
        _ if RESERVED.contains(&written) => Some(Construct::CompoundCommand),
        _ if is_named && tail == ":" => Some(Construct::ReservedWord),
        _ => None,
    }
}

/// Whether an unquoted word can be the first of a request.
pub(super) fn is_program(word: &str) -> bool {
    no_program(word, word).is_none() && !word.starts_with(['-', '+'])
}

/// What joins two pipelines. A newline is a `;` (XCU 2.10, `newline_list`).
fn joint(input: &str) -> Parsed<'_, Joint> {
    let (input, ()) = none_of_ours(input)?;
    alt((
        value(Joint::And, tag("&&")),
        value(Joint::Or, tag("||")),
        value(Joint::Next, tag(";")),
        value(Joint::Next, tag("\n")),
    ))
    .parse(input)
}

/// `|`, unless it begins another operator.
fn pipe(input: &str) -> Parsed<'_, &str> {
    terminated(tag("|"), not(one_of("|&"))).parse(input)
}

fn none_of_ours(input: &str) -> Parsed<'_, ()> {
    if input.starts_with("&&") { Ok((input, ())) } else { refuse_any(input, &OPERATORS) }
}

/// Blanks and empty lines.
fn gap(input: &str) -> Parsed<'_, &str> {
    take_while(|character| matches!(character, ' ' | '\t' | '\n')).parse(input)
}

/// Where a part of the request stands in it.
fn span(line: &str, part: &str) -> Span {
    let start = line.offset(part);
    Span { start, end: start + part.len() }
}

/// Operators that are none of ours. Longer marks first.
const OPERATORS: [(&str, Construct); 5] = [
    (";;", Construct::CaseTerminator),
    (";&", Construct::CaseTerminator),
    ("|&", Construct::PipeBoth),
    ("&>", Construct::BothStreams),
    ("&", Construct::Background),
];

/// Reserved words of POSIX (XCU 2.4) and bash that can begin a command; those made of other characters are refused as
/// words.
const RESERVED: [&str; 18] = [
    "case",
    "coproc",
    "do",
    "done",
    "elif",
    "else",
    "esac",
    "fi",
    "for",
    "function",
    "if",
    "in",
    "namespace",
    "select",
    "then",
    "time",
    "until",
    "while",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn script(line: &str) -> Script<Simple> {
        parse(line).unwrap_or_else(|error| panic!("{line:?}: {error}")).unwrap_or_else(|| panic!("{line:?} is blank"))
    }

    /// The script in a form that shows structure and quotes nothing.
    fn shape(line: &str) -> String {
        let command = |simple: &Simple| {
            let words = std::iter::once(&simple.program).chain(&simple.arguments).map(Word::as_str);
            format!("{}{}", words.collect::<Vec<_>>().join(","), "!".repeat(simple.redirects.len()))
        };
        let pipeline = |p: &Pipeline<Simple>| p.leaves().map(command).collect::<Vec<_>>().join("|");
        let script = script(line);
        script.rest.iter().fold(pipeline(&script.first), |text, (joint, next)| {
            let mark = match joint {
                Joint::Next => ";",
                Joint::And => "&",
                Joint::Or => "+",
                Joint::Then => "{",
                Joint::Else => "}{",
                Joint::Fi => "}",
            };
            text + mark + &pipeline(next)
        })
    }

    fn refusal(line: &str) -> (Construct, usize) {
        match parse(line) {
            Err(error) => (error.construct, error.span.start),
            Ok(script) => panic!("{line:?} gave {script:?}"),
        }
    }

    #[test]
    fn a_blank_request_is_none() {
        for line in ["", " ", "\n", " \t\n \n"] {
            assert_eq!(parse(line), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn operators_blanks_and_newlines_give_the_shape() {
        for (line, expected) in [
            ("zfs list tank", "zfs,list,tank"),
            (" \tzfs\tlist  tank ", "zfs,list,tank"),
            ("a|b|c", "a|b|c"),
            ("a | b;c&&d||e", "a|b;c&d+e"),
            ("a\nb", "a;b"),
            ("\n\na\n\n \nb\n", "a;b"),
            ("a;", "a"),
            ("a ; \n", "a"),
            ("a;\nb", "a;b"),
            ("a |\n b &&\n\n c ||\td", "a|b&c+d"),
            ("a 2>&1|b", "a!|b"),
            ("a 2>&1&&b", "a!&b"),
            ("a 2>&1;b 2>&1", "a!;b!"),
            ("2>&1 a", "a!"),
            ("a 2>/dev/null b </dev/null c", "a,b,c!!"),
            ("a>/dev/null>/dev/null", "a!!"),
            ("a>/dev/null;b", "a!;b"),
            ("a 2 >/dev/null", "a,2!"),
            ("data2>/dev/null", "data2!"),
            ("'2'>/dev/null", "2!"),
            ("a if time x=y = % a#b --x=y", "a,if,time,x=y,=,%,a#b,--x=y"),
            ("'if' \\a", "if,a"),
            (":", ":"),
            ("a:b", "a:b"),
            ("/sbin/zfs", "/sbin/zfs"),
            ("if a; then b; fi", "a{b"),
            ("if a; b && c;then d\nelse e|f; fi ; g", "a;b&c{d}{e|f}g"),
            ("x; if\n a\nthen\n\nb;fi\nif c; then d; fi;", "x;a{b}c{d"),
            ("if if-x; then then-x; else fix; fi", "if-x{then-x}{fix"),
            ("echo if then fi; 'fi'", "echo,if,then,fi;fi"),
            ("[ -r /a ]", "[,-r,/a,]"),
            ("a [ ] ;b", "a,[,];b"),
            ("printf 'a\n' b", "printf,a\n,b"),
            ("printf \"%s\n\" \"$SHELL\"; echo \"$SHELL\"", "printf,%s\n,/bin/sh;echo,/bin/sh"),
        ] {
            assert_eq!(shape(line), expected, "{line:?}");
        }
    }

    #[test]
    fn redirections_keep_their_order() {
        let script = script("2>&1 a >/dev/null b 2> /dev/null </dev/null");
        use Redirect::{ErrToNull, ErrToOut, InFromNull, OutToNull};
        assert_eq!(script.first.first.redirects, [ErrToOut, OutToNull, ErrToNull, InFromNull]);
    }

    #[test]
    fn spans_are_those_of_the_bytes_written() {
        let line = " 'a b' c | \\d  2>&1 ;e";
        let script = script(line);
        let spans: Vec<_> = script.leaves().map(|leaf| line.get(leaf.span.start..leaf.span.end).unwrap()).collect();
        assert_eq!(spans, ["'a b' c", "\\d  2>&1", "e"]);
        let span = script.first.first.program.span();
        assert_eq!((span.start, span.end), (1, 6));
    }

    #[test]
    fn what_is_no_list_is_named_with_its_place() {
        for (line, construct, start) in [
            ("a &", Construct::Background, 2),
            ("a & b", Construct::Background, 2),
            ("a &&& b", Construct::Background, 4),
            ("a|&b", Construct::PipeBoth, 1),
            ("a|&&>/dev/null", Construct::PipeBoth, 1),
            ("a&>/dev/null", Construct::BothStreams, 1),
            ("a;;b", Construct::CaseTerminator, 1),
            ("a;&b", Construct::CaseTerminator, 1),
            (";a", Construct::EmptyCommand, 0),
            ("&&a", Construct::EmptyCommand, 0),
            ("|a", Construct::EmptyCommand, 0),
            ("a; ;b", Construct::EmptyCommand, 3),
            ("a\n;b", Construct::EmptyCommand, 2),
            ("a\n&&b", Construct::EmptyCommand, 2),
            ("a|", Construct::EmptyCommand, 1),
            ("a && \n", Construct::EmptyCommand, 2),
            ("a || ; b", Construct::EmptyCommand, 5),
            ("a ||| b", Construct::EmptyCommand, 4),
            (">/dev/null", Construct::NoProgram, 0),
            ("a|2>&1", Construct::NoProgram, 2),
            ("a=b", Construct::Assignment, 0),
            ("a=b c", Construct::Assignment, 0),
            ("c;A_1='x y' d", Construct::Assignment, 2),
            (">/dev/null a+=b c", Construct::Assignment, 11),
            ("'a=b' c", Construct::EqualsInProgram, 0),
            ("a\\=b c", Construct::EqualsInProgram, 0),
            ("=", Construct::EqualsInProgram, 0),
            ("case a in *) b;; esac", Construct::CompoundCommand, 0),
            ("function a { b; }", Construct::CompoundCommand, 0),
            ("if a", Construct::CompoundCommand, 0),
            ("if", Construct::CompoundCommand, 0),
            ("a;then", Construct::CompoundCommand, 2),
            ("a; if b; then c", Construct::CompoundCommand, 3),
            ("if b; then", Construct::CompoundCommand, 0),
            ("if b; then c; else", Construct::CompoundCommand, 0),
            ("if b; then c; else d", Construct::CompoundCommand, 0),
            ("if b; fi", Construct::CompoundCommand, 6),
            ("if b; else c; fi", Construct::CompoundCommand, 6),
            ("if then c; fi", Construct::CompoundCommand, 3),
            ("if b; then fi", Construct::CompoundCommand, 11),
            ("if b && then c; fi", Construct::CompoundCommand, 8),
            ("if b then c; fi", Construct::CompoundCommand, 13),
            ("if b; then c fi", Construct::CompoundCommand, 0),
            ("if b; then c; elif d; then e; fi", Construct::CompoundCommand, 14),
            ("if b; then c; else d; else e; fi", Construct::CompoundCommand, 22),
            ("if b; then if c; then d; fi; fi", Construct::CompoundCommand, 11),
            ("if if b; then c; fi; then d; fi", Construct::CompoundCommand, 3),
            ("a && if b; then c; fi", Construct::CompoundCommand, 5),
            ("a | if b; then c; fi", Construct::CompoundCommand, 4),
            ("if b; then c; fi && d", Construct::CompoundCommand, 14),
            ("if b; then c; fi | d", Construct::CompoundCommand, 14),
            ("if b; then c; fi >/dev/null", Construct::CompoundCommand, 14),
            ("if b; then c; fi d", Construct::CompoundCommand, 14),
            ("if b; then c; fi;; d", Construct::CaseTerminator, 16),
            ("if b; then c; fi & d", Construct::Background, 17),
            ("if b; then; c; fi", Construct::EmptyCommand, 10),
            ("if; b; then c; fi", Construct::EmptyCommand, 2),
            ("if b; then c; fi; fi", Construct::CompoundCommand, 18),
            ("'if' b; then c; fi", Construct::CompoundCommand, 8),
            ("if b; 'then' c; fi", Construct::CompoundCommand, 16),
            ("if(b); then c; fi", Construct::Parenthesis, 2),
            ("if b; then c; fi)", Construct::Parenthesis, 16),
            ("printf a 'b\n'", Construct::ControlCharacter, 11),
            ("printf 'a\t'", Construct::ControlCharacter, 9),
            ("/usr/bin/printf 'b\n'", Construct::ControlCharacter, 18),
            ("echo 'b\n'", Construct::ControlCharacter, 7),
            ("echo \"${SHELL}\"", Construct::ParameterExpansion, 6),
            ("echo $SHELL", Construct::ParameterExpansion, 5),
            ("echo \"$SHELL\"x", Construct::ParameterExpansion, 6),
            ("echo \"$SHELLS\"", Construct::ParameterExpansion, 6),
            ("echo x\"$SHELL\"", Construct::ParameterExpansion, 7),
            ("zfs \"$SHELL\"", Construct::ParameterExpansion, 5),
            ("\"$SHELL\" a", Construct::ParameterExpansion, 1),
            ("[a", Construct::GlobPattern, 0),
            ("[[ a ]]", Construct::GlobPattern, 0),
            ("a ]]", Construct::GlobPattern, 2),
            ("a x]", Construct::GlobPattern, 3),
            ("a []", Construct::GlobPattern, 2),
            ("a|time b", Construct::CompoundCommand, 2),
            (">/dev/null if", Construct::CompoundCommand, 11),
            ("a:", Construct::ReservedWord, 0),
            ("'' a", Construct::EmptyProgram, 0),
            ("a;%1", Construct::Job, 2),
            ("'%'", Construct::Job, 0),
            ("#a", Construct::Comment, 0),
            ("a #b", Construct::Comment, 2),
            ("a;#b", Construct::Comment, 2),
            ("a\n'", Construct::UnterminatedSingleQuote, 2),
            ("a 2>&1>/dev/null", Construct::GluedDuplication, 3),
            ("a 22>/dev/null", Construct::Descriptor, 2),
            ("{ a; }", Construct::Brace, 0),
            ("! a", Construct::ExclamationMark, 0),
            ("(a)", Construct::Parenthesis, 0),
            ("a)", Construct::Parenthesis, 1),
            ("a() b", Construct::Parenthesis, 1),
        ] {
            assert_eq!(refusal(line), (construct, start), "{line:?}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
    fn each_limit_has_its_name_and_is_met_exactly() {
        let many = |count: usize, text: &str, between: &str| vec![text; count].join(between);
        assert_eq!(script(&many(MAX_COMMANDS, "a", ";")).leaves().count(), MAX_COMMANDS);
        assert_eq!(refusal(&many(MAX_COMMANDS + 1, "a", ";")), (Construct::TooManyCommands, 2 * MAX_COMMANDS));
        assert_eq!(script(&many(MAX_STAGES, "a", "|")).first.leaves().count(), MAX_STAGES);
        assert_eq!(refusal(&many(MAX_STAGES + 1, "a", "|")), (Construct::TooManyStages, 2 * MAX_STAGES - 1));
        assert_eq!(script(&many(MAX_WORDS, "a", " ")).first.first.arguments.len() + 1, MAX_WORDS);
        assert_eq!(refusal(&many(MAX_WORDS + 1, "a", " ")), (Construct::TooManyWords, 2 * MAX_WORDS));
    }
}
