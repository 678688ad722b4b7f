//! The decision: grants add up, and the first doubt refuses all. This room sees typed commands, the policy and the
//! host's answers; no text of the client's and no program. An operation's file has the name of the policy's table.
#![forbid(unsafe_code)]

mod answer;
pub mod arrival;
#[cfg(test)]
mod bounded;
mod builtin;
mod create;
mod destroy;
mod filter;
mod fixed;
mod mount;
pub mod plan;
mod pool;
mod read;
mod receive;
mod rename;
mod rollback;
mod roots;
mod send;
mod set;
mod simplesnap;
mod snapshot;
mod target;

use std::time::SystemTime;

use thiserror::Error;

use crate::command::argv::{Argv, Program};
use crate::command::name::Dataset;
use crate::command::zfs::Zfs;
use crate::command::zfs::receive::Receiving;
use crate::command::{Command, Elevation, Placed};
use crate::host::{Executable, Host, HostError, Kept};
use crate::policy::{Grant, GrantId, Operation, Policy, Privilege};
use crate::script::{Pipeline, Script};
use crate::syntax::{Redirect, Span};
use crate::table::Visible;
use plan::{Action, Answer, Decision, Exec, Plan, Rewrite, Run, Sink, Source, Stage, Standing};

pub use fixed::fixed;

/// A known operation that the policy does not allow.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct Refusal {
    /// Why, in words for the client: they name nothing that the client didn't.
    pub reason: String,
    /// The command it is about.
    pub span: Span,
    /// The grant that came furthest, if one covers the dataset.
    pub grant: Option<GrantId>,
}

/// Why there is no plan.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// The policy says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The host can't say.
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Decides a whole request.
pub fn decide(request: &Script<Placed>, policy: &Policy, host: &dyn Host) -> Result<Plan, Error> {
    let scene = Scene::new(policy, host);
    let expanded = match scene.expanded(request) {
        Ok(expanded) => expanded,
        Err(stop) => {
            let answer = stopped(stop, request.first.first.span)?;
            return Ok(nothing_but(Stage::of(Action::Answer(answer))));
        }
    };
    let into = |_| Rewrite::Expanded("simplesnapwrap into what it runs".to_owned());
    let mut rewrites: Vec<Rewrite> = expanded.iter().map(into).collect();
    let request = expanded.as_ref().unwrap_or(request);
    let mut decision = Decision::Allowed;
    let mut hidden = None;
    let script = request.try_map_pipelines(|pipeline| {
        fits(pipeline)?;
        pipeline.try_map(|placed| -> Result<Stage, Error> {
            let (stdin, (stdout, stderr)) = (source(&placed.redirects), sinks(&placed.redirects));
            let announced = placed.announced;
            let stage = |verdict: Verdict| Stage {
                asked: Some(placed.clone()),
                action: verdict.action,
                stdin,
                stdout,
                stderr,
                grant: verdict.grant,
                announced,
            };
            match scene.rule(placed) {
                Ok(verdict) => {
                    decision = decision.max(verdict.decision);
                    rewrites.extend(dropped(placed, policy.privilege));
                    rewrites.extend(verdict.rewrites.iter().cloned());
                    Ok(stage(verdict))
                }
                Err(stop) => {
                    let stage = stage(Verdict::new(Action::Answer(stopped(stop, placed.span)?)));
                    hidden.get_or_insert_with(|| stage.clone());
                    Ok(stage)
                }
            }
        })
    })?;
    alone(&script, request)?;
    Ok(match hidden {
        // Nothing of a request with a hidden command runs, whatever the rest of it is.
        Some(stage) => nothing_but(stage),
        None => Plan::new(plan::folded(script), decision, rewrites),
    })
}

/// The answer for what is hidden, in place of the whole request.
fn nothing_but(stage: Stage) -> Plan {
    Plan::new(Script::one(stage), Decision::Hidden, Vec::new())
}

/// What is answered for a command that doesn't run, if that is all that its client may hear.
fn stopped(stop: Stop, span: Span) -> Result<Answer, Error> {
    match stop {
        Stop::Hidden(answer) => Ok(answer),
        Stop::Refused(reason, grant) => Err(Refusal { reason, span, grant }.into()),
        Stop::Host(HostError::Unknown(fact)) => {
            Err(Refusal { reason: format!("unknown fact: {fact}"), span, grant: None }.into())
        }
        Stop::Host(error) => Err(Error::Host(error)),
    }
}

/// Decides once more on one pipeline of a plan, when its turn has come behind others: what they did, and what other
/// sessions did while a client let them wait, is among the facts now. Whoever decided first decided on the whole, so it
/// runs only if it comes to the same.
pub fn again(decided: &Pipeline<Stage>, policy: &Policy, host: &dyn Host) -> Result<(), Error> {
    let changed = || Refusal { reason: CHANGED.to_owned(), span: Span::default(), grant: None };
    let asked = decided.try_map(|stage| stage.asked.clone().ok_or_else(changed))?;
    let now = decide(&Script { first: asked, rest: Vec::new() }, policy, host)?.into_script();
    match now.is_some_and(|now| now.first.leaves().map(Stage::words).eq(decided.leaves().map(Stage::words))) {
        true => Ok(()),
        false => Err(changed().into()),
    }
}

/// What to tell of it: the next request is decided on what is there then.
const CHANGED: &str = "what this was decided on has changed while the request ran: ask again";

/// What a decision looks at.
struct Scene<'a> {
    policy: &'a Policy,
    host: Kept<'a>,
    now: SystemTime,
}

/// What becomes of one command.
struct Verdict {
    action: Action,
    grant: Option<GrantId>,
    decision: Decision,
    rewrites: Vec<Rewrite>,
}

/// Why a command doesn't run.
#[derive(Debug)]
enum Stop {
    /// A dataset of it does not exist, as far as the client is concerned.
    Hidden(Answer),
    /// The host gave no answer.
    Host(HostError),
    /// The policy doesn't allow it.
    Refused(String, Option<GrantId>),
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<&str> for Stop {
    fn from(reason: &str) -> Self {
        Self::Refused(reason.to_owned(), None)
    }
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Refused(reason, None)
    }
}

impl Verdict {
    fn new(action: Action) -> Self {
        Self { action, grant: None, decision: Decision::Allowed, rewrites: Vec::new() }
    }

    fn by(mut self, grant: GrantId) -> Self {
        self.grant = Some(grant);
        self
    }
}

impl<'a> Scene<'a> {
    fn new(policy: &'a Policy, host: &'a dyn Host) -> Self {
        let host = Kept::new(host);
        let now = host.now();
        Self { policy, host, now }
    }

    fn rule(&self, placed: &Placed) -> Result<Verdict, Stop> {
        match &placed.command {
            Command::Builtin(builtin) => self.builtin(builtin),
            Command::Filter(filter) => self.filter(filter),
            // Alone it was expanded before.
            Command::Simplesnap(_) => Err("simplesnapwrap is a request of its own, without redirections".into()),
            Command::Zpool(zpool) => self.pool(zpool),
            Command::Zfs(zfs) => match zfs {
                Zfs::Bookmark(bookmarking) => self.bookmark(bookmarking),
                Zfs::Create(create) => self.create(create),
                Zfs::Destroy(destroy) => self.destroy(destroy),
                Zfs::Get(get) => self.get(get),
                Zfs::Hold(holding) => self.hold(holding),
                Zfs::Holds(holds) => self.holds(holds),
                Zfs::Inherit(inherit) => self.inherit(inherit),
                Zfs::List(list) => self.list(list),
                Zfs::Mount(dataset) => self.mount(dataset),
                Zfs::Receive(receiving) => self.receive(receiving),
                Zfs::Release(holding) => self.release(holding),
                Zfs::Rename(rename) => self.rename(rename),
                Zfs::Rollback(rollback) => self.rollback(rollback),
                Zfs::Send(send) => self.send(send),
                Zfs::Set(set) => self.set(set),
                Zfs::Snapshot(snapshotting) => self.snapshot(snapshotting),
                Zfs::Unmount(dataset) => self.unmount(dataset),
                Zfs::Unserved(subcommand) => Err(format!("zfs {subcommand} is not served").into()),
                Zfs::Usage(_) | Zfs::Version => self.version(zfs.render()),
            },
        }
    }

    /// The grants that cover a dataset now.
    fn covering<'s>(&'s self, dataset: &'s Dataset) -> impl Iterator<Item = &'s Grant> {
        self.grants().filter(|grant| grant.covers(dataset))
    }

    /// The grants that hold now.
    fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.policy.grants.iter().filter(|grant| grant.holds_at(self.now))
    }

    /// The one way to be allowed something: a grant that covers the dataset has the operation in `allow`, and its rules
    /// let all of it pass. Of several refusals the one that came furthest is told.
    fn permit<T>(
        &self,
        dataset: &Dataset,
        operation: Operation,
        hidden: impl FnOnce() -> Answer,
        mut rule: impl FnMut(&Grant) -> Result<T, Stop>,
    ) -> Result<(GrantId, T), Stop> {
        let mut refusal = None;
        let mut furthest = None;
        for grant in self.covering(dataset) {
            if !grant.allow.has(operation) {
                let reason = || Stop::Refused(format!("the grant does not allow {}", operation.name()), Some(grant.id));
                refusal.get_or_insert_with(reason);
                continue;
            }
            match rule(grant) {
                Ok(passed) => return Ok((grant.id, passed)),
                Err(Stop::Refused(reason, None)) => {
                    furthest.get_or_insert(Stop::Refused(reason, Some(grant.id)));
                }
                Err(stop @ Stop::Refused(..)) => {
                    furthest.get_or_insert(stop);
                }
                Err(stop) => return Err(stop),
            }
        }
        Err(furthest.or(refusal).unwrap_or_else(|| Stop::Hidden(hidden())))
    }

    /// Whether programs are started by sudo or doas.
    fn elevates(&self) -> bool {
        self.policy.privilege != Privilege::None
    }

    fn executable(&self, program: Program) -> Result<Executable, Stop> {
        self.host.program(program).ok_or(Stop::Host(HostError::Missing(program)))
    }

    /// A zfs or zpool command as it will be executed.
    fn exec(&self, argv: Argv) -> Result<Exec, Stop> {
        let executable = self.executable(argv.program())?;
        let Some(by) = self.policy.privilege.program() else {
            return Ok(Exec { executable, words: argv.into(), standing: Standing::Account });
        };
        let mut outer = Argv::new(by);
        outer.push("-n");
        outer.push("--");
        outer.push(&executable);
        outer.append(argv);
        Ok(Exec { executable: self.executable(by)?, words: outer.into(), standing: Standing::Elevated })
    }

    /// One command of zfs or zpool, and nothing else.
    fn run(&self, argv: Argv) -> Result<Run, Stop> {
        Ok(Run::of(self.exec(argv)?))
    }

    /// One command of zfs or zpool as a verdict.
    fn run_by(&self, grant: GrantId, argv: Argv) -> Result<Verdict, Stop> {
        Ok(Verdict::new(Action::Run(Box::new(self.run(argv)?))).by(grant))
    }

    fn visible(&self) -> Visible {
        Visible::new(self.policy.grants.clone(), self.now)
    }
}

/// A pipeline is a send with filters behind it, or a receive with filters in front of it.
fn fits(pipeline: &Pipeline<Placed>) -> Result<(), Refusal> {
    let is_filter = |placed: &&Placed| matches!(placed.command, Command::Filter(_));
    let is_send = |placed: &Placed| matches!(placed.command, Command::Zfs(Zfs::Send(_)));
    let is_receive = |placed: &Placed| matches!(placed.command, Command::Zfs(Zfs::Receive(Receiving::Stream(_))));
    let refuse =
        |reason: &str, placed: &Placed| Err(Refusal { reason: reason.to_owned(), span: placed.span, grant: None });
    let last = pipeline.rest.last().unwrap_or(&pipeline.first);
    let others = pipeline.leaves().filter(|placed| !is_filter(placed)).count();
    match others {
        0 => refuse("a stream filter stands behind a send or in front of a receive", &pipeline.first),
        1 if pipeline.is_single() || is_send(&pipeline.first) || is_receive(last) => Ok(()),
        _ => refuse(
            "a pipeline is a send with stream filters behind it, or a receive with them in front",
            &pipeline.first,
        ),
    }
}

/// A stream is judged when it is there: what the rest of its request was decided on would be another world by then.
fn alone(script: &Script<Stage>, request: &Script<Placed>) -> Result<(), Refusal> {
    let runs = |pipeline: &&Pipeline<Stage>| {
        pipeline.leaves().any(|stage| !matches!(stage.action, Action::Answer(_) | Action::Exit(_)))
    };
    if script.pipelines().filter(runs).count() < 2 {
        return Ok(());
    }
    let mut commands = script.leaves().zip(request.leaves());
    match commands.find(|(stage, _)| matches!(stage.action, Action::Receive(_))) {
        Some((_, placed)) => {
            let reason = "zfs receive is a request of its own".to_owned();
            Err(Refusal { reason, span: placed.span, grant: None })
        }
        None => Ok(()),
    }
}

/// Where standard input comes from in the end.
fn source(redirects: &[Redirect]) -> Source {
    if redirects.contains(&Redirect::InFromNull) { Source::Null } else { Source::Inherit }
}

/// Where standard output and standard error go in the end: redirections act from left to right (XCU 2.7).
fn sinks(redirects: &[Redirect]) -> (Sink, Sink) {
    redirects.iter().fold((Sink::Out, Sink::Err), |(out, err), redirect| match redirect {
        Redirect::ErrToOut => (out, out),
        Redirect::ErrToNull => (out, Sink::Null),
        Redirect::OutToNull => (Sink::Null, err),
        Redirect::InFromNull => (out, err),
    })
}

/// What the client wrote to gain rights, if the policy doesn't do as much.
fn dropped(placed: &Placed, privilege: Privilege) -> impl Iterator<Item = Rewrite> {
    let elevation = match (placed.elevation, privilege) {
        (None, _) | (Some(Elevation::Doas), Privilege::Doas) | (Some(Elevation::Sudo), Privilege::Sudo) => None,
        (Some(Elevation::Doas), _) => Some("doas"),
        (Some(Elevation::Pfexec), _) => Some("pfexec"),
        (Some(Elevation::Sudo), _) => Some("sudo"),
    };
    let path = placed.path.then_some("PATH");
    path.into_iter()
        .chain(placed.bare.then_some("env -"))
        .chain(elevation)
        .map(|name| Rewrite::Dropped(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::testing::{Case, HOST, Odd};
    use super::*;
    use crate::facts::Table;
    use crate::policy::parse;

    /// What a grant for `backup/laptop` says.
    fn by(grant: &str) -> Case {
        let policy = parse(&format!("[[grant]]\ndatasets = [\"backup/laptop\"]\n{grant}\n"), None).unwrap();
        Case { policy, host: Table::parse(HOST).unwrap() }
    }

    /// By which a client could take what the rules keep, if all of it were decided by what is there at the beginning.
    #[test]
    fn a_later_command_is_decided_by_what_is_there_when_its_turn_comes() {
        let changed = Err(CHANGED.to_owned());
        let case = by("allow = [\"destroy\", \"rename\", \"rollback\"]\nreceive.rollback = \"allow\"\n\
             [[grant.destroy]]\nnames = [\"*\"]");

        // Behind a rename the name is another's, here of one whose newest snapshot it is.
        let other = HOST.replace("createtxg = 10", "createtxg = 12");
        let line = "zfs rename backup/laptop/x backup/laptop/y; zfs destroy backup/laptop@a";
        assert_eq!(case.later(line, HOST), Ok(()));
        assert_eq!(case.later(line, &other), changed);
        // Behind a rollback it is the newest of the same one.
        let rolled = HOST.replace("name = \"b\"", "name = \"c\"").replace("createtxg = 11", "createtxg = 1");
        assert_eq!(case.later("zfs rollback -r backup/laptop@a; zfs destroy backup/laptop@a", &rolled), changed);
        // What went in between is as missing as it would be for zfs.
        let gone = HOST.replace("name = \"a\"", "name = \"d\"");
        assert_eq!(case.later("echo; zfs destroy backup/laptop@a", &gone), changed);
    }

    #[test]
    fn what_may_be_on_one_dataset_is_counted_when_the_turn_comes() {
        let case = by("allow = [\"hold\"]\nhold = { tags = [\"*\"], max = 1 }");
        let line = "zfs hold one backup/laptop@a; zfs hold two backup/laptop@b";
        assert_eq!(case.later(line, HOST), Ok(()));
        let held = HOST.replace("name = \"a\",", "name = \"a\", holds = [\"one\"],");
        assert_eq!(case.later(line, &held), Err("'backup/laptop' has its 1 holds (hold.max)".to_owned()));
        let case = by("allow = [\"bookmark\"]\nbookmark = { names = [\"*\"], max = 1 }");
        let line = "zfs bookmark backup/laptop@a '#one'; zfs bookmark backup/laptop@a '#two'";
        let none = HOST.replace("snapshots = [", "bookmarks = []\nsnapshots = [");
        let case = case.on(&none);
        assert_eq!(case.later(line, &none), Ok(()));
        let marked = HOST.replace("snapshots = [", "bookmarks = [{ name = \"one\", guid = 1 }]\nsnapshots = [");
        assert_eq!(case.later(line, &marked), Err("'backup/laptop' has its 1 bookmarks (bookmark.max)".to_owned()));
    }

    #[test]
    fn what_has_clones_can_not_go_and_what_is_not_there_is_not_received_into() {
        let case = by("allow = [\"destroy\", \"receive\"]\n[[grant.destroy]]\nnames = [\"*\"]");
        let odd = Odd(Table::parse(HOST).unwrap());
        assert_eq!(case.says("zfs destroy backup/laptop@a"), "zfs destroy -- backup/laptop@a");
        let cloned = "1 cannot destroy 'backup/laptop@a': snapshot has dependent clones";
        assert_eq!(case.says_on(&odd, "zfs destroy backup/laptop@a"), cloned);
        // The stream may say where it lands; what the client sets can't be compared with anything.
        let missing = "1 cannot open 'backup/laptop/x': dataset does not exist";
        assert_eq!(case.says_on(&odd, "zfs receive -u backup/laptop/x"), "zfs receive -u -- backup/laptop/x");
        assert_eq!(case.says_on(&odd, "zfs receive -u -o setuid=off backup/laptop/x"), missing);
    }

    #[test]
    fn a_grant_that_has_ended_in_between_allows_nothing_more() {
        let case = by("allow = [\"list\"]");
        let ended = case.policy.clone();
        let line = b"zfs list backup/laptop; zfs list backup/laptop";
        let script = crate::judge(line, &case.policy, &case.host).unwrap().into_script().unwrap();
        let grants = ended.grants.iter().map(|grant| Grant { until: Some(SystemTime::UNIX_EPOCH), ..grant.clone() });
        let ended = Policy { grants: grants.collect(), ..ended };
        assert_eq!(again(&script.first, &case.policy, &case.host), Ok(()));
        assert_eq!(again(&script.first, &ended, &case.host).unwrap_err().to_string(), CHANGED);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Requests by a grant that is made by hand, on a host of facts.
    use super::*;
    use crate::command::name::{Snapshot, Tag};
    use crate::command::property::Property;
    use crate::facts::Table;
    use crate::host::{BookmarkFacts, Rights, SnapshotFacts};
    use crate::policy::{ReceiveRules, SetRules, parse};
    use crate::record::{Outcome, Step};

    pub(crate) struct Case {
        pub policy: Policy,
        pub host: Table,
    }

    /// A push target: `backup/laptop` and below may be made and received.
    pub(crate) const HOST: &str = r#"
        [[dataset]]
        name = "backup"
        properties = { setuid = "on", mountpoint = "/backup", compression = "off", recordsize = 131072, canmount = "on", quota = 0 }
        type = "filesystem"
        [[dataset]]
        name = "backup/laptop"
        properties = { setuid = "off", mountpoint = "none", compression = "lz4", recordsize = 131072, canmount = "on", quota = 1048576 }
        type = "filesystem"
        rights = ["create", "mount", "receive"]
        snapshots = [
            { name = "b", creation = 2026-11-02T00:00:00Z, createtxg = 11, guid = 2 },
            { name = "a", creation = 2026-11-03T00:00:00Z, createtxg = 10, guid = 1 },
        ]
    "#;

    impl Case {
        pub fn new(grants: &[(&[&str], &[Operation], ReceiveRules)]) -> Self {
            let grant = |(place, (datasets, allow, receive)): (usize, &(&[&str], &[Operation], ReceiveRules))| {
                let policy = parse(&format!("[[grant]]\ndatasets = {datasets:?}\n"), None).unwrap();
                let allow = allow.iter().copied().collect();
                Grant { id: GrantId(place + 1), allow, receive: receive.clone().into(), ..policy.grants[0].clone() }
            };
            let grants = grants.iter().enumerate().map(grant).collect();
            Self { policy: Policy { grants, ..parse("", None).unwrap() }, host: Table::parse(HOST).unwrap() }
        }

        /// One grant for `backup/laptop`.
        pub fn one(allow: &[Operation], receive: ReceiveRules) -> Self {
            Self::new(&[(&["backup/laptop"], allow, receive)])
        }

        /// With other facts.
        pub fn on(self, facts: &str) -> Self {
            Self { host: Table::parse(facts).unwrap(), ..self }
        }

        /// With all grants changed.
        pub fn with(mut self, change: impl Fn(&mut Grant)) -> Self {
            let mut grants: Vec<Grant> = self.policy.grants.to_vec();
            grants.iter_mut().for_each(change);
            self.policy.grants = grants.into();
            self
        }

        /// With `[grant.set]`.
        pub fn setting(self, names: &[&str]) -> Self {
            let properties = crate::policy::Names::parse(names.iter().copied()).unwrap();
            self.with(|grant| grant.set = SetRules { properties: properties.clone() }.into())
        }

        /// What becomes of the last pipeline of a request that is decided here, when its turn comes on another host.
        pub fn later(&self, line: &str, facts: &str) -> Result<(), String> {
            let plan = crate::judge(line.as_bytes(), &self.policy, &self.host).unwrap();
            let script = plan.into_script().unwrap();
            let then = Table::parse(facts).unwrap();
            again(script.pipelines().last().unwrap(), &self.policy, &then).map_err(|error| error.to_string())
        }

        /// What happens, in one line.
        pub fn says(&self, line: &str) -> String {
            self.says_on(&self.host, line)
        }

        /// The same on another host.
        pub fn says_on(&self, host: &dyn Host, line: &str) -> String {
            let outcome = Outcome::of(&crate::judge(line.as_bytes(), &self.policy, host));
            if let Some(reason) = outcome.reason {
                return format!("{}: {reason}", outcome.decision);
            }
            let step = |step: &Step| match step {
                Step::Exec(words) => crate::syntax::quote(words.iter().map(String::as_str)),
                Step::Answer(stdout, stderr, status) => format!("{status} {stdout}{}", stderr.trim_end()),
                Step::Exit(status) => format!("exit {status:?}"),
            };
            let steps = outcome.stages.iter().map(step).collect::<Vec<_>>().join(" ; ");
            match outcome.rewrites.is_empty() {
                true => steps,
                false => format!("{steps} [{}]", outcome.rewrites.join(", ")),
            }
        }
    }

    /// What the facts of a table can't say: a host on which each snapshot has a clone, and nothing is there to receive into.
    pub(crate) struct Odd(pub Table);

    impl Host for Odd {
        fn now(&self) -> SystemTime {
            self.0.now()
        }

        fn program(&self, program: Program) -> Option<Executable> {
            self.0.program(program)
        }

        fn encrypted(&self, dataset: &Dataset) -> Result<Option<bool>, HostError> {
            self.0.encrypted(dataset)
        }

        fn snapshots(&self, dataset: &Dataset) -> Result<Option<Vec<SnapshotFacts>>, HostError> {
            let cloned = |facts| SnapshotFacts { clones: true, ..facts };
            Ok(self.0.snapshots(dataset)?.map(|snapshots| snapshots.into_iter().map(cloned).collect()))
        }

        fn bookmarks(&self, dataset: &Dataset) -> Result<Option<Vec<BookmarkFacts>>, HostError> {
            self.0.bookmarks(dataset)
        }

        fn holds(&self, snapshot: &Snapshot) -> Result<Option<Vec<Tag>>, HostError> {
            self.0.holds(snapshot)
        }

        fn subtree(&self, dataset: &Dataset) -> Result<Option<Vec<Dataset>>, HostError> {
            self.0.subtree(dataset)
        }

        fn properties(&self, datasets: &[Dataset], _: &[Property]) -> Result<Vec<Option<Vec<String>>>, HostError> {
            Ok(vec![None; datasets.len()])
        }

        fn rights(&self, dataset: &Dataset) -> Result<Option<Rights>, HostError> {
            self.0.rights(dataset)
        }
    }

    pub(crate) fn settings(texts: &[&str]) -> Vec<crate::command::property::Setting> {
        use crate::command::property::{Property, Setting};
        let setting = |text: &&str| {
            let (name, value) = text.split_once('=').unwrap();
            Setting::of(Property::parse(name).unwrap(), value).unwrap()
        };
        texts.iter().map(setting).collect()
    }
}
