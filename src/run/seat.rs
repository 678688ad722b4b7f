//! How many requests there are at once (`session.count`): each holds a place, which is a lock on a byte of the policy's
//! file, for as long as its process lives. Nothing has to be made, and nothing is left behind, however a session ends.
//!
//! A place is a lock for reading, since the account can't open the file for more; those exclude nobody, so to look for a
//! free place and to take it is one step under the lock of the whole file (flock(2)), which is another kind.
#![forbid(unsafe_code)]

use std::fs::File;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};

use super::RunError;
use super::confine::system;

/// A place among those that there are at once.
#[derive(Debug)]
pub struct Seat {
    /// The lock is that of what was opened here, and nobody inherits it.
    _file: File,
}

/// How long others may be at it. Somebody who may read the file could hold its lock for ever.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

impl Seat {
    /// One of `count` places from `first` on; none where all are taken.
    pub fn take(file: File, first: u32, count: u32) -> Result<Option<Self>, RunError> {
        let file = locked(file)?;
        let first = i64::from(first) << 32;
        for place in (first..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
            let mut other = lock(libc::F_WRLCK, place);
            fcntl(&*file, FcntlArg::F_OFD_GETLK(&mut other)).map_err(system(LOOK))?;
            if other.l_type == KIND_FREE {
                fcntl(&*file, FcntlArg::F_OFD_SETLK(&lock(libc::F_RDLCK, place))).map_err(system(LOOK))?;
                let file = file.unlock().map_err(|(_, error)| system(LOOK)(error))?;
                return Ok(Some(Self { _file: file }));
            }
        }
        Ok(None)
    }
}

const LOOK: &str = "take a place in the policy's file (session.count)";

/// What the kernel says of a place that nobody has.
const KIND_FREE: i16 = libc::F_UNLCK as i16;

fn locked(mut file: File) -> Result<Flock<File>, RunError> {
    let until = Instant::now() + PATIENCE;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => return Ok(locked),
            Err((file, Errno::EAGAIN | Errno::EINTR)) if Instant::now() < until => file,
            Err((_, error)) => return Err(system(LOOK)(error)),
        };
        sleep(PAUSE);
    }
}

/// Of one byte, which may lie far behind the end of the file.
fn lock(kind: libc::c_int, place: i64) -> libc::flock {
    libc::flock { l_type: kind as i16, l_whence: libc::SEEK_SET as i16, l_start: place, l_len: 1, l_pid: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_places_as_there_are_and_one_that_is_left_is_free_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // As an account opens it that may only read.
        let open = || File::from(nix::fcntl::open(file.path(), READS, nix::sys::stat::Mode::empty()).unwrap());
        let take = |first, count| Seat::take(open(), first, count).unwrap();
        let one = take(0, 2).unwrap();
        let two = take(0, 2).unwrap();
        assert!(take(0, 2).is_none());
        let third = take(0, 3).unwrap();
        let other = take(7, 1).unwrap();
        assert!(take(7, 1).is_none(), "places of another client are others");
        drop(one);
        let one = take(0, 2).unwrap();
        assert!(take(0, 2).is_none());
        drop((one, two, third, other));
        assert!(take(0, 1).is_some());
    }

    const READS: nix::fcntl::OFlag = nix::fcntl::OFlag::O_RDONLY;
}
