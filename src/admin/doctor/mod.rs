//! `doctor`: whether this host has what the gate needs to do its work, to confine what it starts and to keep its records; and
//! whether the keys of a policy's account lead to the gate alone.

mod access;
mod device;
mod logs;
mod sshd;

use std::io::Write;
use std::net::IpAddr;
use std::path::Path;

use nix::unistd::User;
use serde::Serialize;

use super::cli::{self, Doctor};
use super::form::counted;
use super::source::{self, Source};
use super::version::Version;
use super::written::Written;
use super::{Stop, authorized, json};
use crate::command::argv::Program;
use crate::host::{self, Executable, Host, Live, Measure};
use crate::policy::{self, Hooks, Policy};

/// Prints what is there and what is not; the status says whether something is missing.
pub(super) fn run(arguments: &Doctor, out: &mut impl Write) -> Result<u8, Stop> {
    let mut findings = kernel(host::landlock(), &host::missing());
    let version = source::line(Path::new(ZFS_VERSION));
    findings.push(zfs(version.clone()));
    let mut account = None;
    let (policy, named) = match &arguments.policy {
        None => (policy::parse("", None).map_err(Stop::said)?, Vec::new()),
        Some(path) => {
            let policy = cli::Policy { policy: path.clone(), client: arguments.client.clone() };
            let source = Source::find(&policy)?;
            let names = Written::read(&source.text);
            let named = names.filters().iter().filter_map(|name| Program::named(name.get_ref())).collect();
            let read = source.policy()?;
            if read.sandbox.zone {
                let name = Path::new(&source.path).file_stem().unwrap_or_default().to_string_lossy();
                findings.push(zone(version.as_deref(), &name, host::zone_file(&name).exists()));
            }
            // A file that is named by its path is for no account yet.
            if source.name.is_some() {
                account = Some(authorized::account(&read.key, &source.name()?).to_owned());
            }
            (read, named)
        }
    };
    let live = Live::new(&policy);
    findings.extend(programs(&policy, &named, |program| live.program(program), host::is_confinable));
    findings.extend(fixed(&policy, host::is_executable));
    let user = account.as_ref().and_then(|name| User::from_name(name).ok().flatten());
    findings.push(device::of(Path::new(DEVICE), user.as_ref()));
    findings.extend(match (&account, &user) {
        (Some(name), None) => vec![access::absent(name)],
        (_, Some(user)) => access::of(user),
        (None, None) => Vec::new(),
    });
    findings.extend(settings(&policy, user.as_ref()));
    findings.extend(logs::findings(Path::new("/")));
    if arguments.json { write_json(out, &findings) } else { write(out, &findings) }
}

/// What sshd says of itself, for the account if there is one.
fn settings(policy: &Policy, user: Option<&User>) -> Vec<Finding> {
    let from = policy.key.from.iter().find_map(|host| host.as_str().parse().ok());
    let address: IpAddr = from.unwrap_or_else(|| NOBODY.into());
    let told = host::sshd_settings(user.map(|user| (user.name.as_str(), address)));
    let account = user.map(|user| sshd::Account {
        name: &user.name,
        is_root: user.uid.is_root(),
        keys: access::Keys::read(&access::text(user)),
    });
    sshd::findings(told.map_err(|error| error.to_string()), account)
}

/// Where nobody comes from (RFC 5737).
const NOBODY: [u8; 4] = [192, 0, 2, 1];

/// What was looked for.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    state: State,
    what: &'static str,
    how: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It isn't there, and nobody has asked for it.
    Absent,
    Missing,
}

impl Finding {
    fn new(state: State, what: &'static str, how: impl Into<String>) -> Self {
        Self { state, what, how: how.into() }
    }
}

fn kernel(landlock: Option<u32>, missing: &[Measure]) -> Vec<Finding> {
    let there = |measure: Measure, how: String| match missing.contains(&measure) {
        true => Finding::new(State::Missing, measure.name(), format!("needs {}", measure.needs())),
        false => Finding::new(State::Ok, measure.name(), how),
    };
    vec![
        there(Measure::Files, format!("Landlock, version {}", landlock.unwrap_or_default())),
        there(Measure::Calls, "seccomp filters".to_owned()),
    ]
}

/// What the module says of itself: the one that decides, whatever the programs are.
fn zfs(version: Option<String>) -> Finding {
    match version {
        Some(version) => Finding::new(State::Ok, "openzfs", version),
        None => Finding::new(State::Missing, "openzfs", "the kernel module is not loaded"),
    }
}

/// What `sandbox.zone` takes: a module whose wall holds, and the namespace. That datasets are attached to it, and that it
/// is the account's, shows when one is asked for.
fn zone(version: Option<&str>, policy: &str, is_there: bool) -> Finding {
    let file = host::zone_file(policy);
    if !version.is_some_and(holds) {
        let how = "needs OpenZFS 2.2.11, 2.3.9, 2.4.4 or later: CVE-2026-79619";
        Finding::new(State::Missing, "zone", how)
    } else if is_there {
        Finding::new(State::Ok, "zone", file.display().to_string())
    } else {
        let how = format!("no {}: systemctl start zfs-shell-zone@{policy}", file.display());
        Finding::new(State::Missing, "zone", how)
    }
}

/// Whether a dataset that is attached to a namespace is all that is seen there.
fn holds(version: &str) -> bool {
    match version.parse() {
        Ok(Version(2, 2, patch)) => patch >= 11,
        Ok(Version(2, 3, patch)) => patch >= 9,
        Ok(Version(2, 4, patch)) => patch >= 4,
        Ok(newer) => newer >= Version(2, 5, 0),
        Err(_) => false,
    }
}

/// Every program that a request under the policy can need. Of the filters that are built in nobody needs all.
fn programs(
    policy: &Policy,
    named: &[Program],
    find: impl Fn(Program) -> Option<Executable>,
    is_confinable: impl Fn(&Path) -> bool,
) -> Vec<Finding> {
    let elevation = policy.privilege.program();
    let needed =
        [Program::Zfs, Program::Zpool].into_iter().chain(elevation).chain(policy.filters.allow.iter().copied());
    needed
        .map(|program| {
            let name = program.name();
            let confined =
                !(elevation == Some(program) || elevation.is_some() && !policy.filters.allow.contains(&program));
            match find(program) {
                Some(path) if confined && !is_confinable(path.path()) => {
                    let how =
                        format!("{path} is no program of this machine but a script, or can't be read: it won't start");
                    Finding::new(State::Missing, name, how)
                }
                Some(path) if confined => Finding::new(State::Ok, name, path.to_string()),
                Some(path) => Finding::new(State::Ok, name, format!("{path}, which nothing confines: privilege.via")),
                None if policy.filters.allow.contains(&program) && !named.contains(&program) => {
                    Finding::new(State::Absent, name, "not installed")
                }
                None => Finding::new(State::Missing, name, "not installed"),
            }
        })
        .collect()
}

/// What the policy has word by word: nothing else is looked for in its place.
fn fixed(policy: &Policy, is_executable: impl Fn(&Path) -> bool) -> Vec<Finding> {
    let commands = policy.commands.iter().map(|command| ("command", &command.exec));
    let hooks = policy.hooks.iter().flat_map(Hooks::programs);
    let fixed = commands.chain(hooks.map(|exec| ("hooks", exec)));
    let found = fixed.map(|(what, exec)| match exec.program() {
        program if is_executable(program) => Finding::new(State::Ok, what, program.display().to_string()),
        program => Finding::new(State::Missing, what, format!("{}: no program there", program.display())),
    });
    found.collect()
}

fn write(out: &mut impl Write, findings: &[Finding]) -> Result<u8, Stop> {
    for Finding { state, what, how } in findings {
        let state = match state {
            State::Ok => "ok",
            State::Absent => "-",
            State::Missing => "missing",
        };
        writeln!(out, "{state:8} {what:8} {how}")?;
    }
    writeln!(out, "{} missing", counted(missing(findings), "thing"))?;
    Ok(u8::from(missing(findings) > 0))
}

fn missing(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.state == State::Missing).count()
}

fn write_json(out: &mut impl Write, findings: &[Finding]) -> Result<u8, Stop> {
    #[derive(Serialize)]
    struct Report<'a> {
        findings: &'a [Finding],
        missing: usize,
    }
    let missing = missing(findings);
    json::line(out, &Report { findings, missing })?;
    Ok(u8::from(missing > 0))
}

/// By which zfs asks the module.
const DEVICE: &str = "/dev/zfs";

/// Where the module says which version it is.
pub(super) const ZFS_VERSION: &str = "/sys/module/zfs/version";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_policy_word_by_word_is_looked_for_where_it_says() {
        let text = "[[command]]\nrequest = []\nexec = ['/bin/here', '/bin/word']\n\
                    [hooks]\nbefore_snapshot = ['/bin/here']\nafter_snapshot = ['/bin/gone']\n";
        let found = fixed(&policy::parse(text, None).unwrap(), |path| path == Path::new("/bin/here"));
        let told: Vec<_> = found.iter().map(|finding| (finding.state, finding.what, finding.how.as_str())).collect();
        let expected = [
            (State::Ok, "command", "/bin/here"),
            (State::Ok, "hooks", "/bin/here"),
            (State::Missing, "hooks", "/bin/gone: no program there"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_measure_that_the_kernel_lacks_is_told_with_what_it_takes() {
        let found = kernel(None, &[Measure::Files]);
        assert_eq!((found[0].state, found[0].what), (State::Missing, "files"));
        assert!(found[0].how.contains("Landlock, in Linux from 5.13 on"), "{found:?}");
        assert_eq!(found[1], Finding::new(State::Ok, "calls", "seccomp filters"));
        assert_eq!(kernel(Some(7), &[])[0], Finding::new(State::Ok, "files", "Landlock, version 7"));
        assert_eq!(zfs(None).state, State::Missing);
        assert_eq!(zfs(Some("2.3.9-1".to_owned())), Finding::new(State::Ok, "openzfs", "2.3.9-1"));
    }

    #[test]
    fn a_zone_takes_a_module_whose_wall_holds_and_its_namespace() {
        for good in ["2.2.11-1", "2.3.9-1+deb13u1", "2.4.4", "2.5.0-rc1", "3.0"] {
            assert_eq!(zone(Some(good), "push", true).state, State::Ok, "{good}");
        }
        for bad in ["2.1.15", "2.2.10", "2.3.8-1", "2.4.3", "2.4", "kmod"] {
            let found = zone(Some(bad), "push", true);
            assert!(found.state == State::Missing && found.how.contains("CVE-2026-79619"), "{bad}: {found:?}");
        }
        assert_eq!(zone(None, "push", true).state, State::Missing);
        let how = "no /run/zfs-shell/push.userns: systemctl start zfs-shell-zone@push";
        assert_eq!(zone(Some("2.3.9-1"), "push", false), Finding::new(State::Missing, "zone", how));
    }

    fn states(text: &str, named: &[Program], there: &[Program], scripts: &str) -> Vec<(&'static str, State)> {
        let policy = policy::parse(text, None).unwrap();
        let find = |program: Program| {
            there.contains(&program).then(|| Executable::at(format!("/usr/bin/{}", program.name()).into()).unwrap())
        };
        let found = programs(&policy, named, find, |path| !path.ends_with(scripts));
        found.iter().map(|finding| (finding.what, finding.state)).collect()
    }

    #[test]
    fn zfs_and_the_filters_that_a_policy_names_have_to_be_there() {
        let there = [Program::Zfs, Program::Zpool, Program::Lzop];
        let named = states("filters.allow = ['lzop', 'zstd']", &[Program::Lzop, Program::Zstd], &there, "none");
        let expected = [("zfs", State::Ok), ("zpool", State::Ok), ("lzop", State::Ok), ("zstd", State::Missing)];
        assert_eq!(named, expected);
        let built_in = states("", &[], &there, "none");
        assert!(built_in.contains(&("zstd", State::Absent)) && built_in.contains(&("lzop", State::Ok)), "{built_in:?}");
        assert_eq!(
            states("filters.allow = []", &[], &[Program::Zfs], "none"),
            [expected[0], ("zpool", State::Missing)]
        );
    }

    #[test]
    fn a_script_can_not_be_confined_and_what_sudo_starts_is_not() {
        let there = [Program::Zfs, Program::Zpool, Program::Sudo];
        let policy = "filters.allow = []";
        assert_eq!(states(policy, &[], &there, "zfs"), [("zfs", State::Missing), ("zpool", State::Ok)]);
        let elevated = states("filters.allow = []\nprivilege.via = 'sudo'", &[], &there, "zfs");
        assert_eq!(elevated, [("zfs", State::Ok), ("zpool", State::Ok), ("sudo", State::Ok)]);
    }

    #[test]
    fn the_status_says_whether_anything_is_missing() {
        let mut out = Vec::new();
        let absent = Finding::new(State::Absent, "xz", "not installed");
        assert_eq!(write(&mut out, &[absent]).unwrap(), 0);
        assert_eq!(write(&mut out, &[zfs(None)]).unwrap(), 1);
        let expected = "-        xz       not installed\n0 things missing\n\
                        missing  openzfs  the kernel module is not loaded\n1 thing missing\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
