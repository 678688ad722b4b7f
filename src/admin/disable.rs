//! `disable`: a policy is put aside, so that the next request by it is refused, and what runs for its account is ended.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};

use super::cli::Disable;
use super::form::counted;
use super::{Stop, authorized};
use crate::policy::{self, DIRECTORY, DISABLED, PolicyName};

/// Puts it aside, and says what is ended and how to have it back.
pub(super) fn run(arguments: &Disable, out: &mut impl Write) -> Result<u8, Stop> {
    let name = PolicyName::parse(&arguments.policy).map_err(Stop::said)?;
    if name.client.is_some() {
        return Err(Stop::said("its clients share a policy: take the one's line out of authorized_keys"));
    }
    let file = Path::new(DIRECTORY).join(format!("{name}.toml"));
    let aside = put_aside(&file).map_err(|error| Stop::said(format!("{}: {error}", file.display())))?;
    // One with an error has no keys, but perhaps an account of its name.
    let rules = policy::open_path(&aside).ok().and_then(|text| policy::parse(&text, None).ok());
    let rules = rules.map(|policy| policy.key).unwrap_or_default();
    let account = authorized::account(&rules, &name);
    writeln!(out, "{name} is disabled: {}", aside.display())?;
    match User::from_name(account) {
        Ok(Some(user)) if user.uid.is_root() => {
            writeln!(out, "what runs is root's, and goes on: look for it yourself")?
        }
        Ok(Some(user)) => {
            let ended = end(&processes(user.uid.as_raw()));
            writeln!(out, "{} of {account} told to end", counted(ended, "process"))?;
        }
        _ => writeln!(out, "no account is called {account}: what runs by another goes on")?,
    }
    writeln!(out, "to have it back: mv {} {}", aside.display(), file.display())?;
    Ok(0)
}

fn put_aside(file: &Path) -> io::Result<PathBuf> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(DISABLED);
    fs::rename(file, &aside)?;
    Ok(aside.into())
}

/// The processes of an account, as /proc has them.
fn processes(account: u32) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let owned = entries.filter(|entry| entry.metadata().is_ok_and(|there| there.uid() == account));
    owned.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw).collect()
}

/// How many were there to be told. The gate ends what it has started.
fn end(processes: &[Pid]) -> usize {
    processes.iter().filter(|process| kill(**process, Signal::SIGTERM) != Err(Errno::ESRCH)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_is_put_aside_is_there_under_another_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nas.toml");
        assert!(put_aside(&file).is_err());
        fs::write(&file, "x").unwrap();
        let aside = put_aside(&file).unwrap();
        assert_eq!(aside, directory.path().join("nas.toml.disabled"));
        assert!(aside.exists() && !file.exists());
        assert_eq!(policy::names(directory.path()).unwrap(), [], "it is none of the policies any more");
    }

    #[test]
    fn the_processes_of_an_account_are_found() {
        let own = processes(nix::unistd::geteuid().as_raw());
        assert!(own.contains(&nix::unistd::getpid()), "{own:?}");
        assert!(processes(u32::MAX - 7).is_empty());
    }
}
