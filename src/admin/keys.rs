//! `keys`: the lines that all policies have for an account, for sshd's AuthorizedKeysCommand (sshd_config(5)). sshd takes
//! none of them unless the status is 0, and any of them as they are: so what is in doubt isn't printed, and the rest is.

use std::io::Write;
use std::path::Path;

use super::cli::Keys;
use super::{Stop, authorized};
use crate::command::name::Component;
use crate::policy::{self, DIRECTORY, KeyRules, OpenError, PolicyName, PublicKey};

/// Prints the lines, and on standard error what was left out.
pub(super) fn run(arguments: &Keys, out: &mut impl Write) -> Result<u8, Stop> {
    let directory = Path::new(DIRECTORY);
    let names = policy::names(directory).map_err(Stop::said)?;
    let served =
        Served::of(&arguments.account, &names, |name| policy::open_of_root(directory, name).map(|opened| opened.text));
    for complaint in &served.complaints {
        // Under sshd nobody reads it (auth2-pubkey.c: SSH_SUBPROCESS_STDERR_DISCARD).
        let _ = writeln!(anstream::stderr(), "zfs-shell-policy: {complaint}");
    }
    for Bound { name, rules, key } in &served.keys {
        let asked = arguments.kind.as_deref().zip(arguments.key.as_deref());
        if asked.is_none_or(|(kind, base64)| key.is(kind, base64)) {
            let command = authorized::command(&arguments.program, name);
            writeln!(out, "{}", authorized::line(&command, rules, key))?;
        }
    }
    Ok(0)
}

/// A key, and the policy that it is bound to.
struct Bound {
    name: PolicyName,
    rules: KeyRules,
    key: PublicKey,
}

/// What there is for an account.
#[derive(Default)]
struct Served {
    keys: Vec<Bound>,
    complaints: Vec<String>,
}

impl Served {
    fn of(account: &str, names: &[PolicyName], open: impl Fn(&PolicyName) -> Result<String, OpenError>) -> Self {
        let mut served = Self::default();
        for name in names {
            match open(name).map_err(|error| error.to_string()).and_then(|text| rules(&text)) {
                Ok(rules) if authorized::account(&rules, name) == account => {
                    let bound = |key: &PublicKey| Bound { name: name.clone(), rules: rules.clone(), key: key.clone() };
                    served.keys.extend(rules.public.iter().map(bound));
                }
                Ok(_) => {}
                Err(error) => served.complaints.push(format!("the policy {name} is left out: {error}")),
            }
        }
        served.without_doubt()
    }

    /// Without keys that two policies claim: sshd would take the line that it comes to first.
    fn without_doubt(mut self) -> Self {
        let claims = |bound: &Bound| {
            let others = self.keys.iter().filter(|other| other.key.is_same(&bound.key) && other.name != bound.name);
            others.map(|other| other.name.to_string()).min()
        };
        let claims: Vec<_> = self.keys.iter().map(claims).collect();
        for (bound, other) in self.keys.iter().zip(&claims) {
            if let Some(other) = other {
                let complaint = format!("a key of the policy {} is left out: {other} has the same", bound.name);
                self.complaints.push(complaint);
            }
        }
        let mut other = claims.iter();
        self.keys.retain(|_| other.next().is_some_and(Option::is_none));
        self
    }
}

/// What a policy says of keys. One for clients has none of its own: which of its clients would a key be for?
fn rules(text: &str) -> Result<KeyRules, String> {
    policy::parse(text, None).map(|policy| policy.key).or_else(|error| {
        let client = Component::parse("client").map_err(|error| error.to_string())?;
        match policy::parse(text, Some(&client)) {
            Ok(policy) if policy.key.public.is_empty() => Ok(KeyRules::default()),
            Ok(_) => Err("it has keys, and with {client} in it nothing says whose they are".to_owned()),
            Err(_) => Err(error.to_string()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAS: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA";
    const GRANT: &str = "[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/data']\n";

    /// The policies and keys that are served to an account, and the complaints.
    fn served(account: &str, policies: &[(&str, String)]) -> (Vec<String>, Vec<String>) {
        let names: Vec<_> = policies.iter().map(|(name, _)| PolicyName::parse(name).unwrap()).collect();
        let served = Served::of(account, &names, |name| {
            let found = policies.iter().find(|(other, _)| *other == name.name).map(|(_, text)| text.clone());
            found.filter(|text| text != "closed").ok_or(OpenError::NotRoots { path: "/x".into(), owner: 7 })
        });
        let bound = |bound: &Bound| format!("{} {}", bound.name, bound.key);
        (served.keys.iter().map(bound).collect(), served.complaints)
    }

    fn keys(lines: &str) -> String {
        format!("{GRANT}[key]\n{lines}\n")
    }

    #[test]
    fn keys_are_for_the_account_that_is_named_or_the_one_with_the_policy_s_name() {
        let policies = [
            ("nas", keys(&format!("public = ['{NAS} a']"))),
            ("off-site", keys(&format!("account = 'nas'\npublic = ['{OTHER}']"))),
            ("none", GRANT.to_owned()),
        ];
        assert_eq!(served("nas", &policies), (vec![format!("nas {NAS} a"), format!("off-site {OTHER}")], vec![]));
        for account in ["off-site", "none", "NAS", "", "root"] {
            assert_eq!(served(account, &policies), (vec![], vec![]), "{account}");
        }
    }

    #[test]
    fn a_policy_with_an_error_or_that_others_could_have_written_is_left_out_and_no_other() {
        let policies = [
            ("bad", keys(&format!("account = 'nas'\npublic = ['{NAS}']\nform = []"))),
            ("closed", "closed".to_owned()),
            ("good", keys(&format!("account = 'nas'\npublic = ['{OTHER}']"))),
        ];
        let (keys, complaints) = served("nas", &policies);
        assert_eq!(keys, [format!("good {OTHER}")]);
        assert_eq!(
            complaints,
            [
                "the policy bad is left out: line 7, column 1: unknown key `form`, did you mean `from`?",
                "the policy closed is left out: /x belongs to user 7, not to root",
            ]
        );
    }

    #[test]
    fn a_key_that_two_policies_claim_is_served_for_neither() {
        let policies = [
            ("a", keys(&format!("account = 'nas'\npublic = ['{NAS} one', '{OTHER}']"))),
            ("b", keys(&format!("account = 'nas'\npublic = ['{NAS} two']"))),
            ("c", keys(&format!("account = 'else'\npublic = ['{OTHER}']"))),
        ];
        let (keys, complaints) = served("nas", &policies);
        assert_eq!(keys, [format!("a {OTHER}")]);
        assert_eq!(
            complaints,
            ["a key of the policy a is left out: b has the same", "a key of the policy b is left out: a has the same",]
        );
    }

    #[test]
    fn a_policy_for_clients_has_no_keys_of_its_own() {
        let clients = GRANT.replace("/data", "/{client}");
        assert_eq!(served("hosts", &[("hosts", clients.clone())]), (vec![], vec![]));
        assert_eq!(served("hosts", &[("hosts", format!("{clients}[key]\nexpires = 2027-01-01"))]), (vec![], vec![]));
        let (keys, complaints) = served("hosts", &[("hosts", format!("{clients}[key]\npublic = ['{NAS}']"))]);
        assert_eq!(keys, Vec::<String>::new());
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].contains("nothing says whose they are"), "{complaints:?}");
    }
}
