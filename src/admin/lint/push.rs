//! What is found where another host may push: rules that let history go, or that let a stream or its sender have more of
//! this host than room for backups.

use std::time::Duration;

use super::{Finding, Place, of_role};
use crate::command::property::{Property, Setting};
use crate::policy::{Floor, Force, Grant, Names, Operation, Privilege, ReceiveRules, Role, Rollback, StreamProperties};

/// Where there is receiving and destroying, but for what another finding tells of the same rule.
pub(super) fn floor_missing<'a>(grant: &'a Grant, place: &'a Place<'_>) -> impl Iterator<Item = Finding> + 'a {
    let both = grant.allow.has(Operation::Receive) && grant.allow.has(Operation::Destroy);
    let rules = grant.destroy.iter().enumerate().filter(move |_| both);
    let bare = rules.filter(|(_, rule)| rule.floor == Floor::default() && rule.names.iter().next().is_some());
    bare.map(|(index, _)| {
        let note = "whoever has the key can destroy backups until `keep` are left; write `floor` in this rule";
        Finding::warning("this rule has no floor", note, place.destroy(index))
    })
}

pub(super) fn findings(grant: &Grant, privilege: Privilege, place: &Place<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if grant.allow.has(Operation::Set) {
        let properties = &grant.set.properties;
        found.extend(open_names(properties, &place.places.set.properties, place, grant.receive.mount));
    }
    if grant.allow.has(Operation::Rollback) && grant.receive.rollback == Rollback::Allow {
        let span = place.at(place.places.receive.rollback.as_ref());
        found.push(Finding::warning("a rollback may destroy snapshots", AROUND, span));
    }
    // Where datasets change names by the same key, what a rule was asked about one can be done to another.
    if grant.allow.has(Operation::Rename)
        && grant.allow.has(Operation::Destroy)
        && let Some(index) = grant.destroy.iter().position(|rule| rule.names.iter().next().is_some())
    {
        let note = "while a destroy is decided, a rename can put another dataset in its place: docs/hazards.md";
        let what = "snapshots may be destroyed where datasets may be renamed";
        found.push(Finding::warning(what, note, place.destroy(index)));
    }
    if grant.allow.has(Operation::Receive) || grant.allow.has(Operation::Create) {
        let (names, written) = (&grant.receive.client_may_set, &place.places.receive.client_may_set);
        found.extend(open_names(names, written, place, grant.receive.mount));
        found.extend(open_settings(&grant.receive, place));
        found.extend(wall_missing(&grant.receive, place));
    }
    if grant.allow.has(Operation::Receive) {
        if grant.receive.force == Force::Allow {
            let span = place.at(place.places.receive.force.as_ref());
            found.push(Finding::warning("a forced receive may destroy snapshots and datasets", AROUND, span));
        }
        found.extend(laxer(grant, place));
        found.extend(any_properties(grant, privilege, place));
    }
    found
}

const AROUND: &str = "no destroy rule and no floor is asked about it";

/// Properties with which their owner reaches beyond the room that the dataset has, with the values that don't.
pub(in crate::admin) const OPENING: [(&str, &[&str]); 16] = [
    ("canmount", &["off", "noauto"]),
    ("devices", &["off"]),
    ("exec", &["off"]),
    ("filesystem_limit", &[]),
    ("keylocation", &["none", "prompt"]),
    ("mountpoint", &["none", "legacy"]),
    ("quota", &[]),
    ("readonly", &["on"]),
    ("refreservation", &["none", "0"]),
    ("reservation", &["none", "0"]),
    ("setuid", &["off"]),
    ("sharenfs", &["off"]),
    ("sharesmb", &["off"]),
    ("snapshot_limit", &[]),
    ("volmode", &["none"]),
    ("zoned", &["off"]),
];

/// Of those, the ones that bound: with a value of the administrator's they do no harm.
const BOUNDS: [&str; 4] = ["filesystem_limit", "quota", "readonly", "snapshot_limit"];

/// Names by which a client may set what opens. Not `readonly` by its own name: whatever is never mounted is not written to.
fn open_names<'a>(
    names: &'a Names,
    written: &'a [toml::Spanned<String>],
    place: &'a Place<'_>,
    mounts: bool,
) -> impl Iterator<Item = Finding> + 'a {
    let is_idle = move |pattern: &str| pattern == "readonly" && !mounts;
    names.iter().enumerate().filter(move |(_, pattern)| !is_idle(pattern)).filter_map(|(index, pattern)| {
        let names = Names::parse([pattern]).ok()?;
        let open: Vec<&str> = OPENING.iter().map(|(name, _)| *name).filter(|name| names.matches(name)).collect();
        let what = match open.as_slice() {
            [] => return None,
            [first, second, third, _, ..] => format!("{first}, {second}, {third} and {} more", open.len() - 3),
            few => few.join(", "),
        };
        let note = "with that a client mounts, shares or gives rights to what it pushed, or takes away what bounds it";
        Some(Finding::error(format!("the client may set {what}"), note, place.at(written.get(index))))
    })
}

/// What the policy itself sets, with a value that opens.
fn open_settings<'a>(receive: &'a ReceiveRules, place: &'a Place<'_>) -> impl Iterator<Item = Finding> + 'a {
    let opens = |setting: &&Setting| {
        let Property::Native(own) = &setting.property else { return false };
        let opening = OPENING.iter().filter(|(name, _)| name == own && !BOUNDS.contains(name));
        opening.map(|(_, safe)| safe).any(|safe| !safe.contains(&setting.value()))
    };
    receive.set.iter().filter(opens).map(|setting| {
        let note = "that holds for whatever somebody pushes: their programs, devices and mounts become this host's";
        let span = place.at(place.places.receive.set.as_ref());
        Finding::error(format!("what arrives gets {setting}"), note, span)
    })
}

/// What the role requires, and this grant neither requires nor sets.
fn wall_missing(receive: &ReceiveRules, place: &Place<'_>) -> Option<Finding> {
    let role = of_role(PUSH_TARGET)?;
    let walls = role.receive.require.iter();
    let missing = walls.filter(|wall| !receive.require.contains(wall) && !receive.set.contains(wall));
    let missing: Vec<String> = missing.map(ToString::to_string).collect();
    let note =
        "what is made inherits from above; without these, whoever pushes decides on programs, devices and mounts";
    let span = place.at(place.places.receive.require.as_ref());
    let what = format!("`require` does not ask for {}", missing.join(", "));
    (!missing.is_empty()).then(|| Finding::warning(what, note, span))
}

const PUSH_TARGET: &str = "push-target";

/// Values of the role that were replaced by laxer ones.
fn laxer(grant: &Grant, place: &Place<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if grant.role != Some(Role::PushTarget) {
        return found;
    }
    let (receive, places) = (&grant.receive, &place.places.receive);
    if receive.mount {
        let note = "the role has `mount = false`; what somebody else wrote then stands among this host's files";
        found.push(Finding::warning("what arrives may be mounted", note, place.at(places.mount.as_ref())));
    }
    if receive.stream.clone {
        let note = "the role has `clone = false`; a clone keeps what it starts from, wherever that is, from going";
        let span = place.at(places.stream.clone.as_ref());
        found.push(Finding::warning("a stream may start from another dataset's snapshot", note, span));
    }
    if receive.stream.future > HOUR {
        let note = "the role has `future = \"1h\"`; a date is the sender's word, and a floor goes by it";
        let span = place.at(places.stream.future.as_ref());
        found.push(Finding::warning("snapshots may be dated long after they were made", note, span));
    }
    found
}

const HOUR: Duration = Duration::from_secs(3600);

/// With rights of its own the account can't receive more than it was given; with those of root a stream sets anything.
fn any_properties(grant: &Grant, privilege: Privilege, place: &Place<'_>) -> Option<Finding> {
    let span = place.at(place.places.receive.stream.properties.as_ref());
    let what = "properties in a stream are received as they are";
    match (grant.receive.stream.properties, privilege) {
        (StreamProperties::Any, Privilege::None) => {
            let note = "only the account's rights limit them; with `strip` the policy does";
            Some(Finding::warning(what, note, span))
        }
        (StreamProperties::Any, Privilege::Sudo | Privilege::Doas) => {
            let note = "no right limits them: a mountpoint, shares and setuid come from whoever pushes";
            Some(Finding::error(what, note, span))
        }
        (StreamProperties::Strip | StreamProperties::Refuse, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lint, pointed};
    use super::super::{Level, Written, findings};
    use crate::policy;

    const PUSH: &str = "[[grant]]\nrole = 'push-target'\ndatasets = ['backup/a']\n";

    fn with(lines: &str) -> Vec<(Level, String, String)> {
        lint(&format!("{PUSH}{lines}\n"))
    }

    fn levels(lines: &str) -> Vec<Level> {
        with(lines).into_iter().map(|(level, ..)| level).collect()
    }

    #[test]
    fn the_role_alone_has_nothing_to_find() {
        assert_eq!(lint(PUSH), []);
    }

    #[test]
    fn what_goes_around_the_floor_is_found_where_it_is_written() {
        assert_eq!(pointed(&format!("{PUSH}receive.force = 'allow'\n")), ["'allow'"]);
        assert_eq!(with("receive.rollback = 'allow'")[0].1, "a rollback may destroy snapshots");
        assert_eq!(with("receive.rollback = 'allow'\nallow = ['receive']"), []);
        assert_eq!(with("receive = { force = 'refuse', rollback = 'refuse' }"), []);
        let found = with("allow = ['rename', 'destroy']");
        assert_eq!(found[0].1, "snapshots may be destroyed where datasets may be renamed");
        assert_eq!(with("allow = ['rename', 'receive']"), []);
    }

    #[test]
    fn a_rule_without_a_floor_is_found_once_where_there_is_receiving() {
        let found = with("[[grant.destroy]]\nnames = ['mine_*']");
        assert_eq!(found[0].1, "this rule has no floor");
        let found = with("[[grant.destroy]]\nnames = ['syncoid_*']");
        assert_eq!((found.len(), found[0].1.as_str()), (1, "the role's floor of 7 days, 4 weeks, 3 months is lost"));
        assert_eq!(with("[[grant.destroy]]\nbookmarks = ['a']"), []);
        assert_eq!(with("allow = ['receive']\n[[grant.destroy]]\nnames = ['mine_*']"), []);
    }

    #[test]
    fn properties_of_the_client_that_open_are_errors_at_their_pattern() {
        let found = with("receive.client_may_set = ['compression', 'mountpoint', 'share*']");
        let what = |what: &str, at: &str| (Level::Error, format!("the client may set {what}"), at.to_owned());
        assert_eq!(found, [what("mountpoint", "'mountpoint'"), what("sharenfs, sharesmb", "'share*'")]);
        let found = with("set.properties = ['*']\nallow = ['receive', 'set']");
        assert_eq!(found, [what("canmount, devices, exec and 13 more", "'*'")]);
        assert_eq!(with("set.properties = ['*']"), []);
        assert_eq!(with("set.properties = ['zrep:*', 'compression']\nallow = ['set']"), []);
        assert_eq!(with("set.properties = ['readonly']\nallow = ['set']"), []);
        let mounted = "receive.mount = true\nset.properties = ['readonly']\nallow = ['set']";
        assert_eq!(with(mounted)[0], what("readonly", "'readonly'"));
    }

    #[test]
    fn what_the_policy_sets_is_found_only_with_a_value_that_opens() {
        assert_eq!(levels("receive.set = { setuid = 'on' }"), [Level::Error]);
        assert_eq!(with("receive.set = { mountpoint = '/srv' }")[0].1, "what arrives gets mountpoint=/srv");
        assert_eq!(with("receive.set = { setuid = 'off', canmount = 'noauto', readonly = 'on', quota = '1G' }"), []);
    }

    #[test]
    fn what_is_neither_required_nor_set_is_found() {
        let found = with("receive.require = { setuid = 'off', mountpoint = '/srv' }");
        let what = "`require` does not ask for devices=off, mountpoint=none";
        assert_eq!((found[0].0, found[0].1.as_str()), (Level::Warning, what));
        assert_eq!(
            with("receive.require = {}\nreceive.set = { setuid = 'off', devices = 'off', mountpoint = 'none' }"),
            []
        );
        let bare = lint("[[grant]]\ndatasets = ['a']\nallow = ['receive']\n");
        assert_eq!(bare[0].1, "`require` does not ask for setuid=off, devices=off, mountpoint=none");
        assert_eq!(lint("[[grant]]\ndatasets = ['a']\nallow = ['list']\n"), []);
    }

    #[test]
    fn values_laxer_than_the_role_s_are_found_with_the_role() {
        assert_eq!(pointed(&format!("{PUSH}receive.mount = true\n")), ["true"]);
        assert_eq!(levels("receive.stream = { clone = true, future = '2h' }"), [Level::Warning, Level::Warning]);
        assert_eq!(with("receive.stream = { raw = 'always', future = '1m', properties = 'refuse' }"), []);
    }

    #[test]
    fn any_properties_are_a_warning_and_with_the_rights_of_root_an_error() {
        let any = "receive.stream.properties = 'any'";
        assert_eq!(levels(any), [Level::Warning]);
        let found = with(&format!("{any}\n[privilege]\nvia = 'sudo'"));
        let worst = found.iter().filter(|(level, ..)| *level == Level::Error).count();
        assert_eq!((found.len(), worst), (3, 1));
        assert_eq!(found[1].1, "what arrives is received with all rights of root");
    }

    #[test]
    fn the_ready_made_policies_have_nothing_to_find() {
        let client = crate::command::name::Component::parse("laptop").unwrap();
        for text in [
            include_str!("../../../policy/push.toml"),
            include_str!("../../../policy/push-append.toml"),
            include_str!("../../../policy/push-bzfs.toml"),
            include_str!("../../../policy/push-many.toml"),
            include_str!("../../../policy/push-names.toml"),
            include_str!("../../../policy/push-properties.toml"),
            include_str!("../../../policy/push-raw.toml"),
            include_str!("../../../policy/push-zettarepl.toml"),
        ] {
            let client = text.contains("\"backup/{client}").then_some(&client);
            let policy = policy::parse(text, client).unwrap();
            let found = findings(&policy, &Written::read(text), std::time::SystemTime::UNIX_EPOCH);
            assert!(found.is_empty(), "{found:?}");
        }
    }
}
