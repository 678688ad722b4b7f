//! Which files a program has: by Landlock, which lets it open what is listed here and nothing else (landlock(7)).
#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::super::sys::{self, landlock};
use super::elf::{self, Loader};

/// A filter: what it takes to load it, and what some look at to fit themselves to the machine.
pub(super) fn of_filter(version: u32, program: &Path) -> io::Result<OwnedFd> {
    let rules = Rules::new(version)?;
    rules.program(program)?;
    rules.device("/dev/null")?;
    for file in ["/proc/cpuinfo", "/proc/meminfo", "/etc/mbuffer.rc"] {
        rules.allow(file, landlock::READ_FILE)?;
    }
    rules.allow("/sys/devices/system/cpu", READ)?;
    Ok(rules.set)
}

/// zfs: it is loaded, reads what the system says of itself, and asks the kernel.
pub(super) fn of_zfs(version: u32, program: &Path) -> io::Result<OwnedFd> {
    let rules = Rules::new(version)?;
    rules.program(program)?;
    for device in ["/dev/null", "/dev/zfs"] {
        rules.device(device)?;
    }
    for directory in ["/etc", "/proc", "/sys/module", "/usr/share/zoneinfo"] {
        rules.allow(directory, READ)?;
    }
    Ok(rules.set)
}

/// Whether there is anything at that path to make a rule for.
pub(super) fn is_program(path: &Path) -> bool {
    let Ok(Some(file)) = open_if_there(path, OFlag::O_RDONLY) else {
        return false;
    };
    let mut head = [0; elf::HEAD];
    read(&File::from(file), &mut head).is_ok_and(|head| elf::loader(head) != Loader::Unknown)
}

/// The beginning of a file.
fn read<'h>(file: &File, head: &'h mut [u8]) -> io::Result<&'h [u8]> {
    let length = file.read_at(head, 0)?;
    Ok(head.get(..length).unwrap_or_default())
}

/// A set of rules that grows until it is put into force.
struct Rules {
    set: OwnedFd,
    /// What this kernel can forbid, and so has to be told to allow.
    handled: u64,
}

impl Rules {
    fn new(version: u32) -> io::Result<Self> {
        let handled = landlock::handled(version);
        Ok(Self { set: sys::landlock_ruleset(handled)?, handled })
    }

    /// What it takes to load a program. Nothing is said of one that isn't there or is a script: it won't start, and the
    /// kernel says why.
    fn program(&self, path: &Path) -> io::Result<()> {
        let Some(file) = open_if_there(path, OFlag::O_RDONLY)?.map(File::from) else {
            return Ok(());
        };
        let mut head = [0; elf::HEAD];
        match elf::loader(read(&file, &mut head)?) {
            Loader::Unknown => return Ok(()),
            Loader::Own => {}
            Loader::Named(loader) => {
                self.allow(loader, EXECUTE)?;
                for directory in LIBRARIES {
                    self.allow(directory, READ)?;
                }
                self.allow("/etc/ld.so.cache", landlock::READ_FILE)?;
            }
        }
        self.add(&file, EXECUTE)
    }

    fn device(&self, path: &str) -> io::Result<()> {
        self.allow(path, landlock::READ_FILE | landlock::WRITE_FILE | landlock::IOCTL_DEVICE)
    }

    /// Allows this for a file, or for all in a directory. There is nothing to allow where nothing is.
    fn allow(&self, path: impl AsRef<Path>, access: u64) -> io::Result<()> {
        match open_if_there(path.as_ref(), OFlag::O_PATH)? {
            Some(file) => self.add(&file, access),
            None => Ok(()),
        }
    }

    fn add(&self, file: impl AsFd, access: u64) -> io::Result<()> {
        sys::landlock_allow(self.set.as_fd(), file.as_fd(), access & self.handled)
    }
}

fn open_if_there(path: &Path, how: OFlag) -> io::Result<Option<OwnedFd>> {
    loop {
        return match open(path, how | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(file) => Ok(Some(file)),
            Err(nix::Error::EINTR) => continue,
            Err(nix::Error::ENOENT | nix::Error::ENOTDIR | nix::Error::EACCES) => Ok(None),
            Err(error) => Err(error.into()),
        };
    }
}

const READ: u64 = landlock::READ_FILE | landlock::READ_DIR;
const EXECUTE: u64 = landlock::EXECUTE | landlock::READ_FILE;

/// Where libraries are: as ld.so searches (ld.so(8)), and where Nix and Guix have all of theirs.
const LIBRARIES: [&str; 7] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store"];
