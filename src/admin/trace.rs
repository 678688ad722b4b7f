//! What was seen: zfs-shell's records as syslog or the journal has them (docs/logging.md), or commands, one a line. A file
//! with one record in it is a log, in which everything else is somebody else's.

use std::path::Path;

use super::{Stop, source};

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    /// A line of a list of commands.
    Command(Vec<u8>),
    /// A record of the gate's.
    Record(Box<Record>),
}

/// What `learn` and `report` take of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    /// `id`
    pub id: String,
    /// `policy`
    pub policy: String,
    /// Who asked: `policy`, `client` and `key`.
    pub who: String,
    /// When it began, in seconds since 1970: the first part of `id`.
    pub seconds: u64,
    /// `decision`; empty in the record of an end.
    pub decision: String,
    /// `grants`
    pub grants: Vec<usize>,
    /// `reason`
    pub reason: String,
    /// `request`, where it is there and whole.
    pub request: Option<Vec<u8>>,
    /// `refused`: why a stream was, when it arrived.
    pub stream: Option<String>,
    /// `exec`, in front of any stream that came in.
    pub execs: Vec<String>,
    /// The snapshots that stay, where a deletion was not done.
    pub kept: Vec<String>,
    /// In the record of an end.
    pub end: Option<End>,
}

/// How a request ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct End {
    /// `ended` is `itself`, and the status 0.
    pub well: bool,
    /// `seconds`
    pub seconds: f64,
    /// What came in, and what was started for it.
    pub arrived: Vec<(u64, Vec<String>)>,
}

/// All that is in a file, one after the other: a log may be larger than the memory.
pub(super) fn read(path: &Path, mut take: impl FnMut(Seen) -> Result<(), Stop>) -> Result<(), Stop> {
    // What was no record, as long as there was none.
    let mut commands = Some(Vec::new());
    source::parts(path, b'\n', |line| {
        if let Some(record) = record(line) {
            commands = None;
            return take(Seen::Record(Box::new(record)));
        }
        commands.iter_mut().for_each(|commands| commands.push(line.to_vec()));
        Ok(())
    })?;
    commands.into_iter().flatten().try_for_each(|command| take(Seen::Command(command)))
}

/// The records of a file; one without any is nobody's log.
pub(super) fn records(path: &Path, mut take: impl FnMut(&Record)) -> Result<(), Stop> {
    source::parts(path, b'\n', |line| {
        record(line).iter().for_each(&mut take);
        Ok(())
    })
}

/// The record in a line: from `id=` on, be there in front of it what there may.
fn record(line: &[u8]) -> Option<Record> {
    let line = String::from_utf8_lossy(line);
    let start = match line.starts_with("id=") {
        true => 0,
        false => line.find("zfs-shell[").and_then(|tag| Some(tag + line.get(tag..)?.find("]: id=")? + 3))?,
    };
    let fields = fields(line.get(start..)?);
    let first = |key: &str| fields.iter().find_map(|(name, value)| (*name == key).then_some(value));
    let text = |key: &str| first(key).map(|value| String::from_utf8_lossy(value).into_owned());
    let end = text("ended").map(|ended| end(&fields, ended == "itself" && text("status").as_deref() == Some("0")));
    let decision = text("decision").or_else(|| end.is_some().then(String::new))?;
    let id = text("id")?;
    let seconds = u64::from_str_radix(id.get(..8)?, 16).ok()?;
    let who = ["policy", "client", "key"].into_iter().filter_map(text).collect::<Vec<_>>().join(" ");
    let grants = text("grants").unwrap_or_default();
    let kept = if decision == "kept" { kept(&fields) } else { Vec::new() };
    Some(Record {
        id,
        policy: text("policy").unwrap_or_default(),
        who,
        seconds,
        decision,
        grants: grants.split(',').filter_map(|grant| grant.parse().ok()).collect(),
        reason: text("reason").unwrap_or_default(),
        request: first("request").filter(|_| first("request_bytes").is_none()).cloned(),
        stream: text("refused"),
        execs: execs(fields.iter().take_while(|(name, _)| *name != "bytes")),
        kept,
        end,
    })
}

/// What was left out of a request stands in one `rewrite`: here, names of snapshots with blanks between them. Of a list that
/// was cut the last is no name any more, or another one.
fn kept(fields: &[Field]) -> Vec<String> {
    let mut kept = Vec::new();
    for (place, (_, value)) in fields.iter().enumerate().filter(|(_, (name, _))| *name == "rewrite") {
        let value = String::from_utf8_lossy(value);
        let Some(names) = value.strip_prefix("dropped ") else { continue };
        let mut names: Vec<&str> = names.split(' ').collect();
        if fields.get(place + 1).is_some_and(|(next, _)| *next == "rewrite_bytes") {
            names.pop();
        }
        kept.extend(names.into_iter().filter(|name| name.contains('@')).map(str::to_owned));
    }
    kept
}

type Field<'t> = (&'t str, Vec<u8>);

fn execs<'f, 't: 'f>(fields: impl Iterator<Item = &'f Field<'t>>) -> Vec<String> {
    fields.filter(|(name, _)| *name == "exec").map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

/// The fields of a stream stand behind its `bytes`, up to the next.
fn end(fields: &[Field], well: bool) -> End {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let seconds = fields.iter().find(|(name, _)| *name == "seconds").and_then(|(_, value)| text(value).parse().ok());
    let mut arrived = Vec::new();
    for (place, (name, value)) in fields.iter().enumerate() {
        if *name == "bytes" {
            let behind = fields.iter().skip(place + 1).take_while(|(name, _)| *name != "bytes");
            arrived.push((text(value).parse().unwrap_or(0), execs(behind)));
        }
    }
    End { well, seconds: seconds.unwrap_or(0.0), arrived }
}

/// `key=value` and `key="value"`, the value without its escapes.
fn fields(mut text: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    while let Some((key, rest)) = text.trim_start_matches(' ').split_once('=') {
        let (value, left) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (value, left) = rest.split_once(' ').unwrap_or((rest, ""));
                (value.as_bytes().to_vec(), left)
            }
        };
        fields.push((key, value));
        text = left;
    }
    fields
}

/// The bytes up to the closing quote, and what is behind it.
fn unquoted(text: &str) -> (Vec<u8>, &str) {
    let mut value = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '"' => break,
            '\\' => {
                let code = rest.strip_prefix('x').and_then(|code| u8::from_str_radix(code.get(..2)?, 16).ok());
                let length = if code.is_some() { 3 } else { rest.chars().next().map_or(0, char::len_utf8) };
                match code {
                    Some(byte) => value.push(byte),
                    None => value.extend_from_slice(rest.get(..length).unwrap_or_default().as_bytes()),
                }
                rest = rest.get(length..).unwrap_or_default();
            }
            other => value.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    (value, rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{self, Outcome, RequestId, Who};

    fn refused() -> Outcome {
        Outcome {
            decision: "refused",
            status: Some(126),
            reason: Some("the grant does not allow '-R'".to_owned()),
            offset: Some(9),
            grants: vec![1, 3],
            stages: Vec::new(),
            rewrites: Vec::new(),
        }
    }

    fn line(request: &[u8]) -> String {
        let who = Who {
            id: RequestId::new(),
            policy: Some("nas".to_owned()),
            client: Some([192, 0, 2, 7].into()),
            key: Some("SHA256:abc+/".to_owned()),
        };
        record::Record { who: &who, outcome: &refused(), unconfined: &[], request: Some(request) }.line()
    }

    #[test]
    fn a_record_is_found_in_a_line_of_syslog() {
        let line = format!("2026-11-01T03:00:00+00:00 nas zfs-shell[4711]: {}", line(b"zfs send -R tank/d@a"));
        let record = record(line.as_bytes()).unwrap();
        assert_eq!(record.who, "nas 192.0.2.7 SHA256:abc+/");
        assert_eq!((record.decision.as_str(), record.grants.as_slice()), ("refused", &[1, 3][..]));
        assert_eq!(record.reason, "the grant does not allow '-R'");
        assert_eq!(record.request.as_deref(), Some(&b"zfs send -R tank/d@a"[..]));
        assert!(record.seconds > 1_700_000_000);
    }

    #[test]
    fn what_others_log_and_what_was_cut_is_no_request() {
        assert_eq!(record(b"Nov  1 03:00:00 nas sshd[1]: Accepted publickey for pull"), None);
        assert_eq!(record(b"Nov  1 03:00:00 nas cron[1]: id=1 decision=allowed"), None);
        let long = line("x".repeat(6000).as_bytes());
        assert_eq!(record(long.as_bytes()).unwrap().request, None);
    }

    #[test]
    fn the_end_of_a_request_tells_why_a_stream_was_refused() {
        let line = "id=6920000000126 policy=nas ended=itself status=1 seconds=0.1 bytes=312 refused=\"not granted\"";
        let record = record(line.as_bytes()).unwrap();
        assert_eq!((record.decision.as_str(), record.stream.as_deref()), ("", Some("not granted")));
        assert_eq!(record.end, Some(End { well: false, seconds: 0.1, arrived: vec![(312, Vec::new())] }));
    }

    #[test]
    fn the_end_of_a_request_tells_what_came_in_and_what_ran_for_each() {
        let line = "id=6920000000126 policy=nas ended=itself status=0 seconds=12.0 bytes=10 exec=\"zfs rollback -- b@a\" \
                    exec=\"zfs receive -u -- b\" rewrite=\"added -u\" bytes=20 exec=\"zfs receive -u -- c\"";
        let end = record(line.as_bytes()).unwrap().end.unwrap();
        let execs = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let first = execs(&["zfs rollback -- b@a", "zfs receive -u -- b"]);
        assert_eq!(
            end,
            End { well: true, seconds: 12.0, arrived: vec![(10, first), (20, execs(&["zfs receive -u -- c"]))] }
        );
    }

    #[test]
    fn snapshots_that_stay_are_known_and_what_else_was_dropped_or_cut_is_none() {
        let kept = |decision, rewrites| {
            record(format!("id=6920000000126 decision={decision} {rewrites}").as_bytes()).unwrap().kept
        };
        let two = r#"rewrite="dropped sudo" rewrite="dropped b/a@x b/a@y" rewrite="added -u""#;
        assert_eq!(kept("kept", two), ["b/a@x", "b/a@y"]);
        assert_eq!(kept("allowed", two), Vec::<String>::new());
        assert_eq!(kept("kept", r#"rewrite="dropped b/a@x b/a@" rewrite_bytes=812"#), ["b/a@x"]);
    }

    proptest! {
        #[test]
        fn every_request_comes_back_as_it_was_sent(request in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(record(line(&request).as_bytes()).unwrap().request, Some(request));
        }
    }
}
