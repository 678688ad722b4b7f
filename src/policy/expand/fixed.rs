//! `[[command]]` and `[hooks]`.
#![forbid(unsafe_code)]

use std::time::Duration;

use ::toml::Spanned;

use super::Expansion;
use crate::policy::{FixedCommand, Hooks, PolicyError, written};

/// Stands for any further words.
const MORE: &str = "...";

/// How long a hook may take unless something else is written.
const TIME: Duration = Duration::from_secs(30);

impl Expansion<'_> {
    pub(super) fn commands(
        &mut self,
        written: &[Spanned<written::Table<written::FixedCommand>>],
    ) -> Result<Vec<FixedCommand>, PolicyError> {
        let mut commands: Vec<FixedCommand> = Vec::with_capacity(written.len());
        for (index, written) in written.iter().enumerate() {
            self.place(|| format!("command.{}.", index + 1));
            let command = self.command(written)?;
            let same = |other: &FixedCommand| (&other.request, other.is_open) == (&command.request, command.is_open);
            if let Some(first) = commands.iter().position(same) {
                let span = written.get_ref().0.request.as_ref().map_or(0..0, Spanned::span);
                return Err(self.error(span, format!("this is asked for by command {} already", first + 1)));
            }
            commands.push(command);
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
        let exec = exec.clone().ok_or_else(|| missing("exec"))?;
        let mut words: Vec<String> = request.get_ref().iter().map(|word| word.get_ref().0.clone()).collect();
        self.note("request", &words);
        let is_open = words.pop_if(|last| last == MORE).is_some();
        if let Some(early) = request.get_ref().iter().zip(&words).find(|(_, word)| *word == MORE) {
            let message = format!("\"{MORE}\" stands for further words, and comes last");
            return Err(self.error(early.0.span(), message));
        }
        self.note("exec", &exec);
        let original_command = self.pick("original_command", *original_command, &false);
        Ok(FixedCommand { request: words, is_open, exec, original_command })
    }

    pub(super) fn hooks(&mut self, written: written::Hooks) -> Result<Option<Hooks>, PolicyError> {
        let written::Hooks { before_snapshot, after_snapshot, time } = written;
        if before_snapshot.is_none() && after_snapshot.is_none() {
            return match time {
                Some(time) => Err(self.error(time.span(), "neither `before_snapshot` nor `after_snapshot` is written")),
                None => Ok(None),
            };
        }
        let before_snapshot = self.noted("hooks.before_snapshot", before_snapshot);
        let after_snapshot = self.noted("hooks.after_snapshot", after_snapshot);
        let time = self.pick("hooks.time", time.map(|time| time.into_inner().0), &TIME);
        Ok(Some(Hooks { before_snapshot, after_snapshot, time }))
    }
}
