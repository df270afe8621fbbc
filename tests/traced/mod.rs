//! What the tests share that look at processes by ptrace(2).
//!
//! Each of them is two: built without the feature `harness` it traces the library as a program ships it, and built with
//! the feature, as plain `cargo test` does, it runs the other build and judges what that found.

pub mod boss;
#[path = "../../src/verify/census.rs"]
mod census;
pub mod other_build;
#[path = "../../src/verify/stuck.rs"]
mod stuck;
pub mod tracee;
