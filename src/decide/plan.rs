//! What will happen: the only thing that `run` takes. A plan means that the *whole* request was decided; its fields are
//! private, so nothing outside this room can make one or change one:
//!
//! ```compile_fail,E0451
//! let plan = zfs_shell::decide::plan::Plan { script: None, ..zfs_shell::decide::plan::Plan::nothing() };
//! ```
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::command::Placed;
use crate::command::argv::Argv;
use crate::command::zfs::receive::Receive;
use crate::host::Executable;
use crate::policy::{FixedExec, GrantId};
use crate::script::{Course, Joint, Script};
use crate::table::Table;

/// A decided request.
#[derive(Clone, Debug)]
pub struct Plan {
    script: Option<Script<Stage>>,
    decision: Decision,
    rewrites: Vec<Rewrite>,
}

/// The words of a decision in which something happens; the other three are in [`crate::failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// It runs, as rewritten.
    Allowed,
    /// Snapshots that a rule covers stay for now; the rest runs.
    Kept,
    /// A dataset outside every grant does not exist: nothing runs, the answer is zfs's own.
    Hidden,
}

/// One leaf of the request, decided.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What it was decided from, unless it stands for more than one command.
    pub(super) asked: Option<Placed>,
    /// What happens.
    pub(super) action: Action,
    /// Where standard input comes from in the end.
    pub(super) stdin: Source,
    /// Where standard output goes in the end.
    pub(super) stdout: Sink,
    /// Where standard error goes in the end.
    pub(super) stderr: Sink,
    /// Which grant allowed it, if it needed one.
    pub(super) grant: Option<GrantId>,
    /// Whether the client is told its process id.
    pub(super) announced: bool,
}

/// What a leaf becomes.
#[derive(Clone, Debug)]
pub enum Action {
    /// Bytes and a status, from no program.
    Answer(Answer),
    /// The request ends here: with this status, or with the last one.
    Exit(Option<u8>),
    /// Programs run.
    Run(Box<Run>),
    /// A stream arrives: what runs is known when its head has been read.
    Receive(Box<Reception>),
}

/// `zfs receive` as it may run for any stream that passes. What of a stream decides on the rest is judged when it is there,
/// by the same rules ([`super::arrival`]).
#[derive(Clone, Debug)]
pub struct Reception {
    pub(super) receive: Receive,
    pub(super) exec: Exec,
    pub(super) rewrites: Vec<Rewrite>,
}

impl Reception {
    /// What runs if the stream asks for no change.
    pub fn exec(&self) -> &Exec {
        &self.exec
    }
}

/// What is answered in place of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// For standard output.
    pub stdout: Vec<u8>,
    /// For standard error.
    pub stderr: Vec<u8>,
    /// The status.
    pub status: u8,
}

/// Programs that stand for one command of the client: mostly one; several where a recursive form was taken apart. They
/// run one after another whatever becomes of each; the status is that of the first that failed.
#[derive(Clone, Debug)]
pub struct Run {
    pub(super) note: Vec<u8>,
    pub(super) first: Exec,
    pub(super) rest: Vec<Exec>,
    pub(super) table: Option<Table>,
    pub(super) stream: bool,
    /// The status where all programs end with 0.
    pub(super) status: u8,
    pub(super) hooks: Option<Hooks>,
}

/// What the administrator has run around a command.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// First. Unless it ends with status 0, the command doesn't run.
    pub(super) before: Option<Exec>,
    /// Last, whatever became of the first and of the command.
    pub(super) after: Option<Exec>,
    /// How long each of the two may take.
    pub(super) time: Duration,
}

/// A program to execute.
#[derive(Clone, Debug)]
pub struct Exec {
    pub(super) executable: Executable,
    pub(super) words: Words,
    pub(super) standing: Standing,
}

/// What a program is told.
#[derive(Clone, Debug)]
pub(super) enum Words {
    /// What types have written.
    Typed(Argv),
    /// What the administrator has, and the request for a program that wants it.
    Fixed(FixedExec, Option<String>),
}

impl From<Argv> for Words {
    fn from(argv: Argv) -> Self {
        Self::Typed(argv)
    }
}

/// With how much a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// zfs with the account's rights: what replication takes.
    Account,
    /// All that the account has: sudo or doas, by which zfs then runs, or what an administrator has written down.
    Elevated,
    /// A filter: the descriptors it is given, and so many bytes of address space.
    Filter(u64),
}

/// Where a stage's standard input comes from, unless it is a pipe from the stage before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The client, or the stage before.
    Inherit,
    /// /dev/null
    Null,
}

/// Where an output of a stage goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// The client's standard error.
    Err,
    /// /dev/null
    Null,
    /// The client's standard output, or the stage behind.
    Out,
}

/// How what runs differs from what was sent: always towards less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// A part of the request that was left out.
    Dropped(String),
    /// Something the client did not write.
    Added(String),
    /// A name that was expanded on the host into these.
    Expanded(String),
}

impl Plan {
    /// Nothing happens, with status 0: a blank request.
    pub fn nothing() -> Self {
        Self { script: None, decision: Decision::Allowed, rewrites: Vec::new() }
    }

    pub(super) fn new(script: Script<Stage>, decision: Decision, rewrites: Vec<Rewrite>) -> Self {
        Self { script: Some(script), decision, rewrites }
    }

    /// The word.
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// How it differs from what was sent.
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }

    /// Whether a send stream flows, out or in.
    pub fn has_stream(&self) -> bool {
        self.stages().any(|stage| match &stage.action {
            Action::Run(run) => run.stream,
            Action::Receive(_) => true,
            Action::Answer(_) | Action::Exit(_) => false,
        })
    }

    /// The stages in the order written.
    pub fn stages(&self) -> impl Iterator<Item = &Stage> {
        self.script.iter().flat_map(Script::leaves)
    }

    /// The grants that allowed it, each once.
    pub fn grants(&self) -> Vec<GrantId> {
        let mut grants: Vec<GrantId> = self.stages().filter_map(|stage| stage.grant).collect();
        grants.sort_unstable();
        grants.dedup();
        grants
    }

    /// The stages in their shape, for the one that runs them.
    pub fn into_script(self) -> Option<Script<Stage>> {
        self.script
    }
}

impl Stage {
    /// What happens by no grant, with its input and outputs where they are.
    pub(super) fn of(action: Action) -> Self {
        let (stdin, stdout, stderr) = (Source::Inherit, Sink::Out, Sink::Err);
        Self { asked: None, action, stdin, stdout, stderr, grant: None, announced: false }
    }

    /// What happens.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Where standard input comes from.
    pub fn stdin(&self) -> Source {
        self.stdin
    }

    /// Where standard output goes.
    pub fn stdout(&self) -> Sink {
        self.stdout
    }

    /// Where standard error goes.
    pub fn stderr(&self) -> Sink {
        self.stderr
    }

    /// Whether the client is told its process id.
    pub fn is_announced(&self) -> bool {
        self.announced
    }

    /// The words of each program that runs in this place.
    pub(super) fn words(&self) -> Vec<Vec<&str>> {
        match &self.action {
            Action::Run(run) => run.execs().map(|exec| exec.words().collect()).collect(),
            Action::Receive(reception) => vec![reception.exec.words().collect()],
            Action::Answer(_) | Action::Exit(_) => Vec::new(),
        }
    }

    /// Which grant allowed it.
    pub fn grant(&self) -> Option<GrantId> {
        self.grant
    }
}

/// Where no program runs and no grant is asked, what the request comes to: one answer. Clients ask much at once.
pub(super) fn folded(script: Script<Stage>) -> Script<Stage> {
    let asks = |stage: &Stage| matches!(stage.action, Action::Answer(_) | Action::Exit(_)) && stage.grant.is_none();
    if script.rest.is_empty() || !script.leaves().all(asks) {
        return script;
    }
    let (mut course, mut whole) = (Course::default(), Answer::default());
    let rest = script.rest.iter().map(|(joint, pipeline)| (*joint, &pipeline.first));
    for (joint, stage) in std::iter::once((Joint::Next, &script.first.first)).chain(rest) {
        if !course.enters(joint) {
            continue;
        }
        match &stage.action {
            Action::Answer(part) => {
                for (sink, bytes) in [(stage.stdout, &part.stdout), (stage.stderr, &part.stderr)] {
                    match sink {
                        Sink::Out => whole.stdout.extend(bytes),
                        Sink::Err => whole.stderr.extend(bytes),
                        Sink::Null => {}
                    }
                }
                course.put(part.status);
            }
            Action::Exit(status) => {
                course.put(status.unwrap_or(course.status()));
                break;
            }
            Action::Run(_) | Action::Receive(_) => return script,
        }
    }
    whole.status = course.end();
    Script::one(Stage::of(Action::Answer(whole)))
}

impl Run {
    /// One program, and nothing else.
    pub(super) fn of(first: Exec) -> Self {
        Self { note: Vec::new(), first, rest: Vec::new(), table: None, stream: false, status: 0, hooks: None }
    }

    /// The status where all programs end with 0: another, where the client is told that something of its command did
    /// not happen.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// What the client is told on standard error before anything starts.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// The programs that stand for the client's command, in order.
    pub fn execs(&self) -> impl Iterator<Item = &Exec> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// What runs around them.
    pub fn hooks(&self) -> Option<&Hooks> {
        self.hooks.as_ref()
    }

    /// All that is started if nothing fails, in order.
    pub fn programs(&self) -> impl Iterator<Item = &Exec> {
        let before = self.hooks().and_then(Hooks::before);
        let after = self.hooks().and_then(Hooks::after);
        before.into_iter().chain(self.execs()).chain(after)
    }

    /// Whether a stream comes out of it.
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// What becomes of the rows that they print, if they may not pass as they are.
    pub fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }
}

impl Hooks {
    /// The first.
    pub fn before(&self) -> Option<&Exec> {
        self.before.as_ref()
    }

    /// The last.
    pub fn after(&self) -> Option<&Exec> {
        self.after.as_ref()
    }

    /// How long each of the two may take.
    pub fn time(&self) -> Duration {
        self.time
    }
}

impl Exec {
    /// The file to execute.
    pub fn executable(&self) -> &Executable {
        &self.executable
    }

    /// The program's name and arguments.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let (typed, fixed) = match &self.words {
            Words::Typed(argv) => (Some(argv.words()), None),
            Words::Fixed(fixed, _) => (None, Some(fixed.words().iter().map(String::as_str))),
        };
        typed.into_iter().flatten().chain(fixed.into_iter().flatten())
    }

    /// The request, for a program that checks it itself (SSH_ORIGINAL_COMMAND).
    pub fn original_command(&self) -> Option<&str> {
        match &self.words {
            Words::Fixed(_, original) => original.as_deref(),
            Words::Typed(_) => None,
        }
    }

    /// With how much it runs.
    pub fn standing(&self) -> Standing {
        self.standing
    }
}

impl Decision {
    /// As the contract and the log spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Kept => "kept",
            Self::Hidden => "hidden",
        }
    }
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped(what) => write!(f, "dropped {what}"),
            Self::Added(what) => write!(f, "added {what}"),
            Self::Expanded(what) => write!(f, "expanded {what}"),
        }
    }
}

#[cfg(test)]
pub(crate) mod made {
    //! Plans for the tests of `run`, which can't come by one otherwise.
    use super::*;
    use crate::decide::arrival::Admission;

    pub(crate) fn plan(script: Script<Stage>) -> Plan {
        Plan::new(script, Decision::Allowed, Vec::new())
    }

    pub(crate) fn stage(action: Action) -> Stage {
        Stage { stdin: Source::Null, stdout: Sink::Null, stderr: Sink::Null, ..Stage::of(action) }
    }

    /// With its standard input and output where they were.
    pub(crate) fn open(stage: Stage) -> Stage {
        Stage { stdin: Source::Inherit, stdout: Sink::Out, ..stage }
    }

    /// With its standard input where it was.
    pub(crate) fn piped(stage: Stage) -> Stage {
        Stage { stdin: Source::Inherit, ..stage }
    }

    pub(crate) fn exec(executable: Executable, argv: Argv) -> Exec {
        // Elevated, since what the tests start in place of zfs is a shell that starts others.
        Exec { executable, words: argv.into(), standing: Standing::Elevated }
    }

    pub(crate) fn receive(exec: Exec) -> Action {
        let receive = Receive {
            dataset: crate::command::name::Dataset::parse("backup/laptop").unwrap(),
            snapshot: None,
            tail: Default::default(),
            flags: Default::default(),
            settings: Vec::new(),
            exclude: Vec::new(),
            origin: None,
        };
        Action::Receive(Box::new(Reception { receive, exec, rewrites: Vec::new() }))
    }

    pub(crate) fn admission(before: Option<Exec>, receive: Exec, max_bytes: Option<u64>) -> Admission {
        let rewrites = vec![Rewrite::Added("-x mountpoint".to_owned())];
        Admission { before, receive, max_bytes, rewrites }
    }

    pub(crate) fn run(first: Exec, rest: Vec<Exec>) -> Action {
        Action::Run(Box::new(Run { rest, ..Run::of(first) }))
    }

    /// A program with others around it.
    pub(crate) fn hooked(exec: Exec, before: Option<Exec>, after: Option<Exec>, time: Duration) -> Action {
        Action::Run(Box::new(Run { hooks: Some(Hooks { before, after, time }), ..Run::of(exec) }))
    }

    /// A program that did not do all that was asked.
    pub(crate) fn partial(first: Exec, status: u8) -> Action {
        Action::Run(Box::new(Run { status, ..Run::of(first) }))
    }
}
