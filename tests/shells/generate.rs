//! Requests to compare shells with: what clients send, what is like it, and what is built from the tokens of the shell.
#![expect(clippy::disallowed_methods, reason = "a test reads the corpus")]

use std::collections::BTreeSet;
use std::fs;

use proptest::strategy::{BoxedStrategy, Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::grammar;

/// What clients send: one request a line of tests/corpus/*.txt, `#` begins a comment, or a whole file *.cmd.
pub fn corpus() -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut lines = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("cmd") => lines.extend([text]),
            _ => lines.extend(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned)),
        }
    }
    lines.into_iter().collect()
}

/// A sequence of requests that is the same for the same seed.
pub struct Generator {
    state: u64,
    corpus: Vec<String>,
    grammar: BoxedStrategy<String>,
    runner: TestRunner,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        let corpus = corpus().into_iter().filter(|line| line.len() < 400).collect();
        let grammar = grammar::request().prop_map(|written| written.text).boxed();
        Self { state: seed, corpus, grammar, runner: runner(seed) }
    }

    /// Begins the sequence of another seed.
    pub fn begin(&mut self, seed: u64) {
        (self.state, self.runner) = (seed, runner(seed));
    }

    /// A request, every fourth by the grammar; of those with a pipe one in 32, since shells take ten times as long for
    /// one.
    pub fn any_line(&mut self) -> String {
        loop {
            let line = match self.below(4) {
                0 => self.grammar.new_tree(&mut self.runner).unwrap().current(),
                _ => self.line(),
            };
            if !line.replace("||", "").contains('|') || self.below(32) == 0 {
                return line;
            }
        }
    }

    /// A request, of which many are none that should be accepted.
    pub fn line(&mut self) -> String {
        match self.below(7) {
            0 | 1 => self.mutant(),
            2 | 3 => self.sentence(),
            4 => self.branches(),
            _ => self.tokens(),
        }
    }

    /// Lists in an `if`.
    fn branches(&mut self) -> String {
        let mut line = String::new();
        for part in ["if", "then", "else", "fi"] {
            if part == "else" && self.below(2) == 0 {
                continue;
            }
            line += part;
            if part != "fi" {
                line += self.pick(&[" ", "\n", "\t"]);
                line += &self.sentence();
                line += self.pick(&[";", "; ", "\n", " ", " &&"]);
            }
        }
        line += self.pick(&["", ";", "\n", "; ", " ;\n", " | ", " && ", ">/dev/null"]);
        if self.below(2) == 0 { line + &self.sentence() } else { line }
    }

    /// Commands in lists and pipelines, as the grammar has them, with words of every kind.
    fn sentence(&mut self) -> String {
        let mut line = self.pick(&["", "", "", " ", "\n", "\t \n"]).to_owned();
        for index in 0..=self.below(4) {
            if index > 0 {
                line +=
                    self.pick(&[" | ", "|", " |\n", ";", " ; ", "\n", ";\n", "&&", " && ", "&&\n", "||", " || \n\n"]);
            }
            for index in 0..=self.below(5) {
                if index > 0 {
                    line += self.pick(&[" ", " ", "\t", "  "]);
                }
                for _ in 0..=self.below(3) {
                    line += self.pick(&PIECES);
                }
                if self.below(4) == 0 {
                    line += self.pick(&["", " "]);
                    line += self.pick(&REDIRECTIONS);
                }
            }
        }
        line + self.pick(&["", "", "", ";", " ", "\n", " ;\n"])
    }

    /// Tokens without any order.
    fn tokens(&mut self) -> String {
        let length = 1 + self.below(12);
        (0..length).fold(String::new(), |line, _| {
            let token = match self.below(10) {
                0..=3 => self.pick(&PIECES),
                4 => self.pick(&REDIRECTIONS),
                5..=7 => self.pick(&[" ", " ", " ", "\t", "\n", ";", "|", "&&", "||"]),
                _ => self.pick(&HOSTILE),
            };
            line + token
        })
    }

    /// What a client sends, with a few things put in, taken out or taken from another request.
    fn mutant(&mut self) -> String {
        let mut line = self.of_corpus();
        for _ in 0..=self.below(3) {
            let from = self.place(&line);
            let to = self.place(&line).min(from + self.below(6)).max(from);
            let to = (to..=line.len()).find(|at| line.is_char_boundary(*at)).unwrap_or(line.len());
            let piece = match self.below(6) {
                0 => "".to_owned(),
                1 => self.pick(&HOSTILE).to_owned(),
                2 => self.pick(&PIECES).to_owned(),
                3 => self.pick(&REDIRECTIONS).to_owned(),
                4 => self.pick(&[" ", "\n", ";", "|", "&&", "||", "'", "\"", "\\"]).to_owned(),
                _ => {
                    let other = self.of_corpus();
                    let start = self.place(&other);
                    other.get(start..).unwrap_or_default().chars().take(12).collect()
                }
            };
            line.replace_range(from..to, &piece);
        }
        line
    }

    fn of_corpus(&mut self) -> String {
        let index = self.below(self.corpus.len());
        self.corpus[index].clone()
    }

    /// A boundary between two characters.
    fn place(&mut self, line: &str) -> usize {
        let at = self.below(line.len() + 1);
        (at..=line.len()).find(|at| line.is_char_boundary(*at)).unwrap_or(line.len())
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len())]
    }

    /// splitmix64
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

const PIECES: [&str; 62] = [
    "a",
    "zfs",
    "list",
    "tank/data@a",
    "x",
    "-o",
    "-",
    "--",
    "=",
    "a=b",
    "+",
    "%",
    ":",
    "a:",
    "/",
    ".",
    ",",
    "@",
    "_",
    "1",
    "2",
    "12",
    "0",
    "#",
    "a#b",
    "''",
    "\"\"",
    "'a b'",
    "\"a b\"",
    "'\"'",
    "\"'\"",
    "'\\'",
    "\"\\\\\"",
    "\"\\\"\"",
    "\"\\$\"",
    "\"\\a\"",
    "\"\\!\"",
    "\"!\"",
    "\"\\`\"",
    "'$x `y` *'",
    "\\a",
    "\\ ",
    "\\\\",
    "\\'",
    "\\\"",
    "\\$",
    "\\#",
    "\\;",
    "\\|",
    "\\&",
    "\\>",
    "\\2",
    "\\~",
    "\\*",
    "\\=",
    "'é'",
    "\"漢\\\"ß\"",
    "'~'",
    "'2'",
    "if",
    "time",
    "echo",
];

const REDIRECTIONS: [&str; 12] = [
    "2>&1",
    "2>/dev/null",
    ">/dev/null",
    "</dev/null",
    "2> /dev/null",
    "> '/dev/null'",
    "<\t/dev/\"null\"",
    "2>/dev/nul\\l",
    "2>&1 2>/dev/null",
    ">/dev/null 2>&1",
    "2>&1 >/dev/null",
    "</dev/null>/dev/null",
];

const HOSTILE: [&str; 44] = [
    "'", "\"", "\\", "\\\n", "#", " #", "&", "|&", "&>", ">&", "<&", "<<", "<<<", "<>", ">|", ">>", ">", "<", "2>",
    "1>", "22>", ";;", "(", ")", "{", "}", "!", "[", "]", "*", "?", "~", "$", "$'", "$(", "${x}", "`", "^", "\r", "é",
    "\u{a0}", "=~", "2>&1>", "a{b,c}",
];
