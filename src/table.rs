//! Rows that zfs and zpool print, and what of them a client may see: a value that names a dataset outside the grants
//! becomes `-`. Pure: bytes in, bytes out.
//!
//! The programs are asked for tab-separated rows in an order in which the columns that name datasets come first. So no
//! free text (a user property may hold tabs and newlines, and zfs prints them raw) can push one of them out of its
//! place: behind a newline in a value there are only columns that tell nothing.
#![forbid(unsafe_code)]

use std::rc::Rc;
use std::time::SystemTime;

use crate::command::name::Dataset;
use crate::command::property::named_in;
use crate::policy::{Grant, Operation};

/// What becomes of rows. Made by `decide` alone.
#[derive(Clone, Debug)]
pub struct Table {
    /// -H: rows as they come, tabs between. Otherwise with titles, aligned, at the end.
    scripted: bool,
    /// The columns that are shown, in the order in which the client asked for them.
    columns: Vec<Column>,
    /// What the fields of a row that a program prints are.
    fields: Vec<Field>,
    /// Rows of ours, shown first.
    rows: Vec<Vec<String>>,
    visible: Visible,
}

/// A column that is shown.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// Which field of the row it is; `None` is `-` in every row.
    pub field: Option<usize>,
}

/// What a field of a row can tell.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// The dataset, snapshot or bookmark that the row is about: a row about one that may not be seen is left out.
    Dataset,
    /// Datasets, by name, commas between.
    Datasets,
    /// Nothing but of the row's own dataset.
    Plain,
    /// A mark: a row in which it is `on` is left out.
    Unless,
    /// The property that the row is about, in a row of `zfs get`.
    Property(fn(&str) -> Tells),
    /// Where its value comes from.
    Source,
    /// Its value; what it tells depends on the property.
    Value,
}

/// What the value of a property tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// Other datasets.
    Datasets,
    /// Nothing to hide.
    Plain,
    /// What is not for the client.
    Secret,
}

/// The datasets that a client may read the names of.
#[derive(Clone, Debug)]
pub struct Visible {
    grants: Rc<[Grant]>,
    now: SystemTime,
}

impl Visible {
    /// Those that a grant covers which has `list` and holds at this time.
    pub fn new(grants: Rc<[Grant]>, now: SystemTime) -> Self {
        Self { grants, now }
    }

    fn has(&self, dataset: &Dataset) -> bool {
        let lists = |grant: &&Grant| grant.allow.has(Operation::List) && grant.holds_at(self.now);
        self.grants.iter().filter(lists).any(|grant| grant.covers(dataset))
    }

    /// The value with the datasets that may be seen, or `-`.
    fn datasets(&self, value: &str) -> String {
        let may = |name: &&str| named_in(name).is_some_and(|datasets| datasets.iter().all(|dataset| self.has(dataset)));
        let shown: Vec<&str> = value.split(',').filter(may).collect();
        if shown.is_empty() { NOTHING.to_owned() } else { shown.join(",") }
    }

    /// `inherited from DATASET`, if that may be seen; any other source as it is.
    fn source(&self, source: &str) -> String {
        match source.strip_prefix("inherited from ") {
            Some(from) if self.datasets(from) == NOTHING => NOTHING.to_owned(),
            _ => source.to_owned(),
        }
    }
}

/// What zfs prints where there is nothing.
pub const NOTHING: &str = "-";

impl Table {
    /// A table of these columns, made from rows of these fields.
    pub fn new(scripted: bool, columns: Vec<Column>, fields: Vec<Field>, visible: Visible) -> Self {
        Self { scripted, columns, fields, rows: Vec::new(), visible }
    }

    /// One more row of ours, in the order of the columns.
    pub fn row(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The whole table, if no program has anything to add.
    pub fn alone(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.begin(&mut out).end(&mut out);
        out
    }

    /// Begins: what is shown before the first row goes to `out`.
    pub fn begin(&self, out: &mut Vec<u8>) -> Rows<'_> {
        let mut rows = Rows { table: self, line: Vec::new(), held: Vec::new() };
        for row in &self.rows {
            rows.show(row.clone(), out);
        }
        rows
    }

    /// One line of a program as the columns that are shown; `None` if it is about what may not be seen.
    fn shown(&self, line: &str) -> Option<Vec<String>> {
        // The last field keeps whatever tabs it holds.
        let fields: Vec<&str> = line.splitn(self.fields.len(), '\t').collect();
        let mut named = self.fields.iter().zip(&fields).filter(|(field, _)| matches!(field, Field::Dataset));
        if named.any(|(_, name)| self.visible.datasets(name) == NOTHING) {
            return None;
        }
        if self.fields.iter().zip(&fields).any(|(field, text)| matches!(field, Field::Unless) && *text == "on") {
            return None;
        }
        let tells = self.fields.iter().zip(&fields).find_map(|(field, text)| match field {
            Field::Property(tells) => Some(tells(text)),
            _ => None,
        });
        let field = |place: usize| {
            let (field, text) = (self.fields.get(place)?, fields.get(place)?);
            Some(match (field, tells) {
                (Field::Dataset | Field::Plain | Field::Property(_) | Field::Unless, _) => (*text).to_owned(),
                (Field::Datasets, _) | (Field::Value, Some(Tells::Datasets)) => self.visible.datasets(text),
                (Field::Value, Some(Tells::Plain)) => (*text).to_owned(),
                (Field::Source, Some(Tells::Datasets | Tells::Plain)) => self.visible.source(text),
                (Field::Value | Field::Source, _) => NOTHING.to_owned(),
            })
        };
        let column = |column: &Column| column.field.and_then(field).unwrap_or_else(|| NOTHING.to_owned());
        Some(self.columns.iter().map(column).collect())
    }
}

/// Rows on their way through.
#[derive(Debug)]
pub struct Rows<'t> {
    table: &'t Table,
    /// The beginning of a line whose end hasn't come yet.
    line: Vec<u8>,
    /// Rows that wait for their widths.
    held: Vec<Vec<String>>,
}

impl Rows<'_> {
    /// Takes more of what the programs printed, and adds to `out` what of it may be shown by now.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let last = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            self.line.extend_from_slice(piece);
            self.end_of_line(out);
        }
        self.line.extend_from_slice(last);
    }

    /// The programs have ended: adds what was held back.
    pub fn end(mut self, out: &mut Vec<u8>) {
        if !self.line.is_empty() {
            self.end_of_line(out);
        }
        if self.table.scripted || self.held.is_empty() {
            return;
        }
        let titles = self.table.columns.iter().map(|column| column.title.clone()).collect();
        self.held.insert(0, titles);
        let width =
            |column: usize| self.held.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max();
        let widths: Vec<usize> = (0..self.table.columns.len()).map(|column| width(column).unwrap_or(0)).collect();
        for row in &self.held {
            let padded: Vec<String> = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
            out.extend_from_slice(padded.join("  ").trim_end().as_bytes());
            out.push(b'\n');
        }
    }

    fn end_of_line(&mut self, out: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.line);
        if let Some(row) = self.table.shown(&String::from_utf8_lossy(&line)) {
            self.show(row, out);
        }
    }

    fn show(&mut self, row: Vec<String>, out: &mut Vec<u8>) {
        if self.table.scripted {
            out.extend_from_slice(row.join("\t").as_bytes());
            out.push(b'\n');
        } else {
            self.held.push(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::property::Property;

    /// Nothing is granted, so every name of a dataset is hidden.
    fn hidden() -> Visible {
        Visible::new(Rc::from([]), SystemTime::UNIX_EPOCH)
    }

    /// What a grant with these operations shows of a table of names.
    fn shown_by(allow: &str) -> String {
        let grants = format!("[[grant]]\ndatasets = [\"t/a\"]\nallow = [{allow}]\n");
        let grants = crate::policy::parse(&grants, None).unwrap().grants;
        let visible = Visible::new(grants, SystemTime::UNIX_EPOCH);
        through(&Table::new(true, vec![column("NAME", 0)], vec![Field::Dataset], visible), "t\nt/a\nt/a/x@s\nt/ab\n")
    }

    fn column(title: &str, field: usize) -> Column {
        Column { title: title.to_owned(), field: Some(field) }
    }

    fn get(scripted: bool) -> Table {
        let tells = |name: &str| match Property::parse(name) {
            Some(property) if property.names_datasets() => Tells::Datasets,
            Some(_) => Tells::Plain,
            None => Tells::Secret,
        };
        let columns = vec![column("NAME", 0), column("PROPERTY", 1), column("VALUE", 3), column("SOURCE", 2)];
        let fields = vec![Field::Plain, Field::Property(tells), Field::Source, Field::Value];
        Table::new(scripted, columns, fields, hidden())
    }

    fn through(table: &Table, printed: &str) -> String {
        let mut out = Vec::new();
        let mut rows = table.begin(&mut out);
        // In pieces of one byte, as a pipe may deliver it.
        for byte in printed.bytes() {
            rows.feed(&[byte], &mut out);
        }
        rows.end(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_and_sources_that_name_hidden_datasets_become_a_dash() {
        let printed = "t/d\torigin\t-\tt/CANARY@s\nt/d\tmountpoint\tinherited from t/CANARY\t/t/d\nt/d\tused\t-\t1\n";
        assert_eq!(through(&get(true), printed), "t/d\torigin\t-\t-\nt/d\tmountpoint\t/t/d\t-\nt/d\tused\t1\t-\n");
    }

    #[test]
    fn a_property_that_is_not_known_tells_nothing() {
        assert_eq!(through(&get(true), "t/d\tnewprop\tlocal\tt/CANARY\n"), "t/d\tnewprop\t-\t-\n");
    }

    #[test]
    fn rows_about_what_may_not_be_seen_are_left_out() {
        let table = Table::new(true, vec![column("USED", 1)], vec![Field::Dataset, Field::Plain], hidden());
        assert_eq!(through(&table, "t/CANARY\t12\nt/CANARY@s\t13\n"), "");
    }

    #[test]
    fn rows_with_a_mark_are_left_out_and_the_mark_is_not_shown() {
        let table = Table::new(true, vec![column("NAME", 0)], vec![Field::Plain, Field::Unless], hidden());
        let printed = "t/a\t-\nt/b\ton\nt/c\toff\nt/d\ton and off\nt/e\tx\non\n";
        assert_eq!(through(&table, printed), "t/a\nt/c\nt/d\nt/e\non\n");
    }

    #[test]
    fn only_what_may_be_listed_may_be_seen() {
        assert_eq!(shown_by("\"list\""), "t/a\nt/a/x@s\n");
        assert_eq!(shown_by("\"destroy\", \"send\""), "");
    }

    #[test]
    fn text_with_tabs_and_newlines_moves_no_name_into_the_open() {
        for value in ["x\ty", "x\n", "x\n\t", "\n\n", "x\ny\tz\t", "x\nt/d\tused\t-\t"] {
            let printed = format!("t/d\ta:b\tinherited from t/CANARY\t{value}\nt/d\torigin\tlocal\tt/CANARY@s\n");
            assert!(!through(&get(true), &printed).contains("CANARY"), "{value:?}");
        }
        let columns = vec![column("USER", 1), column("ORIGIN", 0), column("OTHER", 2)];
        let list = Table::new(true, columns, vec![Field::Datasets, Field::Plain, Field::Plain], hidden());
        for value in ["x\n", "x\t", "\n\t\t", "a\tb\nc"] {
            let printed = format!("t/CANARY@s\t{value}\t{value}\n");
            assert!(!through(&list, &printed).contains("CANARY"), "{value:?}");
        }
    }

    #[test]
    fn without_h_there_are_titles_and_aligned_columns() {
        let mut table = get(false);
        table.row(["tank", "type", "filesystem", "-"].map(str::to_owned).into());
        let shown =
            "NAME  PROPERTY  VALUE       SOURCE\ntank  type      filesystem  -\nt/d   used      12          -\n";
        assert_eq!(through(&table, "t/d\tused\t-\t12\n"), shown);
        assert_eq!(through(&get(false), ""), "");
    }

    #[test]
    fn lists_of_datasets_keep_what_may_be_seen() {
        assert_eq!(hidden().datasets("t/a,t/b@x"), "-");
        assert_eq!(hidden().datasets(""), "-");
        assert_eq!(hidden().source("local"), "local");
        assert_eq!(hidden().source("inherited from t/a"), "-");
    }
}
