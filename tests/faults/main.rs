//! What goes wrong around the gate, made to happen: whatever it is, nothing is left running, nothing is said to be done
//! that isn't, and somebody is told. `docs/proof.md` has the list.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test starts the gate")]

mod calls;
mod descriptors;
mod limits;
mod log;
mod policy;
mod programs;
#[path = "../sandbox/mod.rs"]
mod sandbox;
mod scene;
mod sessions;
mod signals;
#[path = "../../tools/bench.d/stream.rs"]
mod stream;
