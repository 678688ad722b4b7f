//! docs/policy-reference.md is made from the parser: which keys there are, what each takes, and what it is where nothing is
//! written. ZFS_SHELL_BLESS=1 writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use zfs_shell::command::argv::Program;
use zfs_shell::policy::{explain, parse};

use crate::{FOREIGN, TABLES, keys, read, root};

const PAGE: &str = "docs/policy-reference.md";

const HEAD: &str = "\
# All keys of a policy

Made from the parser, by `ZFS_SHELL_BLESS=1 cargo test --test docs reference`: what each key takes, and what it is where
nothing is written, without a role and with one. What it means stands in [zfs-shell.toml(5)](zfs-shell.toml.5). `-` is for
what is unset, or has to be written.
";

#[test]
fn the_policy_reference_is_what_the_parser_says() {
    let made = page();
    if std::env::var_os("ZFS_SHELL_BLESS").is_some() {
        std::fs::write(root().join(PAGE), &made).unwrap();
    }
    assert_eq!(read(PAGE), made, "ZFS_SHELL_BLESS=1 writes it anew");
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let roles = ["", "role = \"pull-source\"", "role = \"push-target\""].map(values);
    for (table, _) in TABLES {
        let place = place(table);
        let of_roles = if place.starts_with("grant.1.") {
            ["built in", "pull-source", "push-target"].as_slice()
        } else {
            &["built in"]
        };
        let columns = [&["key", "takes"], of_roles].concat();
        write!(page, "\n## {}\n\n| {} |\n|{}\n", title(table), columns.join(" | "), " --- |".repeat(columns.len()))
            .unwrap();
        for key in keys(table) {
            let Some(takes) = takes(table, &key) else { continue };
            let values = roles.iter().take(of_roles.len()).map(|values| value(values, &place, &key));
            writeln!(page, "| `{key}` | {takes} | {} |", values.collect::<Vec<_>>().join(" | ")).unwrap();
        }
    }
    let path = takes("[programs]\nKEY", "zfs").unwrap();
    let programs = Program::ALL.map(|program| format!("`{}`", program.name())).join(", ");
    write!(page, "\n## [programs]\n\nEach {path}, unset: {programs}.\n").unwrap();
    page
}

/// `[grant.send]`, from a file with a key in it.
fn title(table: &str) -> String {
    match table.rsplit_once('\n').unwrap() {
        (tables, "KEY") => tables.rsplit('\n').next().unwrap().to_owned(),
        (tables, inline) => format!("{}, `{}`", tables.rsplit('\n').next().unwrap(), inline.replace("KEY", "...")),
    }
}

/// What the paths of its values begin with, of several of its kind those of the first.
fn place(table: &str) -> String {
    let title = title(table);
    let (title, inline) = title.split_once(", `").unwrap_or((&title, ""));
    let name = title.trim_matches(['[', ']']).replace("grant", "grant.1");
    let first = if title.starts_with("[[grant.") { ".1" } else { "" };
    let inline = inline.split_once(' ').map(|(key, _)| format!(".{key}")).unwrap_or_default();
    format!("{name}{first}{inline}.")
}

fn values(role: &str) -> BTreeMap<String, String> {
    let shown = explain(&format!("[[grant]]\ndatasets = [\"tank\"]\n{role}"), None).unwrap();
    shown.into_iter().map(|shown| (shown.path, shown.value)).collect()
}

/// In the words of TOML; of the rules that a role has one after the other.
fn value(values: &BTreeMap<String, String>, place: &str, key: &str) -> String {
    let quoted = |path: String| values.get(&path).map(|value| format!("`{}`", value.replace('|', "\\|")));
    let rules =
        (1..).map_while(|rule| quoted(format!("{}{key}", place.replace(".destroy.1.", &format!(".destroy.{rule}.")))));
    let shown = match place {
        _ if ["datasets", "role"].contains(&key) && place == "grant.1." => None,
        place if place.contains(".destroy.1.") => Some(rules.collect::<Vec<_>>().join("; ")),
        place => quoted(format!("{place}{key}")),
    };
    shown.filter(|shown| !shown.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// What the parser wants in the place of what it doesn't take; nothing of a table that has a heading.
fn takes(table: &str, key: &str) -> Option<String> {
    let below = format!("{}.{key}", title(table).trim_matches(['[', ']']));
    if TABLES.iter().any(|(other, _)| title(other).trim_matches(['[', ']']) == below) {
        return None;
    }
    let tried = |value: &str| {
        let text = table.replace("KEY", &format!("{key} = {value}"));
        parse(&text, None).err().map(|error| error.message).unwrap_or_default()
    };
    let foreign = format!("\"{FOREIGN}\"");
    let (of_true, of_text, of_array) = (tried("true"), tried(&foreign), tried(&format!("[{foreign}]")));
    let wanted = |message: &str| message.split_once(", expected ").map(|(_, wanted)| wanted.to_owned());
    let names = |message: &str| {
        let (_, names) = message.split_once("`, expected one of ").filter(|(_, names)| names.starts_with('`'))?;
        Some(names.to_owned())
    };
    let wanted = wanted(&of_true).or_else(|| wanted(&of_text)).unwrap();
    Some(match wanted.as_str() {
        "a string" => names(&of_text).unwrap_or(wanted),
        "an array" => match (names(&of_array), of_array.split_once(" is not "), of_array.split_once("expected one ")) {
            (Some(names), _, _) => format!("an array of {names}"),
            (_, Some((_, each)), _) | (_, _, Some((_, each))) => format!("an array, each {each}"),
            _ => "an array of strings".to_owned(),
        },
        _ => wanted.replace(" to 4294967295", " on"),
    })
}
