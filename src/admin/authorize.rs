//! `authorize`: the lines of `authorized_keys` for a policy, or the command that signs a key for it. Signs and writes
//! nothing itself.

use std::io::{BufRead, Write};
use std::path::Path;

use super::cli::Authorize;
use super::source::{self, Source};
use super::{Stop, authorized};
use crate::policy::{Account, HostPattern, KeyRules, PolicyName, PublicKey};
use crate::syntax::quote;

/// Prints the lines, or the command.
pub(super) fn run(arguments: &Authorize, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let (rules, name) = (source.policy()?.key, source.name()?);
    let given = arguments.key.as_deref().map(|file| keys(file).map(|keys| (file, keys))).transpose()?;
    let command = authorized::command(&arguments.program, &name);
    match (given, &arguments.certificate) {
        (Some((file, keys)), Some(authority)) => {
            let signing = Signing { authority, account: arguments.account.as_ref(), name: &name, rules: &rules };
            writeln!(out, "{}", signing.command(&command, file, &keys)?)?;
        }
        (given, _) => {
            let keys = given.map_or_else(|| rules.public.clone(), |(_, keys)| keys);
            if keys.is_empty() {
                return Err(Stop::said(format!("{}: no key in [key]; --key FILE gives one", source.path)));
            }
            for key in &keys {
                writeln!(out, "{}", authorized::line(&command, &rules, key))?;
            }
        }
    }
    Ok(0)
}

/// The public keys of a file as ssh-keygen(1) writes them, one a line; comments and empty lines are none.
pub(super) fn keys(file: &Path) -> Result<Vec<PublicKey>, Stop> {
    let mut keys = Vec::new();
    for (number, line) in source::lines(file)?.lines().enumerate() {
        let wrong = |error: &dyn std::fmt::Display| Stop::said(format!("{}:{}: {error}", file.display(), number + 1));
        let line = line.map_err(|error| wrong(&error))?;
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            keys.push(line.parse().map_err(|error: String| wrong(&error))?);
        }
    }
    if keys.is_empty() { Err(Stop::said(format!("{}: no public key in it", file.display()))) } else { Ok(keys) }
}

/// A certificate that is to be (ssh-keygen(1), CERTIFICATES).
struct Signing<'a> {
    authority: &'a Path,
    account: Option<&'a Account>,
    name: &'a PolicyName,
    rules: &'a KeyRules,
}

impl Signing<'_> {
    /// `ssh-keygen -s`, as a shell reads it.
    fn command(&self, forced: &str, file: &Path, keys: &[PublicKey]) -> Result<String, Stop> {
        let (Some(authority), Some(file)) = (self.authority.to_str(), file.to_str()) else {
            return Err(Stop::said("a path that is not UTF-8"));
        };
        if keys.len() > 1 || file.starts_with('-') {
            return Err(Stop::said("a certificate is for one key, in a file beside which ssh-keygen writes it"));
        }
        if let Some(host) = self.rules.from.iter().find(|host| !host.is_address()) {
            let host = host.as_str();
            return Err(Stop::said(format!(
                "`{host}` in key.from: a certificate can name addresses and networks alone"
            )));
        }
        let account = self.account.map_or_else(|| authorized::account(self.rules, self.name), Account::as_str);
        let identity = self.name.to_string();
        let mut words: Vec<String> =
            ["ssh-keygen", "-s", authority, "-I", &identity, "-n", account].map(str::to_owned).into();
        if let Some(expires) = &self.rules.expires {
            words.extend(["-V".to_owned(), format!("always:{expires}")]);
        }
        words.extend(["-O".to_owned(), "clear".to_owned(), "-O".to_owned(), format!("force-command={forced}")]);
        if !self.rules.from.is_empty() {
            let from: &[HostPattern] = &self.rules.from;
            words.extend(["-O".to_owned(), format!("source-address={}", authorized::joined(from))]);
        }
        words.push(file.to_owned());
        Ok(quote(words.iter().map(String::as_str)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f nas";

    fn signing(name: &str, rules: &str, account: Option<&str>, keys: usize) -> Result<String, String> {
        let rules = parse(&format!("[key]\n{rules}"), None).unwrap().key;
        let account = account.map(|account| account.parse().unwrap());
        let name = PolicyName::parse(name).unwrap();
        let forced = authorized::command(&"/usr/bin/zfs-shell".parse().unwrap(), &name);
        let signing =
            Signing { authority: Path::new("/etc/ssh/ca"), account: account.as_ref(), name: &name, rules: &rules };
        let keys = vec![KEY.parse().unwrap(); keys];
        signing.command(&forced, Path::new("id.pub"), &keys).map_err(|stop| stop.to_string())
    }

    #[test]
    fn a_certificate_is_for_the_account_and_forces_the_command() {
        assert_eq!(
            signing("nas", "", None, 1).unwrap(),
            "ssh-keygen -s /etc/ssh/ca -I nas -n nas -O clear -O 'force-command=/usr/bin/zfs-shell nas' id.pub"
        );
        let rules = "account = 'pull'\nfrom = ['192.0.2.0/24', '2001:db8::1']\nexpires = 2027-01-01";
        assert_eq!(
            signing("hosts/my laptop", rules, None, 1).unwrap(),
            r"ssh-keygen -s /etc/ssh/ca -I 'hosts/my laptop' -n pull -V always:20270101 -O clear \
            -O 'force-command=/usr/bin/zfs-shell '\''hosts/my laptop'\''' -O source-address=192.0.2.0/24,2001:db8::1 \
            id.pub"
                .replace("\\\n            ", "")
        );
        assert!(signing("nas", rules, Some("other"), 1).unwrap().contains(" -n other "));
    }

    #[test]
    fn what_a_certificate_can_not_say_is_no_certificate() {
        for from in ["nas.example.org", "192.0.2.*", "!192.0.2.9"] {
            let error = signing("nas", &format!("from = ['192.0.2.1', '{from}']"), None, 1).unwrap_err();
            assert!(error.contains(&format!("`{from}` in key.from")), "{error}");
        }
        assert!(signing("nas", "", None, 2).unwrap_err().contains("for one key"));
    }

    #[test]
    fn keys_are_read_from_a_file_and_what_is_none_is_named_by_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("id.pub");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            keys(&file).map(|keys| keys.len()).map_err(|stop| stop.to_string())
        };
        assert_eq!(read(&format!("# of the cellar\n\n{KEY}\r\n  {KEY}\n")), Ok(2));
        assert!(read("# none\n").unwrap_err().ends_with("id.pub: no public key in it"));
        let error = read(&format!("{KEY}\nrestrict {KEY}\n")).unwrap_err();
        assert!(error.contains("id.pub:2: unknown key type `restrict`"), "{error}");
    }
}
