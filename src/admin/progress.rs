//! How far a long file is read: a line on standard error, where that is a terminal. It comes after a second, makes way for
//! what is printed, and is gone when the file is read.

use std::io::{self, BufRead, Read};
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::form::visible;

/// What is read sooner needs no word.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where lines are drawn: not on a terminal that can't take one back.
static TERMINAL: LazyLock<MultiProgress> = LazyLock::new(|| match anstyle_query::term_supports_color() {
    true => MultiProgress::new(),
    false => MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
});

/// Does something on the terminal while no line is there.
pub(super) fn aside<T>(print: impl FnOnce() -> T) -> T {
    TERMINAL.suspend(print)
}

/// What is read, and how much of it has been.
pub(super) struct Watched<R> {
    source: R,
    bar: ProgressBar,
    /// Where the bar will be seen, until it is.
    waits: Option<(MultiProgress, Duration)>,
}

impl<R> Watched<R> {
    /// `size`: how many bytes there are, if that is known.
    pub(super) fn new(source: R, name: &str, size: Option<u64>) -> Self {
        Self::on(TERMINAL.clone(), PATIENCE, source, name, size)
    }

    /// Of what somebody types, who would find a line in the way.
    pub(super) fn typed(source: R) -> Self {
        let mut watched = Self::new(source, "", None);
        watched.waits = None;
        watched
    }

    fn on(terminal: MultiProgress, patience: Duration, source: R, name: &str, size: Option<u64>) -> Self {
        let form = match size {
            Some(_) => "{msg}: {percent} % of {binary_total_bytes}, {eta} left",
            None => "{msg}: {binary_bytes}",
        };
        // It is one of ours.
        let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::hidden());
        let bar = bar.with_style(style).with_message(visible(name).into_owned());
        Self { source, bar, waits: Some((terminal, patience)) }
    }

    fn passed(&mut self, count: usize) {
        self.bar.inc(count as u64);
        if let Some((terminal, _)) = self.waits.take_if(|(_, patience)| self.bar.elapsed() >= *patience) {
            terminal.add(self.bar.clone());
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        self.passed(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Watched<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.source.consume(count);
        self.passed(count);
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    /// What is on the terminal after each line of a file of ten, and when it is read.
    fn seen(patience: Duration, size: Option<u64>) -> (Vec<String>, String) {
        let screen = InMemoryTerm::new(4, 60);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255);
        let terminal = MultiProgress::with_draw_target(target);
        let lines = "123456789\n".repeat(10);
        let mut watched = Watched::on(terminal.clone(), patience, lines.as_bytes(), "a\x1b.log", size);
        let mut seen = Vec::new();
        let mut line = String::new();
        while watched.read_line(&mut line).unwrap() > 0 {
            watched.bar.tick();
            seen.push(screen.contents());
        }
        drop(watched);
        (seen, screen.contents())
    }

    #[test]
    fn it_tells_how_much_is_read_and_leaves_nothing() {
        let (lines, after) = seen(Duration::ZERO, Some(100));
        assert!(lines[4].starts_with("a\\u{1b}.log: 50 % of 100 B, "), "{lines:?}");
        assert!(lines[9].starts_with("a\\u{1b}.log: 100 % of 100 B"), "{lines:?}");
        assert_eq!(after, "");
    }

    #[test]
    fn of_what_has_no_end_it_tells_how_much_came() {
        let (lines, after) = seen(Duration::ZERO, None);
        assert_eq!((lines[4].as_str(), after.as_str()), ("a\\u{1b}.log: 50 B", ""));
    }

    #[test]
    fn what_is_soon_read_goes_unmentioned() {
        assert!(seen(Duration::MAX, Some(100)).0.iter().all(String::is_empty));
    }
}
