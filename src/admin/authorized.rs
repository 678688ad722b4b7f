//! The lines of sshd(8)'s `authorized_keys` that bind keys to a policy.

use super::cli::Gate;
use crate::policy::{Account, HostPattern, KeyRules, PolicyName, PublicKey};
use crate::syntax::quote;

/// Whose the keys of a policy are.
pub(super) fn account<'p>(rules: &'p KeyRules, policy: &'p PolicyName) -> &'p str {
    rules.account.as_ref().map_or(policy.name.as_str(), Account::as_str)
}

/// What sshd starts for a key, as its account's shell reads it.
pub(super) fn command(gate: &Gate, policy: &PolicyName) -> String {
    quote([gate.as_str(), &policy.to_string()])
}

/// The line of one key. Nothing in it holds a double quote, which would end an option.
pub(super) fn line(command: &str, rules: &KeyRules, key: &PublicKey) -> String {
    let mut line = format!("restrict,command=\"{command}\"");
    if !rules.from.is_empty() {
        line += &format!(",from=\"{}\"", joined(&rules.from));
    }
    rules.expires.iter().for_each(|expires| line += &format!(",expiry-time=\"{expires}\""));
    format!("{line} {key}")
}

/// As sshd and ssh-keygen take a list.
pub(super) fn joined(hosts: &[HostPattern]) -> String {
    hosts.iter().map(HostPattern::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f nas";

    fn of(name: &str, rules: &str) -> String {
        let rules = parse(&format!("[key]\n{rules}"), None).unwrap().key;
        let command = command(&"/usr/bin/zfs-shell".parse().unwrap(), &PolicyName::parse(name).unwrap());
        line(&command, &rules, &KEY.parse().unwrap())
    }

    #[test]
    fn a_line_restricts_the_key_to_its_policy_and_has_what_else_is_written() {
        assert_eq!(of("nas", ""), format!("restrict,command=\"/usr/bin/zfs-shell nas\" {KEY}"));
        let all = "from = ['192.0.2.0/24', '!192.0.2.9']\nexpires = 2027-01-01T12:00:00Z";
        let options = r#"from="192.0.2.0/24,!192.0.2.9",expiry-time="202701011200Z""#;
        assert_eq!(of("nas", all), format!("restrict,command=\"/usr/bin/zfs-shell nas\",{options} {KEY}"));
    }

    #[test]
    fn a_client_with_a_blank_in_its_name_is_one_word_for_the_shell() {
        assert_eq!(of("hosts/laptop", ""), format!("restrict,command=\"/usr/bin/zfs-shell hosts/laptop\" {KEY}"));
        let line = of("hosts/my laptop", "");
        assert!(line.starts_with("restrict,command=\"/usr/bin/zfs-shell 'hosts/my laptop'\" "), "{line}");
    }
}
