//! The kernel's wall behind the gate: a user namespace that datasets are attached to (zfs-zone(8)). Who is in it sees and
//! changes these and what is below them, and no other, whatever asks zfs there.
#![forbid(unsafe_code)]

use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, setns};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;

use super::{RunError, sys};

/// Where whoever attaches the datasets leaves the namespace of a policy, bound to a file.
pub fn file(policy: &str) -> PathBuf {
    Path::new("/run/zfs-shell").join(format!("{policy}.userns"))
}

/// Goes in for good, before anything is asked or started. Nothing of the rights that its owner has in there is kept:
/// with them the account could read and set whatever is in it.
pub fn enter(policy: &str) -> Result<(), RunError> {
    let file = file(policy);
    join(&file).map_err(|error| RunError::Zone { file, error })
}

fn join(file: &Path) -> io::Result<()> {
    let namespace = open(file, OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())?;
    setns(namespace, CloneFlags::CLONE_NEWUSER)?;
    sys::drop_capabilities()?;
    if geteuid().is_root() { Err(io::Error::other("it makes the account root in there")) } else { Ok(()) }
}
