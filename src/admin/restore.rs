//! `restore`: lets the host that pushes have one dataset back, for a time. A grant that ends by itself is put behind what the
//! policy has, and nothing of that is changed.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::cli::Restore;
use super::replace::replace;
use super::source::Source;
use super::{Stop, authorized, clock};
use crate::command::name::Dataset;
use crate::policy::{self, Operation};
use crate::syntax::quote;

/// Writes the grant, and prints it with what else it takes.
pub(super) fn run(arguments: &Restore, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let policy = source.policy()?;
    let dataset = Dataset::parse(&arguments.dataset).map_err(Stop::said)?;
    let received = |grant: &&policy::Grant| grant.allow.has(Operation::Receive) && grant.covers_subtree(&dataset);
    if !policy.grants.iter().any(|grant| received(&grant)) {
        return Err(Stop::said(format!(
            "{}: nobody pushes into all of {dataset} by this policy, so there is nothing of theirs to have back",
            source.path
        )));
    }
    let until = until(clock(arguments.at.as_ref())?, arguments.time)
        .ok_or_else(|| Stop::said("--for: no time that can be written down"))?;
    let text = with_grant(&source.text, &dataset, &until);
    policy::parse(&text, source.client.as_ref()).map_err(|error| source.stop(error))?;
    let (verb, file) = if arguments.dry_run { ("would be written to", &source.path) } else { ("is in", &source.path) };
    if !arguments.dry_run {
        replace(Path::new(file), &text).map_err(|error| Stop::said(format!("{file}: {error}")))?;
    }
    let name = source.name()?;
    let account = authorized::account(&policy.key, &name);
    let quoted = quote([dataset.as_str()]);
    writeln!(out, "# This {verb} {file}, and ends by itself at {until}:\n{}", grant(&dataset, &until))?;
    writeln!(
        out,
        "# The account needs the right as well, which doesn't end by itself:\nzfs allow {account} send {quoted}"
    )?;
    writeln!(out, "zfs unallow {account} send {quoted}          # afterwards\n")?;
    writeln!(out, "# Then, on the other host (with --sendoptions=w if it is encrypted):")?;
    let from = quote(["syncoid", "--no-sync-snap", &format!("{account}@HERE:{dataset}"), "POOL/restored"]);
    writeln!(out, "{from}")?;
    Ok(0)
}

fn until(now: SystemTime, time: Duration) -> Option<String> {
    // No date has more than four digits of a year.
    let end =
        now.checked_add(time).filter(|end| *end < SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800))?;
    Some(humantime::format_rfc3339_seconds(end).to_string())
}

fn grant(dataset: &Dataset, until: &str) -> String {
    format!(
        "[[grant]]\ndatasets = [\"{dataset}\"]\nallow = [\"list\", \"send\"]\nuntil = {until}\n\
         send = {{ raw = \"encrypted\", properties = true, resume = true }}\n"
    )
}

fn with_grant(text: &str, dataset: &Dataset, until: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}\n# For a restore.\n{}", grant(dataset, until))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_grant_of_sending_one_dataset_stands_behind_all_else_and_ends() {
        let push = "[[grant]]\nrole = 'push-target'\ndatasets = ['backup/laptop']";
        let dataset = Dataset::parse("backup/laptop/home").unwrap();
        let policy = policy::parse(&with_grant(push, &dataset, "2026-11-01T05:00:00Z"), None).unwrap();
        let [before, after] = &*policy.grants else { panic!() };
        assert!(before.until.is_none() && !before.allow.has(Operation::Send));
        assert!(after.allow.has(Operation::Send) && !after.allow.has(Operation::Receive) && !after.send.replicate);
        assert!(after.covers(&dataset) && !after.covers(&Dataset::parse("backup/laptop").unwrap()));
        assert_eq!(after.send.raw, policy::Raw::Encrypted);
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_793_509_200);
        assert!(after.holds_at(end - Duration::from_secs(1)) && !after.holds_at(end));
        assert_eq!(until(end, Duration::ZERO).unwrap(), "2026-11-01T05:00:00Z");
        assert_eq!(until(end, Duration::MAX), None);
    }

    #[test]
    fn a_file_is_replaced_and_keeps_who_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("push.toml");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&file, "new").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
