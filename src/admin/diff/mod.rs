//! `diff`: what one policy allows and another doesn't, by their values, and by commands that both judge.

mod effect;
mod structure;
mod write;

use std::io::Write;

use super::Stop;
use super::cli::{self, Diff};
use super::facts::Facts;
use super::source::{self, Source};
use crate::judge;
use crate::policy;
use crate::record::Outcome;
use effect::Effect;
use structure::Sheet;
use write::{Form, Paper};

/// Prints what differs; the status says whether anything does.
pub(super) fn run(arguments: &Diff, out: &mut impl Write) -> Result<u8, Stop> {
    let find = |path: &std::path::Path| {
        Source::find(&cli::Policy { policy: path.to_owned(), client: arguments.client.clone() })
    };
    let (old, new) = (find(&arguments.old)?, find(&arguments.new)?);
    let sheet = |source: &Source| {
        let shown = policy::explain(&source.text, source.client.as_ref());
        shown.map(|shown| Sheet::of(&shown)).map_err(|error| source.stop(error))
    };
    let differences = sheet(&old)?.differences(&sheet(&new)?);
    let form = if arguments.json { Form::Json } else { Form::Lines };
    let mut paper = Paper::new(out, form);
    paper.differences(&differences)?;

    let (old, new) = (old.policy()?, new.policy()?);
    let (old_facts, new_facts) = (Facts::of(&arguments.asked, &old)?, Facts::of(&arguments.asked, &new)?);
    let end = if arguments.null { b'\0' } else { b'\n' };
    for file in &arguments.commands {
        source::parts(file, end, |command| {
            let before = Outcome::of(&judge(command, &old, old_facts.host()));
            let after = Outcome::of(&judge(command, &new, new_facts.host()));
            paper.command(command, &before, &after, turn(&before, &after))
        })?;
    }
    let differs = paper.end()?;
    Ok(u8::from(differs))
}

/// What becomes of a command, if not the same. Which grant allows it is no difference.
fn turn(before: &Outcome, after: &Outcome) -> Option<Effect> {
    let passes = |outcome: &Outcome| matches!(outcome.decision, "allowed" | "kept");
    let deed = |outcome: &Outcome| Outcome { grants: Vec::new(), ..outcome.clone() };
    match (passes(before), passes(after)) {
        (false, true) => Some(Effect::More),
        (true, false) => Some(Effect::Less),
        _ => (deed(before) != deed(after)).then_some(Effect::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Table;
    use crate::policy::parse;

    #[test]
    fn a_command_turns_by_what_becomes_of_it_and_not_by_who_allows_it() {
        let host = Table::parse("[[dataset]]\nname = 'a'\nbelow = true\nencryption = 'off'\n").unwrap();
        let outcome = |lines: &str| {
            let policy = parse(lines, None).unwrap();
            Outcome::of(&judge(b"zfs send a@b", &policy, &host))
        };
        let send = "[[grant]]\ndatasets = ['a']\nallow = ['send']\n";
        let none = "[[grant]]\ndatasets = ['a']\nallow = ['list']\n";
        let always = format!("{send}send.raw = 'always'\n");
        assert_eq!(turn(&outcome(send), &outcome(&format!("{none}{send}"))), None);
        assert_eq!(turn(&outcome(none), &outcome(send)), Some(Effect::More));
        assert_eq!(turn(&outcome(send), &outcome(&always)), Some(Effect::Less));
        assert_eq!(turn(&outcome(none), &outcome(&always)), Some(Effect::Other), "another reason");
        assert_eq!(turn(&outcome(none), &outcome("")), Some(Effect::Other), "hidden, where it was refused");
    }
}
