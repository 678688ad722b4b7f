//! sshd's settings (sshd_config(5)) where a forced command stands behind them: what gives a key more than its requests, or
//! lets somebody in beside it. What `restrict` in the line of a key takes away is looked at only where a key may lack it.

use super::access::{self, Keys};
use super::{Finding, State};
use crate::admin::form::visible;

const SSHD: &str = "sshd";

/// For whom sshd was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account<'a> {
    pub name: &'a str,
    pub is_root: bool,
    /// Those of `authorized_keys`.
    pub keys: Keys,
}

/// What there is to say of what sshd told. None of it has to be known: who may not ask sshd is told that.
pub(super) fn findings(told: Result<Option<String>, String>, account: Option<Account<'_>>) -> Vec<Finding> {
    let settings = match told {
        Ok(Some(text)) => Settings::read(&text),
        Ok(None) => {
            return vec![Finding::new(State::Absent, SSHD, "not installed, so nothing is known of its settings")];
        }
        Err(error) => {
            let how = format!("its settings are not known, ask as root: {}", visible(&error));
            return vec![Finding::new(State::Absent, SSHD, how)];
        }
    };
    let mut weak = settings.for_all();
    if let Some(account) = &account {
        weak.extend(settings.of(account));
    }
    if weak.is_empty() {
        let of = account
            .map_or_else(|| "for no account in particular".to_owned(), |account| format!("for {}", account.name));
        return vec![Finding::new(State::Ok, SSHD, format!("no setting gives a key more than requests, {of}"))];
    }
    weak.into_iter().map(|how| Finding::new(State::Missing, SSHD, how)).collect()
}

/// As `sshd -T` prints them: a name in lower case, and the rest of the line. Of some there are several.
struct Settings(Vec<(String, String)>);

impl Settings {
    fn read(text: &str) -> Self {
        let setting = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Self(text.lines().filter_map(setting).collect())
    }

    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The value, unless it is one of those that give nothing, or sshd is too old to have it.
    fn other_than(&self, name: &str, harmless: &[&str]) -> Option<&str> {
        self.0
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !harmless.contains(value))
    }

    /// What no line of a key takes away.
    fn for_all(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(value) = self.other_than("permituserenvironment", &["no"]) {
            found.push(format!(
                "PermitUserEnvironment {}: ~/.ssh/environment reaches the shell that starts the gate: set it to no",
                visible(value)
            ));
        }
        if let Some(value) = self.other_than("strictmodes", &["yes"]) {
            found.push(format!(
                "StrictModes {}: whoever writes a home that is open to others gives it a key: set it to yes",
                visible(value)
            ));
        }
        let odd: Vec<&str> =
            self.all("acceptenv").flat_map(str::split_whitespace).filter(|name| !HARMLESS.contains(name)).collect();
        if !odd.is_empty() {
            found.push(format!(
                "AcceptEnv {}: the client sets these for the shell that starts the gate: leave them out",
                visible(&odd.join(" "))
            ));
        }
        found
    }

    fn of(&self, account: &Account<'_>) -> Vec<String> {
        let mut found = Vec::new();
        let place = format!("in `Match User {}`", account.name);
        let program = |command: &str| command.split(' ').next().unwrap_or_default().to_owned();
        if let Some(command) = self.other_than("forcecommand", &["none"])
            && !access::is_gate(program(command).as_ref())
        {
            let command = visible(command);
            found.push(format!(
                "ForceCommand {command}: it takes the place of command=, and of the gate: leave it out {place}"
            ));
        }
        // That of a key's line doesn't reach it, nor does DisableForwarding (server_request_tun in OpenSSH's serverloop.c).
        if let Some(value) = self.other_than("permittunnel", &["no"]) {
            found.push(format!(
                "PermitTunnel {}: `restrict` doesn't take it away: set it to no {place}",
                visible(value)
            ));
        }
        if account.is_root
            && account.keys.bare
            && let Some(value) = self.other_than("permitrootlogin", &["no", "forced-commands-only"])
        {
            found.push(format!(
                "PermitRootLogin {}: a key of root's has no command=, and a shell: set it to forced-commands-only",
                visible(value)
            ));
        }
        if self.is_restricted(account) {
            return found;
        }
        let forwards = self.other_than("disableforwarding", &["yes"]).is_some();
        for Gift { setting, name, gives, instead, is_forwarding } in GIFTS {
            if let Some(value) = self.other_than(setting, &["no"])
                && (forwards || !is_forwarding)
            {
                let value = visible(value);
                found.push(format!("{name} {value}: {gives} for a key without `restrict`: {instead} {place}"));
            }
        }
        found
    }

    /// Whether all that sshd takes keys from is known, and has `restrict` for each of them.
    fn is_restricted(&self, account: &Account<'_>) -> bool {
        let files: Vec<&str> =
            self.other_than("authorizedkeysfile", &["none"]).into_iter().flat_map(str::split_whitespace).collect();
        let command = self.other_than("authorizedkeyscommand", &["none"]);
        let is_known = |file: &&str| access::FILES.contains(&file.strip_prefix("%h/").unwrap_or(file));
        let is_ours = |command: &str| {
            let mut words = command.split_whitespace();
            words.next().is_some_and(|program| program.ends_with("/zfs-shell-policy")) && words.next() == Some("keys")
        };
        let some = command.is_some() || !files.is_empty() && account.keys.some;
        let by_lines = files.iter().all(is_known) && (files.is_empty() || account.keys.restricted);
        // A certificate has its own permissions.
        let authority = self.other_than("trustedusercakeys", &["none"]);
        some && by_lines && command.is_none_or(is_ours) && authority.is_none()
    }
}

/// Variables that no shell, loader or program acts on but for how it speaks.
const HARMLESS: [&str; 6] = ["LANG", "LANGUAGE", "LC_*", "COLORTERM", "NO_COLOR", "TZ"];

/// What a key gets unless its line says `restrict`.
struct Gift {
    setting: &'static str,
    name: &'static str,
    gives: &'static str,
    instead: &'static str,
    is_forwarding: bool,
}

const GIFTS: [Gift; 6] = [
    forwarding("allowtcpforwarding", "AllowTcpForwarding", "connections to and from this host"),
    forwarding("allowstreamlocalforwarding", "AllowStreamLocalForwarding", "sockets of this host"),
    forwarding("allowagentforwarding", "AllowAgentForwarding", "an agent's socket"),
    forwarding("x11forwarding", "X11Forwarding", "an X11 display"),
    Gift {
        setting: "permittty",
        name: "PermitTTY",
        gives: "a terminal",
        instead: "PermitTTY no",
        is_forwarding: false,
    },
    Gift {
        setting: "permituserrc",
        name: "PermitUserRC",
        gives: "~/.ssh/rc is run before the gate",
        instead: "PermitUserRC no",
        is_forwarding: false,
    },
];

const fn forwarding(setting: &'static str, name: &'static str, gives: &'static str) -> Gift {
    Gift { setting, name, gives, instead: "DisableForwarding yes", is_forwarding: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESTRICTED: Keys = Keys { some: true, restricted: true, bare: false };

    /// As sshd of OpenSSH 10.0 on Debian prints them.
    const DEBIAN: &str = "permitrootlogin without-password\nstrictmodes yes\npermituserenvironment no\npermittty yes\n\
        permituserrc yes\nallowtcpforwarding yes\nallowagentforwarding yes\ndisableforwarding no\n\
        allowstreamlocalforwarding yes\nx11forwarding yes\npermittunnel no\nforcecommand none\n\
        authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2\nauthorizedkeyscommand none\ntrustedusercakeys none\nacceptenv LANG LC_*\nacceptenv COLORTERM NO_COLOR\n";

    fn told(settings: &str, keys: Keys) -> Vec<String> {
        let account = Account { name: "pull", is_root: false, keys };
        let found = findings(Ok(Some(settings.to_owned())), Some(account));
        found.into_iter().filter(|finding| finding.state == State::Missing).map(|finding| finding.how).collect()
    }

    /// The first word of each.
    fn names(settings: &str, keys: Keys) -> Vec<String> {
        told(settings, keys).iter().map(|how| how.split(' ').next().unwrap().to_owned()).collect()
    }

    fn with(setting: &str, value: &str) -> String {
        let name = setting.split(' ').next().unwrap();
        let others = DEBIAN.lines().filter(|line| line.split(' ').next() != Some(name));
        others.map(|line| format!("{line}\n")).collect::<String>() + &format!("{setting} {value}\n")
    }

    #[test]
    fn keys_that_are_restricted_get_nothing_from_the_settings_of_a_distribution() {
        assert_eq!(told(DEBIAN, RESTRICTED), Vec::<String>::new());
        let ok = findings(Ok(Some(DEBIAN.to_owned())), None);
        assert_eq!((ok[0].state, ok.len()), (State::Ok, 1));
    }

    #[test]
    fn what_restrict_takes_away_is_found_where_a_key_may_lack_it() {
        let all = [
            "AllowTcpForwarding",
            "AllowStreamLocalForwarding",
            "AllowAgentForwarding",
            "X11Forwarding",
            "PermitTTY",
            "PermitUserRC",
        ];
        assert_eq!(names(DEBIAN, Keys { restricted: false, ..RESTRICTED }), all);
        let nowhere = Keys { some: false, ..RESTRICTED };
        assert_eq!(names(DEBIAN, nowhere), all, "where the keys are is not known");
        assert_eq!(names(&with("trustedusercakeys", "/etc/ssh/ca.pub"), RESTRICTED), all, "certificates may permit it");
        assert_eq!(names(&with("authorizedkeyscommand", "/usr/bin/other %u"), RESTRICTED), all);
        assert_eq!(names(&with("authorizedkeysfile", "/etc/ssh/keys/%u"), RESTRICTED), all, "it was not looked at");
        assert_eq!(names(&with("authorizedkeysfile", "none"), RESTRICTED), all, "where the keys are is not known");
        assert_eq!(names(&with("authorizedkeysfile", "%h/.ssh/authorized_keys"), RESTRICTED), Vec::<String>::new());
        let ours = with("authorizedkeyscommand", "/usr/bin/zfs-shell-policy keys %u");
        assert_eq!(names(&ours, nowhere), Vec::<String>::new(), "its lines all have it");
        assert_eq!(names(&ours, Keys { restricted: false, ..RESTRICTED }), all, "the file counts as well");
        assert_eq!(names(&with("disableforwarding", "yes"), nowhere), ["PermitTTY", "PermitUserRC"]);
        let how = &told(DEBIAN, nowhere)[0];
        assert!(how.ends_with("for a key without `restrict`: DisableForwarding yes in `Match User pull`"), "{how}");
    }

    #[test]
    fn what_restrict_does_not_take_away_is_found_for_every_key() {
        for (setting, value, name) in [
            ("permituserenvironment", "yes", "PermitUserEnvironment"),
            ("permituserenvironment", "LANG,LD_*", "PermitUserEnvironment"),
            ("strictmodes", "no", "StrictModes"),
            ("permittunnel", "point-to-point", "PermitTunnel"),
            ("forcecommand", "/bin/bash", "ForceCommand"),
            ("acceptenv", "LANG BASH_ENV", "AcceptEnv"),
        ] {
            assert_eq!(names(&with(setting, value), RESTRICTED), [name], "{value}");
        }
        assert!(told(&with("acceptenv", "LANG BASH_ENV"), RESTRICTED)[0].starts_with("AcceptEnv BASH_ENV: "));
        assert_eq!(told(&with("forcecommand", "/usr/bin/zfs-shell nas"), RESTRICTED), Vec::<String>::new());
    }

    #[test]
    fn a_bare_key_of_root_is_found_where_sshd_lets_root_have_a_shell() {
        let root = |login: &str, bare| {
            let keys = Keys { bare, ..RESTRICTED };
            let account = Account { name: "root", is_root: true, keys };
            let found = findings(Ok(Some(with("permitrootlogin", login))), Some(account));
            found.iter().filter(|finding| finding.state == State::Missing).count()
        };
        assert_eq!([root("yes", true), root("without-password", true)], [1, 1]);
        assert_eq!([root("yes", false), root("forced-commands-only", true), root("no", true)], [0, 0, 0]);
    }

    #[test]
    fn who_can_not_ask_sshd_is_told_so_and_nothing_is_missing() {
        let failed = findings(Err("sshd -T ended with 1: no hostkeys\x1b".to_owned()), None);
        assert_eq!(failed[0].state, State::Absent);
        assert!(failed[0].how.ends_with("no hostkeys\\u{1b}"), "{failed:?}");
        assert_eq!(findings(Ok(None), None)[0].state, State::Absent);
    }
}
