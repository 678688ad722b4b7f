//! All unsafe code of the project: what neither std nor nix has a safe form for.
#![expect(
    unsafe_code,
    reason = "close_range(2), descriptors known by number alone, sigaction(2), nice(2), ioprio_set(2), landlock(7), seccomp(2), \
              capabilities(7), and what is done between fork and exec"
)]

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::write;

use super::sandbox::Confinement;

/// Marks all descriptors above 2 close-on-exec (close_range(2) with CLOSE_RANGE_CLOEXEC, Linux 5.11).
pub fn close_on_exec_above_stderr() -> io::Result<()> {
    // SAFETY: the call takes three numbers, touches no memory of ours and closes nothing: it sets a flag.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if result == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        // An older kernel, or a seccomp filter around us that doesn't know the call.
        error if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL | libc::EPERM)) => mark_one_by_one(),
        error => Err(error),
    }
}

fn mark_one_by_one() -> io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let Some(descriptor) = name.to_str().and_then(|name| name.parse::<RawFd>().ok()).filter(|number| *number > 2)
        else {
            continue;
        };
        // SAFETY: the number was open a moment ago and there is one thread, so it still is; it is borrowed for this one
        // call, which sets a flag and closes nothing. If it were closed, the call would fail with EBADF.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    Ok(())
}

/// Has these signals wake whoever polls the pipe that is returned: each writes its number there. Caught signals, unlike
/// blocked or ignored ones, are back at their default in every program that is started (execve(2)).
pub fn catch(signals: &[Signal]) -> io::Result<&'static PipeReader> {
    let (reader, _) = match WAKE.get() {
        Some(pipe) => pipe,
        None => {
            let (reader, writer) = io::pipe()?;
            fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            WAKE.get_or_init(|| (reader, writer))
        }
    };
    set(signals, SigHandler::Handler(wake))?;
    Ok(reader)
}

/// Gives all signals their default meaning that an ancestor may have had ignored: that is handed on, and with SIGCHLD
/// it takes the status of every child away. Not SIGPIPE, nor SIGSEGV and SIGBUS: std has its own for those.
pub fn release_all() -> io::Result<()> {
    use Signal::{SIGBUS, SIGKILL, SIGPIPE, SIGSEGV, SIGSTOP};
    let ours = |signal: &Signal| !matches!(signal, SIGBUS | SIGKILL | SIGPIPE | SIGSEGV | SIGSTOP);
    set(&Signal::iterator().filter(ours).collect::<Vec<_>>(), SigHandler::SigDfl)
}

/// Gives these signals their default meaning again.
pub fn release(signals: &[Signal]) -> io::Result<()> {
    set(signals, SigHandler::SigDfl)
}

fn set(signals: &[Signal], handler: SigHandler) -> io::Result<()> {
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    for signal in signals {
        // SAFETY: `wake` does only what a handler may do (signal-safety(7)): it reads a cell that was filled before the
        // handler was set, calls write(2), and leaves errno as it was. It neither allocates nor panics.
        unsafe { sigaction(*signal, &action) }?;
    }
    Ok(())
}

extern "C" fn wake(signal: libc::c_int) {
    let errno = Errno::last_raw();
    if let (Some((_, writer)), Ok(number)) = (WAKE.get(), u8::try_from(signal)) {
        // A full pipe wakes as well as one byte more.
        let _ = write(writer, &[number]);
    }
    Errno::set_raw(errno);
}

/// Lets other processes go first from here on, and all that is started later (nice(2)). Whether it can doesn't matter.
pub fn step_back() {
    // SAFETY: the call takes a number and touches no memory of ours.
    unsafe { libc::nice(NICE) };
}

/// Lets other processes go first by so much, from here on, and in all that is started later (nice(2)).
pub fn be_nice(by: u32) -> io::Result<()> {
    Errno::clear();
    let by = libc::c_int::try_from(by).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the call takes a number and touches no memory of ours.
    // -1 is a priority too.
    match unsafe { libc::nice(by) } {
        -1 if Errno::last() != Errno::UnknownErrno => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Has this process, and all that it starts, wait for disks like this (ioprio_set(2)).
pub fn set_io_priority(priority: u16) -> io::Result<()> {
    // SAFETY: three numbers: which kind of number comes next, this process, and the priority.
    done(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, libc::c_int::from(priority)) }).map(drop)
}

/// linux/ioprio.h
const IOPRIO_WHO_PROCESS: libc::c_int = 1;

/// As nice(1) without a number.
const NICE: libc::c_int = 10;

/// Has the program begin with this confinement, whether it is started or takes the gate's place.
pub fn confine(command: &mut Command, mut confinement: Confinement) {
    // SAFETY: between fork and exec the hook may do what a signal handler may (signal-safety(7)), since other threads can
    // have been in the middle of anything. `enter` is made of system calls on what was laid out before: it neither
    // allocates nor takes a lock, and errors are numbers. The gate has no second thread anyway.
    unsafe { command.pre_exec(move || confinement.enter()) };
}

/// What Landlock can forbid (linux/landlock.h). Of a directory it holds for all that is in it.
pub mod landlock {
    pub const EXECUTE: u64 = 1;
    pub const WRITE_FILE: u64 = 1 << 1;
    pub const READ_FILE: u64 = 1 << 2;
    pub const READ_DIR: u64 = 1 << 3;
    pub const IOCTL_DEVICE: u64 = 1 << 15;

    /// All of it that a version knows: also to make, remove and link what is in a directory, and to truncate a file.
    pub const fn handled(version: u32) -> u64 {
        (1 << match version {
            0 | 1 => 13,
            2 => 14,
            3 | 4 => 15,
            _ => 16,
        }) - 1
    }
}

/// The version of Landlock that the kernel has; none where it isn't built in, isn't switched on, or is kept from us.
pub fn landlock_version() -> Option<u32> {
    // SAFETY: with this flag the kernel answers with a number, and takes no attributes.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, LANDLOCK_VERSION) };
    u32::try_from(version).ok().filter(|version| *version > 0)
}

/// A set of rules that forbids these, but for what is allowed yet (landlock_create_ruleset(2)).
pub fn landlock_ruleset(handled: u64) -> io::Result<OwnedFd> {
    // SAFETY: struct landlock_ruleset_attr was this one field at first, and the kernel is told its length.
    let set = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled, size_of_val(&handled), 0) };
    let set = RawFd::try_from(done(set)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor, close-on-exec, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(set) })
}

/// Allows this of a file, or of all in a directory (landlock_add_rule(2)).
pub fn landlock_allow(set: BorrowedFd, beneath: BorrowedFd, access: u64) -> io::Result<()> {
    #[repr(C, packed)]
    struct PathBeneath {
        allowed_access: u64,
        parent_fd: i32,
    }
    let rule = PathBeneath { allowed_access: access, parent_fd: beneath.as_raw_fd() };
    // SAFETY: the structure is that of landlock(7), without padding, and is read during the call alone.
    let added = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, set.as_raw_fd(), LANDLOCK_PATH_BENEATH, &raw const rule, 0)
    };
    done(added).map(drop)
}

/// Puts rules into force, for this thread and all that it starts, for good (landlock_restrict_self(2)).
pub fn landlock_restrict(set: BorrowedFd) -> io::Result<()> {
    // SAFETY: two numbers; the worst that follows is an error in opening files.
    done(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, set.as_raw_fd(), 0) }).map(drop)
}

/// Whether the kernel has seccomp filters (seccomp(2), Linux 4.14), and they aren't kept from us.
pub fn has_seccomp() -> bool {
    let action = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the kernel reads one word, and answers with a number.
    unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) == 0 }
}

/// Puts a filter of system calls into force, for this thread and all that it starts, for good.
pub fn seccomp(filter: &[libc::sock_filter]) -> io::Result<()> {
    let length = libc::c_ushort::try_from(filter.len()).map_err(|_| Errno::E2BIG)?;
    let program = libc::sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the filter during the call and writes nothing; length and pointer are those of a slice.
    let set = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    done(set).map(drop)
}

/// Lays down all capabilities (capset(2)).
pub fn drop_capabilities() -> io::Result<()> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION, process: 0 };
    let sets = [CapabilitySets::default(); 2];
    // SAFETY: the two structures are those of capset(2), and are read during the call alone.
    done(unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) }).map(drop)
}

/// As capset(2) wants it.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    process: libc::c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapabilitySets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn done(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// linux/capability.h
const CAPABILITY_VERSION: u32 = 0x2008_0522;
/// linux/landlock.h
const LANDLOCK_VERSION: libc::c_uint = 1;
const LANDLOCK_PATH_BENEATH: libc::c_int = 1;

static WAKE: OnceLock<(PipeReader, PipeWriter)> = OnceLock::new();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_close_range_descriptors_are_marked_one_by_one() {
        let file = std::fs::File::from(std::os::fd::OwnedFd::from(std::io::pipe().unwrap().0));
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        mark_one_by_one().unwrap();
        assert_eq!(fcntl(&file, FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    }
}
