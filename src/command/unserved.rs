//! Programs that clients ask for and nobody is served, with what to do instead.
#![forbid(unsafe_code)]

use std::fmt;

/// Why a program isn't served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// It is the client's own at this end, and does there what it likes.
    Client,
    /// It would listen or connect beside ssh.
    Direct,
    /// It reads or writes files of the host.
    Files,
    /// It makes another text or stream of one than the filters do.
    Filter,
    /// It would go on from here to another host.
    Remote,
    /// It would interpret what it is sent.
    Shell,
}

impl Unserved {
    /// That of a program.
    pub(super) fn of(program: &str) -> Option<Self> {
        Some(match program {
            "borg" | "midclt" | "pct" | "pvesm" | "qm" | "zflock" | "zrep" => Self::Client,
            "busybox" | "nc" | "ncat" | "netcat" | "python" | "python3" | "socat" => Self::Direct,
            "cat" | "cp" | "mkdir" | "mv" | "rm" | "rsync" | "scp" | "sftp-server" => Self::Files,
            "awk" | "cut" | "grep" | "lzip" | "plzip" | "pzstd" | "sed" | "sort" => Self::Filter,
            "ssh" => Self::Remote,
            "bash" | "csh" | "dash" | "fish" | "ksh" | "sh" | "zsh" => Self::Shell,
            _ => return None,
        })
    }
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "a client's own program at this end needs a key of its own",
            Self::Direct => "streams go through ssh alone: leave out what asks for a connection beside it",
            Self::Files => "files are not served: replicate the dataset, or use a key of its own",
            Self::Filter => "the filters are lz4, lzop, zstd, gzip, pigz, xz, bzip2, mbuffer and pv",
            Self::Remote => "no other host is reached from here: have the client relay the stream",
            Self::Shell => "no shell is served: send one command at a time, or sh -c with the whole of it",
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::command::read;
    use crate::syntax;

    fn said(line: &str) -> String {
        let script = syntax::parse(line.as_bytes()).unwrap().unwrap();
        script.leaves().find_map(|leaf| read(leaf).err()).expect(line).to_string()
    }

    #[test]
    fn what_can_be_done_instead_is_said_in_one_line() {
        for (line, reason) in [
            ("busybox nc -l 192.0.2.10:8080 -w 60 | mbuffer", "not served at byte 0; streams go through ssh alone: "),
            ("mbuffer -W 60 -I 0.0.0.0:8080 -q", "not served at byte 14; streams go through ssh alone: "),
            ("mbuffer -O 192.0.2.1:1", "not served at byte 8; streams go through ssh alone: "),
            ("sudo python3 -u /tmp/x", "not served at byte 5; streams go through ssh alone: "),
            ("zfs send a@b | ssh c zfs recv d", "not served at byte 15; no other host is reached from here: "),
            ("sh", "not served at byte 0; no shell is served: "),
            ("/bin/rm /tmp/x", "not served at byte 0; files are not served: "),
            ("rsync --server . /", "not served at byte 0; files are not served: "),
            ("zrep expire -L tank/data", "not served at byte 0; a client's own program "),
            ("env - grep a", "not served at byte 6; the filters are "),
            ("/tmp/sh", "unknown program at byte 0"),
            ("id", "unknown program at byte 0"),
        ] {
            assert!(said(line).starts_with(reason), "{line}: {}", said(line));
        }
    }
}
