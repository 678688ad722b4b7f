//! A plan to processes: the only room that starts any. The last program of a request replaces the gate where nothing is
//! left to do behind it; otherwise the gate stays and waits. What a shell would do with lists, pipelines and statuses is
//! done here as a shell does it (POSIX.1-2024, XCU 2.8.2, 2.9.2, 2.9.3); no text is read here.

mod ask;
mod confine;
mod error;
mod flow;
mod guard;
mod hooks;
mod meter;
mod pace;
mod part;
mod plumbing;
mod reception;
mod sandbox;
mod seat;
mod spawn;
mod sys;
mod wait;
mod zone;

use std::io::PipeWriter;
use std::time::Instant;

use crate::decide::arrival::{Denial, Doorkeeper};
use crate::decide::plan::{Answer, Exec, Plan, Run, Sink, Stage};
use crate::script::{Course, Joint, Pipeline, Status};
use crate::table::Rows;

pub use ask::{Asked, ask, ask_sshd};
pub use confine::{prepare, step_back};
pub use error::RunError;
pub use reception::Arrived;
pub use sandbox::{Measure, is_confinable, landlock, missing};
pub use seat::Seat;
pub use wait::Cut;
pub use zone::{enter as enter_zone, file as zone_file};

use error::NOT_STARTED;
use flow::{Outflow, Pump};
use hooks::Before;
use meter::Meter;
use pace::Pace;
use part::{Part, Program};
use wait::{Channel, Group, Supervisor, Until};

/// What the last program of a request may do to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Replace it: there is nothing left to do.
    Replaces,
    /// Be its child: the end is to be recorded.
    Child,
}

/// What bounds a request (`session`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// When it is ended.
    pub until: Option<Instant>,
    /// Bytes a second of a stream.
    pub rate: Option<u64>,
}

impl Limits {
    fn pace(&self) -> Option<Pace> {
        self.rate.map(Pace::new)
    }
}

/// How a request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// As sh gives it.
    pub status: u8,
    /// What ended it before its time.
    pub cut: Option<Cut>,
    /// What the host failed at, or had no answer to, once something had begun.
    pub broken: Vec<String>,
    /// What came in.
    pub arrived: Vec<Arrived>,
    /// Why the rest of it was refused when its turn came.
    pub refused: Option<String>,
}

/// Does what was decided; streams come in, and what comes later is decided once more, as the doorkeeper says. An error
/// means that nothing has happened. Does not return where the last program could take the gate's place.
pub fn run(plan: Plan, tail: Tail, limits: Limits, keeper: &mut dyn Doorkeeper) -> Result<Ended, RunError> {
    if plan.has_stream() {
        plumbing::widen_standard();
    }
    let Some(script) = plan.into_script() else {
        return Ok(Ended::default());
    };
    let first = Part::of(&script.first).map(|part| (Joint::Next, &script.first, part));
    let rest = script.rest.iter().map(|(joint, pipeline)| Ok((*joint, pipeline, Part::of(pipeline)?)));
    let parts = std::iter::once(first).chain(rest).collect::<Result<Vec<_>, RunError>>()?;
    Session { limits, ..Session::default() }.run(parts, tail, keeper)
}

/// A request on its way.
#[derive(Default)]
struct Session {
    course: Course,
    /// Whether anything has happened that the client or the host could have noticed.
    begun: bool,
    supervisor: Option<Supervisor>,
    ended: Ended,
    limits: Limits,
}

impl Session {
    fn run(
        mut self,
        parts: Vec<(Joint, &Pipeline<Stage>, Part)>,
        tail: Tail,
        keeper: &mut dyn Doorkeeper,
    ) -> Result<Ended, RunError> {
        let mut parts = parts.into_iter().peekable();
        while let Some((joint, pipeline, part)) = parts.next() {
            if !self.course.enters(joint) {
                continue;
            }
            // A client can let what came before wait for ever; and it may have changed what this was decided on.
            if self.begun
                && part.is_settled()
                && let Err(denial) = keeper.again(pipeline)
            {
                return self.denied(&pipeline.first, denial);
            }
            // What became of a stream is still to be told.
            let replaces = tail == Tail::Replaces && parts.peek().is_none() && self.ended.arrived.is_empty();
            let done = match part {
                Part::Exit(status) => {
                    self.course.put(status.unwrap_or(self.course.status()));
                    return Ok(self.ended(None));
                }
                Part::Answer(stage, answer) => self.answer(stage, answer),
                Part::Program(program) if replaces => Err(self.replace(program)),
                Part::Program(program) => self.pipeline(&[program], Status::Last),
                Part::Sequence(stage, run) => self.hooked(stage, run),
                Part::Pipeline(programs, status) => self.pipeline(&programs, status),
                Part::Receive(filters, status, receiver) => self.receive(&filters, status, receiver, keeper),
            };
            match done {
                Ok(None) => {}
                Ok(Some(Cut::Signal(signal))) => {
                    self.course.put(128 | signal);
                    return Ok(self.ended(Some(Cut::Signal(signal))));
                }
                Ok(cut) => {
                    // Something is left undone, whatever the program said that was cut off.
                    if self.course.status() == 0 {
                        self.course.put(128 | GONE);
                    }
                    return Ok(self.ended(cut));
                }
                Err(error) => {
                    let status = self.failed(error)?;
                    self.course.put(status);
                }
            }
        }
        Ok(self.ended(None))
    }

    /// The request ends here, though some of it has happened.
    fn denied(mut self, stage: &Stage, mut denial: Denial) -> Result<Ended, RunError> {
        // Broken would say that nothing has happened.
        if denial.host.is_some() {
            denial.answer.status = NOT_STARTED;
        }
        let cut = match self.answer(stage, &denial.answer) {
            Ok(cut) => cut,
            Err(error) => {
                let status = self.failed(error)?;
                self.course.put(status);
                None
            }
        };
        self.ended.broken.extend(denial.host.map(|error| error.to_string()));
        self.ended.refused = denial.reason;
        Ok(self.ended(cut))
    }

    fn ended(self, cut: Option<Cut>) -> Ended {
        Ended { status: self.course.end(), cut, ..self.ended }
    }

    /// Becomes the program. Returns only if that failed.
    fn replace(&mut self, program: Program) -> RunError {
        self.note(program.stage.stderr(), program.note);
        announce(program.stage, std::process::id());
        spawn::replace(program.stage, program.exec)
    }

    fn answer(&mut self, stage: &Stage, answer: &Answer) -> Result<Option<Cut>, RunError> {
        let mut stdout = Outflow::new(stage.stdout(), answer.stdout.clone());
        let mut stderr = Outflow::new(stage.stderr(), answer.stderr.clone());
        let cut = self.wait(&mut Group::default(), &mut [&mut stdout, &mut stderr])?;
        self.begun = true;
        stdout.result()?;
        self.course.put(answer.status);
        Ok(cut)
    }

    fn pipeline(&mut self, programs: &[Program], status: Status) -> Result<Option<Cut>, RunError> {
        self.supervisor()?;
        let pace = self.limits.pace().filter(|_| programs.iter().any(|program| program.is_stream));
        let Some(pace) = pace else {
            let mut group = self.start(programs, status, None)?;
            let cut = self.wait(&mut group, &mut [])?;
            self.course.put(group.status());
            return Ok(cut);
        };
        let (reader, writer) = plumbing::wide_pipe()?;
        let mut group = self.start(programs, status, Some(writer))?;
        let mut meter = Meter::new(reader, pace);
        let cut = self.wait(&mut group, &mut [&mut meter])?;
        self.course.put(group.status());
        meter.result()?;
        Ok(cut)
    }

    /// Starts the stages of a pipeline, the last with its output into a pipe of the gate's if one is given.
    fn start(&mut self, programs: &[Program], status: Status, output: Option<PipeWriter>) -> Result<Group, RunError> {
        let stages_behind = (0..programs.len() + usize::from(output.is_some())).rev();
        for (program, behind) in programs.iter().zip(stages_behind) {
            // A note is the gate's, not the program's: it never goes into the stage behind.
            let sink =
                if behind > 0 && program.stage.stderr() == Sink::Out { Sink::Err } else { program.stage.stderr() };
            self.note(sink, program.note);
        }
        let stages: Vec<_> = programs.iter().map(|program| (program.stage, program.exec)).collect();
        let group = spawn::pipeline(&stages, status, self.begun, output)?;
        self.begun = true;
        self.ended.broken.extend(group.failures().map(ToString::to_string));
        if let (Some(first), Some(leader)) = (programs.first(), group.leader()) {
            announce(first.stage, leader);
        }
        Ok(group)
    }

    /// What stands for one command, between what the administrator has run before and behind it.
    fn hooked(&mut self, stage: &Stage, run: &Run) -> Result<Option<Cut>, RunError> {
        let Some(hooks) = run.hooks() else {
            return self.sequence(stage, run);
        };
        let before = match hooks.before() {
            Some(exec) => {
                let until = self.limits.until;
                // Where it can't start there is nothing to end.
                let before = hooks::before(exec, hooks.time(), until, self.supervisor()?)?;
                self.begun = true;
                before
            }
            None => Before::Done,
        };
        let done = match before {
            Before::Done => self.sequence(stage, run),
            Before::Cut(cut) => Ok(Some(cut)),
            Before::Failed(why) => {
                flow::tell(stage.stderr(), b"zfs-shell: no snapshot was taken, see the log\n");
                self.course.put(NOT_STARTED);
                self.ended.broken.push(why);
                Ok(None)
            }
        };
        if let Some(exec) = hooks.after() {
            self.begun = true;
            let after = self.supervisor().and_then(|supervisor| hooks::after(exec, hooks.time(), supervisor));
            self.ended.broken.extend(after.unwrap_or_else(|error| Some(error.to_string())));
        }
        done
    }

    /// Goes on whatever becomes of each program; the status is that of the first that failed.
    fn sequence(&mut self, stage: &Stage, run: &Run) -> Result<Option<Cut>, RunError> {
        self.supervisor()?;
        self.note(stage.stderr(), run.note());
        let mut out = Outflow::new(stage.stdout(), Vec::new());
        let mut rows = run.table().map(|table| table.begin(out.bytes()));
        let mut first_failure = 0;
        for exec in run.execs() {
            let (status, cut) = match self.one(stage, exec, rows.as_mut(), &mut out) {
                Ok(ended) => ended,
                Err(error) => (self.failed(error)?, None),
            };
            if first_failure == 0 {
                first_failure = status;
            }
            self.course.put(first_failure);
            if cut.is_some() {
                return Ok(cut);
            }
        }
        if first_failure == 0 {
            self.course.put(run.status());
        }
        if let Some(rows) = rows {
            rows.end(out.bytes());
        }
        let cut = self.wait(&mut Group::default(), &mut [&mut out])?;
        out.result()?;
        Ok(cut)
    }

    /// One program of a sequence; its rows, if they are to pass through the gate, into `out`.
    fn one(
        &mut self,
        stage: &Stage,
        exec: &Exec,
        rows: Option<&mut Rows>,
        out: &mut Outflow,
    ) -> Result<(u8, Option<Cut>), RunError> {
        let (reader, writer) = match &rows {
            Some(_) => plumbing::pipe().map(Some)?.unzip(),
            None => (None, None),
        };
        let mut group = spawn::one(stage, exec, writer)?;
        self.begun = true;
        let cut = match reader.zip(rows) {
            Some((reader, rows)) => {
                let mut pump = Pump::new(reader, rows, out);
                let cut = self.wait(&mut group, &mut [&mut pump])?;
                pump.result()?;
                cut
            }
            None => self.wait(&mut group, &mut [])?,
        };
        Ok((group.status(), cut))
    }

    /// Tells the client what it is to know before the program starts. Whether it arrives doesn't matter.
    fn note(&mut self, sink: Sink, note: &[u8]) {
        if !note.is_empty() {
            flow::tell(sink, note);
        }
    }

    fn failed(&mut self, error: RunError) -> Result<u8, RunError> {
        if !self.begun {
            return Err(error);
        }
        self.ended.broken.push(error.to_string());
        Ok(error.tell())
    }

    fn supervisor(&mut self) -> Result<&Supervisor, RunError> {
        match self.supervisor {
            Some(ref supervisor) => Ok(supervisor),
            None => Ok(self.supervisor.insert(Supervisor::begin()?)),
        }
    }

    fn wait(&mut self, group: &mut Group, channels: &mut [&mut dyn Channel]) -> Result<Option<Cut>, RunError> {
        let until = self.limits.until;
        self.supervisor()?.wait(group, channels, Until::Over, until)
    }
}

/// SIGPIPE, by which a program ends whose reader has gone.
const GONE: u8 = 13;

/// Tells the process id of the stage where the client asked for it, in the words that it waits for.
fn announce(stage: &Stage, process: impl std::fmt::Display) {
    if stage.is_announced() {
        flow::tell(stage.stderr(), format!("zettarepl: zfs send PID is {process}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::command::argv::{Argv, Program as Name};
    use crate::decide::arrival::testing::Nobody;
    use crate::decide::plan::{Action, Standing, made};
    use crate::host::Executable;
    use crate::script::Script;

    fn sh(text: &'static str) -> Exec {
        let mut argv = Argv::new(Name::Zfs);
        argv.push("-c");
        argv.push(text);
        made::exec(Executable::at("/bin/sh".into()).unwrap(), argv)
    }

    fn missing() -> Exec {
        made::exec(Executable::at("/nonexistent/zfs".into()).unwrap(), Argv::new(Name::Zfs))
    }

    fn stage(text: &'static str) -> Stage {
        made::stage(made::run(sh(text), Vec::new()))
    }

    fn exit(status: Option<u8>) -> Stage {
        made::stage(Action::Exit(status))
    }

    fn list(first: Stage, rest: impl IntoIterator<Item = (Joint, Stage)>) -> Script<Stage> {
        let rest = rest.into_iter().map(|(joint, stage)| (joint, Pipeline::one(stage))).collect();
        Script { first: Pipeline::one(first), rest }
    }

    fn ended(script: Script<Stage>) -> Result<u8, RunError> {
        run(made::plan(script), Tail::Child, Limits::default(), &mut Nobody).map(|ended| ended.status)
    }

    fn status(script: Script<Stage>) -> u8 {
        ended(script).unwrap()
    }

    #[test]
    fn a_list_goes_on_by_status_as_in_sh() {
        use Joint::{And, Else, Fi, Next, Or, Then};
        let table: [(Script<Stage>, u8); 12] = [
            (list(stage("exit 3"), []), 3),
            (list(stage("exit 3"), [(Next, stage("exit 0"))]), 0),
            (list(stage("exit 3"), [(And, stage("exit 4"))]), 3),
            (list(stage("exit 3"), [(Or, stage("exit 4"))]), 4),
            (list(stage("exit 0"), [(Or, stage("exit 4"))]), 0),
            (list(stage("exit 0"), [(Or, stage("exit 4")), (And, stage("exit 5"))]), 5),
            (list(stage("exit 3"), [(And, stage("exit 4")), (Or, stage("exit 5"))]), 5),
            (list(stage("exit 3"), [(And, stage("exit 4")), (Next, stage("exit 6")), (Or, stage("exit 7"))]), 7),
            (list(stage("exit 3"), [(Then, stage("exit 4"))]), 0),
            (list(stage("exit 0"), [(Then, stage("exit 4")), (Else, stage("exit 5"))]), 4),
            (list(stage("exit 3"), [(Then, stage("exit 4")), (Else, stage("exit 5"))]), 5),
            (list(stage("exit 3"), [(Then, stage("exit 4")), (Else, stage("exit 5")), (Fi, stage("exit 6"))]), 6),
        ];
        for (script, expected) in table {
            assert_eq!(status(script), expected);
        }
    }

    #[test]
    fn exit_ends_the_request_with_its_status_or_the_last() {
        assert_eq!(status(list(exit(Some(9)), [(Joint::Next, stage("exit 1"))])), 9);
        assert_eq!(status(list(stage("exit 3"), [(Joint::Next, exit(None)), (Joint::Next, stage("exit 1"))])), 3);
    }

    #[test]
    fn a_pipeline_has_the_status_of_its_last_stage() {
        let pipeline = |first, rest| Script { first: Pipeline { first, rest, status: Status::Last }, rest: Vec::new() };
        assert_eq!(status(pipeline(stage("exit 3"), vec![stage("exit 0")])), 0);
        assert_eq!(status(pipeline(stage("exit 0"), vec![stage("exit 0"), stage("exit 5")])), 5);
        let first_failed = |first, rest| {
            let pipeline = Pipeline { first, rest, status: Status::FirstFailed };
            status(Script { first: pipeline, rest: Vec::new() })
        };
        assert_eq!(first_failed(stage("exit 3"), vec![stage("exit 4"), stage("exit 0")]), 3);
        assert_eq!(first_failed(stage("exit 0"), vec![stage("exit 4"), stage("exit 5")]), 4);
        assert_eq!(first_failed(stage("exit 0"), vec![stage("exit 0")]), 0);
        let answer = made::stage(Action::Answer(Answer::default()));
        assert!(matches!(ended(pipeline(stage("exit 0"), vec![answer])), Err(RunError::Pipeline)));
    }

    #[test]
    fn a_signal_is_128_and_its_number() {
        assert_eq!(status(list(stage("kill -9 $$"), [])), 137);
        assert_eq!(status(list(stage("kill -15 $$"), [])), 143);
    }

    #[test]
    fn what_can_not_start_is_an_error_at_first_and_a_status_later() {
        let missing = || made::stage(made::run(missing(), Vec::new()));
        assert!(matches!(ended(list(missing(), [])), Err(RunError::Start { .. })));
        assert_eq!(status(list(stage("exit 0"), [(Joint::Next, missing())])), 127);
        let pipeline = Pipeline { first: stage("exit 0"), rest: vec![missing()], status: Status::Last };
        assert_eq!(status(Script { first: pipeline, rest: Vec::new() }), 127);
        for missing_at in 0..2 {
            let mut stages = vec![stage("exit 0"), stage("exit 0"), stage("exit 0")];
            stages[missing_at] = missing();
            let first = stages.remove(0);
            let pipeline = Pipeline { first, rest: stages, status: Status::Last };
            let script = Script { first: Pipeline::one(stage("exit 0")), rest: vec![(Joint::Next, pipeline)] };
            assert_eq!(status(script), 127, "what comes out at the end is not what went in");
        }
        let directory =
            made::stage(made::run(made::exec(Executable::at("/".into()).unwrap(), Argv::new(Name::Zfs)), Vec::new()));
        assert_eq!(status(list(stage("exit 0"), [(Joint::Next, directory)])), 126);
    }

    #[test]
    fn several_programs_for_one_command_all_run_and_the_first_failure_counts() {
        let directory = tempfile::tempdir().unwrap();
        let touch = |name: &str| {
            let text = format!("echo >> {}/ran; exit {name}", directory.path().display());
            sh(Box::leak(text.into_boxed_str()))
        };
        let run = made::run(touch("0"), vec![touch("2"), touch("3"), touch("0")]);
        assert_eq!(status(list(made::stage(run), [])), 2);
        assert_eq!(directory.path().join("ran").metadata().unwrap().len(), 4);
    }

    #[test]
    fn a_command_that_was_not_done_whole_has_a_status_of_its_own() {
        for (program, expected) in [("exit 0", 1), ("exit 3", 3)] {
            let script = list(made::stage(made::partial(sh(program), 1)), []);
            assert_eq!(
                run(made::plan(script), Tail::Replaces, Limits::default(), &mut Nobody).unwrap().status,
                expected
            );
        }
    }

    #[test]
    fn programs_get_two_variables_and_their_name() {
        let check = "test \"$(tr '\\0' ' ' </proc/$$/environ)\" = \
                     'LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin '";
        assert_eq!(status(list(stage(check), [])), 0);
        assert_eq!(status(list(stage("test \"$(tr '\\0' ' ' </proc/$$/cmdline | cut -c 1-4)\" = 'zfs '"), [])), 0);
    }

    #[test]
    fn programs_start_with_no_signal_blocked_or_ignored() {
        // glibc's posix_spawn leaves its own two, 32 and 33, ignored.
        let check = "! grep -E '^Sig(Blk|Ign):' /proc/self/status | grep -vE '0000000[01][08]0000000$'";
        assert_eq!(status(list(stage("exit 0"), [(Joint::Next, stage(check))])), 0);
    }

    #[test]
    fn the_stages_of_a_pipeline_are_one_group_that_is_not_ours() {
        let first = made::open(stage("cut -d ' ' -f 5 /proc/$$/stat; exec >/dev/null; sleep 0.1"));
        let last = made::open(stage("read group; test $group = $(cut -d ' ' -f 5 /proc/$$/stat) -a $group != $PPID"));
        let pipeline = Pipeline { first, rest: vec![last], status: Status::Last };
        assert_eq!(status(Script { first: pipeline, rest: Vec::new() }), 0);
    }

    #[test]
    fn a_reader_sees_the_end_and_a_writer_its_loss() {
        let pipeline = |first, rest| {
            let rest = vec![made::open(stage(rest))];
            let pipeline = Pipeline { first: made::open(stage(first)), rest, status: Status::Last };
            status(Script { first: pipeline, rest: Vec::new() })
        };
        assert_eq!(pipeline("head -c 3000000 /dev/zero", "test $(wc -c) = 3000000"), 0);
        assert_eq!(pipeline("exec cat /dev/zero", "head -c 10 >/dev/null"), 0);
    }

    #[test]
    fn a_question_is_answered_with_status_and_both_outputs() {
        let ask = |text: &'static str| {
            let mut argv = Argv::new(Name::Zfs);
            argv.push("-c");
            argv.push(text);
            ask::ask_as(Standing::Elevated, &Executable::at("/bin/sh".into()).unwrap(), &argv)
        };
        let asked = ask("echo out; echo err >&2; cat; exit 4").unwrap();
        assert_eq!(asked, Asked { status: 4, stdout: b"out\n".to_vec(), stderr: b"err\n".to_vec() });
        let much = ask("head -c 300000 /dev/zero >&2; head -c 3000000 /dev/zero").unwrap();
        assert_eq!((much.stdout.len(), much.stderr.len()), (3_000_000, 64 << 10));
    }

    #[test]
    fn no_process_outlives_its_group() {
        for text in ["exec sleep 60", "trap '' TERM; kill -STOP $$; sleep 60"] {
            let stage = stage(text);
            let Action::Run(run) = stage.action() else { panic!() };
            let group = spawn::one(&stage, run.execs().next().unwrap(), None).unwrap();
            let leader = nix::unistd::Pid::from_raw(group.leader().unwrap());
            drop(group);
            assert!(nix::sys::signal::kill(leader, None).is_err());
        }
    }

    #[test]
    fn what_does_not_end_in_time_is_ended() {
        let start = Instant::now();
        let supervisor = Supervisor::begin().unwrap();
        let stage = stage("sleep 60 & sleep 60");
        let Action::Run(run) = stage.action() else { panic!() };
        let mut group = spawn::one(&stage, run.execs().next().unwrap(), None).unwrap();
        let cut = supervisor.wait(&mut group, &mut [], Until::Over, Some(start + Duration::from_millis(100))).unwrap();
        assert_eq!((cut, group.status()), (Some(Cut::Time), 143));
        assert!(start.elapsed() < Duration::from_secs(4));
    }
}
