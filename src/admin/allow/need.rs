//! Which rights a grant needs, and for what. Those of zfs-allow(8), as the kernel checks them (zfs_ioctl.c, the secpolicy
//! functions): what only reads needs none.

use std::collections::{BTreeMap, BTreeSet};

use crate::admin::version::Version;
use crate::command::property::Property;
use crate::policy::{Force, Grant, Names, Operation, Raw, Rollback};

/// Rights by name, each with what it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights(pub BTreeMap<String, BTreeSet<String>>);

/// What is known of where the rights are to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// Of which some rights are.
    pub version: Option<Version>,
    /// All that there is of it is encrypted.
    pub encrypted: bool,
}

/// `receive` without what -F may destroy.
const APPEND: Version = Version(2, 3, 2);
/// `send` of what lies on disk alone.
const RAW: Version = Version(2, 4, 0);

impl Rights {
    /// The least that lets all of the grant be done.
    pub(super) fn of(grant: &Grant, known: Known) -> Self {
        let mut rights = Self::default();
        let allows = |operation| grant.allow.has(operation);
        let any = |names: &Names| names.iter().next().is_some();
        if allows(Operation::Send) {
            rights.need(send(grant.send.raw, known), "zfs send");
        }
        if allows(Operation::Snapshot) && any(&grant.snapshot.names) {
            rights.need("snapshot", "zfs snapshot");
            if any(&grant.snapshot.properties) {
                rights.need(USER, "zfs snapshot -o");
            }
        }
        if allows(Operation::Bookmark) && any(&grant.bookmark.names) && grant.bookmark.max > 0 {
            rights.need("bookmark", "zfs bookmark");
        }
        if allows(Operation::Hold) && any(&grant.hold.tags) && grant.hold.max > 0 {
            rights.need("hold", "zfs hold");
        }
        if allows(Operation::Release) && any(&grant.hold.tags) {
            rights.need("release", "zfs release");
        }
        if allows(Operation::Destroy) {
            rights.destroy(grant);
        }
        if allows(Operation::Receive) && any(&grant.receive.names) {
            rights.receive(grant, known);
        }
        if allows(Operation::Create) && grant.receive.create {
            rights.need_all(&["create", "mount"], "zfs create");
            rights.properties(grant, "zfs create -o");
        }
        if allows(Operation::Rollback) && grant.receive.rollback != Rollback::Refuse {
            rights.need("rollback", "zfs rollback");
            if grant.receive.rollback == Rollback::Allow {
                rights.need_all(&["destroy", "mount"], "zfs rollback -r");
            }
        }
        if allows(Operation::Rename) {
            rights.need_all(&["create", "mount", "rename"], "zfs rename");
        }
        if allows(Operation::Set) {
            rights.need_for(&grant.set.properties, "zfs set, inherit");
        }
        rights
    }

    /// Of these, the ones that are looked for on the dataset above one that is made.
    pub(super) fn of_parent(&self) -> Self {
        let makes = |why: &String| ["zfs create", "zfs receive", "zfs rename"].contains(&why.as_str());
        let own = |(right, whys): (&String, &BTreeSet<String>)| {
            let whys: BTreeSet<String> = whys.iter().filter(|why| makes(why)).cloned().collect();
            let looked_for = ["create", "mount", "receive", "receive:append"].contains(&right.as_str());
            (looked_for && !whys.is_empty()).then(|| (right.clone(), whys))
        };
        Self(self.0.iter().filter_map(own).collect())
    }

    /// With those of another, each for all that it is for.
    pub(super) fn add(&mut self, other: Self) {
        for (right, whys) in other.0 {
            self.0.entry(right).or_default().extend(whys);
        }
    }

    /// Their names as `zfs allow` takes them.
    pub(super) fn joined(&self) -> String {
        self.0.keys().map(String::as_str).collect::<Vec<_>>().join(",")
    }

    fn need(&mut self, right: &str, why: &str) {
        self.0.entry(right.to_owned()).or_default().insert(why.to_owned());
    }

    fn need_all(&mut self, rights: &[&str], why: &str) {
        rights.iter().for_each(|right| self.need(right, why));
    }

    fn destroy(&mut self, grant: &Grant) {
        for rule in grant.destroy.iter() {
            if rule.names.iter().next().is_some() {
                self.need_all(&["destroy", "mount"], "zfs destroy of snapshots");
            }
            if rule.datasets {
                self.need_all(&["destroy", "mount"], "zfs destroy of datasets");
            }
            if rule.bookmarks.iter().next().is_some() {
                self.need("destroy", "zfs destroy of bookmarks");
            }
        }
    }

    fn receive(&mut self, grant: &Grant, known: Known) {
        let rules = &grant.receive;
        let appends = rules.force == Force::Refuse && known.version.is_some_and(|version| version >= APPEND);
        self.need(if appends { "receive:append" } else { "receive" }, "zfs receive");
        self.need_all(&["create", "mount"], "zfs receive");
        if rules.force == Force::Safe {
            self.need("rollback", "zfs receive -F, where something was changed");
        }
        if rules.abort {
            self.need_all(&["destroy", "mount"], "zfs receive -A");
        }
        self.properties(grant, "zfs receive -o");
    }

    /// What the policy sets, and what the client may.
    fn properties(&mut self, grant: &Grant, why: &str) {
        for setting in &grant.receive.set {
            self.need(setting.property.right(), "receive.set");
        }
        self.need_for(&grant.receive.client_may_set, why);
    }

    /// For each property that a pattern may mean. With a wildcard it may mean some that somebody makes up.
    fn need_for(&mut self, names: &Names, why: &str) {
        for property in Property::native().map(Property::Native) {
            if property.is_settable() && names.matches(&property.to_string()) {
                self.need(property.right(), why);
            }
        }
        if names.iter().any(|name| name.contains([':', '*', '?', '['])) {
            self.need(USER, why);
        }
    }
}

/// The right to set properties that somebody made up, whichever they are.
const USER: &str = "userprop";

fn send(raw: Raw, known: Known) -> &'static str {
    match raw {
        _ if known.version.is_none_or(|version| version < RAW) => "send",
        Raw::Always | Raw::Encrypted if known.encrypted => "send:encrypted",
        Raw::Always => "send:raw",
        Raw::Any | Raw::Encrypted | Raw::Never => "send",
    }
}

/// Whether the right is had with another one (dsl_deleg.c and zfs_secpolicy_send, zfs_secpolicy_recv).
pub(super) fn covering(right: &str) -> &'static [&'static str] {
    match right {
        "receive:append" => &["receive"],
        "send:encrypted" => &["send", "send:raw"],
        "send:raw" => &["send"],
        _ => &[],
    }
}

/// What is to be said of a grant beside its rights.
pub(super) fn notes(grant: &Grant, version: Option<Version>) -> impl Iterator<Item = &'static str> {
    let undoes = grant.allow.has(Operation::Receive) && grant.receive.force == Force::Safe;
    let appends = version.is_some_and(|version| version >= APPEND);
    let notes = [(undoes && !grant.allow.has(Operation::Rollback), ROLLS_BACK), (undoes && appends, CREATES_FIRST)];
    notes.into_iter().filter_map(|(is_said, note)| is_said.then_some(note))
}

const ROLLS_BACK: &str =
    "rollback is for -F alone, and not needed where nothing is changed between two pushes: readonly=on";
const CREATES_FIRST: &str =
    "receive:append is enough in place of receive where no client makes a dataset before it sends into it with -F";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse;

    fn known(version: &str, encrypted: bool) -> Known {
        Known { version: version.parse().ok(), encrypted }
    }

    fn rights(lines: &str, known: Known) -> Rights {
        let policy = parse(&format!("[[grant]]\ndatasets = ['tank/data']\n{lines}"), None).unwrap();
        Rights::of(&policy.grants[0], known)
    }

    fn names(lines: &str) -> String {
        rights(lines, Known::default()).joined()
    }

    #[test]
    fn each_operation_needs_what_the_kernel_checks_for_it() {
        for (lines, expected) in [
            ("allow = ['list']", ""),
            ("allow = ['send']", "send"),
            ("allow = ['snapshot']\nsnapshot.names = ['a']", "snapshot"),
            ("allow = ['snapshot']\nsnapshot = { names = ['a'], properties = ['a:b'] }", "snapshot,userprop"),
            ("allow = ['bookmark']\nbookmark.names = ['a']", "bookmark"),
            ("allow = ['hold']\nhold.tags = ['a']", "hold"),
            ("allow = ['release']\nhold = { tags = ['a'], max = 0 }", "release"),
            ("allow = ['destroy']\ndestroy = [{ names = ['a'] }]", "destroy,mount"),
            ("allow = ['destroy']\ndestroy = [{ bookmarks = ['a'] }]", "destroy"),
            ("allow = ['destroy']\ndestroy = [{ datasets = true }]", "destroy,mount"),
            ("allow = ['receive']\nreceive.names = ['a']", "create,mount,receive"),
            ("allow = ['receive']\nreceive = { names = ['a'], force = 'safe' }", "create,mount,receive,rollback"),
            ("allow = ['receive']\nreceive = { names = ['a'], abort = true }", "create,destroy,mount,receive"),
            (
                "allow = ['receive']\nreceive = { names = ['a'], set = { readonly = 'on', 'a:b' = 'c' } }",
                "create,mount,readonly,receive,userprop",
            ),
            (
                "allow = ['create']\nreceive = { create = true, client_may_set = ['compression'] }",
                "compression,create,mount",
            ),
            ("allow = ['rollback']\nreceive.rollback = 'latest'", "rollback"),
            ("allow = ['rollback']\nreceive.rollback = 'allow'", "destroy,mount,rollback"),
            ("allow = ['rename']", "create,mount,rename"),
            ("allow = ['set']\nset.properties = ['zrep:*']", "userprop"),
            ("allow = ['set']\nset.properties = ['snap*']", "snapdev,snapdir,snapshot_limit,userprop"),
        ] {
            assert_eq!(names(lines), expected, "{lines}");
        }
    }

    #[test]
    fn an_operation_whose_rules_let_nothing_pass_needs_nothing() {
        for operation in ["snapshot", "bookmark", "hold", "release", "destroy", "receive", "create", "rollback", "set"]
        {
            assert_eq!(names(&format!("allow = ['{operation}']")), "", "{operation}");
        }
        assert_eq!(names("allow = ['hold']\nhold = { tags = ['a'], max = 0 }"), "");
        assert_eq!(names("allow = []\nreceive = { names = ['a'], create = true, rollback = 'allow' }"), "");
    }

    #[test]
    fn rights_that_newer_versions_have_are_taken_where_they_are_enough() {
        let send = |raw: &str, known| rights(&format!("allow = ['send']\nsend.raw = '{raw}'"), known).joined();
        for (raw, encrypted, expected) in [
            ("always", false, "send:raw"),
            ("always", true, "send:encrypted"),
            ("encrypted", false, "send"),
            ("encrypted", true, "send:encrypted"),
            ("any", true, "send"),
            ("never", true, "send"),
        ] {
            assert_eq!(send(raw, known("2.4", encrypted)), expected, "{raw} {encrypted}");
            assert_eq!(send(raw, known("2.3.9", encrypted)), "send", "{raw} {encrypted}");
        }
        let receive = |force: &str, version: &str| {
            rights(
                &format!("allow = ['receive']\nreceive = {{ names = ['a'], force = '{force}' }}"),
                known(version, false),
            )
        };
        assert_eq!(receive("refuse", "2.3.2").joined(), "create,mount,receive:append");
        assert_eq!(receive("refuse", "2.3.1").joined(), "create,mount,receive");
        assert_eq!(receive("safe", "2.4").joined(), "create,mount,receive,rollback");
        assert_eq!(receive("allow", "2.4").joined(), "create,mount,receive");
    }

    #[test]
    fn what_depends_on_the_client_or_the_dataset_is_said_beside() {
        let said = |lines: &str, version: Option<&str>| {
            let policy = parse(&format!("[[grant]]\nrole = 'push-target'\ndatasets = ['a']\n{lines}"), None).unwrap();
            notes(&policy.grants[0], version.map(|version| version.parse().unwrap())).collect::<Vec<_>>()
        };
        let no_rollback = "allow = ['list', 'receive', 'create']";
        assert!(said("", Some("2.3.1")).is_empty() && said("", None).is_empty());
        assert_eq!(said("", Some("2.3.2")), [CREATES_FIRST]);
        assert_eq!(said(no_rollback, None), [ROLLS_BACK]);
        assert!(said(&format!("{no_rollback}\nreceive.force = 'refuse'"), Some("2.4")).is_empty());
    }

    #[test]
    fn a_right_says_all_that_it_is_for() {
        let rights = rights("role = 'push-target'", Known::default());
        let whys = |right: &str| rights.0[right].iter().cloned().collect::<Vec<_>>();
        assert_eq!(whys("destroy"), ["zfs destroy of snapshots", "zfs receive -A"]);
        assert_eq!(whys("create"), ["zfs create", "zfs receive"]);
        assert_eq!(rights.of_parent().joined(), "create,mount,receive");
        assert_eq!(Rights::default().of_parent(), Rights::default());
    }

    /// The lines that each guide proved in a real guest, with the policy that stands before it.
    #[test]
    fn no_guide_gives_less_and_those_of_the_roles_alone_give_no_more() {
        let guides = [
            ("README.md", include_str!("../../../README.md")),
            ("syncoid", include_str!("../../../docs/clients/syncoid.md")),
            ("zfs-autobackup", include_str!("../../../docs/clients/zfs-autobackup.md")),
            ("bzfs", include_str!("../../../docs/clients/bzfs.md")),
            ("pyznap", include_str!("../../../docs/clients/pyznap.md")),
            ("zettarepl", include_str!("../../../docs/clients/zettarepl.md")),
            ("zelta", include_str!("../../../docs/clients/zelta.md")),
            ("znapzend", include_str!("../../../docs/clients/znapzend.md")),
            ("zrep", include_str!("../../../docs/clients/zrep.md")),
            ("zxfer", include_str!("../../../docs/clients/zxfer.md")),
            ("simplesnap", include_str!("../../../docs/clients/simplesnap.md")),
            ("zfs-replicate", include_str!("../../../docs/clients/zfs-replicate.md")),
        ];
        let mut seen = 0;
        for (name, guide) in guides {
            for (policy, given) in pairs(guide) {
                let policy = parse(&policy, None).unwrap();
                let needed = Rights::of(&policy.grants[0], Known::default());
                let missing: Vec<_> = needed.0.keys().filter(|right| !given.contains(*right)).collect();
                assert_eq!(missing, Vec::<&String>::new(), "{name}");
                seen += 1;
            }
        }
        assert!(seen > 12, "{seen}");
        let given = |role: &str| {
            let lines = include_str!("../../../README.md").lines();
            let line = lines.map(str::trim).find(|line| line.starts_with(&format!("sudo zfs allow {role} "))).unwrap();
            rights_in(line).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(names("role = 'pull-source'"), given("pull").join(","));
        assert_eq!(names("role = 'push-target'"), given("push").join(","));
    }

    /// Each policy in a guide with the next `zfs allow` behind it; in the README that stands before.
    fn pairs(guide: &str) -> Vec<(String, BTreeSet<String>)> {
        let mut pairs = Vec::new();
        let (mut policy, mut given) = (None::<String>, None);
        let mut inside = false;
        for line in guide.lines().map(str::trim) {
            match line {
                "```toml" => (inside, policy) = (true, Some(String::new())),
                "```" => inside = false,
                line if inside => policy.iter_mut().for_each(|policy| *policy += &format!("{line}\n")),
                line if line.trim_start_matches("sudo ").starts_with("zfs allow ") => given = Some(rights_in(line)),
                _ => {}
            }
            let is_whole = !inside && policy.as_ref().is_some_and(|policy| !policy.is_empty());
            if is_whole && given.is_some() {
                pairs.extend(policy.take().zip(given.take()));
            }
        }
        pairs
    }

    fn rights_in(line: &str) -> BTreeSet<String> {
        let rights = line.trim_start_matches("sudo ").split(' ').nth(3).unwrap();
        rights.split(',').map(str::to_owned).collect()
    }
}
