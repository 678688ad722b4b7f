//! The one path from bytes to decision, on tables of requests and by laws.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that reads its tables, with helpers"
)]

mod arrivals;
mod common;
mod decisions;
mod edges;
mod laws;
mod round_trip;
#[path = "../tables/mod.rs"]
mod tables;
