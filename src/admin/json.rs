//! JSON, an object a line; here that of a judged command. The keys are a promise: scripts read them.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::stream::Verdict;
use crate::record::{Outcome, Step};

#[derive(Serialize)]
struct Row<'a> {
    command: Cow<'a, str>,
    decision: &'a str,
    status: Option<u8>,
    reason: Option<&'a str>,
    offset: Option<usize>,
    grant: Grants<'a>,
    stages: Vec<Stage<'a>>,
    rewrites: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a Verdict>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    assumed: &'a [String],
}

/// One grant as a number, several as a list, none as null: of almost all requests it is one.
struct Grants<'a>(&'a [usize]);

#[derive(Serialize)]
#[serde(untagged)]
enum Stage<'a> {
    Exec(&'a [String]),
    Answer { answer: Answer<'a> },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Given { stdout: &'a str, stderr: &'a str, status: u8 },
    Exit { exit: Option<u8> },
}

impl Serialize for Grants<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [] => serializer.serialize_none(),
            [grant] => grant.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'a> From<&'a Step> for Stage<'a> {
    fn from(step: &'a Step) -> Self {
        match step {
            Step::Exec(words) => Self::Exec(words),
            Step::Answer(stdout, stderr, status) => {
                Self::Answer { answer: Answer::Given { stdout, stderr, status: *status } }
            }
            Step::Exit(status) => Self::Answer { answer: Answer::Exit { exit: *status } },
        }
    }
}

/// Writes the object and a newline.
pub(super) fn write(
    out: &mut impl Write,
    command: &[u8],
    outcome: &Outcome,
    stream: Option<&Verdict>,
    assumed: &[String],
) -> io::Result<()> {
    let row = Row {
        command: String::from_utf8_lossy(command),
        decision: outcome.decision,
        status: outcome.status,
        reason: outcome.reason.as_deref(),
        offset: outcome.offset,
        grant: Grants(&outcome.grants),
        stages: outcome.stages.iter().map(Stage::from).collect(),
        rewrites: &outcome.rewrites,
        stream,
        assumed,
    };
    line(out, &row)
}

/// Any value on one line.
pub(super) fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: &[u8], outcome: &Outcome, assumed: &[String]) -> String {
        let mut out = Vec::new();
        write(&mut out, command, outcome, None, assumed).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_allowed_command_has_the_argv_of_each_stage() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        let outcome = Outcome {
            decision: "allowed",
            status: None,
            reason: None,
            offset: None,
            grants: vec![2],
            stages: vec![Step::Exec(words("zfs send -- t@a")), Step::Exec(words("mbuffer -q"))],
            rewrites: vec!["dropped -F".to_owned()],
        };
        let expected = concat!(
            r#"{"command":"zfs send t@a | mbuffer -q","decision":"allowed","status":null,"reason":null,"offset":null,"#,
            r#""grant":2,"stages":[["zfs","send","--","t@a"],["mbuffer","-q"]],"rewrites":["dropped -F"]}"#,
            "\n"
        );
        assert_eq!(line(b"zfs send t@a | mbuffer -q", &outcome, &[]), expected);
    }

    #[test]
    fn an_answer_stands_in_the_place_of_a_program_and_assumptions_are_named() {
        let outcome = Outcome {
            decision: "allowed",
            status: None,
            reason: None,
            offset: None,
            grants: vec![1, 3],
            stages: vec![Step::Answer("x\n".to_owned(), String::new(), 0), Step::Exit(None)],
            rewrites: Vec::new(),
        };
        let line = line(b"echo x; exit", &outcome, &["t is encrypted".to_owned()]);
        let stages =
            r#""grant":[1,3],"stages":[{"answer":{"stdout":"x\n","stderr":"","status":0}},{"answer":{"exit":null}}]"#;
        assert!(line.contains(stages), "{line}");
        assert!(line.ends_with("\"assumed\":[\"t is encrypted\"]}\n"), "{line}");
    }

    #[test]
    fn a_refusal_has_its_reason_and_no_stages_and_bytes_that_are_no_text_are_replaced() {
        let outcome = Outcome {
            decision: "unknown",
            status: Some(127),
            reason: Some("not UTF-8 at byte 1".to_owned()),
            offset: Some(1),
            grants: Vec::new(),
            stages: Vec::new(),
            rewrites: Vec::new(),
        };
        let expected = concat!(
            r#"{"command":"a�\u001b","decision":"unknown","status":127,"reason":"not UTF-8 at byte 1","offset":1,"#,
            r#""grant":null,"stages":[],"rewrites":[]}"#,
            "\n"
        );
        assert_eq!(line(b"a\xff\x1b", &outcome, &[]), expected);
    }
}
