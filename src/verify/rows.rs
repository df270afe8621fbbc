//! The rows of the table.

use super::accounts::Guarding;
use super::apart::Subject;
use super::pair::Guard;
use super::progress::Progress;
use super::report::{Budget, Check, Report, Technique};
use super::{appends, bank, bugs, deaths, hostile, models, schedules, turn, tutorials};

/// All checks, in the order of the table.
pub static CHECKS: &[Check] = &[
    row("Lock", Technique::Models, |b, p| {
        models::models("Lock", b, p)
    }),
    row("Lock", Technique::Variants, |b, p| {
        models::variants("Lock", b, p)
    }),
    row("Lock", Technique::Schedules, |b, p| {
        schedules::schedules("Lock", b, p)
    }),
    row("Lock", Technique::EveryStep, |b, p| {
        turn::every_step("Lock", b, p)
    }),
    row("Lock", Technique::Proptest, |b, p| {
        bank::accounts(Guarding::Lock, b, p)
    }),
    row("Lock", Technique::RandomKills, |b, p| {
        deaths::guard(Guard::Lock, b, p)
    }),
    row("RLock", Technique::Models, |b, p| {
        models::models("RLock", b, p)
    }),
    row("RLock", Technique::Schedules, |b, p| {
        schedules::schedules("RLock", b, p)
    }),
    row("RLock", Technique::EveryStep, |b, p| {
        turn::every_step("RLock", b, p)
    }),
    row("RLock", Technique::Proptest, |b, p| {
        bank::accounts(Guarding::RLock, b, p)
    }),
    row("RLock", Technique::RandomKills, |b, p| {
        deaths::guard(Guard::RLock, b, p)
    }),
    row("Value", Technique::Schedules, |b, p| {
        schedules::schedules("Value", b, p)
    }),
    row("Value", Technique::EveryStep, |b, p| {
        turn::every_step("Value", b, p)
    }),
    row("Value", Technique::Proptest, |b, p| {
        bank::accounts(Guarding::Values, b, p)
    }),
    row("Value", Technique::RandomKills, |b, p| {
        deaths::guard(Guard::Value, b, p)
    }),
    row("Array", Technique::Schedules, |b, p| {
        schedules::schedules("Array", b, p)
    }),
    row("Array", Technique::EveryStep, |b, p| {
        turn::every_step("Array", b, p)
    }),
    row("Array", Technique::Proptest, |b, p| {
        bank::accounts(Guarding::Array, b, p)
    }),
    row("Array", Technique::RandomKills, |b, p| {
        deaths::guard(Guard::Array, b, p)
    }),
    row("ShareableList", Technique::Schedules, |b, p| {
        schedules::schedules("ShareableList", b, p)
    }),
    row("ShareableList", Technique::EveryStep, |b, p| {
        turn::every_step("ShareableList", b, p)
    }),
    row("ShareableList", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::ShareableList, b, p)
    }),
    row("SharedMemory", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::SharedMemory, b, p)
    }),
    row("Semaphore", Technique::Models, |b, p| {
        models::models("Semaphore", b, p)
    }),
    row("Semaphore", Technique::Variants, |b, p| {
        models::variants("Semaphore", b, p)
    }),
    row("Semaphore", Technique::Schedules, |b, p| {
        schedules::schedules("Semaphore", b, p)
    }),
    row("Semaphore", Technique::EveryStep, |b, p| {
        turn::every_step("Semaphore", b, p)
    }),
    row("Semaphore", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Semaphore, b, p)
    }),
    row("BoundedSemaphore", Technique::Schedules, |b, p| {
        schedules::schedules("BoundedSemaphore", b, p)
    }),
    row("BoundedSemaphore", Technique::EveryStep, |b, p| {
        turn::every_step("BoundedSemaphore", b, p)
    }),
    row("BoundedSemaphore", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::BoundedSemaphore, b, p)
    }),
    row("Event", Technique::Models, |b, p| {
        models::models("Event", b, p)
    }),
    row("Event", Technique::Variants, |b, p| {
        models::variants("Event", b, p)
    }),
    row("Event", Technique::Schedules, |b, p| {
        schedules::schedules("Event", b, p)
    }),
    row("Event", Technique::EveryStep, |b, p| {
        turn::every_step("Event", b, p)
    }),
    row("Event", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Event, b, p)
    }),
    row("Condition", Technique::Models, |b, p| {
        models::models("Condition", b, p)
    }),
    row("Condition", Technique::Variants, |b, p| {
        models::variants("Condition", b, p)
    }),
    row("Condition", Technique::Schedules, |b, p| {
        schedules::schedules("Condition", b, p)
    }),
    row("Condition", Technique::EveryStep, |b, p| {
        turn::every_step("Condition", b, p)
    }),
    row("Condition", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Condition, b, p)
    }),
    row("Barrier", Technique::Models, |b, p| {
        models::models("Barrier", b, p)
    }),
    row("Barrier", Technique::Variants, |b, p| {
        models::variants("Barrier", b, p)
    }),
    row("Barrier", Technique::Schedules, |b, p| {
        schedules::schedules("Barrier", b, p)
    }),
    row("Barrier", Technique::EveryStep, |b, p| {
        turn::every_step("Barrier", b, p)
    }),
    row("Barrier", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Barrier, b, p)
    }),
    row("list", Technique::Proptest, appends::list),
    row("Queue", Technique::Proptest, appends::queue),
    row(
        "manager's list",
        Technique::Proptest,
        appends::managers_list,
    ),
    row(
        "manager's dict",
        Technique::Proptest,
        appends::managers_dict,
    ),
    row("Pipe", Technique::Schedules, |b, p| {
        schedules::schedules("Pipe", b, p)
    }),
    row("Pipe", Technique::EveryStep, |b, p| {
        turn::every_step("Pipe", b, p)
    }),
    row("Pipe", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Pipe, b, p)
    }),
    row("Queue", Technique::Models, |b, p| {
        models::models("Queue", b, p)
    }),
    row("Queue", Technique::Variants, |b, p| {
        models::variants("Queue", b, p)
    }),
    row("Queue", Technique::Schedules, |b, p| {
        schedules::schedules("Queue", b, p)
    }),
    row("Queue", Technique::EveryStep, |b, p| {
        turn::every_step("Queue", b, p)
    }),
    row("Queue", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Queue { messages: 0 }, b, p)
    }),
    row("ByteQueue", Technique::Schedules, |b, p| {
        schedules::schedules("ByteQueue", b, p)
    }),
    row("ByteQueue", Technique::EveryStep, |b, p| {
        turn::every_step("ByteQueue", b, p)
    }),
    row("ByteQueue", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::ByteQueue, b, p)
    }),
    row("JoinableQueue", Technique::Models, |b, p| {
        models::models("JoinableQueue", b, p)
    }),
    row("JoinableQueue", Technique::Variants, |b, p| {
        models::variants("JoinableQueue", b, p)
    }),
    row("JoinableQueue", Technique::Schedules, |b, p| {
        schedules::schedules("JoinableQueue", b, p)
    }),
    row("JoinableQueue", Technique::EveryStep, |b, p| {
        turn::every_step("JoinableQueue", b, p)
    }),
    row("JoinableQueue", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::JoinableQueue, b, p)
    }),
    row("Queue", Technique::Messages, deaths::messages),
    row("all objects", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Makers, b, p)
    }),
    row("Process", Technique::Starts, deaths::processes),
    row("Process", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Tree, b, p)
    }),
    row("Pool", Technique::EveryStep, |b, p| {
        turn::every_step("Pool", b, p)
    }),
    row("Pool", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Pool, b, p)
    }),
    row("Manager", Technique::Models, |b, p| {
        models::models("Manager", b, p)
    }),
    row("Manager", Technique::Variants, |b, p| {
        models::variants("Manager", b, p)
    }),
    row("Manager", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Clients, b, p)
    }),
    row("manager's server", Technique::RandomKills, |b, p| {
        deaths::subject(Subject::Server, b, p)
    }),
    row("Manager", Technique::Hostile, hostile::clients),
    row("the turn", Technique::LostUpdate, turn::lost_update),
    row("the turn", Technique::LostAppend, turn::lost_append),
    row("tutorials", Technique::Outputs, tutorials::outputs),
    row("tutorials", Technique::Invariants, tutorials::invariants),
    row("tutorials", Technique::OutcomeSets, tutorials::outcome_sets),
    row("the zoo", Technique::Bugs, bugs::caught),
    row("SimpleQueue", Technique::Schedules, |b, p| {
        schedules::schedules("SimpleQueue", b, p)
    }),
];

const fn row(
    primitive: &'static str,
    technique: Technique,
    run: fn(Budget, &Progress) -> Report,
) -> Check {
    Check {
        primitive,
        technique,
        run,
    }
}
