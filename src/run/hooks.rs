//! `[hooks]`: what the administrator has run around a command, to freeze and thaw what writes to the datasets.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::decide::plan::Exec;

use super::wait::{Cut, Supervisor, Until};
use super::{RunError, spawn};

/// How the first of them ended.
pub(super) enum Before {
    /// The command may run.
    Done,
    /// It may not, for this reason.
    Failed(String),
    /// Nor may what is behind it.
    Cut(Cut),
}

/// Runs the first, which ends with its time, with the request's, or with the client. An error means that it didn't start.
pub(super) fn before(
    exec: &Exec,
    time: Duration,
    until: Option<Instant>,
    supervisor: &Supervisor,
) -> Result<Before, RunError> {
    let mut group = spawn::silent(exec)?;
    let deadline = [Instant::now().checked_add(time), until].into_iter().flatten().min();
    Ok(match supervisor.wait(&mut group, &mut [], Until::Over, deadline) {
        Err(error) => Before::Failed(error.to_string()),
        Ok(None) if group.status() == 0 => Before::Done,
        Ok(None) => Before::Failed(format!("before_snapshot ended with {}", group.status())),
        Ok(Some(Cut::Time)) if until.is_none_or(|until| Instant::now() < until) => {
            Before::Failed("before_snapshot took longer than hooks.time".to_owned())
        }
        Ok(Some(cut)) => Before::Cut(cut),
    })
}

/// Runs the last, whoever has gone and whatever signal comes; nothing but its time ends it. Why it failed, if it did.
pub(super) fn after(exec: &Exec, time: Duration, supervisor: &Supervisor) -> Result<Option<String>, RunError> {
    let mut group = spawn::silent(exec)?;
    Ok(match (supervisor.outlast(&mut group, time)?, group.status()) {
        (true, 0) => None,
        (true, status) => Some(format!("after_snapshot ended with {status}")),
        (false, _) => Some("after_snapshot took longer than hooks.time".to_owned()),
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test reads what ran")]
mod tests {
    use super::*;
    use crate::command::argv::{Argv, Program};
    use crate::decide::arrival::testing::Nobody;
    use crate::decide::plan::made;
    use crate::host::Executable;
    use crate::run::{Ended, Limits, Tail};
    use crate::script::{Joint, Pipeline, Script};

    /// A program that tells that it ran, and then does this.
    fn says(file: &std::path::Path, name: &str, then: &str) -> Exec {
        let mut argv = Argv::new(Program::Zfs);
        argv.push("-c");
        argv.push(&*Box::leak(format!("echo {name} >>{}; {then}", file.display()).into_boxed_str()));
        made::exec(Executable::at("/bin/sh".into()).unwrap(), argv)
    }

    /// What ran, and how it ended: one program between two, and one behind the three.
    fn ran(before: &str, between: &str, after: &str, time: u64, limits: Limits) -> (String, Ended) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ran");
        let [freeze, snapshot, thaw, next] =
            [("freeze", before), ("snapshot", between), ("thaw", after), ("next", "exit 0")]
                .map(|(name, then)| says(&file, name, then));
        let time = Duration::from_millis(time);
        let first = made::stage(made::hooked(snapshot, Some(freeze), Some(thaw), time));
        let next = made::stage(made::run(next, Vec::new()));
        let script = Script { first: Pipeline::one(first), rest: vec![(Joint::And, Pipeline::one(next))] };
        let ended = crate::run::run(made::plan(script), Tail::Child, limits, &mut Nobody).unwrap();
        (std::fs::read_to_string(file).unwrap().replace('\n', " "), ended)
    }

    #[test]
    fn the_last_always_runs_and_the_command_only_where_the_first_ended_well() {
        let table = [
            (["exit 0", "exit 0", "exit 0"], "freeze snapshot thaw next ", 0, ""),
            (["exit 0", "exit 3", "exit 0"], "freeze snapshot thaw ", 3, ""),
            (["exit 4", "exit 0", "exit 0"], "freeze thaw ", 126, "before_snapshot ended with 4"),
            (["kill -9 $$", "exit 0", "exit 0"], "freeze thaw ", 126, "before_snapshot ended with 137"),
            (["sleep 60", "exit 0", "exit 0"], "freeze thaw ", 126, "before_snapshot took longer than hooks.time"),
            // The snapshot is there, and so is the client's next command; the administrator hears of it.
            (["exit 0", "exit 0", "exit 5"], "freeze snapshot thaw next ", 0, "after_snapshot ended with 5"),
            (
                ["exit 0", "exit 0", "sleep 60"],
                "freeze snapshot thaw next ",
                0,
                "after_snapshot took longer than hooks.time",
            ),
        ];
        for ([before, between, after], expected, status, broken) in table {
            let time = if [before, after].contains(&"sleep 60") { 300 } else { 60_000 };
            let (ran, ended) = ran(before, between, after, time, Limits::default());
            assert_eq!((ran.as_str(), ended.status, ended.broken.concat().as_str()), (expected, status, broken));
        }
    }

    #[test]
    fn the_last_runs_too_where_the_request_has_no_more_time() {
        for (before, between, expected) in
            [("sleep 60", "exit 0", "freeze thaw "), ("exit 0", "sleep 60", "freeze snapshot thaw ")]
        {
            let limits = Limits { until: Instant::now().checked_add(Duration::from_millis(300)), rate: None };
            let (ran, ended) = ran(before, between, "sleep 0.5; exit 0", 60_000, limits);
            assert_eq!(
                (ran.as_str(), ended.cut, ended.status),
                (expected, Some(Cut::Time), if before == "exit 0" { 143 } else { 141 })
            );
            assert_eq!(ended.broken, [""; 0], "its own time isn't over with that of the request");
        }
    }

    #[test]
    fn one_that_can_not_start_takes_no_snapshot_and_one_alone_is_enough() {
        let missing = || made::exec(Executable::at("/nonexistent/freeze".into()).unwrap(), Argv::new(Program::Zfs));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ran");
        let run = |before: Option<Exec>, after: Option<Exec>| {
            let snapshot = says(&file, "snapshot", "exit 0");
            let action = made::hooked(snapshot, before, after, Duration::from_secs(60));
            let script = Script::one(made::stage(action));
            crate::run::run(made::plan(script), Tail::Child, Limits::default(), &mut Nobody)
        };
        let thaw = || says(&file, "thaw", "exit 0");
        let read = || std::fs::read_to_string(&file).unwrap_or_default().replace('\n', " ");
        assert!(matches!(run(Some(missing()), Some(thaw())), Err(RunError::Start { .. })), "nothing has happened");
        assert_eq!(read(), "");
        assert_eq!(run(None, Some(thaw())).unwrap(), Ended::default());
        assert_eq!(read(), "snapshot thaw ");
        let ended = run(None, Some(missing())).unwrap();
        assert_eq!((ended.status, ended.broken.len()), (0, 1), "the snapshot is there: {ended:?}");
        assert!(ended.broken.concat().starts_with("cannot start '/nonexistent/freeze': "));
    }
}
