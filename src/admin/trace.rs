//! What was seen: zfs-shell's records as syslog or the journal has them (docs/logging.md), or commands, one a line. A file
//! with one record in it is a log, in which everything else is somebody else's.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::{Stop, source};

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A line of a list of commands.
    Command(Vec<u8>),
    /// A record of the gate's.
    Record(Record),
}

/// What `learn` takes of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
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
}

/// All that is in a file.
pub(super) fn read(path: &Path) -> Result<Vec<Seen>, Stop> {
    let mut bytes = Vec::new();
    source::lines(path)?.read_to_end(&mut bytes).map_err(|error| Stop::said(format!("{}: {error}", path.display())))?;
    let lines = || bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let records: Vec<Seen> = lines().filter_map(record).map(Seen::Record).collect();
    if records.is_empty() {
        return Ok(lines().map(|line| Seen::Command(line.to_vec())).collect());
    }
    Ok(records)
}

/// The record in a line: from `id=` on, be there in front of it what there may.
fn record(line: &[u8]) -> Option<Record> {
    let line = String::from_utf8_lossy(line);
    let start = match line.starts_with("id=") {
        true => 0,
        false => line.find("zfs-shell[").and_then(|tag| Some(tag + line.get(tag..)?.find("]: id=")? + 3))?,
    };
    let fields = fields(line.get(start..)?);
    let text = |key: &str| fields.get(key).map(|value| String::from_utf8_lossy(value).into_owned());
    let ended = fields.contains_key("ended");
    let decision = text("decision").or_else(|| ended.then(String::new))?;
    let seconds = text("id").and_then(|id| u64::from_str_radix(id.get(..8)?, 16).ok())?;
    let who = ["policy", "client", "key"].into_iter().filter_map(text).collect::<Vec<_>>().join(" ");
    let grants = text("grants").unwrap_or_default();
    Some(Record {
        policy: text("policy").unwrap_or_default(),
        who,
        seconds,
        decision,
        grants: grants.split(',').filter_map(|grant| grant.parse().ok()).collect(),
        reason: text("reason").unwrap_or_default(),
        request: fields.get("request").filter(|_| !fields.contains_key("request_bytes")).cloned(),
        stream: text("refused"),
    })
}

/// `key=value` and `key="value"`, the value without its escapes. Of several with one key the first counts.
fn fields(mut text: &str) -> BTreeMap<&str, Vec<u8>> {
    let mut fields = BTreeMap::new();
    while let Some((key, rest)) = text.trim_start_matches(' ').split_once('=') {
        let (value, left) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (value, left) = rest.split_once(' ').unwrap_or((rest, ""));
                (value.as_bytes().to_vec(), left)
            }
        };
        fields.entry(key).or_insert(value);
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
    }

    proptest! {
        #[test]
        fn every_request_comes_back_as_it_was_sent(request in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(record(line(&request).as_bytes()).unwrap().request, Some(request));
        }
    }
}
