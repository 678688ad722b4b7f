//! What a person sees of zfs-shell-policy on a terminal while it reads.
#![cfg(feature = "admin")]
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test of the whole program starts it, and may fail"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};

/// A terminal, on which the tool reads its standard input.
struct Screen {
    terminal: File,
    shown: vt100::Parser,
}

/// What kind of one.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    columns: u16,
    /// Whether somebody types what is read.
    is_typed: bool,
}

const WIDE: Kind = Kind { name: "xterm", columns: 160, is_typed: false };

impl Screen {
    /// Gives the tool lines until the screen has the text, then `last`; and what is on the screen when it has ended.
    fn after(kind: Kind, arguments: &[&str], line: &str, until: &str, last: &str) -> String {
        let size = Winsize { ws_row: 100, ws_col: kind.columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_zfs-shell-policy"));
        command.args(arguments).env_clear().env("TERM", kind.name);
        let terminal = || pair.slave.try_clone().unwrap();
        command.stdin(if kind.is_typed { terminal().into() } else { Stdio::piped() });
        command.stdout(terminal()).stderr(terminal());
        let mut tool = command.spawn().unwrap();
        drop((command, pair.slave));
        let mut screen = Self { terminal: pair.master.into(), shown: vt100::Parser::new(100, kind.columns, 0) };
        let mut input: Box<dyn Write> = match tool.stdin.take() {
            Some(pipe) => Box::new(pipe),
            None => Box::new(screen.terminal.try_clone().unwrap()),
        };
        let text = |screen: &Self| screen.shown.screen().contents();
        for _ in 0..3000 {
            if text(&screen).contains(until) {
                break;
            }
            writeln!(input, "{line}").unwrap();
            // Slowly: no file is so long that it takes more than a second by itself.
            sleep(Duration::from_millis(20));
            screen.take(0);
        }
        assert!(text(&screen).contains(until), "{}", text(&screen));
        // ^D, where it is typed, is the end.
        writeln!(input, "{last}").unwrap();
        if kind.is_typed {
            write!(input, "\x04").unwrap();
        }
        drop(input);
        while screen.take(-1) {}
        tool.wait().unwrap();
        text(&screen)
    }

    /// What came within so many milliseconds; whether more may.
    fn take(&mut self, milliseconds: i32) -> bool {
        let mut wanted = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wanted, PollTimeout::try_from(milliseconds).unwrap()).unwrap() == 0 {
            return true;
        }
        let mut bytes = [0; 4096];
        // Once nobody else has the terminal open reading it is an error.
        let count = self.terminal.read(&mut bytes).unwrap_or(0);
        self.shown.process(&bytes[..count]);
        count > 0
    }
}

const REFUSED: &str = "id=6a1c20c1001275 policy=nas client=192.0.2.7 decision=refused status=126 reason=\"not so\"";

#[test]
fn a_long_log_shows_how_much_was_read_and_then_the_report_alone() {
    let text = Screen::after(WIDE, &["report"], REFUSED, "standard input: ", REFUSED);
    assert!(text.contains("REQUESTS") && text.contains("not so"), "{text}");
    assert!(!text.contains("standard input"), "{text}");
}

#[test]
fn on_a_narrow_terminal_no_row_is_wider_than_it() {
    let reason = "so that it has to be told in several lines of a table that is too narrow for it";
    let refused = REFUSED.replace("not so", reason);
    let text = Screen::after(Kind { columns: 60, ..WIDE }, &["report"], &refused, "standard input: ", &refused);
    assert!(!text.contains(reason), "{text}");
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.windows(3).any(|words| words == ["refused", "so", "that"]) && words.contains(&"narrow"), "{text}");
}

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/files/pull.toml");

/// A row of `check` begins and ends so.
fn is_row(row: &str) -> bool {
    row.starts_with("hidden   zfs list tank/nothing  ") && row.ends_with("dataset does not exist)")
}

#[test]
fn rows_and_the_line_below_them_leave_each_other_whole() {
    let text = Screen::after(WIDE, &["check", POLICY, "-"], "zfs list tank/nothing", "standard input: ", "exit");
    let rows: Vec<&str> = text.lines().collect();
    let [rows @ .., last, sum] = rows.as_slice() else { panic!("{text}") };
    assert!(rows.len() > 10 && rows.iter().all(|row| is_row(row)), "{text}");
    assert!(last.starts_with("allowed  exit ") && sum.contains(" commands: 1 allowed, "), "{text}");
}

#[test]
fn a_terminal_that_can_take_nothing_back_has_the_rows_alone() {
    // More than a second of them.
    let row = "hidden   zfs list tank/nothing                             (answer 1: cannot open 'tank/nothing': \
               dataset does not exist)\n";
    let rows = row.repeat(90);
    let text = Screen::after(
        Kind { name: "dumb", ..WIDE },
        &["check", POLICY, "-"],
        "zfs list tank/nothing",
        rows.trim_end(),
        "exit",
    );
    assert!(text.lines().take(90).all(is_row), "{text}");
}

#[test]
fn whoever_types_has_no_line_in_the_way() {
    let typed = "typed\n".repeat(80);
    let text = Screen::after(Kind { is_typed: true, ..WIDE }, &["report"], "typed", typed.trim_end(), "typed");
    assert!(text.contains("no record of zfs-shell") && !text.contains("standard input"), "{text}");
}
