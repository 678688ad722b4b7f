//! `[[command]]`.
#![forbid(unsafe_code)]

use std::rc::Rc;

use ::toml::Spanned;

use super::Expansion;
use crate::policy::form::PlainWord;
use crate::policy::{FixedCommand, PolicyError, written};

/// Stands for any further words.
const MORE: &str = "...";

impl Expansion<'_> {
    pub(super) fn commands(
        &mut self,
        written: &[Spanned<written::Table<written::FixedCommand>>],
    ) -> Result<Vec<Rc<FixedCommand>>, PolicyError> {
        let mut commands: Vec<Rc<FixedCommand>> = Vec::with_capacity(written.len());
        for (index, written) in written.iter().enumerate() {
            self.place(|| format!("command.{}.", index + 1));
            let command = self.command(written)?;
            let same =
                |other: &Rc<FixedCommand>| (&other.request, other.is_open) == (&command.request, command.is_open);
            if let Some(first) = commands.iter().position(same) {
                let span = written.get_ref().0.request.as_ref().map_or(0..0, Spanned::span);
                return Err(self.error(span, format!("this is asked for by command {} already", first + 1)));
            }
            commands.push(Rc::new(command));
        }
        self.place(String::new);
        Ok(commands)
    }

    fn command(
        &mut self,
        written: &Spanned<written::Table<written::FixedCommand>>,
    ) -> Result<FixedCommand, PolicyError> {
        let written::FixedCommand { request, exec, original_command } = &written.get_ref().0;
        let missing = |key: &str| self.error(written.span(), format!("`{key}` is missing"));
        let request = request.as_ref().ok_or_else(|| missing("request"))?;
        let exec = exec.as_ref().ok_or_else(|| missing("exec"))?;
        let mut words: Vec<String> = request.get_ref().iter().map(|word| word.get_ref().0.clone()).collect();
        self.note("request", &words);
        let is_open = words.pop_if(|last| last == MORE).is_some();
        if let Some(early) = request.get_ref().iter().zip(&words).find(|(_, word)| *word == MORE) {
            let message = format!("\"{MORE}\" stands for further words, and comes last");
            return Err(self.error(early.0.span(), message));
        }
        let is_path = |word: &PlainWord| word.0.starts_with('/') && !word.0.ends_with('/');
        if !exec.get_ref().first().is_some_and(is_path) {
            return Err(self.error(exec.span(), "the first word of `exec` is the absolute path of a program"));
        }
        let exec: Vec<String> = exec.get_ref().iter().map(|word| word.0.clone()).collect();
        self.note("exec", &exec);
        let original_command = self.pick("original_command", *original_command, &false);
        Ok(FixedCommand { request: words, is_open, exec, original_command })
    }
}
