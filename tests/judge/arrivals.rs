//! Streams at the door: what their begin records say, by the policy and the host.

use super::common::{judge_plan, policy};
use zfs_shell::command::name::{Guid, Snapshot};
use zfs_shell::command::property::Property;
use zfs_shell::decide::arrival::{Arrival, Closed, in_words_of_zfs};
use zfs_shell::decide::plan::{Action, Exec, Plan, Reception, Rewrite};
use zfs_shell::facts::Table;
use zfs_shell::policy::Policy;
use zfs_shell::stream::{Begin, Kind, Member, Package, StreamError};

/// 2026-11-21 12:00 UTC.
const NOW: u64 = 1_795_262_400;
const DAY: u64 = 86_400;

fn role(rules: &str) -> Policy {
    policy(&format!("[[grant]]\nrole = \"push-target\"\ndatasets = [\"backup/laptop\"]\n{rules}\n"))
}

/// backup/laptop as the set-up makes it; `data` with two snapshots, changed since; `new` as `zfs create` leaves it.
fn host() -> Table {
    let dataset = |name: &str, referenced: u64, written: u64, snapshots: &str| {
        let inherited = "setuid = \"off\", devices = \"off\", mountpoint = \"none\", readonly = \"on\", exec = \"on\"";
        format!(
            "[[dataset]]\nname = \"{name}\"\ntype = \"filesystem\"\nencryption = \"off\"\nrights = [\"receive\"]\n\
             properties = {{ {inherited}, referenced = {referenced}, written = {written}, canmount = \"on\" }}\n\
             snapshots = [{snapshots}]\n"
        )
    };
    let two = "{ name = \"a\", creation = 2026-11-01T00:00:00Z, createtxg = 10, guid = 1 }, \
               { name = \"b\", creation = 2026-11-02T00:00:00Z, createtxg = 11, guid = 2 }";
    let facts = [
        dataset("backup/laptop", 98_304, 98_304, ""),
        dataset("backup/laptop/data", 5_000_000, 4096, two),
        dataset("backup/laptop/still", 5_000_000, 0, two),
        dataset("backup/laptop/new", 98_304, 98_304, ""),
        dataset("backup/laptop/filled", 5_000_000, 5_000_000, ""),
    ];
    Table::parse(&facts.concat()).unwrap().at(std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOW))
}

fn full(name: &str) -> Begin {
    Begin {
        kind: Kind::Filesystem,
        snapshot: Snapshot::parse(name).unwrap(),
        guid: Guid(99),
        from: None,
        creation: NOW - DAY,
        raw: false,
        clone: false,
        resuming: false,
    }
}

fn incremental(name: &str, from: u64) -> Begin {
    Begin { from: Some(Guid(from)), ..full(name) }
}

fn head(name: &str, package: Package) -> Begin {
    Begin { kind: Kind::Package(package), guid: Guid(0), ..full(name) }
}

fn member(name: &str) -> Member {
    Member {
        dataset: zfs_shell::command::name::Dataset::parse(name).unwrap(),
        clone: false,
        properties: Vec::new(),
        snapshots: Vec::new(),
        snapshot_properties: Vec::new(),
        holds: false,
    }
}

fn reception(plan: &Plan) -> &Reception {
    plan.stages()
        .find_map(|stage| match stage.action() {
            Action::Receive(reception) => Some(&**reception),
            _ => None,
        })
        .unwrap()
}

/// What becomes of a stream: the programs, or why not.
fn arrive(policy: &Policy, line: &str, begins: &[Begin]) -> String {
    let host = host();
    let plan = judge_plan(line.as_bytes(), policy, &host).unwrap_or_else(|failure| panic!("{line}: {failure}"));
    let mut arrival = Arrival::new(policy, &host);
    let mut admitted = None;
    for begin in begins {
        match arrival.begin(reception(&plan), begin) {
            Ok(Some(admission)) => {
                let words = |exec: &Exec| zfs_shell::syntax::quote(exec.words());
                let programs: Vec<String> =
                    admission.before().into_iter().chain([admission.receive()]).map(words).collect();
                admitted = Some(programs.join(" && "));
            }
            Ok(None) => {}
            Err(Closed::Answer(answer)) => {
                return format!("answer {} {}", answer.status, String::from_utf8_lossy(&answer.stderr));
            }
            Err(Closed::Refused(refusal)) => return format!("refused: {}", refusal.reason),
            Err(Closed::Host(error)) => return format!("broken: {error}"),
        }
    }
    admitted.unwrap_or_else(|| "nothing".to_owned())
}

fn push(line: &str, begins: &[Begin]) -> String {
    arrive(&role(""), line, begins)
}

#[test]
fn a_new_dataset_arrives_unmounted() {
    assert_eq!(push("zfs receive -s -F backup/laptop/x", &[full("tank/x@s")]), "zfs receive -s -u -- backup/laptop/x");
    let volume = Begin { kind: Kind::Volume, ..full("tank/x@s") };
    assert_eq!(push("zfs recv -s backup/laptop/x", &[volume]), "zfs receive -s -u -- backup/laptop/x");
}

#[test]
fn force_stays_where_it_destroys_nothing_and_is_a_rollback_to_the_newest_elsewhere() {
    let line = |dataset: &str| format!("zfs receive -s -F backup/laptop/{dataset}");
    let cases = [
        ("new", full("tank/x@s"), "zfs receive -F -s -u -- backup/laptop/new"),
        ("new", Begin { resuming: true, ..full("tank/x@s") }, "zfs receive -s -u -- backup/laptop/new"),
        ("filled", full("tank/x@s"), "zfs receive -s -u -- backup/laptop/filled"),
        ("data", full("tank/x@s"), "zfs receive -s -u -- backup/laptop/data"),
        (
            "data",
            incremental("tank/x@s", 2),
            "zfs rollback -- backup/laptop/data@b && zfs receive -s -u -- backup/laptop/data",
        ),
        ("data", incremental("tank/x@s", 1), "zfs receive -s -u -- backup/laptop/data"),
        ("still", incremental("tank/x@s", 2), "zfs receive -s -u -- backup/laptop/still"),
    ];
    for (dataset, begin, expected) in cases {
        assert_eq!(push(&line(dataset), &[begin]), expected, "{dataset}");
    }
    let again = push("zfs receive backup/laptop/data", &[Begin { guid: Guid(1), ..incremental("tank/x@s", 2) }]);
    assert_eq!(again, "refused: 'backup/laptop/data' has this snapshot already");
    let unforced = push("zfs receive -s backup/laptop/data", &[incremental("tank/x@s", 2)]);
    assert_eq!(unforced, "zfs receive -s -u -- backup/laptop/data");
    let dry = push("zfs receive -n -F backup/laptop/data", &[incremental("tank/x@s", 2)]);
    assert_eq!(dry, "zfs receive -n -u -- backup/laptop/data");
    // Of several datasets some may exist that -F would roll back.
    let package = head("tank/x@s", Package { recursive: true, from: None, members: vec![member("tank/x")] });
    assert_eq!(push(&line("new"), &[package, full("tank/x@s")]), "zfs receive -s -u -- backup/laptop/new");
    let allowed = role("[grant.receive]\nforce = \"allow\"");
    assert_eq!(arrive(&allowed, &line("data"), &[full("tank/x@s")]), "zfs receive -F -s -u -- backup/laptop/data");
}

#[test]
fn what_a_stream_could_make_zfs_look_for_elsewhere_is_settled_before() {
    let missing = push("zfs receive backup/laptop/x", &[incremental("tank/x@s", 7)]);
    assert_eq!(missing, "answer 1 cannot receive incremental stream: destination 'backup/laptop/x' does not exist\n");
    let parent = push("zfs receive backup/laptop/p/x", &[full("tank/x@s")]);
    assert_eq!(
        parent,
        "answer 1 cannot open 'backup/laptop/p': dataset does not exist\n\
         cannot receive new filesystem stream: unable to restore to destination\n"
    );
    let clone = Begin { clone: true, ..incremental("tank/x@s", 2) };
    let refusal = "refused: the stream starts from a snapshot of another dataset (receive.stream.clone)";
    assert_eq!(push("zfs receive backup/laptop/x", std::slice::from_ref(&clone)), refusal);
    let cloning = role("[grant.receive.stream]\nclone = true");
    assert_eq!(
        arrive(&cloning, "zfs receive backup/laptop/x", std::slice::from_ref(&clone)),
        "zfs receive -u -o origin=backup/laptop/data@b -- backup/laptop/x"
    );
    let foreign = Begin { from: Some(Guid(77)), ..clone };
    assert_eq!(
        arrive(&cloning, "zfs receive backup/laptop/x", &[foreign]),
        "refused: the stream starts from a snapshot that the grant doesn't cover"
    );
}

#[test]
fn the_name_behind_the_operand_is_put_there_before_zfs_is_started() {
    let cases = [
        ("-d", "pool/new@s", "zfs receive -u -- backup/laptop/new"),
        ("-e", "pool/a/new@s", "zfs receive -u -- backup/laptop/new"),
        ("-d", "pool@s", "zfs receive -u -- backup/laptop"),
    ];
    for (flag, name, expected) in cases {
        assert_eq!(push(&format!("zfs receive {flag} backup/laptop"), &[full(name)]), expected, "{flag} {name}");
    }
    let deep = push("zfs receive -d backup/laptop", &[full("p/1/2/3/4/5/6/7/8/9@s")]);
    assert!(deep.starts_with("refused: 'backup/laptop/1/2/3/4/5/6/7/8/9' lies 9 below"), "{deep}");
    let excepted = role("except = [\"backup/laptop/private\"]");
    let hidden = arrive(&excepted, "zfs receive -d backup/laptop", &[full("p/private@s")]);
    assert_eq!(hidden, "answer 1 cannot open 'backup/laptop/private': dataset does not exist\n");
}

#[test]
fn a_snapshot_is_dated_neither_after_now_nor_before_the_one_it_follows() {
    let at = |creation| Begin { creation, ..incremental("tank/x@s", 2) };
    let push = |creation| push("zfs receive backup/laptop/still", &[at(creation)]);
    assert!(push(NOW + 3600).starts_with("zfs receive"));
    let future = "refused: 's' is dated after this host's clock (receive.stream.future)";
    assert_eq!(push(NOW + 3601), future);
    assert_eq!(push(u64::MAX), future);
    let newest = 1_793_577_600; // 2026-11-02
    assert!(push(newest).starts_with("zfs receive"));
    assert_eq!(push(newest - 1), "refused: 's' is older than the newest snapshot of 'backup/laptop/still'");
}

#[test]
fn the_policy_names_the_snapshots_that_may_arrive_and_whether_raw_alone() {
    let named = role("[grant.receive]\nnames = [\"auto-*\"]");
    let reason = "refused: the grant takes no snapshots named 'x' (receive.names)";
    assert_eq!(arrive(&named, "zfs receive backup/laptop/x", &[full("tank/x@x")]), reason);
    assert!(arrive(&named, "zfs receive backup/laptop/x", &[full("tank/x@auto-1")]).starts_with("zfs receive"));
    let raw = role("[grant.receive.stream]\nraw = \"always\"");
    let reason = "refused: the grant takes raw streams of encrypted datasets alone (receive.stream.raw): send with -w";
    assert_eq!(arrive(&raw, "zfs receive backup/laptop/x", &[full("tank/x@x")]), reason);
    let stream = Begin { raw: true, ..full("tank/x@x") };
    assert!(arrive(&raw, "zfs receive backup/laptop/x", std::slice::from_ref(&stream)).starts_with("zfs receive"));
    // Each stream of a package, not the first alone.
    let package = head("tank/x@y", Package::default());
    let begins = [package, stream, Begin { guid: Guid(100), ..incremental("tank/x@y", 99) }];
    assert_eq!(arrive(&raw, "zfs receive backup/laptop/x", &begins), reason);
}

#[test]
fn each_dataset_of_a_package_is_judged_where_it_lands() {
    let package = head("tank/x@s", Package { recursive: true, from: None, members: vec![member("tank/x")] });
    let line = "zfs receive backup/laptop/x";
    let push = |begins: &[Begin]| push(line, &[std::slice::from_ref(&package), begins].concat());
    assert!(push(&[full("tank/x@s"), full("tank/x/a@s"), full("tank/x/a/b@s")]).starts_with("zfs receive"));
    let orphan = push(&[full("tank/x@s"), full("tank/x/p/a@s")]);
    assert!(orphan.starts_with("answer 1 cannot open 'backup/laptop/x/p'"), "{orphan}");
    let lost = push(&[full("tank/x@s"), incremental("tank/x/a@s", 1)]);
    assert!(lost.starts_with("answer 1 cannot receive incremental stream"), "{lost}");
    let clone = push(&[full("tank/x@s"), Begin { clone: true, ..incremental("tank/x/a@s", 1) }]);
    assert_eq!(clone, "refused: a clone in a package of several datasets has no place of its own");
    let older = Begin { creation: NOW - 2 * DAY, ..incremental("tank/x@t", 99) };
    let older = push(&[full("tank/x@s"), older]);
    assert_eq!(older, "refused: 't' is older than the newest snapshot of 'backup/laptop/x'");
    let first = push(&[full("tank/x/a@s")]);
    assert_eq!(first, "refused: a package begins with the dataset that it is of");
}

#[test]
fn the_rest_of_a_package_goes_by_the_grant_that_let_its_first_stream_in() {
    let package = head("tank/x@s", Package { recursive: true, from: None, members: vec![member("tank/x")] });
    let begins = |name| [package.clone(), full("tank/x@s"), full(name)];
    let line = "zfs receive backup/laptop/x";
    // Not by one in front of it, which covers the dataset too and takes no snapshot.
    let lists = "[[grant]]\ndatasets = [\"backup/laptop\"]\nallow = [\"list\"]\n";
    let receives = "[[grant]]\nrole = \"push-target\"\ndatasets = [\"backup/laptop\"]\n";
    let second = policy(&format!("{lists}{receives}"));
    assert_eq!(arrive(&second, line, &begins("tank/x/a@s")), "zfs receive -u -- backup/laptop/x");
    // Nor where it doesn't reach.
    let hidden = arrive(&role("except = [\"backup/laptop/x/private\"]"), line, &begins("tank/x/private@s"));
    assert_eq!(hidden, "answer 1 cannot open 'backup/laptop/x/private': dataset does not exist\n");
}

#[test]
fn a_further_stream_finds_what_was_there_before_the_first() {
    let begins = [
        head("tank/x@t", Package::default()),
        incremental("tank/x@s", 2),
        Begin { guid: Guid(1), ..incremental("tank/x@t", 99) },
    ];
    let again = push("zfs receive backup/laptop/data", &begins);
    assert_eq!(again, "refused: 'backup/laptop/data' has this snapshot already");
}

#[test]
fn what_a_stream_changes_is_told_with_it_and_its_limit_goes_along() {
    let limited = role("[grant.receive.stream]\nmax_bytes = \"1M\"");
    let mounts = role("[grant.receive]\nmount = true");
    let first = "dropped -F, added -u";
    for (policy, most, line, told, later) in [
        (&limited, Some(1 << 20), "zfs receive -F backup/laptop/x", first, ""),
        (&mounts, None, "zfs receive -F backup/laptop/new", "dropped -F", "added -F again, since the dataset is empty"),
        (&mounts, None, "zfs receive -d backup/laptop", "", "expanded the stream's name into 'backup/laptop/x'"),
    ] {
        let host = host();
        let plan = judge_plan(line.as_bytes(), policy, &host).unwrap();
        let admission = Arrival::new(policy, &host).begin(reception(&plan), &full("tank/x@s")).unwrap().unwrap();
        let words = |rewrites: &[Rewrite]| rewrites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        assert_eq!(
            (words(plan.rewrites()), words(admission.rewrites())),
            (told.to_owned(), later.to_owned()),
            "{line}"
        );
        assert_eq!(admission.max_bytes(), most, "{line}");
    }
}

#[test]
fn of_what_is_no_stream_zfs_s_own_words_are_said_and_of_a_wrong_one_ours() {
    let said = |error: StreamError| in_words_of_zfs(&error).map(|answer| String::from_utf8(answer.stderr).unwrap());
    let none = "cannot receive: failed to read from stream\n";
    assert_eq!(said(StreamError::Empty).as_deref(), Some(none));
    assert_eq!(said(StreamError::Magic).as_deref(), Some("cannot receive: invalid stream (bad magic number)\n"));
    assert_eq!(said(StreamError::Length), None);
}

#[test]
fn an_incremental_replication_renames_what_it_finds_and_is_refused() {
    let from = Snapshot::parse("tank/x@b").unwrap().name;
    let package = head("tank/x@s", Package { recursive: true, from: Some(from), members: vec![member("tank/x")] });
    let reason = push("zfs receive backup/laptop/data", &[package, incremental("tank/x@s", 2)]);
    assert!(reason.starts_with("refused: an incremental replication stream"), "{reason}");
}

#[test]
fn properties_in_a_stream_are_left_out_as_the_policy_says() {
    let property = |name: &str, value: Option<&str>| (Property::parse(name).unwrap(), value.map(str::to_owned));
    let with = |properties| Package {
        recursive: false,
        from: None,
        members: vec![Member { properties, holds: true, ..member("tank/x") }],
    };
    let carried = vec![property("sharenfs", Some("on")), property("a:b", Some("c")), property("quota", None)];
    let begins = [head("tank/x@s", with(carried)), full("tank/x@s")];
    let line = "zfs receive -x quota backup/laptop/x";
    assert_eq!(push(line, &begins), "zfs receive -h -u -x quota -x sharenfs -x a:b -- backup/laptop/x");
    let setting = role("[grant.receive]\nclient_may_set = [\"a:*\"]");
    assert_eq!(arrive(&setting, line, &begins), "zfs receive -h -u -x quota -x sharenfs -- backup/laptop/x");
    let refusing = role("[grant.receive.stream]\nproperties = \"refuse\"");
    let reason = "refused: the stream carries the property sharenfs (receive.stream.properties)";
    assert_eq!(arrive(&refusing, line, &begins), reason);
    let any = role("[grant.receive.stream]\nproperties = \"any\"");
    assert_eq!(arrive(&any, line, &begins), "zfs receive -h -u -x quota -- backup/laptop/x");

    // A file that the next `zfs load-key -a` would read as root, whatever the policy says.
    for (value, fine) in [("prompt", true), ("file:///etc/shadow", false), ("https://x/", false)] {
        let begins = [head("tank/x@s", with(vec![property("keylocation", Some(value))])), full("tank/x@s")];
        let refused = arrive(&any, line, &begins) == "refused: the stream carries a keylocation other than 'prompt'";
        assert_eq!(refused, !fine, "{value}");
    }
    // A raw stream's key is no property that could be left out.
    let key = vec![property("encryption", None), property("keyformat", None), property("keylocation", Some("prompt"))];
    let begins = [head("tank/x@s", with(key)), Begin { raw: true, ..full("tank/x@s") }];
    assert_eq!(push("zfs receive backup/laptop/x", &begins), "zfs receive -h -u -x keylocation -- backup/laptop/x");

    // -x doesn't reach those of snapshots; the account has no right to them.
    let snapshots = Member { snapshot_properties: vec![Property::parse("a:b").unwrap()], ..member("tank/x") };
    let package = Package { recursive: false, from: None, members: vec![snapshots] };
    let begins = [head("tank/x@s", package), full("tank/x@s")];
    let line = "zfs receive backup/laptop/new";
    assert_eq!(push(line, &begins), "zfs receive -u -- backup/laptop/new");
    let reason = "refused: the stream sets a:b on snapshots (receive.client_may_set)";
    let by_sudo = role("[privilege]\nvia = \"sudo\"");
    assert_eq!(arrive(&by_sudo, line, &begins), reason);
    assert_eq!(arrive(&refusing, line, &begins), reason);
    let listed = role("[grant.receive]\nclient_may_set = [\"a:*\"]\n[privilege]\nvia = \"sudo\"");
    assert!(arrive(&listed, line, &begins).starts_with("sudo"));
}

#[test]
fn what_is_added_suits_the_kind_of_dataset_that_arrives() {
    let set = role(
        "[grant.receive]\nset = { canmount = \"noauto\", readonly = \"on\" }\nexclude = [\"mountpoint\"]\n[[grant]]\ndatasets = [\"x\"]\n[privilege]\nvia = \"sudo\"",
    );
    let line = "sudo zfs receive backup/laptop/x";
    assert_eq!(
        arrive(&set, line, &[full("tank/x@s")]),
        "sudo -n -- /usr/sbin/zfs receive -u -o canmount=noauto -o readonly=on -x mountpoint -- backup/laptop/x"
    );
    let volume = Begin { kind: Kind::Volume, ..full("tank/x@s") };
    assert_eq!(arrive(&set, line, &[volume]), "sudo -n -- /usr/sbin/zfs receive -u -o readonly=on -- backup/laptop/x");
}

#[test]
fn with_the_rights_of_root_no_properties_come_to_the_granted_dataset_itself() {
    let carried = Package {
        recursive: false,
        from: None,
        members: vec![Member { properties: vec![(Property::parse("a:b").unwrap(), None)], ..member("tank/x") }],
    };
    let begins = [head("tank/x@s", carried), full("tank/x@s")];
    let by_sudo = role("[privilege]\nvia = \"sudo\"");
    let reason = "refused: a stream with properties would take away what is set on 'backup/laptop'";
    assert_eq!(arrive(&by_sudo, "zfs receive -F backup/laptop", &begins), reason);
    assert!(arrive(&by_sudo, "zfs receive -F backup/laptop/new", &begins).starts_with("sudo"));
    // Without them the kernel takes nothing away that the account may not set.
    assert!(push("zfs receive -F backup/laptop", &begins).starts_with("zfs receive"));
}
