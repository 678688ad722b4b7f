//! What we take a request to mean: what runs, with which words and descriptors, and with which status it ends.

use std::collections::BTreeMap;

use zfs_shell::script::{Joint, Pipeline, Script, Status};
use zfs_shell::syntax::{Redirect, Simple};

/// What a program is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub argv: Vec<String>,
    pub files: [Where; 3],
}

/// What a descriptor is. Pipes are numbered in the order in which they come up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Where {
    In,
    Out,
    Err,
    Null,
    Pipe(u64),
}

/// What runs, pipeline by pipeline, and the status (XCU 2.9.2 and 2.9.3), where a program with this argv ends with the
/// status that `of` says.
pub fn evaluate(script: &Script<Simple>, of: fn(&[String]) -> i32) -> (i32, Vec<Vec<Record>>) {
    let mut ran = vec![stages(0, &script.first)];
    let mut status = status_of(&script.first, of);
    // Of an `if`: whether a list of it is the one that runs, whether `then` was, and whether none has run so far.
    let (mut chosen, mut then, mut none) = (true, false, false);
    for (index, (joint, next)) in script.rest.iter().enumerate() {
        match joint {
            Joint::Then => (chosen, then, none) = (status == 0, status == 0, status != 0),
            Joint::Else => (chosen, none) = (!then, false),
            Joint::Fi if none => (chosen, none, status) = (true, false, 0),
            Joint::Fi => chosen = true,
            Joint::Next | Joint::And | Joint::Or => {}
        }
        let runs = match joint {
            Joint::And => status == 0,
            Joint::Or => status != 0,
            _ => true,
        };
        if chosen && runs {
            ran.push(stages(index as u64 + 1, next));
            status = status_of(next, of);
        }
    }
    (if none { 0 } else { status }, ran)
}

/// What the programs of one pipeline see: pipes first, then redirections in the order written (XCU 2.9.2).
fn stages(number: u64, pipeline: &Pipeline<Simple>) -> Vec<Record> {
    let last = pipeline.rest.len() as u64;
    let pipe = |index| Where::Pipe(number << 32 | index);
    let stage = |(index, leaf): (u64, &Simple)| {
        let stdin = if index == 0 { Where::In } else { pipe(index) };
        let stdout = if index == last { Where::Out } else { pipe(index + 1) };
        let mut files = [stdin, stdout, Where::Err];
        for redirect in &leaf.redirects {
            match redirect {
                Redirect::ErrToOut => files[2] = files[1].clone(),
                Redirect::ErrToNull => files[2] = Where::Null,
                Redirect::OutToNull => files[1] = Where::Null,
                Redirect::InFromNull => files[0] = Where::Null,
            }
        }
        Record { argv: argv(leaf), files }
    };
    (0..).zip(pipeline.leaves()).map(stage).collect()
}

/// Of the last command (XCU 2.9.2), or of all where the first that failed counts.
fn status_of(pipeline: &Pipeline<Simple>, of: fn(&[String]) -> i32) -> i32 {
    let status = |leaf: &Simple| of(&argv(leaf));
    match pipeline.status {
        Status::Last => pipeline.leaves().last().map_or(0, status),
        Status::FirstFailed => pipeline.leaves().map(status).find(|status| *status != 0).unwrap_or(0),
    }
}

/// Pipes by the order in which they come up.
pub fn renumbered(mut records: Vec<Record>) -> Vec<Record> {
    let mut numbers = BTreeMap::new();
    for file in records.iter_mut().flat_map(|record| &mut record.files) {
        if let Where::Pipe(number) = file {
            let next = numbers.len() as u64;
            *number = *numbers.entry(*number).or_insert(next);
        }
    }
    records
}

/// The program's name and its arguments.
pub fn argv(leaf: &Simple) -> Vec<String> {
    std::iter::once(&leaf.program).chain(&leaf.arguments).map(|word| word.as_str().to_owned()).collect()
}
