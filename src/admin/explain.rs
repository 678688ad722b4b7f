//! `explain`: a command in words, what decides on it, and the smallest change of the policy with which it would pass.

use std::io::{self, Write};
use std::ops::Range;

use super::Stop;
use super::check::joined;
use super::cli::Explain;
use super::diagnostic::Diagnostic;
use super::facts::Facts;
use super::form::{self, visible};
use super::propose::{self, Amount, Change, Proposal, Proposer};
use super::source::Source;
use super::told::told;
use crate::failure::Failure;
use crate::record::Outcome;
use crate::syntax::{self, Simple, Span};
use crate::{judge, record};

/// Explains one command; the status says whether it passes.
pub(super) fn run(arguments: &Explain, out: &mut impl Write) -> Result<u8, Stop> {
    let source = Source::find(&arguments.policy)?;
    let policy = source.policy()?;
    let facts = Facts::of(&arguments.asked, &policy)?;
    let command = joined(&arguments.command);

    if let Ok(Some(script)) = propose::read(&command) {
        for placed in script.leaves() {
            let words = told(&placed.command);
            writeln!(out, "{}", visible(&words))?;
        }
        writeln!(out)?;
    }
    let judged = judge(&command, &policy, facts.host());
    let assumed = facts.assumed();
    let outcome = record::Outcome::of(&judged);
    match &judged {
        Err(failure) => writeln!(out, "{}", decided(&command, &outcome, failure, &assumed))?,
        Ok(_) => form::account(out, &command, &outcome, judged, &policy, &assumed)?,
    }
    let proposer = Proposer { source: &source, policy: &policy, facts: &facts };
    let proposal = proposer.propose(&command, Amount::Most)?;
    match proposal {
        Proposal::Passes => return Ok(0),
        Proposal::Never(why) if outcome.reason.as_ref() == Some(&why) => {
            writeln!(out, "\nno change of the policy allows it")?;
        }
        Proposal::Never(why) => {
            writeln!(out, "\nno change of the policy allows it; the last word would be: {}", visible(&why))?;
        }
        Proposal::Follows => writeln!(out, "\n{}", propose::FOLLOWS)?,
        Proposal::Host(why) => writeln!(out, "\nthe policy has no part in it, the host decides: {}", visible(&why))?,
        Proposal::Change(change) => {
            tell(out, "the smallest change that lets it pass", &change, &source)?;
            let changed = change.policy(&source)?;
            writeln!(out, "with it: {}", proposer.outcome(&command, &changed).decision)?;
        }
        Proposal::Open(change, why) => {
            tell(out, "the smallest change after which the host has the last word", &change, &source)?;
            writeln!(out, "with it the host decides: {}", visible(&why))?;
        }
    }
    Ok(1)
}

fn tell(out: &mut impl Write, heading: &str, change: &Change, source: &Source) -> io::Result<()> {
    writeln!(out, "\n{heading}:\n")?;
    for block in change.blocks(source) {
        for line in block.to_string().lines() {
            writeln!(out, "    {line}")?;
        }
        writeln!(out)?;
    }
    if !change.filters.is_empty() {
        let filters: Vec<&str> = change.filters.iter().copied().collect();
        writeln!(out, "    {}: also in `allow` of [filters]\n", filters.join(", "))?;
    }
    writeln!(out, "which also means:")?;
    for need in &change.needs {
        writeln!(out, "  - {}", need.also())?;
    }
    for filter in &change.filters {
        writeln!(out, "  - {filter} may be started on every stream")?;
    }
    let walls = change.walls(source);
    walls.iter().try_for_each(|wall| writeln!(out, "  - beware: {wall}"))?;
    writeln!(out)
}

/// Why it doesn't pass, with a caret below the word that decided.
fn decided(command: &[u8], outcome: &Outcome, failure: &Failure, assumed: &[String]) -> String {
    let mut shown = Diagnostic::worded(outcome.decision, failure.to_string());
    if let Some(place) = place(command, failure) {
        shown = shown.in_command(command, place);
    }
    if let Some(grant) = outcome.grants.first() {
        shown = shown.note(format!("grant {grant} came furthest"));
    }
    for fact in assumed {
        shown = shown.note(format!("assumed that {fact} (unknown)"));
    }
    shown.render()
}

fn place(command: &[u8], failure: &Failure) -> Option<Range<usize>> {
    let span = match failure {
        Failure::Syntax(error) => error.span,
        Failure::Command(error) => error.span,
        Failure::Refused(refusal) => word(command, refusal.span, &refusal.reason)?,
        _ => return None,
    };
    Some(span.start..span.end)
}

/// The word of a refused command that the reason is about: an option that it names, or what it quotes; otherwise the
/// whole of the command.
fn word(command: &[u8], whole: Span, reason: &str) -> Option<Span> {
    let script = syntax::parse(command).ok()??;
    let simple = script.leaves().find(|simple| simple.span == whole)?;
    let named = |simple: &Simple| {
        let mut words = simple.arguments.iter();
        let quoted: Vec<&str> = reason.split('\'').skip(1).step_by(2).collect();
        let options = || reason.split([' ', ',', ';']).filter(|part| part.len() == 2 && part.starts_with('-'));
        let has = |word: &str, option: &str| {
            word.starts_with('-')
                && !word.starts_with("--")
                && option.chars().skip(1).all(|letter| word.contains(letter))
        };
        let by_option = words.clone().find(|word| options().any(|option| has(word.as_str(), option)));
        by_option
            .or_else(|| words.find(|word| quoted.iter().any(|part| word.as_str().contains(part))))
            .map(syntax::Word::span)
    };
    Some(named(simple).unwrap_or(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy;

    fn pointed(command: &str) -> String {
        let policy = policy::parse("[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/d']\n", None).unwrap();
        let facts = crate::facts::Table::default();
        let failure = judge(command.as_bytes(), &policy, &facts).unwrap_err();
        command.get(place(command.as_bytes(), &failure).unwrap()).unwrap().to_owned()
    }

    #[test]
    fn the_caret_stands_below_the_word_that_decided() {
        let table = [
            ("zfs send -wR tank/d@a", "-wR"),
            ("zfs snapshot tank/d@mine", "tank/d@mine"),
            ("exit; zfs destroy 'tank/d'@'daily'", "'tank/d'@'daily'"),
            ("zfs hold mine tank/d@a", "mine"),
            ("zfs send --nonsense tank/d@a", "--nonsense"),
            ("zfs rollback tank/d@a", "zfs rollback tank/d@a"),
        ];
        for (command, word) in table {
            assert_eq!(pointed(command), word, "{command}");
        }
    }
}
