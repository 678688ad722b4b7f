//! Three requests in front of stubs that say what they have done, and what is to be seen of each.
#![expect(clippy::disallowed_methods, reason = "a test starts the gate and looks at what is left of it")]

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::sandbox::Sandbox;
use super::stream;

/// What is asked of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The program takes the gate's place.
    Simple,
    /// The host is asked a question, the gate waits for two programs, and rows pass through it.
    Pipeline,
    /// A stream comes in through the guard.
    Push,
}

impl Request {
    pub const ALL: [Self; 3] = [Self::Simple, Self::Pipeline, Self::Push];

    pub fn line(self) -> &'static str {
        match self {
            Self::Simple => "zfs snapshot tank/data@syncoid_a",
            Self::Pipeline => "zfs list -H -o name tank/data && zfs send tank/data@syncoid_data | mbuffer -q",
            Self::Push => "zfs receive -s tank/in/data",
        }
    }
}

/// What was to be seen of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// As sh gives it.
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// Without what differs from one request to the next.
    pub records: Vec<String>,
    /// What the programs say that they did to its end.
    pub done: String,
    /// What they say that they have begun.
    pub begun: String,
    /// What still ran when the gate had ended.
    pub left: Vec<String>,
}

/// A sandbox with a log that is read.
pub struct Scene {
    pub sandbox: Sandbox,
    pub log: Option<UnixDatagram>,
}

impl Scene {
    pub fn new() -> Self {
        Self::with("")
    }

    /// With more in its policy.
    pub fn with(more: &str) -> Self {
        let sandbox = Sandbox::new(&format!("{POLICY}{more}"));
        fs::write(sandbox.path("tmp/stream"), incoming()).unwrap();
        let log = Some(sandbox.log());
        let scene = Self { sandbox, log };
        scene.renew();
        scene
    }

    /// The stubs as they were.
    pub fn renew(&self) {
        self.sandbox.program("zfs", ZFS);
        self.filter("");
    }

    /// `filter.c` in place of mbuffer, with an option of the compiler's.
    pub fn filter(&self, option: &str) {
        self.sandbox.compiled("mbuffer", "tests/faults/filter.c", option);
    }

    /// Without the socket of a log.
    pub fn without_log(mut self) -> Self {
        self.log = None;
        fs::remove_file(self.sandbox.path("dev/log")).unwrap();
        self
    }

    /// The gate in front of a request, after shell commands that prepare its process, with files for its descriptors:
    /// so what it leaves behind keeps nobody waiting.
    pub fn command(&self, prepare: &str, request: &str) -> Command {
        let mut command = self.sandbox.command(prepare, &["/zfs-shell", "nas"]);
        command.env("SSH_ORIGINAL_COMMAND", request);
        command.stdin(File::open(self.sandbox.path("tmp/stream")).unwrap());
        command.stdout(File::create(self.sandbox.path("tmp/out")).unwrap());
        command.stderr(File::create(self.sandbox.path("tmp/err")).unwrap());
        command
    }

    pub fn ask(&self, prepare: &str, request: &str) -> Seen {
        self.forget();
        let child = self.command(prepare, request).spawn().unwrap();
        self.seen(child)
    }

    /// Nothing is left of what was there before.
    fn forget(&self) {
        for name in ["done", "begun", "received"] {
            let _ = fs::remove_file(self.sandbox.path(&format!("tmp/{name}")));
        }
    }

    /// Waits for its end.
    pub fn seen(&self, mut child: Child) -> Seen {
        let ended = wait(&mut child, Duration::from_secs(60));
        let left = self.processes();
        let status = ended.code().unwrap_or(128 + ended.signal().unwrap_or(0));
        let records = self.records();
        let (told, stderr) = of_filters(&self.sandbox.read("tmp/err"));
        let told =
            |what: &str| told.iter().filter(|line| *line == what).map(|line| format!("{line}\n")).collect::<String>();
        Seen {
            status,
            stdout: fs::read(self.sandbox.path("tmp/out")).unwrap(),
            stderr,
            records,
            done: self.sandbox.read("tmp/done") + &told("buffered"),
            begun: self.sandbox.read("tmp/begun") + &told("begun"),
            left,
        }
    }

    pub fn records(&self) -> Vec<String> {
        let mut buffer = [0; 8192];
        let mut records = Vec::new();
        while let Some(length) = self.log.as_ref().and_then(|log| log.recv(&mut buffer).ok()) {
            records.push(plain(&String::from_utf8_lossy(&buffer[..length])));
        }
        records
    }

    /// The command lines of all that runs inside.
    pub fn processes(&self) -> Vec<String> {
        let inside = self.sandbox.path("").canonicalize().unwrap();
        let entries = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
        let runs = |process: &Path| {
            let is_inside = fs::read_link(process.join("root")).is_ok_and(|root| root == inside);
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            // A zombie has no words: it has ended.
            (is_inside && !line.is_empty()).then(|| String::from_utf8_lossy(&line).replace('\0', " "))
        };
        entries.filter_map(|process| runs(&process)).collect()
    }

    /// All that ran inside ends within a time.
    pub fn empties(&self) -> bool {
        reached(Duration::from_secs(10), || self.processes().is_empty())
    }
}

/// Whether the gate has started it, rather than what it has started.
pub fn is_program(line: &str) -> bool {
    line.contains("/stub/") || line.starts_with("mbuffer ")
}

/// Waits for the end of a process.
pub fn wait(child: &mut Child, most: Duration) -> std::process::ExitStatus {
    let deadline = Instant::now() + most;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("still there after {most:?}");
        }
        sleep(Duration::from_millis(2));
    }
}

/// Whether it comes to be so.
pub fn reached(most: Duration, so: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + most;
    loop {
        if so() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(5));
    }
}

/// What filters say that they have begun and done, and the other lines of a standard error.
pub fn of_filters(stderr: &str) -> (Vec<String>, String) {
    let (told, others): (Vec<&str>, Vec<&str>) =
        stderr.split_inclusive('\n').partition(|line| line.starts_with("mbuffer: "));
    (told.iter().map(|line| line.replace("mbuffer: ", "").trim_end().to_owned()).collect(), others.concat())
}

/// A record without its process, its id and how long it took.
fn plain(record: &str) -> String {
    let words = record.split(' ').filter(|word| !word.starts_with("id=") && !word.starts_with("seconds="));
    let plain: Vec<&str> = words.collect();
    let plain = plain.join(" ");
    match (plain.split_once('['), plain.split_once("]: ")) {
        (Some((tag, _)), Some((_, rest))) => format!("{tag}: {rest}"),
        _ => plain,
    }
}

/// A stream with records that are read and records that move in the kernel.
pub fn incoming() -> Vec<u8> {
    let mut bytes = [stream::package("tank/data@syncoid_a", b""), stream::end(0)].concat();
    bytes.extend(stream::begin("tank/data@syncoid_a", 1));
    for size in [512, 131_072, 8192, 131_072] {
        bytes.extend(stream::write(size));
        bytes.extend(vec![b'z'; size]);
    }
    [bytes, stream::end(1), stream::end(0)].concat()
}

/// How many bytes the pipeline has on standard output: a row, and what is sent.
pub const SENT: usize = "tank/data\n".len() + 300_000;

const POLICY: &str = r#"
[[grant]]
role = "pull-source"
datasets = ["tank/data"]

[[grant]]
role = "push-target"
datasets = ["tank/in"]

[programs]
zfs = "/stub/zfs"
mbuffer = "/stub/mbuffer"
"#;

/// Each program is slow to end, so that one that isn't waited for is seen.
const ZFS: &str = r#"#!/bin/sh
case "$*" in
    get*"-o name,property,value"*)
        while [ "$1" != -- ]; do shift; done
        properties=$2
        shift 2
        IFS=,
        for dataset in "$@"; do
            [ "$dataset" = tank/in/data ] && continue
            for property in $properties; do
                case $property in
                    mountpoint) value=none ;;
                    setuid|devices|encryption) value=off ;;
                    *) value=0 ;;
                esac
                printf '%s\t%s\t%s\n' "$dataset" "$property" "$value"
            done
        done ;;
    get*encryption*) echo off ;;
    list*) echo begun >>/tmp/begun; echo tank/data; sleep 0.03; echo listed >>/tmp/done ;;
    snapshot*) echo begun >>/tmp/begun; echo done >>/tmp/done ;;
    send*) echo begun >>/tmp/begun; head -c 300000 /dev/zero && sleep 0.03 && echo sent >>/tmp/done ;;
    receive*)
        echo begun >>/tmp/begun
        cat >/tmp/received
        sleep 0.03
        cmp -s /tmp/received /tmp/stream || { echo 'cannot receive: incomplete stream' >&2; exit 1; }
        echo received >>/tmp/done ;;
    *) echo "zfs: not expected: $*" >&2; exit 2 ;;
esac
"#;
