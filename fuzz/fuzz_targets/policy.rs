//! Whatever an administrator writes: an error whose place is in the text; or a policy, and what `show` prints of it
//! is a policy that comes to the same values and decides the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::facts::Table;
use zfs_shell::policy::{Policy, Shown, explain, parse};
use zfs_shell::record::Outcome;
use zfs_shell_fuzz::limited;

const FACTS: &str = include_str!("../../tests/attacks/facts.toml");
const REQUESTS: [&str; 25] = [
    "",
    "backup now",
    "rsync --server --sender -logDtpr . /srv",
    "zfs list -H -o name,origin -t all -r",
    "zfs get -H all tank/data",
    "zfs send -R -t \
     1-990d27c2d-b8-789c636064000310a500c4ec50360710e72765a52697303034439460caa7a515a7968064dae0f26c48f24\
     99525a9c5405a43a913abfe92fcf4d2cc140606bb97fe2565a5b2d73590e439c1f27989b9a90c0cc525fa69c50e4999e90c0\
     8000060f81636",
    "zfs send -w -p tank/data@a | mbuffer -q -m 1G | zstd -3",
    "zfs send -I @a tank/data/enc@b",
    "zfs snapshot -r -o a:b=c tank/data@syncoid_new",
    "zfs bookmark tank/data@a tank/data#new",
    "zfs hold syncoid_tag tank/data@a",
    "zfs release syncoid_tag tank/data@a",
    "zfs destroy tank/data@%zz",
    "zfs destroy -r backup/laptop@syncoid_a,syncoid_b",
    "zfs destroy backup/laptop/x",
    "zstd -d | zfs receive -s -F -o compression=lz4 backup/laptop/data",
    "zfs receive -A backup/laptop/data",
    "zfs create -o quota=1G backup/laptop/new",
    "zfs rollback -r backup/laptop@zz",
    "zfs set zrep:mark=1 backup/laptop",
    "zfs rename backup/laptop/x backup/laptop/y",
    "sudo zfs list tank/secret; zpool get all tank",
    "simplesnapwrap listfs",
    "simplesnapwrap sendback nas tank/data",
    "simplesnapwrap reap nas tank/data",
];

thread_local! {
    static HOST: Table = Table::parse(FACTS).unwrap();
}

/// The values as a file. The role is left out: what it stands for is there.
fn written(shown: &[Shown]) -> String {
    let (mut top, mut grants) = (String::new(), Vec::<(String, Vec<String>)>::new());
    let mut commands = Vec::<String>::new();
    for Shown { path, value, .. } in shown {
        if let Some((number, key)) = path.strip_prefix("command.").and_then(|rest| rest.split_once('.')) {
            let number: usize = number.parse().unwrap();
            commands.resize_with(commands.len().max(number), String::new);
            commands[number - 1] += &format!("{key} = {value}\n");
            continue;
        }
        let Some((number, key)) = path.strip_prefix("grant.").and_then(|rest| rest.split_once('.')) else {
            top += &format!("{path} = {value}\n");
            continue;
        };
        let number: usize = number.parse().unwrap();
        grants.resize_with(grants.len().max(number), Default::default);
        let (own, rules) = &mut grants[number - 1];
        match key.strip_prefix("destroy.").and_then(|rest| rest.split_once('.')) {
            None if key == "role" => {}
            None => *own += &format!("{key} = {value}\n"),
            Some((number, key)) => {
                let number: usize = number.parse().unwrap();
                rules.resize_with(rules.len().max(number), String::new);
                rules[number - 1] += &format!("{key} = {value}\n");
            }
        }
    }
    for (own, rules) in grants {
        top += &format!("[[grant]]\n{own}");
        rules.iter().for_each(|rule| top += &format!("[[grant.destroy]]\n{rule}"));
    }
    commands.iter().for_each(|command| top += &format!("[[command]]\n{command}"));
    top
}

fn values(shown: &[Shown]) -> Vec<(&str, &str)> {
    let mut values: Vec<_> = shown.iter().map(|shown| (shown.path.as_str(), shown.value.as_str())).collect();
    values.retain(|(path, _)| !path.ends_with(".role"));
    values.sort_unstable();
    values
}

fuzz_target!(|text: &str| {
    // What the gate does; the rest is for people, and for this law.
    let (policy, shown) = match limited(|| parse(text, None)) {
        Ok(policy) => (policy, explain(text, None).unwrap()),
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some(), "{error}: {:?}", error.span);
            assert!(error.line <= text.lines().count() + 1 && !error.message.contains('\n'));
            return assert_eq!(explain(text, None).unwrap_err().message, error.message);
        }
    };
    let again = written(&shown);
    let reread = parse(&again, None).unwrap_or_else(|error| panic!("{error}\n{again}"));
    assert_eq!(values(&explain(&again, None).unwrap()), values(&shown));
    assert_eq!(reread.key, policy.key);
    HOST.with(|host| {
        for request in REQUESTS {
            let decided = |policy: &Policy| Outcome::of(&zfs_shell::judge(request.as_bytes(), policy, host));
            assert_eq!(decided(&reread), decided(&policy), "{request}\n{again}");
        }
    });
});
