//! Questions to zfs: fixed arguments and typed values in, what it printed out.
#![forbid(unsafe_code)]

use std::net::IpAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::command::argv::Argv;
use crate::decide::plan::Standing;
use crate::host::Executable;

use super::flow::Capture;
use super::wait::{Cut, Group, Supervisor, Until};
use super::{RunError, plumbing, spawn};

/// How long zfs may take. A pool that is being imported or is stuck takes for ever.
const TIME: Duration = Duration::from_secs(60);

/// The most that an answer may have: some 600,000 snapshots with their properties.
const STDOUT: usize = 64 << 20;

/// Of messages, the beginning says it.
const STDERR: usize = 64 << 10;

/// What a program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As sh gives it.
    pub status: u8,
    /// All of it.
    pub stdout: Vec<u8>,
    /// The beginning of it.
    pub stderr: Vec<u8>,
}

/// Asks a program, with nothing on its standard input.
pub fn ask(executable: &Executable, argv: &Argv) -> Result<Asked, RunError> {
    ask_as(Standing::Account, executable, argv)
}

pub(super) fn ask_as(standing: Standing, executable: &Executable, argv: &Argv) -> Result<Asked, RunError> {
    answer(standing, executable, argv.program().name(), argv.words())
}

/// Asks sshd(8) for its settings, or for those that hold for an account that comes from an address: nothing that a request
/// does, and for the policy tool alone. It reads its own keys, and so has all that its caller has.
pub fn ask_sshd(sshd: &Executable, connection: Option<(&str, IpAddr)>) -> Result<Asked, RunError> {
    // It wants to be started by its whole path.
    let mut words = vec![sshd.to_string(), "-T".to_owned()];
    if let Some((account, address)) = connection {
        words.extend(["-C".to_owned(), format!("user={account},host={address},addr={address}")]);
    }
    answer(Standing::Elevated, sshd, "sshd", words.iter().map(String::as_str))
}

fn answer<'w>(
    standing: Standing,
    executable: &Executable,
    name: &'static str,
    words: impl IntoIterator<Item = &'w str>,
) -> Result<Asked, RunError> {
    let (stdout, stdout_end) = plumbing::pipe()?;
    let (stderr, stderr_end) = plumbing::pipe()?;
    let (mut stdout, mut stderr) = (Capture::new(stdout, STDOUT), Capture::new(stderr, STDERR));
    let mut command = spawn::command(executable.path(), words);
    command.stdin(Stdio::null()).stdout(stdout_end).stderr(stderr_end);
    let supervisor = Supervisor::begin()?;
    let mut group = Group::default();
    spawn::start(&mut group, command, standing)?;
    match supervisor.wait(&mut group, &mut [&mut stdout, &mut stderr], Until::Over, Instant::now().checked_add(TIME))? {
        None => {}
        Some(Cut::Time) => return Err(RunError::Time(name)),
        Some(Cut::Gone | Cut::Signal(_)) => return Err(RunError::Interrupted(name)),
    }
    match stdout.into_bytes()? {
        (_, true) => Err(RunError::TooMuch(name)),
        (stdout, false) => Ok(Asked { status: group.status(), stdout, stderr: stderr.into_bytes()?.0 }),
    }
}
