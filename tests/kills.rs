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
fn random_kills_leave_a_byte_queue_whole() {
    holds::row("ByteQueue", Technique::RandomKills);
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
fn a_killed_server_is_told_to_all_and_leaves_nothing() {
    holds::row("manager's server", Technique::RandomKills);
}

#[test]
fn a_bounded_semaphore_survives_random_kills() {
    holds::row("BoundedSemaphore", Technique::RandomKills);
}

#[test]
fn a_shareable_list_survives_random_kills() {
    holds::row("ShareableList", Technique::RandomKills);
}

#[test]
fn random_kills_leave_shared_memory_to_the_others() {
    holds::row("SharedMemory", Technique::RandomKills);
}

#[test]
fn tasks_are_joined_through_deaths() {
    holds::row("JoinableQueue", Technique::RandomKills);
}

#[test]
fn what_a_killed_maker_made_works() {
    holds::row("all objects", Technique::RandomKills);
}

#[test]
fn random_kills_take_their_daemons_and_no_one_else() {
    holds::row("Process", Technique::RandomKills);
}

#[test]
fn random_kills_cost_a_pool_what_the_dead_had() {
    holds::row("Pool", Technique::RandomKills);
}
