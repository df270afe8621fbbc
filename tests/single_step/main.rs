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
//! # Broken on purpose
//! Each line of the library's was taken out or put elsewhere, and this found it: in the case named, by so many kills of
//! it. (Where the number is 1 it needed no kill: the first run leads the victim to its end.)
//!
//! | broken | found by | kills |
//! |---|---|---|
//! | a lock is not announced before it is taken | Lock: lock, nobody there | 65 |
//! | a taken lock is not put into the robust list | Lock: lock, nobody there | 1 |
//! | a lock is not announced before it is given back | Lock: unlock, nobody there | 43 |
//! | giving a lock back wakes no one | Lock: lock, held, its holder gives it back | 1 |
//! | a lock's announcement is withdrawn before the lock is given back | Lock: unlock, nobody there | 52 |
//! | a new owner does not inherit `WAITERS` | Lock: unlock, two asleep | 1 |
//! | a place of a semaphore is not announced before it is left | Semaphore: give back, nobody there | 76 |
//! | an event is set in one step, and its sleepers woken in the next | Event: set, one asleep | 40 |
//! | leaving a place of a semaphore wakes no one | Semaphore: acquire, none free | 1 |
//! | a semaphore's bell is not announced before its surplus grows | Semaphore: release, no place left, one asleep | 256 |
//! | a queue's gate is not announced before a commit | Queue: put, one getter asleep | 1156 |
//! | a queue's gate is not put into the robust list of who is about to wake | Queue: put, one getter asleep | 881 |
//! | a put is committed before its bytes are written | Queue: put, nobody there | 814 |
//! | the last task is counted in one step, and who joins woken in the next | JoinableQueue: task_done, one asleep in join | 183 |
//!
//! Not found, as one kill and one order of the others do not show them: a condition's bell that is not announced (who is
//! told of the owner's death is the same sleeper), and a gate that is changed after the commit (no one falls asleep
//! in between). The models find both.
//!
//! That the test can fail is tried each time, with two stores that no step reports ([`subjects`], torn).
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
mod subjects;
mod sweep;
#[path = "../traced/mod.rs"]
mod traced;
mod tracee;

#[cfg(feature = "harness")]
mod compared;
#[cfg(not(feature = "harness"))]
mod stepped;

// For what `traced` has of the library's harness.
use forkproof::world;
