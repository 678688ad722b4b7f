//! How many records the daemons of the log take before they drop some: one that is dropped is lost, whatever it was
//! (docs/logging.md). journald.conf(5); rsyslog's modules imuxsock and imjournal.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Finding, State};
use crate::admin::form::visible;
use crate::admin::source;

/// What is configured below a root directory.
pub(super) fn findings(root: &Path) -> Vec<Finding> {
    let mut found = vec![journald(root)];
    found.extend(rsyslog(root));
    found
}

/// So many messages in so many seconds; without a limit where one of the two is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    burst: u64,
    seconds: u64,
}

impl Limit {
    fn is_none(self) -> bool {
        self.burst == 0 || self.seconds == 0
    }

    fn is_below(self, rate: u64) -> bool {
        !self.is_none() && self.burst < rate.saturating_mul(self.seconds)
    }
}

/// A client at work: fifty requests a second, as of one that is asked about thousands of snapshots, with two records each.
const BUSY: u64 = 100;
/// More than sshd starts sessions, over however many connections.
const FLOOD: u64 = 3000;

fn finding(what: &'static str, limit: Limit, more: &str) -> Finding {
    let Limit { burst, seconds } = limit;
    if limit.is_none() {
        return Finding::new(State::Ok, what, "drops no record for being one of too many");
    }
    let drops = format!("drops what is above {burst} messages in {seconds} s");
    if limit.is_below(BUSY) {
        Finding::new(
            State::Missing,
            what,
            format!("{drops}: a busy client alone has more, and its records are lost: {more}"),
        )
    } else if limit.is_below(FLOOD) {
        Finding::new(
            State::Absent,
            what,
            format!("{drops}: a flood of refusals can hide what is allowed behind it: {more}"),
        )
    } else {
        Finding::new(State::Ok, what, format!("{drops}: sshd doesn't start so many sessions"))
    }
}

const JOURNALD: &str = "journald";

fn journald(root: &Path) -> Finding {
    if !root.join("run/systemd/journal").is_dir() {
        return Finding::new(State::Absent, JOURNALD, "not here");
    }
    let mut limit = USUAL;
    for text in files(root) {
        for (key, value) in settings(&text) {
            let understood = match key {
                "RateLimitIntervalSec" | "RateLimitInterval" if value.is_empty() => Some(USUAL.seconds),
                "RateLimitIntervalSec" | "RateLimitInterval" => seconds(value),
                "RateLimitBurst" if value.is_empty() => Some(USUAL.burst),
                "RateLimitBurst" => value.parse().ok(),
                _ => continue,
            };
            match understood {
                Some(number) if key == "RateLimitBurst" => limit.burst = number,
                Some(number) => limit.seconds = number,
                None => {
                    let how = format!("{key}={}: not understood", visible(value));
                    return Finding::new(State::Absent, JOURNALD, how);
                }
            }
        }
    }
    finding(JOURNALD, limit, "RateLimitBurst=100000 in /etc/systemd/journald.conf.d/zfs-shell.conf")
}

/// Those built in (journald.conf(5)).
const USUAL: Limit = Limit { burst: 10_000, seconds: 30 };

/// The files in which systemd looks, those last that have the last word. Of one name the first directory's counts.
fn files(root: &Path) -> Vec<String> {
    let directories = DIRECTORIES.map(|directory| root.join(directory));
    let main = directories.iter().find_map(|directory| source::text(&directory.join("journald.conf")).ok());
    let mut more: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
    for directory in &directories {
        for path in listed(&directory.join("journald.conf.d")) {
            more.entry(path.file_name().unwrap_or_default().to_owned()).or_insert(path);
        }
    }
    main.into_iter().chain(more.values().filter_map(|path| source::text(path).ok())).collect()
}

const DIRECTORIES: [&str; 4] = ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];

/// The `.conf` files of a directory, by name.
fn listed(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "conf")).collect();
    paths.sort();
    paths
}

/// What stands in the section `[Journal]`.
fn settings(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut is_ours = false;
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with('[') {
            is_ours = line == "[Journal]";
        }
        let (key, value) = line.split_once('=').filter(|_| is_ours && !line.starts_with(['#', ';']))?;
        Some((key.trim_end(), value.trim_start()))
    })
}

/// A span of time in systemd's words (systemd.time(7)), in whole seconds, and a part of one as a whole one.
fn seconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let time = humantime::parse_duration(text).ok()?;
    Some(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}

fn rsyslog(root: &Path) -> Vec<Finding> {
    let Ok(main) = source::text(&root.join("etc/rsyslog.conf")) else { return Vec::new() };
    let more = listed(&root.join("etc/rsyslog.d"));
    let texts = std::iter::once(main).chain(more.iter().filter_map(|path| source::text(path).ok()));
    // In lower case, since rsyslog takes names as they come.
    let text = texts.map(|text| uncommented(&text).to_ascii_lowercase()).collect::<Vec<_>>().join("\n");
    MODULES.iter().filter_map(|module| module.finding(&text)).collect()
}

/// A module of rsyslog that takes messages in.
struct Module {
    name: &'static str,
    /// Its two parameters: interval and burst.
    parameters: [&'static str; 2],
    /// The same in the old form, as a directive.
    directives: [&'static str; 2],
    usual: Limit,
    instead: &'static str,
}

/// The parameters and what is built in: rsyslog's documentation of the two modules.
const MODULES: [Module; 2] = [
    Module {
        name: "imuxsock",
        parameters: ["syssock.ratelimit.interval", "syssock.ratelimit.burst"],
        directives: ["$systemlogratelimitinterval", "$systemlogratelimitburst"],
        usual: Limit { burst: 200, seconds: 0 },
        instead: "SysSock.RateLimit.Interval=\"0\"",
    },
    Module {
        name: "imjournal",
        parameters: ["ratelimit.interval", "ratelimit.burst"],
        directives: ["$imjournalratelimitinterval", "$imjournalratelimitburst"],
        usual: Limit { burst: 20_000, seconds: 600 },
        instead: "Ratelimit.Interval=\"0\"",
    },
];

impl Module {
    fn finding(&self, text: &str) -> Option<Finding> {
        let new = text.split("module(").skip(1).filter_map(|block| block.split(')').next());
        let block = new.into_iter().find(|block| value(block, "load").is_some_and(|name| name == self.name));
        let old = text.lines().any(|line| {
            line.strip_prefix("$modload").is_some_and(|name| name.split_whitespace().next() == Some(self.name))
        });
        if block.is_none() && !old {
            return None;
        }
        let directive = |name: &str| {
            text.lines()
                .filter_map(|line| line.strip_prefix(name))
                .find(|rest| rest.starts_with([' ', '\t']))
                .map(str::trim)
        };
        let [seconds, burst] = [0, 1].map(|place: usize| {
            let parameter = self.parameters.get(place).and_then(|name| value(block?, name));
            let number = parameter.or_else(|| self.directives.get(place).and_then(|name| directive(name)));
            number.and_then(|number| number.parse().ok())
        });
        let limit = Limit { burst: burst.unwrap_or(self.usual.burst), seconds: seconds.unwrap_or(self.usual.seconds) };
        let mut found = finding("rsyslog", limit, self.instead);
        found.how = format!("{} {}", self.name, found.how);
        Some(found)
    }
}

fn uncommented(text: &str) -> String {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).collect::<Vec<_>>().join("\n")
}

/// A parameter's value: `name="value"`.
fn value<'b>(block: &'b str, name: &str) -> Option<&'b str> {
    let mut rest = block;
    loop {
        let (before, behind) = rest.split_once(name)?;
        let is_whole = before.is_empty() || before.ends_with(|c: char| c.is_whitespace() || c == '"');
        if let Some(behind) = behind.trim_start().strip_prefix('=').filter(|_| is_whole) {
            return behind.trim_start().strip_prefix('"')?.split('"').next();
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root directory with these files in it.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("run/systemd/journal")).unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn told(files: &[(&str, &str)]) -> Vec<(State, String)> {
        let found = findings(root(files).path());
        found.into_iter().map(|finding| (finding.state, format!("{} {}", finding.what, finding.how))).collect()
    }

    fn journald(text: &str) -> (State, String) {
        told(&[("etc/systemd/journald.conf", text)]).remove(0)
    }

    #[test]
    fn the_usual_limit_of_journald_is_told_and_a_lower_one_is_a_fault() {
        let (state, how) = journald("[Journal]\n#RateLimitBurst=5\n");
        assert_eq!(state, State::Absent);
        assert!(how.starts_with("journald drops what is above 10000 messages in 30 s: a flood of refusals"), "{how}");
        assert!(how.ends_with("RateLimitBurst=100000 in /etc/systemd/journald.conf.d/zfs-shell.conf"), "{how}");
        assert_eq!(journald("[Journal]\nRateLimitBurst=1000\n").0, State::Missing);
        assert_eq!(journald("[Journal]\nRateLimitIntervalSec=5min\n").0, State::Missing);
        assert_eq!(journald("[Journal]\nRateLimitBurst=100000\n").0, State::Ok);
        assert_eq!(journald("[Other]\nRateLimitBurst=1\n").0, State::Absent);
        for none in ["RateLimitBurst=0", "RateLimitIntervalSec=0", "RateLimitInterval = 0s"] {
            let (state, how) = journald(&format!("[Journal]\n{none}\n"));
            assert!(state == State::Ok && how.contains("drops no record"), "{how}");
        }
    }

    #[test]
    fn the_last_file_counts_and_of_one_name_the_first_directory_s() {
        let burst = |number: u32| format!("[Journal]\nRateLimitBurst={number}\n");
        let (main, high, low) = (burst(1), burst(100_000), burst(2));
        let files = [
            ("usr/lib/systemd/journald.conf", main.as_str()),
            ("etc/systemd/journald.conf.d/50-a.conf", &high),
            ("usr/lib/systemd/journald.conf.d/50-a.conf", &low),
            ("usr/lib/systemd/journald.conf.d/10-b.conf", &low),
            ("etc/systemd/journald.conf.d/99-c.other", &low),
        ];
        assert_eq!(told(&files)[0].0, State::Ok);
        let reset = ("run/systemd/journald.conf.d/60-c.conf", "[Journal]\nRateLimitBurst=\n");
        let again = [&files[..], &[reset]].concat();
        assert!(told(&again)[0].1.contains("above 10000 messages"), "an empty value is the one that is built in");
    }

    #[test]
    fn where_no_journald_runs_and_what_is_no_time_is_told_and_nothing_is_missing() {
        let nowhere = tempfile::tempdir().unwrap();
        assert_eq!(findings(nowhere.path()), [Finding::new(State::Absent, "journald", "not here")]);
        let (state, how) = journald("[Journal]\nRateLimitIntervalSec=soon\n");
        assert_eq!((state, how.as_str()), (State::Absent, "journald RateLimitIntervalSec=soon: not understood"));
        assert_eq!([seconds("90"), seconds("1min 30s"), seconds("500ms")], [Some(90), Some(90), Some(1)]);
    }

    fn rsyslog(text: &str) -> Vec<(State, String)> {
        told(&[("etc/rsyslog.conf", "# main\n"), ("etc/rsyslog.d/10.conf", text)]).split_off(1)
    }

    #[test]
    fn rsyslog_has_no_limit_by_process_unless_one_is_set_and_one_of_the_journal_unless_it_is_taken_away() {
        assert_eq!(rsyslog(""), []);
        assert_eq!(rsyslog("module(load=\"imuxsock\") # as ever\n")[0].0, State::Ok);
        let set = rsyslog("module(load=\"imuxsock\"\n  SysSock.RateLimit.Interval=\"5\")\n");
        let how = "rsyslog imuxsock drops what is above 200 messages in 5 s: a busy client alone has more, and its records are \
                   lost: SysSock.RateLimit.Interval=\"0\"";
        assert_eq!(set, [(State::Missing, how.to_owned())]);
        let old = "$ModLoad imuxsock\n$SystemLogRateLimitInterval 1\n$SystemLogRateLimitBurst 5000\n";
        assert_eq!(rsyslog(old)[0].0, State::Ok);
        let journal = rsyslog("module(load=\"imjournal\" StateFile=\"imjournal.state\")\n");
        assert!(journal[0].0 == State::Missing && journal[0].1.contains("20000 messages in 600 s"), "{journal:?}");
        assert_eq!(rsyslog("module(load=\"imjournal\" Ratelimit.Interval=\"0\")\n")[0].0, State::Ok);
    }
}
