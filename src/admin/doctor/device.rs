//! /dev/zfs, by which zfs asks the module for everything. Who may do what the module decides (zfs-allow(8)); who may ask at
//! all, the mode of this file.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{User, getgrouplist};

use super::{Finding, State};

const DEVICE: &str = "device";

/// What there is to say of the device, for an account or for none.
pub(super) fn of(device: &Path, account: Option<&User>) -> Finding {
    let there =
        fs::metadata(device).ok().map(|there| There { mode: there.mode(), user: there.uid(), group: there.gid() });
    judged(device, there, account.map(Asking::of).as_ref())
}

/// Whose it is, and for whom.
struct There {
    mode: u32,
    user: u32,
    group: u32,
}

/// Who is to open it.
struct Asking {
    name: String,
    user: u32,
    groups: Vec<u32>,
}

impl Asking {
    fn of(account: &User) -> Self {
        let name = CString::new(account.name.as_str()).unwrap_or_default();
        let groups = getgrouplist(&name, account.gid).unwrap_or_default();
        Self {
            name: account.name.clone(),
            user: account.uid.as_raw(),
            groups: groups.iter().map(|group| group.as_raw()).collect(),
        }
    }

    fn may_open(&self, there: &There) -> bool {
        let bits = if self.user == there.user {
            there.mode >> 6
        } else if self.groups.contains(&there.group) {
            there.mode >> 3
        } else {
            there.mode
        };
        self.user == 0 || bits & BOTH == BOTH
    }
}

/// Reading and writing.
const BOTH: u32 = 0o6;

fn judged(device: &Path, there: Option<There>, account: Option<&Asking>) -> Finding {
    let device = device.display();
    let Some(there) = there else {
        return Finding::new(State::Missing, DEVICE, format!("no {device}: modprobe zfs"));
    };
    let mode = format!("{device}, mode {:04o}", there.mode & 0o7777);
    let remedy = "0666 is OpenZFS's own, since the module decides who may do what: chmod 0666, and a rule for udev";
    match account {
        Some(account) if !account.may_open(&there) => {
            let how = format!("{mode}: {} can't open it, so that zfs does nothing for it: {remedy}", account.name);
            Finding::new(State::Missing, DEVICE, how)
        }
        None if there.mode & 0o666 != 0o666 => {
            let how = format!("{mode}: not for every account, and zfs does nothing for the others: {remedy}");
            Finding::new(State::Absent, DEVICE, how)
        }
        _ => Finding::new(State::Ok, DEVICE, mode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(mode: u32, account: Option<&Asking>) -> (State, String) {
        let there = There { mode: 0o020_000 | mode, user: 0, group: 6 };
        let found = judged(Path::new("/dev/zfs"), Some(there), account);
        (found.state, found.how)
    }

    #[test]
    fn a_device_that_is_not_there_or_not_for_the_account_is_found_with_what_to_do() {
        let none = judged(Path::new("/dev/zfs"), None, None);
        assert_eq!(none, Finding::new(State::Missing, "device", "no /dev/zfs: modprobe zfs"));
        let account = |user, groups: &[u32]| Asking { name: "pull".to_owned(), user, groups: groups.to_vec() };
        assert_eq!(told(0o666, Some(&account(1000, &[]))), (State::Ok, "/dev/zfs, mode 0666".to_owned()));
        let (state, how) = told(0o660, Some(&account(1000, &[7])));
        assert!(state == State::Missing && how.starts_with("/dev/zfs, mode 0660: pull can't open it"), "{how}");
        assert_eq!(told(0o660, Some(&account(1000, &[7, 6]))).0, State::Ok, "it is in the group");
        assert_eq!(
            told(0o606, Some(&account(1000, &[6]))).0,
            State::Missing,
            "the group's bits are the ones that count"
        );
        assert_eq!(told(0o644, Some(&account(1000, &[]))).0, State::Missing, "zfs opens it for writing too");
        assert_eq!(told(0o600, Some(&account(0, &[]))).0, State::Ok);
        assert_eq!((told(0o666, None).0, told(0o600, None).0), (State::Ok, State::Absent));
    }
}
