//! A kill at every step of the turn. See `verify::every_step` for what is tried and judged.

#![cfg(feature = "harness")]

use forkproof::verify::Technique;

mod holds;

#[test]
fn a_lock_survives_a_kill_at_every_step() {
    holds::row("Lock", Technique::EveryStep);
}

#[test]
fn an_rlock_survives_a_kill_at_every_step() {
    holds::row("RLock", Technique::EveryStep);
}

#[test]
fn a_value_survives_a_kill_at_every_step() {
    holds::row("Value", Technique::EveryStep);
}

#[test]
fn an_array_survives_a_kill_at_every_step() {
    holds::row("Array", Technique::EveryStep);
}

#[test]
fn a_shareable_list_survives_a_kill_at_every_step() {
    holds::row("ShareableList", Technique::EveryStep);
}

#[test]
fn a_semaphore_survives_a_kill_at_every_step() {
    holds::row("Semaphore", Technique::EveryStep);
}

#[test]
fn a_bounded_semaphore_survives_a_kill_at_every_step() {
    holds::row("BoundedSemaphore", Technique::EveryStep);
}

#[test]
fn an_event_survives_a_kill_at_every_step() {
    holds::row("Event", Technique::EveryStep);
}

#[test]
fn a_pipe_survives_a_kill_at_every_step() {
    holds::row("Pipe", Technique::EveryStep);
}

#[test]
fn a_condition_survives_a_kill_at_every_step() {
    holds::row("Condition", Technique::EveryStep);
}

#[test]
fn a_barrier_survives_a_kill_at_every_step() {
    holds::row("Barrier", Technique::EveryStep);
}

#[test]
fn a_queue_survives_a_kill_at_every_step() {
    holds::row("Queue", Technique::EveryStep);
}

#[test]
fn a_byte_queue_survives_a_kill_at_every_step() {
    holds::row("ByteQueue", Technique::EveryStep);
}

#[test]
fn a_pool_answers_for_a_worker_killed_at_every_step() {
    holds::row("Pool", Technique::EveryStep);
}
