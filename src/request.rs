//! What sshd hands over: the only reader of arguments and environment.
//!
//! ```text
//! command="zfs-shell nas"  (authorized_keys)    argv: nas, or through a login shell that is zfs-shell: -c 'zfs-shell nas'
//! ForceCommand zfs-shell   (sshd_config)        argv: none, or -c zfs-shell; the policy is that of the account
//! login shell              (passwd)             argv: -c REQUEST; the policy is that of the account
//! ```
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "the one place where arguments and environment are read")]

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use data_encoding::{BASE64, BASE64_NOPAD};
use nix::fcntl::OFlag;
use nix::unistd::{User, getuid};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// What is asked of the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// By a client.
    Request(Request),
}

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `NAME` or `NAME/CLIENT`, as written in `authorized_keys`, or the account's name.
    pub policy: String,
    /// What the client wrote; `None` for an interactive login.
    pub line: Option<Vec<u8>>,
    /// Where the client comes from.
    pub client: Option<IpAddr>,
    /// The fingerprint of the client's key, where sshd tells it (ExposeAuthInfo).
    pub key: Option<String>,
}

/// Why there is no request.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// Neither a policy's name nor `-c` and a text.
    #[error("usage: zfs-shell [NAME[/CLIENT]]")]
    Usage,
    /// The user database doesn't know who we are.
    #[error("no account has this uid")]
    Account,
}

impl Asked {
    /// Reads this process's arguments and environment.
    pub fn from_process() -> Result<Self, RequestError> {
        let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
        let (policy, line) = match Form::read(&arguments, std::env::var_os("SSH_ORIGINAL_COMMAND"))? {
            Form::Help => return Ok(Self::Help),
            Form::Version => return Ok(Self::Version),
            Form::Named(name, line) => (name, line),
            Form::Account(line) => (account()?, line),
        };
        let client = std::env::var_os("SSH_CONNECTION").and_then(|connection| client(&connection));
        let key = std::env::var_os("SSH_USER_AUTH").and_then(|path| fingerprint(&exposed(Path::new(&path))?));
        Ok(Self::Request(Request { policy, line, client, key }))
    }
}

/// What the arguments say.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Account(Option<Vec<u8>>),
    Help,
    Named(String, Option<Vec<u8>>),
    Version,
}

impl Form {
    fn read(arguments: &[OsString], original: Option<OsString>) -> Result<Self, RequestError> {
        let original = original.map(OsString::into_vec).filter(|line| !line.is_empty());
        let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
        match arguments.as_slice() {
            [] => Ok(Self::Account(original)),
            [only] if *only == "--help" || *only == "-h" => Ok(Self::Help),
            [only] if *only == "--version" || *only == "-V" => Ok(Self::Version),
            [name] if !name.as_bytes().starts_with(b"-") => Ok(Self::Named(text(name), original)),
            [option, line] if *option == "-c" => Ok(Self::login_shell(line, original)),
            _ => Err(RequestError::Usage),
        }
    }

    /// sshd starts a forced command through the login shell too: `zfs-shell` or `zfs-shell NAME`. It is one only where
    /// sshd has set SSH_ORIGINAL_COMMAND: a client that writes it itself chooses no policy by that.
    fn login_shell(line: &OsStr, original: Option<Vec<u8>>) -> Self {
        match forced(line.as_bytes()) {
            Some(Some(name)) if original.is_some() => Self::Named(name, original),
            Some(None) => Self::Account(original),
            Some(Some(_)) => Self::Account(None),
            None => Self::Account(Some(line.as_bytes().to_vec()).filter(|line| !line.is_empty())),
        }
    }
}

/// The NAME, if there is one, of `zfs-shell`, `zfs-shell NAME` or the same with a path: plain words and nothing else.
fn forced(line: &[u8]) -> Option<Option<String>> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let (Some(program), name, None) = (words.next(), words.next(), words.next()) else {
        return None;
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+:,./-".contains(&byte);
    let is_ours = Path::new(program).file_name() == Some(OsStr::new("zfs-shell")) && !program.ends_with('/');
    let plain = program.bytes().chain(name.unwrap_or_default().bytes()).all(is_plain);
    (is_ours && plain).then(|| name.map(str::to_owned))
}

/// Of the user database, since a client may have a say in the environment.
fn account() -> Result<String, RequestError> {
    User::from_uid(getuid()).ok().flatten().map(|user| user.name).ok_or(RequestError::Account)
}

/// The first word of `CLIENT PORT SERVER PORT` (ssh(1), ENVIRONMENT), without the zone of a link-local address.
fn client(connection: &OsStr) -> Option<IpAddr> {
    let address = connection.to_str()?.split(' ').next()?;
    address.split('%').next()?.parse().ok()
}

/// The file of SSH_USER_AUTH. Neither a link nor a pipe is followed or waited for.
fn exposed(path: &Path) -> Option<String> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(EXPOSED).read_to_string(&mut text).ok()?;
    Some(text)
}

/// As `ssh-keygen -l` prints it, if exactly one plain public key was used.
fn fingerprint(exposed: &str) -> Option<String> {
    let mut keys = exposed.lines().filter_map(|line| line.strip_prefix("publickey "));
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return None;
    };
    let (kind, blob) = key.split_once(' ')?;
    if kind.contains("-cert-") {
        // The fingerprint of a certificate is that of the key in it, which would have to be dug out.
        return None;
    }
    let blob = BASE64.decode(blob.as_bytes()).ok()?;
    Some(format!("SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(blob))))
}

fn text(argument: &OsStr) -> String {
    argument.to_string_lossy().into_owned()
}

/// Far more than sshd writes.
const EXPOSED: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], original: Option<&str>) -> Result<Form, RequestError> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        Form::read(&arguments, original.map(OsString::from))
    }

    fn named(name: &str, line: Option<&str>) -> Result<Form, RequestError> {
        Ok(Form::Named(name.to_owned(), line.map(|line| line.as_bytes().to_vec())))
    }

    fn account(line: Option<&str>) -> Result<Form, RequestError> {
        Ok(Form::Account(line.map(|line| line.as_bytes().to_vec())))
    }

    #[test]
    fn a_forced_command_names_its_policy() {
        assert_eq!(read(&["nas"], Some("zfs list")), named("nas", Some("zfs list")));
        assert_eq!(read(&["push/laptop"], Some("zfs list")), named("push/laptop", Some("zfs list")));
        assert_eq!(read(&["nas"], None), named("nas", None));
        assert_eq!(read(&["nas"], Some("")), named("nas", None));
        assert_eq!(read(&["nas"], Some(" ")), named("nas", Some(" ")));
    }

    #[test]
    fn without_a_name_the_policy_is_that_of_the_account() {
        assert_eq!(read(&[], Some("zfs list")), account(Some("zfs list")));
        assert_eq!(read(&[], None), account(None));
    }

    #[test]
    fn as_a_login_shell_it_takes_the_policy_from_a_forced_command_alone() {
        let forced = "/usr/bin/zfs-shell nas";
        assert_eq!(read(&["-c", forced], Some("zfs list")), named("nas", Some("zfs list")));
        assert_eq!(read(&["-c", "zfs-shell push/laptop"], Some("x")), named("push/laptop", Some("x")));
        assert_eq!(read(&["-c", forced], None), account(None));
        assert_eq!(read(&["-c", forced], Some("")), account(None));
        assert_eq!(read(&["-c", "/usr/bin/zfs-shell"], Some("zfs list")), account(Some("zfs list")));
        assert_eq!(read(&["-c", "/usr/bin/zfs-shell"], None), account(None));
        assert_eq!(read(&["-c", "zfs list"], None), account(Some("zfs list")));
        assert_eq!(read(&["-c", ""], None), account(None));
        for request in [
            "zfs-shell nas x",
            "zfs-shell 'nas'",
            "zfs-shell nas;zfs list",
            "zfs-shell\nnas",
            "zfs-shell\tnas",
            "zfs-shell $x",
            "my-zfs-shell nas",
            "zfs-shell/ nas",
            "a;zfs-shell nas",
        ] {
            assert_eq!(read(&["-c", request], Some("zfs list")), account(Some(request)), "{request}");
        }
    }

    #[test]
    fn help_and_version_stand_alone() {
        assert_eq!(read(&["--help"], None), Ok(Form::Help));
        assert_eq!(read(&["-V"], Some("zfs list")), Ok(Form::Version));
        for wrong in [&["--help", "nas"][..], &["nas", "--version"], &["--no"], &["-c"], &["-c", "a", "b"], &["a", "b"]]
        {
            assert_eq!(read(wrong, Some("zfs list")), Err(RequestError::Usage), "{wrong:?}");
        }
    }

    #[test]
    fn the_client_is_an_address_or_unknown() {
        assert_eq!(client(OsStr::new("192.0.2.7 51022 192.0.2.1 22")), Some([192, 0, 2, 7].into()));
        assert_eq!(client(OsStr::new("fe80::1%eth0 51022 fe80::2%eth0 22")), "fe80::1".parse().ok());
        for odd in ["", "UNKNOWN 65535 UNKNOWN 65535", "host 1 host 2", "192.0.2.7\n1"] {
            assert_eq!(client(OsStr::new(odd)), None, "{odd:?}");
        }
    }

    #[test]
    fn the_fingerprint_is_the_one_that_ssh_keygen_prints() {
        let key = "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJgtPr0h4DPRFpiqvgU4Vp8sMRjoZ38lscehyU354ixM\n";
        let print = "SHA256:diNIopARUioDEcJm3VVE+t6h+zYxNF9avYjhjkrm11c".to_owned();
        assert_eq!(fingerprint(key), Some(print.clone()));
        assert_eq!(fingerprint(&format!("password\n{key}")), Some(print));
    }

    #[test]
    fn what_is_odd_about_a_key_leaves_it_unknown() {
        let key = "publickey ssh-ed25519 AAAA";
        for odd in [
            "",
            "password",
            "publickey",
            "publickey ssh-ed25519",
            "publickey ssh-ed25519 %%%%",
            "publickey ssh-ed25519 AAAA comment",
            "publickey ssh-ed25519-cert-v01@openssh.com AAAA",
            &format!("{key}\n{key}"),
        ] {
            assert_eq!(fingerprint(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn only_a_plain_file_is_read_for_the_key() {
        assert_eq!(exposed(Path::new("/dev/zero")), None);
        assert_eq!(exposed(Path::new("/nonexistent")), None);
        assert_eq!(exposed(Path::new("/proc/self/exe")), None);
    }
}
