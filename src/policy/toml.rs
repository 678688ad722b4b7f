//! Reads the file an administrator wrote: TOML into what is written, what is written into what it means.
#![forbid(unsafe_code)]

use super::expand::Expansion;
use super::show::Shown;
use super::{Policy, PolicyError, written};
use crate::command::name::Component;

/// Reads a policy for a client, or for none. Any error makes the whole void; an empty text is a policy that allows nothing.
pub fn parse(text: &str, client: Option<&Component>) -> Result<Policy, PolicyError> {
    Expansion::new(text, client).policy(read(text)?)
}

/// Every value that [`parse`] comes to, in the order of the file's description, and where each comes from. What is
/// unset (`until`, `between`, `programs`) is left out.
pub fn explain(text: &str, client: Option<&Component>) -> Result<Vec<Shown>, PolicyError> {
    let mut expansion = Expansion::new(text, client).traced();
    expansion.policy(read(text)?)?;
    Ok(expansion.shown())
}

fn read(text: &str) -> Result<written::File<'_>, PolicyError> {
    ::toml::from_str(text).map_err(|error| PolicyError::from_toml(text, &error))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::command::argv::Program;
    use crate::command::property::{Property, Setting};
    use crate::policy::{
        Completion, Floor, Force, IoClass, Kept, Operation, Origin, Privilege, Raw, Role, Rollback, Scope, Session,
        StreamProperties, StreamRules, TimeOfDay,
    };

    fn policy(text: &str) -> Policy {
        parse(text, None).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn client(text: &str) -> Component {
        Component::parse(text).unwrap()
    }

    /// One grant of `tank` with these lines.
    fn grant(lines: &str) -> crate::policy::Grant {
        policy(&format!("[[grant]]\ndatasets = [\"tank\"]\n{lines}")).grants[0].clone()
    }

    #[test]
    fn an_empty_policy_allows_nothing_and_has_what_is_built_in() {
        let policy = policy("# nothing\n");
        assert!(policy.grants.is_empty());
        assert_eq!(policy.filters.allow.len(), 9);
        assert_eq!(policy.filters.memory, 1 << 30);
        assert_eq!(policy.privilege, Privilege::None);
        assert!(policy.programs.is_empty());
        assert_eq!(policy.log.completion, Completion::Streams);
        assert!(
            !policy.log.commands
                && !policy.log.required
                && policy.reasons
                && !policy.sandbox.required
                && !policy.sandbox.zone
        );
        assert_eq!(policy.session, Session::default());
    }

    #[test]
    fn a_grant_without_a_role_allows_nothing_that_is_not_written() {
        let grant = grant("");
        assert_eq!((grant.role, grant.scope, grant.until, grant.between), (None, Scope::Both, None, None));
        assert!(grant.except.is_empty());
        assert!(Operation::ALL.iter().all(|operation| !grant.allow.has(*operation)));
        assert_eq!(grant.send.raw, Raw::Encrypted);
        assert!(!grant.send.replicate && !grant.send.properties && !grant.send.resume);
        assert_eq!((grant.snapshot.names.iter().count(), grant.snapshot.recursive), (0, false));
        assert_eq!(grant.snapshot.properties.iter().count(), 0);
        assert_eq!((grant.bookmark.names.iter().count(), grant.bookmark.max), (0, 500));
        assert_eq!((grant.hold.tags.iter().count(), grant.hold.max), (0, 4));
        assert!(grant.destroy.is_empty() && grant.set.properties.iter().count() == 0);
        let receive = &*grant.receive;
        assert_eq!((receive.names.iter().count(), receive.client_may_set.iter().count(), receive.depth), (0, 0, 8));
        assert_eq!((receive.force, receive.rollback), (Force::Refuse, Rollback::Refuse));
        assert!(!receive.abort && !receive.mount && !receive.create);
        assert!(receive.require.is_empty() && receive.set.is_empty() && receive.exclude.is_empty());
        assert_eq!(receive.stream, StreamRules::default());
    }

    #[test]
    fn every_key_of_receiving_and_setting_is_read() {
        let grant = grant(
            r#"
            allow = ["receive", "create", "rollback", "rename", "set"]
            set.properties = ["compress", "zrep:*"]
            [grant.receive]
            names = ["a_*"]
            depth = 2
            force = "allow"
            rollback = "allow"
            abort = true
            mount = true
            create = true
            require = { setuid = "off", quota = 1073741824 }
            set = { compress = "zstd", "org.example:by" = "a = b" }
            exclude = ["mountpoint", "rdonly"]
            client_may_set = ["recsize", "com.example:*"]
            [grant.receive.stream]
            raw = "always"
            properties = "any"
            clone = true
            future = "30m"
            max_bytes = "2TiB"
            "#,
        );
        let allowed = [Operation::Receive, Operation::Create, Operation::Rollback, Operation::Rename, Operation::Set];
        assert!(Operation::ALL.iter().all(|operation| grant.allow.has(*operation) == allowed.contains(operation)));
        assert_eq!(grant.set.properties.iter().collect::<Vec<_>>(), ["compression", "zrep:*"]);
        let receive = &*grant.receive;
        assert!(receive.names.matches("a_1") && !receive.names.matches("b") && receive.depth == 2);
        assert_eq!((receive.force, receive.rollback), (Force::Allow, Rollback::Allow));
        assert!(receive.abort && receive.mount && receive.create);
        let texts = |settings: &[Setting]| settings.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(&receive.require), ["setuid=off", "quota=1073741824"]);
        assert_eq!(texts(&receive.set), ["compression=zstd", "org.example:by=a = b"]);
        assert_eq!(receive.exclude, [Property::Native("mountpoint"), Property::Native("readonly")]);
        assert_eq!(receive.client_may_set.iter().collect::<Vec<_>>(), ["recordsize", "com.example:*"]);
        let stream = StreamRules {
            raw: true,
            properties: StreamProperties::Any,
            clone: true,
            future: Duration::from_secs(1800),
            max_bytes: Some(2 << 40),
        };
        assert_eq!(receive.stream, stream);
    }

    #[test]
    fn a_key_of_receiving_replaces_the_role_s_value_of_that_key_alone_in_the_stream_too() {
        let role = grant("role = \"push-target\"");
        let written = grant(
            "role = \"push-target\"\nreceive.mount = true\nreceive.require = { setuid = \"off\" }\nreceive.stream.future = \"5m\"",
        );
        assert!(written.receive.mount && written.receive.create && written.receive.abort);
        assert_eq!((written.receive.force, written.receive.rollback), (Force::Safe, Rollback::Latest));
        assert_eq!((role.receive.require.len(), written.receive.require.len()), (3, 1));
        assert_eq!(written.receive.names, role.receive.names);
        let stream = StreamRules { future: Duration::from_secs(300), ..role.receive.stream.clone() };
        assert_eq!(written.receive.stream, stream);
    }

    #[test]
    fn a_destroy_rule_has_only_limits_built_in() {
        let grant = grant("[[grant.destroy]]\nnames = [\"a\"]");
        let [rule] = &*grant.destroy else { panic!() };
        assert_eq!((rule.min_age, rule.keep, rule.floor, rule.kept), (Duration::ZERO, 1, Floor::default(), Kept::Note));
        assert!(!rule.datasets && rule.bookmarks.iter().count() == 0);
    }

    #[test]
    fn every_key_of_a_grant_is_read() {
        let policy = policy(
            r#"
            [[grant]]
            datasets = ["tank/home", "tank/vm-*"]
            except = ["tank/home/private"]
            scope = "descendents"
            allow = ["list", "send"]
            until = 2027-01-01T02:00:00+02:00
            between = ["22:00", "05:30"]
            send = { raw = "always", replicate = true, properties = true, resume = true }
            [grant.snapshot]
            names = ["daily-*"]
            recursive = true
            properties = ["com.example:*"]
            [grant.bookmark]
            names = ["b?"]
            max = 7
            [grant.hold]
            tags = ["mine"]
            max = 0
            [[grant.destroy]]
            names = ["daily-*"]
            bookmarks = ["b?"]
            min_age = "7d"
            keep = 3
            floor = { daily = 14, weekly = 8, monthly = 12 }
            kept = "held"
            datasets = true
            [[grant.destroy]]
            names = ["x"]
            floor.daily = 2

            [filters]
            allow = ["zstd", "mbuffer"]
            memory = "512MiB"
            [privilege]
            via = "sudo"
            [programs]
            zfs = "/opt/zfs/sbin/zfs"
            mbuffer = "/opt/bin/mbuffer"
            [log]
            completion = "all"
            commands = true
            required = true
            [reply]
            reasons = false

            [session]
            time = "12h"
            count = 8
            rate = "50MiB"
            nice = 10
            io_class = "idle"
            [sandbox]
            required = true
            "#,
        );
        let [grant] = &*policy.grants else { panic!() };
        assert_eq!(grant.id.0, 1);
        assert_eq!(
            grant.datasets.iter().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
            ["tank/home", "tank/vm-*"]
        );
        assert_eq!(grant.except.len(), 1);
        assert_eq!(grant.scope, Scope::Descendents);
        assert!(grant.allow.has(Operation::List) && grant.allow.has(Operation::Send));
        assert!(!grant.allow.has(Operation::Destroy));
        assert_eq!(grant.until, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600)));
        assert_eq!(grant.between, Some((TimeOfDay(1320), TimeOfDay(330))));
        assert_eq!(grant.send.raw, Raw::Always);
        assert!(grant.send.replicate && grant.send.properties && grant.send.resume);
        assert!(grant.snapshot.names.matches("daily-1") && grant.snapshot.recursive);
        assert!(grant.snapshot.properties.matches("com.example:a"));
        assert!(grant.bookmark.names.matches("b1") && grant.bookmark.max == 7);
        assert!(grant.hold.tags.matches("mine") && grant.hold.max == 0);
        let [first, second] = &*grant.destroy else { panic!() };
        assert!(first.names.matches("daily-1") && first.bookmarks.matches("b1") && first.datasets);
        assert_eq!((first.min_age, first.keep, first.kept), (Duration::from_secs(604_800), 3, Kept::Held));
        assert_eq!(first.floor, Floor { daily: 14, weekly: 8, monthly: 12 });
        assert_eq!(second.floor, Floor { daily: 2, weekly: 0, monthly: 0 });
        assert_eq!(policy.filters.allow, [Program::Zstd, Program::Mbuffer]);
        assert_eq!(policy.filters.memory, 512 << 20);
        assert_eq!(policy.privilege, Privilege::Sudo);
        assert_eq!(policy.program(Program::Zfs), Some(&"/opt/zfs/sbin/zfs".into()));
        assert_eq!(policy.program(Program::Mbuffer), Some(&"/opt/bin/mbuffer".into()));
        assert_eq!(policy.program(Program::Pv), None);
        assert_eq!(policy.log.completion, Completion::All);
        assert!(policy.log.commands && policy.log.required && !policy.reasons && policy.sandbox.required);
        let session = Session {
            time: Some(Duration::from_secs(43_200)),
            count: Some(8),
            rate: Some(50 << 20),
            nice: Some(10),
            io_class: Some(IoClass::Idle),
        };
        assert_eq!(policy.session, session);
        assert!(policy.session.is_watched() && !Session { nice: Some(1), ..Session::default() }.is_watched());
    }

    #[test]
    fn a_key_written_out_replaces_the_role_s_value_of_that_key_alone() {
        let role = grant("role = \"pull-source\"");
        let written = grant(
            "role = \"pull-source\"\nallow = [\"list\"]\nsend.properties = false\nsnapshot.names = [\"x\"]\nhold.max = 9\nbookmark.names = []",
        );
        assert_eq!(written.role, Some(Role::PullSource));
        assert!(written.allow.has(Operation::List) && !written.allow.has(Operation::Send));
        assert!(!written.send.properties && written.send.resume && written.send.raw == Raw::Encrypted);
        assert!(written.snapshot.names.matches("x") && !written.snapshot.names.matches("syncoid_x"));
        assert!(written.snapshot.recursive);
        assert_eq!((&written.hold.tags, written.hold.max), (&role.hold.tags, 9));
        assert_eq!((written.bookmark.names.iter().count(), written.bookmark.max), (0, 500));
        assert_eq!(written.destroy.len(), role.destroy.len());
    }

    #[test]
    fn destroy_rules_written_out_replace_all_of_the_role_s() {
        let grant = grant("role = \"pull-source\"\n[[grant.destroy]]\nnames = [\"x\"]");
        let [rule] = &*grant.destroy else { panic!() };
        assert!(rule.names.matches("x") && !rule.names.matches("syncoid_x"));
        assert_eq!(rule.floor, Floor::default());
        assert!(self::grant("role = \"pull-source\"\ndestroy = []").destroy.is_empty());
    }

    #[test]
    fn grants_of_a_role_share_its_values_until_one_is_written() {
        let policy = policy(
            r#"
            grant = [
                { role = "pull-source", datasets = ["a"] },
                { role = "pull-source", datasets = ["b"], hold.max = 1 },
            ]"#,
        );
        let [first, second] = &*policy.grants else { panic!() };
        assert!(std::rc::Rc::ptr_eq(&first.snapshot, &second.snapshot));
        assert!(std::rc::Rc::ptr_eq(&first.destroy, &second.destroy));
        assert_eq!((first.hold.max, second.hold.max), (4, 1));
    }

    #[test]
    fn grants_of_two_roles_share_what_is_of_their_own_role() {
        let policy = policy(
            r#"
            grant = [
                { role = "push-target", datasets = ["a"] },
                { role = "pull-source", datasets = ["b"] },
                { role = "push-target", datasets = ["c"], hold.max = 1 },
                { datasets = ["d"] },
                { datasets = ["e"] },
            ]"#,
        );
        let [push, pull, push_too, none, none_too] = &*policy.grants else { panic!() };
        assert!(std::rc::Rc::ptr_eq(&push.receive, &push_too.receive));
        assert!(std::rc::Rc::ptr_eq(&none.receive, &none_too.receive));
        assert!(push.allow.has(Operation::Receive) && push.receive.create);
        assert!(!pull.allow.has(Operation::Receive) && !pull.receive.create && pull.snapshot.recursive);
        assert_eq!((push_too.hold.max, pull.hold.max), (1, 4));
    }

    #[test]
    fn the_client_is_filled_in_datasets_names_and_tags() {
        let text = r#"
            [[grant]]
            datasets = ["backup/{client}", "x/{client}-{client}/*"]
            except = ["backup/{client}/no"]
            snapshot.names = ["{client}_*"]
            bookmark.names = ["{client}"]
            hold.tags = ["t:{client}"]
            destroy = [ { names = ["{client}-?"], bookmarks = ["b{client}"] } ]
            receive.names = ["r_{client}_*"]
        "#;
        let policy = parse(text, Some(&client("lap.top"))).unwrap();
        let [grant] = &*policy.grants else { panic!() };
        let datasets: Vec<_> = grant.datasets.iter().map(|pattern| pattern.as_str()).collect();
        assert_eq!(datasets, ["backup/lap.top", "x/lap.top-lap.top/*"]);
        assert_eq!(grant.except[0].as_str(), "backup/lap.top/no");
        assert!(grant.snapshot.names.matches("lap.top_1") && grant.bookmark.names.matches("lap.top"));
        assert!(grant.hold.tags.matches("t:lap.top") && grant.receive.names.matches("r_lap.top_1"));
        assert!(grant.destroy[0].names.matches("lap.top-1") && grant.destroy[0].bookmarks.matches("blap.top"));

        let error = parse(text, None).unwrap_err();
        assert_eq!((error.line, error.column), (3, 25));
        assert_eq!(error.message, "`{client}` stands for a client, and none was named");
        assert_eq!(text.get(error.span.clone()), Some("\"backup/{client}\""));
    }

    #[test]
    fn a_policy_that_does_not_use_the_client_is_not_for_clients() {
        for text in ["", "# {client}\n[[grant]]\ndatasets = [\"tank\"]"] {
            let error = parse(text, Some(&client("a"))).unwrap_err();
            assert_eq!(error.message, "called for a client, but `{client}` is nowhere in it");
            assert_eq!((error.line, error.column), (1, 1));
        }
    }

    /// A policy, and what is wrong with it: the text that the error points at between two `|`, which are not part of it.
    #[test]
    fn errors_name_the_place_and_the_remedy() {
        let grant = |rest: &str| format!("[[grant]]\ndatasets = [\"tank\"]\n{rest}");
        let cases = [
            // unknown keys
            ("[[grant]]\n|dataset| = []".to_owned(), "unknown key `dataset`, did you mean `datasets`?"),
            ("[[|grants|]]\ndatasets = [\"a\"]".to_owned(), "unknown key `grants`, did you mean `grant`?"),
            (grant("send.|Raw| = 1"), "unknown key `Raw`, did you mean `raw`?"),
            (
                grant("[grant.send]\nraw = \"any\"\n|x| = 1"),
                "unknown key `x`, expected one of `raw`, `replicate`, `properties`, `resume`",
            ),
            (grant("[[grant.destroy]]\nnames = []\n|keeps| = 1"), "unknown key `keeps`, did you mean `keep`?"),
            (
                grant("[[grant.destroy]]\nfloor = { |yearly| = 1 }"),
                "unknown key `yearly`, expected one of `daily`, `weekly`, `monthly`",
            ),
            ("[privilege]\n|\"vía\"| = \"none\"".to_owned(), "unknown key `vía`, did you mean `via`?"),
            ("[programs]\n|zfss| = \"/a\"".to_owned(), "unknown program `zfss`, did you mean `zfs`?"),
            (
                grant("[grant.receive]\n|x| = 1"),
                "unknown key `x`, expected one of `names`, `depth`, `force`, `rollback`, `abort`, `mount`, `create`, `require`, `set`, `exclude`, `client_may_set`, `stream`",
            ),
            (grant("receive.stream = { |max_byte| = 1 }"), "unknown key `max_byte`, did you mean `max_bytes`?"),
            (grant("set.|property| = []"), "unknown key `property`, expected `properties`"),
            // properties
            (grant("receive.require = { |setuide| = \"off\" }"), "unknown property `setuide`, did you mean `setuid`?"),
            (grant("receive.set.|x| = \"y\""), "unknown property `x`, expected one of zfsprops(7), or NAME:NAME"),
            (
                grant("receive.exclude = [\"atime\", |\"mountpiont\"|]"),
                "unknown property `mountpiont`, did you mean `mountpoint`?",
            ),
            (grant("receive.exclude = [|\"written@a\"|]"), "`written@a` can only be read"),
            (grant("receive.set = { |\"written#a\"| = \"0\" }"), "`written#a` can only be read"),
            (grant("receive.require = { |used| = 0 }"), "`used` can only be read"),
            (grant("receive.set = { compression = \"lz4\", |compress| = \"lz4\" }"), "`compression` a second time"),
            (grant("receive.require = { readonly = \"on\", |rdonly| = \"on\" }"), "`readonly` a second time"),
            (grant("receive.exclude = [\"a:b\", |\"a:b\"|]"), "`a:b` a second time"),
            (
                grant("receive = { exclude = [|\"compress\"|], set = { compression = \"lz4\" } }"),
                "`compression` is both in `set` and in `exclude`",
            ),
            (grant("receive.set = { compression = |\"lz\\u00e4\"| }"), "a value that is not printable ASCII"),
            (grant("receive.set = { compression = |\"a\\nb\"| }"), "a value that is not printable ASCII"),
            (
                grant("receive.set = { \"a:b\" = |\"x-{client}\"| }"),
                "`{client}` stands in datasets, names and tags alone",
            ),
            (
                grant("receive.set = { atime = |false| }"),
                "invalid type: boolean `false`, expected a string or a whole number",
            ),
            (
                grant("receive.set = { copies = |-1| }"),
                "invalid value: integer `-1`, expected a string or a whole number",
            ),
            (grant("receive.set = |[]|"), "invalid type: array, expected a table"),
            (
                grant("receive.client_may_set = [|\"recordsiz\"|]"),
                "unknown property `recordsiz`, did you mean `recordsize`?",
            ),
            (grant("receive.client_may_set = [|\"written@a\"|]"), "`@` is in no name"),
            (grant("set.properties = [\"zrep:*\", |\"guid\"|]"), "`guid` can only be read"),
            // unknown values
            (grant("role = |\"pull-sources\"|"), "unknown role `pull-sources`, did you mean `pull-source`?"),
            (grant("scope = |\"descendants\"|"), "unknown scope `descendants`, did you mean `descendents`?"),
            (grant("role = |\"push-targets\"|"), "unknown role `push-targets`, did you mean `push-target`?"),
            (grant("allow = [\"list\", |\"sned\"|]"), "unknown operation `sned`, did you mean `send`?"),
            (grant("allow = [|\"recieve\"|]"), "unknown operation `recieve`, did you mean `receive`?"),
            (grant("receive.force = |\"yes\"|"), "unknown value `yes`, expected one of `safe`, `refuse`, `allow`"),
            (
                grant("receive.rollback = |\"last\"|"),
                "unknown value `last`, expected one of `refuse`, `latest`, `allow`",
            ),
            (
                grant("receive.stream.raw = |\"encrypted\"|"),
                "unknown value `encrypted`, expected one of `any`, `always`",
            ),
            (grant("receive.stream.properties = |\"strips\"|"), "unknown value `strips`, did you mean `strip`?"),
            (
                grant("send.raw = |\"yes\"|"),
                "unknown value `yes`, expected one of `encrypted`, `always`, `any`, `never`",
            ),
            (grant("destroy = [{ kept = |\"hold\"| }]"), "unknown value `hold`, did you mean `held`?"),
            (
                "[filters]\nallow = [|\"zfs\"|]".to_owned(),
                "unknown filter `zfs`, expected one of `mbuffer`, `pv`, `lzop`, `lz4`, `zstd`, `gzip`, `pigz`, `xz`, `bzip2`",
            ),
            ("log.completion = |\"stream\"|".to_owned(), "unknown value `stream`, did you mean `streams`?"),
            ("privilege.via = |\"su\"|".to_owned(), "unknown value `su`, expected one of `none`, `sudo`, `doas`"),
            // not served yet
            ("[session]\n|times| = \"12h\"".to_owned(), "unknown key `times`, did you mean `time`?"),
            ("[session]\nnice = |20|".to_owned(), "invalid value: integer `20`, expected a whole number from 0 to 19"),
            (
                "[session]\ncount = |0|".to_owned(),
                "invalid value: integer `0`, expected a whole number from 1 to 4294967295",
            ),
            ("[sandbox]\n|require| = true".to_owned(), "unknown key `require`, did you mean `required`?"),
            (
                "[privilege]\nvia = \"sudo\"\n[sandbox]\nzone = |true|".to_owned(),
                "in a user namespace nobody gains rights: leave out `privilege.via`",
            ),
            ("[hooks]\n|before_snapshots| = [\"/bin/x\"]".to_owned(), "unknown key `before_snapshots`, did you mean `before_snapshot`?"),
            ("[hooks]\ntime = |\"5s\"|".to_owned(), "neither `before_snapshot` nor `after_snapshot` is written"),
            (
                "[hooks]\nafter_snapshot = |[\"thaw\"]|".to_owned(),
                "the first word is the absolute path of a program",
            ),
            ("|[[command]]|\nexec = [\"/bin/x\"]".to_owned(), "`request` is missing"),
            ("|[[command]]|\nrequest = []".to_owned(), "`exec` is missing"),
            (
                "[[command]]\nrequest = []\nexec = |[]|".to_owned(),
                "the first word is the absolute path of a program",
            ),
            (
                "[[command]]\nrequest = []\nexec = |[\"systemctl\"]|".to_owned(),
                "the first word is the absolute path of a program",
            ),
            (
                "[[command]]\nrequest = [\"a\", |\"...\"|, \"b\"]\nexec = [\"/bin/x\"]".to_owned(),
                "\"...\" stands for further words, and comes last",
            ),
            (
                "[[command]]\nrequest = [|\"a\\nb\"|]\nexec = [\"/bin/x\"]".to_owned(),
                "a word of a command has no control characters",
            ),
            (
                "[[command]]\nrequest = [\"a\"]\nexec = [\"/bin/x\"]\n[[command]]\nrequest = |[\"a\"]|\nexec = [\"/bin/y\"]".to_owned(),
                "this is asked for by command 1 already",
            ),
            // wrong types
            (
                "|[grant]|\ndatasets = [\"a\"]".to_owned(),
                "invalid type: table, expected an array (of tables: `[[` and `]]` around its name)",
            ),
            ("[[grant]]\ndatasets = |\"tank\"|".to_owned(), "invalid type: string \"tank\", expected an array"),
            ("[[grant]]\ndatasets = [\"a\", |3|]".to_owned(), "invalid type: integer `3`, expected a string"),
            (grant("send = |[\"any\", true, true, true]|"), "invalid type: array, expected a table"),
            (grant("send = |2027-01-01|"), "invalid type: date-time, expected a table"),
            (grant("send.raw = |true|"), "invalid type: boolean `true`, expected a string"),
            (grant("send.raw = |{ any = {} }|"), "invalid type: table, expected a string"),
            (grant("send.resume = |\"true\"|"), "invalid type: string \"true\", expected a boolean"),
            (grant("hold.max = |\"4\"|"), "invalid type: string \"4\", expected a whole number from 0 to 4294967295"),
            (grant("until = |\"2027-01-01\"|"), "invalid type: string \"2027-01-01\", expected a TOML datetime"),
            (
                "filters.memory = |1073741824|".to_owned(),
                "invalid type: integer `1073741824`, expected a size such as \"1GiB\"",
            ),
            ("programs.zfs = |1|".to_owned(), "invalid type: integer `1`, expected an absolute path"),
            // out of range
            (
                grant("destroy = [{ keep = |0| }]"),
                "invalid value: integer `0`, expected a whole number from 1 to 4294967295",
            ),
            (grant("receive.depth = |0|"), "invalid value: integer `0`, expected a whole number from 1 to 4294967295"),
            (
                grant("receive.stream.max_bytes = |\"2P\"|"),
                "\"2P\" is not a size such as \"1GiB\", in KiB, MiB, GiB or TiB",
            ),
            (grant("hold.max = |-1|"), "invalid value: integer `-1`, expected a whole number from 0 to 4294967295"),
            (
                grant("hold.max = |4294967296|"),
                "invalid value: integer `4294967296`, expected a whole number from 0 to 4294967295",
            ),
            (grant("destroy = [{ min_age = |\"7\"| }]"), "\"7\" is not a duration such as \"7d\", in s, m, h, d or w"),
            (grant("destroy = [{ min_age = |\"99999d\"| }]"), "\"99999d\" is out of range, at most \"36500d\""),
            (
                "filters.memory = |\"1.5G\"|".to_owned(),
                "\"1.5G\" is not a size such as \"1GiB\", in KiB, MiB, GiB or TiB",
            ),
            ("filters.memory = |\"1\"|".to_owned(), "\"1\" is out of range, at least \"1MiB\""),
            ("programs.zfs = |\"zfs\"|".to_owned(), "\"zfs\" is not an absolute path"),
            (grant("between = [\"01:00\", |\"24:00\"|]"), "\"24:00\" is not a time of day from \"00:00\" to \"23:59\""),
            (grant("between = |[\"01:00\", \"01:00\"]|"), "the two times are the same"),
            (grant("between = |[\"01:00\"]|"), "invalid length 1, expected an array of length 2"),
            (grant("until = |2027-01-01T00:00:00|"), "a time without an offset: write 2027-01-01T00:00:00Z"),
            (grant("until = |1969-01-01T00:00:00Z|"), "a time before 1970"),
            // patterns
            ("|[[grant]]|\nrole = \"pull-source\"".to_owned(), "`datasets` is missing"),
            ("[[grant]]\ndatasets = |[]|".to_owned(), "`datasets` is empty"),
            ("[[grant]]\ndatasets = [\"ä\", \"a\"]".replace("\"ä\"", "|\"ä\"|"), "`ä` is in no name"),
            (grant("except = [\"tank/a\",\n  |\"tank/b/\"|]"), "empty pattern or component"),
            (grant("except = [|\"tank/{clients}\"|]"), "`{` is in no name"),
            (grant("snapshot.names = [|\"a\\\\*\"|]"), "a backslash escapes nothing in a pattern"),
            (grant("hold.tags = [|\"[a\"|]"), "a bracket that is empty or not closed"),
            // not TOML
            (grant("scope = |both|"), "string values must be quoted, expected literal string"),
            (grant("scope = \"both\"\n|scope| = \"both\""), "duplicate key"),
        ];
        for (marked, message) in cases {
            let start = marked.find('|').unwrap();
            let end = marked.rfind('|').unwrap() - 1;
            let text = marked.replace('|', "");
            let error = parse(&text, None).map(|_| ()).unwrap_err();
            assert_eq!(error.message, message, "{text}");
            assert_eq!(text.get(error.span.clone()), text.get(start..end), "{text}");
            let before = text.get(..start).unwrap();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            assert_eq!((error.line, error.column), (line, column), "{text}");
        }
    }

    #[test]
    fn a_user_namespace_and_gained_rights_are_each_fine_without_the_other() {
        let zone = policy("[sandbox]\nzone = true");
        assert!(zone.sandbox.zone && zone.privilege == Privilege::None);
        let rights = policy("[privilege]\nvia = \"sudo\"\n[sandbox]\nzone = false");
        assert!(!rights.sandbox.zone && rights.privilege == Privilege::Sudo);
    }

    #[test]
    fn an_error_is_displayed_with_line_and_column() {
        let error = parse("[[grant]]\ndatasets = [\"a\", \"\"]", None).unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 18: empty pattern or component");
    }

    #[test]
    fn a_date_that_does_not_exist_is_an_error() {
        for date in ["2027-02-30T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-01T24:00:00Z"] {
            assert!(parse(&format!("[[grant]]\ndatasets = [\"a\"]\nuntil = {date}"), None).is_err(), "{date}");
        }
    }

    #[test]
    fn explain_tells_of_every_value_where_it_comes_from() {
        let text = r#"
            [[grant]]
            role = "pull-source"
            datasets = ["tank"]
            hold.max = 9
            [[grant]]
            datasets = ["b"]
            until = 2027-01-01T00:00:00Z
            destroy = [ { names = ["x"], min_age = "48h" } ]
            [programs]
            zfs = "/sbin/zfs"
        "#;
        let shown = explain(text, None).unwrap();
        let expected = [
            ("grant.1.role", "\"pull-source\"", Origin::Written),
            ("grant.1.datasets", "[\"tank\"]", Origin::Written),
            ("grant.1.except", "[]", Origin::BuiltIn),
            ("grant.1.scope", "\"both\"", Origin::BuiltIn),
            (
                "grant.1.allow",
                r#"["list", "send", "snapshot", "bookmark", "hold", "release", "destroy"]"#,
                Origin::Role,
            ),
            ("grant.1.send.raw", "\"encrypted\"", Origin::Role),
            ("grant.1.send.replicate", "false", Origin::BuiltIn),
            ("grant.1.snapshot.properties", "[]", Origin::BuiltIn),
            ("grant.1.bookmark.max", "500", Origin::Role),
            ("grant.1.hold.tags", r#"["syncoid_*", "zfs_autobackup:*"]"#, Origin::Role),
            ("grant.1.hold.max", "9", Origin::Written),
            ("grant.1.destroy.1.names", "[\"syncoid_*\"]", Origin::Role),
            ("grant.1.destroy.1.min_age", "\"0s\"", Origin::BuiltIn),
            ("grant.1.destroy.4.floor", "{ daily = 7, weekly = 4, monthly = 0 }", Origin::Role),
            ("grant.2.until", "2027-01-01T00:00:00Z", Origin::Written),
            ("grant.2.allow", "[]", Origin::BuiltIn),
            ("grant.2.destroy.1.names", "[\"x\"]", Origin::Written),
            ("grant.2.destroy.1.min_age", "\"2d\"", Origin::Written),
            ("grant.2.destroy.1.keep", "1", Origin::BuiltIn),
            ("filters.memory", "\"1GiB\"", Origin::BuiltIn),
            ("privilege.via", "\"none\"", Origin::BuiltIn),
            ("programs.zfs", "\"/sbin/zfs\"", Origin::Written),
            ("log.completion", "\"streams\"", Origin::BuiltIn),
            ("reply.reasons", "true", Origin::BuiltIn),
            ("sandbox.required", "false", Origin::BuiltIn),
            ("sandbox.zone", "false", Origin::BuiltIn),
        ];
        for (path, value, origin) in expected {
            let found: Vec<_> = shown.iter().filter(|shown| shown.path == path).collect();
            let [found] = &*found else { panic!("{path}: {found:?}") };
            assert_eq!((found.value.as_str(), found.origin), (value, origin), "{path}");
        }
        assert!(!shown.iter().any(|shown| shown.path == "grant.1.until" || shown.path.starts_with("grant.2.role")));
    }

    #[test]
    fn explain_tells_of_every_value_of_receiving_where_it_comes_from() {
        let text = r#"
            [[grant]]
            role = "push-target"
            datasets = ["backup"]
            set.properties = ["atime"]
            receive = { set = { "a:b" = "c" }, exclude = ["sharenfs"], stream = { future = "5m", max_bytes = "1TiB" } }
        "#;
        let shown = explain(text, None).unwrap();
        let of = |path: &str| {
            let shown = shown.iter().find(|shown| shown.path == format!("grant.1.{path}")).unwrap();
            (shown.value.as_str(), shown.origin)
        };
        let require = r#"{ setuid = "off", devices = "off", mountpoint = "none" }"#;
        assert_eq!(of("receive.require"), (require, Origin::Role));
        assert_eq!(of("receive.names"), ("[\"*\"]", Origin::Role));
        assert_eq!(of("receive.depth"), ("8", Origin::Role));
        assert_eq!(of("receive.force"), ("\"safe\"", Origin::Role));
        assert_eq!(of("receive.client_may_set"), ("[]", Origin::Role));
        assert_eq!(of("receive.set"), ("{ \"a:b\" = \"c\" }", Origin::Written));
        assert_eq!(of("receive.exclude"), ("[\"sharenfs\"]", Origin::Written));
        assert_eq!(of("receive.stream.raw"), ("\"any\"", Origin::Role));
        assert_eq!(of("receive.stream.future"), ("\"5m\"", Origin::Written));
        assert_eq!(of("receive.stream.max_bytes"), ("\"1TiB\"", Origin::Written));
        assert_eq!(of("set.properties"), ("[\"atime\"]", Origin::Written));
        assert_eq!(of("send.raw"), ("\"encrypted\"", Origin::BuiltIn));

        let shown = explain("[[grant]]\ndatasets = [\"tank\"]", None).unwrap();
        let receive: Vec<_> = shown.iter().filter(|shown| shown.path.starts_with("grant.1.receive.")).collect();
        assert_eq!(receive.len(), 15);
        assert!(receive.iter().all(|shown| shown.origin == Origin::BuiltIn));
    }

    #[test]
    fn rules_written_over_those_of_a_role_are_all_that_explain_tells() {
        let text = "[[grant]]\nrole = \"pull-source\"\ndatasets = [\"a\"]\ndestroy = [{ names = [\"x\"] }]";
        let shown = explain(text, None).unwrap();
        let rules: Vec<_> = shown.iter().filter(|shown| shown.path.starts_with("grant.1.destroy.")).collect();
        assert_eq!(rules.len(), 7);
        assert!(rules.iter().all(|shown| shown.path.starts_with("grant.1.destroy.1.") && shown.origin != Origin::Role));
    }

    #[test]
    fn what_explain_shows_written_out_without_a_role_is_the_same_policy() {
        let texts = [
            "role = \"pull-source\"\nsend.raw = \"always\"",
            "role = \"push-target\"\nreceive.set = { \"a:b\" = \"c\" }\nreceive.stream.max_bytes = \"1TiB\"\n\
             destroy = [{ names = [\"x\"] }]",
        ];
        for text in texts {
            written_out(&format!("[[grant]]\ndatasets = [\"tank/a\"]\n{text}"));
        }
    }

    fn written_out(text: &str) {
        let mut written = String::from("[[grant]]\n");
        let mut rule = String::new();
        for shown in explain(text, None).unwrap() {
            let Some(path) = shown.path.strip_prefix("grant.1.") else { continue };
            if path == "role" {
                continue;
            }
            match path.split('.').collect::<Vec<_>>()[..] {
                ["destroy", number, key] => {
                    if rule != number {
                        written += "[[grant.destroy]]\n";
                        rule = number.to_owned();
                    }
                    written += &format!("{key} = {}\n", shown.value);
                }
                _ => written += &format!("{path} = {}\n", shown.value),
            }
        }
        let mut role = policy(text).grants[0].clone();
        role.role = None;
        assert_eq!(format!("{role:?}"), format!("{:?}", policy(&written).grants[0].clone()), "{written}");
    }

    #[test]
    fn a_request_is_watched_where_its_time_or_number_or_rate_is_bound() {
        let session = |key: &str| parse(&format!("[session]\n{key}\n"), None).unwrap().session;
        for (key, is_watched) in [
            ("time = '1h'", true),
            ("count = 1", true),
            ("rate = '1MiB'", true),
            ("nice = 1", false),
            ("io_class = 'idle'", false),
        ] {
            assert_eq!(session(key).is_watched(), is_watched, "{key}");
        }
        // The class above 13 bits of a level (ioprio_set(2)).
        let priority = |class: &str| session(&format!("io_class = '{class}'")).io_class.unwrap().priority();
        assert_eq!([priority("idle"), priority("best-effort")], [0x6000, 0x4007]);
    }
}
