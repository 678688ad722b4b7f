//! The command line of zfs-shell-policy, apart from what it does, so that manual and completions can be made from it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use toml::value::Datetime;

use super::version::Version;
use crate::policy::Account;

/// Asks a policy of zfs-shell what it allows, without running anything
#[derive(Debug, Parser)]
#[command(name = "zfs-shell-policy", version, arg_required_else_help = true)]
pub struct Cli {
    /// What is asked.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the least `zfs allow` lines that a policy needs, each right with what it is for
    #[command(
        after_help = "Exit status: 0 printed, 1 --verify and a right is missing, or --denied and something was denied, \
                            2 usage, policy or output."
    )]
    Allow(Allow),
    /// Print the lines of authorized_keys that bind keys to a policy, or the command that signs a key for it
    #[command(after_help = "Exit status: 0 printed, 2 usage, policy or output.")]
    Authorize(Authorize),
    /// Judge commands as zfs-shell would, and say what would be executed
    #[command(after_help = "Exit status: 0 all are allowed or kept, 1 any other decision, 2 usage, policy or output.")]
    Check(Check),
    /// Print what a shell needs to complete the words of a command line
    #[command(after_help = "Exit status: 0 printed, 2 usage or output.")]
    Completions(Completions),
    /// Say what one policy allows and another doesn't
    #[command(after_help = "Exit status: 0 they allow the same, 1 something differs, 2 usage, policy or output.")]
    Diff(Diff),
    /// Refuse all that is asked by a policy from now on, and end what runs for its account
    #[command(after_help = "Exit status: 0 it is disabled, 2 usage, or it can't be.")]
    Disable(Disable),
    /// Look whether this host has what zfs-shell needs to run programs and to confine them
    #[command(after_help = "Exit status: 0 all is there, 1 something is missing, 2 usage, policy or output.")]
    Doctor(Doctor),
    /// Print a script that sets up a host for one key: the account, its rights, the policy and the key's line
    #[command(after_help = "Exit status: 0 printed, 2 usage, a name or a key, or output.")]
    Init(Init),
    /// Print the lines of authorized_keys that all policies have for an account: sshd's AuthorizedKeysCommand
    #[command(after_help = "Exit status: 0 printed, also where a policy was left out, 2 usage, directory or output.")]
    Keys(Keys),
    /// Look for what a policy says and probably doesn't mean
    #[command(after_help = "Exit status: 0 nothing found, 1 warnings, 2 errors (also usage, policy or output).")]
    Lint(Lint),
    /// Say in words what a command would do, what decides on it, and the smallest change that would allow it
    #[command(after_help = "Exit status: 0 it is allowed or kept, 1 it isn't, 2 usage, policy or output.")]
    Explain(Explain),
    /// Propose the smallest policy that allows what was seen
    #[command(
        after_help = "Exit status: 0 the policy allows all that was seen, 1 it doesn't, 2 usage, policy or output."
    )]
    Learn(Learn),
    /// Tell what keys did by the log: streams, the last success of each dataset, refusals with their reasons
    #[command(
        after_help = "Exit status: 0 printed, 2 usage or output. With --stale that of a monitoring plugin: 0 all have \
                            succeeded in that time, 1 a stream of an unusual size, 2 one has not, 3 the log has no stream."
    )]
    Report(Report),
    /// Let one dataset come back, for a time: to the host that pushes, or from the one that pulls
    #[command(after_help = "Exit status: 0 written, 2 usage, policy or output.")]
    Restore(Restore),
    /// Print the whole that a policy stands for, with where each value comes from
    #[command(after_help = "Exit status: 0 printed, 2 usage, policy or output.")]
    Show(Show),
}

/// Which policy.
#[derive(Debug, Args)]
pub struct Policy {
    /// A file (it ends in `.toml`, or holds a `/` and exists), or NAME[/CLIENT] as `command=` has it
    #[arg(value_name = "POLICY")]
    pub policy: PathBuf,
    /// What {client} stands for in a file given by its path
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
}

/// Who answers for the host, and when.
#[derive(Debug, Args)]
pub struct Asked {
    /// What the host would answer; what the file doesn't say has the strictest answer, as all has without it
    #[arg(long, value_name = "FACTS")]
    pub assume: Option<PathBuf>,
    /// Ask this host (zfs list, get and holds, as zfs-shell does)
    #[arg(long, conflicts_with_all = ["assume", "at"])]
    pub live: bool,
    /// The time of the decision, instead of now: 2026-11-01T03:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<Datetime>,
}

/// Where the gate is: a path of which no shell and no line of sshd makes anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate(String);

impl Gate {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Gate {
    type Err = &'static str;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@+:,./-".contains(&byte);
        let is_path = path.starts_with('/') && !path.ends_with('/') && path.bytes().all(is_plain);
        if is_path { Ok(Self(path.to_owned())) } else { Err("not an absolute path of plain characters") }
    }
}

/// `allow`
#[derive(Debug, Args)]
pub struct Allow {
    /// Which policy.
    #[command(flatten)]
    pub policy: Policy,
    /// The account, instead of the policy's `key.account` or the one with its name
    #[arg(long, value_name = "NAME")]
    pub account: Option<Account>,
    /// Take the rights that OpenZFS of this version has, where they are enough
    #[arg(long, value_name = "VERSION")]
    pub zfs: Option<Version>,
    /// What the host would answer, from a file: which datasets a pattern stands for, and what is encrypted
    #[arg(long, value_name = "FACTS")]
    pub assume: Option<PathBuf>,
    /// Ask this host for that, and for the version
    #[arg(long, conflicts_with = "assume")]
    pub live: bool,
    /// Compare with what is given now; asks this host unless there is --assume
    #[arg(long)]
    pub verify: bool,
    /// Print the `zfs unallow` lines that take it back
    #[arg(long, conflicts_with = "verify")]
    pub undo: bool,
    /// Say what is behind each "permission denied" of zfs's in a client's log; `-`: standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["verify", "undo"])]
    pub denied: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `authorize`
#[derive(Debug, Args)]
pub struct Authorize {
    /// Which policy.
    #[command(flatten)]
    pub policy: Policy,
    /// A file with public keys, `-`: standard input; instead of those that the policy has
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Where the gate is
    #[arg(long, value_name = "PATH", default_value = "/usr/bin/zfs-shell")]
    pub program: Gate,
    /// Print the ssh-keygen command by which this key of an authority signs the key in FILE for the policy
    #[arg(long, value_name = "CA", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// For which account the certificate is, instead of the policy's `key.account` or the one with its name
    #[arg(long, value_name = "NAME", requires = "certificate")]
    pub account: Option<Account>,
}

/// `check`
#[derive(Debug, Args)]
pub struct Check {
    /// Which policy.
    #[command(flatten)]
    pub policy: Policy,
    /// Files with one command a line, empty lines skipped; `-` or none: standard input
    #[arg(value_name = "FILE", conflicts_with = "command")]
    pub files: Vec<PathBuf>,
    /// One command, its words joined by one blank as ssh joins them
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
    /// Commands end with a NUL byte instead of a newline, so that newlines can be judged
    #[arg(short = '0', long, conflicts_with = "command")]
    pub null: bool,
    /// Who answers for the host.
    #[command(flatten)]
    pub asked: Asked,
    /// For a command that receives: the send stream that arrives, as `zfs send` wrote it; `-`: standard input
    #[arg(long, value_name = "FILE", requires = "command")]
    pub stream: Option<PathBuf>,
    /// One JSON object a command
    #[arg(long)]
    pub json: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell.
    pub shell: Shell,
}

/// A shell that completes words.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[expect(missing_docs, reason = "their names say it, and would be said twice in the help")]
pub enum Shell {
    Bash,
    Fish,
    Zsh,
}

/// `diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The one that is compared with: a file or a name, as everywhere
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The one that is compared
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// What {client} stands for in files given by their path
    #[arg(long, value_name = "NAME")]
    pub client: Option<String>,
    /// A file with commands, one a line, `-`: standard input; both judge each of them
    #[arg(long, value_name = "FILE")]
    pub commands: Vec<PathBuf>,
    /// Commands end with a NUL byte instead of a newline
    #[arg(short = '0', long, requires = "commands")]
    pub null: bool,
    /// Who answers for the host.
    #[command(flatten)]
    pub asked: Asked,
    /// One JSON object for each value and each command that differs
    #[arg(long)]
    pub json: bool,
}

/// `disable`
#[derive(Debug, Args)]
pub struct Disable {
    /// The name of a policy
    #[arg(value_name = "NAME")]
    pub policy: String,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// A policy whose programs are looked for, by file or name; without one those that are built in
    #[arg(value_name = "POLICY")]
    pub policy: Option<PathBuf>,
    /// What {client} stands for in a file given by its path
    #[arg(long, value_name = "NAME", requires = "policy")]
    pub client: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `init`
#[derive(Debug, Args)]
pub struct Init {
    /// What this host is
    #[arg(value_name = "ROLE")]
    pub side: Side,
    /// What the policy is called
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What may be pulled, or pushed into
    #[arg(value_name = "DATASET")]
    pub dataset: String,
    /// The public key of the other host, as ssh-keygen writes it; `-`: standard input
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The account; without it one with the policy's name
    #[arg(long, value_name = "NAME")]
    pub account: Option<Account>,
    /// Where clients may come from: an address, a network or a pattern of host names; can be given several times
    #[arg(long, value_name = "HOST")]
    pub from: Vec<String>,
    /// The quota of a dataset that is pushed into, as 500G
    #[arg(long, value_name = "SIZE")]
    pub quota: Option<String>,
    /// Print the script that takes it all back, but for what was pushed
    #[arg(long)]
    pub undo: bool,
    /// Where the gate is
    #[arg(long, value_name = "PATH", default_value = "/usr/bin/zfs-shell")]
    pub program: Gate,
}

/// What a host is to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Another host pulls from it
    PullSource,
    /// Another host pushes into it
    PushTarget,
}

/// `keys`
#[derive(Debug, Args)]
pub struct Keys {
    /// The account (in sshd_config: %u)
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// With --key: print the line of this key alone; its type (in sshd_config: %t)
    #[arg(long = "type", value_name = "TYPE", requires = "key")]
    pub kind: Option<String>,
    /// With --type: its base64 (in sshd_config: %k)
    #[arg(long, value_name = "BASE64", requires = "kind")]
    pub key: Option<String>,
    /// Where the gate is
    #[arg(long, value_name = "PATH", default_value = "/usr/bin/zfs-shell")]
    pub program: Gate,
}

/// `lint`
#[derive(Debug, Args)]
pub struct Lint {
    /// Which policy.
    #[command(flatten)]
    pub policy: Policy,
    /// The time to compare `until` with, instead of now
    #[arg(long, value_name = "TIME")]
    pub at: Option<Datetime>,
    /// What the host would answer, from a file; for the findings that --live has
    #[arg(long, value_name = "FACTS")]
    pub assume: Option<PathBuf>,
    /// Ask this host whether filters are installed, and what bounds the datasets into which one may push
    #[arg(long, conflicts_with = "assume")]
    pub live: bool,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// Which policy.
    #[command(flatten)]
    pub policy: Policy,
    /// Who answers for the host.
    #[command(flatten)]
    pub asked: Asked,
    /// The command, its words joined by one blank as ssh joins them
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `learn`
#[derive(Debug, Args)]
pub struct Learn {
    /// Which policy.
    #[command(flatten)]
    pub policy: Policy,
    /// Who answers for the host.
    #[command(flatten)]
    pub asked: Asked,
    /// Files with zfs-shell's records in them, as syslog or the journal has them, or with one command a line; `-` or
    /// none: standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Learn from the records of this policy alone; without it from those of POLICY, if that is a name
    #[arg(long, value_name = "NAME[/CLIENT]")]
    pub of: Option<String>,
    /// Print the whole policy as it is proposed, and nothing else
    #[arg(long)]
    pub toml: bool,
}

/// `report`
#[derive(Debug, Args)]
pub struct Report {
    /// Files with zfs-shell's records in them, as syslog or the journal has them; `-` or none: standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Of this policy alone
    #[arg(long, value_name = "NAME[/CLIENT]")]
    pub of: Option<String>,
    /// Write a page with tables and plots into this file, for a browser: it is all in there, and nothing is loaded
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "stale", "prometheus"])]
    pub html: Option<PathBuf>,
    /// One JSON object
    #[arg(long, conflicts_with_all = ["stale", "prometheus"])]
    pub json: bool,
    /// One line and a status, as Nagios and its kin take them: whether each dataset had a success in this time (26h)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "prometheus")]
    pub stale: Option<std::time::Duration>,
    /// Write metrics into this file, for the textfile collector of Prometheus's node_exporter
    #[arg(long, value_name = "FILE")]
    pub prometheus: Option<PathBuf>,
    /// The time of the report, instead of now: 2026-11-01T03:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<Datetime>,
}

/// `restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// Which policy.
    #[command(flatten)]
    pub policy: Policy,
    /// What may come back, with what lies below
    #[arg(value_name = "DATASET")]
    pub dataset: String,
    /// Of what is pulled: a dataset that isn't there yet, for it to land below; without it DATASET-restored
    #[arg(long, value_name = "PLACE")]
    pub into: Option<String>,
    /// For how long: 2h
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub time: std::time::Duration,
    /// Write nothing, and say what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// From when on, instead of now: 2026-11-01T03:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<Datetime>,
}

/// `show`
#[derive(Debug, Args)]
pub struct Show {
    /// Which policy.
    #[command(flatten)]
    pub policy: Policy,
    /// A table instead: what may be done with which datasets
    #[arg(long)]
    pub datasets: bool,
    /// One JSON object: all values, with where each comes from
    #[arg(long, conflicts_with = "datasets")]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"zfs-shell-policy").chain(words))
    }

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_and_flag_stands_in_the_manual() {
        let manual = include_str!("../../docs/zfs-shell-policy.8");
        for subcommand in Cli::command().get_subcommands() {
            assert!(manual.contains(&format!(".Cm {}\n", subcommand.get_name())), "{}", subcommand.get_name());
            for flag in subcommand.get_arguments().filter_map(|argument| argument.get_long()) {
                let named = [format!("Fl -{flag}"), format!(", -{flag}")];
                assert!(named.iter().any(|named| manual.contains(named)), "{flag}");
            }
        }
    }

    #[test]
    fn words_behind_the_dashes_are_the_command_and_not_options_of_ours() {
        let Ok(Cli { command: Command::Check(check) }) = parse(&["check", "nas", "--", "zfs", "list", "--json"]) else {
            panic!("not taken")
        };
        assert_eq!(check.command, ["zfs", "list", "--json"]);
        assert!(!check.json && check.files.is_empty());
    }

    #[test]
    fn the_gate_is_at_a_path_that_nothing_reads_otherwise() {
        assert!("/opt/zfs-shell_1.0/bin/zfs-shell".parse::<Gate>().is_ok());
        for path in ["zfs-shell", "", "/", "/a/", "/a b", "/a\"b", "/a'b", "/a\\b", "/a$b", "/a\nb", "/\u{fc}"] {
            assert!(path.parse::<Gate>().is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_command_and_files_exclude_each_other() {
        assert!(parse(&["check", "nas", "file", "--", "zfs", "list"]).is_err());
        assert!(parse(&["check", "-0", "nas", "--", "zfs", "list"]).is_err());
        assert!(parse(&["check", "nas", "--at", "yesterday"]).is_err());
    }
}
