//! Many requests to one shell, without starting programs: by way of functions (stubs.sh), some hundred times as quick as
//! with processes, and otherwise the same. What a request may do to the shell itself is left to processes.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test that runs shells, with helpers")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::Command;

use tempfile::TempDir;
use zfs_shell::script::{Script, Status};
use zfs_shell::syntax::{self, Simple};

use crate::reading::{Record, Where, argv, evaluate};
use crate::shell::{BUILT_IN, Shell, program};

/// A request as it is put to shells, and what we take it to mean.
pub struct Case {
    /// As it came.
    pub line: String,
    functions: String,
    asked: String,
    expected: Heard,
    leaves: usize,
}

/// What the stubs say of one request: its status, and the records of each pipeline, in any order within it.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    status: i32,
    pipelines: Vec<Vec<Said>>,
}

/// What a stub says: the kinds of its descriptors, what came through a pipe, its words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    files: String,
    came: String,
    argv: Vec<String>,
}

impl Case {
    /// `None` where the request isn't accepted, or is one for processes: a text around commands, a newline in a word, a
    /// name that quotes have moved.
    pub fn new(line: &str) -> Option<Self> {
        let script = syntax::parse(line.as_bytes()).ok()??;
        let is_plain = |leaf: &Simple| !leaf.path && !leaf.announced;
        let fits = line.len() < 700
            && script.leaves().all(|leaf| is_plain(leaf) && argv(leaf).iter().all(|word| !word.contains('\n')))
            && script.pipelines().all(|pipeline| pipeline.status == Status::Last)
            && is_flat(line, &script);
        if !fits {
            return None;
        }
        let mut asked = line.to_owned();
        let mut functions = String::new();
        let leaves: Vec<&Simple> = script.leaves().collect();
        for leaf in leaves.iter().rev() {
            let name = leaf.program.as_str();
            if is_function(name) {
                writeln!(functions, "{name}() {{ _stub {name} \"$@\"; }}").unwrap();
            } else {
                // A word like others, behind a name that is a function.
                asked.insert_str(leaf.program.span().start, "_stub ");
            }
        }
        Some(Self { line: line.to_owned(), functions, asked, expected: Heard::expected(&script), leaves: leaves.len() })
    }

    /// The same request as a text of `sh -c`, which must mean the same to us too.
    pub fn within(&self, nest: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let line = nest(&self.line)?;
        let script = match syntax::parse(line.as_bytes()) {
            Err(syntax::Error { construct: syntax::Construct::TooDeep, .. }) => return None,
            read => read.unwrap_or_else(|error| panic!("{line:?}: {error}")).unwrap(),
        };
        let expected = Heard::expected(&script);
        assert_eq!(expected, self.expected, "{line:?}");
        Some(Self { line, functions: self.functions.clone(), asked: nest(&self.asked)?, expected, leaves: self.leaves })
    }

    /// How many programs a shell runs of it.
    pub fn runs(&self) -> usize {
        self.expected.pipelines.iter().map(Vec::len).sum()
    }

    /// How many it doesn't, by what status those before end with.
    pub fn skips(&self) -> usize {
        self.leaves - self.runs()
    }
}

/// Whether these are the request's own words and not those of a text in it: behind another command they are the same.
fn is_flat(line: &str, script: &Script<Simple>) -> bool {
    let words = |script: &Script<Simple>| script.leaves().map(argv).collect::<Vec<_>>();
    match syntax::parse(format!("x;{line}").as_bytes()) {
        Ok(Some(again)) => words(&again).get(1..) == Some(&words(script)),
        _ => false,
    }
}

/// Whether every shell takes it for the name of a function, and looks nowhere else for it.
fn is_function(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && name != "sh"
        && !BUILT_IN.contains(&name)
        && syntax::parse(name.as_bytes()).is_ok()
}

impl Heard {
    fn expected(script: &Script<Simple>) -> Self {
        let (status, pipelines) = evaluate(script, |argv| i32::try_from(argv.len() % 3).unwrap());
        Self { status, pipelines: pipelines.iter().map(|records| said(records)).collect() }
    }
}

/// What the stubs of a pipeline say.
fn said(records: &[Record]) -> Vec<Said> {
    let kind = |file: &Where| match file {
        Where::In => 'I',
        Where::Out => 'O',
        Where::Err => 'E',
        Where::Null => 'N',
        Where::Pipe(_) => 'P',
    };
    let mut all: Vec<Said> = Vec::new();
    for record in records {
        let mut came = String::new();
        for (writer, (place, file)) in records.iter().flat_map(|writer| {
            let outputs = (1..).zip(&writer.files[1..]);
            outputs.map(move |output| (writer, output))
        }) {
            if matches!(file, Where::Pipe(_)) && *file == record.files[0] {
                write!(came, "{place}:{}:{},", writer.argv[0], writer.argv.len()).unwrap();
            }
        }
        all.push(Said { files: record.files.iter().map(kind).collect(), came, argv: record.argv.clone() });
    }
    all.sort();
    all
}

/// Where shells find nothing at all.
pub struct Bench {
    directory: TempDir,
    files: [File; 3],
}

impl Bench {
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        fs::create_dir(directory.path().join("empty")).unwrap();
        let files = ["in", "out", "err"].map(|name| {
            let path = directory.path().join(name);
            fs::write(&path, "").unwrap();
            File::options().read(true).write(true).open(path).unwrap()
        });
        Self { directory, files }
    }

    /// Puts the cases to a shell, and compares.
    pub fn compare(&self, shell: &Shell, cases: &[Case]) {
        let path = self.directory.path();
        let record = path.join("record");
        fs::write(&record, "").unwrap();
        self.files[2].set_len(0).unwrap();
        let [stdin, stdout, stderr] = self.files.each_ref().map(|file| file.try_clone().unwrap());
        let status = Command::new(program(shell.program))
            .args(shell.options)
            .args(["-c", include_str!("stubs.sh"), "batch"])
            .args(cases.iter().flat_map(|case| [&case.functions, &case.asked]))
            .env_clear()
            .envs([("PATH", "/nonexistent"), ("SHELL", "/bin/sh"), ("LC_ALL", shell.locale)])
            .env("RECORD", &record)
            .current_dir(path.join("empty"))
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .status()
            .unwrap();
        let text = fs::read_to_string(record).unwrap();
        let mut fields = text.split_terminator('\0');
        for case in cases {
            let heard = heard(&mut fields, &case.expected);
            let complaints = || String::from_utf8_lossy(&fs::read(path.join("err")).unwrap()).into_owned();
            let what = || format!("{} {:?}: {:?}\n{}", shell.program, shell.options, case.line, complaints());
            assert_eq!(heard.as_ref(), Some(&case.expected), "{}", what());
        }
        assert!(fields.next().is_none() && status.success(), "{} {status}", shell.program);
    }
}

/// What was said of one request, in pipelines as long as those expected, the rest as one more.
fn heard<'a>(fields: &mut impl Iterator<Item = &'a str>, expected: &Heard) -> Option<Heard> {
    let mut all = Vec::new();
    let status = loop {
        let files = fields.next()?;
        if let Some(status) = files.strip_prefix('=') {
            break status.parse().ok()?;
        }
        let (came, count) = (fields.next()?.to_owned(), fields.next()?.parse().ok()?);
        let argv = fields.by_ref().take(count).map(str::to_owned).collect();
        all.push(Said { files: files.to_owned(), came, argv });
    };
    let mut all = all.into_iter();
    let mut pipelines: Vec<Vec<Said>> = Vec::new();
    for length in expected.pipelines.iter().map(Vec::len) {
        pipelines.push(all.by_ref().take(length).collect());
    }
    pipelines.extend(Some(all.collect::<Vec<_>>()).filter(|rest| !rest.is_empty()));
    pipelines.iter_mut().for_each(|pipeline| pipeline.sort());
    Some(Heard { status, pipelines })
}

/// What differs in a word, a redirection, a pipe, an order or a status is told, or all this would say nothing.
#[test]
fn a_batch_in_which_a_shell_does_something_else_is_seen() {
    let bench = Bench::new();
    for (line, asked) in [
        ("a b", "a c"),
        ("a b", "a b c"),
        ("a b", "a b; a"),
        ("a b", "a b >/dev/null"),
        ("a b", "a b </dev/null"),
        ("a b", "a b 2>&1"),
        ("a | b", "a 2>&1 | b"),
        ("a 2>&1 | b", "a | b"),
        ("a 2>&1 >/dev/null | b", "a >/dev/null 2>&1 | b"),
        ("a | b", "b | a"),
        ("a | b", "a; b"),
        ("a || b", "a && b"),
        ("a && b; a", "a || b; a"),
        ("if a; then b; fi", "if a || a b c; then b; fi"),
        ("a;b", "a;b'"),
    ] {
        for shell in &crate::shell::SHELLS {
            let case = || Case::new(line).unwrap();
            bench.compare(shell, &[case()]);
            let other = Case { asked: asked.to_owned(), ..case() };
            let compared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| bench.compare(shell, &[other])));
            assert!(compared.is_err(), "{} {line:?} {asked:?}", shell.program);
        }
    }
}
