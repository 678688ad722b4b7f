//! What is typed is written and read again as the same, and what is decided of it is the same: for what clients send,
//! for the attacks, and for both with words put in other places.

use proptest::prelude::*;
use zfs_shell::command::{self, Command, Placed};
use zfs_shell::facts::Table;
use zfs_shell::policy::Policy;
use zfs_shell::record::Outcome;
use zfs_shell::script::{Joint, Pipeline, Script, Status};
use zfs_shell::syntax::{self, Redirect, Simple};

use super::common::{corpus, corpus_host, judge, policy, read};
use super::tables::rows;

/// A policy and a host, both of which the requests were written for.
fn worlds() -> [(Policy, Table); 2] {
    let grants = "[[grant]]\nrole = \"pull-source\"\ndatasets = [\"tank/data\"]\n\
                  [[grant]]\nrole = \"push-target\"\ndatasets = [\"backup/laptop\"]\n";
    let attacked = (policy(&read("attacks/policy.toml")), Table::parse(&read("attacks/facts.toml")).unwrap());
    [(policy(grants), corpus_host()), attacked]
}

fn requests() -> Vec<Vec<u8>> {
    let attacks = ["must-refuse.tsv", "must-differ.tsv"].into_iter().flat_map(rows).map(|row| row.line);
    corpus().into_values().flatten().chain(attacks).collect()
}

/// The words of a command as it is executed, or as they came where it is answered.
fn words(placed: &Placed, simple: &Simple) -> Vec<String> {
    let argv = match &placed.command {
        Command::Builtin(_) | Command::Simplesnap(_) => None,
        Command::Filter(filter) => Some(filter.render()),
        Command::Zfs(zfs) => zfs.render(),
        Command::Zpool(zpool) => zpool.render(),
    };
    match argv {
        Some(argv) => argv.words().map(str::to_owned).collect(),
        None => {
            std::iter::once(&simple.program).chain(&simple.arguments).map(|word| word.as_str().to_owned()).collect()
        }
    }
}

/// A whole request, written from nothing but its types. `None` for what is a text around commands.
fn written(script: &Script<Simple>, typed: &Script<Placed>) -> Option<String> {
    let is_plain = script.pipelines().all(|pipeline| pipeline.status == Status::Last)
        && script.leaves().all(|leaf| !leaf.announced);
    let pipeline = |simple: &Pipeline<Simple>, typed: &Pipeline<Placed>| {
        let leaves = typed.leaves().zip(simple.leaves()).map(|(placed, simple)| {
            let line = syntax::quote(words(placed, simple).iter().map(String::as_str));
            placed.redirects.iter().fold(line, |line, redirect| {
                line + match redirect {
                    Redirect::ErrToOut => " 2>&1",
                    Redirect::ErrToNull => " 2>/dev/null",
                    Redirect::OutToNull => " >/dev/null",
                    Redirect::InFromNull => " </dev/null",
                }
            })
        });
        leaves.collect::<Vec<_>>().join(" | ")
    };
    // Where in a list its `if` stood makes no difference: as far in front as may be.
    let (mut text, mut list) = (pipeline(&script.first, &typed.first), 0);
    for ((joint, typed), (_, simple)) in typed.rest.iter().zip(&script.rest) {
        if *joint == Joint::Then {
            text.insert_str(list, "if ");
        }
        text += match joint {
            Joint::Next => "; ",
            Joint::And => " && ",
            Joint::Or => " || ",
            Joint::Then => "; then ",
            Joint::Else => "; else ",
            Joint::Fi => "; fi; ",
        };
        if *joint == Joint::Fi {
            list = text.len();
        }
        text += &pipeline(simple, typed);
    }
    let last = typed
        .rest
        .iter()
        .rev()
        .map(|(joint, _)| joint)
        .find(|joint| !matches!(joint, Joint::Next | Joint::And | Joint::Or));
    if matches!(last, Some(Joint::Then | Joint::Else)) {
        text += "; fi";
    }
    is_plain.then_some(text)
}

/// Pipelines, with what joins each to those before.
type Shape = Vec<(Joint, Vec<(Command, Vec<Redirect>)>)>;

/// What is the same of a request and of the one that was written from its types: all but places.
fn shape(typed: &Script<Placed>) -> Shape {
    let pipeline = |pipeline: &Pipeline<Placed>| {
        pipeline.leaves().map(|placed| (placed.command.clone(), placed.redirects.clone())).collect()
    };
    let rest = typed.rest.iter().map(|(joint, next)| (*joint, pipeline(next)));
    std::iter::once((Joint::Next, pipeline(&typed.first))).chain(rest).collect()
}

/// What is decided, without the places in the request, and without what the client wrote to gain rights.
fn decided(outcome: Outcome) -> Outcome {
    let reason = outcome.reason.map(|reason| match reason.split_once(" at byte ") {
        Some((reason, _)) => reason.to_owned(),
        None => reason,
    });
    Outcome { reason, offset: None, rewrites: Vec::new(), ..outcome }
}

/// Whether the request has types at all, and a form to be written in; if so, all that is to be the same is.
fn goes_round(line: &[u8], worlds: &[(Policy, Table)]) -> bool {
    let Ok(Some(script)) = syntax::parse(line) else { return false };
    let Ok(typed) = script.try_map(command::read) else { return false };
    let Some(text) = written(&script, &typed) else { return false };
    let line = String::from_utf8_lossy(line);
    let again = syntax::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{line}\n{text}: {error}")).unwrap();
    let again = again.try_map(command::read).unwrap_or_else(|error| panic!("{line}\n{text}: {error}"));
    assert_eq!(shape(&again), shape(&typed), "{line}\n{text}");
    for (policy, host) in worlds {
        let [first, second] = [line.as_bytes(), text.as_bytes()].map(|line| decided(judge(line, policy, host)));
        assert_eq!(second, first, "{line}\n{text}");
    }
    true
}

#[test]
fn what_clients_and_attackers_send_is_the_same_when_it_is_written_from_its_types() {
    let worlds = worlds();
    let count = requests().iter().filter(|line| goes_round(line, &worlds)).count();
    println!("{count} requests go round");
    assert!(count > 1000, "{count}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Words of one request in the place of words of another.
    #[test]
    fn so_are_requests_with_words_of_others(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 160),
    ) {
        let worlds = worlds();
        let requests = requests();
        let texts: Vec<_> = requests.iter().filter_map(|line| str::from_utf8(line).ok()).collect();
        let words: Vec<&str> = texts.iter().flat_map(|line| line.split(' ')).collect();
        for (line, place, word) in picks {
            let mut line: Vec<&str> = line.get(&texts).split(' ').collect();
            let place = place.index(line.len());
            line[place] = words[word.index(words.len())];
            goes_round(line.join(" ").as_bytes(), &worlds);
        }
    }
}
