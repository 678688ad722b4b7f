//! `init`: all that a key needs on this host, as a script to be read and then run by root; and the script that takes it back.
//! Runs nothing itself: what is to happen stands there before any of it does.

use std::io::Write;

use super::cli::{Init, Side};
use super::{Stop, allow, authorize, authorized};
use crate::command::name::Dataset;
use crate::command::property::{Property, Setting};
use crate::policy::{self, DIRECTORY, Policy, PolicyName};
use crate::syntax::quote;

/// Prints the script.
pub(super) fn run(arguments: &Init, out: &mut impl Write) -> Result<u8, Stop> {
    let install = Install::of(arguments)?;
    if arguments.undo {
        install.undo(out)?
    } else {
        install.script(out)?
    }
    Ok(0)
}

/// What is to be there.
struct Install {
    side: Side,
    name: PolicyName,
    account: String,
    dataset: Dataset,
    quota: Option<String>,
    text: String,
    policy: Policy,
    /// As authorized_keys has it.
    line: String,
    /// Where the gate is.
    program: String,
}

impl Install {
    fn of(arguments: &Init) -> Result<Self, Stop> {
        let name = PolicyName::parse(&arguments.name).map_err(Stop::said)?;
        if name.client.is_some() {
            return Err(Stop::said("a policy for many clients is written by hand: see {client} in zfs-shell.toml(5)"));
        }
        let dataset = Dataset::parse(&arguments.dataset).map_err(Stop::said)?;
        let [key] = authorize::keys(&arguments.key)?
            .try_into()
            .map_err(|_| Stop::said(format!("{}: one key at a time", arguments.key.display())))?;
        let quota = match (arguments.side, &arguments.quota) {
            (Side::PushTarget, None) => {
                return Err(Stop::said("--quota says how much may be pushed, as 500G: a full pool is everybody's"));
            }
            (_, quota) => quota.as_deref().map(quota_of).transpose()?,
        };
        let account = arguments.account.as_ref().map_or(name.name.as_str(), |account| account.as_str()).to_owned();
        let (role, says) = match arguments.side {
            Side::PullSource => ("pull-source", "Another host may pull this, and all below it."),
            Side::PushTarget => (
                "push-target",
                "Another host may push into here, and take back nothing that the last 7 days, 4 weeks\n# and 3 months need.",
            ),
        };
        if let Some(odd) = arguments.from.iter().find(|from| from.contains(['"', '\\'])) {
            return Err(Stop::said(format!("--from {odd}: no host")));
        }
        let from: Vec<String> = arguments.from.iter().map(|from| format!("\"{from}\"")).collect();
        let from = if from.is_empty() { String::new() } else { format!("from = [{}]\n", from.join(", ")) };
        let text = format!(
            "# {says}\n[[grant]]\nrole = \"{role}\"\ndatasets = [\"{dataset}\"]\n\n[key]\naccount = \"{account}\"\npublic = [\"{key}\"]\n{from}"
        );
        let policy = policy::parse(&text, None).map_err(Stop::said)?;
        let line = authorized::line(&authorized::command(&arguments.program, &name), &policy.key, &key);
        Ok(Self {
            side: arguments.side,
            name,
            account,
            dataset,
            quota,
            text,
            policy,
            line,
            program: arguments.program.as_str().to_owned(),
        })
    }

    fn script(&self, out: &mut impl Write) -> Result<(), Stop> {
        let Self { account, program, .. } = self;
        let (file, home, keys) = self.paths();
        writeln!(
            out,
            "#!/bin/sh\n# What the policy {} needs on this host. Read it, then run it as root.\nset -eu\numask 022",
            self.name
        )?;
        writeln!(out, "if [ -e {file} ]; then\n    echo '{file} is there already' >&2\n    exit 1\nfi")?;
        writeln!(out, "\n# An account that owns nothing, not even its home, and has no other shell.")?;
        writeln!(
            out,
            "if ! id {account} >/dev/null 2>&1; then
    useradd --system --home-dir {home} --shell {program} --password '*' {account}
elif ! getent passwd {account} | grep -q ':{home}:{program}$'; then
    echo 'the account {account} is there for something else: take another (--account)' >&2
    exit 1
fi"
        )?;
        writeln!(out, "install -d -m 755 {DIRECTORY} {home} {home}/.ssh")?;
        if self.side == Side::PushTarget {
            let dataset = quote([self.dataset.as_str()]);
            let quota = self.quota.as_deref().unwrap_or_default();
            writeln!(
                out,
                "\n# What arrives inherits the walls: nothing in it is mounted, gains rights or is a device."
            )?;
            writeln!(
                out,
                "zfs list {dataset} >/dev/null 2>&1 ||\n    zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on \\\n        -o {quota} -o filesystem_limit=1000 -o snapshot_limit=10000 {dataset}"
            )?;
        }
        writeln!(out, "\n# The rights that the policy needs, and what isn't here the account can't do.")?;
        allow::lines(out, &self.policy, account, false)?;
        writeln!(out, "\n# The policy, root's and nobody else's to write.")?;
        writeln!(out, "cat >{file} <<'END'\n{}END", self.text)?;
        writeln!(out, "\n# The key.\ncat >>{keys} <<'END'\n{}\nEND", self.line)?;
        writeln!(out, "\n# What is missing all the same.\nzfs-shell-policy lint --live {}", self.name)?;
        Ok(())
    }

    fn undo(&self, out: &mut impl Write) -> Result<(), Stop> {
        let Self { account, .. } = self;
        let (file, home, keys) = self.paths();
        writeln!(
            out,
            "#!/bin/sh\n# Takes back what the policy {} has on this host. Read it, then run it as root.\nset -eu",
            self.name
        )?;
        writeln!(out, "\n# The key, and no other.")?;
        writeln!(
            out,
            "if [ -e {keys} ]; then\n    grep -vxF -e '{}' {keys} >{keys}.new || :\n    mv {keys}.new {keys}\nfi",
            self.line
        )?;
        writeln!(out, "rm -f {file}\n")?;
        allow::lines(out, &self.policy, account, true)?;
        writeln!(out, "\n# The account, unless another key is for it. What was pushed stays: it is a backup.")?;
        writeln!(
            out,
            "if [ ! -s {keys} ]; then\n    rm -f {keys}\n    rmdir {home}/.ssh {home}\n    userdel {account}\nfi"
        )?;
        Ok(())
    }

    /// The policy's file, the account's home, and its keys. Names of policies and accounts are plain words.
    fn paths(&self) -> (String, String, String) {
        let home = format!("/var/lib/{}", self.account);
        (format!("{DIRECTORY}/{}.toml", self.name), home.clone(), format!("{home}/.ssh/authorized_keys"))
    }
}

/// As `-o` takes it.
fn quota_of(text: &str) -> Result<String, Stop> {
    let setting = Property::parse("quota").and_then(|quota| Setting::of(quota, text));
    setting.map(|setting| setting.to_string()).ok_or_else(|| Stop::said(format!("--quota {text}: a size, as 500G")))
}
