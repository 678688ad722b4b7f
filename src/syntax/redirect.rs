//! Redirections: the four of the closed list, and all others by name. (POSIX.1-2024, XCU 2.7.)
#![forbid(unsafe_code)]

use nom::Parser;
use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{digit0, one_of};
use nom::combinator::{peek, recognize};

use super::room::{Parsed, refuse, refuse_any};
use super::word::{Holds, word};
use super::{Construct, Redirect};

/// A redirection with the descriptor in front of it. Digits are one only if none is quoted and `<` or `>` follows
/// (XCU 2.10.1, rule 2); shells differ in how many digits they take, so that all but a plain `2` is refused.
pub(super) fn redirect(input: &str) -> Parsed<'_, Redirect> {
    let (behind, descriptor) = digit0(input)?;
    let (_, _) = peek(one_of("<>")).parse(behind)?;
    let (behind, ()) = refuse_any(behind, &REFUSED)?;
    let duplication: Parsed<'_, &str> = tag(">&").parse(behind);
    if let Ok((target, operator)) = duplication {
        return err_to_out(descriptor, operator, target);
    }
    let (target, operator) = recognize(one_of("<>")).parse(behind)?;
    let redirect = match (descriptor, operator) {
        ("", "<") => Redirect::InFromNull,
        ("", _) => Redirect::OutToNull,
        ("2", ">") => Redirect::ErrToNull,
        _ => return refuse(Construct::Descriptor, descriptor),
    };
    let (target, _) = blanks(target)?;
    match word(Holds::NoMore)(target) {
        Ok((behind, (_, text))) if text == "/dev/null" => Ok((behind, redirect)),
        Ok((_, (written, _))) => refuse(Construct::Target, written),
        Err(nom::Err::Error(_)) => refuse(Construct::NoTarget, operator),
        Err(failure) => Err(failure),
    }
}

/// Space and tab, as in the POSIX locale; what other blanks a locale may have, no word may hold.
pub(super) fn blanks(input: &str) -> Parsed<'_, &str> {
    take_while(|character| matches!(character, ' ' | '\t')).parse(input)
}

/// `2>&1`, in one piece. What is glued to it makes dash read `1` as the next descriptor, and bash as this one's target.
fn err_to_out<'a>(descriptor: &'a str, operator: &'a str, target: &'a str) -> Parsed<'a, Redirect> {
    match target.strip_prefix('1') {
        Some(behind) if descriptor == "2" => match behind.chars().next() {
            None | Some(' ' | '\t' | '\n' | ';' | '|' | '&') => Ok((behind, Redirect::ErrToOut)),
            Some(_) => refuse(Construct::GluedDuplication, operator),
        },
        _ => refuse(Construct::Duplication, operator),
    }
}

/// Longer marks first.
const REFUSED: [(&str, Construct); 7] = [
    ("<<", Construct::HereDocument),
    ("<>", Construct::ReadWrite),
    ("<&", Construct::Duplication),
    ("<(", Construct::ProcessSubstitution),
    (">>", Construct::Append),
    (">|", Construct::Clobber),
    (">(", Construct::ProcessSubstitution),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_of_the_closed_list_are_read() {
        for (written, expected) in [
            ("2>&1", Redirect::ErrToOut),
            ("2>/dev/null", Redirect::ErrToNull),
            (">/dev/null", Redirect::OutToNull),
            ("</dev/null", Redirect::InFromNull),
            ("2> \t/dev/null", Redirect::ErrToNull),
            (">'/dev/null'", Redirect::OutToNull),
            ("< /dev/\"null\"", Redirect::InFromNull),
            (r"2>/\dev''/null", Redirect::ErrToNull),
        ] {
            assert_eq!(redirect(written).unwrap(), ("", expected), "{written}");
        }
    }

    #[test]
    fn digits_that_no_redirection_follows_are_left_to_others() {
        for written in
            ["2", "2 >/dev/null", "22a>/dev/null", "data2>/dev/null", "'2'>/dev/null", r"\2>/dev/null", "2''>x"]
        {
            assert!(matches!(redirect(written), Err(nom::Err::Error(_))), "{written}");
        }
    }

    #[test]
    fn all_others_are_named() {
        for (written, construct, at) in [
            ("1>/dev/null", Construct::Descriptor, "1"),
            ("0</dev/null", Construct::Descriptor, "0"),
            ("2</dev/null", Construct::Descriptor, "2"),
            ("02>/dev/null", Construct::Descriptor, "02"),
            ("22>/dev/null", Construct::Descriptor, "22"),
            ("22>&1", Construct::Duplication, ">&"),
            ("1>&2", Construct::Duplication, ">&"),
            (">&1", Construct::Duplication, ">&"),
            (">&/dev/null", Construct::Duplication, ">&"),
            ("2>&-", Construct::Duplication, ">&"),
            ("2>& 1", Construct::Duplication, ">&"),
            ("2>&'1'", Construct::Duplication, ">&"),
            ("<&-", Construct::Duplication, "<&"),
            ("2>&1>/dev/null", Construct::GluedDuplication, ">&"),
            ("2>&1a", Construct::GluedDuplication, ">&"),
            ("2>&11", Construct::GluedDuplication, ">&"),
            ("2>&1-", Construct::GluedDuplication, ">&"),
            ("2>&1''", Construct::GluedDuplication, ">&"),
            ("2>>/dev/null", Construct::Append, ">>"),
            (">|/dev/null", Construct::Clobber, ">|"),
            ("<>/dev/null", Construct::ReadWrite, "<>"),
            ("<<EOF", Construct::HereDocument, "<<"),
            ("<<<a", Construct::HereDocument, "<<"),
            ("<(id)", Construct::ProcessSubstitution, "<("),
            (">(id)", Construct::ProcessSubstitution, ">("),
            (">/tmp/x", Construct::Target, "/tmp/x"),
            (">/dev/null2>/tmp/x", Construct::Target, "/dev/null2"),
            (">//dev/null", Construct::Target, "//dev/null"),
            (">/dev/null/", Construct::Target, "/dev/null/"),
            ("> 2>/dev/null", Construct::Target, "2"),
            (">''", Construct::Target, "''"),
            (">", Construct::NoTarget, ">"),
            ("2> \n/dev/null", Construct::NoTarget, ">"),
            (">;", Construct::NoTarget, ">"),
            (">$(id)", Construct::CommandSubstitution, "$("),
            ("> #x", Construct::Comment, "#"),
        ] {
            match redirect(written) {
                Err(nom::Err::Failure(trouble)) => {
                    assert_eq!((trouble.construct, trouble.at), (construct, at), "{written}")
                }
                other => panic!("{written} gave {other:?}"),
            }
        }
    }
}
