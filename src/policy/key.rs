//! `[key]`: what binds a key to the policy in sshd(8)'s `authorized_keys`. sshd enforces it, and the policy tool prints it;
//! the gate reads it too, so that a slip is found wherever it is looked for.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use ::toml::value::{Datetime, Offset, Time};
use data_encoding::BASE64;
use serde::de::{Deserialize, Deserializer, Error};

use super::error::unknown;
use super::form::{Text, not, seconds_since_1970};

/// `[key]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRules {
    /// Whose key it is; unset, that of the account with the policy's own name.
    pub account: Option<Account>,
    /// The keys.
    pub public: Vec<PublicKey>,
    /// Where clients come from; empty where that doesn't matter.
    pub from: Vec<HostPattern>,
    /// From when on sshd takes none of them.
    pub expires: Option<Expiry>,
}

/// The name of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(String);

/// A public key as a line of sshd(8) has it: type, base64, comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kind: &'static str,
    base64: String,
    comment: String,
}

/// An element of sshd(8)'s `from=`: an address, a network (CIDR), or a pattern of host names, each perhaps with `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

/// A date, which begins in the time zone of the host, or a time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry(Datetime);

/// The types of OpenSSH (ssh(1), -Q key-plain), and of how many strings a key of each consists (RFC 4253, 6.6; RFC 5656,
/// 3.1; RFC 8709, 4; PROTOCOL.u2f). DSA is gone from it.
const KINDS: [(&str, usize); 7] = [
    ("ssh-ed25519", 2),
    ("sk-ssh-ed25519@openssh.com", 3),
    ("ecdsa-sha2-nistp256", 3),
    ("ecdsa-sha2-nistp384", 3),
    ("ecdsa-sha2-nistp521", 3),
    ("sk-ecdsa-sha2-nistp256@openssh.com", 4),
    ("ssh-rsa", 3),
];

impl Account {
    /// Whether it is this one.
    pub fn is(&self, name: &str) -> bool {
        self.0 == name
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text for Account {
    const EXPECTED: &'static str = "the name of an account";

    fn read(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !r#",:/"'{}"#.contains(c);
        let is_name = !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain);
        if is_name { Ok(Self(text.to_owned())) } else { Err(not(text, Self::EXPECTED)) }
    }
}

impl FromStr for Account {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::read(name)
    }
}

impl PublicKey {
    /// Whether it is the key that sshd has before it (sshd_config(5), TOKENS: `%t` and `%k`).
    pub fn is(&self, kind: &str, base64: &str) -> bool {
        (self.kind, self.base64.as_str()) == (kind, base64)
    }

    /// Whether both are one key, whatever the comments say.
    pub fn is_same(&self, other: &Self) -> bool {
        self.is(other.kind, &other.base64)
    }
}

impl Text for PublicKey {
    const EXPECTED: &'static str = "a public key such as \"ssh-ed25519 AAAA... nas\"";

    fn read(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.trim_matches(' ').split_once(' ').ok_or_else(|| not(text, Self::EXPECTED))?;
        let known = KINDS.into_iter().find(|(name, _)| *name == kind);
        let (kind, strings) = known.ok_or_else(|| unknown("key type", kind, &KINDS.map(|(name, _)| name)))?;
        let (base64, comment) = rest.trim_start_matches(' ').split_once(' ').unwrap_or((rest.trim_matches(' '), ""));
        let blob = BASE64.decode(base64.as_bytes()).map_err(|_| "the key is not base64 to its end".to_owned())?;
        let within = strings_of(&blob).filter(|found| found.len() == strings);
        let within = within.ok_or_else(|| format!("the key is cut off, or none of the type {kind}"))?;
        if within.first() != Some(&kind.as_bytes()) {
            return Err(format!("the key says of itself that it is not of the type {kind}"));
        }
        let comment = comment.trim_matches(' ');
        if comment.contains(|c: char| c.is_control() || matches!(c, '"' | '\'' | '\\')) {
            return Err("a comment has no quotes, backslashes or control characters".to_owned());
        }
        Ok(Self { kind, base64: base64.to_owned(), comment: comment.to_owned() })
    }
}

impl FromStr for PublicKey {
    type Err = String;

    /// A line of a file such as ssh-keygen(1) writes.
    fn from_str(line: &str) -> Result<Self, String> {
        Self::read(line)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blank = if self.comment.is_empty() { "" } else { " " };
        write!(f, "{} {}{blank}{}", self.kind, self.base64, self.comment)
    }
}

/// What a key consists of, each with its length in front (RFC 4251, 5); `None` if that isn't all of it.
fn strings_of(mut blob: &[u8]) -> Option<Vec<&[u8]>> {
    let mut strings = Vec::new();
    while let Some((length, rest)) = blob.split_first_chunk() {
        let string;
        (string, blob) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        strings.push(string);
    }
    blob.is_empty().then_some(strings)
}

impl HostPattern {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address or a network, and no exception: what a certificate can name (ssh-keygen(1),
    /// source-address).
    pub fn is_address(&self) -> bool {
        network(&self.0).is_some() || self.0.parse::<IpAddr>().is_ok()
    }

    fn is_exception(&self) -> bool {
        self.0.starts_with('!')
    }
}

impl Text for HostPattern {
    const EXPECTED: &'static str = "an address, a network or a host name";

    fn read(text: &str) -> Result<Self, String> {
        let pattern = text.strip_prefix('!').unwrap_or(text);
        let right = match pattern {
            network_like if pattern.contains('/') => network(network_like).is_some(),
            // sshd compares what is no address with names, so that a slip in one would go unseen.
            address if !pattern.contains(['*', '?']) && looks_like_address(address) => {
                address.parse::<IpAddr>().is_ok()
            }
            name => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:*?".contains(&byte);
                (1..=253).contains(&name.len()) && name.bytes().all(is_plain)
            }
        };
        match right {
            true => Ok(Self(text.to_owned())),
            false if pattern.contains('/') => {
                Err(not(text, "a network such as \"192.0.2.0/24\", with nothing behind its bits"))
            }
            false => Err(not(text, Self::EXPECTED)),
        }
    }
}

fn looks_like_address(text: &str) -> bool {
    text.contains(':') || text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// `ADDRESS/BITS`. With anything behind the bits sshd takes the whole list for wrong (addrmatch.c).
fn network(text: &str) -> Option<()> {
    let (address, bits) = text.split_once('/')?;
    let (address, length) = match address.parse().ok()? {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let plain = bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let bits: u32 = bits.parse().ok().filter(|bits| plain && *bits <= length)?;
    let host = 1_u128.checked_shl(length - bits).map_or(u128::MAX, |end| end - 1);
    (address & host == 0).then_some(())
}

/// `key.from`: at least one, and not exceptions alone.
#[derive(Clone)]
pub(super) struct Hosts(pub Vec<HostPattern>);

impl<'de> Deserialize<'de> for Hosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hosts = Vec::<HostPattern>::deserialize(deserializer)?;
        match hosts.iter().all(HostPattern::is_exception) {
            true => Err(D::Error::custom("`from` names nobody: leave it out, or say who may come")),
            false => Ok(Self(hosts)),
        }
    }
}

impl Expiry {
    /// Whether it has come. Of a date, in UTC: in the host's zone it is up to a day apart.
    pub fn is_past(&self, now: SystemTime) -> bool {
        let midnight = Time { hour: 0, minute: 0, second: None, nanosecond: None };
        let moment = Datetime { time: self.0.time.or(Some(midnight)), offset: Some(Offset::Z), ..self.0 };
        let seconds = seconds_since_1970(&moment).and_then(|seconds| u64::try_from(seconds).ok());
        seconds.is_some_and(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) <= now)
    }

    /// As it was written.
    pub(super) fn written(&self) -> Datetime {
        self.0
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Datetime::deserialize(deserializer)?;
        let wrong = match (written.date, written.time, written.offset) {
            (None, ..) => "a time without a date",
            (Some(date), ..) if date.year < 1970 => "a time before 1970",
            (Some(_), None, _) | (Some(_), Some(_), Some(Offset::Z | Offset::Custom { minutes: 0 })) => {
                return Ok(Self(written));
            }
            _ => "a time that is not in UTC: write 2027-01-01T00:00:00Z, or a date alone",
        };
        Err(D::Error::custom(wrong))
    }
}

/// As sshd(8) has it behind `expiry-time=`: a time with `Z` since OpenSSH 9.1. Of seconds only what is whole.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(date) = self.0.date {
            write!(f, "{:04}{:02}{:02}", date.year, date.month, date.day)?;
        }
        let Some(time) = self.0.time else { return Ok(()) };
        write!(f, "{:02}{:02}", time.hour, time.minute)?;
        match time.second {
            None | Some(0) => f.write_str("Z"),
            Some(second) => write!(f, "{second:02}Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{PolicyError, Shown, explain, parse};

    const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    fn rules(lines: &str) -> Result<KeyRules, PolicyError> {
        parse(&format!("[key]\n{lines}\n"), None).map(|policy| policy.key)
    }

    #[test]
    fn every_key_of_the_table_is_read_and_what_explain_shows_of_it_is_the_same() {
        let text = format!(
            "account = \"backup\"\npublic = [\"ssh-ed25519 {ED25519} nas\", \" ssh-ed25519  {ED25519}\"]\n\
             from = [\"192.0.2.0/24\", \"!192.0.2.9\", \"*.example.org\"]\nexpires = 2027-01-01T06:30:15.5Z"
        );
        let read = rules(&text).unwrap();
        assert!(read.account.as_ref().is_some_and(|account| account.is("backup")));
        assert_eq!((read.public.len(), read.from.len()), (2, 3));
        assert!(read.public[0].is_same(&read.public[1]) && read.public[0] != read.public[1]);
        let shown = explain(&format!("[key]\n{text}\n"), None).unwrap();
        let line = |shown: &Shown| Some(format!("{} = {}", shown.path.strip_prefix("key.")?, shown.value));
        let lines: Vec<_> = shown.iter().filter_map(line).collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(rules(&lines.join("\n")), Ok(read));
    }

    #[test]
    fn nothing_of_the_table_is_built_in() {
        assert_eq!(rules(""), Ok(KeyRules::default()));
        assert_eq!(parse("", None).unwrap().key, KeyRules::default());
        assert!(explain("[key]\n", None).unwrap().iter().all(|shown| !shown.path.starts_with("key.")));
    }

    #[test]
    fn an_expiry_is_a_date_of_the_host_or_a_time_in_utc() {
        for (written, expected) in [
            ("2027-01-01", "20270101"),
            ("2027-12-31T23:59:00Z", "202712312359Z"),
            ("2027-12-31T23:59:07Z", "20271231235907Z"),
            ("2027-12-31 23:59:00.9+00:00", "202712312359Z"),
        ] {
            let expires = rules(&format!("expires = {written}")).unwrap().expires.unwrap();
            assert_eq!(expires.to_string(), expected, "{written}");
        }
    }

    #[test]
    fn an_expiry_is_past_from_its_moment_on_of_a_date_from_midnight_in_utc() {
        // 2027-01-01T00:00:00Z
        let year = SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600);
        let second = Duration::from_secs(1);
        for (written, moment) in [
            ("2027-01-01", year),
            ("2027-01-01T00:00:00Z", year),
            ("2027-01-01T06:30:15Z", year + Duration::from_secs(23_415)),
            ("1970-01-01", SystemTime::UNIX_EPOCH),
        ] {
            let expiry = rules(&format!("expires = {written}")).unwrap().expires.unwrap();
            assert!(expiry.is_past(moment) && expiry.is_past(moment + second), "{written}");
            assert!(!expiry.is_past(moment - second), "{written}");
        }
        assert!(rules("expires = 1969-12-31").is_err());
    }

    #[test]
    fn errors_point_at_the_value_that_is_wrong() {
        let utc = "a time that is not in UTC: write 2027-01-01T00:00:00Z, or a date alone";
        let nobody = "`from` names nobody: leave it out, or say who may come";
        let good = format!("\"ssh-ed25519 {ED25519}\"");
        for (before, wrong, after, message) in [
            ("expires = ", "2027-01-01T00:00:00", "", utc),
            ("expires = ", "2027-01-01T00:00:00+01:00", "", utc),
            ("expires = ", "12:00:00", "", "a time without a date"),
            ("expires = ", "1969-12-31", "", "a time before 1970"),
            ("expires = ", "\"2027-01-01\"", "", "invalid type: string \"2027-01-01\", expected a TOML datetime"),
            ("from = ", "[]", "", nobody),
            ("from = ", "[\"!192.0.2.1\"]", "", nobody),
            ("from = [\"192.0.2.1\", ", "\"a,b\"", "]", "\"a,b\" is not an address, a network or a host name"),
            ("account = ", "\"a b\"", "", "\"a b\" is not the name of an account"),
            ("public = ", "\"x\"", "", "invalid type: string \"x\", expected an array"),
            (
                "public = [",
                "3",
                "]",
                "invalid type: integer `3`, expected a public key such as \"ssh-ed25519 AAAA... nas\"",
            ),
            (
                &*format!("public = [{good}, "),
                "\"ssh-rsa AAAA\"",
                "]",
                "the key is cut off, or none of the type ssh-rsa",
            ),
            ("", "publik", " = []", "unknown key `publik`, did you mean `public`?"),
        ] {
            let text = format!("{before}{wrong}{after}");
            let error = rules(&text).unwrap_err();
            assert_eq!(error.message, message, "{text}");
            assert_eq!(format!("[key]\n{text}\n").get(error.span), Some(wrong));
        }
    }

    fn key(text: &str) -> Result<String, String> {
        PublicKey::read(text).map(|key| key.to_string())
    }

    #[test]
    fn a_key_is_read_with_its_comment_and_without_blanks_that_mean_nothing() {
        for (text, expected) in [
            (format!("ssh-ed25519 {ED25519}"), format!("ssh-ed25519 {ED25519}")),
            (
                format!("  ssh-ed25519   {ED25519}   nas of  the cellar "),
                format!("ssh-ed25519 {ED25519} nas of  the cellar"),
            ),
            (format!("ssh-ed25519 {ED25519} Büro"), format!("ssh-ed25519 {ED25519} Büro")),
        ] {
            assert_eq!(key(&text), Ok(expected));
        }
    }

    /// A key of a type, of strings that hold a byte each.
    fn made(kind: &str, says: &str, strings: usize) -> String {
        let mut blob = Vec::new();
        for string in std::iter::once(says.as_bytes()).chain(std::iter::repeat_n(&b"x"[..], strings - 1)) {
            blob.extend(u32::try_from(string.len()).unwrap().to_be_bytes());
            blob.extend(string);
        }
        format!("{kind} {}", BASE64.encode(&blob))
    }

    #[test]
    fn each_type_of_openssh_is_taken_and_no_other() {
        for (kind, strings) in KINDS {
            assert!(key(&made(kind, kind, strings)).is_ok(), "{kind}");
            for other in [strings - 1, strings + 1] {
                assert_eq!(
                    key(&made(kind, kind, other)).unwrap_err(),
                    format!("the key is cut off, or none of the type {kind}")
                );
            }
        }
        let certificate = "ssh-ed25519-cert-v01@openssh.com";
        for other in ["ssh-dss", certificate, "restrict", "restrict,command=\"x\""] {
            assert!(key(&made(other, other, 3)).unwrap_err().starts_with("unknown key type `"), "{other}");
        }
    }

    #[test]
    fn a_key_that_is_not_what_it_says_is_refused_with_what_is_wrong() {
        let cut = ED25519.get(..ED25519.len() - 4).unwrap();
        for (text, wrong) in [
            ("".to_owned(), "\"\" is not a public key such as"),
            ("ssh-ed25519".to_owned(), "\"ssh-ed25519\" is not a public key such as"),
            (format!("ssh-ed25519 {}", ED25519.replacen('A', "", 1)), "the key is not base64 to its end"),
            ("ssh-ed25519 AAAA...".to_owned(), "the key is not base64 to its end"),
            (format!("ssh-ed25519\t{ED25519}"), "\"ssh-ed25519\\tAAAA"),
            (format!("ssh-ed25519 {cut}"), "the key is cut off, or none of the type ssh-ed25519"),
            (made("ssh-ed25519", "ssh-ed25518", 2), "the key says of itself that it is not of the type ssh-ed25519"),
            (format!("ssh-ed25519 {ED25519} a\"b"), "a comment has no quotes"),
            (format!("ssh-ed25519 {ED25519} it's"), "a comment has no quotes"),
            (format!("ssh-ed25519 {ED25519} a\nssh-ed25519"), "a comment has no quotes"),
        ] {
            let error = key(&text).unwrap_err();
            assert!(error.starts_with(wrong), "{text}: {error}");
        }
    }

    #[test]
    fn a_key_is_the_one_that_sshd_asks_for_whatever_its_comment() {
        let key = PublicKey::read(&format!("ssh-ed25519 {ED25519} nas")).unwrap();
        assert!(key.is("ssh-ed25519", ED25519));
        assert!(!key.is("ssh-rsa", ED25519) && !key.is("ssh-ed25519", "AAAA") && !key.is("ssh-ed25519", ""));
    }

    #[test]
    fn two_keys_are_one_whatever_their_comments_say() {
        let read = |base64: &str, comment: &str| PublicKey::read(&format!("ssh-ed25519 {base64} {comment}")).unwrap();
        let other = ED25519.replace("HR4f", "HR4g");
        assert!(read(ED25519, "nas").is_same(&read(ED25519, "other")));
        assert!(!read(ED25519, "nas").is_same(&read(&other, "nas")));
        assert!(!Account::read("pull").unwrap().is("push"));
    }

    #[test]
    fn addresses_networks_and_patterns_of_names_may_come() {
        for (text, is_address) in [
            ("192.0.2.1", true),
            ("192.0.2.0/24", true),
            ("0.0.0.0/0", true),
            ("192.0.2.1/32", true),
            ("2001:db8::1", true),
            ("2001:db8::/32", true),
            ("::/0", true),
            ("!192.0.2.9", false),
            ("!192.0.2.8/29", false),
            ("192.0.2.*", false),
            ("2001:db8:*", false),
            ("nas.example.org", false),
            ("*.example.org", false),
            ("!nas-1.example.org", false),
            ("n?s", false),
        ] {
            let read = HostPattern::read(text);
            assert_eq!(read.as_ref().map(HostPattern::as_str), Ok(text));
            assert_eq!(read.unwrap().is_address(), is_address, "{text}");
        }
    }

    #[test]
    fn what_sshd_would_take_for_wrong_or_for_a_name_is_refused() {
        for text in
            ["", "!", "a b", "a,b", "a\"b", "a'b", "ä", "192.0.2.300", "192.0.2", "2001:db8::g", "fe80::1%eth0", "a\\b"]
        {
            assert!(HostPattern::read(text).unwrap_err().ends_with("an address, a network or a host name"), "{text}");
        }
        for text in [
            "192.0.2.1/24",
            "192.0.2.0/33",
            "2001:db8::/129",
            "2001:db8::1/64",
            "a/24",
            "192.0.2.0/",
            "192.0.2.0/+8",
            "10.0.0.0/08",
            "192.0.2.0/24/1",
        ] {
            assert!(HostPattern::read(text).unwrap_err().contains("a network such as"), "{text}");
        }
    }

    #[test]
    fn an_account_is_a_name_and_nothing_that_a_line_could_break_on() {
        for name in ["nas", "_backup", "nas-1.x", "DOM\\nas", "nas@example.org", "nas$"] {
            assert!(Account::read(name).is_ok_and(|account| account.is(name)), "{name}");
        }
        for name in ["", "-nas", "n as", "n:s", "n,s", "a/b", "a\"b", "a\tb", "{client}"] {
            assert!(Account::read(name).is_err(), "{name}");
        }
    }
}
