//! Whatever stream comes to `zfs receive -F backup/laptop/...`: what is started for it names granted datasets
//! alone, mounts nothing, and has -F only where nothing is that could go.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::decide::arrival::Arrival;
use zfs_shell::decide::plan::{Action, Plan};
use zfs_shell::facts::Table;
use zfs_shell::policy::Policy;
use zfs_shell::stream::{Need, RECORD, Walk};
use zfs_shell::{judge, policy};

const POLICY: &str =
    "[[grant]]\nrole = \"push-target\"\ndatasets = [\"backup/laptop\"]\n[grant.receive.stream]\nclone = true";
const FACTS: &str = include_str!("../../tests/cmd/files/push-target.toml");
const REQUESTS: [&str; 4] = [
    "zfs receive -s -F backup/laptop/data",
    "zfs receive -F backup/laptop/new",
    "zfs receive -d -F backup/laptop",
    "zfs receive -e backup/laptop/data",
];

thread_local! {
    static WORLD: (Policy, Table) = (policy::parse(POLICY, None).unwrap(), Table::parse(FACTS).unwrap());
}

fuzz_target!(|bytes: &[u8]| zfs_shell_fuzz::limited(|| {
    let Some((choice, mut left)) = bytes.split_last() else { return };
    let request = REQUESTS[usize::from(*choice) % REQUESTS.len()];
    WORLD.with(|(policy, host)| {
        let plan: Plan = judge(request.as_bytes(), policy, host).unwrap();
        let reception = plan.stages().find_map(|stage| match stage.action() {
            Action::Receive(reception) => Some(reception),
            _ => None,
        });
        let (mut walk, mut arrival) = (Walk::new(), Arrival::new(policy, host));
        loop {
            let size = match walk.need() {
                Need::Nothing => break,
                Need::Pass(size) => {
                    walk.passed(size);
                    left = left.get(size as usize..).unwrap_or_default();
                    continue;
                }
                Need::Payload(size) => size,
                Need::Record => RECORD,
            };
            let Some((next, after)) = left.split_at_checked(size) else { break };
            left = after;
            let Ok(begin) = walk.take(next) else { break };
            let Some(begin) = begin else { continue };
            let Ok(admission) = arrival.begin(reception.unwrap(), &begin) else { break };
            let Some(admission) = admission else { continue };
            let receive: Vec<&str> = admission.receive().words().collect();
            let dataset = receive.last().unwrap();
            assert!(*dataset == "backup/laptop" || dataset.starts_with("backup/laptop/"), "{receive:?}");
            assert!(receive.contains(&"-u") && !receive.contains(&"-d") && !receive.contains(&"-e"), "{receive:?}");
            assert!(!receive.contains(&"-F") || *dataset == "backup/laptop/new" && begin.from.is_none(), "{receive:?}");
            let origins = receive.iter().filter_map(|word| word.strip_prefix("origin="));
            assert!(origins.into_iter().all(|origin| origin.starts_with("backup/laptop")), "{receive:?}");
            if let Some(before) = admission.before() {
                let words: Vec<&str> = before.words().collect();
                assert_eq!(words, ["zfs", "rollback", "--", "backup/laptop/data@s1"]);
            }
        }
    });
}));
