//! Whatever was asked, decided and done: its record is one line of printable characters that is not too long, and a
//! reader of `key=value` gets out of it just the fields that went in, in their order, each whole or cut with its
//! length.
#![no_main]

use std::net::IpAddr;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zfs_shell::facts::Table;
use zfs_shell::policy::Policy;
use zfs_shell::record::{Completion, Outcome, Record, RequestId, Step, Who};
use zfs_shell::run::{Arrived, Cut, Ended, Measure};
use zfs_shell::{judge, policy};

const POLICY: &str = include_str!("../../tests/attacks/policy.toml");
const FACTS: &str = include_str!("../../tests/attacks/facts.toml");

thread_local! {
    static WORLD: (Policy, Table) = (policy::parse(POLICY, None).unwrap(), Table::parse(FACTS).unwrap());
}

#[derive(Arbitrary, Debug)]
struct Input {
    policy: Option<String>,
    client: Option<IpAddr>,
    key: Option<String>,
    made: Made,
    unconfined: [bool; 2],
    kept: bool,
    status: u8,
    cut: Option<u8>,
    refused: Option<String>,
    broken: Vec<String>,
    arrived: Vec<(Vec<Vec<String>>, u64, Option<String>, Option<String>)>,
    time: u32,
    request: Vec<u8>,
}

/// What was decided: of the request, or anything at all.
#[derive(Arbitrary, Debug)]
enum Made {
    Judged,
    Failed { reason: String, offset: Option<usize>, grants: Vec<usize> },
    Done { steps: Vec<Stepped>, rewrites: Vec<String> },
}

#[derive(Arbitrary, Debug)]
enum Stepped {
    Exec(Vec<String>),
    Answer(String, String, u8),
    Exit(Option<u8>),
}

/// A field: its key, its value, and whether its value is words that a shell would have to read.
type Field = (&'static str, Vec<u8>, Option<Vec<String>>);

fn field(key: &'static str, value: impl ToString) -> Field {
    (key, value.to_string().into_bytes(), None)
}

fn words(words: &[String]) -> Field {
    ("exec", Vec::new(), Some(words.to_vec()))
}

/// Reads a line as anything would that knows quotes and backslashes.
fn read(line: &str) -> Vec<(String, Vec<u8>)> {
    let (mut bytes, mut fields) = (line.bytes().peekable(), Vec::new());
    loop {
        let key: Vec<u8> =
            std::iter::from_fn(|| bytes.next_if(|byte| byte.is_ascii_lowercase() || *byte == b'_')).collect();
        assert!(!key.is_empty() && bytes.next() == Some(b'='), "{line}");
        let mut value = Vec::new();
        if bytes.next_if_eq(&b'"').is_none() {
            value.extend(std::iter::from_fn(|| bytes.next_if(|byte| *byte != b' ')));
            assert!(!value.is_empty() && !value.iter().any(|byte| b"\"\\=".contains(byte)), "{line}");
        } else {
            loop {
                match bytes.next().unwrap_or_else(|| panic!("no end: {line}")) {
                    b'"' => break,
                    b'\\' => match bytes.next() {
                        Some(byte @ (b'"' | b'\\')) => value.push(byte),
                        Some(b'x') => {
                            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                            value.push(u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap());
                        }
                        other => panic!("{other:?}: {line}"),
                    },
                    byte => value.push(byte),
                }
            }
        }
        fields.push((String::from_utf8(key).unwrap(), value));
        match bytes.next() {
            None => return fields,
            Some(space) => assert_eq!(space, b' ', "{line}"),
        }
    }
}

fn is_it(value: &[u8], whole: Option<usize>, (_, expected, words): &Field) -> bool {
    match (words, whole) {
        (Some(words), None) => shlex::split(str::from_utf8(value).unwrap()).as_ref() == Some(words),
        (Some(_), Some(whole)) => whole > value.len(),
        (None, None) => value == expected,
        (None, Some(whole)) => whole == expected.len() && value.len() < whole && expected.starts_with(value),
    }
}

/// A line has these fields and no other: in their order, but for as many as it says that it leaves out.
fn check(line: &str, expected: &[Field]) {
    assert!(line.len() < 8000, "{}", line.len());
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    let fields = read(line);
    let number = |value: &[u8]| -> usize { str::from_utf8(value).unwrap().parse().unwrap() };
    let mut left_out = fields.iter().find(|(key, _)| key == "left_out").map_or(0, |(_, value)| number(value));
    let mut fields = fields.iter().filter(|(key, _)| key != "left_out").peekable();
    for wanted in expected {
        let Some((key, value)) = fields.peek() else {
            left_out = left_out.checked_sub(1).unwrap_or_else(|| panic!("{wanted:?} is missing: {line}"));
            continue;
        };
        let mut behind = fields.clone().skip(1);
        let whole = behind.next().filter(|(next, _)| *next == format!("{key}_bytes")).map(|(_, value)| number(value));
        if key == wanted.0 && is_it(value, whole, wanted) {
            fields.nth(usize::from(whole.is_some()));
        } else {
            left_out = left_out.checked_sub(1).unwrap_or_else(|| panic!("{wanted:?} is missing: {line}"));
        }
    }
    assert_eq!((left_out, fields.next()), (0, None), "{line}");
}

fuzz_target!(|input: Input| zfs_shell_fuzz::limited(|| {
    let who = Who { id: RequestId::new(), policy: input.policy, client: input.client, key: input.key };
    let mut head = vec![field("id", who.id)];
    head.extend(who.policy.iter().map(|policy| field("policy", policy)));
    head.extend(who.client.iter().map(|client| field("client", client)));
    head.extend(who.key.iter().map(|key| field("key", key)));

    let failed = |reason, offset, grants| Outcome {
        decision: "refused",
        status: Some(126),
        reason,
        offset,
        grants,
        stages: Vec::new(),
        rewrites: Vec::new(),
    };
    let outcome = match input.made {
        Made::Judged => WORLD.with(|(policy, host)| Outcome::of(&judge(&input.request, policy, host))),
        Made::Failed { reason, offset, grants } => failed(Some(reason), offset, grants),
        Made::Done { steps, rewrites } => {
            let step = |step| match step {
                Stepped::Exec(words) => Step::Exec(words),
                Stepped::Answer(stdout, stderr, status) => Step::Answer(stdout, stderr, status),
                Stepped::Exit(status) => Step::Exit(status),
            };
            let stages = steps.into_iter().map(step).collect();
            Outcome { decision: "allowed", status: None, stages, rewrites, ..failed(None, None, vec![1]) }
        }
    };
    let mut fields = head.clone();
    fields.push(field("decision", outcome.decision));
    fields.extend(outcome.status.map(|status| field("status", status)));
    if !outcome.grants.is_empty() {
        fields.push(field("grants", outcome.grants.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")));
    }
    fields.extend(outcome.offset.map(|offset| field("offset", offset)));
    fields.extend(outcome.reason.iter().map(|reason| field("reason", reason)));
    fields.extend(outcome.stages.iter().map(|step| match step {
        Step::Exec(argv) => words(argv),
        Step::Answer(stdout, stderr, status) => field("answer", format!("{status} {stdout}{stderr}")),
        Step::Exit(status) => field("exit", status.map_or("last".to_owned(), |status| status.to_string())),
    }));
    fields.extend(outcome.rewrites.iter().map(|rewrite| field("rewrite", rewrite)));
    let measures = input.unconfined.iter().zip([Measure::Files, Measure::Calls]);
    let unconfined: Vec<Measure> = measures.filter_map(|(lacks, measure)| lacks.then_some(measure)).collect();
    if !unconfined.is_empty() && outcome.stages.iter().any(|step| matches!(step, Step::Exec(_))) {
        fields.push(field("unconfined", unconfined.iter().map(|measure| measure.name()).collect::<Vec<_>>().join(",")));
    }
    if input.kept {
        fields.push(("request", input.request.clone(), None));
    }
    let request = input.kept.then_some(&*input.request);
    check(&Record { who: &who, outcome: &outcome, unconfined: &unconfined, request }.line(), &fields);

    let cut = input.cut.map(|cut| match cut % 3 {
        0 => Cut::Gone,
        1 => Cut::Signal(cut),
        _ => Cut::Time,
    });
    let mut fields = head;
    fields.push(field(
        "ended",
        match cut {
            None => "itself",
            Some(Cut::Gone) => "client-gone",
            Some(Cut::Signal(_)) => "signal",
            Some(Cut::Time) => "time",
        },
    ));
    fields.push(field("status", input.status));
    fields.push(field("seconds", format!("{:.1}", f64::from(input.time) / 1000.0)));
    fields.extend(input.refused.iter().map(|refused| field("refused", refused)));
    fields.extend(input.broken.iter().map(|broken| field("broken", broken)));
    for (execs, bytes, refused, broken) in &input.arrived {
        fields.push(field("bytes", bytes));
        fields.extend(refused.iter().map(|refused| field("refused", refused)));
        fields.extend(broken.iter().map(|broken| field("broken", broken)));
        fields.extend(execs.iter().map(|argv| words(argv)));
    }
    let arrived = |(execs, bytes, refused, broken)| Arrived { execs, rewrites: Vec::new(), bytes, refused, broken };
    let arrived = input.arrived.into_iter().map(arrived).collect();
    let ended = Ended { status: input.status, cut, refused: input.refused, broken: input.broken, arrived };
    let time = Duration::from_millis(input.time.into());
    check(&Completion { who: &who, ended: &ended, time }.line(), &fields);
}));
