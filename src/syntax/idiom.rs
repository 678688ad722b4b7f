//! Fixed texts that clients put around commands: a closed table. Each is recognised whole, from its first byte to its last,
//! with holes where a command stands, which are read like any other text. Nothing of them is interpreted, and what differs
//! in one byte is not understood.
#![forbid(unsafe_code)]

use super::word::{Holds, word};

/// A text of the table with what stands in its holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Idiom<'a> {
    /// zettarepl's text for `zfs send`: it runs, and its process id is told on standard error, by which the client asks
    /// ps(1) how far it is.
    Announced(&'a str),
    /// zettarepl's text for a pipeline: it has the status of the first command that failed.
    FirstFailed {
        /// The first command.
        first: &'a str,
        /// The others.
        rest: Vec<&'a str>,
    },
}

/// Finds the text in the table.
pub(super) fn find(text: &str) -> Option<Idiom<'_>> {
    announced(text).or_else(|| first_failed(text))
}

fn announced(text: &str) -> Option<Idiom<'_>> {
    let end = " & PID=$!; echo \"zettarepl: zfs send PID is $PID\" 1>&2; wait $PID)";
    let (hole, behind) = hole(text.strip_prefix('(')?, end)?;
    behind.is_empty().then_some(Idiom::Announced(hole))
}

fn first_failed(text: &str) -> Option<Idiom<'_>> {
    let text = text.strip_prefix("exec 3>&1; eval $(exec 4>&1 >&3 3>&-; ")?;
    let (first, mut behind) = stage(text, 0)?;
    let mut rest = Vec::new();
    while let Some(next) = behind.strip_prefix(" | ") {
        let (hole, left) = stage(next, rest.len() + 1)?;
        rest.push(hole);
        behind = left;
    }
    let exit = |number| format!("[ $pipestatus{number} -ne 0 ] && exit $pipestatus{number}; ");
    let exits: String = (0..=rest.len()).map(exit).collect();
    let is_whole = behind.strip_prefix("); ")?.strip_suffix("exit 0")? == exits;
    (is_whole && !rest.is_empty()).then_some(Idiom::FirstFailed { first, rest })
}

/// A stage of it, whose status is told on a descriptor of its own.
fn stage(text: &str, number: usize) -> Option<(&str, &str)> {
    let end = format!(" 4>&-; echo \"pipestatus{number}=$?;\" >&4; }}");
    hole(text.strip_prefix("{ ")?, &end)
}

/// Words with one blank between, up to what stands behind them; and what stands behind that. Quoting is read, so that
/// nothing in a word can pass for the end.
fn hole<'a>(text: &'a str, end: &str) -> Option<(&'a str, &'a str)> {
    let mut left = text;
    loop {
        let (behind, _) = word(Holds::NoMore)(left).ok()?;
        if let Some(rest) = behind.strip_prefix(end) {
            return Some((text.strip_suffix(behind)?, rest));
        }
        left = behind.strip_prefix(' ')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNOUNCED: &str = r#"(a 'b c' & PID=$!; echo "zettarepl: zfs send PID is $PID" 1>&2; wait $PID)"#;
    const TWO: &str = r#"exec 3>&1; eval $(exec 4>&1 >&3 3>&-; { a 'b 4>&-' 4>&-; echo "pipestatus0=$?;" >&4; } | { c 4>&-; echo "pipestatus1=$?;" >&4; }); [ $pipestatus0 -ne 0 ] && exit $pipestatus0; [ $pipestatus1 -ne 0 ] && exit $pipestatus1; exit 0"#;

    #[test]
    fn the_texts_are_found_with_their_holes() {
        assert_eq!(find(ANNOUNCED), Some(Idiom::Announced("a 'b c'")));
        assert_eq!(find(TWO), Some(Idiom::FirstFailed { first: "a 'b 4>&-'", rest: vec!["c"] }));
        let quoted =
            ANNOUNCED.replace("'b c'", r#"' & PID=$!; echo "zettarepl: zfs send PID is $PID" 1>&2; wait $PID)'"#);
        assert_eq!(find(&quoted).map(|found| matches!(found, Idiom::Announced(hole) if hole.len() > 60)), Some(true));
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
    fn what_differs_in_one_byte_is_not_found() {
        for (text, holes) in [(ANNOUNCED, &["a 'b c'"][..]), (TWO, &["a 'b 4>&-'", "{ c"])] {
            let holes: Vec<_> = holes.iter().map(|hole| (text.find(hole).unwrap(), hole.len())).collect();
            let is_hole = |at: usize| holes.iter().any(|(start, length)| (*start..=start + length).contains(&at));
            for at in (0..text.len()).filter(|at| !is_hole(*at)) {
                let (before, from) = text.split_at(at);
                let (byte, behind) = from.split_at(1);
                let without = format!("{before}{behind}");
                let twice = format!("{before}{byte}{byte}{behind}");
                let other = format!("{before}~{behind}");
                for changed in [without, twice, other] {
                    assert_eq!(find(&changed), None, "{changed}");
                }
            }
        }
    }

    #[test]
    fn a_hole_is_words_alone() {
        for hole in [
            "",
            " ",
            "a ",
            " a",
            "a  b",
            "a;b",
            "a|b",
            "a\nb",
            "a &",
            "a 2>&1",
            "a >/dev/null",
            "(a)",
            "$a",
            "a #b",
            "'a",
        ] {
            for text in [ANNOUNCED.replace("a 'b c'", hole), TWO.replace("c 4", &format!("{hole} 4"))] {
                assert_eq!(find(&text), None, "{text}");
            }
        }
        let one = TWO.replace(" | { c 4>&-; echo \"pipestatus1=$?;\" >&4; }", "");
        let one = one.replace(" [ $pipestatus1 -ne 0 ] && exit $pipestatus1;", "");
        assert_eq!(find(&one), None);
    }
}
