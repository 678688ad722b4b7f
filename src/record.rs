//! One typed record of a request: as one escaped line for the log, as JSON for the checker. What was decided is an
//! [`Outcome`], the same for both, so "the log says what the checker said" is one comparison of values.
#![forbid(unsafe_code)]

use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::audit::Weight;
use crate::decide::plan::{Action, Plan};
use crate::failure::Failure;
use crate::run::{Cut, Ended, Measure};
use crate::syntax::quote;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Of this request.
    pub id: RequestId,
    /// `NAME` or `NAME/CLIENT`, as far as it is known.
    pub policy: Option<String>,
    /// Where the client comes from.
    pub client: Option<IpAddr>,
    /// The fingerprint of its key.
    pub key: Option<String>,
}

/// What both records of a request have in common, and no other request: when it began, and the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId {
    seconds: u64,
    process: u32,
}

/// What is recorded before anything happens.
#[derive(Clone, Debug)]
pub struct Record<'r> {
    /// Who asks.
    pub who: &'r Who,
    /// What was decided.
    pub outcome: &'r Outcome,
    /// What the programs of it run without, where the kernel lacks a measure.
    pub unconfined: &'r [Measure],
    /// The whole request, where it is to be kept.
    pub request: Option<&'r [u8]>,
}

/// What is recorded at the end (`log.completion`).
#[derive(Clone, Debug)]
pub struct Completion<'r> {
    /// Who asked.
    pub who: &'r Who,
    /// How it ended.
    pub ended: &'r Ended,
    /// After how long.
    pub time: Duration,
}

/// What was decided, for people and programs to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// One of the contract's six words.
    pub decision: &'static str,
    /// The exit status, where it is known beforehand.
    pub status: Option<u8>,
    /// Why not, where it is a failure.
    pub reason: Option<String>,
    /// The byte of the request that the reason is about.
    pub offset: Option<usize>,
    /// The grants that allowed it, or the one that came furthest, counted from 1.
    pub grants: Vec<usize>,
    /// What is executed or answered, in order.
    pub stages: Vec<Step>,
    /// How it differs from what was sent.
    pub rewrites: Vec<String>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A program is executed with these words; the first is its name.
    Exec(Vec<String>),
    /// These bytes are answered with a status: standard output, standard error.
    Answer(String, String, u8),
    /// The request ends.
    Exit(Option<u8>),
}

impl Outcome {
    /// What a judgement comes to.
    pub fn of(judged: &Result<Plan, Failure>) -> Self {
        match judged {
            Ok(plan) => Self::of_plan(plan),
            Err(failure) => Self::of_failure(failure),
        }
    }

    /// What a failure comes to.
    pub fn of_failure(failure: &Failure) -> Self {
        let grant = match failure {
            Failure::Refused(refusal) => refusal.grant,
            _ => None,
        };
        Self {
            decision: failure.kind().word(),
            status: Some(failure.kind().status()),
            reason: Some(failure.to_string()),
            offset: failure.span().map(|span| span.start),
            grants: grant.iter().map(|grant| grant.0).collect(),
            stages: Vec::new(),
            rewrites: Vec::new(),
        }
    }

    /// What a plan comes to.
    pub fn of_plan(plan: &Plan) -> Self {
        let stages: Vec<Step> = plan.stages().flat_map(|stage| steps(stage.action())).collect();
        let status = match stages.as_slice() {
            [] => Some(0),
            [Step::Answer(_, _, status)] => Some(*status),
            [Step::Exit(status)] => Some(status.unwrap_or(0)),
            _ => None,
        };
        Self {
            decision: plan.decision().word(),
            status,
            reason: None,
            offset: None,
            grants: plan.grants().iter().map(|grant| grant.0).collect(),
            stages,
            rewrites: plan.rewrites().iter().map(ToString::to_string).collect(),
        }
    }

    /// Whether it runs, be it less than was asked.
    pub fn passes(&self) -> bool {
        passes(self.decision)
    }
}

/// Whether what is decided so runs, be it less than was asked.
pub fn passes(decision: &str) -> bool {
    matches!(decision, "allowed" | "kept")
}

fn steps(action: &Action) -> Vec<Step> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match action {
        Action::Answer(answer) => vec![Step::Answer(text(&answer.stdout), text(&answer.stderr), answer.status)],
        Action::Exit(status) => vec![Step::Exit(*status)],
        Action::Receive(reception) => vec![Step::Exec(reception.exec().words().map(str::to_owned).collect())],
        Action::Run(run) => run.programs().map(|exec| Step::Exec(exec.words().map(str::to_owned).collect())).collect(),
    }
}

impl RequestId {
    /// For this process, now.
    pub fn new() -> Self {
        let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        Self { seconds, process: std::process::id() }
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A process id has at most 22 bits on Linux.
        write!(f, "{:08x}{:06x}", self.seconds, self.process)
    }
}

impl Record<'_> {
    /// One line of `key=value`.
    pub fn line(&self) -> String {
        let outcome = self.outcome;
        let mut line = Line::of(self.who);
        line.field("decision", outcome.decision);
        line.optional("status", outcome.status);
        if !outcome.grants.is_empty() {
            let grants: Vec<String> = outcome.grants.iter().map(ToString::to_string).collect();
            line.field("grants", &grants.join(","));
        }
        line.optional("offset", outcome.offset);
        line.optional("reason", outcome.reason.as_ref());
        for step in &outcome.stages {
            match step {
                Step::Exec(words) => line.field("exec", &quote(words.iter().map(String::as_str))),
                Step::Answer(stdout, stderr, status) => line.field("answer", &format!("{status} {stdout}{stderr}")),
                Step::Exit(Some(status)) => line.field("exit", &status.to_string()),
                Step::Exit(None) => line.field("exit", "last"),
            }
        }
        for rewrite in &outcome.rewrites {
            line.field("rewrite", rewrite);
        }
        if !self.unconfined.is_empty() && outcome.stages.iter().any(|step| matches!(step, Step::Exec(_))) {
            let names: Vec<&str> = self.unconfined.iter().map(|measure| measure.name()).collect();
            line.field("unconfined", &names.join(","));
        }
        line.end(self.request)
    }

    /// How much it matters.
    pub fn weight(&self) -> Weight {
        match self.outcome.decision {
            "broken" => Weight::Error,
            word if passes(word) => Weight::Info,
            _ => Weight::Notice,
        }
    }
}

impl Completion<'_> {
    /// One line of `key=value`.
    pub fn line(&self) -> String {
        let mut line = Line::of(self.who);
        line.field(
            "ended",
            match self.ended.cut {
                None => "itself",
                Some(Cut::Gone) => "client-gone",
                Some(Cut::Signal(_)) => "signal",
                Some(Cut::Time) => "time",
            },
        );
        line.field("status", &self.ended.status.to_string());
        line.field("seconds", &format!("{:.1}", self.time.as_secs_f64()));
        line.optional("refused", self.ended.refused.as_ref());
        for broken in &self.ended.broken {
            line.field("broken", broken);
        }
        for arrived in &self.ended.arrived {
            line.field("bytes", &arrived.bytes.to_string());
            line.optional("refused", arrived.refused.as_ref());
            line.optional("broken", arrived.broken.as_ref());
            for words in &arrived.execs {
                line.field("exec", &quote(words.iter().map(String::as_str)));
            }
            for rewrite in &arrived.rewrites {
                line.field("rewrite", &rewrite.to_string());
            }
        }
        line.end(None)
    }

    /// How much it matters.
    pub fn weight(&self) -> Weight {
        let Ended { arrived, broken, refused, .. } = self.ended;
        if !broken.is_empty() || arrived.iter().any(|arrived| arrived.broken.is_some()) {
            Weight::Error
        } else if refused.is_some() || arrived.iter().any(|arrived| arrived.refused.is_some()) {
            Weight::Notice
        } else {
            Weight::Info
        }
    }
}

/// A line that no value can break, forge a key in, or make too long.
struct Line {
    text: String,
    left_out: usize,
}

impl Line {
    fn of(who: &Who) -> Self {
        let mut line = Self { text: String::new(), left_out: 0 };
        line.optional("id", Some(who.id));
        line.optional("policy", who.policy.as_ref());
        line.optional("client", who.client);
        line.optional("key", who.key.as_ref());
        line
    }

    fn optional(&mut self, key: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.field(key, &value.to_string());
        }
    }

    /// A field, or one more that is left out if there is no room for it.
    fn field(&mut self, key: &'static str, value: &str) {
        let field = field(key, value.as_bytes(), VALUE);
        if self.text.len() + field.len() > LINE {
            self.left_out += 1;
        } else {
            self.push(&field);
        }
    }

    fn push(&mut self, field: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(field);
    }

    /// With the number of fields left out, and the request, which has room of its own.
    fn end(mut self, request: Option<&[u8]>) -> String {
        if self.left_out > 0 {
            self.push(&format!("left_out={}", self.left_out));
        }
        if let Some(request) = request {
            self.push(&field("request", request, REQUEST));
        }
        self.text
    }
}

/// `key=value`, the value as it is if it is plain, else quoted and escaped; cut at `most` bytes, with its full length.
fn field(key: &'static str, value: &[u8], most: usize) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+:,./#-".contains(byte);
    if !value.is_empty() && value.len() <= most && value.iter().all(is_plain) {
        return format!("{key}={}", String::from_utf8_lossy(value));
    }
    let mut field = format!("{key}=\"");
    let mut cut = false;
    for byte in value {
        if field.len() > most {
            cut = true;
            break;
        }
        let _ = match byte {
            b'"' | b'\\' => write!(field, "\\{}", char::from(*byte)),
            // So that nothing that looks like a field is inside a value, for readers who don't heed the quotes.
            b'=' => write!(field, "\\x3d"),
            b' '..=b'~' => write!(field, "{}", char::from(*byte)),
            _ => write!(field, "\\x{byte:02x}"),
        };
    }
    field.push('"');
    if cut {
        let _ = write!(field, " {key}_bytes={}", value.len());
    }
    field
}

/// The most bytes of a line without the request: what syslog daemons take is 2 KiB and more (RFC 5424, 6.1).
const LINE: usize = 2000;
/// The most bytes of one value.
const VALUE: usize = 400;
/// The most bytes of a whole request: with it a line still fits into the 8 KiB of rsyslog.
const REQUEST: usize = 5000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decide::plan::Rewrite;
    use crate::run::Arrived;

    fn who() -> Who {
        Who {
            id: RequestId { seconds: 0x6920_0000, process: 4711 },
            policy: Some("nas".to_owned()),
            client: Some([192, 0, 2, 7].into()),
            key: Some("SHA256:abc+/".to_owned()),
        }
    }

    fn outcome() -> Outcome {
        Outcome {
            decision: "allowed",
            status: None,
            reason: None,
            offset: None,
            grants: vec![1, 3],
            stages: Vec::new(),
            rewrites: Vec::new(),
        }
    }

    fn line(outcome: &Outcome, request: Option<&[u8]>) -> String {
        Record { who: &who(), outcome, unconfined: &[], request }.line()
    }

    #[test]
    fn a_request_is_one_line_of_who_what_and_how() {
        let words = ["zfs", "send", "-w", "--", "tank/my docs@a"].map(str::to_owned).to_vec();
        let outcome = Outcome { stages: vec![Step::Exec(words)], rewrites: vec!["dropped -F".to_owned()], ..outcome() };
        let expected = "id=69200000001267 policy=nas client=192.0.2.7 key=SHA256:abc+/ decision=allowed grants=1,3 \
                        exec=\"zfs send -w -- 'tank/my docs@a'\" rewrite=\"dropped -F\"";
        assert_eq!(line(&outcome, None), expected);
    }

    #[test]
    fn what_a_program_runs_without_is_told_where_one_runs() {
        let unconfined = [Measure::Files, Measure::Calls];
        let line = |stages| {
            let outcome = Outcome { stages, ..outcome() };
            Record { who: &who(), outcome: &outcome, unconfined: &unconfined, request: None }.line()
        };
        let line_of_program = line(vec![Step::Exec(vec!["lzop".to_owned()])]);
        assert!(line_of_program.ends_with(" exec=lzop unconfined=files,calls"), "{line_of_program}");
        let line_of_answer = line(vec![Step::Answer(String::new(), String::new(), 0)]);
        assert!(!line_of_answer.contains("unconfined"), "{line_of_answer}");
    }

    #[test]
    fn a_refusal_has_its_reason_place_and_request() {
        let outcome = Outcome {
            decision: "refused",
            status: Some(126),
            reason: Some("not granted".to_owned()),
            offset: Some(0),
            grants: Vec::new(),
            ..outcome()
        };
        let line = line(&outcome, Some(b"zfs destroy x\n decision=allowed \xff"));
        let end = "decision=refused status=126 offset=0 reason=\"not granted\" \
                   request=\"zfs destroy x\\x0a decision\\x3dallowed \\xff\"";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn answers_and_exits_are_told_with_their_status() {
        let stages = vec![Step::Answer("lz4\n".to_owned(), String::new(), 0), Step::Exit(None), Step::Exit(Some(3))];
        let line = line(&Outcome { stages, ..outcome() }, None);
        assert!(line.ends_with("answer=\"0 lz4\\x0a\" exit=last exit=3"), "{line}");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let stages = vec![Step::Exec(vec!["a".repeat(10_000)]); 100];
        let line = line(&Outcome { stages, ..outcome() }, None);
        assert!(line.contains(" exec_bytes=10000 ") && line.len() < 2100, "{line}");
        assert!(line.ends_with("left_out=96"), "{line}");
    }

    #[test]
    fn a_completion_says_how_long_it_took_and_what_ended_it() {
        let ended = Ended { status: 143, cut: Some(Cut::Signal(15)), ..Ended::default() };
        let line = Completion { who: &who(), ended: &ended, time: Duration::from_millis(1250) }.line();
        assert!(line.ends_with("ended=signal status=143 seconds=1.2"), "{line}");
    }

    #[test]
    fn a_completion_says_what_the_host_failed_at() {
        let broken = vec!["cannot start '/sbin/zfs': Cannot allocate memory (os error 12)".to_owned()];
        let ended = Ended { status: 126, broken, ..Ended::default() };
        let record = Completion { who: &who(), ended: &ended, time: Duration::ZERO };
        assert_eq!(record.weight(), Weight::Error);
        let line = record.line();
        let end = "broken=\"cannot start '/sbin/zfs': Cannot allocate memory (os error 12)\"";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn a_completion_says_of_each_stream_what_ran_and_why_not() {
        let words = ["zfs", "receive", "-u", "--", "backup/laptop"].map(str::to_owned).to_vec();
        let rewrites = vec![Rewrite::Added("-u".to_owned())];
        let first = Arrived { execs: vec![words], rewrites, bytes: 4711, ..Arrived::default() };
        let second = Arrived { refused: Some("not granted".to_owned()), ..Arrived::default() };
        let third = Arrived { broken: Some("zfs failed".to_owned()), ..Arrived::default() };
        let table = [
            (vec![first.clone()], Weight::Info),
            (vec![first.clone(), second.clone()], Weight::Notice),
            (vec![first, second, third], Weight::Error),
        ];
        let mut line = String::new();
        for (arrived, weight) in table {
            let ended = Ended { arrived, ..Ended::default() };
            let record = Completion { who: &who(), ended: &ended, time: Duration::ZERO };
            assert_eq!(record.weight(), weight);
            line = record.line();
        }
        let end = "status=0 seconds=0.0 bytes=4711 exec=\"zfs receive -u -- backup/laptop\" rewrite=\"added -u\" \
                   bytes=0 refused=\"not granted\" bytes=0 broken=\"zfs failed\"";
        assert!(line.ends_with(end), "{line}");
    }

    proptest! {
        #[test]
        fn no_value_breaks_a_line_or_forges_a_field(value in proptest::collection::vec(any::<u8>(), 0..600)) {
            let field = field("k", &value, 400);
            prop_assert!(field.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(field.len() < 440);
            let rest = field.strip_prefix("k=").unwrap();
            let forged = rest.split(" k_bytes=").next().unwrap().contains('=');
            prop_assert!(!forged, "{}", field);
        }
    }
}
