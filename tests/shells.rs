//! One reading: dash, bash and busybox ash give stubs the argv and the descriptors that we read, run the same of them,
//! and end with the same status. For the tables, the corpus, and thousands of generated requests.
//!
//! Only what [`syntax::parse`] accepts is handed to a shell, in one of two ways: one shell for each request, in an
//! empty directory, with a PATH of programs that are stubs, where what would be a built-in or a path is renamed first
//! (see [`tame`]); or many requests to one shell, with functions as stubs (see [`batch`]). ZFS_SHELL_SHELLS is the
//! number of generated requests, of which a tenth and 2,000 at most are put in the first way too, and ZFS_SHELL_SEED
//! begins another sequence of them.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that runs shells, with helpers"
)]

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher as _};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use proptest::prelude::*;
use tempfile::TempDir;
use zfs_shell::decide::plan::Action;
use zfs_shell::script::{Joint, Pipeline, Script, Status};
use zfs_shell::syntax::{self, Simple, Word};

#[path = "shells/batch.rs"]
mod batch;
#[path = "shells/generate.rs"]
mod generate;
#[path = "shells/grammar.rs"]
mod grammar;
#[path = "shells/reading.rs"]
mod reading;
#[path = "shells/shell.rs"]
mod shell;
#[cfg(test)]
mod tables;

use reading::{Record, Where, argv, evaluate, renumbered};
use shell::{BUILT_IN, SHELLS, Shell, program};

#[test]
fn shells_read_the_allowed_requests_as_we_do() {
    let rows = tables::rows("must-differ.tsv");
    for row in &rows {
        let read = syntax::parse(&row.line);
        assert!(matches!(read, Ok(Some(_))), "{}, {}, should be {}: {read:?}", row.id, row.fourth, row.third);
    }
    let lines: Vec<_> = rows.iter().map(|row| str::from_utf8(&row.line).unwrap().to_owned()).collect();
    let tally = compare(&lines);
    assert!(tally.lines == lines.len() && tally.runs >= 3 * tally.lines, "{tally:?}");
}

#[test]
fn shells_read_what_clients_send_as_we_do() {
    let tally = compare(&generate::corpus());
    assert!(tally.lines > 800 && tally.runs > 2400, "{tally:?}");
}

#[test]
fn shells_read_what_is_wrapped_as_we_do() {
    let lines = [
        "sh -c \"zfs send a@b | zstd -c -1 | mbuffer -s 2097152 -q -m 128M\"",
        "sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin zfs get -H -p type tank/data 2>&1'",
        "sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin zfs list 2>&1 | lzop; zfs a || zfs b'",
        "sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin sh -c \"zfs list \\\"a b\\\"\"'",
    ]
    .map(str::to_owned);
    let tally = compare(&lines);
    assert!(tally.lines == 3 && tally.runs >= 14, "{tally:?}");
}

#[test]
fn shells_read_branches_and_the_texts_around_commands_as_we_do() {
    let announced = |hole: &str| format!("({hole} & PID=$!; echo \"zettarepl: zfs send PID is $PID\" 1>&2; wait $PID)");
    let first_failed = |holes: &[&str]| {
        let stages: Vec<_> =
            (0..).zip(holes).map(|(n, hole)| format!("{{ {hole} 4>&-; echo \"pipestatus{n}=$?;\" >&4; }}")).collect();
        let exits: String =
            (0..holes.len()).map(|n| format!("[ $pipestatus{n} -ne 0 ] && exit $pipestatus{n}; ")).collect();
        format!("exec 3>&1; eval $(exec 4>&1 >&3 3>&-; {}); {exits}exit 0", stages.join(" | "))
    };
    let quoted = |text: &str| format!("sh -c {}", syntax::quote([text]));
    let mut lines = vec![
        announced("zfs send a@b"),
        announced("zfs 'a b' c"),
        quoted(&announced("zfs send a@b")),
        first_failed(&["zfs a", "lzop"]),
        first_failed(&["zfs aa", "lzop c", "mbuffer"]),
        quoted(&first_failed(&["zfs a", "lzop"])),
        first_failed(&[&quoted(&announced("zfs send a@c")), "lzop"]),
        first_failed(&[&quoted(&first_failed(&[&quoted(&announced("zfs send a")), "lzop"])), "mbuffer -q"]),
    ];
    let words = ["a", "b", "c", "aa c"];
    let mut branches = Vec::new();
    for (a, b, c, d) in (0..256).map(|n| (words[n % 4], words[n / 4 % 4], words[n / 16 % 4], words[n / 64])) {
        branches.push(format!("if {a}; then {b}; fi"));
        branches.push(format!("{a} || {b}\nif {b} && {c}\nthen {c} || {d}; {a} | {b}\nelse {d} && {a}; fi; {c}"));
        branches.push(format!("if {a} || {b}; {c}; then {d} && {a} || {b}; fi\nif {c}; then {d}; else {b}; fi;"));
        // Each with another name, by which they are told apart.
        lines.push(first_failed(&[a, &format!("x{b}"), &format!("y{c}")]));
    }
    let tally = compare(&lines);
    assert!(tally.lines > 256, "{tally:?}");
    let branches: Vec<_> = branches.iter().filter_map(|line| batch::Case::new(line)).collect();
    assert_eq!(branches.len(), 768);
    let bench = batch::Bench::new();
    SHELLS.iter().for_each(|shell| bench.compare(shell, &branches));
}

/// What we answer without a program, in words and status. The names are ones that no host has.
#[test]
fn shells_print_what_we_do() {
    let policy = zfs_shell::policy::parse("", None).unwrap();
    let host = zfs_shell::facts::Table::parse("").unwrap();
    let lines = [
        "printf 'a b\n'",
        "printf '%s-%%%s\n\n' 'c  d' '-x\\y'; echo -n e; echo f",
        r"printf 'a\\b\n%s' 'c\n'",
        "printf 'default_shell-%s\n' \"$SHELL\"",
        "echo \"$SHELL\" \"$SHELL\"",
        "if command -v echo > /dev/null; then printf 'echo\n'; fi; if command -v nothing > /dev/null; then printf 'no\n'; fi",
        "if command -v nothing >/dev/null; then echo a; else printf b; false; fi",
        "if false; then echo a; fi",
        "if true; then exit 3; fi; echo b",
        "if false; then echo a; else exit; fi; echo b",
        "true && [ -x /nonexistent/zfs ] || printf 'none\n'",
        "test -r /nonexistent; exit",
        "[ -r /nonexistent ] || echo a; command -v nothing || true",
        "echo a 2>&1 >/dev/null; echo [ ]",
        "command -v [; command -v printf; command -v test",
    ];
    for line in lines {
        let plan = zfs_shell::judge(line.as_bytes(), &policy, &host).unwrap_or_else(|error| panic!("{line}: {error}"));
        let stages: Vec<_> = plan.stages().collect();
        let [stage] = stages.as_slice() else { panic!("{line}: more than one answer") };
        let Action::Answer(answer) = stage.action() else { panic!("{line}: no answer") };
        for shell in &SHELLS {
            let output = Command::new(program(shell.program))
                .args(shell.options)
                .args(["-c", line])
                .env_clear()
                .envs([("SHELL", "/bin/sh"), ("PATH", "/nonexistent"), ("LC_ALL", shell.locale)])
                .output()
                .unwrap();
            let theirs = (output.status.code(), String::from_utf8(output.stdout).unwrap());
            let ours = (Some(answer.status.into()), String::from_utf8(answer.stdout.clone()).unwrap());
            assert_eq!(ours, theirs, "{} {line}", shell.program);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing that the grammar has is refused, and what was meant is what is read.
    #[test]
    fn requests_by_the_grammar_are_read_as_they_were_meant(request in grammar::request()) {
        let script = syntax::parse(request.text.as_bytes());
        let script = script.map_err(|error| TestCaseError::fail(format!("{:?}: {error}", request.text)))?.unwrap();
        let command = |leaf: &Simple| (argv(leaf), leaf.redirects.clone());
        let pipeline = |pipeline: &Pipeline<Simple>| pipeline.leaves().map(command).collect();
        let rest = script.rest.iter().map(|(joint, next)| (*joint, pipeline(next)));
        let read: grammar::Meaning = std::iter::once((Joint::Next, pipeline(&script.first))).chain(rest).collect();
        prop_assert_eq!(read, request.means, "{:?}", request.text);
    }
}

/// Each by processes: programs in a directory, found by their names.
#[test]
fn shells_read_generated_requests_as_we_do() {
    let count = generated().div_ceil(10).min(2000);
    let mut generator = generate::Generator::new(number("ZFS_SHELL_SEED").unwrap_or(1));
    let mut lines = HashSet::new();
    let mut tries = 0;
    while lines.len() < count {
        let line = generator.line();
        tries += 1;
        if matches!(syntax::parse(line.as_bytes()), Ok(Some(_))) {
            lines.insert(line);
        }
        assert!(tries < 200 * count + 10_000, "too few of the generated requests are accepted");
    }
    let lines: Vec<_> = lines.into_iter().collect();
    let tally = compare(&lines);
    println!("{tries} generated, {tally:?}");
    assert!(tally.lines > count * 9 / 10 && tally.runs > count && tally.redirected > count / 10, "{tally:?}");
    assert!(tally.nested > count / 4, "{tally:?}");
    assert!(tally.skipped > count / 20, "some requests must end in commands that don't run: {tally:?}");
}

/// Many more by functions, a batch of them to one shell.
#[test]
fn shells_read_many_more_generated_requests_as_we_do() {
    let count = generated();
    let seed: u64 = number("ZFS_SHELL_SEED").unwrap_or(1);
    let (next, seen) = (AtomicU64::new(seed << 32), Mutex::new(HashSet::new()));
    let total = Mutex::new(Tally::default());
    let work = || {
        let bench = batch::Bench::new();
        let mut source = generate::Generator::new(0);
        while total.lock().unwrap().lines < count {
            source.begin(next.fetch_add(1, Ordering::Relaxed));
            let mut tally = Tally::default();
            let mut cases = Vec::new();
            while tally.lines < BATCH {
                let line = source.any_line();
                let Some(case) = batch::Case::new(&line) else { continue };
                if !seen.lock().unwrap().insert(hash(&line)) {
                    continue;
                }
                tally.lines += 1;
                tally.runs += case.runs();
                tally.skipped += case.skips();
                if tally.lines % 16 == 0 {
                    let nest = |line: &str| nestings(line).into_iter().nth(tally.lines / 16 % 3);
                    let nested = case.within(nest);
                    tally.nested += usize::from(nested.is_some());
                    cases.extend(nested);
                }
                cases.push(case);
            }
            // Each of the two ways of bash gets every other batch.
            let left_out = 1 + tally.runs % 2;
            let shells = SHELLS.iter().enumerate().filter(|(place, _)| *place != left_out);
            shells.for_each(|(_, shell)| bench.compare(shell, &cases));
            let mut total = total.lock().unwrap();
            *total = total.and(&tally);
            if total.lines % 10_000 == 0 {
                println!("{total:?}, none differs");
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let tally = total.into_inner().unwrap();
    assert!(tally.lines >= count && tally.runs > count && tally.skipped > count / 20, "{tally:?}");
    assert!(tally.nested > count / 40, "{tally:?}");
}

fn hash(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

/// Smallest examples of what shells read differently. Each must be refused; and that the shells do differ shows
/// that this test would see it.
#[test]
fn what_shells_read_differently_is_refused() {
    let stubs = Stubs::new();
    ["a", "b", "l["].into_iter().for_each(|name| stubs.provide(name));
    for line in DIFFERENT {
        assert!(syntax::parse(line.as_bytes()).is_err(), "{line:?} is accepted");
        let readings: Vec<_> = SHELLS.iter().map(|shell| stubs.run(shell, line).1).collect();
        assert!(readings.iter().any(|reading| *reading != readings[0]), "{line:?} is read alike: {readings:?}");
    }
}

/// The same for differences that no stub can show: what differs is a status, or a shell's own state.
#[test]
fn what_differs_in_a_status_is_refused() {
    for line in [
        "a;!",
        "! a",
        "a;%",
        "a;>/nonexistent/x",
        "a\n'",
        "a 'x\n'\\",
        "a;2>&1a",
        "a ~v/",
        "a x=~",
        "''",
        "-x",
        "a |&& b",
    ] {
        assert!(syntax::parse(line.as_bytes()).is_err(), "{line:?} is accepted");
    }
}

#[test]
fn the_list_of_built_ins_has_all_that_this_bash_has() {
    let output = Command::new(program("bash")).args(["-c", "compgen -b -k"]).output().unwrap();
    for name in String::from_utf8(output.stdout).unwrap().lines() {
        let known = BUILT_IN.contains(&name) || syntax::parse(name.as_bytes()).is_err();
        assert!(known, "{name} is missing");
    }
}

/// Requests to one shell.
const BATCH: usize = 250;

/// How much was compared.
#[derive(Debug, Default)]
struct Tally {
    lines: usize,
    runs: usize,
    skipped: usize,
    redirected: usize,
    nested: usize,
}

impl Tally {
    fn and(&self, other: &Self) -> Self {
        Self {
            lines: self.lines + other.lines,
            runs: self.runs + other.runs,
            skipped: self.skipped + other.skipped,
            redirected: self.redirected + other.redirected,
            nested: self.nested + other.nested,
        }
    }
}

/// How many requests are generated.
fn generated() -> usize {
    number("ZFS_SHELL_SHELLS").unwrap_or(20_000)
}

/// Runs each line that we accept in each shell and compares, half of them beside the other half.
fn compare(lines: &[String]) -> Tally {
    let (left, right) = lines.split_at(lines.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| compare_in_turn(right));
        let tally = compare_in_turn(left);
        tally.and(&other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn compare_in_turn(lines: &[String]) -> Tally {
    let stubs = Stubs::new();
    let mut tally = Tally::default();
    for line in lines {
        let Ok(Some(script)) = syntax::parse(line.as_bytes()) else { continue };
        let Some(line) = tame(line, &script) else { continue };
        // What only printf and echo may hold they may not under another name: see what_is_printed.
        let Ok(Some(script)) = syntax::parse(line.as_bytes()) else {
            assert!(line.contains("x-printf") || line.contains("x-echo"), "{line:?}");
            continue;
        };
        tally.lines += 1;
        for leaf in script.leaves() {
            stubs.provide(leaf.program.as_str());
        }
        let (status, expected) = meaning(&script);
        tally.skipped += script.leaves().count() - expected.len();
        tally.redirected += script.leaves().filter(|leaf| !leaf.redirects.is_empty()).count();
        for shell in &SHELLS {
            stubs.provide_shell(shell);
            let (theirs, records) = stubs.run(shell, &line);
            let what = format!("{} {:?}: {line:?}", shell.program, shell.options);
            assert_eq!(in_order(&script, records.clone()), in_order(&script, expected.clone()), "{what}");
            assert_eq!(theirs, Some(status), "{what}");
            tally.runs += records.len();
        }
        // A request in quotes behind `sh -c` is the same request.
        let shell = &SHELLS[tally.lines % SHELLS.len()];
        for nested in nestings(&line) {
            let read = match syntax::parse(nested.as_bytes()) {
                Err(syntax::Error { construct: syntax::Construct::TooDeep, .. }) => continue,
                read => read.unwrap_or_else(|error| panic!("{nested:?}: {error}")).unwrap(),
            };
            assert_eq!(meaning(&read), (status, expected.clone()), "{nested:?}");
            if tally.lines % 4 == 0 {
                stubs.provide_shell(shell);
                let (theirs, records) = stubs.run(shell, &nested);
                let (records, expected) = (in_order(&script, records), in_order(&script, expected.clone()));
                assert_eq!((theirs, records), (Some(status), expected), "{} {nested:?}", shell.program);
                tally.nested += 1;
            }
        }
    }
    tally
}

/// The line as a text of `sh -c`, in either kind of quotes, and once more in another. A text with a tab is no request of
/// ours, nor is one that begins with an option.
fn nestings(line: &str) -> Vec<String> {
    if line.contains('\t') || line.starts_with(['-', '+']) {
        return Vec::new();
    }
    let single = format!("sh -c '{}'", line.replace('\'', "'\\''"));
    let double = format!(
        "sh -c \"{}\"",
        line.chars().fold(String::new(), |mut text, character| {
            if "\\\"$`".contains(character) {
                text.push('\\');
            }
            text.push(character);
            text
        })
    );
    let twice = format!("sh -c '{}'", single.replace('\'', "'\\''"));
    vec![single, double, twice]
}

/// The line with each program's name made one that only a stub has: slashes become commas, and `x-` stands in front of
/// what a shell has built in. Nothing else of the request changes, and neither change is one of tokens. `None` where that
/// can't be, since the place of a name is within quotes that moved it.
fn tame(line: &str, script: &Script<Simple>) -> Option<String> {
    let mut line = line.to_owned();
    let mut programs: Vec<&Word> = script.leaves().map(|leaf| &leaf.program).collect();
    programs.reverse();
    for program in programs {
        let span = program.span();
        let written = line.get(span.start..span.end).unwrap();
        let name = program.as_str();
        match syntax::parse(written.as_bytes()) {
            _ if name == "[" => return None,
            Ok(Some(read)) if read.leaves().count() == 1 && argv(&read.first.first) == [name] => {}
            _ => return None,
        }
        let written = written.replace('/', ",");
        let prefix = if BUILT_IN.contains(&name) || matches!(name, "." | ".." | "sh") { "x-" } else { "" };
        line.replace_range(span.start..span.end, &format!("{prefix}{written}"));
    }
    Some(line)
}

/// What runs, in order, and the status.
fn meaning(script: &Script<Simple>) -> (i32, Vec<Record>) {
    let (status, pipelines) = evaluate(script, status);
    (status, renumbered(pipelines.concat()))
}

/// Where a shell starts the stages of a pipeline by other shells, nothing says in which order: then by their words.
fn in_order(script: &Script<Simple>, mut records: Vec<Record>) -> Vec<Record> {
    if script.pipelines().any(|pipeline| pipeline.status == Status::FirstFailed) {
        records.sort_by(|one, other| one.argv.cmp(&other.argv));
    }
    renumbered(records)
}

/// As the stub computes it.
fn status(argv: &[String]) -> i32 {
    let sum: u32 = argv.iter().flat_map(|word| word.bytes()).map(u32::from).sum();
    i32::from(sum.is_multiple_of(3))
}

/// A place where shells find nothing but stubs.
struct Stubs {
    directory: TempDir,
    files: [File; 3],
    known: BTreeMap<(u64, u64), Where>,
}

impl Stubs {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path();
        fs::create_dir(path.join("bin")).unwrap();
        fs::create_dir(path.join("empty")).unwrap();
        let files = ["in", "out", "err"].map(|name| {
            fs::write(path.join(name), "").unwrap();
            File::options().read(true).write(true).open(path.join(name)).unwrap()
        });
        let mut known = BTreeMap::from([(identity(&fs::metadata("/dev/null").unwrap()), Where::Null)]);
        known.extend(files.iter().map(|file| identity(&file.metadata().unwrap())).zip([
            Where::In,
            Where::Out,
            Where::Err,
        ]));
        Self { directory, files, known }
    }

    /// Makes a program of this name be found.
    fn provide(&self, name: &str) {
        let path = self.directory.path().join("bin").join(name);
        if !path.is_symlink() {
            symlink(stub(), path).unwrap();
        }
    }

    /// Makes this shell be found as sh.
    fn provide_shell(&self, shell: &Shell) {
        let path = self.directory.path().join("bin/sh");
        let _ = fs::remove_file(&path);
        symlink(program(shell.program), path).unwrap();
    }

    /// Hands the line to a shell: its status, and what the stubs saw.
    fn run(&self, shell: &Shell, line: &str) -> (Option<i32>, Vec<Record>) {
        let record = self.directory.path().join("record");
        fs::write(&record, "").unwrap();
        let [stdin, stdout, stderr] = self.files.each_ref().map(|file| file.try_clone().unwrap());
        let mut child = Command::new(program(shell.program))
            .args(shell.options)
            .args(["-c", line])
            .env_clear()
            .env("PATH", self.directory.path().join("bin"))
            .env("RECORD", &record)
            .env("LC_ALL", shell.locale)
            .current_dir(self.directory.path().join("empty"))
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        let status = child.wait().unwrap();
        (status.code(), self.records(child.id().into(), &fs::read_to_string(record).unwrap()))
    }

    /// The records in the order in which their processes were started. Those of one pipeline run side by side, but
    /// shells start them from left to right, so that their numbers say which is which. What runs last may take the
    /// place of the shell.
    fn records(&self, shell: u64, text: &str) -> Vec<Record> {
        let mut started = BTreeMap::new();
        for line in text.split_terminator('\x1e') {
            let mut fields = line.split('\0');
            let number: u64 = fields.next().unwrap().parse().unwrap();
            let files = [(); 3].map(|()| self.file(fields.next().unwrap()));
            started.insert(number, Record { argv: fields.map(str::to_owned).collect(), files });
        }
        let last = started.remove(&shell);
        // Numbers begin anew after the highest; then the low ones are the later ones.
        let span = started.keys().last().unwrap_or(&0) - started.keys().next().unwrap_or(&0);
        let (low, high): (Vec<_>, Vec<_>) =
            started.into_iter().partition(|(number, _)| span > 10_000 && *number < span / 2);
        renumbered(high.into_iter().chain(low).map(|(_, record)| record).chain(last).collect())
    }

    fn file(&self, text: &str) -> Where {
        let (device, inode) = text.split_once(':').unwrap();
        let (device, inode) = (device.parse().unwrap(), inode.parse().unwrap());
        self.known.get(&(device, inode)).cloned().unwrap_or(Where::Pipe(inode))
    }
}

fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The stub, compiled once; static where the C library can be, since most of the time of this test is its start.
fn stub() -> &'static Path {
    static STUB: OnceLock<PathBuf> = OnceLock::new();
    STUB.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shells/stub.rs");
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stub-{}", std::process::id()));
        let stub = made.with_file_name("stub");
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let compiled = ["+crt-static", "-crt-static"].iter().any(|feature| {
            let mut rustc = Command::new(&compiler);
            rustc
                .args(["--edition=2024", "-Copt-level=2", "-Cpanic=abort", "-Cstrip=symbols", source, "-o"])
                .arg(&made);
            rustc.arg(format!("-Ctarget-feature={feature}")).status().is_ok_and(|status| status.success())
        });
        assert!(compiled, "the stub doesn't compile");
        fs::rename(made, &stub).unwrap();
        stub
    })
}

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

const DIFFERENT: [&str; 17] = [
    "a 22>/dev/null",
    "a 02>/dev/null",
    "a 2>&1>/dev/null",
    "a $'b'",
    "a $\"\"",
    "a $[",
    "a a{1,b}",
    "a x=~",
    "a ~:",
    "a |& b",
    "a 'x\n'\\",
    "a >&/dev/null",
    "! ;a",
    "a;l[",
    "a $-",
    "time a",
    "a `'`",
];
