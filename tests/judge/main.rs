//! The one path from bytes to decision, on tables of requests and by laws.

mod common;
mod decisions;
mod laws;
#[path = "../tables/mod.rs"]
mod tables;
