//! `[filters]`
#![forbid(unsafe_code)]

use super::plan::{Action, Exec, Run, Standing};
use super::{Scene, Stop, Verdict};
use crate::command::filter::Filter;

impl Scene<'_> {
    pub(super) fn filter(&self, filter: &Filter) -> Result<Verdict, Stop> {
        let program = filter.program();
        let filters = &self.policy.filters;
        if !filters.allow.contains(&program) {
            return Err(format!("the policy does not allow the filter {}", program.name()).into());
        }
        if filter.memory().is_some_and(|memory| memory > filters.memory) {
            return Err("the buffer is larger than the policy's filters.memory".into());
        }
        // What a program needs besides what it is told to use: libraries, stacks, malloc's arenas.
        let memory = filters.memory.saturating_add(PROGRAM);
        let first = Exec {
            executable: self.executable(program)?,
            words: filter.render().into(),
            standing: Standing::Filter(memory),
        };
        Ok(Verdict::new(Action::Run(Box::new(Run::of(first)))))
    }
}

/// Address space for the program itself, in bytes.
const PROGRAM: u64 = 256 << 20;
