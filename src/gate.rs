//! One request, from the environment to the exec.
#![forbid(unsafe_code)]

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::audit::Weight;
use crate::decide::plan::{Decision, Plan};
use crate::door::Door;
use crate::failure::{Failure, Kind};
use crate::host::Live;
use crate::policy::{self, Completion as Wanted, IoClass, Log, Opened, Policy, PolicyName, Session};
use crate::record::{Completion, Outcome, Record, RequestId, Who};
use crate::request::{Asked, Request};
use crate::run::{Cut, Limits, Measure, Seat, Tail};
use crate::{audit, judge, run};

/// The forced command.
pub fn main() -> ExitCode {
    let id = RequestId::new();
    report_panics(id);
    match Asked::from_process() {
        Ok(Asked::Help) => print(HELP),
        Ok(Asked::Version) => print(concat!("zfs-shell ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Asked::Request(request)) => serve(id, &request),
        Err(error) => {
            let who = Who { id, policy: None, client: None, key: None };
            fail(&who, &error.into(), None)
        }
    }
}

/// One request: policy, decision, record, and what was decided.
fn serve(id: RequestId, request: &Request) -> ExitCode {
    let begun = Instant::now();
    let who = Who { id, policy: Some(request.policy.clone()), client: request.client, key: request.key.clone() };
    let line = request.line.as_deref().unwrap_or_default();
    let (policy, file) = match run::prepare().map_err(Failure::from).and_then(|()| open(&request.policy)) {
        Ok(opened) => opened,
        Err(failure) => return fail(&who, &failure, None),
    };
    // Held until the end.
    let _seat = match admit(&request.policy, &policy.session, file) {
        Ok(seat) => seat,
        Err(failure) => return fail(&who, &failure, Some((&policy, line))),
    };
    let missing = run::missing();
    if policy.sandbox.required && !missing.is_empty() {
        return fail(&who, &Failure::Unconfined(missing), Some((&policy, line)));
    }
    let host = Live::new(&policy);
    let plan = match judge(line, &policy, &host) {
        Ok(plan) => plan,
        Err(failure) => return fail(&who, &failure, Some((&policy, line))),
    };
    if let Err(failure) = record(&who, &plan, &missing, line, &policy.log) {
        return tell(&failure, policy.reasons);
    }
    match perform(&who, plan, begun, &policy, &mut Door::new(&policy, &host)) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => fail(&who, &failure, Some((&policy, line))),
    }
}

/// The policy, by which the gate is in its zone from here on, if it has one.
fn open(name: &str) -> Result<(Policy, File), Failure> {
    let directory = Path::new(policy::DIRECTORY);
    let name = PolicyName::parse(name)?;
    let Opened { text, file } = policy::open(directory, &name)?;
    let policy = policy::parse(&text, name.client.as_ref()).map_err(|error| {
        let path = directory.join(&name.name).with_extension("toml");
        Failure::Policy { path: path.display().to_string(), error }
    })?;
    if policy.sandbox.zone {
        run::enter_zone(&name.name)?;
    }
    Ok((policy, file))
}

/// Takes a place, where there are only so many; and what runs steps back as the policy says.
fn admit(name: &str, session: &Session, file: File) -> Result<Option<Seat>, Failure> {
    let seat = match session.count {
        Some(count) => Some(Seat::take(file, places_of(name), count)?.ok_or(Failure::Busy(count))?),
        None => None,
    };
    run::step_back(session.nice, session.io_class.map(IoClass::priority))?;
    Ok(seat)
}

/// Where the places of a client begin, so that one of many can't take those of others; once in 2^31 they are the same.
fn places_of(name: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    name.split_once('/').map(|(_, client)| client).hash(&mut hasher);
    u32::try_from(hasher.finish() >> 33).unwrap_or_default()
}

/// Recorded before anything happens. That no record is taken matters only where the policy says so.
fn record(who: &Who, plan: &Plan, missing: &[Measure], line: &[u8], log: &Log) -> Result<(), Failure> {
    let outcome = Outcome::of_plan(plan);
    let whole = log.commands && plan.decision() == Decision::Hidden;
    let record = Record { who, outcome: &outcome, unconfined: missing, request: whole.then_some(line) };
    match audit::send(record.weight(), &record.line(), log.required) {
        Err(error) if log.required => Err(error.into()),
        _ => Ok(()),
    }
}

/// Does what was decided; the status of its end, if there is one for the gate.
fn perform(who: &Who, plan: Plan, begun: Instant, policy: &Policy, door: &mut Door) -> Result<u8, Failure> {
    let Policy { log, session, .. } = policy;
    let completion = match log.completion {
        Wanted::All => true,
        Wanted::None => false,
        Wanted::Streams => plan.has_stream(),
    };
    let start = Instant::now();
    let tail = if completion || session.is_watched() { Tail::Child } else { Tail::Replaces };
    let limits = Limits { until: session.time.and_then(|time| begun.checked_add(time)), rate: session.rate };
    let ended = run::run(plan, tail, limits, door)?;
    if ended.cut == Some(Cut::Time) {
        let _ = stderr().write_all(b"zfs-shell: ended: a request has no more time than this (session.time)\n");
    }
    let record = Completion { who, ended: &ended, time: start.elapsed() };
    // A refusal is recorded whenever it falls.
    if completion || record.weight() != Weight::Info || ended.cut == Some(Cut::Time) {
        let _ = audit::send(record.weight(), &record.line(), log.required);
    }
    Ok(ended.status)
}

/// Nothing ran: a record of it, and one line for the client.
fn fail(who: &Who, failure: &Failure, asked: Option<(&Policy, &[u8])>) -> ExitCode {
    let whole = asked.filter(|(policy, _)| policy.log.commands && failure.kind() != Kind::Broken);
    let outcome = Outcome::of_failure(failure);
    let record = Record { who, outcome: &outcome, unconfined: &[], request: whole.map(|(_, line)| line) };
    let reasons = asked.is_none_or(|(policy, _)| policy.reasons);
    match audit::send(record.weight(), &record.line(), asked.is_some_and(|(policy, _)| policy.log.required)) {
        // Nobody is sent to a log that has nothing of it.
        Err(error) if failure.is_for_the_log() => tell(&error.into(), reasons),
        _ => tell(failure, reasons),
    }
}

fn tell(failure: &Failure, reasons: bool) -> ExitCode {
    // One write: nothing else gets between the line and its end.
    let _ = stderr().write_all(format!("{}\n", failure.for_client(reasons)).as_bytes());
    ExitCode::from(failure.kind().status())
}

fn print(text: &str) -> ExitCode {
    let _ = stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// The lints leave nothing that panics. Should something all the same, it is recorded, and no request runs.
fn report_panics(id: RequestId) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ =
            audit::send(audit::Weight::Error, &format!("id={id} decision=broken status=125 panic=\"{place}\""), false);
        let _ = stderr().write_all(b"zfs-shell: not available, see the log\n");
        std::process::exit(i32::from(Kind::Broken.status()));
    }));
}

const HELP: &str = "\
zfs-shell: a restricted shell for ZFS replication over SSH

  command=\"zfs-shell NAME\"          in authorized_keys: by the policy NAME
  command=\"zfs-shell NAME/CLIENT\"   the same, with CLIENT for {client} in it
  ForceCommand zfs-shell            in sshd_config, or as the login shell: by the policy of the account's name

Policies are /etc/zfs-shell/NAME.toml. See zfs-shell(8); `zfs-shell-policy check` tells what a request would come to.
";
