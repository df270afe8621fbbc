//! Whole small locks, each one idea away from right, beside those that are right.
//!
//! | rung | is | beside |
//! |---|---|---|
//! | [`ThreeState`] | Drepper's second mutex, the one to know | |
//! | [`WokenOwns`] | to be woken is taken for owning | `ThreeState` |
//! | [`Event`] | set once, waited for by many | |
//! | [`TrustingEvent`] | to be woken is taken for the event | `Event` |
//!
//! None of them survives the death of its owner: that is what [`RawMutex`](crate::raw::RawMutex) is for.
//! Their bugs are in the algorithm; bugs beneath it are in [`mutex`](super::mutex)'s betrayals.

mod event;
mod three_state;
mod woken_owns;

pub use event::{Event, TrustingEvent};
pub use three_state::ThreeState;
pub use woken_owns::WokenOwns;

use ::loom::cell::Cell as Guarded;

use super::model::{BOTH, Meets, Model};
use crate::explore::loom::{Loom, Program};

/// A lock of this ladder.
pub trait SmallLock {
    fn new() -> Self;
    fn lock(&self);
    /// The caller holds it.
    fn unlock(&self);
}

/// An event of this ladder.
pub trait SmallEvent {
    fn new() -> Self;
    fn set(&self);
    /// Returns when it is set.
    fn wait(&self);
}

/// The models of the right ones.
pub fn models() -> Vec<Model> {
    vec![
        lock_model::<ThreeState<Loom>>("three states", "a small lock: one at a time is inside"),
        event_model::<Event<Loom>>(
            "event",
            "who has waited sees what was done before it was set",
        ),
    ]
}

pub(super) fn woken_owns() -> Vec<Model> {
    vec![lock_model::<WokenOwns<Loom>>("woken owns", "")]
}

pub(super) fn trusting_event() -> Vec<Model> {
    vec![event_model::<TrustingEvent<Loom>>("trusting event", "")]
}

fn lock_model<L: SmallLock + 'static>(name: &'static str, claim: &'static str) -> Model {
    let visit: fn(&(L, Guarded<u32>)) = |(lock, visits)| {
        lock.lock();
        visits.set(visits.get() + 1);
        lock.unlock();
    };
    let end: fn(&(L, Guarded<u32>)) = |(lock, visits)| {
        lock.lock();
        assert_eq!(visits.get(), 3, "visits were lost");
        lock.unlock();
    };
    let start = || (L::new(), Guarded::new(0));
    Model {
        name,
        claim,
        programs: vec![Program::new(start, &[visit, visit, visit], end)],
        kernels: &BOTH[..1],
        preemptions_quick: Some(3),
        preemptions_full: Some(5),
        meets: &[Meets::Sleep, Meets::EarlyReturn],
        ..Model::NEW
    }
}

fn event_model<E: SmallEvent + 'static>(name: &'static str, claim: &'static str) -> Model {
    let set: fn(&(E, Guarded<u32>)) = |(event, data)| {
        data.set(7);
        event.set();
    };
    let wait: fn(&(E, Guarded<u32>)) = |(event, data)| {
        event.wait();
        assert_eq!(data.get(), 7, "not set yet");
    };
    let start = || (E::new(), Guarded::new(0));
    Model {
        name,
        claim,
        programs: vec![Program::new(start, &[set, wait, wait], |_| {})],
        kernels: &BOTH[..1],
        preemptions_quick: Some(2),
        preemptions_full: Some(5),
        meets: &[Meets::Sleep, Meets::EarlyReturn],
        ..Model::NEW
    }
}
