//! A table for people.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use annotate_snippets::renderer::Style;

use super::form::visible;

/// Columns as wide as what stands in them, and none where nothing does.
pub(super) fn write<const N: usize>(
    out: &mut impl Write,
    head: Option<[&str; N]>,
    rows: &[[String; N]],
) -> io::Result<()> {
    let head = head.map(|head| head.map(str::to_owned));
    let width = |column: usize| {
        let cells = rows.iter().chain(&head).filter_map(|row| row.get(column));
        cells.map(|cell| visible(cell).chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let head = head.iter().map(|row| (row, Style::new().bold()));
    for (row, style) in head.chain(rows.iter().map(|row| (row, Style::new()))) {
        let cells = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{:width$}", visible(cell))).collect();
        writeln!(out, "{style}{}{style:#}", line.join("  ").trim_end())?;
    }
    Ok(())
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
}
