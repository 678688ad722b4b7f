//! `explain`: a command in words, what decides on it, and the smallest change of the policy with which it would pass.

use std::io::{self, Write};

use super::Stop;
use super::check::joined;
use super::cli::Explain;
use super::facts::Facts;
use super::form::{self, visible};
use super::propose::{self, Amount, Change, Proposal, Proposer};
use super::source::Source;
use super::told::told;
use crate::decide::Refusal;
use crate::failure::Failure;
use crate::judge;
use crate::record::Outcome;
use crate::syntax::{self, Span, Word};

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
    let judged = judge(&command, &policy, facts.host()).map_err(|failure| pointed(&command, failure));
    let outcome = Outcome::of(&judged);
    form::account(out, &command, &outcome, judged, &policy, &facts.assumed())?;
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

/// The failure; a refusal with the place of the word that decided, not that of the command.
fn pointed(command: &[u8], failure: Failure) -> Failure {
    match failure {
        Failure::Refused(refusal) => {
            let span = word(command, refusal.span, &refusal.reason).unwrap_or(refusal.span);
            Failure::Refused(Refusal { span, ..refusal })
        }
        other => other,
    }
}

/// The word of a refused command that the reason is about, if one can be told: an option that it names, or what it
/// quotes.
fn word(command: &[u8], whole: Span, reason: &str) -> Option<Span> {
    let script = syntax::parse(command).ok()??;
    let simple = script.leaves().find(|simple| simple.span == whole)?;
    let mut words = simple.arguments.iter();
    let quoted: Vec<&str> = reason.split('\'').skip(1).step_by(2).collect();
    let options = || reason.split([' ', ',', ';']).filter(|part| part.len() == 2 && part.starts_with('-'));
    let has = |word: &str, option: &str| {
        word.starts_with('-') && !word.starts_with("--") && option.chars().skip(1).all(|letter| word.contains(letter))
    };
    let by_option = words.clone().find(|word| options().any(|option| has(word.as_str(), option)));
    by_option.or_else(|| words.find(|word| quoted.iter().any(|part| word.as_str().contains(part)))).map(Word::span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy;

    fn above_the_caret(command: &str) -> String {
        let policy = policy::parse("[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/d']\n", None).unwrap();
        let facts = crate::facts::Table::default();
        let failure = pointed(command.as_bytes(), judge(command.as_bytes(), &policy, &facts).unwrap_err());
        let span = failure.span().unwrap();
        command.get(span.start..span.end).unwrap().to_owned()
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
            assert_eq!(above_the_caret(command), word, "{command}");
        }
    }
}
