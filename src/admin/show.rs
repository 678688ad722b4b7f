//! `show`: the whole that a policy stands for, in the form of a policy, with where each value comes from.

use std::io::{self, Write};

use super::Stop;
use super::cli::Show;
use super::source::Source;
use crate::policy::{self, Shown};

/// Where the origins stand, unless a value reaches further.
const COLUMN: usize = 40;

/// Prints the policy.
pub(super) fn run(arguments: &Show, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let shown = policy::explain(&source.text, source.client.as_ref()).map_err(|error| source.stop(error))?;
    write(out, &shown)?;
    Ok(0)
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
