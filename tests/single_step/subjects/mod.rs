//! The cases, by primitive.

mod barriers;
mod byte_queues;
mod conditions;
mod events;
mod guards;
mod locks;
mod pipes;
mod queues;
mod semaphores;
mod torn;

use crate::stage::Stage;

/// One operation of one primitive, in a certain company.
pub struct Case {
    pub primitive: &'static str,
    /// The operation, and where the others are.
    pub name: &'static str,
    pub set_up: fn(&mut Stage),
    /// Whether the others move only when the victim sleeps: two runs are then alike.
    pub is_quiet: bool,
}

/// What the single step must find: broken on purpose.
pub const BROKEN: &str = "Torn";

/// Every case of what ships.
pub fn all() -> impl Iterator<Item = &'static Case> {
    [
        locks::CASES,
        guards::CASES,
        semaphores::CASES,
        conditions::CASES,
        events::CASES,
        barriers::CASES,
        queues::CASES,
        byte_queues::CASES,
        pipes::CASES,
    ]
    .into_iter()
    .flatten()
}

/// All that there are cases about.
#[cfg(feature = "harness")]
pub fn primitives() -> std::collections::BTreeSet<&'static str> {
    all().map(|case| case.primitive).collect()
}

/// The cases that are about a primitive.
pub fn of(primitive: &str) -> impl Iterator<Item = &'static Case> {
    let cases = all().chain(torn::CASES);
    cases.filter(move |case| case.primitive == primitive)
}

const fn quiet(primitive: &'static str, name: &'static str, set_up: fn(&mut Stage)) -> Case {
    Case {
        primitive,
        name,
        set_up,
        is_quiet: true,
    }
}

const fn busy(primitive: &'static str, name: &'static str, set_up: fn(&mut Stage)) -> Case {
    Case {
        primitive,
        name,
        set_up,
        is_quiet: false,
    }
}
