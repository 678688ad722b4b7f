//! Whatever the bytes: what is accepted is to shells what it is to us, in words, redirections, order and status. They are
//! asked about many inputs at once (tests/shells/batch.rs), since to start one takes far longer than to read; the panic
//! names the input.
#![no_main]

#[path = "../../tests/shells/batch.rs"]
#[expect(dead_code, reason = "the test counts what was compared")]
mod batch;
#[path = "../../tests/shells/reading.rs"]
#[expect(dead_code, reason = "the test has processes too")]
mod reading;
#[path = "../../tests/shells/shell.rs"]
mod shell;

use std::cell::{Cell, RefCell};

use libfuzzer_sys::fuzz_target;

use batch::{Bench, Case};

/// Inputs to one shell.
const BATCH: usize = 100;

thread_local! {
    static BENCH: Bench = Bench::new();
    static CASES: RefCell<Vec<Case>> = RefCell::default();
    /// Whose turn it is: each batch goes to two of the shells.
    static TURN: Cell<usize> = const { Cell::new(0) };
}

fuzz_target!(|line: &[u8]| {
    let Some(case) = str::from_utf8(line).ok().and_then(Case::new) else { return };
    let cases = CASES.with_borrow_mut(|cases| {
        cases.push(case);
        (cases.len() == BATCH).then(|| std::mem::take(cases))
    });
    let Some(cases) = cases else { return };
    for _ in 0..2 {
        let turn = TURN.replace(TURN.get() + 1);
        BENCH.with(|bench| bench.compare(&shell::SHELLS[turn % shell::SHELLS.len()], &cases));
    }
});
