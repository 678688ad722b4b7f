//! A real sshd on the loopback interface in front of the real gate: the lines of the README, and what the ssh client gets.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test starts sshd and its clients"
)]

mod sandbox;
mod tables;
mod trace;

use std::ffi::OsStr;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, geteuid};

use sandbox::Sandbox;

const POLICY: &str = r#"
[[grant]]
role = "pull-source"
datasets = ["tank/data"]

[programs]
zfs = "/stub/zfs"
mbuffer = "/stub/mbuffer"
"#;

/// A client that is not to outlive its test, whose server would wait for it.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processes of which none is to outlive its test.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}

struct Server {
    sandbox: Sandbox,
    sshd: Child,
    port: u16,
}

impl Server {
    /// Accounts `nas` (shell sh) and `shell` (shell zfs-shell), both with this line in front of the client's key.
    fn start(options: &str) -> Self {
        Self::prepared("", options, POLICY)
    }

    fn prepared(prepare: &str, options: &str, policy: &str) -> Self {
        Self::configured(prepare, options, policy, "", |_| {})
    }

    /// With lines of sshd_config for some accounts alone.
    fn matching(lines: &str) -> Self {
        Self::with("", "", POLICY, ["", lines], |_| {})
    }

    /// With lines of sshd_config, of which the first counts, and what else is to be there before sshd begins.
    fn configured(prepare: &str, options: &str, policy: &str, config: &str, furnish: impl FnOnce(&Sandbox)) -> Self {
        Self::with(prepare, options, policy, [config, ""], furnish)
    }

    fn with(
        prepare: &str,
        options: &str,
        policy: &str,
        [first, last]: [&str; 2],
        furnish: impl FnOnce(&Sandbox),
    ) -> Self {
        assert!(geteuid().is_root(), "sshd changes accounts: this test wants root");
        let sandbox = Sandbox::new(policy);
        // What an account starts in place of zfs is confined, and so no script.
        sandbox.intruder("zfs");
        sandbox.policy("shell", policy);
        fs::create_dir_all(sandbox.path("etc/ssh/keys")).unwrap();
        for key in ["etc/ssh/host", "client"] {
            let path = sandbox.path(key);
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(path));
        }
        let key = fs::read_to_string(sandbox.path("client.pub")).unwrap();
        for account in ["nas", "shell"] {
            sandbox.write(&format!("etc/ssh/keys/{account}"), &format!("{options} {key}"));
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        sandbox.write("etc/ssh/sshd_config", &format!("Port {port}\n{first}{CONFIG}{last}"));
        furnish(&sandbox);
        let sshd = sandbox
            .command(prepare, &["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/sshd_config"])
            .stderr(fs::File::create(sandbox.path("sshd.log")).unwrap())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "sshd does not listen: {}", sandbox.read("sshd.log"));
            sleep(Duration::from_millis(20));
        }
        Self { sandbox, sshd, port }
    }

    fn client(&self, program: &str, account: &str) -> Command {
        self.client_at("ERROR", program, account)
    }

    fn client_at(&self, level: &str, program: &str, account: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]);
        command.args(["-o", &format!("LogLevel={level}")]);
        command.args([
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "ExitOnForwardFailure=yes",
        ]);
        command.arg("-i").arg(self.sandbox.path("client")).args(["-o", &format!("Port={}", self.port)]);
        command.args(["-o", &format!("User={account}")]).stdin(Stdio::null());
        command
    }

    /// ssh with its options, for programs that start it.
    fn shell(&self, account: &str) -> String {
        let client = self.client("ssh", account);
        let words = std::iter::once(client.get_program()).chain(client.get_args());
        words.map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    fn ssh(&self, account: &str, words: &[&str]) -> Output {
        self.client("ssh", account).arg("127.0.0.1").args(words).output().unwrap()
    }

    /// Ends it, and with it what watches it.
    fn end(&mut self) {
        if let Ok(pid) = self.sandbox.read("run/sshd.pid").trim().parse() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.sshd.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

const CONFIG: &str = "\
ListenAddress 127.0.0.1
HostKey /etc/ssh/host
PidFile /run/sshd.pid
AuthorizedKeysFile /etc/ssh/keys/%u
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
ExposeAuthInfo yes
MaxStartups 100
MaxSessions 100
X11Forwarding yes
XAuthLocation /bin/true
Subsystem sftp /usr/lib/openssh/sftp-server
";

const FORCED: &str = r#"restrict,command="/zfs-shell nas""#;

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_status_and_the_output_arrive() {
    let server = Server::start(FORCED);
    for account in ["nas", "shell"] {
        for status in [0, 3, 255] {
            let output = server.ssh(account, &[&format!("zfs snapshot tank/data@syncoid_exit{status}")]);
            assert_eq!(output.status.code(), Some(status), "{account}: {output:?} {}", server.sandbox.read("sshd.log"));
        }
        let output = server.ssh(account, &["zfs snapshot tank/data@syncoid_say"]);
        assert_eq!((&*output.stdout, &*output.stderr), (&b"out say\n"[..], &b"err say\n"[..]), "{account}");
        let output = server.ssh(account, &["zfs send tank/data@syncoid_data | mbuffer -q"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 3_000_000), "{account}");
    }
}

#[test]
fn what_does_not_run_has_its_status_and_line() {
    let server = Server::start(FORCED);
    for account in ["nas", "shell"] {
        let table: [(&[&str], i32, &str); 5] = [
            (&["zfs snapshot tank/data@mine"], 126, "zfs-shell: refused: "),
            (&["rm -rf /"], 127, "zfs-shell: unknown: "),
            (&["zfs list tank/secret"], 1, "cannot open 'tank/secret': dataset does not exist\n"),
            (&[], 126, "zfs-shell: refused: this key is for ZFS replication"),
            (&[""], 126, "zfs-shell: refused: this key is for ZFS replication"),
        ];
        for (words, status, line) in table {
            let output = server.ssh(account, words);
            assert_eq!(output.status.code(), Some(status), "{account} {words:?}: {output:?}");
            assert!(stderr(&output).starts_with(line), "{account} {words:?}: {output:?}");
        }
    }
}

/// What sshd and its clients have besides commands, by real clients: those of it that were to be had.
fn had(server: &Server, account: &str) -> Vec<&'static str> {
    let mut had = Vec::new();
    let mut note = |what, is_had: bool| had.extend(is_had.then_some(what));
    let local = server.sandbox.path("taken");
    let is_fetched = |client: &mut Command| {
        let _ = fs::remove_file(&local);
        let _ = client.output().unwrap();
        local.exists()
    };
    let remote = "127.0.0.1:/etc/passwd";
    note("sftp", is_fetched(server.client("sftp", account).arg(remote).arg(&local)));
    note("scp", is_fetched(server.client("scp", account).arg(remote).arg(&local)));
    note("scp -O", is_fetched(server.client("scp", account).args(["-O", remote]).arg(&local)));
    let shell = server.shell(account);
    note("rsync", is_fetched(Command::new("rsync").args(["-e", &shell, remote]).arg(&local)));
    let target = format!("127.0.0.1:{}", server.port);
    let tunnel =
        server.client("ssh", account).args(["-W", &target, "127.0.0.1"]).stdin(Stdio::piped()).output().unwrap();
    note("-W", tunnel.stdout.starts_with(b"SSH-"));
    // What is asked for before the command is there, or isn't, when the command runs.
    let during = |options: &[&str], look: &dyn Fn(&str) -> bool| {
        let agent = server.sandbox.path("agent");
        let mut client = server.client_at("INFO", "ssh", account);
        client.args(options).args(["127.0.0.1", "zfs snapshot tank/data@syncoid_stuck || exec sleep 60"]);
        client.env("SSH_AUTH_SOCK", agent).env("DISPLAY", ":0");
        let log = server.sandbox.path("client.log");
        let mut client = Client(client.stderr(fs::File::create(&log).unwrap()).spawn().unwrap());
        until("run or end", || {
            let is_there = !running(server, |name| ["zfs", "sleep"].contains(&name)).is_empty();
            is_there || client.0.try_wait().unwrap().is_some()
        });
        let seen = look(&fs::read_to_string(log).unwrap());
        drop(client);
        // Another shell leaves it behind.
        for process in running(server, |name| name == "sleep") {
            let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
        until("end", || running(server, |name| ["zfs", "sleep"].contains(&name)).is_empty());
        seen
    };
    let _agent = Client(
        Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(server.sandbox.path("agent"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    until("listen", || server.sandbox.path("agent").exists());
    let sockets = || {
        let names = fs::read_dir(server.sandbox.path("tmp")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("ssh-")).count() > 0
    };
    note("agent", during(&["-A"], &|_| sockets()));
    note("X11", during(&["-Y"], &|said| said.contains("X11") && !said.contains("X11 forwarding request failed")));
    note("terminal", during(&["-tt"], &|said| !said.contains("PTY allocation request failed")));
    let back = ["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"];
    note("-R", during(&back, &|said| said.contains("Allocated port")));
    fs::remove_file(server.sandbox.path("agent")).unwrap();
    had
}

#[test]
fn neither_files_nor_ports_nor_a_terminal_are_to_be_had() {
    let server = Server::start(FORCED);
    for account in ["nas", "shell"] {
        assert_eq!(had(&server, account), [""; 0], "{account}");
        assert_eq!(server.ssh(account, &["-s", "sftp"]).status.code(), Some(127), "{account}");
    }
    // As the manual has it for sshd_config, where the lines of keys say nothing.
    let forced = Server::matching(
        "Match User nas,shell\nForceCommand /zfs-shell\nDisableForwarding yes\nPermitTTY no\nPermitUserRC no\n",
    );
    for account in ["nas", "shell"] {
        assert_eq!(had(&forced, account), [""; 0], "{account} by ForceCommand");
        let output = forced.ssh(account, &["zfs snapshot tank/data@syncoid_exit3"]);
        assert_eq!(output.status.code(), Some(3), "{account}: {output:?}");
    }
    let shell = Server::matching("Match User shell\nDisableForwarding yes\nPermitTTY no\nPermitUserRC no\n");
    assert_eq!(had(&shell, "shell"), [""; 0], "as the login shell");
    // Another shell has all of it: so it can be seen.
    let all = ["sftp", "scp", "scp -O", "rsync", "-W", "agent", "X11", "terminal", "-R"];
    assert_eq!(had(&shell, "nas"), all);
}

#[test]
fn as_the_login_shell_it_goes_by_the_policy_of_the_account() {
    let server = Server::start("restrict");
    let output = server.ssh("shell", &["zfs snapshot tank/data@syncoid_exit3"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    // The client doesn't choose a policy by writing what sshd would.
    let output = server.ssh("shell", &["/zfs-shell nas"]);
    assert!(stderr(&output).starts_with("zfs-shell: refused: this key is for ZFS"), "{output:?}");
    assert_eq!(server.ssh("shell", &["-s", "sftp"]).status.code(), Some(127));
}

/// The policy below a heading of the recipes.
fn recipe(heading: &str) -> String {
    block_of_recipe(heading, "toml")
}

fn block_of_recipe(heading: &str, kind: &str) -> String {
    let recipes = include_str!("../docs/recipes.md");
    let (_, section) = recipes.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, block) = section.split_once(&format!("```{kind}\n")).unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// A directory in a sandbox that belongs to the account.
fn own_directory(server: &Server, path: &str) {
    fs::create_dir_all(server.sandbox.path(path)).unwrap();
    std::os::unix::fs::chown(server.sandbox.path(path), Some(1000), Some(1000)).unwrap();
}

#[test]
fn a_borg_repository_is_served_and_nothing_else_of_borg() {
    let server = Server::prepared("", FORCED, &format!("{}{POLICY}", recipe("A Borg repository that only grows")));
    own_directory(&server, "srv/borg");
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "contents").unwrap();
    let ssh = server.shell("nas");
    let borg = |words: &[&str]| {
        let mut command = Command::new("borg");
        command.args(words).current_dir(home.path()).env("BORG_RSH", &ssh).env("BORG_BASE_DIR", home.path());
        command.env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes");
        command.env("BORG_DELETE_I_KNOW_WHAT_I_AM_DOING", "YES").stdin(Stdio::null()).output().unwrap()
    };
    let repository = "ssh://nas@127.0.0.1/srv/borg/laptop";
    let archive = &format!("{repository}::one");
    for words in
        [&["init", "-e", "none", repository][..], &["create", archive, "file"], &["list", "--short", repository]]
    {
        let output = borg(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
    let restored = borg(&["extract", "--stdout", archive]);
    assert_eq!((restored.status.code(), &*restored.stdout), (Some(0), &b"contents"[..]), "{restored:?}");
    let deleted = borg(&["delete", repository]);
    assert!(!deleted.status.success() && stderr(&deleted).contains("append-only"), "{deleted:?}");
    let other = borg(&["init", "-e", "none", "ssh://nas@127.0.0.1/srv/borg/other"]);
    assert!(!other.status.success() && stderr(&other).contains("not allowed"), "{other:?}");
    // What is not that request is none.
    for request in ["borg list /srv/borg/laptop", "borg serve; id", "borg serve | cat", "borg serve 2>&1", "borg"] {
        let output = server.ssh("nas", &[request]);
        assert_eq!(output.status.code(), Some(127), "{request}: {output:?}");
    }
    assert_eq!(server.ssh("nas", &["zfs snapshot tank/data@syncoid_exit3"]).status.code(), Some(3));
}

#[test]
fn a_tree_is_read_by_rsync_and_not_written() {
    let server = Server::prepared("", FORCED, &format!("{}{POLICY}", recipe("A tree that may be read by rsync")));
    own_directory(&server, "srv/tree/photos");
    server.sandbox.write("srv/tree/photos/one", "picture");
    server.sandbox.write("srv/secret", "secret");
    let ssh = server.shell("nas");
    let local = tempfile::tempdir().unwrap();
    let rsync = |from: &str, to: &str| {
        Command::new("rsync").args(["-a", "-e", &ssh, from, to]).current_dir(local.path()).output().unwrap()
    };
    let output = rsync("127.0.0.1:photos/", "photos/");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(local.path().join("photos/one")).unwrap(), "picture");
    let written = rsync("photos/one", "127.0.0.1:photos/two");
    assert!(!written.status.success() && stderr(&written).contains("read-only"), "{written:?}");
    assert!(!server.sandbox.path("srv/tree/photos/two").exists());
    for outside in ["127.0.0.1:../secret", "127.0.0.1:/srv/secret", "127.0.0.1:/etc/passwd"] {
        let output = rsync(outside, "taken");
        assert!(!output.status.success() && !local.path().join("taken").exists(), "{outside}: {output:?}");
    }
}

#[test]
fn a_bare_connection_does_what_the_policy_says_and_a_word_more_is_refused() {
    // What the recipe starts takes a whole system; what is started here leaves a trace.
    let policy = recipe("A unit that a bare connection starts")
        .replace(r#""/usr/bin/sudo", "-n", "/usr/bin/systemctl""#, r#""/usr/bin/touch", "/tmp/ran", "--""#)
        .replace("\"run-borg-backup.service\"", "\"/tmp/run-borg-backup.service\"")
        .replace("\"start\", ", "");
    let server = Server::prepared("", FORCED, &format!("{policy}{POLICY}"));
    for account in ["nas", "shell"] {
        let output = server.ssh(account, &["/tmp/run-borg-backup.service"]);
        assert_eq!(output.status.code(), Some(127), "{output:?}");
        assert!(!server.sandbox.path("tmp/ran").exists());
        assert_eq!(server.ssh(account, &[]).status.code(), Some(0), "{account}");
        assert!(server.sandbox.path("tmp/run-borg-backup.service").exists());
        fs::remove_file(server.sandbox.path("tmp/ran")).unwrap();
    }
}

/// By the real sudo, with the line that the recipe has for it; systemctl itself takes a booted system.
#[test]
fn what_a_bare_connection_starts_gains_its_rights_by_sudo_and_no_others() {
    const HEADING: &str = "A unit that a bare connection starts";
    const STUB: &str = "/stub/systemctl";
    let recipes = include_str!("../docs/recipes.md");
    let (_, line) = recipes.split_once("`trigger ALL=").unwrap();
    let line = format!("nas ALL={}\n", line.split_once('`').unwrap().0).replace("/usr/bin/systemctl", STUB);
    let policy = recipe(HEADING).replace("/usr/bin/systemctl", STUB);
    let server = Server::configured("", FORCED, &format!("{policy}{POLICY}"), "", |sandbox| {
        sandbox.program("systemctl", "#!/bin/sh\necho \"$(id -u) $*\"\n");
        sandbox.write("etc/sudoers", &line);
        fs::create_dir_all(sandbox.path("etc/pam.d")).unwrap();
        sandbox.write(
            "etc/pam.d/sudo",
            "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
        );
    });
    let output = server.ssh("nas", &[]);
    assert_eq!(&*output.stdout, b"0 start run-borg-backup.service\n", "{output:?}");
    let other = policy.replace("run-borg-backup.service", "sshd.service");
    server.sandbox.policy("nas", &format!("{other}{POLICY}"));
    let output = server.ssh("nas", &[]);
    assert!(!output.status.success() && output.stdout.is_empty(), "sudo lets another unit be started: {output:?}");
}

#[test]
fn an_sshd_for_one_transfer_serves_one_connection_and_leaves_nothing() {
    const HEADING: &str = "One transfer, by a key that is worthless afterwards";
    let policy = format!("{}\n[programs]\nzfs = \"/stub/zfs\"\n", recipe(HEADING));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = block_of_recipe(HEADING, "sh");
    for written in ["/usr/bin/zfs-shell once", "Port 2222", "AllowUsers once"] {
        assert!(script.contains(written), "{written}");
    }
    let script = script
        .replace("/usr/bin/zfs-shell once", "/zfs-shell once")
        .replace("Port 2222", &format!("ListenAddress 127.0.0.1:{port}"))
        .replace("AllowUsers once", "AllowUsers nas");
    let sandbox = Sandbox::new(POLICY);
    sandbox.intruder("zfs");
    sandbox.policy("once", &policy);
    let sshd = sandbox.command("", &["sh", "-euc", &script]).process_group(0).spawn().unwrap();
    let mut server = Server { sandbox, sshd, port };
    let _group = Group(Pid::from_raw(i32::try_from(server.sshd.id()).unwrap()));
    until("listen", || server.sandbox.read("run/once/log").contains("Server listening on"));
    let key = server.sandbox.path("client");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&key));
    let request = ["zfs send -w tank/move@syncoid_say"];
    let stranger = server.ssh("nas", &request);
    assert_eq!((stranger.status.code(), &*stranger.stdout), (Some(255), &b""[..]), "{stranger:?}");

    // Into the same file, which nobody else may read; ssh would offer the public key that lies beside it.
    fs::remove_file(server.sandbox.path("client.pub")).unwrap();
    fs::write(&key, server.sandbox.read("run/once/key")).unwrap();
    let output = server.ssh("nas", &request);
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"out say\n"[..]), "{output:?}");
    until("end", || server.sshd.try_wait().unwrap().is_some());
    assert!(!server.sandbox.path("run/once").exists(), "what lets somebody in is still there");
    let again = server.ssh("nas", &request);
    assert_eq!(again.status.code(), Some(255), "served twice: {again:?}");
    until("end", || sessions(&server).is_empty());
}

#[test]
fn the_record_has_the_address_and_the_key() {
    let server = Server::start(FORCED);
    let log = server.sandbox.log();
    server.ssh("nas", &["zfs snapshot tank/data@syncoid_a"]);
    let print = Command::new("ssh-keygen").arg("-lf").arg(server.sandbox.path("client.pub")).output().unwrap();
    let print = String::from_utf8(print.stdout).unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut buffer = [0; 4096];
    let length = log.recv(&mut buffer).unwrap();
    let record = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(record.contains(&format!(" policy=nas client=127.0.0.1 key={print} decision=allowed ")), "{record}");
}

#[test]
fn a_client_that_goes_leaves_nothing_behind() {
    let server = Server::start(FORCED);
    for account in ["nas", "shell"] {
        let mut client = server.client("ssh", account);
        client.args(["127.0.0.1", "zfs send tank/data@syncoid_stuck | mbuffer -q"]).stdout(Stdio::piped());
        let mut client = client.spawn().unwrap();
        until("start", || stages(&server).len() == 2);
        client.kill().unwrap();
        client.wait().unwrap();
        until("end", || stages(&server).is_empty());
    }
}

/// What runs behind this server, by their process ids: those with such a name.
fn running(server: &Server, is: impl Fn(&str) -> bool) -> Vec<i32> {
    let inside = server.sandbox.path("").canonicalize().unwrap();
    let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_it = |id: &i32| {
        let process = Path::new("/proc").join(id.to_string());
        let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
        let root = fs::read_link(process.join("root"));
        is(name.trim_end()) && root.is_ok_and(|root| root == inside)
    };
    ids.filter(is_it).collect()
}

/// The programs of its requests.
fn stages(server: &Server) -> Vec<i32> {
    running(server, |name| ["zfs", "mbuffer"].contains(&name))
}

/// Sessions of sshd: all of it but the one that listens.
fn sessions(server: &Server) -> Vec<i32> {
    let listener = i32::try_from(server.sshd.id()).unwrap();
    running(server, |name| name.starts_with("sshd")).into_iter().filter(|id| *id != listener).collect()
}

#[test]
fn an_sshd_that_is_killed_leaves_nothing_behind() {
    let server = Server::start(FORCED);
    for stage in ["stuck", "endless"] {
        let log = server.sandbox.log();
        let records = || {
            let mut buffer = [0; 4096];
            let next = || log.recv(&mut buffer).map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned());
            std::iter::repeat_with(next).map_while(Result::ok).collect::<Vec<_>>()
        };
        let report = "zfs snapshot tank/data@syncoid_report";
        assert!(server.ssh("nas", &[report]).status.success());
        assert!(records().iter().any(|record| record == "zfs ran"), "what goes on is not to be seen");
        let mut client = server.client("ssh", "nas");
        client.args(["127.0.0.1", &format!("zfs send tank/data@syncoid_{stage} | mbuffer -q; {report}")]);
        let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        until("start", || stages(&server).len() == 2);
        let sessions = sessions(&server);
        assert!(!sessions.is_empty(), "{}", server.sandbox.read("sshd.log"));
        for session in sessions {
            let _ = kill(Pid::from_raw(session), Signal::SIGKILL);
        }
        until("end", || stages(&server).is_empty());
        assert!(!client.wait().unwrap().success());
        let mut seen = Vec::new();
        until("be recorded", || {
            seen.extend(records());
            seen.iter().any(|record| record.contains(" ended=client-gone "))
        });
        assert!(!seen.iter().any(|record| record == "zfs ran"), "went on without sshd: {seen:?}");
        drop(log);
        fs::remove_file(server.sandbox.path("dev/log")).unwrap();
    }
}

#[test]
fn two_hundred_sessions_at_once_each_get_their_own() {
    let server = Server::start(FORCED);
    let control = |number: usize| server.sandbox.path(&format!("mux{number}"));
    let mut masters: Vec<Child> = (0..2)
        .map(|number| {
            let mut master = server.client("ssh", "nas");
            master.arg("-S").arg(control(number)).args(["-M", "-N", "127.0.0.1"]).spawn().unwrap()
        })
        .collect();
    until("listen", || (0..2).all(|number| control(number).exists()));
    let clients: Vec<Child> = (0..200)
        .map(|number| {
            let mut client = server.client("ssh", "nas");
            client.arg("-S").arg(control(number % 2)).arg("127.0.0.1");
            let request = format!("zfs send tank/data@syncoid_say{number} | mbuffer -q");
            client.arg(request).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for (number, client) in clients.into_iter().enumerate() {
        let output = client.wait_with_output().unwrap();
        let (stdout, stderr) = (format!("out say{number}\n"), format!("err say{number}\n"));
        assert_eq!((output.status.code(), &*output.stdout), (Some(0), stdout.as_bytes()), "{output:?}");
        assert_eq!(output.stderr, stderr.as_bytes());
    }
    for master in &mut masters {
        master.kill().unwrap();
        master.wait().unwrap();
    }
    until("end", || sessions(&server).is_empty());
    assert!(stages(&server).is_empty(), "something is left");
}

/// Every third row of the table of attacks, over one connection, as a session of its own each; all that sshd starts is
/// watched. What a gate asks zfs first, `tests/attacks_run.rs` has.
#[test]
fn of_five_hundred_attacks_none_starts_anything_behind_sshd() {
    let policy = format!("{}\n[programs]\nzfs = \"/stub/zfs\"\n", include_str!("attacks/policy.toml"));
    let mut server = Server::prepared(trace::WATCH, FORCED, &policy);
    server.sandbox.compiled("zfs", "tests/attacks/zfs.c", "");
    let log = server.sandbox.log();
    let socket = server.sandbox.path("master");
    let path = format!("ControlPath={}", socket.display());
    let mut master = server.client("ssh", "nas");
    let master = master.args(["-o", "ControlMaster=yes", "-o", &path, "-N", "127.0.0.1"]).spawn().map(Client).unwrap();
    until("connect", || socket.exists());
    let control = ("zfs snapshot tank/data@syncoid_a".as_bytes().to_vec(), "allowed".to_owned(), "control".to_owned());
    let rows = tables::rows("must-refuse.tsv").into_iter();
    let rows = rows.filter(|row| !row.line.contains(&0) && !row.fourth.contains("library only"));
    let rows = rows.step_by(3).map(|row| (row.line, row.third, row.id));
    let rows: Vec<_> = rows.chain(std::iter::once(control)).collect();
    assert!(rows.len() > 500, "{}", rows.len());
    let mut buffer = vec![0; 70_000];
    for (line, expected, id) in &rows {
        let mut client = server.client("ssh", "nas");
        let client = client.args(["-o", &path, "--", "127.0.0.1"]).arg(OsStr::from_bytes(line));
        let output = client.output().unwrap();
        let length = log.recv(&mut buffer).unwrap_or_else(|error| panic!("{id}: {error} {output:?}"));
        let record = String::from_utf8_lossy(&buffer[..length]);
        let decided = |word: &str| record.contains(&format!(" decision={word} "));
        assert!(expected.split('|').any(decided), "{id} {expected}: {record}");
        if expected == "unknown" {
            assert_eq!(output.status.code(), Some(127), "{id}: {output:?}");
        }
    }
    drop(master);
    server.end();
    let gates = trace::gates(&server.sandbox.path("tmp/trace"));
    assert_eq!(gates.len(), rows.len());
    for ((_, _, id), calls) in rows.iter().zip(&gates) {
        let started = calls.iter().any(|call| !call.asks());
        assert_eq!(started, id == "control", "{id}: {calls:?}");
    }
}

/// The policies are the one place where keys live: no line is written into any file of sshd's.
#[cfg(feature = "admin")]
#[test]
fn sshd_gets_the_keys_from_the_policies() {
    let config = "AuthorizedKeysFile none\nAuthorizedKeysCommandUser keys\nAuthorizedKeysCommand /zfs-shell-policy keys \
                  --program /zfs-shell --type %t --key %k %u\n";
    let server = Server::configured("", FORCED, POLICY, config, |sandbox| {
        fs::copy(env!("CARGO_BIN_EXE_zfs-shell-policy"), sandbox.path("zfs-shell-policy")).unwrap();
    });
    let key = server.sandbox.read("client.pub");
    let policy = |lines: &str| format!("{POLICY}\n[key]\npublic = [{:?}]\n{lines}\n", key.trim());
    let request = ["zfs snapshot tank/data@syncoid_exit3"];
    let status = |account: &str| server.ssh(account, &request).status.code();
    let denied = Some(255);

    assert_eq!(status("nas"), denied, "no policy has the key");
    server.sandbox.policy("nas", &policy(""));
    assert_eq!(status("nas"), Some(3), "{}", server.sandbox.read("sshd.log"));
    assert_eq!(status("shell"), denied, "the key is for another account");
    let output = server.ssh("nas", &["rm -rf /"]);
    assert_eq!(output.status.code(), Some(127), "{output:?}");
    let target = format!("127.0.0.1:{}", server.port);
    let tunnel = server.client("ssh", "nas").args(["-W", &target, "127.0.0.1"]).output().unwrap();
    assert!(!tunnel.status.success() && !tunnel.stdout.starts_with(b"SSH-"), "not restricted: {tunnel:?}");

    for (lines, expected, why) in [
        ("from = ['127.0.0.0/8', '::1']", Some(3), "from here"),
        ("from = ['192.0.2.0/24']", denied, "from elsewhere alone"),
        ("from = ['*', '!127.0.0.1']", denied, "from anywhere but here"),
        ("expires = 2199-01-01", Some(3), "not expired"),
        ("expires = 2199-01-01T12:30:15Z", Some(3), "not expired"),
        ("expires = 2020-01-01", denied, "expired"),
        ("expires = 2020-01-01T12:30:00Z", denied, "expired"),
        ("account = 'shell'", denied, "for another account"),
        ("form = []", denied, "an error"),
    ] {
        server.sandbox.policy("nas", &policy(lines));
        assert_eq!(status("nas"), expected, "{why}: {}", server.sandbox.read("sshd.log"));
    }
    // The error of one policy, which is still there, is none of another's; the login shell reads the forced command.
    server.sandbox.policy("other", &policy("account = 'shell'"));
    assert_eq!(status("shell"), Some(3), "{}", server.sandbox.read("sshd.log"));
    let theirs = server.sandbox.path("etc/zfs-shell/other.toml");
    std::os::unix::fs::chown(&theirs, Some(1001), None).unwrap();
    assert_eq!(status("shell"), denied, "another account than root could say which keys are taken");
}

/// What `authorize` prints for an authority is a command that makes a certificate, and the certificate is bound.
#[cfg(feature = "admin")]
#[test]
fn a_certificate_is_bound_to_its_policy() {
    let server =
        Server::configured("", "", POLICY, "AuthorizedKeysFile none\nTrustedUserCAKeys /etc/ssh/ca.pub\n", |sandbox| {
            let authority = sandbox.path("etc/ssh/ca");
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(authority));
        });
    let status = |account: &str, request: &str| server.ssh(account, &[request]).status.code();
    let request = "zfs snapshot tank/data@syncoid_exit3";
    assert_eq!(status("nas", request), Some(255), "nobody has signed the key");
    for (lines, expected) in [
        ("", Some(3)),
        ("from = ['127.0.0.0/8', '::1']\nexpires = 2199-01-01T00:00:00Z", Some(3)),
        ("from = ['192.0.2.0/24']", Some(255)),
        ("expires = 2020-01-01", Some(255)),
    ] {
        let policy = server.sandbox.path("nas.toml");
        fs::write(&policy, format!("{POLICY}\n[key]\n{lines}\n")).unwrap();
        let mut tool = Command::new(env!("CARGO_BIN_EXE_zfs-shell-policy"));
        tool.args(["authorize", "--program", "/zfs-shell", "--certificate"]).arg(server.sandbox.path("etc/ssh/ca"));
        let printed = tool.arg("--key").arg(server.sandbox.path("client.pub")).arg(&policy).output().unwrap();
        run(Command::new("sh").arg("-ec").arg(String::from_utf8(printed.stdout).unwrap()));
        assert_eq!(status("nas", request), expected, "{lines}: {}", server.sandbox.read("sshd.log"));
        assert_eq!(status("shell", request), Some(255), "{lines}: it is for one account");
    }
}

#[test]
fn what_an_account_starts_is_confined() {
    let server = Server::start(FORCED);
    let missing = zfs_shell::run::missing();
    if !missing.is_empty() {
        return eprintln!("SKIPPED: this kernel lacks {missing:?}");
    }
    let orders = ["write /tmp/new", "exec /bin/true", "tcp 1", "kill", "read /etc/passwd", "fork", "capabilities"];
    server.sandbox.write("etc/orders", &format!("orders\n{}\n", orders.join("\n")));
    let told = |request: &str| -> Vec<String> {
        let output = server.ssh("nas", &[request]);
        let told = String::from_utf8(output.stdout).unwrap();
        told.lines().filter(|line| !line.starts_with("orders")).map(str::to_owned).collect()
    };
    let both = ["write /tmp/new 13", "exec /bin/true 13", "tcp 1 1", "kill 1"];
    let zfs = [&both[..], &["read /etc/passwd 0", "fork 0", "capabilities 0"]].concat();
    assert_eq!(told("zfs snapshot tank/data@syncoid_orders"), zfs);
    let filter = [&both[..], &["read /etc/passwd 13", "fork 1", "capabilities 0"]].concat();
    assert_eq!(told("zfs send tank/data@syncoid_hand | mbuffer -q"), filter);
    assert!(!server.sandbox.path("tmp/asked").exists(), "zfs, asked what is encrypted, made a file");
}

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !reached() {
        assert!(Instant::now() < deadline, "the stages did not {what}");
        sleep(Duration::from_millis(20));
    }
}
