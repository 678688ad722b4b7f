//! `sh -c TEXT` as the whole of a request: it means what TEXT means, which is read by the same grammar. Clients wrap so
//! what they send where the account's own shell may be another (csh, fish). (POSIX.1-2024, XCU sh.)
#![forbid(unsafe_code)]

use super::{SHELLS, Simple, Span, Word};
use crate::script::Script;

/// How often a request may stand in another. zettarepl's may four times.
pub(super) const MAX_DEPTH: usize = 4;

/// What zettarepl puts in front of each text: with it, programs are found that the account's PATH lacks. It is the same
/// to us. Nothing but these bytes is understood.
pub(super) const PATH: &str = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin ";

/// The word behind `sh -c`, if the request is that and nothing else: a redirection, a further word (`$0` of the text) or
/// another command beside it is not understood.
pub(super) fn text(script: &Script<Simple>) -> Option<&Word> {
    let simple = &script.first.first;
    if !script.rest.is_empty() || !script.first.is_single() || !simple.redirects.is_empty() {
        return None;
    }
    match (simple.program.as_str(), simple.arguments.as_slice()) {
        (name, [option, text]) if SHELLS.contains(&name) && option.as_str() == "-c" => Some(text),
        _ => None,
    }
}

/// Where a text stands in the request, for the places of what stands in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    span: Span,
    /// The text stands there as it is, between two quotes.
    is_plain: bool,
}

impl Base {
    /// The request itself.
    pub(super) fn request(line: &str) -> Self {
        Self { span: Span { start: 0, end: line.len() }, is_plain: true }
    }

    /// That of a word in a text that stands here.
    pub(super) fn of(self, text: &str, word: &Word) -> Self {
        let span = word.span();
        let inner = Span { start: span.start.saturating_add(1), end: span.end.saturating_sub(1) };
        let is_plain = self.is_plain && text.get(inner.start..inner.end) == Some(word.as_str());
        Self { span: self.place(if is_plain { inner } else { span }), is_plain }
    }

    /// That of what stands behind this part of the text.
    pub(super) fn behind(self, part: &str) -> Self {
        let start = if self.is_plain { self.span.start.saturating_add(part.len()) } else { self.span.start };
        Self { span: Span { start, ..self.span }, ..self }
    }

    /// A place in a text that stands here, as one in the request; where quotes have moved it, that of the whole text.
    pub(super) fn place(self, span: Span) -> Span {
        if self.is_plain {
            Span { start: self.span.start.saturating_add(span.start), end: self.span.start.saturating_add(span.end) }
        } else {
            self.span
        }
    }

    /// What was read of a text that stands here.
    pub(super) fn script(self, script: &mut Script<Simple>) {
        let leaves = |pipeline: &mut crate::script::Pipeline<Simple>| {
            for simple in std::iter::once(&mut pipeline.first).chain(&mut pipeline.rest) {
                simple.span = self.place(simple.span);
                for word in std::iter::once(&mut simple.program).chain(&mut simple.arguments) {
                    word.put(self.place(word.span()));
                }
            }
        };
        std::iter::once(&mut script.first).chain(script.rest.iter_mut().map(|(_, pipeline)| pipeline)).for_each(leaves);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Construct, Error, Simple, parse, quote};
    use crate::script::Script;

    fn script(line: &str) -> Script<Simple> {
        parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}")).unwrap()
    }

    fn refusal(line: &str) -> (Construct, usize) {
        let Err(Error { construct, span }) = parse(line.as_bytes()) else { panic!("{line}") };
        (construct, span.start)
    }

    fn words(simple: &Simple) -> Vec<&str> {
        std::iter::once(&simple.program).chain(&simple.arguments).map(|word| word.as_str()).collect()
    }

    #[test]
    fn the_text_is_the_request() {
        for line in [
            "sh -c \"a 'b c' | d\"",
            "sh -c 'a \"b c\" | d'",
            "/bin/sh -c \"a b\\\\ c | d\"",
            "/usr/bin/sh  -c  'a '\"'\"'b c'\"'\"' | d'",
            "sh -c 'sh -c \"a \\\"b c\\\" | d\"'",
        ] {
            let script = script(line);
            let leaves: Vec<_> = script.leaves().map(words).collect();
            assert_eq!(leaves, [vec!["a", "b c"], vec!["d"]], "{line}");
        }
        assert_eq!(parse(b"sh -c ''"), Ok(None));
        assert_eq!(parse(b"sh -c ' ; '").unwrap_err().construct, Construct::EmptyCommand);
    }

    #[test]
    fn places_are_those_of_the_request() {
        let spans = |line: &'static str| -> Vec<&str> {
            script(line).leaves().map(|leaf| line.get(leaf.span.start..leaf.span.end).unwrap()).collect()
        };
        assert_eq!(spans("sh -c 'a b; c'"), ["a b", "c"]);
        assert_eq!(spans("sh -c 'sh -c \"a b; c\"'"), ["a b", "c"]);
        assert_eq!(spans("sh -c 'a '\\''b'\\''; c'"), ["'a '\\''b'\\''; c'"; 2]);
        assert_eq!(refusal("sh -c 'a & b'"), (Construct::Background, 9));
        assert_eq!(refusal("sh -c \"a \\$b\""), (Construct::ParameterExpansion, 6));
    }

    #[test]
    fn only_the_whole_of_it_is_understood() {
        for line in [
            "sh",
            "sh -c",
            "sh -s",
            "sh -ec a",
            "sh -c a b",
            "sh -c a 2>&1",
            "sh -c a | b",
            "sh -c a; b",
            "sh -c a\nb",
            "bash -c a",
            "/tmp/sh -c a",
            "sh a",
            "sh -c sh",
        ] {
            let script = script(line);
            assert!(words(&script.first.first).iter().any(|word| word.ends_with("sh")), "{line}");
        }
        assert_eq!(refusal("sh -c -x"), (Construct::ShellOption, 6));
        assert_eq!(refusal("sh -c '+x a'"), (Construct::ShellOption, 7));
    }

    #[test]
    fn one_assignment_of_path_is_dropped() {
        let script = script("sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin a b 2>&1 | c'");
        let leaves: Vec<_> = script.leaves().map(|leaf| (words(leaf), leaf.path, leaf.span.start)).collect();
        assert_eq!(leaves, [(vec!["a", "b"], true, 50), (vec!["c"], false, 61)]);
        let twice = "sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin sh -c \"a b\"'";
        assert!(super::super::parse(twice.as_bytes()).unwrap().unwrap().first.first.path);
        for (line, construct) in [
            ("PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin a", Construct::ParameterExpansion),
            ("sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin PATH=/tmp a'", Construct::Assignment),
            ("sh -c ' PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin a'", Construct::ParameterExpansion),
            ("sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/tmp a'", Construct::ParameterExpansion),
            ("sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin\ta'", Construct::ControlCharacter),
            ("sh -c 'PATH=/tmp:/usr/local/sbin:/usr/sbin:/sbin a'", Construct::Assignment),
            ("sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin  2>&1'", Construct::NoProgram),
            ("sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin -x'", Construct::ShellOption),
            ("sh -c \"PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin a\"", Construct::ParameterExpansion),
        ] {
            assert_eq!(refusal(line).0, construct, "{line}");
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth| (0..depth).fold("a".to_owned(), |text, _| quote(["sh", "-c", &text]));
        assert_eq!(script(&nested(super::MAX_DEPTH)).first.first.program.as_str(), "a");
        assert_eq!(refusal(&nested(super::MAX_DEPTH + 1)).0, Construct::TooDeep);
    }
}
