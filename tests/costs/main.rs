//! What an operation costs that no one contends for, counted: system calls, instructions, and cache lines of shared
//! memory. Counts do not depend on how fast or how busy a machine is, so they are compared with those on record.
//!
//! ```text
//! cargo test --test costs -- --nocapture
//! ```
//! prints them. What is counted is the library as a program ships it: optimised, and without the feature `harness`. A
//! process calls an operation again and again, and is led through some of the calls by ptrace(2), one instruction at a
//! time ([`walk`]). Each instruction is decoded, which says whether it calls the kernel, and what it reads and writes.
//!
//! | counted | is | compared |
//! |---|---|---|
//! | system calls | instructions that enter the kernel | exactly |
//! | cache lines | lines of 64 bytes, of memory that processes share, that an instruction reads or writes | exactly |
//! | instructions | those of a call, in the library and in what it calls (`memcpy`, `malloc`) | must not be more than an eighth above the record |
//!
//! The first two follow from the source: which words an operation touches, and where they lie. Instructions are the
//! compiler's, and `memcpy` has others on other processors: between rustc 1.95 and 1.97, opt-level 2 and 3, AVX and none
//! they differed by a tenth at most. So the eighth lets a compiler pass, and stops a quarter more. Fewer always pass.
//!
//! `FORKPROOF_RECORD=1 cargo test --test costs` writes `fixtures/costs.toml` anew, and the README's table has to follow.
//!
//! All counted calls of an operation must be alike. Every eighth is counted, as a queue's records are multiples of 8
//! bytes: so each begins where the first one did, at the start of a line.
//!
//! | file | |
//! |---|---|
//! | [`operations`] | what is counted |
//! | [`walk`] | one call, instruction by instruction |
//! | [`instruction`] | what an instruction does |
//! | `known` | that the counts are right |
//! | [`cost`] | what is counted of a call |
//! | `record` | the costs on record, their table, and what has changed |
//!
//! # Broken on purpose
//! Each of these was done to the library, and told:
//!
//! | broken | told, among others |
//! |---|---|
//! | an unlock wakes, whoever sleeps or not | `Lock: lock and unlock: system calls: 1, on record 0` |
//! | a value's data begins in the line behind its lock | `Value: get: cache lines: 2, on record 1` |
//! | a queue packs an item twice | `Queue: put and get, 8 bytes: instructions: 4401, on record 3610, which allows 4061` |
//!
//! # Where it does not run
//! It knows the instructions of x86-64 alone. Where ptrace(2) is refused it says so, and nothing has been counted.
#![cfg(target_arch = "x86_64")]

mod cost;
#[cfg_attr(
    feature = "harness",
    expect(dead_code, reason = "the other build traces")
)]
#[path = "../traced/mod.rs"]
mod traced;

#[cfg(not(feature = "harness"))]
mod counted;
#[cfg(not(feature = "harness"))]
mod instruction;
#[cfg(not(feature = "harness"))]
mod known;
#[cfg(not(feature = "harness"))]
mod operations;
#[cfg(not(feature = "harness"))]
mod walk;

#[cfg(feature = "harness")]
mod compared;
#[cfg(feature = "harness")]
mod record;

// For what `traced` has of the library's harness.
use forkproof::world;
