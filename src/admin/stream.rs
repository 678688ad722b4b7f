//! `check --stream`: takes a send stream from a file to the same door as the gate takes one from the network.

use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use super::{Stop, source};
use crate::decide::arrival::{Admission, Denial, Doorkeeper};
use crate::decide::plan::{Action, Plan, Reception};
use crate::door::Door;
use crate::host::Host;
use crate::policy::Policy;
use crate::stream::{Need, RECORD, StreamError, Walk};

/// What becomes of a stream.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    /// `allowed`, or the word for why not; `hidden` for zfs's own words.
    pub decision: &'static str,
    /// What runs, in order.
    pub stages: Vec<Vec<String>>,
    /// How that differs from what the request alone would have run.
    pub rewrites: Vec<String>,
    /// Why not.
    pub reason: Option<String>,
    /// How many bytes of it are a stream.
    pub bytes: u64,
}

/// Judges the stream in a file, if the plan receives one.
pub(super) fn judge(plan: &Plan, file: &Path, policy: &Policy, host: &dyn Host) -> Result<Option<Verdict>, Stop> {
    let reception = plan.stages().find_map(|stage| match stage.action() {
        Action::Receive(reception) => Some(reception),
        _ => None,
    });
    let Some(reception) = reception else { return Ok(None) };
    let mut passage = Passage { source: source::lines(file)?, door: Door::new(policy, host), bytes: 0 };
    let mut verdict = Verdict { decision: "allowed", stages: Vec::new(), rewrites: Vec::new(), reason: None, bytes: 0 };
    let ended =
        passage.walk(reception, &mut verdict).map_err(|error| Stop::said(format!("{}: {error}", file.display())))?;
    if let Err(denial) = ended {
        verdict.decision = match (&denial.reason, &denial.host) {
            (_, Some(_)) => "broken",
            (Some(_), None) => "refused",
            (None, None) => "hidden",
        };
        let told = || String::from_utf8_lossy(&denial.answer.stderr).trim_end().to_owned();
        verdict.reason = Some(denial.reason.clone().unwrap_or_else(told));
    }
    verdict.bytes = passage.bytes;
    Ok(Some(verdict))
}

struct Passage<'a, R> {
    source: R,
    door: Door<'a>,
    bytes: u64,
}

impl<R: Read> Passage<'_, R> {
    /// From record to record; a file that ends early is a stream that does, which zfs says itself.
    fn walk(&mut self, reception: &Reception, verdict: &mut Verdict) -> io::Result<Result<(), Denial>> {
        let mut walk = Walk::new();
        let mut most = u64::MAX;
        loop {
            let count = match walk.need() {
                Need::Nothing => return Ok(self.let_in(verdict)),
                Need::Pass(count) => {
                    let passed = io::copy(&mut self.source.by_ref().take(count), &mut io::sink())?;
                    self.bytes += passed;
                    if passed < count {
                        return Ok(self.let_in(verdict));
                    }
                    walk.passed(passed);
                    continue;
                }
                Need::Payload(count) => count,
                Need::Record => RECORD,
            };
            let mut bytes = Vec::new();
            self.source.by_ref().take(count as u64).read_to_end(&mut bytes)?;
            self.bytes += bytes.len() as u64;
            if bytes.len() < count {
                return Ok(self.let_in(verdict));
            }
            let begin = match walk.take(&bytes) {
                Ok(begin) => begin,
                Err(error) => return Ok(Err(self.door.broken(&error))),
            };
            let payload = if let Need::Pass(payload) = walk.need() { payload } else { 0 };
            if self.bytes.saturating_add(payload) > most {
                return Ok(Err(self.door.broken(&StreamError::TooLong)));
            }
            let Some(begin) = begin else { continue };
            match self.door.begin(reception, &begin) {
                Err(denial) => return Ok(Err(denial)),
                Ok(None) => {}
                Ok(Some(admission)) => {
                    most = admission.max_bytes().unwrap_or(u64::MAX);
                    admitted(&admission, verdict);
                }
            }
        }
    }

    fn let_in(&mut self, verdict: &Verdict) -> Result<(), Denial> {
        if verdict.stages.is_empty() { Err(self.door.broken(&StreamError::Empty)) } else { Ok(()) }
    }
}

fn admitted(admission: &Admission, verdict: &mut Verdict) {
    let execs = admission.before().into_iter().chain([admission.receive()]);
    verdict.stages = execs.map(|exec| exec.words().map(str::to_owned).collect()).collect();
    verdict.rewrites = admission.rewrites().iter().map(ToString::to_string).collect();
}
