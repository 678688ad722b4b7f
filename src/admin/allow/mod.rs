//! `allow`: the least that `zfs allow` has to give an account for a policy. Prints the commands, and runs none of them.

mod denied;
mod need;
mod place;
mod verify;
mod write;

use std::io::{self, IsTerminal, Write};

use super::cli::{self, Allow};
use super::doctor::ZFS_VERSION;
use super::facts::Facts;
use super::source::{self, Source};
use super::version::Version;
use super::{Stop, authorized};
use crate::command::name::Dataset;
use crate::host::HostError;
use crate::policy::{Policy, Privilege};
use denied::Log;
use place::Places;
use verify::Difference;
use write::{Form, Paper, Verb};

/// Prints them, what differs from them, or which of them a log asks for; the status says whether a right is missing.
pub(super) fn run(arguments: &Allow, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let policy = source.policy()?;
    let name = source.name()?;
    let account =
        arguments.account.as_ref().map_or_else(|| authorized::account(&policy.key, &name), |name| name.as_str());
    let live = arguments.live || arguments.verify && arguments.assume.is_none();
    let asked = cli::Asked { assume: arguments.assume.clone(), live, at: None };
    let facts = (live || arguments.assume.is_some()).then(|| Facts::of(&asked, &policy)).transpose()?;
    let version = arguments.zfs.or_else(|| if live { this_version() } else { None });
    let form = match (arguments.json, io::stdout().is_terminal()) {
        (true, _) => Form::Json,
        (false, true) => Form::Table,
        (false, false) => Form::Lines,
    };

    let places = match policy.privilege.program() {
        None => Places::of(&policy, version, facts.as_ref().map(Facts::host)).map_err(Stop::said)?,
        Some(program) => {
            let note =
                format!("zfs gets the rights of root by {} (privilege.via), and none by zfs allow", program.name());
            Places { notes: vec![note], ..Places::default() }
        }
    };
    let mut paper = Paper { out, form, account };
    if let Some(path) = &arguments.denied {
        let log = Log::read(path)?;
        paper.denied(&log.explained(&policy, &places, version), log.unknown, &places.notes)?;
        return Ok(u8::from(!log.is_empty()));
    }
    match facts.filter(|_| arguments.verify) {
        Some(facts) => {
            let difference = Difference::of(&places.lines, |dataset| verify::given(&facts, account, dataset));
            let difference = difference.map_err(Stop::said)?;
            paper.difference(&difference, &places.patterns, &places.notes)?;
            // What nobody could look for is not there either.
            Ok(u8::from(!difference.missing.is_empty() || !places.patterns.is_empty()))
        }
        None => {
            let verb = if arguments.undo { Verb::Unallow } else { Verb::Allow };
            paper.places(&places, verb)?;
            Ok(0)
        }
    }
}

/// What an account lacks for a policy on datasets that are there: for each the names of the rights.
pub(super) fn missing(
    policy: &Policy,
    account: &str,
    facts: &Facts<'_>,
) -> Result<Vec<(Dataset, Vec<String>)>, HostError> {
    if policy.privilege != Privilege::None {
        return Ok(Vec::new());
    }
    let version = if matches!(facts, Facts::Live(_)) { this_version() } else { None };
    let places = Places::of(policy, version, Some(facts.host()))?;
    let given = |dataset: &Dataset| match verify::given(facts, account, dataset) {
        // Of what nobody knows nothing is missing.
        Err(HostError::Unknown(_)) => Ok(None),
        given => given,
    };
    let Difference { missing, absent, .. } = Difference::of(&places.lines, given)?;
    let there = missing.into_iter().filter(|line| !absent.contains(&line.dataset));
    Ok(there.map(|line| (line.dataset, line.rights.0.into_keys().collect())).collect())
}

/// The commands for a policy, as lines for a shell; or those that take the rights back.
pub(super) fn lines(out: &mut impl Write, policy: &Policy, account: &str, undo: bool) -> Result<(), Stop> {
    let places = Places::of(policy, None, None).map_err(Stop::said)?;
    let verb = if undo { Verb::Unallow } else { Verb::Allow };
    Ok(Paper { out, form: Form::Lines, account }.places(&places, verb)?)
}

/// That of the module that is loaded.
fn this_version() -> Option<Version> {
    source::line(ZFS_VERSION.as_ref())?.parse().ok()
}
