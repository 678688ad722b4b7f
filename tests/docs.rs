//! The documents against the code: every key and value that a policy may have stands in the manual, policies in documents
//! are policies, and what documents name is there.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that reads documents, with helpers; clippy knows functions marked as tests alone"
)]

#[path = "docs/reference.rs"]
mod reference;

use std::path::{Path, PathBuf};

use zfs_shell::command::argv::Program;
use zfs_shell::command::name::Component;
use zfs_shell::decide::plan::Decision;
use zfs_shell::failure::Kind;
use zfs_shell::policy::{Policy, PolicyError, explain, parse};
use zfs_shell::syntax::{MAX_COMMANDS, MAX_LINE, MAX_STAGES, MAX_WORDS};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn policy_manual() -> String {
    read("docs/zfs-shell.toml.5")
}

/// The documents of the project.
fn documents() -> Vec<(String, String)> {
    let listed = |directory: &str| {
        let entries = std::fs::read_dir(root().join(directory)).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "md"))
            .collect::<Vec<_>>()
    };
    let mut paths = listed("");
    paths.extend(listed("docs"));
    paths.extend(listed("docs/clients"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let text = read(&name);
            (name, text)
        })
        .collect()
}

/// A table of the policy: where a key of it stands in a file, and under which heading of the manual.
const TABLES: [(&str, &str); 19] = [
    ("[[grant]]\nKEY", ".Sh GRANTS"),
    ("[[grant]]\n[grant.send]\nKEY", ".Ss [grant.send]"),
    ("[[grant]]\n[grant.snapshot]\nKEY", ".Ss [grant.snapshot]"),
    ("[[grant]]\n[grant.bookmark]\nKEY", ".Ss [grant.bookmark]"),
    ("[[grant]]\n[grant.hold]\nKEY", ".Ss [grant.hold]"),
    ("[[grant]]\n[[grant.destroy]]\nKEY", ".Ss [[grant.destroy]]"),
    ("[[grant]]\n[[grant.destroy]]\nfloor = { KEY }", ".Ss [[grant.destroy]]"),
    ("[[grant]]\n[grant.set]\nKEY", ".Ss [grant.set]"),
    ("[[grant]]\n[grant.receive]\nKEY", ".Ss [grant.receive]"),
    ("[[grant]]\n[grant.receive.stream]\nKEY", ".Ss [grant.receive.stream]"),
    ("[filters]\nKEY", ".Ss [filters]"),
    ("[privilege]\nKEY", ".Ss [privilege]"),
    ("[log]\nKEY", ".Ss [log]"),
    ("[reply]\nKEY", ".Ss [reply]"),
    ("[sandbox]\nKEY", ".Ss [sandbox]"),
    ("[session]\nKEY", ".Ss [session]"),
    ("[hooks]\nKEY", ".Ss [hooks]"),
    ("[[command]]\nKEY", ".Ss [[command]]"),
    ("[key]\nKEY", ".Ss [key]"),
];

/// Keys whose values are of a closed list, as a file with such a value.
const CHOICES: [(&str, &str); 13] = [
    ("[[grant]]\nrole = VALUE", ".Sh GRANTS"),
    ("[[grant]]\nscope = VALUE", ".Sh GRANTS"),
    ("[[grant]]\nallow = [VALUE]", ".Sh GRANTS"),
    ("[[grant]]\n[grant.send]\nraw = VALUE", ".Ss [grant.send]"),
    ("[[grant]]\n[[grant.destroy]]\nkept = VALUE", ".Ss [[grant.destroy]]"),
    ("[[grant]]\n[grant.receive]\nforce = VALUE", ".Ss [grant.receive]"),
    ("[[grant]]\n[grant.receive]\nrollback = VALUE", ".Ss [grant.receive]"),
    ("[[grant]]\n[grant.receive.stream]\nraw = VALUE", ".Ss [grant.receive.stream]"),
    ("[[grant]]\n[grant.receive.stream]\nproperties = VALUE", ".Ss [grant.receive.stream]"),
    ("[filters]\nallow = [VALUE]", ".Ss [filters]"),
    ("[privilege]\nvia = VALUE", ".Ss [privilege]"),
    ("[log]\ncompletion = VALUE", ".Ss [log]"),
    ("[session]\nio_class = VALUE", ".Ss [session]"),
];

/// What nobody would call anything: far from every name, so that the error offers all of them.
const FOREIGN: &str = "qqqqqqqqqqqq";

fn error(text: &str) -> PolicyError {
    parse(text, None).err().unwrap_or_else(|| panic!("taken: {text}"))
}

/// The names that the parser expects in place of a foreign one.
fn expected(text: &str) -> Vec<String> {
    let message = error(text).message;
    let (_, names) = message.split_once("`, expected ").unwrap_or_else(|| panic!("{message}\n{text}"));
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn keys(table: &str) -> Vec<String> {
    expected(&table.replace("KEY", &format!("{FOREIGN} = 1")))
}

/// What stands under a heading, up to the next of the same rank or a higher one.
fn section<'m>(manual: &'m str, heading: &str) -> &'m str {
    let (_, behind) = manual.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let ends: &[&str] = if heading.starts_with(".Sh") { &["\n.Sh "] } else { &["\n.Sh ", "\n.Ss "] };
    let end = ends.iter().filter_map(|end| behind.find(end)).min().unwrap_or(behind.len());
    &behind[..end]
}

/// The words behind a macro, at the beginning of a line or inside one.
fn marked<'m>(text: &'m str, mark: &str) -> Vec<&'m str> {
    let lines = text.lines().filter_map(|line| line.split_once(&format!("{mark} ")).map(|(_, behind)| behind));
    lines.flat_map(str::split_whitespace).collect()
}

#[test]
fn every_key_of_a_policy_stands_under_its_table_in_the_manual() {
    let manual = policy_manual();
    for (table, heading) in TABLES {
        let described = marked(section(&manual, heading), "Ic");
        for key in keys(table) {
            let tables = ["send", "snapshot", "bookmark", "hold", "destroy", "set", "receive"];
            let is_table = tables.contains(&key.as_str()) && heading == ".Sh GRANTS";
            let has_section =
                manual.contains(&format!(".Ss [grant.{key}]")) || manual.contains(&format!(".Ss [[grant.{key}]]"));
            assert!(if is_table { has_section } else { described.contains(&key.as_str()) }, "{heading}: {key}");
        }
    }
    for table in keys("KEY") {
        let has_section = [format!("\n.Ss [{table}]\n"), format!("\n.Ss [[{table}]]\n")];
        assert!(table == "grant" || has_section.iter().any(|section| manual.contains(section)), "{table}");
    }
}

#[test]
fn every_key_in_the_manual_is_one_of_a_policy() {
    let manual = policy_manual();
    let known: Vec<String> = TABLES.iter().flat_map(|(table, _)| keys(table)).collect();
    for key in marked(&manual, ".It Ic") {
        assert!(known.iter().any(|known| known == key), "{key}");
    }
}

#[test]
fn every_value_of_a_closed_list_stands_in_the_manual() {
    let manual = policy_manual();
    for (text, heading) in CHOICES {
        let described = marked(section(&manual, heading), "Qq");
        for value in expected(&text.replace("VALUE", &format!("\"{FOREIGN}\""))) {
            assert!(described.contains(&value.as_str()), "{heading}: {value}");
        }
    }
    let text = section(&manual, ".Ss [programs]").to_owned() + section(&manual, ".Ss [filters]");
    for program in Program::ALL.map(Program::name) {
        assert!(text.split(|end: char| !end.is_ascii_alphanumeric()).any(|word| word == program), "{program}");
    }
}

/// Fenced blocks in a document that are policies.
fn fenced(document: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in document.lines() {
        match (&mut block, line.trim_start()) {
            (None, "```toml") => block = Some(String::new()),
            (Some(text), "```") => {
                blocks.push(std::mem::take(text));
                block = None;
            }
            (Some(text), _) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

/// Literal blocks in a manual.
fn literal(manual: &str) -> Vec<&str> {
    manual
        .split("\n.Bd -literal")
        .skip(1)
        .map(|block| block.split_once('\n').unwrap().1.split("\n.Ed").next().unwrap())
        .collect()
}

fn policy(text: &str) -> Policy {
    let client = Component::parse("laptop").unwrap();
    let client = text.contains("{client}").then_some(&client);
    parse(text, client).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn policies_in_documents_are_policies_that_grant_something() {
    let mut seen = 0;
    for (name, text) in documents() {
        for block in fenced(&text) {
            let policy = policy(&block);
            assert!(!policy.grants.is_empty() || !policy.commands.is_empty(), "{name}");
            seen += 1;
        }
    }
    for block in literal(&policy_manual()).into_iter().filter(|block| block.contains("[[grant]]")) {
        assert!(!policy(block).grants.is_empty());
        seen += 1;
    }
    assert!(seen >= 6, "{seen}");
}

#[test]
fn the_whole_policy_of_the_readme_has_every_key() {
    let blocks = fenced(&read("README.md"));
    let whole = blocks.iter().max_by_key(|block| block.len()).unwrap();
    for (table, _) in TABLES {
        for key in keys(table) {
            let written = [format!("{key} "), format!("[grant.{key}]"), format!("[[grant.{key}]]"), format!(".{key}]")];
            assert!(written.iter().any(|written| whole.contains(written)), "{table}: {key}");
        }
    }
    for table in keys("KEY") {
        assert!(table == "grant" || whole.contains(&format!("[{table}]")), "{table}");
    }
}

#[test]
fn each_role_in_the_manual_is_the_role() {
    let manual = policy_manual();
    let [pull, push] = literal(section(&manual, ".Sh ROLES")).try_into().unwrap();
    let values = |grant: &str| {
        let shown = explain(&format!("[[grant]]\ndatasets = [\"tank\"]\n{grant}"), None).unwrap();
        let mut values: Vec<_> = shown.into_iter().map(|shown| (shown.path, shown.value)).collect();
        values.retain(|(path, _)| path != "grant.1.role");
        values.sort();
        values
    };
    assert_eq!(values(pull), values("role = \"pull-source\""));
    assert_eq!(values(push), values("role = \"push-target\""));
}

#[test]
fn words_statuses_and_limits_of_the_gate_stand_in_its_manual() {
    let manual = read("docs/zfs-shell.8");
    for kind in [Kind::Broken, Kind::Refused, Kind::Unknown] {
        assert!(section(&manual, ".Sh EXIT STATUS").contains(&format!("\n.It {}\n{}\n", kind.status(), kind.word())));
        assert!(section(&manual, ".Ss Decisions").contains(&format!("\n.It {}\n", kind.word())));
    }
    for decision in [Decision::Allowed, Decision::Kept, Decision::Hidden] {
        assert!(section(&manual, ".Ss Decisions").contains(&format!("\n.It {}\n", decision.word())));
    }
    for limit in [MAX_COMMANDS, MAX_LINE, MAX_STAGES, MAX_WORDS] {
        assert!(section(&manual, ".Ss Requests").contains(&format!(" {limit} ")), "{limit}");
    }
}

/// What would fail is the last cell of each hole: rows of the table of attacks, tests as `FILE::NAME`, scripts of the guest.
#[test]
fn every_known_hole_names_rows_or_tests_that_are_there() {
    let attacks = read("tests/attacks/must-refuse.tsv");
    let known: Vec<&str> = attacks.lines().filter_map(|row| row.split('\t').next()).collect();
    let page = read("docs/known-holes.md");
    let (mut rows, mut tests) = (0, 0);
    for hole in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| hole |")) {
        if hole.starts_with("| --- ") {
            continue;
        }
        let cells: Vec<&str> = hole.trim_end_matches(" |").split(" | ").collect();
        let [_, _, fails] = cells[..] else { panic!("not three cells: {hole}") };
        let before = rows + tests;
        for named in fails.split(' ') {
            let Some(quoted) = named.strip_prefix('`').and_then(|named| named.strip_suffix('`')) else {
                assert!(known.contains(&named), "{named}");
                rows += 1;
                continue;
            };
            if let Some((file, name)) = quoted.split_once("::") {
                assert!(read(file).contains(&format!("fn {name}(")), "{quoted}");
                tests += 1;
            } else {
                assert!(quoted.starts_with("tests/guest/in/") && root().join(quoted).exists(), "{quoted}");
            }
        }
        assert!(rows + tests > before, "nothing would fail: {hole}");
    }
    assert!(rows > 130 && tests > 15, "{rows} {tests}");
}

#[test]
fn every_direct_dependency_of_the_gate_has_its_reason() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let page = read("docs/gate-dependencies.md");
    let cells = page.lines().filter(|line| line.starts_with("| ")).map(|line| line.split(" | ").next().unwrap());
    let named: Vec<&str> = cells.flat_map(|cell| cell.trim_start_matches("| ").split(", ")).collect();
    for (name, value) in manifest["dependencies"].as_table().unwrap() {
        let optional = value.get("optional").and_then(toml::Value::as_bool) == Some(true);
        assert!(optional || named.contains(&name.as_str()), "{name}");
    }
}

/// Paths of the project in back quotes, and links to files.
fn named_paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2).filter(|path| {
        let ours = ["src/", "tests/", "tools/", "docs/", "policy/"].iter().any(|room| path.starts_with(room));
        ours && !path.contains([' ', '*', '\n']) && !path.contains("NAME")
    });
    // A test is named behind its file.
    let quoted = quoted.map(|path| path.split("::").next().unwrap_or(path));
    let linked = text.split("](").skip(1).filter_map(|link| link.split(')').next());
    quoted.chain(linked.filter(|link| !link.contains("://"))).collect()
}

/// Whether a document has a heading that links name so: in small letters, with hyphens.
fn has_heading(file: &Path, heading: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap();
    let plain = |c: &char| c.is_ascii_alphanumeric() || [' ', '-'].contains(c);
    let link = |title: &str| title.to_lowercase().chars().filter(plain).collect::<String>().replace(' ', "-");
    text.lines().filter(|line| line.starts_with('#')).any(|line| link(line.trim_start_matches('#').trim()) == heading)
}

#[test]
fn the_table_of_contents_has_every_document_and_every_room_of_the_code() {
    let contents = read("docs/README.md");
    let entries = |directory: &str| {
        let entries = std::fs::read_dir(root().join(directory)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let is_document = |name: &String| [".md", ".1", ".5", ".8"].iter().any(|end| name.ends_with(end));
    let clients = entries("docs/clients").into_iter().map(|name| format!("clients/{name}"));
    for name in entries("docs").into_iter().chain(clients).filter(is_document).filter(|name| name != "README.md") {
        assert!(contents.contains(&format!("]({name})")), "{name}");
    }
    for name in entries("src").into_iter().filter(|name| name != "lib.rs") {
        assert!(contents.contains(&format!("`src/{name}`")), "src/{name}");
    }
}

#[test]
fn what_documents_name_is_there() {
    let mut missing = Vec::new();
    for (name, text) in documents() {
        let directory = root().join(Path::new(&name).parent().unwrap());
        // A fence would turn what is quoted inside out.
        for path in named_paths(&text.replace("```", "")) {
            let (file, heading) = path.split_once('#').unwrap_or((path, ""));
            let found = [root().join(file), directory.join(file)].into_iter().find(|found| found.exists());
            let is_there = found.is_some_and(|found| heading.is_empty() || has_heading(&found, heading));
            if !is_there {
                missing.push(format!("{name}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
