//! A message about a place in a text: the line, a caret below it, notes. With colours; who prints takes them out.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::output;

/// A message that is being put together.
#[derive(Debug)]
pub(super) struct Diagnostic<'a> {
    level: Level<'a>,
    title: String,
    place: Option<Place<'a>>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Place<'a> {
    path: Option<&'a str>,
    text: Cow<'a, str>,
    span: Range<usize>,
}

impl<'a> Diagnostic<'a> {
    /// `error: TITLE`
    pub(super) fn error(title: impl Into<String>) -> Self {
        Self { level: Level::ERROR, title: title.into(), place: None, notes: Vec::new() }
    }

    /// `warning: TITLE`
    pub(super) fn warning(title: impl Into<String>) -> Self {
        Self { level: Level::WARNING, ..Self::error(title) }
    }

    /// `WORD: TITLE`
    pub(super) fn worded(word: &'static str, title: impl Into<String>) -> Self {
        Self { level: Level::ERROR.with_name(word), ..Self::error(title) }
    }

    /// About these bytes of a file.
    pub(super) fn at(self, path: &'a str, text: &'a str, span: Range<usize>) -> Self {
        Self { place: Some(Place { path: Some(path), text: text.into(), span }), ..self }
    }

    /// About these bytes of a command, which may be no UTF-8.
    pub(super) fn in_command(self, command: &'a [u8], span: Range<usize>) -> Self {
        // What isn't UTF-8 grows where it is replaced, so a place moves by as much as what stands before it.
        let moved = |at: usize| command.get(..at).map_or(usize::MAX, |before| String::from_utf8_lossy(before).len());
        let span = moved(span.start)..moved(span.end);
        Self { place: Some(Place { path: None, text: String::from_utf8_lossy(command), span }), ..self }
    }

    /// With one more line below.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// As text, without a newline at the end.
    pub(super) fn render(self) -> String {
        let mut group = Group::with_title(self.level.primary_title(self.title));
        if let Some(Place { path, text, span }) = self.place {
            let span = within(&text, span);
            let snippet = Snippet::source(text).path(path).annotation(AnnotationKind::Primary.span(span));
            group = group.element(snippet);
        }
        let notes = self.notes.iter().map(|note| Level::NOTE.message(annotate_snippets::normalize_untrusted_str(note)));
        // Of a line that is longer, what surrounds the place is shown.
        let renderer = Renderer::styled().term_width(output::width().unwrap_or(DEFAULT_TERM_WIDTH));
        renderer.render(&[group.elements(notes)])
    }
}

/// The span held to the text and to whole characters, and of at least one of them where there is one.
fn within(text: &str, span: Range<usize>) -> Range<usize> {
    let start = floor(text, span.start);
    let first = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let end = floor(text, span.end);
    start..end.max(start + first)
}

/// The nearest place at or before this one where a character begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without colours, and without blanks at the ends of lines.
    fn plain(diagnostic: Diagnostic<'_>) -> String {
        let text = anstream::adapter::strip_str(&diagnostic.render()).to_string();
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    #[test]
    fn a_policy_error_names_file_line_and_column_and_points() {
        let text = "[[grant]]\nroel = 'x'\n";
        let shown = plain(Diagnostic::error("unknown key").at("a.toml", text, 10..14));
        let expected = "\
error: unknown key
 --> a.toml:2:1
  |
2 | roel = 'x'
  | ^^^^
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_refusal_points_into_the_command_and_has_notes() {
        let shown = plain(Diagnostic::worded("refused", "no").in_command(b"a; zfs send x", 3..13).note("status 126"));
        let expected = "\
refused: no
  |
1 | a; zfs send x
  |    ^^^^^^^^^^
  |
  = note: status 126
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_no_utf8_or_a_control_character_moves_no_caret_and_reaches_no_terminal() {
        let shown = plain(Diagnostic::worded("unknown", "x").in_command(b"\xff\xfe\x1b[2J`", 6..7));
        assert!(shown.contains("1 | \u{fffd}\u{fffd}\u{241b}[2J`\n  |       ^\n"), "{shown}");
    }

    #[test]
    fn a_place_behind_the_end_or_inside_a_character_is_moved_to_where_there_is_one() {
        assert_eq!(within("abc", 7..9), 3..3);
        assert_eq!(within("aü", 2..3), 1..3);
        assert_eq!(within("", 0..0), 0..0);
        for span in [0..0, 3..3, 9..12] {
            assert!(plain(Diagnostic::worded("unknown", "x").in_command(b"abc", span)).starts_with("unknown: x\n"));
        }
    }
}
