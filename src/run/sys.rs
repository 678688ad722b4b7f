//! All unsafe code of the project: four things for which neither std nor nix has a safe form.
#![expect(unsafe_code, reason = "close_range(2), descriptors known by number alone, sigaction(2) and nice(2)")]

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::write;

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

/// As nice(1) without a number.
const NICE: libc::c_int = 10;

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
