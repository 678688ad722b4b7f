//! Edges of rules that no client and no attack meets: for each, a request on either side of it.

use super::common::{judge, policy, shown};
use zfs_shell::facts::Table;

const HOST: &str = r#"
    [[dataset]]
    name = "tank/d"
    type = "filesystem"
    encryption = "off"
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
    encryption = "off"
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
            ("zfs destroy -d tank/d@a", "zfs destroy -d -- tank/d@a"),
            ("zfs destroy -d tank/d@b", "'tank/d@b' can't go now, and -d would let it go later"),
            ("zfs destroy -d tank/d@c", "zfs destroy -d -- tank/d@c"),
            ("zfs destroy tank/d#x", "zfs destroy -- tank/d#x"),
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
fn holds_are_counted_over_the_snapshots_of_a_dataset() {
    let full = "'tank/d' has its 1 holds (hold.max)";
    for (max, [held, free]) in [(1, [full; 2]), (2, ["zfs hold -- t tank/d@b", "zfs hold -- t tank/d@c"])] {
        let rows = [("zfs hold t tank/d@b", held), ("zfs hold t tank/d@c", free)];
        decided(&format!("allow = ['hold']\nhold.tags = ['*']\nhold.max = {max}"), &rows);
    }
}
