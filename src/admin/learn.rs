//! `learn`: from what was asked in a trial period to the smallest policy that allows it. What would take down a wall is not
//! proposed but listed; whether the proposal is enough is judged, like any policy.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use annotate_snippets::renderer::{AnsiColor, Style};
use similar::TextDiff;

use super::Stop;
use super::cli::Learn;
use super::facts::Facts;
use super::form::{counted, shortened, visible};
use super::propose::{Amount, Block, Change, FOLLOWS, Need, Proposal, Proposer};
use super::source::{self, Source};
use super::trace::{self, Record, Seen};
use crate::policy::{DatasetPattern, Grant, Policy};
use crate::record;

/// A client that asks nothing for so many seconds has ended its run.
const PAUSE: u64 = 600;
/// So many commands stand above a proposed grant.
const SAMPLES: usize = 3;

/// Learns; the status says whether there was anything to learn.
pub(super) fn run(arguments: &Learn, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let policy = source.policy()?;
    let facts = Facts::of(&arguments.asked, &policy)?;
    let proposer = Proposer { source: &source, policy: &policy, facts: &facts };
    let mut lesson = Lesson::new(proposer);
    let of = arguments.of.clone().or_else(|| source.name.clone());
    for file in source::files(&arguments.files).iter() {
        trace::read(file, |seen| match seen {
            Seen::Record(record) if of.as_ref().is_some_and(|of| *of != record.policy) => {
                lesson.others += 1;
                Ok(())
            }
            Seen::Record(record) => lesson.record(&record),
            Seen::Command(command) => lesson.command(&command),
        })?;
    }
    lesson.end();
    if arguments.toml {
        write!(out, "{}", lesson.text()?)?;
    } else {
        lesson.report(out)?;
    }
    Ok(if lesson.passed == lesson.seen { 0 } else { 1 })
}

/// What is known so far.
struct Lesson<'a> {
    proposer: Proposer<'a>,
    /// What is proposed, and the policy with it.
    change: Change,
    changed: Policy,
    /// Requests, those that passed, those of other policies, and those that were refused and not recorded whole.
    seen: usize,
    passed: usize,
    others: usize,
    unrecorded: usize,
    /// The grants that were needed.
    used: BTreeSet<usize>,
    /// What asked for which part of the change.
    samples: Vec<(BTreeSet<Need>, String)>,
    /// Why nothing is proposed for a command.
    left: BTreeMap<Vec<u8>, String>,
    /// What the host has to say on a command for which something is proposed.
    open: BTreeMap<Vec<u8>, String>,
    /// Where each client is in its run.
    runs: BTreeMap<String, Course>,
    /// Runs that ended in a refusal, and with which command.
    ends: BTreeSet<(String, String)>,
}

/// A client on its way.
#[derive(Default)]
struct Course {
    seconds: u64,
    /// The last request, if it didn't pass.
    stopped: Option<String>,
}

impl<'a> Lesson<'a> {
    fn new(proposer: Proposer<'a>) -> Self {
        let changed = proposer.policy.clone();
        Self {
            proposer,
            change: Change::default(),
            changed,
            seen: 0,
            passed: 0,
            others: 0,
            unrecorded: 0,
            used: BTreeSet::new(),
            samples: Vec::new(),
            left: BTreeMap::new(),
            open: BTreeMap::new(),
            runs: BTreeMap::new(),
            ends: BTreeSet::new(),
        }
    }

    fn record(&mut self, record: &Record) -> Result<(), Stop> {
        if record.decision.is_empty() {
            if let Some(reason) = &record.stream {
                let what = format!("a stream of {}", record.who);
                self.left.insert(what.into_bytes(), format!("refused when it arrived: {reason}"));
            }
            return Ok(());
        }
        self.seen += 1;
        let passed = record::passes(&record.decision);
        let request = record.request.as_deref();
        self.step(&record.who, record.seconds, (!passed).then(|| request.map_or_else(String::new, short)));
        match request {
            _ if passed => {
                self.passed += 1;
                self.used.extend(&record.grants);
            }
            Some(request) => self.learn(request)?,
            None if record.decision == "broken" => {
                self.left.insert(record.who.clone().into_bytes(), format!("broken: {}", record.reason));
            }
            None => self.unrecorded += 1,
        }
        Ok(())
    }

    fn command(&mut self, command: &[u8]) -> Result<(), Stop> {
        self.seen += 1;
        let outcome = self.proposer.outcome(command, self.proposer.policy);
        if outcome.passes() {
            self.passed += 1;
            self.used.extend(&outcome.grants);
            return Ok(());
        }
        self.learn(command)
    }

    /// A client's next request; after a long pause it is the first of another run.
    fn step(&mut self, who: &str, seconds: u64, stopped: Option<String>) {
        let run = self.runs.entry(who.to_owned()).or_default();
        if seconds > run.seconds.saturating_add(PAUSE)
            && let Some(command) = run.stopped.take()
        {
            self.ends.insert((who.to_owned(), command));
        }
        *run = Course { seconds, stopped };
    }

    fn learn(&mut self, command: &[u8]) -> Result<(), Stop> {
        // One that the proposal allows already has nothing new in it.
        if self.left.contains_key(command) || self.open.contains_key(command) || self.passes(command) {
            return Ok(());
        }
        match self.proposer.propose(command, Amount::Least)? {
            Proposal::Passes => {}
            Proposal::Change(change) => self.take(command, change, None)?,
            Proposal::Open(change, why) => self.take(command, change, Some(why))?,
            Proposal::Follows => {
                self.left.insert(command.to_vec(), FOLLOWS.to_owned());
            }
            Proposal::Host(why) => {
                self.open.insert(command.to_vec(), why);
            }
            Proposal::Never(why) => {
                let why = match self.proposer.propose(command, Amount::Most)? {
                    Proposal::Change(change) => {
                        std::iter::once(why).chain(self.walls(&change)).collect::<Vec<_>>().join("; ")
                    }
                    _ => why,
                };
                self.left.insert(command.to_vec(), why);
            }
        }
        Ok(())
    }

    fn take(&mut self, command: &[u8], change: Change, open: Option<String>) -> Result<(), Stop> {
        let walls = self.walls(&change);
        if !walls.is_empty() {
            self.left.insert(command.to_vec(), walls.into_iter().collect::<Vec<_>>().join("; "));
            return Ok(());
        }
        if let Some(reason) = open {
            self.open.insert(command.to_vec(), reason);
        }
        self.samples.push((change.needs.clone(), short(command)));
        self.change.merge(change);
        self.changed = self.change.policy(self.proposer.source)?;
        Ok(())
    }

    fn walls(&self, change: &Change) -> BTreeSet<String> {
        change.walls(self.proposer.source)
    }

    fn passes(&self, command: &[u8]) -> bool {
        self.proposer.outcome(command, &self.changed).passes()
    }

    /// What the proposal allows by now needs no word. A run whose last request was refused is told all the same: it would
    /// go on, and what it would ask next nobody has seen.
    fn end(&mut self) {
        let (proposer, changed) = (&self.proposer, &self.changed);
        let stays = |command: &Vec<u8>| !proposer.outcome(command, changed).passes();
        self.left.retain(|command, _| stays(command));
        self.open.retain(|command, _| stays(command));
        for (who, run) in std::mem::take(&mut self.runs) {
            self.ends.extend(run.stopped.map(|command| (who, command)));
        }
    }

    fn text(&self) -> Result<String, Stop> {
        self.change.text(self.proposer.source, |block| self.comment(block))
    }

    /// What stands above a grant: the commands that asked for it.
    fn comment(&self, block: &Block) -> Vec<String> {
        let is_of = |need: &Need| need.below == block.below && block.datasets.contains(&need.dataset);
        let is_for = |needs: &BTreeSet<Need>| needs.iter().any(is_of);
        let asked: Vec<&String> =
            self.samples.iter().filter(|(needs, _)| is_for(needs)).map(|(_, command)| command).collect();
        let more = asked.len().checked_sub(SAMPLES).filter(|more| *more > 0);
        let more = more.map(|more| format!("  and {more} more"));
        let lines = asked.into_iter().take(SAMPLES).map(|command| format!("  {command}"));
        std::iter::once("Learned from:".to_owned()).chain(lines).chain(more).collect()
    }

    fn report(&self, out: &mut impl Write) -> Result<(), Stop> {
        writeln!(out, "{}, of which {} pass as the policy is", counted(self.seen, "request"), self.passed)?;
        if self.others > 0 {
            writeln!(out, "left out: {} of other policies", counted(self.others, "record"))?;
        }
        if self.unrecorded > 0 {
            let count = counted(self.unrecorded, "request");
            writeln!(out, "refused and not recorded whole: {count}; set `commands = true` in [log]")?;
        }
        diff(out, &self.proposer.source.path, &self.proposer.source.text, &self.text()?)?;
        reasons(out, "depends on the host, whatever the policy (--live or --assume tells)", &self.open)?;
        reasons(out, "not proposed", &self.left)?;
        let ends = self
            .ends
            .iter()
            .map(|(who, command)| (or(command, "a request that was not recorded whole"), visible(who).into_owned()));
        section(
            out,
            "ended in a refusal: with more allowed there may be more to learn, so another round is needed",
            ends,
        )?;
        let grants = self.proposer.policy.grants.iter().filter(|grant| !self.used.contains(&grant.id.0));
        let unused = grants.map(|grant| (format!("grant {}", grant.id.0), datasets(grant)));
        section(out, "never used", unused)?;
        Ok(())
    }
}

fn datasets(grant: &Grant) -> String {
    grant.datasets.iter().map(DatasetPattern::as_str).collect::<Vec<_>>().join(", ")
}

fn short(command: &[u8]) -> String {
    let command = String::from_utf8_lossy(command);
    shortened(visible(&command).into_owned().into()).into_owned()
}

fn or(text: &str, other: &str) -> String {
    if text.is_empty() { other.to_owned() } else { text.to_owned() }
}

/// A heading, and each reason with the commands that have it.
fn reasons(out: &mut impl Write, heading: &str, found: &BTreeMap<Vec<u8>, String>) -> io::Result<()> {
    let mut by_reason: BTreeMap<&str, Vec<&[u8]>> = BTreeMap::new();
    for (command, reason) in found {
        by_reason.entry(reason).or_default().push(command);
    }
    if !by_reason.is_empty() {
        writeln!(out, "\n{heading}:")?;
    }
    for (reason, commands) in by_reason {
        writeln!(out, "  {}", visible(reason))?;
        for command in commands.iter().take(SAMPLES) {
            writeln!(out, "    {}", short(command))?;
        }
        match commands.len().saturating_sub(SAMPLES) {
            0 => {}
            more => writeln!(out, "    and {more} more")?,
        }
    }
    Ok(())
}

/// A heading and rows of two columns; nothing where there is no row.
fn section(out: &mut impl Write, heading: &str, rows: impl Iterator<Item = (String, String)>) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    let width = rows.iter().map(|(first, _)| first.chars().count()).max().unwrap_or(0);
    if !rows.is_empty() {
        writeln!(out, "\n{heading}:")?;
    }
    for (first, second) in rows {
        writeln!(out, "{}", format!("  {first:width$}  {second}").trim_end())?;
    }
    Ok(())
}

/// The difference as diff -u has it.
fn diff(out: &mut impl Write, path: &str, present: &str, proposed: &str) -> io::Result<()> {
    if present == proposed {
        return writeln!(out, "\nno change is proposed");
    }
    writeln!(out)?;
    let text = TextDiff::from_lines(present, proposed);
    let text = text.unified_diff().header(path, &format!("{path}, as proposed")).to_string();
    for line in text.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => AnsiColor::Green.on_default(),
            Some(b'-') => AnsiColor::Red.on_default(),
            _ => Style::new(),
        };
        writeln!(out, "{style}{line}{style:#}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Table;

    /// What is learned by a policy of `tank/data` on the host of the attacks.
    fn learned(teach: impl FnOnce(&mut Lesson<'_>)) -> (Change, String) {
        let text = "[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/data']\n".to_owned();
        let source = Source { path: "x.toml".to_owned(), name: None, text, client: None };
        let policy = source.policy().unwrap();
        let facts = Facts::Assumed(Table::parse(include_str!("../../tests/attacks/facts.toml")).unwrap());
        let mut lesson = Lesson::new(Proposer { source: &source, policy: &policy, facts: &facts });
        teach(&mut lesson);
        lesson.end();
        let mut out = Vec::new();
        lesson.report(&mut out).unwrap();
        (lesson.change, String::from_utf8(out).unwrap())
    }

    #[test]
    fn attacks_teach_nothing_that_takes_down_a_wall() {
        let (change, _) = learned(|lesson| {
            for attack in include_str!("../../tests/attacks/must-refuse.tsv").lines() {
                if let Some(command) = attack.split('\t').nth(1) {
                    lesson.command(command.as_bytes()).unwrap();
                }
            }
        });
        assert!(!change.needs.is_empty());
        for need in &change.needs {
            assert!(need.wall(None).is_none() && need.dataset.depth() > 1, "{need:?}");
        }
    }

    fn record(seconds: u64, decision: &str, request: &str) -> Record {
        let request = Some(request.as_bytes().to_vec());
        Record { who: "nas key".to_owned(), seconds, decision: decision.to_owned(), request, ..Record::default() }
    }

    #[test]
    fn a_run_that_ends_in_a_refusal_is_told_and_one_that_goes_on_is_not() {
        let (stopped, goes_on) = ("zfs snapshot tank/data@b", "zfs snapshot tank/data@c");
        let (_, report) = learned(|lesson| {
            for record in [
                record(1000, "refused", goes_on),
                record(1001, "allowed", ""),
                record(1001 + 2 * PAUSE, "refused", stopped),
                record(1002 + 4 * PAUSE, "allowed", ""),
            ] {
                lesson.record(&record).unwrap();
            }
        });
        let (_, ends) = report.split_once("ended in a refusal").unwrap();
        assert!(ends.contains(stopped) && !ends.contains(goes_on), "{report}");
    }

    #[test]
    fn what_is_kept_and_what_was_needed_is_no_news_and_what_was_not_is_told() {
        let (change, report) = learned(|lesson| {
            let kept = Record { grants: vec![1], ..record(1000, "kept", "zfs destroy tank/data@a") };
            lesson.record(&kept).unwrap();
        });
        assert!(change.needs.is_empty() && !report.contains("never used"), "{report}");
        let (_, report) = learned(|lesson| lesson.command(b"zfs list tank/other").unwrap());
        assert!(report.contains("never used:\n  grant 1  tank/data\n"), "{report}");
    }

    #[test]
    fn a_request_that_was_not_recorded_whole_is_counted() {
        let (_, report) = learned(|lesson| {
            let record = Record { request: None, ..record(1000, "refused", "") };
            lesson.record(&record).unwrap();
        });
        assert!(report.contains("refused and not recorded whole: 1 request;"), "{report}");
    }
}
