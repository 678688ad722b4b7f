//! How many requests there are at once (`session.count`): each holds a place, which is a lock on a byte of the policy's
//! file, for as long as its process lives. Nothing has to be made, and nothing is left behind, however a session ends.
//!
//! A place is a lock for reading, since the account can't open the file for more. Those exclude nobody, so to look for
//! a free place and to take it is one step for whoever is alone at the door: a byte behind all places, locked in the
//! same way, and then looked at. Of two who come at once both see each other, and step back for a moment. flock(2)
//! would keep others out, but counts as writing for AppArmor.
#![forbid(unsafe_code)]

use std::fs::File;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use super::RunError;
use super::confine::system;

/// A place among those that there are at once.
#[derive(Debug)]
pub struct Seat {
    /// The lock is that of what was opened here, and nobody inherits it.
    _file: File,
}

/// How long others may be at the door. Somebody who may read the file could stand there for ever.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(8);

impl Seat {
    /// One of `count` places from `first` on; none where all are taken.
    pub fn take(file: File, first: u32, count: u32) -> Result<Option<Self>, RunError> {
        come_in(&file)?;
        let first = i64::from(first) << 32;
        for place in (first..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
            if is_free(&file, place)? {
                set(&file, libc::F_RDLCK, place)?;
                set(&file, libc::F_UNLCK, DOOR)?;
                return Ok(Some(Self { _file: file }));
            }
        }
        Ok(None)
    }
}

const LOOK: &str = "take a place in the policy's file (session.count)";

/// Behind the last place, of which there are fewer than 2^32 for each client.
const DOOR: i64 = i64::MAX;

/// What the kernel says of a byte that nobody else has.
const KIND_FREE: i16 = libc::F_UNLCK as i16;

/// Until the door's lock, or the file, is let go, nobody else comes in: who locks it later sees ours.
fn come_in(file: &File) -> Result<(), RunError> {
    let begun = Instant::now();
    loop {
        set(file, libc::F_RDLCK, DOOR)?;
        if is_free(file, DOOR)? {
            return Ok(());
        }
        set(file, libc::F_UNLCK, DOOR)?;
        let waited = begun.elapsed();
        if waited > PATIENCE {
            return Err(system(LOOK)(Errno::EAGAIN));
        }
        // Nobody for as long as another, or they would meet again.
        sleep(PAUSE.mul_f64(f64::from(waited.subsec_nanos().wrapping_mul(SPREAD)) / f64::from(u32::MAX)));
    }
}

/// Makes of numbers that are close to each other (2^32 by the golden ratio) some that aren't.
const SPREAD: u32 = 0x9E37_79B1;

fn is_free(file: &File, place: i64) -> Result<bool, RunError> {
    let mut other = lock(libc::F_WRLCK, place);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut other)).map_err(system(LOOK))?;
    Ok(other.l_type == KIND_FREE)
}

fn set(file: &File, kind: libc::c_int, place: i64) -> Result<(), RunError> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock(kind, place))).map_err(system(LOOK)).map(drop)
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

    #[test]
    fn of_many_who_come_at_once_as_many_get_a_place_as_there_are() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for _ in 0..50 {
            let come = || {
                let file = File::from(nix::fcntl::open(file.path(), READS, nix::sys::stat::Mode::empty()).unwrap());
                Seat::take(file, 0, 3).unwrap()
            };
            let seats: Vec<_> = std::thread::scope(|scope| {
                let who: Vec<_> = (0..8).map(|_| scope.spawn(come)).collect();
                who.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(seats.iter().flatten().count(), 3);
        }
    }

    const READS: nix::fcntl::OFlag = nix::fcntl::OFlag::O_RDONLY;
}
