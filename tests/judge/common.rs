//! What the table tests share: reading tables, and judging by a policy and facts from files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use zfs_shell::decide::plan::Plan;
use zfs_shell::facts::Table;
use zfs_shell::failure::Failure;
use zfs_shell::policy::Policy;
use zfs_shell::record::{Outcome, Step};

/// A file below `tests/`.
pub fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A policy without `{client}`.
pub fn policy(text: &str) -> Policy {
    zfs_shell::policy::parse(text, None).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The plan, or why there is none.
pub fn judge_plan(line: &[u8], policy: &Policy, host: &Table) -> Result<Plan, Failure> {
    zfs_shell::judge(line, policy, host)
}

/// What is decided.
pub fn judge(line: &[u8], policy: &Policy, host: &Table) -> Outcome {
    Outcome::of(&zfs_shell::judge(line, policy, host))
}

/// What happens, in one line.
pub fn shown(outcome: &Outcome) -> String {
    let step = |step: &Step| match step {
        Step::Exec(words) => zfs_shell::syntax::quote(words.iter().map(String::as_str)),
        Step::Answer(stdout, stderr, status) => format!("answer {status} {stdout:?} {stderr:?}"),
        Step::Exit(status) => format!("exit {status:?}"),
    };
    match &outcome.reason {
        Some(reason) => reason.clone(),
        None => outcome.stages.iter().map(step).collect::<Vec<_>>().join(" ; "),
    }
}

/// The files of the corpus, each with its commands: one a line, or the whole file where it ends in `.cmd`.
pub fn corpus() -> BTreeMap<String, Vec<Vec<u8>>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt" || extension == "cmd"))
        .map(|path| {
            let text = std::fs::read(&path).unwrap();
            let commands = match path.extension().is_some_and(|extension| extension == "cmd") {
                true => vec![text],
                false => text
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
                    .map(<[u8]>::to_vec)
                    .collect(),
            };
            (path.file_name().unwrap().to_string_lossy().into_owned(), commands)
        })
        .collect()
}

/// A host on which every snapshot and bookmark that the corpus names is there, on tank/data and backup/laptop and all
/// below them, each arrived in the order of its name, a day apart; before all of these two of simplesnap's set `laptop`,
/// which it doesn't name, and two bookmarks of it. Nothing is encrypted, and nothing is changed.
pub fn corpus_host() -> Table {
    let mut names = BTreeMap::from([('@', BTreeSet::new()), ('#', BTreeSet::new())]);
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_.:".contains(character);
    for line in corpus().values().flatten() {
        // Quotes fall away, so that 'tank/data'@'a' is one name.
        let line = String::from_utf8_lossy(line).replace('\'', "");
        for (place, delimiter) in line.match_indices(['@', '#']) {
            let list = &line[place + 1..];
            let end = list.find(|character: char| !is_part(character) && character != ',').unwrap_or(list.len());
            for name in list[..end].split(',').filter(|name| !name.is_empty()) {
                names.get_mut(&delimiter.chars().next().unwrap()).unwrap().insert(name.to_owned());
            }
        }
    }
    let of_a_set = |day: u8| {
        format!("name = \"__simplesnap_laptop_1999-01-0{day}T00:00:00__\", guid = {}", 900_000 + u32::from(day))
    };
    let older: String = [1, 2]
        .map(|day| format!("{{ {}, creation = 1999-01-0{day}T00:00:00Z, createtxg = 0 }},\n", of_a_set(day)))
        .concat();
    let snapshots: String = names[&'@'].iter().enumerate().map(|(place, name)| {
        let (month, day) = (place / 28 % 12 + 1, place % 28 + 1);
        format!("{{ name = \"{name}\", creation = {}-{month:02}-{day:02}T00:00:00Z, createtxg = {place}, guid = {} }},\n", 2000 + place / 336, place + 1)
    }).collect();
    let snapshots = older + &snapshots;
    let bookmarks: String = names[&'#']
        .iter()
        .enumerate()
        .map(|(place, name)| format!("{{ name = \"{name}\", guid = {} }},\n", place + 1))
        .chain([1, 2].map(|day| format!("{{ {} }},\n", of_a_set(day))))
        .collect();
    let properties = "setuid = \"off\", devices = \"off\", mountpoint = \"none\", readonly = \"on\", canmount = \"on\", \
                      compression = \"on\", recordsize = 131072, mounted = \"no\", written = 0, referenced = 98304";
    let dataset = |name: &str| {
        format!(
            "[[dataset]]\nname = \"{name}\"\nbelow = true\ntype = \"filesystem\"\nencryption = \"off\"\n\
             properties = {{ {properties} }}\nsnapshots = [{snapshots}]\nbookmarks = [{bookmarks}]\n"
        )
    };
    Table::parse(&(dataset("tank/data") + &dataset("backup/laptop")))
        .unwrap()
        .at(UNIX_EPOCH + Duration::from_secs(1_795_000_000))
}
