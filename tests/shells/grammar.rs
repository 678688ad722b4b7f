//! Requests by the grammar, each with what it was written to mean: so that it is told too if something that clients
//! might write is refused, or read alike by all, but not as meant. (POSIX.1-2024, XCU 2.2, 2.7, 2.9.)

use proptest::prelude::*;
use proptest::sample::select;
use zfs_shell::script::Joint;
use zfs_shell::syntax::Redirect;

/// Commands with their words and redirections, by pipelines, with what joins each to those before.
pub type Meaning = Vec<(Joint, Vec<(Vec<String>, Vec<Redirect>)>)>;

/// A part of a request: what it means, and how it is written.
#[derive(Clone, Debug)]
pub struct Written<T> {
    pub means: T,
    pub text: String,
}

/// One or two lists, with an `if` among them or without.
pub fn request() -> impl Strategy<Value = Written<Meaning>> {
    let part = prop_oneof![3 => list(Joint::Next), 1 => branches()];
    let end = select(vec!["", "", ";", "\n", " ;", "\n\n"]);
    (select(vec!["", "", " ", "\n\t"]), part, prop::option::of((separator(), list(Joint::Next))), end).prop_map(
        |(begin, part, more, end)| {
            let mut all = Written { means: part.means, text: format!("{begin}{}", part.text) };
            if let Some((separator, mut more)) = more {
                // What stands behind an `if` ends it.
                let ended = all.means.iter().any(|(joint, _)| *joint == Joint::Then);
                more.means[0].0 = if ended { Joint::Fi } else { Joint::Next };
                all.text += &format!("{separator}{}", more.text);
                all.means.extend(more.means);
            }
            all.text += end;
            all
        },
    )
}

/// Not with `&&` in front: what ends a list.
fn separator() -> impl Strategy<Value = &'static str> {
    select(vec![";", "; ", " ; ", "\n", " \n\n ", ";\n", "\t;\t"])
}

fn branches() -> impl Strategy<Value = Written<Meaning>> {
    let other = prop::option::of((separator(), list(Joint::Else)));
    (list(Joint::Next), separator(), list(Joint::Then), other, separator(), select(vec![" ", "\n", "\t "])).prop_map(
        |(condition, separator, then, other, end, blank)| {
            let mut text = format!("if{blank}{}{separator}then{blank}{}", condition.text, then.text);
            let mut means = [condition.means, then.means].concat();
            if let Some((separator, other)) = other {
                text += &format!("{separator}else{blank}{}", other.text);
                means.extend(other.means);
            }
            Written { means, text: format!("{text}{end}fi") }
        },
    )
}

/// Pipelines, the first of which is joined by this.
fn list(first: Joint) -> impl Strategy<Value = Written<Meaning>> {
    let and = select(vec!["&&", " && ", " &&\n"]).prop_map(|text| (Joint::And, text));
    let or = select(vec!["||", " || ", "||\n\n"]).prop_map(|text| (Joint::Or, text));
    let next = separator().prop_map(|text| (Joint::Next, text));
    let others = prop::collection::vec((prop_oneof![and, or, next], pipeline()), 0..3);
    (pipeline(), others).prop_map(move |(pipeline, others)| {
        let mut all = Written { means: vec![(first, pipeline.means)], text: pipeline.text };
        for ((joint, operator), pipeline) in others {
            all.text += &format!("{operator}{}", pipeline.text);
            all.means.push((joint, pipeline.means));
        }
        all
    })
}

fn pipeline() -> impl Strategy<Value = Written<Vec<(Vec<String>, Vec<Redirect>)>>> {
    let others = prop::collection::vec((select(vec!["|", " | ", " |\n"]), command()), 0..3);
    (command(), others).prop_map(|(command, others)| {
        let mut all = Written { means: vec![command.means], text: command.text };
        for (operator, command) in others {
            all.text += &format!("{operator}{}", command.text);
            all.means.push(command.means);
        }
        all
    })
}

/// A program, words, and redirections between these.
fn command() -> impl Strategy<Value = Written<(Vec<String>, Vec<Redirect>)>> {
    #[derive(Debug)]
    enum Element {
        Word(Written<String>),
        Redirect(Written<Redirect>),
    }
    let element = prop_oneof![
        4 => word().prop_map(Element::Word),
        1 => redirect().prop_map(Element::Redirect),
    ];
    let before = prop::option::weighted(0.1, redirect());
    let blank = || select(vec![" ", " ", "\t", "  "]);
    (before, program(), prop::collection::vec((blank(), element), 0..5)).prop_map(|(before, program, elements)| {
        let mut redirects = Vec::new();
        let mut text = String::new();
        if let Some(redirect) = before {
            text += &format!("{} ", redirect.text);
            redirects.push(redirect.means);
        }
        let mut words = vec![program.means];
        text += &program.text;
        for (blank, element) in elements {
            text += blank;
            match element {
                Element::Word(word) => {
                    text += &word.text;
                    words.push(word.means);
                }
                Element::Redirect(redirect) => {
                    text += &redirect.text;
                    redirects.push(redirect.means);
                }
            }
        }
        Written { means: (words, redirects), text }
    })
}

/// A name that begins with a letter and is none that a shell knows, some of it in quotes.
fn program() -> impl Strategy<Value = Written<String>> {
    let name = select(vec!["a", "zfs", "zpool", "lzop", "mbuffer", "pv", "zstd", "x1", "my_zfs"]);
    let quoting = select(vec!["", "''", "\"\"", "'"]);
    (name, quoting).prop_map(|(name, quoting)| {
        let text = if quoting == "'" { format!("'{name}'") } else { format!("{quoting}{name}") };
        Written { means: name.to_owned(), text }
    })
}

/// One or several pieces, each quoted in its way.
fn word() -> impl Strategy<Value = Written<String>> {
    let bare = "[a-zA-Z0-9%+,./:=@_-]{1,8}".prop_map(|text| Written { means: text.clone(), text });
    let single = "[ -&(-~éß漢]{0,8}".prop_map(|text| Written { text: format!("'{text}'"), means: text });
    let double = "[ -~éß漢]{0,8}".prop_map(|text| {
        // In double quotes a backslash in front of these, and of itself, is none.
        let escape = |text: String, character| match character {
            '"' | '\\' | '$' | '`' => text + "\\" + &character.to_string(),
            character => text + &character.to_string(),
        };
        Written { text: format!("\"{}\"", text.chars().fold(String::new(), escape)), means: text }
    });
    let escaped = "[ -~]".prop_map(|text| Written { text: format!("\\{text}"), means: text });
    let piece = prop_oneof![4 => bare, 2 => single, 2 => double, 1 => escaped];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| Written {
        means: pieces.iter().map(|piece| piece.means.as_str()).collect(),
        text: pieces.iter().map(|piece| piece.text.as_str()).collect(),
    })
}

fn redirect() -> impl Strategy<Value = Written<Redirect>> {
    let null = || select(vec!["/dev/null", "'/dev/null'", " /dev/null", "/dev/\"null\"", "\t/de\\v/null"]);
    let to = |mark: &'static str, means: Redirect| {
        null().prop_map(move |target| Written { means, text: format!("{mark}{target}") })
    };
    prop_oneof![
        Just(Written { means: Redirect::ErrToOut, text: "2>&1".to_owned() }),
        to("2>", Redirect::ErrToNull),
        to(">", Redirect::OutToNull),
        to("<", Redirect::InFromNull),
    ]
}
