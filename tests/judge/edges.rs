//! Edges of rules that no client and no attack meets: for each, a request on either side of it.

use super::common::{judge, judge_plan, policy, shown};
use zfs_shell::command::name::{Guid, Snapshot};
use zfs_shell::command::token::Token;
use zfs_shell::decide::plan::{Action, Stage};
use zfs_shell::facts::Table;

const HOST: &str = r#"
    [[dataset]]
    name = "tank/d"
    type = "filesystem"
    encryption = "off"
    properties = { setuid = "on" }
    bookmarks = [{ name = "m", guid = 7 }]
    snapshots = [
        { name = "a", creation = 2026-11-01T00:00:00Z, createtxg = 1, guid = 1 },
        { name = "b", creation = 2026-11-02T00:00:00Z, createtxg = 2, guid = 2, holds = ['x'] },
        { name = "c", creation = 2026-11-03T00:00:00Z, createtxg = 3, guid = 3 },
        { name = "z", creation = 2026-11-04T00:00:00Z, createtxg = 4, guid = 4 },
    ]
    [[dataset]]
    name = "tank/d/e"
    type = "filesystem"
    encryption = "off"
    snapshots = []
    [[dataset]]
    name = "tank/d/e/f"
    type = "filesystem"
    encryption = "aes-256-gcm"
    snapshots = []
"#;

/// What becomes of requests by these lines of a grant for tank/d.
fn decided(grant: &str, rows: &[(&str, &str)]) {
    let policy = policy(&format!("[[grant]]\ndatasets = ['tank/d']\n{grant}\n"));
    let host = Table::parse(HOST).unwrap();
    for (line, expected) in rows {
        let outcome = judge(line.as_bytes(), &policy, &host);
        let (happens, rewrites) = (shown(&outcome), outcome.rewrites.join(", "));
        let happens = if rewrites.is_empty() { happens } else { format!("{happens} [{rewrites}]") };
        assert_eq!(happens, *expected, "{line}");
    }
}

#[test]
fn each_option_of_destroy_goes_with_what_it_may_go_with() {
    let rules = "allow = ['destroy']\n[[grant.destroy]]\nnames = ['*']\nbookmarks = ['*']\ndatasets = true\nkeep = 1";
    decided(
        rules,
        &[
            ("zfs destroy tank/d@a", "zfs destroy -- tank/d@a"),
            ("zfs destroy tank/d@a,c", "zfs destroy -- tank/d@a,c"),
            ("zfs destroy -f tank/d@a", "zfs destroy -- tank/d@a [dropped -f]"),
            ("zfs destroy -d tank/d@a", "zfs destroy -d -- tank/d@a"),
            ("zfs destroy -d tank/d@b", "'tank/d@b' can't go now, and -d would let it go later"),
            ("zfs destroy -d tank/d@c", "zfs destroy -d -- tank/d@c"),
            ("zfs destroy tank/d#x", "zfs destroy -- tank/d#x"),
            ("zfs destroy tank/x#x", "answer 1 \"\" \"bookmark 'tank/x#x' does not exist.\\n\""),
            ("zfs destroy -d tank/d#x", "-d, -n and -r do not go with a bookmark"),
            ("zfs destroy -r tank/d#x", "-d, -n and -r do not go with a bookmark"),
            ("zfs destroy tank/d/e/f", "zfs destroy -- tank/d/e/f"),
            ("zfs destroy -f tank/d/e/f", "-f and -d do not go with a dataset here"),
            ("zfs destroy -d tank/d/e/f", "-f and -d do not go with a dataset here"),
            (
                "zfs destroy -r tank/d/e",
                "zfs destroy -- tank/d/e/f ; zfs destroy -- tank/d/e [expanded -r of 'tank/d/e' into 2 datasets]",
            ),
        ],
    );
    decided(
        &format!("except = ['tank/d/e/f']\n{rules}"),
        &[
            ("zfs destroy -r tank/d/e", "the grant does not cover all that lies below, as -r needs"),
            ("zfs destroy tank/d/e", "zfs destroy -- tank/d/e"),
        ],
    );
}

#[test]
fn reads_are_as_wide_as_the_grant_and_no_wider() {
    decided(
        "allow = ['list']",
        &[
            ("zfs list", "zfs list -r -- tank/d [added the granted datasets as operands]"),
            ("zfs list -r tank/d", "zfs list -r -- tank/d"),
            ("zfs list -d 2", "zfs list -d 1 -- tank/d [added the granted datasets as operands]"),
            ("zfs list -o name,origin tank/d", "zfs list -H -o origin,name -- tank/d"),
            ("zfs list -d 1 tank", "zfs list -H -d 0 -o name,used,available,referenced,mountpoint -- tank/d"),
            (
                "zfs list -d 2 -t snapshot tank",
                "zfs list -H -d 1 -t snapshot -o name,used,available,referenced,mountpoint -- tank/d",
            ),
            ("zfs holds -r tank/d@c", "zfs holds -r -- tank/d@c"),
            ("zfs holds tank/d@c", "zfs holds -- tank/d@c"),
            ("zpool list", "zpool list -H -o name,health -- tank [added the granted pools as operands]"),
            ("zpool list tank", "zpool list -H -o name,health -- tank"),
            ("zpool list -o name,size,guid tank", "zpool list -H -o name,guid -- tank"),
            ("zpool list -o guid", "zpool list -o guid -- tank [added the granted pools as operands]"),
            ("zpool get guid", "zpool get -- guid tank [added the granted pools as operands]"),
            (
                "zfs get -s none used tank",
                "answer 0 \"NAME  PROPERTY  VALUE  SOURCE\\ntank  used      -      -\\n\" \"\"",
            ),
            ("zfs get -r used tank", "zfs get -H -r -o name,property,source,value -- used tank/d"),
            ("zpool get size tank", "zpool get -H -o name,property,source,value -- size tank"),
            ("zpool get all tank", "zpool get -H -o name,property,source,value -- all tank"),
            (
                "zpool get -o value all",
                "zpool get -H -o name,property,value -- all tank [added the granted pools as operands]",
            ),
        ],
    );
    decided(
        "allow = ['list']\nexcept = ['tank/d/e/f']",
        &[
            (
                "zfs list",
                "zfs list -H -r -o name,used,available,referenced,mountpoint -- tank/d [added the granted datasets as operands]",
            ),
            ("zfs list -r tank/d", "zfs list -H -r -o name,used,available,referenced,mountpoint -- tank/d"),
            ("zfs list -o name,origin -r tank/d", "zfs list -H -r -o name,origin -- tank/d"),
            ("zfs list -d 1 tank/d", "zfs list -H -d 1 -o name,used,available,referenced,mountpoint -- tank/d"),
            ("zfs list -d 1 -t snapshot tank/d", "zfs list -d 1 -t snapshot -- tank/d"),
            (
                "zfs list -d 1 -t volume tank/d",
                "zfs list -H -d 1 -t volume -o name,used,available,referenced,mountpoint -- tank/d",
            ),
            (
                "zfs list -d 2 -t snapshot tank/d",
                "zfs list -H -d 2 -t snapshot -o name,used,available,referenced,mountpoint -- tank/d",
            ),
            ("zfs list -d 0 tank/d", "zfs list -d 0 -- tank/d"),
            ("zfs list -d 1 tank", "zfs list -H -d 0 -o name,used,available,referenced,mountpoint -- tank/d"),
            (
                "zfs list -d 2 -t snapshot tank",
                "zfs list -H -d 1 -t snapshot -o name,used,available,referenced,mountpoint -- tank/d",
            ),
            ("zfs holds -r tank/d@c", "the grant does not cover all that lies below, as -r needs"),
            ("zfs holds tank/d@c", "zfs holds -- tank/d@c"),
        ],
    );
}

#[test]
fn what_a_rule_forbids_is_refused_and_its_other_side_is_not() {
    decided(
        "allow = ['send']\nsend.raw = 'never'\nsend.replicate = true",
        &[
            ("zfs send tank/d@c", "zfs send -- tank/d@c"),
            ("zfs send -w tank/d@c", "the grant does not allow -w (send.raw = \"never\")"),
            ("zfs send -n -v tank/d@c", "zfs send -n -v -- tank/d@c"),
            (
                "zfs send -R -X tank/d/e -X tank/d/e/f tank/d@c",
                "zfs send -R -X tank/d/e,tank/d/e/f -- tank/d@c [expanded -X into one list]",
            ),
        ],
    );
    decided(
        "allow = ['snapshot']\nsnapshot.names = ['*']\nsnapshot.properties = ['a:*']",
        &[
            ("zfs snapshot -o a:b=c tank/d@n", "zfs snapshot -o a:b=c -- tank/d@n"),
            ("zfs snapshot -o b:b=c tank/d@n", "the grant does not allow -o b:b (snapshot.properties)"),
        ],
    );
    let receives = "allow = ['receive']\n[grant.receive]\nforce = 'refuse'\n";
    decided(
        receives,
        &[
            ("zfs receive tank/d/n", "zfs receive -u -- tank/d/n [added -u]"),
            ("zfs receive -F tank/d/n", "the grant does not allow -F (receive.force)"),
            ("zfs receive -u -M tank/d/n", "zfs receive -u -- tank/d/n [dropped -M]"),
        ],
    );
    decided(
        "allow = ['send']\nsend.replicate = true",
        &[
            ("zfs send tank/d@c", "zfs send -- tank/d@c"),
            ("zfs send -R -w tank/d@c", "zfs send -w -R -- tank/d@c"),
            (
                "zfs send -R tank/d@c",
                "'tank/d/e/f' is encrypted, and is sent raw alone: \
                 give syncoid --sendoptions=w, bzfs or zfs-autobackup --raw",
            ),
        ],
    );
    // What is required above a dataset that the stream names is looked at when it comes.
    decided(
        "allow = ['receive']\nreceive.require = { setuid = 'off' }",
        &[
            ("zfs receive tank/d/n", "receive.require does not hold above it, run: zfs set setuid=off tank/d"),
            ("zfs receive -d tank/d/n", "zfs receive -d -u -- tank/d/n [added -u]"),
            (
                "zfs receive -d -o setuid=off tank/d/n",
                "zfs receive -d -u -- tank/d/n [added -u, dropped -o setuid=off]",
            ),
        ],
    );
    // What holds anyway may stand there, whatever else the grant sets.
    decided(
        "allow = ['receive']\nreceive.set = { canmount = 'noauto' }\n[privilege]\nvia = 'sudo'",
        &[
            (
                "sudo zfs receive -o setuid=on tank/d/n",
                "sudo -n -- /usr/sbin/zfs receive -u -o canmount=noauto -- tank/d/n \
                 [added -u, dropped -o setuid=on, added -o canmount=noauto]",
            ),
            ("sudo zfs receive -o setuid=off tank/d/n", "the grant does not allow -o setuid (receive.client_may_set)"),
        ],
    );
    // What stands there twice is there.
    decided("allow = ['list', 'list']", &[("zfs list tank/d", "zfs list -- tank/d")]);
}

#[test]
fn grants_that_begin_at_one_dataset_or_below_each_other_are_read_as_one() {
    let whole = "zfs list -r -- tank/d";
    let parts = "zfs list -H -r -o name,used,available,referenced,mountpoint -- tank/d tank/d/e";
    let above = "answer 0 \"NAME    USED  AVAIL  REFER  MOUNTPOINT\\ntank/d  -     -      -      -\\n\" \"\"";
    let missing = "answer 1 \"\" \"cannot open 'tank/x': dataset does not exist\\n\"";
    for (first, second, dataset, line, expected) in [
        ("local", "both", "tank/d", "zfs list", whole),
        ("both", "local", "tank/d", "zfs list", whole),
        ("both", "local", "tank/d/e", "zfs list", whole),
        ("local", "local", "tank/d/e", "zfs list", parts),
        ("local", "both", "tank/d", "zfs list tank/d/e", "zfs list -- tank/d/e"),
        ("descendents", "descendents", "tank/d", "zfs list tank/d/e", "zfs list -- tank/d/e"),
        ("descendents", "descendents", "tank/d", "zfs list tank/d", above),
        ("descendents", "descendents", "tank/d", "zfs list tank/x", missing),
    ] {
        let grant = |scope: &str, dataset: &str| {
            format!("[[grant]]\ndatasets = ['{dataset}']\nallow = ['list']\nscope = '{scope}'\n")
        };
        let policy = policy(&(grant(first, "tank/d") + &grant(second, dataset)));
        let outcome = judge(line.as_bytes(), &policy, &Table::parse(HOST).unwrap());
        assert_eq!(shown(&outcome), expected, "{first} {second} {dataset}: {line}");
    }
}

#[test]
fn of_grants_that_begin_at_one_dataset_each_adds_what_it_reaches() {
    let grant = |dataset: &str, scope: &str| {
        format!("[[grant]]\ndatasets = ['{dataset}']\nallow = ['list']\nscope = '{scope}'\n")
    };
    let policy = policy(&(grant("tank/d", "local") + &grant("tank/d", "both") + &grant("tank/d/e", "both")));
    let outcome = judge(b"zfs list", &policy, &Table::parse(HOST).unwrap());
    assert_eq!(shown(&outcome), "zfs list -r -- tank/d");
}

#[test]
fn of_grants_at_several_depths_each_is_read_as_deep_as_was_asked() {
    let grant = |dataset: &str| format!("[[grant]]\ndatasets = ['{dataset}']\nallow = ['list']\n");
    let policy = policy(&(grant("tank/d") + &grant("tank/x/y")));
    let outcome = judge(b"zfs list -H -o name -d 3 tank", &policy, &Table::parse(HOST).unwrap());
    assert_eq!(shown(&outcome), "zfs list -H -d 2 -o name -- tank/d ; zfs list -H -d 1 -o name -- tank/x/y");
}

#[test]
fn a_token_counts_for_what_it_says_and_goes_on_from_what_is_there() {
    let token = |raw: bool, from: Option<u64>| {
        let (to, to_guid, from_guid) = (Snapshot::parse("tank/d@c").unwrap(), Guid(3), from.map(Guid));
        let (object, offset, bytes) = (1, 2, 3);
        let (large_blocks, embedded, compressed) = (false, false, raw);
        Token { to, to_guid, from_guid, object, offset, bytes, large_blocks, embedded, compressed, raw }.to_string()
    };
    let never = "the grant does not allow -w (send.raw = \"never\")";
    let missing = "answer 255 \"\" \"cannot resume send: incremental source 0x8 no longer exists\\n\"";
    for (token, expected) in [
        (token(false, None), None),
        (token(true, None), Some(never)),
        (token(false, Some(1)), None),
        (token(false, Some(7)), None),
        (token(false, Some(8)), Some(missing)),
    ] {
        let line = format!("zfs send -t {token}");
        let expected = expected.unwrap_or(&line);
        decided("allow = ['send']\nsend.raw = 'never'\nsend.resume = true", &[(&line, expected)]);
    }
}

#[test]
fn a_stream_flows_where_one_is_sent_or_received_and_not_where_it_is_told_of() {
    let policy = policy("[[grant]]\ndatasets = ['tank/d']\nallow = ['list', 'receive', 'send']\n");
    for (line, flows) in [
        ("zfs send tank/d@c", true),
        ("zfs send -n -v tank/d@c", false),
        ("zfs receive tank/d/n", true),
        ("zfs list tank/d", false),
        ("true", false),
    ] {
        let plan = judge_plan(line.as_bytes(), &policy, &Table::parse(HOST).unwrap()).unwrap();
        assert_eq!(plan.has_stream(), flows, "{line}");
    }
}

#[test]
fn rows_are_left_out_where_zfs_would_show_more_than_is_granted_and_only_there() {
    let policy = policy("[[grant]]\ndatasets = ['tank/d']\nexcept = ['tank/d/e/f']\nallow = ['list']\n");
    for (line, rows, shown) in [
        ("zfs list tank/d", "", None),
        ("zfs list -r -H -o name,used tank/d", "tank/d\t5\ntank/d/e/f\t6\n", Some("tank/d\t5\n")),
        ("zfs list -r -H -o used,name tank/d", "tank/d\t5\ntank/d/e/f\t6\n", Some("5\ttank/d\n")),
        ("zfs get -r -H -o value,property used tank/d", "tank/d\tused\t5\ntank/d/e/f\tused\t6\n", Some("5\tused\n")),
        (
            "zfs get -r -H -o property,value all tank/d",
            "tank/d\torigin\ttank/x@a\ntank/d\tused\t5\n",
            Some("origin\t-\nused\t5\n"),
        ),
        // Nor how large a pool is.
        ("zpool list -H -o size,health,name tank", "ONLINE\ttank\n", Some("-\tONLINE\ttank\n")),
        ("zpool get -H all tank", "tank\tguid\t-\t5\ntank\tsize\t-\t6\n", Some("tank\tguid\t5\t-\ntank\tsize\t-\t-\n")),
    ] {
        let plan = judge_plan(line.as_bytes(), &policy, &Table::parse(HOST).unwrap()).unwrap();
        let Some(Action::Run(run)) = plan.stages().next().map(Stage::action) else { panic!("{line}") };
        let cut = run.table().map(|table| {
            let mut out = Vec::new();
            let mut feed = table.begin(&mut out);
            feed.feed(rows.as_bytes(), &mut out);
            feed.end(&mut out);
            String::from_utf8(out).unwrap()
        });
        assert_eq!(cut.as_deref(), shown, "{line}");
    }
}

#[test]
fn what_stays_is_told_beside_what_goes_and_fails_the_command_where_the_rule_says_so() {
    let held = "cannot destroy snapshot tank/d@z: it's being held. Run 'zfs holds -r tank/d@z' to see holders.\n";
    for (kept, note, status) in [("note", "zfs-shell: kept: tank/d@z\n", 0), ("held", held, 1)] {
        let rule = format!("[[grant.destroy]]\nnames = ['*']\nkept = '{kept}'\n");
        let policy = policy(&format!("[[grant]]\ndatasets = ['tank/d']\nallow = ['destroy']\n{rule}"));
        let plan = judge_plan(b"zfs destroy tank/d@a,z", &policy, &Table::parse(HOST).unwrap()).unwrap();
        let Some(Action::Run(run)) = plan.stages().next().map(Stage::action) else { panic!("{kept}") };
        let words: Vec<String> = run.execs().map(|exec| zfs_shell::syntax::quote(exec.words())).collect();
        assert_eq!(words, ["zfs destroy -- tank/d@a"]);
        assert_eq!((String::from_utf8_lossy(run.note()).as_ref(), run.status()), (note, status));
        // Beside answers that need no grant it is still known which one gave this.
        let plan = judge_plan(b"true; zfs destroy tank/d@z", &policy, &Table::parse(HOST).unwrap()).unwrap();
        let grant = policy.grants[0].id;
        assert_eq!(plan.grants(), [grant]);
        assert_eq!(plan.stages().map(Stage::grant).collect::<Vec<_>>(), [None, Some(grant)]);
    }
}

#[test]
fn holds_are_counted_over_the_snapshots_of_a_dataset() {
    let full = "'tank/d' has its 1 holds (hold.max)";
    for (max, [held, free]) in [(1, [full; 2]), (2, ["zfs hold -- t tank/d@b", "zfs hold -- t tank/d@c"])] {
        let rows = [("zfs hold t tank/d@b", held), ("zfs hold t tank/d@c", free)];
        decided(&format!("allow = ['hold']\nhold.tags = ['*']\nhold.max = {max}"), &rows);
    }
}

#[test]
fn a_receive_goes_with_answers_and_with_nothing_else_that_runs() {
    let alone = "zfs receive is a request of its own";
    let received = "zfs receive -u -- tank/d/n [added -u]";
    decided(
        "allow = ['list', 'receive']",
        &[
            ("zfs receive tank/d/n", received),
            ("true; false; zfs receive tank/d/n", &format!("answer 0 \"\" \"\" ; answer 1 \"\" \"\" ; {received}")),
            ("zfs list tank/d; zfs receive tank/d/n", alone),
            ("zfs receive tank/d/n; zfs list tank/d", alone),
            ("zfs receive tank/d/n; zfs receive tank/d/m", alone),
        ],
    );
}
