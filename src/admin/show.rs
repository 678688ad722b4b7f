//! `show`: the whole that a policy stands for, in the form of a policy, with where each value comes from; or in short, what
//! may be done with which datasets.

use std::io::{self, Write};

use serde::Serialize;

use super::cli::Show;
use super::source::Source;
use super::{Stop, columns, json};
use crate::policy::{self, Operation, Policy, Scope, Shown};

/// Where the origins stand, unless a value reaches further.
const COLUMN: usize = 40;

/// Prints the policy.
pub(super) fn run(arguments: &Show, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let shown = policy::explain(&source.text, source.client.as_ref()).map_err(|error| source.stop(error))?;
    if arguments.json {
        values(out, &shown)?;
    } else if arguments.datasets {
        let head = ["Dataset", "Reach", "Operations", "When", "Grant"];
        columns::write(out, Some(head), &datasets(&source.policy()?, &shown))?;
    } else {
        write(out, &shown)?;
    }
    Ok(0)
}

/// A row for each dataset of each grant.
fn datasets(policy: &Policy, shown: &[Shown]) -> Vec<[String; 5]> {
    let rows = policy.grants.iter().flat_map(|grant| {
        let value = |key: &str| {
            let path = format!("grant.{}.{key}", grant.id.0);
            shown.iter().find(|shown| shown.path == path).map(|shown| shown.value.as_str())
        };
        let reach = match grant.scope {
            Scope::Both => "and below",
            Scope::Local => "alone",
            Scope::Descendents => "what is below",
        };
        let except: Vec<&str> = grant.except.iter().map(|except| except.as_str()).collect();
        let except = if except.is_empty() { String::new() } else { format!(", but {}", except.join(", ")) };
        let allowed = Operation::ALL.into_iter().filter(|operation| grant.allow.has(*operation));
        let allowed = allowed.map(Operation::name).collect::<Vec<_>>().join(" ");
        let when = [("until ", value("until")), ("between ", value("between"))];
        let when = when.into_iter().filter_map(|(word, value)| Some(format!("{word}{}", value?)));
        let when = when.collect::<Vec<_>>().join(", ");
        let role = value("role").map(|role| format!(" {}", role.trim_matches('"'))).unwrap_or_default();
        let grant_of = format!("{}{role}", grant.id.0);
        grant.datasets.iter().map(move |dataset| {
            let reach = format!("{reach}{except}");
            [dataset.as_str().to_owned(), reach, allowed.clone(), when.clone(), grant_of.clone()]
        })
    });
    rows.collect()
}

fn values(out: &mut impl Write, shown: &[Shown]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Value<'a> {
        path: &'a str,
        value: &'a str,
        origin: String,
    }
    #[derive(Serialize)]
    struct Values<'a> {
        values: Vec<Value<'a>>,
    }
    let values = shown.iter().map(|Shown { path, value, origin }| Value { path, value, origin: origin.to_string() });
    json::line(out, &Values { values: values.collect() })
}

fn write(out: &mut impl Write, shown: &[Shown]) -> io::Result<()> {
    let mut place = "";
    for (index, Shown { path, value, origin }) in shown.iter().enumerate() {
        let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
        if table != place {
            place = table;
            let blank = if index == 0 { "" } else { "\n" };
            writeln!(out, "{blank}{}", header(table))?;
        }
        let line = format!("{key} = {value}");
        writeln!(out, "{line:COLUMN$} # {origin}")?;
    }
    Ok(())
}

/// `grant.1.destroy.2` is the second `[[grant.destroy]]` of the first `[[grant]]`.
fn header(table: &str) -> String {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let name = table.split('.').filter(|part| !is_number(part)).collect::<Vec<_>>().join(".");
    match table.rsplit_once('.') {
        Some((_, number)) if is_number(number) => format!("[[{name}]]"),
        _ => format!("[{name}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Origin;

    #[test]
    fn tables_are_headed_as_toml_heads_them_and_each_value_says_where_it_comes_from() {
        let value = |path: &str, value: &str, origin| Shown { path: path.to_owned(), value: value.to_owned(), origin };
        let shown = [
            value("grant.1.datasets", "[\"tank\"]", Origin::Written),
            value("grant.1.send.raw", "\"encrypted\"", Origin::Role),
            value("grant.1.destroy.1.keep", "1", Origin::Role),
            value("grant.1.destroy.2.keep", "2", Origin::Role),
            value("filters.memory", "\"1GiB\"", Origin::BuiltIn),
        ];
        let mut out = Vec::new();
        write(&mut out, &shown).unwrap();
        let expected = "\
[[grant]]
datasets = [\"tank\"]                      # written

[grant.send]
raw = \"encrypted\"                        # role

[[grant.destroy]]
keep = 1                                 # role

[[grant.destroy]]
keep = 2                                 # role

[filters]
memory = \"1GiB\"                          # built in
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn each_dataset_has_a_row_with_what_may_be_done_and_when() {
        let text = "[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/a', 'tank/b-*']\nexcept = ['tank/a/x', 'tank/a/y']\n\
                    allow = ['send', 'list']\nbetween = ['22:00', '05:00']\n\
                    [[grant]]\ndatasets = ['tank/c']\nscope = 'local'\nallow = ['list']\n";
        let rows = datasets(&policy::parse(text, None).unwrap(), &policy::explain(text, None).unwrap());
        let but = "and below, but tank/a/x, tank/a/y";
        let when = "between [\"22:00\", \"05:00\"]";
        let expected = [
            ["tank/a", but, "list send", when, "1 pull-source"],
            ["tank/b-*", but, "list send", when, "1 pull-source"],
            ["tank/c", "alone", "list", "", "2"],
        ];
        assert_eq!(rows, expected.map(|row| row.map(str::to_owned)));
    }

    /// The whole that a policy stands for, as a text.
    fn whole(text: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, &policy::explain(text, None).unwrap()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_shown_is_a_policy_that_stands_for_the_same() {
        let policy = "[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/data']\nuntil = 2027-01-01T00:00:00Z\n\
                      between = ['22:00', '05:00']\n[[grant]]\ndatasets = ['a']\n[[grant.destroy]]\nnames = ['b']\n\
                      [[grant]]\ndatasets = ['c']\n[programs]\nzfs = '/sbin/zfs'\n[log]\ncompletion = 'all'\n";
        let shown = whole(policy);
        let values = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.split_once(" # ").map_or(line, |(value, _)| value).trim().to_owned()).collect()
        };
        assert_eq!(values(&whole(&shown)), values(&shown));
        assert!(!whole(&shown).contains("# role"));
    }
}
