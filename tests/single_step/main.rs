//! The main crash test: a participant is killed after every single instruction of an operation, and the others must
//! come to their ends, with everything in its place.
//!
//! ```text
//! cargo test --release --no-default-features --test single_step
//! ```
//! That is the library as a program ships it, without the feature `harness` and optimised, and the test is its own
//! subject: a process with one thread forks a victim and its company, leads the victim by ptrace(2) to one instruction
//! of its operation, kills it there with SIGKILL, and sees the living to their ends. Then to the next instruction, in
//! processes and objects that are new. A victim that sleeps in the kernel is killed in its sleep too, and, once
//! others have woken it, at every instruction from there on.
//!
//! Built with the feature `harness`, as plain `cargo test` does, it runs that command, and then compares. What
//! survives a kill is shared memory, and what the kernel reads at a death ([`remains`]). All that survives a kill after
//! an instruction must also survive a kill before one of the [steps](forkproof::sys::step) that the library reports:
//! then a kill at every step, which the other tests try in far more company, is a kill everywhere. The figures are in
//! `fixtures/single_step.toml`; `FORKPROOF_RECORD=1 cargo test --test single_step` writes them anew.
//!
//! | file | |
//! |---|---|
//! | [`subjects`] | the cases, by primitive |
//! | [`stage`] | what a case is made of: objects, a victim, and its company, asleep, poised or awake |
//! | [`run`] | one run, one kill |
//! | [`route`] | how a run gets to its instruction at full speed |
//! | [`sweep`] | a run for each instruction |
//! | [`remains`] | what survives |
//! | [`boss`] | the process that forks them all |
//! | [`figures`] | what is compared, and recorded |
//!
//! # Where it does not run
//! It knows the instructions of x86-64 alone. Where ptrace(2) is refused (a container's filter, Yama), it says so on
//! the standard error, and nothing has been tried.
//!
//! # What it does not show
//! Nothing of memory orderings: a stepped process sees its own stores in order, and so do the others after its death.
//! What the company does meanwhile is tried in one order, or, where it is awake, in whichever one there was.
#![cfg(target_arch = "x86_64")]

mod boss;
#[cfg(feature = "harness")]
mod figures;
mod remains;
mod route;
mod run;
mod stage;
#[cfg(feature = "harness")]
mod steps;
#[path = "../../src/verify/stuck.rs"]
mod stuck;
mod subjects;
mod sweep;
mod tracee;

#[cfg(feature = "harness")]
mod compared;
#[cfg(not(feature = "harness"))]
mod stepped;

// For `stuck`, which is a part of the library's harness.
use forkproof::world;
