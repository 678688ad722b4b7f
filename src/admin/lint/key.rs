//! What is found in `[key]`: keys that no host takes, or that say nothing of whose they are.

use std::time::SystemTime;

use super::Finding;
use crate::admin::written::Key;
use crate::policy::KeyRules;

/// `for_clients`: whether the policy stands for many.
pub(super) fn findings(rules: &KeyRules, written: &Key, for_clients: bool, now: SystemTime) -> Vec<Finding> {
    let mut found = Vec::new();
    if rules.expires.is_some_and(|expires| expires.is_past(now)) {
        let span = written.expires.as_ref().map(toml::Spanned::span);
        found.push(Finding::warning("these keys have expired", "sshd takes them no more: write a later time", span));
    }
    if for_clients && !rules.public.is_empty() {
        let span = written.public.as_ref().map(toml::Spanned::span);
        let note = "`authorize` binds them to any client, and `keys` leaves them out; give each by `authorize --key`";
        found.push(Finding::warning("nothing says which client's keys these are", note, span));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::written::Written;
    use crate::policy::parse;

    fn found(lines: &str, for_clients: bool) -> Vec<(String, String)> {
        let text = format!("[key]\n{lines}\n");
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_798_761_600); // 2027-01-01
        let found = findings(&parse(&text, None).unwrap().key, Written::read(&text).key(), for_clients, now);
        found.into_iter().map(|finding| (finding.what, text.get(finding.span.unwrap()).unwrap().to_owned())).collect()
    }

    #[test]
    fn keys_that_have_expired_are_found_at_the_time() {
        for past in ["2027-01-01", "2026-12-31", "2027-01-01T00:00:00Z", "2026-12-31 23:59:59.5Z"] {
            let expected = [("these keys have expired".to_owned(), past.to_owned())];
            assert_eq!(found(&format!("expires = {past}"), false), expected);
        }
        for later in ["2027-01-02", "2027-01-01T00:00:01Z"] {
            assert_eq!(found(&format!("expires = {later}"), false), [], "{later}");
        }
        assert_eq!(found("from = ['192.0.2.1']", true), []);
    }

    #[test]
    fn keys_of_a_policy_for_clients_are_found() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
        let lines = format!("public = ['{key}']");
        assert_eq!(found(&lines, false), []);
        let expected = [("nothing says which client's keys these are".to_owned(), format!("['{key}']"))];
        assert_eq!(found(&lines, true), expected);
    }
}
