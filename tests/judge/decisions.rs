//! Tables of requests through the one path from bytes to decision.

use std::path::Path;

use super::common::{corpus, corpus_host, judge, policy, read, shown};
use super::tables::{Row, rows};
use zfs_shell::facts::Table;
use zfs_shell::record::Step;

fn attacked() -> (zfs_shell::policy::Policy, Table) {
    (policy(&read("attacks/policy.toml")), Table::parse(&read("attacks/facts.toml")).unwrap())
}

/// Each row says which words are right for it; none of its programs may run.
#[test]
fn no_attack_runs_anything() {
    let (policy, host) = attacked();
    let mut wrong = Vec::new();
    for row in rows("must-refuse.tsv") {
        let outcome = judge(&row.line, &policy, &host);
        let runs = outcome.stages.iter().any(|step| !matches!(step, Step::Answer(..)));
        if runs || !row.third.split('|').any(|word| word == outcome.decision) {
            let line = String::from_utf8_lossy(&row.line).into_owned();
            wrong.push(format!(
                "{} ({}): {} {}\n    {line:.200}",
                row.id,
                row.fourth,
                outcome.decision,
                shown(&outcome)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} rows\n{}", wrong.len(), wrong.join("\n"));
}

/// Each row is refused for the reason that it was written for, and not for another by chance: `tests/attacks/reasons.tsv`
/// says what the log gets of a refusal, and what the client is answered for a hidden dataset. ZFS_SHELL_BLESS=1 writes
/// what is seen, to be read before it is committed.
#[test]
fn each_attack_is_refused_for_its_own_reason() {
    let (policy, host) = attacked();
    let told = |row: &Row| {
        let outcome = judge(&row.line, &policy, &host);
        format!("{}\t{}\t{}", row.id, outcome.decision, shown(&outcome))
    };
    let seen: Vec<String> = rows("must-refuse.tsv").iter().map(told).collect();
    if std::env::var_os("ZFS_SHELL_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/reasons.tsv");
        std::fs::write(path, seen.join("\n") + "\n").unwrap();
    }
    let table = read("attacks/reasons.tsv");
    let expected: Vec<&str> = table.lines().collect();
    let differ = seen.iter().filter(|line| !expected.contains(&line.as_str()));
    let wrong: Vec<&str> = differ.map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} rows differ\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(seen.len(), expected.len());
}

/// What a dataset outside the grant is answered depends on its name alone.
#[test]
fn a_hidden_dataset_is_answered_like_a_missing_one() {
    let (policy, host) = attacked();
    let mut seen = 0;
    for row in rows("must-refuse.tsv") {
        let line = String::from_utf8_lossy(&row.line).into_owned();
        if !line.contains("tank/secret") {
            continue;
        }
        let there = judge(line.as_bytes(), &policy, &host);
        let missing = judge(line.replace("tank/secret", "tank/absent").as_bytes(), &policy, &host);
        if there.decision == "hidden" {
            seen += 1;
            assert_eq!(shown(&there).replace("tank/secret", "tank/absent"), shown(&missing), "{line}");
            assert_eq!(there.status, missing.status, "{line}");
        }
    }
    assert!(seen > 20, "{seen}");
}

/// What looks odd and is right runs, or is kept.
#[test]
fn odd_but_right_commands_run() {
    let (policy, host) = attacked();
    for row in rows("must-differ.tsv") {
        let outcome = judge(&row.line, &policy, &host);
        assert!(outcome.passes(), "{}: {} {}", row.id, outcome.decision, shown(&outcome));
    }
}

/// The commands that clients were seen to send, by the role of that side alone. `tests/cases/FILE` says for each line of
/// `tests/corpus/FILE` what is decided and what happens; ZFS_SHELL_BLESS=1 writes what is seen, to be read before it is
/// committed.
#[test]
fn what_clients_send_is_decided_as_the_tables_say() {
    let pull = policy("[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank/data\"]\n");
    let push = policy("[[grant]]\nrole = \"push-target\"\ndatasets = [\"backup/laptop\"]\n");
    let host = corpus_host();
    let bless = std::env::var_os("ZFS_SHELL_BLESS").is_some();
    let mut wrong = Vec::new();
    for (name, text) in corpus() {
        let policy = if name.contains("-target") { &push } else { &pull };
        let seen: String = text
            .iter()
            .map(|line| {
                let outcome = judge(line, policy, &host);
                let rewrites = match outcome.rewrites.is_empty() {
                    true => String::new(),
                    false => format!("\t[{}]", outcome.rewrites.join(", ")),
                };
                format!("{}\t{}{rewrites}\n", outcome.decision, shown(&outcome))
            })
            .collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(&name);
        if bless {
            std::fs::write(&path, &seen).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for ((place, seen), expected) in seen.lines().enumerate().zip(expected.lines()) {
            if seen != expected {
                let line = String::from_utf8_lossy(&text[place]);
                wrong.push(format!("{name}: {line}\n    expected {expected}\n    seen     {seen}"));
            }
        }
        assert_eq!(seen.lines().count(), expected.lines().count(), "{name}");
    }
    assert!(wrong.is_empty(), "{} lines\n{}", wrong.len(), wrong.join("\n"));
}

/// Clients that need more than their role, the policy that has it, and what they send for it.
#[test]
fn what_a_client_needs_beside_its_role_is_in_its_ready_made_policy() {
    let cases: [(&str, &str, &[&str]); 13] = [
        ("pull-bzfs", "bzfs-1.25.0-source.txt", &["zfs snapshot "]),
        ("push-bzfs", "bzfs-1.25.0-target.txt", &["-o compression=zstd", "-o recordsize=1048576 backup"]),
        ("push-properties", "syncoid-2.1.0-target.txt", &["-o compression=lz4", "-o recordsize="]),
        ("push-properties", "syncoid-2.3.0-target.txt", &["-o compression=lz4", "-s -F -o recordsize="]),
        ("push-properties", "zfs-replicate-master-target.txt", &["-o compression=lz4"]),
        ("pull-zettarepl", "zettarepl-25.10-source.txt", &[" -V -R "]),
        (
            "push-zettarepl",
            "zettarepl-25.10-target.txt",
            &["zfs destroy backup/laptop/data@", "-o compression=lz4", "zfs set readonly=on", "zfs inherit readonly"],
        ),
        ("pull-names", "pve-zsync-2.3.1-source.txt", &["zfs snapshot ", "zfs destroy "]),
        ("pull-names", "zelta-1.1-source.txt", &["zfs snapshot "]),
        ("pull-names", "zxfer-1.1.7-source.txt", &["zfs snapshot "]),
        ("push-names", "pve-zsync-2.3.1-target.txt", &["zfs destroy "]),
        ("push-names", "zxfer-1.1.7-target.txt", &["zfs destroy "]),
        ("push-zrep", "zrep-2.0.2-target.txt", &["zfs set zrep:"]),
    ];
    let host = corpus_host();
    let corpus = corpus();
    let mut wrong = Vec::new();
    for (name, client, needs) in cases {
        let role = match name.starts_with("pull") {
            true => policy("[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank/data\"]\n"),
            false => policy("[[grant]]\nrole = \"push-target\"\ndatasets = [\"backup/laptop\"]\n"),
        };
        let more = policy(&read(&format!("../policy/{name}.toml")));
        for need in needs {
            // What was encrypted there is granted here.
            let lines =
                corpus[client].iter().map(|line| String::from_utf8_lossy(line).replace("tank/secret", "tank/data"));
            let lines: Vec<String> = lines.filter(|line| line.contains(need)).collect();
            assert!(!lines.is_empty(), "{client}: {need}");
            for line in lines {
                let [alone, with] = [&role, &more].map(|policy| judge(line.as_bytes(), policy, &host));
                if alone.decision != "refused" || !with.passes() {
                    wrong.push(format!("{name}: {line}\n    alone {}\n    more  {}", shown(&alone), shown(&with)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} lines\n{}", wrong.len(), wrong.join("\n"));
}

/// What lies above a grant exists by its word and tells nothing else; reads below it see what is granted alone.
#[test]
fn reads_are_cut_to_what_is_granted() {
    let plain = "datasets = [\"tank/data\"]\nallow = [\"list\"]";
    let except = "datasets = [\"tank/data\"]\nexcept = [\"tank/data/x\"]\nallow = [\"list\"]";
    let wild = "datasets = [\"tank/vm-*\"]\nallow = [\"list\"]";
    let below = "datasets = [\"tank/data\"]\nscope = \"descendents\"\nallow = [\"list\"]";
    let no = "allowed";
    let cases = [
        (plain, "zfs list -H -o name tank", no, "answer 0 \"tank\\n\" \"\""),
        (plain, "zfs list -H -o name,used,type tank", no, "answer 0 \"tank\\t-\\tfilesystem\\n\" \"\""),
        (plain, "zfs list -H -o name -t snapshot tank", no, "answer 0 \"\" \"\""),
        (plain, "zfs list -H -o name -r tank", no, "zfs list -H -r -o name -- tank/data"),
        (plain, "zfs list -H -o name -d 1 tank", no, "zfs list -H -d 0 -o name -- tank/data"),
        (plain, "zfs list -H -o name -d 0 tank", no, "answer 0 \"tank\\n\" \"\""),
        (plain, "zfs list -H -o name", no, "zfs list -H -r -o name -- tank/data"),
        (plain, "zfs list -H -o name -d 0", no, "answer 0 \"\" \"\""),
        (plain, "zfs list -H -o name -d 1", no, "zfs list -H -d 0 -o name -- tank/data"),
        (plain, "zfs list -H -o name -d 3", no, "zfs list -H -d 2 -o name -- tank/data"),
        (except, "zfs list -H -o used -d 2", no, "zfs list -H -d 1 -o name,used -- tank/data"),
        (plain, "zfs get receive_resume_token -d 0", no, "answer 0 \"\" \"\""),
        (plain, "zfs list -H -o name tank/data tank", no, "zfs list -H -o name -- tank/data"),
        (plain, "zfs list -o written@tank/secret@a,name tank/data", no, "zfs list -H -o name -- tank/data"),
        (plain, "zfs list -o origin,used tank/data", no, "zfs list -H -o origin,used -- tank/data"),
        (
            plain,
            "zfs get -H name,type,used tank",
            no,
            "answer 0 \"tank\\tname\\ttank\\t-\\ntank\\ttype\\tfilesystem\\t-\\ntank\\tused\\t-\\t-\\n\" \"\"",
        ),
        (plain, "zfs get -H -o value encryption tank", no, "answer 0 \"off\\n\" \"\""),
        (plain, "zfs list -H -o encryption,encryptionroot tank", no, "answer 0 \"off\\t-\\n\" \"\""),
        (plain, "zfs get -H -s local all tank", no, "answer 0 \"\" \"\""),
        (plain, "zfs get -H guid,creation tank/data", no, "zfs get -H -- guid,creation tank/data"),
        (plain, "zfs get -H -o value,name all tank/data", no, "zfs get -H -o name,property,value -- all tank/data"),
        (plain, "zpool list -H -o name,size", no, "zpool list -H -o name -- tank"),
        (
            plain,
            "zpool get -H -o value feature@lz4_compress tank",
            no,
            "zpool get -H -o value -- feature@lz4_compress tank",
        ),
        (plain, "zpool get -H all tank", no, "zpool get -H -o name,property,source,value -- all tank"),
        (plain, "zpool list other", "hidden", "answer 1 \"\" \"cannot open 'other': no such pool\\n\""),
        (plain, "zfs destroy -r tank", "hidden", "answer 1 \"\" \"cannot open 'tank': dataset does not exist\\n\""),
        (except, "zfs list -r -o used tank/data", no, "zfs list -H -r -o name,used -- tank/data"),
        (
            except,
            "zfs list -H tank/data/x",
            "hidden",
            "answer 1 \"\" \"cannot open 'tank/data/x': dataset does not exist\\n\"",
        ),
        (
            except,
            "zfs list -H -t snapshot -d 1 -o name tank/data",
            no,
            "zfs list -H -d 1 -t snapshot -o name -- tank/data",
        ),
        (wild, "zfs list -H -o name -r tank", no, "zfs list -H -r -o name -- tank"),
        (wild, "zfs list -H -o name tank/vm-1", no, "zfs list -H -o name -- tank/vm-1"),
        (below, "zfs list -H -o name tank/data", no, "answer 0 \"tank/data\\n\" \"\""),
        (below, "zfs list -H -o name -r tank/data", no, "zfs list -H -r -o name -- tank/data"),
    ];
    for (grant, line, decision, expected) in cases {
        let outcome = judge(line.as_bytes(), &policy(&format!("[[grant]]\n{grant}\n")), &Table::default());
        assert_eq!((outcome.decision, shown(&outcome)), (decision, expected.to_owned()), "{line}\n{grant}");
    }
}

/// An exception holds for all that would reach it from above, not in lists alone.
#[test]
fn what_is_taken_out_of_a_grant_is_in_nothing_that_is_done_above_it() {
    let text = "[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank/data\"]\nsend.replicate = true\n";
    let whole = policy(text);
    let part = policy(&format!("{text}except = [\"tank/data/x\"]\n"));
    let host = Table::parse(&read("attacks/facts.toml")).unwrap();
    for (line, with, reason) in [
        ("zfs send -w -R tank/data@a", "refused", "does not allow -R "),
        ("zfs send -w tank/data/x@a", "hidden", "tank/data/x@a"),
        ("zfs send -w -R tank/data/x@a", "hidden", "tank/data/x@a"),
        ("zfs snapshot -r tank/data@syncoid_1", "refused", "does not allow -r here"),
        ("zfs snapshot tank/data@syncoid_1 tank/data/x@syncoid_1", "hidden", "tank/data/x"),
        ("zfs hold -r syncoid_1 tank/data@syncoid_a", "refused", "all that lies below, as -r needs"),
        ("zfs bookmark tank/data/x@a tank/data/x#a", "hidden", "tank/data/x@a"),
        ("zfs destroy tank/data/x@syncoid_a", "hidden", "tank/data/x"),
    ] {
        let [alone, excepted] = [&whole, &part].map(|policy| judge(line.as_bytes(), policy, &host));
        assert!(["allowed", "kept"].contains(&alone.decision), "{line}: {}", shown(&alone));
        assert_eq!(excepted.decision, with, "{line}: {}", shown(&excepted));
        assert!(shown(&excepted).contains(reason), "{line}: {}", shown(&excepted));
    }
    let pruned = judge(b"zfs destroy -r tank/data@syncoid_a", &part, &host);
    assert!(!shown(&pruned).contains("tank/data/x"), "{}", shown(&pruned));
}

/// What a rule covers and keeps is left out, and the rest goes; what no rule covers refuses all.
#[test]
fn destruction_leaves_what_rules_keep() {
    let rules = |kept: &str| {
        let rule = format!("names = [\"a*\"]\nkeep = 2\nkept = \"{kept}\"\nbookmarks = [\"b*\"]");
        format!("[[grant]]\ndatasets = [\"tank/data\"]\nallow = [\"destroy\"]\n[[grant.destroy]]\n{rule}\n")
    };
    let snapshots: String = ["a1", "a2", "x", "a3", "a4", "a5", "y"]
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let creation = format!("2026-11-{:02}T00:00:00Z", place + 1);
            format!("{{ name = \"{name}\", creation = {creation}, createtxg = {place}, guid = {place} }},")
        })
        .collect();
    let facts = format!(
        "[[dataset]]\nname = \"tank/data\"\nsnapshots = [{snapshots}]\n[[dataset]]\nname = \"tank/data/x\"\nsnapshots = [{snapshots}]"
    );
    let host = Table::parse(&facts).unwrap();
    let held =
        "cannot destroy snapshot tank/data@a4: it's being held. Run 'zfs holds -r tank/data@a4' to see holders.\\n";
    let none = "answer 1 \"\" \"could not find any snapshots to destroy; check snapshot names.\\n\"";
    let cases = [
        ("note", "zfs destroy tank/data@a1", "allowed", "zfs destroy -- tank/data@a1".to_owned()),
        ("note", "zfs destroy tank/data@a4", "kept", "answer 0 \"\" \"zfs-shell: kept: tank/data@a4\\n\"".to_owned()),
        ("held", "zfs destroy tank/data@a4", "kept", format!("answer 1 \"\" \"{held}\"")),
        ("note", "zfs destroy tank/data@a1,a4,a2", "kept", "zfs destroy -- tank/data@a1,a2".to_owned()),
        ("held", "zfs destroy tank/data@a1,a4,a2", "kept", "zfs destroy -- tank/data@a1,a2".to_owned()),
        ("note", "zfs destroy tank/data@a3%a5", "kept", "zfs destroy -- tank/data@a3".to_owned()),
        ("note", "zfs destroy tank/data@a1%a2", "allowed", "zfs destroy -- tank/data@a1,a2".to_owned()),
        ("note", "zfs destroy tank/data@a1%a3", "refused", "no destroy rule covers 'tank/data@x'".to_owned()),
        ("note", "zfs destroy tank/data@x", "refused", "no destroy rule covers 'tank/data@x'".to_owned()),
        ("note", "zfs destroy tank/data@a9", "allowed", none.to_owned()),
        (
            "note",
            "zfs destroy -rv tank/data@a1",
            "allowed",
            "zfs destroy -v -- tank/data@a1 ; zfs destroy -v -- tank/data/x@a1".to_owned(),
        ),
        (
            "note",
            "zfs destroy -R tank/data@a1",
            "refused",
            "zfs destroy -R takes clones wherever they are, and is not served".to_owned(),
        ),
        ("note", "zfs destroy 'tank/data#b1'", "allowed", "zfs destroy -- tank/data#b1".to_owned()),
        (
            "note",
            "zfs destroy 'tank/data#c1'",
            "refused",
            "no destroy rule covers the bookmark 'tank/data#c1'".to_owned(),
        ),
        ("note", "zfs destroy tank/data/x", "refused", "the grant does not allow to destroy datasets".to_owned()),
    ];
    for (kept, line, decision, expected) in cases {
        let outcome = judge(line.as_bytes(), &policy(&rules(kept)), &host);
        assert_eq!((outcome.decision, shown(&outcome)), (decision, expected), "{line}");
    }
}

/// What clients write to gain rights is understood, and done as the policy says.
#[test]
fn rights_are_gained_as_the_policy_says() {
    let grant = "[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank/data\"]\n";
    let via = |via: &str| policy(&format!("{grant}[privilege]\nvia = \"{via}\"\n"));
    for line in
        ["zfs list tank/data", "sudo -n zfs list tank/data", "sudo -- zfs list tank/data", "doas zfs list tank/data"]
    {
        for (privilege, expected) in [
            ("none", "zfs list -- tank/data"),
            ("sudo", "sudo -n -- /usr/sbin/zfs list -- tank/data"),
            ("doas", "doas -n -- /usr/sbin/zfs list -- tank/data"),
        ] {
            let outcome = judge(line.as_bytes(), &via(privilege), &Table::default());
            assert_eq!((outcome.decision, shown(&outcome)), ("allowed", expected.to_owned()), "{line}");
            let dropped = outcome.rewrites.iter().any(|rewrite| rewrite.starts_with("dropped"));
            assert_eq!(dropped, !line.starts_with("zfs") && !line.starts_with(privilege), "{line} {privilege}");
        }
    }
    // Filters gain none.
    let outcome = judge(b"zfs send -w tank/data@a | lzop", &via("sudo"), &Table::default());
    assert_eq!(shown(&outcome), "sudo -n -- /usr/sbin/zfs send -w -- tank/data@a ; lzop");
    assert_eq!(judge(b"sudo lzop", &via("sudo"), &Table::default()).decision, "unknown");
}

/// A grant that has ended, or whose hours these aren't, is no grant.
#[test]
fn a_grant_holds_in_its_time_alone() {
    let at = |time: &str| {
        let seconds = time
            .split_once(':')
            .map(|(hour, minute)| hour.parse::<u64>().unwrap() * 3600 + minute.parse::<u64>().unwrap() * 60);
        Table::default().at(std::time::UNIX_EPOCH + std::time::Duration::from_secs(20_778 * 86_400 + seconds.unwrap()))
    };
    let grant = |limit: &str| policy(&format!("[[grant]]\ndatasets = [\"tank/data\"]\nallow = [\"list\"]\n{limit}\n"));
    let cases = [
        ("until = 2026-11-21T12:00:00Z", "11:59", "allowed"),
        ("until = 2026-11-21T12:00:00Z", "12:00", "hidden"),
        ("until = 2026-11-21T12:00:00+01:00", "11:30", "hidden"),
        ("between = [\"01:00\", \"05:00\"]", "01:00", "allowed"),
        ("between = [\"01:00\", \"05:00\"]", "05:00", "hidden"),
        ("between = [\"22:00\", \"05:00\"]", "23:59", "allowed"),
        ("between = [\"22:00\", \"05:00\"]", "04:59", "allowed"),
        ("between = [\"22:00\", \"05:00\"]", "05:00", "hidden"),
        ("between = [\"22:00\", \"05:00\"]", "12:00", "hidden"),
    ];
    for (limit, time, decision) in cases {
        let outcome = judge(b"zfs list tank/data", &grant(limit), &at(time));
        assert_eq!(outcome.decision, decision, "{limit} at {time}");
    }
}

/// What a policy counts: bookmarks of a dataset, holds with its tags, the memory of filters; and what must be installed.
#[test]
fn limits_are_counted_on_the_host() {
    let policy = policy(
        "[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank/data\"]\nbookmark = { max = 1 }\nhold = { max = 2 }\n\
         [filters]\nallow = [\"mbuffer\", \"lzop\"]\nmemory = \"64MiB\"\n",
    );
    let snapshot = |name: &str, place: u8, holds: &str| {
        format!(
            "{{ name = \"{name}\", creation = 2026-11-0{place}T00:00:00Z, createtxg = {place}, guid = {place}, holds = [{holds}] }}"
        )
    };
    let host = |held: &str, bookmarks: &str| {
        let snapshots = [snapshot("a", 1, held), snapshot("b", 2, "\"keep\"")].join(", ");
        let dataset =
            format!("name = \"tank/data\"\nencryption = \"off\"\nsnapshots = [{snapshots}]\nbookmarks = [{bookmarks}]");
        Table::parse(&format!("programs = [\"zfs\", \"mbuffer\"]\n[[dataset]]\n{dataset}\n")).unwrap()
    };
    let (free, full) = (host("\"syncoid_x\"", ""), host("\"syncoid_x\", \"syncoid_y\"", "{ name = \"x\", guid = 1 }"));
    let cases = [
        (&free, "zfs hold syncoid_z tank/data@b", "allowed", ""),
        (&full, "zfs hold syncoid_z tank/data@b", "refused", "'tank/data' has its 2 holds (hold.max)"),
        (&free, "zfs hold syncoid_z tank/data@a tank/data@b", "refused", "'tank/data' has its 2 holds (hold.max)"),
        (&free, "zfs hold keep tank/data@a", "refused", "the grant does not allow the tag 'keep' (hold.tags)"),
        (&full, "zfs release syncoid_x tank/data@a", "allowed", ""),
        (&full, "zfs release keep tank/data@b", "refused", "the grant does not allow the tag 'keep' (hold.tags)"),
        (&free, "zfs bookmark tank/data@a '#a'", "allowed", ""),
        (&full, "zfs bookmark tank/data@a '#a'", "refused", "'tank/data' has its 1 bookmarks (bookmark.max)"),
        (&free, "zfs send tank/data@a | mbuffer -q -m 64M", "allowed", ""),
        (
            &free,
            "zfs send tank/data@a | mbuffer -q -m 65M",
            "refused",
            "the buffer is larger than the policy's filters.memory",
        ),
        (&free, "zfs send tank/data@a | lzop", "broken", "program 'lzop' is missing"),
        (&free, "zfs send tank/data@a | gzip", "refused", "the policy does not allow the filter gzip"),
        (&free, "zpool list", "broken", "program 'zpool' is missing"),
        (&free, "command -v mbuffer", "allowed", ""),
    ];
    for (host, line, decision, reason) in cases {
        let outcome = judge(line.as_bytes(), &policy, host);
        assert_eq!((outcome.decision, outcome.reason.as_deref().unwrap_or_default()), (decision, reason), "{line}");
    }
    for (name, stdout, status) in
        [("mbuffer", "/usr/bin/mbuffer\n", 0), ("lzop", "", 127), ("gzip", "", 127), ("socat", "", 127)]
    {
        let outcome = judge(format!("command -v {name}").as_bytes(), &policy, &free);
        assert_eq!(outcome.stages, [Step::Answer(stdout.to_owned(), String::new(), status)], "{name}");
    }
}
