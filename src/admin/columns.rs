//! A table for people.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::io::{self, Write};

use annotate_snippets::renderer::Style;
use textwrap::{Options, WordSeparator, WordSplitter};

use super::form::visible;
use super::output;

/// Columns as wide as what stands in them, and none where nothing does. Where a terminal is narrower than that, the widest
/// has as many lines as it needs.
pub(super) fn write<const N: usize>(
    out: &mut impl Write,
    head: Option<[&str; N]>,
    rows: &[[String; N]],
) -> io::Result<()> {
    within(out, output::width(), head, rows)
}

fn within<const N: usize>(
    out: &mut impl Write,
    terminal: Option<usize>,
    head: Option<[&str; N]>,
    rows: &[[String; N]],
) -> io::Result<()> {
    let head = head.map(|head| head.map(str::to_owned));
    let width = |column: usize| {
        let cells = rows.iter().chain(&head).filter_map(|row| row.get(column));
        cells.map(|cell| visible(cell).chars().count()).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..N).map(width).collect();
    if let Some(terminal) = terminal {
        let columns = widths.iter().filter(|width| **width > 0);
        let whole = columns.clone().sum::<usize>() + GAP * columns.count().saturating_sub(1);
        if let Some(widest) = widths.iter_mut().max() {
            *widest = (*widest).min(widest.saturating_sub(whole.saturating_sub(terminal)).max(NARROWEST));
        }
    }
    let head = head.iter().map(|row| (row, Style::new().bold()));
    for (row, style) in head.chain(rows.iter().map(|row| (row, Style::new()))) {
        let cells: Vec<(Vec<String>, usize)> = row
            .iter()
            .zip(&widths)
            .filter(|(_, width)| **width > 0)
            .map(|(cell, width)| (lines(cell, *width), *width))
            .collect();
        for number in 0..cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0) {
            let line = cells.iter().map(|(lines, width)| {
                let text = lines.get(number).map_or("", String::as_str);
                format!("{text:width$}")
            });
            let line = line.collect::<Vec<_>>().join(&" ".repeat(GAP));
            writeln!(out, "{style}{}{style:#}", line.trim_end())?;
        }
    }
    Ok(())
}

/// Between columns.
const GAP: usize = 2;
/// What makes lines of fewer columns is worse to read than what a terminal does.
const NARROWEST: usize = 20;

fn lines(cell: &str, width: usize) -> Vec<String> {
    let cell = visible(cell);
    match cell.chars().count() <= width {
        true => vec![cell.into_owned()],
        // Between words alone: a date or a name is one.
        false => {
            let options = Options::new(width).word_separator(WordSeparator::AsciiSpace);
            let options = options.word_splitter(WordSplitter::NoHyphenation);
            textwrap::wrap(&cell, options).into_iter().map(Cow::into_owned).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_seen_and_an_empty_one_is_none() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        let mut out = Vec::new();
        write(&mut out, Some(["A", "", "B", "C"]), &[row(["x\n", "", "ü", ""]), row(["y", "", "long", "z"])]).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(text, "A    B     C\nx\\n  ü\ny    long  z\n");
    }

    #[test]
    fn on_a_narrow_terminal_the_widest_column_has_more_lines() {
        let rows = [["5", "no destroy rule covers 'tank/a-b@...'", "2 d"], ["1", "no", "3 d"]];
        let rows = rows.map(|row| row.map(str::to_owned));
        let table = |terminal| {
            let mut out = Vec::new();
            within(&mut out, terminal, None, &rows).unwrap();
            String::from_utf8(out).unwrap()
        };
        let whole = "5  no destroy rule covers 'tank/a-b@...'  2 d\n1  no                                     3 d\n";
        assert_eq!([table(None), table(Some(45))], [whole, whole]);
        assert_eq!(
            table(Some(30)),
            "5  no destroy rule covers  2 d\n   'tank/a-b@...'\n1  no                      3 d\n"
        );
        assert!(table(Some(3)).lines().all(|line| line.chars().count() <= 1 + GAP + NARROWEST + GAP + 3));
    }
}
