//! Random kills at full speed, in small numbers; `forkproof verify --kills N` takes more. See `verify::kills`
//! and `verify::giving_up` for what is done and judged.

#![cfg(feature = "harness")]

use forkproof::verify::Technique;

mod holds;

#[test]
fn a_lock_survives_random_kills() {
    holds::row("Lock", Technique::RandomKills);
}

#[test]
fn an_rlock_survives_random_kills() {
    holds::row("RLock", Technique::RandomKills);
}

#[test]
fn a_value_survives_random_kills() {
    holds::row("Value", Technique::RandomKills);
}

#[test]
fn an_array_survives_random_kills() {
    holds::row("Array", Technique::RandomKills);
}

#[test]
fn a_semaphore_survives_random_kills() {
    holds::row("Semaphore", Technique::RandomKills);
}

#[test]
fn an_event_survives_random_kills() {
    holds::row("Event", Technique::RandomKills);
}

#[test]
fn a_pipe_survives_random_kills() {
    holds::row("Pipe", Technique::RandomKills);
}

#[test]
fn a_condition_survives_random_kills() {
    holds::row("Condition", Technique::RandomKills);
}

#[test]
fn a_barrier_survives_random_kills() {
    holds::row("Barrier", Technique::RandomKills);
}

#[test]
fn random_kills_leave_a_queue_whole() {
    holds::row("Queue", Technique::RandomKills);
}

#[test]
fn many_messages_pass_through_deaths() {
    holds::row("Queue", Technique::Messages);
}

#[test]
fn a_manager_survives_its_clients() {
    holds::row("Manager", Technique::RandomKills);
}

#[test]
fn random_kills_cost_a_pool_what_the_dead_had() {
    holds::row("Pool", Technique::RandomKills);
}
