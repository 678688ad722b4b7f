//! A root directory of its own for the real gate: policies, accounts, a log socket, stubs in place of zfs and filters;
//! everything else is the host's. Seen in a mount namespace alone, so nothing outside is touched. Wants root, or a
//! kernel that lets ordinary users have user namespaces.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test starts the gate")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub struct Sandbox(TempDir);

impl Sandbox {
    /// With a policy `nas`, and `{stubs}` in it the directory of the stubs.
    pub fn new(policy: &str) -> Self {
        let sandbox = Self(tempfile::tempdir().unwrap());
        for directory in ["", "etc", "etc/zfs-shell", "dev", "proc", "run", "run/sshd", "stub", "tmp", "usr"] {
            fs::create_dir_all(sandbox.path(directory)).unwrap();
            fs::set_permissions(sandbox.path(directory), Permissions::from_mode(0o755)).unwrap();
        }
        fs::set_permissions(sandbox.path("tmp"), Permissions::from_mode(0o1777)).unwrap();
        sandbox.write("etc/passwd", PASSWD);
        sandbox.write("etc/group", "root:x:0:\nnas:x:1000:\nnogroup:x:65534:\n");
        sandbox.policy("nas", policy);
        sandbox.program("zfs", ZFS);
        sandbox.intruder("mbuffer");
        sandbox
    }

    /// `intruder.c` in place of a program.
    pub fn intruder(&self, name: &str) {
        self.compiled(name, "tests/sandbox/intruder.c", "");
    }

    /// A program in C in place of another: what is confined can't be a script, which would need its shell.
    pub fn compiled(&self, name: &str, source: &str, option: &str) {
        MADE.with(|made| {
            let made = made.path().join(format!("{source}{option}").replace('/', "-"));
            if !made.exists() {
                compile(&made, source, option);
            }
            let stub = self.path(&format!("stub/{name}"));
            let _ = fs::remove_file(&stub);
            // A link, since it is the same for many sandboxes.
            fs::hard_link(made, stub).unwrap();
        });
    }

    /// A stub in place of a program.
    pub fn program(&self, name: &str, text: &str) {
        let _ = fs::remove_file(self.path(&format!("stub/{name}")));
        self.write(&format!("stub/{name}"), text);
        fs::set_permissions(self.path(&format!("stub/{name}")), Permissions::from_mode(0o755)).unwrap();
    }

    /// A path inside, as seen from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    pub fn write(&self, inside: &str, text: &str) {
        fs::write(self.path(inside), text).unwrap();
        fs::set_permissions(self.path(inside), Permissions::from_mode(0o644)).unwrap();
    }

    pub fn policy(&self, name: &str, text: &str) {
        self.write(&format!("etc/zfs-shell/{name}.toml"), text);
    }

    /// What was written inside; nothing if there is no such file.
    pub fn read(&self, inside: &str) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_default()
    }

    /// The socket of a syslog daemon.
    pub fn log(&self) -> UnixDatagram {
        let log = UnixDatagram::bind(self.path("dev/log")).unwrap();
        fs::set_permissions(self.path("dev/log"), Permissions::from_mode(0o666)).unwrap();
        log.set_nonblocking(true).unwrap();
        log
    }

    /// A command inside, after shell commands that prepare its process; the process is that of the command.
    pub fn command(&self, prepare: &str, words: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.arg(if nix::unistd::geteuid().is_root() { "-m" } else { "-rm" });
        command.args(["sh", "-c", &format!("{ENTER}\n{prepare}\nexec \"$@\""), "sh"]).arg(self.0.path());
        command.arg(env!("CARGO_BIN_EXE_zfs-shell")).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }
}

thread_local! {
    /// What was compiled, until the test ends.
    static MADE: TempDir = tempfile::tempdir().unwrap();
}

fn compile(to: &Path, source: &str, option: &str) {
    let mut command = Command::new("cc");
    command.args(["-O1", "-pthread", "-o"]).arg(to).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(source));
    // Rust itself wants cc to link.
    assert!(command.args(Some(option).filter(|option| !option.is_empty())).status().unwrap().success());
}

/// Takes the root and the gate off its arguments. Directories that are links into /usr stay links.
const ENTER: &str = r#"set -e
root=$1 gate=$2
shift 2
mount --make-rprivate /
mount --rbind /usr "$root/usr"
mount --rbind /proc "$root/proc"
for name in bin sbin lib lib32 lib64 libx32; do
    if [ -L /$name ]; then ln -sfn "$(readlink /$name)" "$root/$name"
    elif [ -d /$name ]; then mkdir -p "$root/$name"; mount --rbind /$name "$root/$name"; fi
done
mkdir -p "$root/dev/pts"
mount --rbind /dev/pts "$root/dev/pts"
ln -sfn pts/ptmx "$root/dev/ptmx"
for device in null zero urandom; do touch "$root/dev/$device"; mount --bind /dev/$device "$root/dev/$device"; done
touch "$root/zfs-shell"
mount --bind "$gate" "$root/zfs-shell"
set -- chroot "$root" "$@"
"#;

const PASSWD: &str = "\
root:x:0:0:root:/:/bin/sh
nas:x:1000:1000:forced command:/:/bin/sh
keys:x:1001:65534:the account that tells sshd of keys:/:/usr/sbin/nologin
shell:x:1000:1000:the same account with zfs-shell as its shell:/:/zfs-shell
sshd:x:65534:65534:sshd:/run/sshd:/usr/sbin/nologin
";

/// What it does depends on the last word: an answer to the gate, or a snapshot's name.
const ZFS: &str = r#"#!/bin/sh
case "$*" in
    get*encryption*) echo off ;;
    *@syncoid_exit*) exit "${1:+${*##*@syncoid_exit}}" ;;
    *@syncoid_say*) echo "out ${*##*@syncoid_}"; echo "err ${*##*@syncoid_}" >&2 ;;
    *@syncoid_term) kill -TERM $$ ;;
    *@syncoid_hand) cat /etc/orders ;;
    *@syncoid_rank) nice; ionice -p $$ ;;
    *@syncoid_data) head -c 3000000 /dev/zero ;;
    *@syncoid_endless) echo $$ >>/tmp/pids; exec cat /dev/zero ;;
    *@syncoid_stuck) echo $$ >>/tmp/pids; exec sleep 60 ;;
    *@syncoid_deaf) echo $$ >>/tmp/pids; trap '' TERM; sleep 60; sleep 60 ;;
    *@syncoid_report)
        exec >/tmp/report
        echo "argv $*"
        tr '\0' '\n' </proc/$$/environ | sed 's/^/environment /'
        ls /proc/$$/fd >/tmp/descriptors
        sed 's/^/descriptor /' /tmp/descriptors
        echo "umask $(umask)"
        echo "directory $(readlink /proc/$$/cwd)"
        echo "core $(ulimit -c) $(ulimit -H -c)"
        sed -n 's/^\(NoNewPrivs\|Sig[A-Z][a-z]*\):\t/\1 /p' /proc/self/status ;;
esac
"#;
