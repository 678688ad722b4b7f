//! How much a program that is started has: as little as it can bear. What is taken from it is taken between fork and
//! exec, for good. (A thread that confines itself and then starts filters by posix_spawn would save the fork; but what
//! posix_spawn itself does, a new process and a new group, would then have to stay allowed.)
#![forbid(unsafe_code)]

mod calls;
mod elf;
mod files;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::unistd::{Pid, geteuid};

use crate::decide::plan::Standing;

use super::{RunError, sys};
use calls::{Caller, Calls};

/// What keeps a program from what it doesn't need, where the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Which files it opens and executes: Landlock.
    Files,
    /// Which system calls it has: seccomp.
    Calls,
}

impl Measure {
    /// As the log has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Calls => "calls",
        }
    }

    /// What it takes.
    pub fn needs(self) -> &'static str {
        match self {
            Self::Files => "Landlock, in Linux from 5.13 on where it is switched on (lsm=)",
            Self::Calls => "seccomp filters, in Linux from 4.14 on",
        }
    }
}

/// The measures that can't be taken here.
pub fn missing() -> Vec<Measure> {
    Kernel::this().lacks()
}

/// The version of Landlock, where there is one.
pub fn landlock() -> Option<u32> {
    Kernel::this().landlock
}

/// Whether a program starts under Landlock: by itself, and by a loader that it names.
pub fn is_confinable(program: &Path) -> bool {
    files::is_program(program)
}

/// What the kernel has for us.
struct Kernel {
    landlock: Option<u32>,
    seccomp: bool,
    /// Whether the gate runs as root.
    root: bool,
}

impl Kernel {
    fn this() -> &'static Self {
        static KERNEL: OnceLock<Kernel> = OnceLock::new();
        KERNEL.get_or_init(|| Self {
            landlock: sys::landlock_version(),
            seccomp: sys::has_seccomp(),
            root: geteuid().is_root(),
        })
    }

    fn lacks(&self) -> Vec<Measure> {
        [(Measure::Files, self.landlock.is_some()), (Measure::Calls, self.seccomp)]
            .into_iter()
            .filter_map(|(measure, there)| (!there).then_some(measure))
            .collect()
    }
}

/// Takes from a program, before it begins, what somebody of this standing doesn't need.
pub(super) fn confine(command: &mut Command, standing: Standing) -> Result<(), RunError> {
    let program = Path::new(command.get_program());
    let confinement = match standing {
        Standing::Elevated => return Ok(()),
        Standing::Account => Confinement::of_zfs(Kernel::this(), program),
        Standing::Filter(memory) => Confinement::of_filter(Kernel::this(), program, memory),
    };
    let confinement = confinement.map_err(|error| RunError::System { what: "confine a program", error })?;
    sys::confine(command, confinement);
    Ok(())
}

/// All that is taken from a program, laid out so that nothing is left to do but system calls.
pub(super) struct Confinement {
    memory: Option<u64>,
    files: Option<OwnedFd>,
    calls: Option<Calls>,
    /// Whether it lays down its capabilities. By no_new_privs root gets none back when it executes a program.
    bare: bool,
}

impl Confinement {
    fn of_filter(kernel: &Kernel, program: &Path, memory: u64) -> io::Result<Self> {
        Ok(Self {
            memory: Some(memory),
            files: kernel.landlock.map(|version| files::of_filter(version, program)).transpose()?,
            calls: kernel.seccomp.then(|| Calls::of(Caller::Filter)),
            bare: true,
        })
    }

    /// Under Landlock nothing can be mounted, and zfs that runs as root mounts.
    fn of_zfs(kernel: &Kernel, program: &Path) -> io::Result<Self> {
        let landlock = kernel.landlock.filter(|_| !kernel.root);
        Ok(Self {
            memory: None,
            files: landlock.map(|version| files::of_zfs(version, program)).transpose()?,
            calls: kernel.seccomp.then(|| Calls::of(Caller::Zfs)),
            bare: false,
        })
    }

    /// Puts it into force, for the program that comes next. Makes system calls and does nothing else: see `sys::confine`.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        if let Some(memory) = self.memory {
            lower(Resource::RLIMIT_AS, memory)?;
            lower(Resource::RLIMIT_NOFILE, DESCRIPTORS)?;
        }
        prctl::set_no_new_privs()?;
        if let Some(files) = &self.files {
            sys::landlock_restrict(files.as_fd())?;
        }
        if self.bare {
            sys::drop_capabilities()?;
        }
        // The last: it denies some of the above.
        if let Some(calls) = &mut self.calls {
            sys::seccomp(calls.owned_by(Pid::this().as_raw().cast_unsigned()))?;
        }
        Ok(())
    }
}

/// For good: no program raises a hard limit but root's.
fn lower(resource: Resource, most: rlim_t) -> io::Result<()> {
    let (soft, hard) = getrlimit(resource)?;
    Ok(setrlimit(resource, soft.min(most), hard.min(most))?)
}

/// How many descriptors a filter may have: each pipe is up to a megabyte of the kernel's memory.
const DESCRIPTORS: u64 = 64;

#[cfg(test)]
mod tests;
