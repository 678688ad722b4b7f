//! A program that tries what it must not do, with each measure and without it.
#![expect(clippy::disallowed_methods, reason = "these tests start that program")]

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use tempfile::TempDir;

use super::*;

const MEMORY: u64 = 512 << 20;

/// This kernel, as a gate with another account than root sees it or as one with root's.
fn kernel(root: bool) -> Kernel {
    let this = Kernel::this();
    Kernel { landlock: this.landlock, seccomp: this.seccomp, root }
}

/// Whether this machine has what these tests are about. They say so where it hasn't: a test of nothing is no test.
fn has_all() -> bool {
    let kernel = Kernel::this();
    if kernel.landlock.is_none() || !kernel.seccomp {
        eprintln!("SKIPPED: this kernel lacks {:?}, so that nothing of the sandbox is tested", missing());
    }
    kernel.landlock.is_some() && kernel.seccomp
}

thread_local! {
    /// The intruder as a program, as long as the thread of its test.
    static INTRUDER: (TempDir, PathBuf) = {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("intruder");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/intruder.c");
        let made = Command::new("cc").args(["-O1", "-pthread", "-o"]).arg(&path).arg(source).status();
        assert!(made.expect("cc must be installed for this test, as for Rust itself").success());
        (directory, path)
    };
}

fn intruder() -> PathBuf {
    INTRUDER.with(|(_, path)| path.clone())
}

/// What became of each order.
fn tried(confinement: Confinement, orders: &[String]) -> Vec<String> {
    let output = obeyed(confinement, orders);
    assert!(output.status.success(), "{orders:?}: {:?}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn obeyed(confinement: Confinement, orders: &[String]) -> Output {
    let mut command = Command::new(intruder());
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    // Not the group of the tests.
    command.process_group(0);
    sys::confine(&mut command, confinement);
    let mut child = command.spawn().unwrap();
    let text = format!("orders\n{}\n", orders.join("\n"));
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn filter() -> Confinement {
    Confinement::of_filter(Kernel::this(), &intruder(), MEMORY).unwrap()
}

fn zfs(root: bool) -> Confinement {
    Confinement::of_zfs(&kernel(root), &intruder()).unwrap()
}

/// Files that are there for all to read and write, a daemon's socket, and a port on which nobody listens.
struct Surroundings {
    directory: TempDir,
    _daemon: UnixListener,
}

impl Surroundings {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "kept").unwrap();
        let _daemon = UnixListener::bind(directory.path().join("daemon")).unwrap();
        Self { directory, _daemon }
    }

    fn order(&self, name: &str, file: &str) -> String {
        format!("{name} {}/{file}", self.directory.path().display())
    }
}

const NO_PERMISSION: i32 = libc::EPERM;
const NO_ACCESS: i32 = libc::EACCES;

/// Each of these fails with the error, and can be done if that one measure is left out.
fn only_without(attempts: &[(String, i32)], with: impl Fn() -> Confinement, take_out: impl Fn(&mut Confinement)) {
    let orders: Vec<String> = attempts.iter().map(|(order, _)| order.clone()).collect();
    let expected: Vec<String> = attempts.iter().map(|(order, error)| format!("{order} {error}")).collect();
    assert_eq!(tried(with(), &orders), expected);
    for (order, error) in attempts {
        let mut confinement = with();
        take_out(&mut confinement);
        let seen = tried(confinement, std::slice::from_ref(order));
        assert_ne!(seen, [format!("{order} {error}")], "another measure holds this too");
    }
}

#[test]
fn a_filter_opens_makes_removes_and_executes_no_file_by_landlock() {
    if !has_all() {
        return;
    }
    let around = Surroundings::new();
    let attempts = [
        (around.order("read", "file"), NO_ACCESS),
        (around.order("read", "."), NO_ACCESS),
        (around.order("update", "file"), NO_ACCESS),
        (around.order("write", "new"), NO_ACCESS),
        (around.order("remove", "file"), NO_ACCESS),
        ("read /etc/passwd".to_owned(), NO_ACCESS),
        ("read /proc/self/status".to_owned(), NO_ACCESS),
        ("exec /bin/true".to_owned(), NO_ACCESS),
    ];
    let orders: Vec<String> = attempts.iter().map(|(order, _)| order.clone()).collect();
    let expected: Vec<String> = attempts.iter().map(|(order, error)| format!("{order} {error}")).collect();
    assert_eq!(tried(filter(), &orders), expected);
    assert_eq!(std::fs::read(around.directory.path().join("file")).unwrap(), b"kept");
    // Each for itself: the file is removed by one of them.
    for (order, error) in attempts {
        let mut confinement = filter();
        confinement.files = None;
        let seen = tried(confinement, std::slice::from_ref(&order));
        assert_ne!(seen, [format!("{order} {error}")], "another measure holds this too");
        std::fs::write(around.directory.path().join("file"), "kept").unwrap();
    }
}

#[test]
fn a_filter_has_threads_and_signals_to_itself_and_no_process_socket_or_other_call_by_seccomp() {
    if !has_all() {
        return;
    }
    let around = Surroundings::new();
    let allowed = ["thread", "raise", "read /dev/null"].map(|order| format!("{order} 0"));
    assert_eq!(tried(filter(), &["thread", "raise", "read /dev/null"].map(str::to_owned)), allowed);
    let denied = [
        ("fork", NO_PERMISSION),
        ("fork3", NO_PERMISSION),
        ("namespace", NO_PERMISSION),
        ("kill", NO_PERMISSION),
        ("tgkill", NO_PERMISSION),
        ("killpg", NO_PERMISSION),
        ("setsid", NO_PERMISSION),
        ("memfd", NO_PERMISSION),
        ("tcp 1", NO_PERMISSION),
    ];
    let mut attempts: Vec<(String, i32)> = denied.map(|(order, error)| (order.to_owned(), error)).to_vec();
    attempts.push((around.order("unix", "daemon"), NO_PERMISSION));
    attempts.push((around.order("chmod", "file"), NO_PERMISSION));
    // What it may read, so that it is not Landlock that keeps it.
    attempts.push(("empty /proc/cpuinfo".to_owned(), NO_PERMISSION));
    // Arguments that do nothing: without the filter the kernel finds other fault with them.
    for call in [
        libc::SYS_io_uring_setup,
        libc::SYS_bpf,
        libc::SYS_userfaultfd,
        libc::SYS_execveat,
        libc::SYS_keyctl,
        libc::SYS_ptrace,
    ] {
        attempts.push((format!("call {call}"), NO_PERMISSION));
    }
    attempts.push((format!("call {}", libc::SYS_openat2), libc::ENOSYS));
    only_without(&attempts, filter, |confinement| confinement.calls = None);
}

#[test]
fn a_call_that_is_newer_than_the_lists_does_not_exist() {
    if !has_all() {
        return;
    }
    // cachestat(2), of Linux 6.5, and the same calls by the numbers of x32.
    let orders = ["call 451".to_owned(), "call 1073741863".to_owned()];
    let expected = orders.clone().map(|order| format!("{order} {}", libc::ENOSYS));
    assert_eq!(tried(filter(), &orders), expected);
    assert_eq!(tried(zfs(true), &orders), expected);
    let mut confinement = filter();
    confinement.calls = None;
    let [newer, _] = &orders;
    if tried(confinement, std::slice::from_ref(newer)) == expected[..1] {
        eprintln!("SKIPPED: this kernel has no newer call, so that nothing else could be seen");
    }
}

/// By the numbers of 32 bits there are other calls.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_call_by_another_table_of_numbers_ends_the_program() {
    use std::os::unix::process::ExitStatusExt;
    if !has_all() {
        return;
    }
    let order = ["other".to_owned()];
    for with in [filter as fn() -> Confinement, || zfs(true)] {
        assert_eq!(obeyed(with(), &order).status.signal(), Some(libc::SIGSYS));
        let mut confinement = with();
        confinement.calls = None;
        // A kernel that has no such table finds no memory there.
        assert_ne!(obeyed(confinement, &order).status.signal(), Some(libc::SIGSYS));
    }
}

#[test]
fn what_a_filter_becomes_has_no_more_than_itself() {
    if !has_all() {
        return;
    }
    let own = format!("exec {}", intruder().display());
    let orders = ["capabilities", "no_new_privs", "seccomp", &own, "capabilities", "tcp 1", "read /etc/passwd"];
    let seen = tried(filter(), &orders.map(str::to_owned));
    let expected =
        ["capabilities 0", "no_new_privs 1", "seccomp 2", "capabilities 0", "tcp 1 1", "read /etc/passwd 13"];
    assert_eq!(seen, expected);
    if !Kernel::this().root {
        return eprintln!("SKIPPED: this account has no capabilities to lose; run the tests as root too");
    }
    let mut confinement = filter();
    confinement.bare = false;
    assert_ne!(tried(confinement, &["capabilities".to_owned()]), ["capabilities 0"]);
}

#[test]
fn limits_hold_and_can_not_be_raised() {
    if !has_all() {
        return;
    }
    let more = format!("reserve {}", MEMORY + 1);
    let orders = ["unlimited", &more, "memory", "descriptors"].map(str::to_owned);
    let expected = [
        format!("unlimited {NO_PERMISSION}"),
        format!("{more} {}", libc::ENOMEM),
        format!("memory {MEMORY}"),
        format!("descriptors {DESCRIPTORS}"),
    ];
    assert_eq!(tried(filter(), &orders), expected);
    let mut confinement = filter();
    confinement.memory = None;
    assert_eq!(tried(confinement, std::slice::from_ref(&more)), [format!("{more} 0")]);
}

#[test]
fn zfs_reads_what_the_system_says_and_executes_changes_and_calls_nothing() {
    if !has_all() {
        return;
    }
    let around = Surroundings::new();
    let free = ["read /etc/passwd", "read /proc/self/mounts", "fork", "thread", "raise"].map(str::to_owned);
    let unix = around.order("unix", "daemon");
    let allowed: Vec<String> = free.iter().chain([&unix]).map(|order| format!("{order} 0")).collect();
    assert_eq!(tried(zfs(false), &[free.as_slice(), std::slice::from_ref(&unix)].concat()), allowed);
    let attempts = [
        (around.order("update", "file"), NO_ACCESS),
        (around.order("write", "new"), NO_ACCESS),
        (around.order("read", "file"), NO_ACCESS),
        ("exec /bin/true".to_owned(), NO_ACCESS),
    ];
    only_without(&attempts, || zfs(false), |confinement| confinement.files = None);
    let denied = ["tcp 1", "namespace", "kill", "memfd"].map(|order| (order.to_owned(), NO_PERMISSION));
    for root in [false, true] {
        only_without(&denied, || zfs(root), |confinement| confinement.calls = None);
    }
    let own = format!("exec {}", intruder().display());
    assert_eq!(tried(zfs(false), &[&own, "raise"].map(str::to_owned)), ["raise 0"]);
}

#[test]
fn zfs_that_runs_as_root_keeps_files_and_capabilities_to_mount() {
    if !has_all() {
        return;
    }
    let around = Surroundings::new();
    let update = around.order("update", "file");
    let seen = tried(zfs(true), &[update.clone(), "no_new_privs".to_owned()]);
    assert_eq!(seen, [format!("{update} 0"), "no_new_privs 1".to_owned()]);
    let confinement = zfs(true);
    assert!(!confinement.bare);
}

#[test]
fn what_the_kernel_lacks_is_told_and_left_out() {
    let bare = Kernel { landlock: None, seccomp: false, root: true };
    assert_eq!(bare.lacks(), [Measure::Files, Measure::Calls]);
    assert_eq!(Kernel { landlock: Some(1), ..bare }.lacks(), [Measure::Calls]);
    assert_eq!(Kernel { seccomp: true, ..bare }.lacks(), [Measure::Files]);
    let confinement = Confinement::of_filter(&bare, &intruder(), MEMORY).unwrap();
    assert_eq!(tried(confinement, &["no_new_privs".to_owned(), "seccomp".to_owned()]), ["no_new_privs 1", "seccomp 0"]);
}

/// Both ways, as clients have them.
const FILTERS: [(&str, &[&str], &[&str]); 12] = [
    ("bzip2", &["-1"], &["-d"]),
    ("gzip", &["-3"], &["-d"]),
    ("lz4", &["-q", "-1"], &["-dc"]),
    ("lzop", &["-1"], &["-d"]),
    ("mbuffer", &["-q", "-s", "128k", "-m", "16M"], &["-q", "-m", "16M", "-R", "100M"]),
    ("pigz", &["-p", "3"], &["-d"]),
    ("pv", &["-q", "-C"], &["-q"]),
    ("xz", &["-0"], &["-d"]),
    ("xz", &["-0", "-T2"], &["-d", "-T", "0"]),
    ("zstd", &["-3"], &["-d"]),
    ("zstd", &["-T2", "--long"], &["-dc", "--long"]),
    ("zstd", &["-T0", "--adapt"], &["-d"]),
];

#[test]
fn real_filters_do_their_work_and_complain_of_nothing() {
    let stream: Vec<u8> = (0_u32..3_000_000).map(|at| (at.wrapping_mul(2_654_435_761) >> 27) as u8).collect();
    let pass = |name: &str, words: &[&str], input: &[u8]| {
        let path = Path::new("/usr/bin").join(name);
        let mut command = Command::new(&path);
        command.args(words).env_clear().env("LC_ALL", "C").env("HOME", "/nonexistent").env("MALLOC_ARENA_MAX", "2");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        sys::confine(&mut command, Confinement::of_filter(Kernel::this(), &path, 1280 << 20).unwrap());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{name} must be installed for this test: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().unwrap()
        });
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "{name} {words:?}: {}: {said}", output.status);
        output.stdout
    };
    for (name, there, back) in FILTERS {
        assert!(pass(name, back, &pass(name, there, &stream)) == stream, "{name} {there:?} {back:?}");
    }
}

#[test]
fn a_script_or_what_is_not_there_does_not_start() {
    if !has_all() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script");
    std::fs::write(&script, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let kind = |path: &Path| {
        let mut command = Command::new(path);
        let confinement = Confinement::of_filter(Kernel::this(), path, MEMORY).unwrap();
        sys::confine(&mut command, confinement);
        command.spawn().unwrap_err().kind()
    };
    assert_eq!(kind(&script), io::ErrorKind::PermissionDenied);
    assert_eq!(kind(&directory.path().join("none")), io::ErrorKind::NotFound);
}
