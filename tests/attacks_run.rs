//! Every row of the table of attacks through the real binary, watched by strace(1): no program is started for it, but those
//! by which the gate asks zfs what it has to know. The driver is one shell, so that there is one trace for all rows.
#![expect(clippy::disallowed_methods, clippy::panic, clippy::unwrap_used, reason = "a test starts the gate")]

mod sandbox;
mod tables;
mod trace;

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sandbox::Sandbox;
use tables::{Row, rows};
use trace::{Call, WATCH, gates};

/// What became of a row.
struct Seen {
    status: i32,
    record: String,
    calls: Vec<Call>,
}

/// Rows that can be a variable of the environment.
fn sent(name: &str) -> Vec<Row> {
    rows(name).into_iter().filter(|row| !row.line.contains(&0) && !row.fourth.contains("library only")).collect()
}

/// Asks the gate all of it, one after the other.
fn watch(rows: &[Row]) -> Vec<Seen> {
    let sandbox = Sandbox::new(&format!("{POLICY}{PROGRAMS}"));
    sandbox.compiled("zfs", "tests/attacks/zfs.c", "");
    sandbox.intruder("run");
    sandbox.write("tmp/drive", DRIVER);
    let mut requests = Vec::new();
    for row in rows {
        requests.extend_from_slice(&row.line);
        requests.push(0);
    }
    std::fs::write(sandbox.path("tmp/rows"), requests).unwrap();
    let log = sandbox.log();
    let mut driver = sandbox.command(WATCH, &["/bin/bash", "/tmp/drive"]).spawn().unwrap();
    let mut records = Vec::new();
    let ended = loop {
        let ended = driver.try_wait().unwrap();
        records.extend(taken(&log));
        match ended {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    assert!(ended.success(), "{ended}");
    // What is allowed may be recorded twice.
    records.retain(|record| record.contains(" decision="));
    let statuses = sandbox.read("tmp/statuses");
    let statuses: Vec<i32> = statuses.lines().map(|line| line.parse().unwrap()).collect();
    let calls = gates(&sandbox.path("tmp/trace"));
    assert_eq!((statuses.len(), records.len(), calls.len()), (rows.len(), rows.len(), rows.len()));
    let seen = statuses.into_iter().zip(records).zip(calls);
    seen.map(|((status, record), calls)| Seen { status, record, calls }).collect()
}

fn taken(log: &UnixDatagram) -> Vec<String> {
    let mut buffer = vec![0; 70_000];
    let mut records = Vec::new();
    while let Ok(length) = log.recv(&mut buffer) {
        records.push(String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned());
    }
    records
}

const POLICY: &str = include_str!("attacks/policy.toml");

const PROGRAMS: &str = r#"
[programs]
zfs = "/stub/zfs"
zpool = "/stub/run"
mbuffer = "/stub/run"
pv = "/stub/run"
lzop = "/stub/run"
lz4 = "/stub/run"
zstd = "/stub/run"
gzip = "/stub/run"
pigz = "/stub/run"
xz = "/stub/run"
"#;

const DRIVER: &str = r#"
while IFS= read -r -d '' request; do
    SSH_ORIGINAL_COMMAND=$request /zfs-shell nas </dev/null >/dev/null 2>&1
    echo $? >>/tmp/statuses
done </tmp/rows
"#;

#[test]
fn of_more_than_a_thousand_attacks_none_starts_anything() {
    let rows = sent("must-refuse.tsv");
    assert!(rows.len() > 1000, "{}", rows.len());
    let mut asked = Vec::new();
    for (row, seen) in rows.iter().zip(watch(&rows)) {
        let Seen { status, record, calls } = seen;
        let decided = |word: &str| record.contains(&format!(" decision={word} "));
        let right = row.third.split('|').any(|word| {
            decided(word)
                && match word {
                    "unknown" => status == 127,
                    "refused" => status == 126,
                    _ => matches!(status, 1 | 2 | 255),
                }
        });
        assert!(right, "{} {}: {status} {record}", row.id, row.third);
        assert!(calls.iter().all(Call::asks), "{}: {calls:?}", row.id);
        let text = format!("{calls:?}");
        for hidden in ["tank/other", "tank/secret", "backup/other"] {
            assert!(!text.contains(hidden), "{}: asked {text}", row.id);
        }
        if !calls.is_empty() {
            asked.push(row.id.as_str());
        }
    }
    assert_eq!(asked, ASKED.split_whitespace().collect::<Vec<_>>());
    let told = format!("{} requests; for {} of them", rows.len(), asked.len());
    assert!(include_str!("../docs/proof.md").contains(&told), "docs/proof.md does not say: {told}");
}

/// The rows for which zfs is asked something first: what is encrypted, which snapshots there are, what holds above.
const ASKED: &str = "\
    chain-017 chain-041 filter-103 foreign-020 option-012 option-013 option-014 destroy-007 destroy-011 \
    destroy-012 destroy-031 destroy-033 destroy-037 destroy-047 receive-001 receive-002 receive-003 receive-004 \
    receive-005 receive-006 receive-007 receive-008 receive-009 receive-010 receive-011 receive-012 receive-013 \
    receive-014 receive-015 receive-026 whole-001 whole-002 whole-004 whole-005 whole-007 whole-010 whole-011 \
    token-001 token-020 token-024 token-067 client-003 client-009 client-010 client-014 client-028 client-033 \
    client-036 client-049 client-057 client-063 version-014 version-015 version-023 version-024 nested-045 \
    number-036 property-003 property-004 property-005 property-006 property-007 property-008 property-009 \
    property-010 property-011 property-012 property-013 property-015 property-016 property-017 property-018 \
    property-019 property-020 property-021 property-022 property-023 property-024 property-025 property-026 \
    property-027 property-031 property-032 property-033 property-034 property-035 property-036 property-037 \
    property-038 property-039 property-040 property-043 property-046 property-051 property-052 property-053 \
    property-054 property-055 property-056 property-057";

#[test]
fn the_same_watch_sees_what_is_allowed_start() {
    let rows: Vec<Row> = sent("must-differ.tsv");
    let mut programs = 0;
    for (row, seen) in rows.iter().zip(watch(&rows)) {
        let argv: Vec<Vec<String>> = serde_json::from_str(&row.third).unwrap();
        let started = seen.calls.iter().filter(|call| !call.asks()).count();
        let reads = seen.calls.iter().filter(|call| matches!(call, Call::Exec(..)) && call.asks()).count();
        let wanted = argv.iter().filter(|words| !words.is_empty()).count();
        assert!(started + reads >= wanted.min(1), "{}: {:?} {}", row.id, seen.calls, seen.record);
        programs += started;
    }
    assert!(programs > 20, "{programs}");
}
