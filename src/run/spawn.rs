//! Programs and what their descriptors are. SIGPIPE and the signal mask of a child are the default, whatever the gate's
//! are.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "the one place where programs are started")]

use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::decide::plan::{Exec, Sink, Source, Stage, Standing};
use crate::script::Status;

use super::wait::Group;
use super::{RunError, plumbing, sandbox};

/// The environment of every program. Nothing in it comes from sshd or the client, but for the request where a program of
/// the administrator's is to check it.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")];

/// A program with its arguments and environment; the first word is its name.
pub(super) fn command<'a>(path: &Path, words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(path);
    command.arg0(words.next().unwrap_or_default()).args(words).env_clear().envs(ENVIRONMENT);
    command
}

/// A program of a plan.
fn program(exec: &Exec) -> Command {
    let mut command = command(exec.executable().path(), exec.words());
    if matches!(exec.standing(), Standing::Filter(_)) {
        command.envs(FILTER);
    }
    if let Some(request) = exec.original_command() {
        command.env("SSH_ORIGINAL_COMMAND", request);
    }
    command
}

/// What filters get besides. Under a limit of address space malloc's arenas must be few: each takes 64 MiB of it, and
/// pigz hangs where it can't start a thread for want of one (mallopt(3)). mbuffer complains where it has no HOME; in this
/// one there is no configuration.
const FILTER: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "2"), ("HOME", "/nonexistent")];

/// Starts a command as a member of the group.
pub(super) fn start(group: &mut Group, mut command: Command, standing: Standing) -> Result<(), RunError> {
    command.process_group(group.leader().unwrap_or(0));
    sandbox::confine(&mut command, standing)?;
    group.add(command.spawn().map_err(|error| not_started(&command, error))?);
    Ok(())
}

/// Becomes the one program of a stage. Returns only if that failed.
pub(super) fn replace(stage: &Stage, exec: &Exec) -> RunError {
    let mut command = program(exec);
    let ready = connect(&mut command, stage, None, None).and_then(|()| sandbox::confine(&mut command, exec.standing()));
    if let Err(error) = ready {
        return error;
    }
    let error = command.exec();
    not_started(&command, error)
}

/// Starts a program of a stage that stands alone, with its output into a pipe of the gate's if one is given.
pub(super) fn one(stage: &Stage, exec: &Exec, output: Option<PipeWriter>) -> Result<Group, RunError> {
    let mut group = Group::default();
    let mut command = program(exec);
    connect(&mut command, stage, None, None)?;
    if let Some(output) = output {
        command.stdout(output);
    }
    start(&mut group, command, exec.standing())?;
    Ok(group)
}

/// Starts a program that neither hears nor says anything.
pub(super) fn silent(exec: &Exec) -> Result<Group, RunError> {
    let mut group = Group::default();
    let mut command = program(exec);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    start(&mut group, command, exec.standing())?;
    Ok(group)
}

/// Starts a program of a stage as a member of the group, reading from what is given.
pub(super) fn member(group: &mut Group, stage: &Stage, exec: &Exec, input: impl Into<Stdio>) -> Result<(), RunError> {
    let mut command = program(exec);
    connect(&mut command, stage, None, None)?;
    command.stdin(input);
    start(group, command, exec.standing())
}

/// Starts all stages from left to right, the last with its output into a pipe of the gate's if one is given. If the first
/// can't start and nothing has begun, that is an error; a stage that can't start later is a member that has failed, as in
/// sh.
pub(super) fn pipeline(
    stages: &[(&Stage, &Exec)],
    status: Status,
    begun: bool,
    mut output: Option<PipeWriter>,
) -> Result<Group, RunError> {
    let pipes = stages.iter().skip(1).map(|_| plumbing::wide_pipe()).collect::<Result<Vec<_>, _>>()?;
    let mut pipes = pipes.into_iter();
    let mut group = Group::with_status(status);
    let mut input = None;
    for (stage, exec) in stages {
        let (next, between) = pipes.next().unzip();
        let output = between.or_else(|| output.take());
        // The ends of pipes go into the command and with it: if the gate kept one, no reader would see the end.
        let mut command = program(exec);
        let started = connect(&mut command, stage, input, output.as_ref())
            .and_then(|()| start(&mut group, command, exec.standing()));
        match started {
            Ok(()) => {}
            Err(error) if !begun && group.is_empty() => return Err(error),
            Err(error) => {
                error.tell();
                group.add_failed(error);
            }
        }
        input = next;
    }
    Ok(group)
}

/// Settles where the descriptors of a stage end up.
fn connect(
    command: &mut Command,
    stage: &Stage,
    input: Option<PipeReader>,
    output: Option<&PipeWriter>,
) -> Result<(), RunError> {
    match (stage.stdin(), input) {
        (Source::Null, _) => command.stdin(Stdio::null()),
        (Source::Inherit, Some(pipe)) => command.stdin(pipe),
        (Source::Inherit, None) => command.stdin(Stdio::inherit()),
    };
    command.stdout(sink(stage.stdout(), output)?);
    command.stderr(sink(stage.stderr(), output)?);
    Ok(())
}

fn sink(sink: Sink, output: Option<&PipeWriter>) -> Result<Stdio, RunError> {
    Ok(match (sink, output) {
        (Sink::Null, _) => Stdio::null(),
        (Sink::Err, _) => io::stderr().into(),
        (Sink::Out, None) => io::stdout().into(),
        (Sink::Out, Some(pipe)) => {
            pipe.try_clone().map_err(|error| RunError::System { what: "copy a descriptor", error })?.into()
        }
    })
}

fn not_started(command: &Command, error: io::Error) -> RunError {
    RunError::Start { program: command.get_program().into(), error }
}
