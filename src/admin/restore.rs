//! `restore`: lets one dataset come back, for a time, over the key that there is. By a grant that ends by itself, behind what the
//! policy has, and nothing of that is changed. The host that pushes may fetch what it pushed; the host that pulls may bring
//! back what it pulled, into a place of its own, where nothing is that could be lost.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::cli::Restore;
use super::replace::replace;
use super::source::Source;
use super::{Stop, allow, authorized, clock};
use crate::command::name::Dataset;
use crate::policy::{self, Operation, Policy, Privilege};
use crate::syntax::quote;

/// Writes the grant, and prints it with what else it takes.
pub(super) fn run(arguments: &Restore, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let policy = source.policy()?;
    let dataset = Dataset::parse(&arguments.dataset).map_err(Stop::said)?;
    let way = Way::of(&policy, dataset, arguments.into.as_deref())
        .map_err(|error| Stop::said(format!("{}: {error}", source.path)))?;
    let until = until(clock(arguments.at.as_ref())?, arguments.time)
        .ok_or_else(|| Stop::said("--for: no time that can be written down"))?;
    let grant = way.grant(&until);
    let text = with_grant(&source.text, &grant);
    policy::parse(&text, source.client.as_ref()).map_err(|error| source.stop(error))?;
    let (verb, file) = if arguments.dry_run { ("would be written to", &source.path) } else { ("is in", &source.path) };
    if !arguments.dry_run {
        replace(Path::new(file), &text).map_err(|error| Stop::said(format!("{file}: {error}")))?;
    }
    let name = source.name()?;
    let account = authorized::account(&policy.key, &name);
    writeln!(out, "# This {verb} {file}, and ends by itself at {until}:\n{grant}")?;
    match &way {
        Way::Fetch(dataset) => fetched(out, dataset, account)?,
        Way::Bring { dataset, place } => {
            let rights = policy::parse(&grant, None).map_err(Stop::said)?;
            let rights = Some(rights).filter(|_| policy.privilege == Privilege::None);
            brought(out, dataset, place, account, rights.as_ref())?;
        }
    }
    Ok(0)
}

/// Who has what, and where it goes.
enum Way {
    /// The other host has lost what it pushed here.
    Fetch(Dataset),
    /// This host has lost what the other one pulled.
    Bring {
        dataset: Dataset,
        /// A dataset that isn't there yet, for it to land below.
        place: Dataset,
    },
}

impl Way {
    fn of(policy: &Policy, dataset: Dataset, into: Option<&str>) -> Result<Self, String> {
        let has =
            |operation| policy.grants.iter().any(|grant| grant.allow.has(operation) && grant.covers_subtree(&dataset));
        match (has(Operation::Receive), has(Operation::Send)) {
            (true, _) if into.is_some() => {
                Err("--into is for what is pulled; who pushes says where it lands there".to_owned())
            }
            (true, _) => Ok(Self::Fetch(dataset)),
            (false, true) => {
                let place = into.map_or_else(|| beside(&dataset), str::to_owned);
                let place = Dataset::parse(&place).map_err(|error| error.to_string())?;
                // What is there keeps what it has: a grant that reaches it would let it be written.
                if place == dataset
                    || place.above().any(|above| above == dataset)
                    || dataset.above().any(|above| above == place)
                {
                    return Err(format!("{place} is no place apart from {dataset}"));
                }
                Ok(Self::Bring { dataset, place })
            }
            (false, false) => Err(format!(
                "nobody pushes into all of {dataset} by this policy, nor pulls it: there is nothing to be had back"
            )),
        }
    }

    fn grant(&self, until: &str) -> String {
        match self {
            Self::Fetch(dataset) => format!(
                "[[grant]]\ndatasets = [\"{dataset}\"]\nallow = [\"list\", \"send\"]\nuntil = {until}\n\
                 send = {{ raw = \"encrypted\", properties = true, resume = true }}\n"
            ),
            // The role's walls, and none of what it may do besides.
            Self::Bring { place, .. } => format!(
                "[[grant]]\nrole = \"push-target\"\ndatasets = [\"{place}\"]\nscope = \"descendents\"\n\
                 allow = [\"list\", \"receive\"]\nuntil = {until}\n"
            ),
        }
    }
}

/// `tank/home-restored`; of a pool, `tank/restored`.
fn beside(dataset: &Dataset) -> String {
    let joint = if dataset.above().next().is_some() { "-" } else { "/" };
    format!("{dataset}{joint}restored")
}

fn fetched(out: &mut impl Write, dataset: &Dataset, account: &str) -> Result<(), Stop> {
    let quoted = quote([dataset.as_str()]);
    writeln!(
        out,
        "# The account needs the right as well, which doesn't end by itself:\nzfs allow {account} send {quoted}"
    )?;
    writeln!(out, "zfs unallow {account} send {quoted}          # afterwards\n")?;
    writeln!(out, "# Then, on the other host (with --sendoptions=w if it is encrypted):")?;
    let from = quote(["syncoid", "--no-sync-snap", &format!("{account}@HERE:{dataset}"), "POOL/restored"]);
    writeln!(out, "{from}")?;
    Ok(())
}

/// `rights`: the policy of the grant alone, where the account needs rights of its own.
fn brought(
    out: &mut impl Write,
    dataset: &Dataset,
    place: &Dataset,
    account: &str,
    rights: Option<&Policy>,
) -> Result<(), Stop> {
    let last = dataset.as_str().rsplit('/').next().unwrap_or_default();
    let landing = format!("{place}/{last}");
    let quoted = quote([place.as_str()]);
    writeln!(
        out,
        "# The place, which must not be there yet; choose the quota, which is all that the other host can fill:"
    )?;
    writeln!(
        out,
        "zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on -o quota=SIZE {quoted}\n"
    )?;
    if let Some(rights) = rights {
        writeln!(out, "# The account needs the rights as well, which don't end by themselves:")?;
        allow::lines(out, rights, account, false)?;
        writeln!(out)?;
    }
    writeln!(out, "# Then, on the other host, from its copy (with --sendoptions=w if it is encrypted):")?;
    let to = quote(["syncoid", "--no-sync-snap", "POOL/COPY", &format!("{account}@HERE:{landing}")]);
    writeln!(out, "{to}\n")?;
    writeln!(out, "# Afterwards, and what came goes where it belongs by your hand:")?;
    if let Some(rights) = rights {
        allow::lines(out, rights, account, true)?;
    }
    writeln!(out, "{}", quote(["zfs", "rename", &landing, dataset.as_str()]))?;
    writeln!(out, "{}", quote(["zfs", "destroy", place.as_str()]))?;
    Ok(())
}

fn until(now: SystemTime, time: Duration) -> Option<String> {
    // No date has more than four digits of a year.
    let end =
        now.checked_add(time).filter(|end| *end < SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800))?;
    Some(humantime::format_rfc3339_seconds(end).to_string())
}

fn with_grant(text: &str, grant: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}\n# For a restore.\n{grant}")
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
        let way = Way::of(&policy::parse(push, None).unwrap(), dataset.clone(), None).unwrap();
        let policy = policy::parse(&with_grant(push, &way.grant("2026-11-01T05:00:00Z")), None).unwrap();
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

    const PULL: &str = "[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/home', 'data']\n";

    fn way(dataset: &str, into: Option<&str>) -> Result<Way, String> {
        Way::of(&policy::parse(PULL, None).unwrap(), Dataset::parse(dataset).unwrap(), into)
    }

    /// What becomes of a request before the end, and whether the same is refused after it.
    fn asked(request: &str) -> (&'static str, bool) {
        let text = with_grant(PULL, &way("tank/home", None).unwrap().grant("2026-11-01T05:00:00Z"));
        let policy = policy::parse(&text, None).unwrap();
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_793_509_200);
        let at = |now| {
            let facts = crate::facts::Table::parse(FACTS).unwrap().at(now);
            crate::record::Outcome::of(&crate::judge(request.as_bytes(), &policy, &facts)).decision
        };
        (at(end - Duration::from_secs(1)), at(end) != "allowed")
    }

    const FACTS: &str = "[[dataset]]\nname = 'tank'\nproperties = { setuid = 'on', devices = 'on', mountpoint = '/tank' }\n\
        [[dataset]]\nname = 'tank/home'\nsnapshots = []\nbookmarks = []\n\
        properties = { setuid = 'on', devices = 'on', mountpoint = '/home' }\n\
        [[dataset]]\nname = 'tank/home-restored'\nsnapshots = []\nbookmarks = []\n\
        properties = { setuid = 'off', devices = 'off', mountpoint = 'none' }\n";

    #[test]
    fn what_was_pulled_comes_back_into_a_place_apart_and_nowhere_else() {
        assert_eq!(
            asked("zfs get -H name tank/home-restored/home"),
            ("allowed", true),
            "clients look before they send"
        );
        assert_eq!(asked("zfs receive -s -F tank/home-restored/home"), ("allowed", true));
        for other in ["tank/home", "tank/home/x", "tank/home-restored", "tank", "data"] {
            assert_ne!(asked(&format!("zfs receive -s -F {other}")).0, "allowed", "{other} has something to lose");
        }
        for other in ["zfs destroy -r tank/home-restored/home", "zfs rollback -R tank/home-restored/home@a"] {
            assert_ne!(asked(other).0, "allowed", "{other}");
        }
    }

    #[test]
    fn the_place_is_apart_from_what_was_lost() {
        let place = |dataset, into| match way(dataset, into) {
            Ok(Way::Bring { place, .. }) => Ok(place.to_string()),
            Ok(Way::Fetch(_)) => panic!("it was not pushed"),
            Err(error) => Err(error),
        };
        assert_eq!(place("tank/home", None).unwrap(), "tank/home-restored");
        assert_eq!(place("tank/home/anna", None).unwrap(), "tank/home/anna-restored");
        assert_eq!(place("tank/home", Some("data/back")).unwrap(), "data/back");
        assert_eq!(place("data", Some("tank/data")).unwrap(), "tank/data");
        for into in ["tank/home", "tank/home/back", "tank"] {
            assert_eq!(place("tank/home", Some(into)).unwrap_err(), format!("{into} is no place apart from tank/home"));
        }
        assert!(place("tank/other", None).unwrap_err().contains("nor pulls it"));
        let push = policy::parse("[[grant]]\nrole = 'push-target'\ndatasets = ['b']", None).unwrap();
        assert!(Way::of(&push, Dataset::parse("b/a").unwrap(), Some("b/c")).is_err());
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
