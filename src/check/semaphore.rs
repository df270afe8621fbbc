//! A semaphore, with a bound or without: permits that are acquired and released, and come home when their holder dies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Spec;

/// As many permits as can be counted.
const MOST: u32 = (1 << 31) - 1;

/// The sequential semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semaphore {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// Permits that anyone may acquire.
    pub free: u32,
    /// The most that may be free. None: no bound.
    pub most: Option<u32>,
    /// How many each holder has; no one has none.
    pub held: BTreeMap<u32, u32>,
}

impl State {
    pub fn new(permits: u32) -> State {
        State {
            free: permits,
            most: None,
            held: BTreeMap::new(),
        }
    }

    pub fn bounded(permits: u32) -> State {
        State {
            most: Some(permits),
            ..State::new(permits)
        }
    }
}

/// Who it is, is a number: the lane's, or that of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    /// Waits as long as it takes.
    Acquire {
        who: u32,
    },
    /// Without waiting, or having waited long enough.
    TryAcquire {
        who: u32,
    },
    /// Gives one's permit back.
    GiveBack {
        who: u32,
    },
    /// Keeps the permit for ever, or hands it to whoever releases it.
    Forget {
        who: u32,
    },
    /// Makes permits, of nobody's.
    Release {
        permits: u32,
    },
    Value,
    /// Is killed. It begins with the signal, and returns when the process is known to be gone.
    Die {
        who: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Acquired,
    /// There was none.
    WouldBlock,
    /// Given back, forgotten, released, or dead.
    Done,
    /// The caller holds none.
    NotHeld,
    /// There would be more than the bound, or than can be counted: nothing is released.
    TooMany,
    Value(u32),
    /// No history holds this: an endless wait goes on.
    Waits,
}

impl Spec for Semaphore {
    type State = State;
    type Call = Call;
    type Return = Return;

    fn apply(semaphore: &State, call: &Call) -> (State, Return) {
        let mut after = semaphore.clone();
        let returned = match *call {
            Call::Acquire { .. } if after.free == 0 => Return::Waits,
            Call::TryAcquire { .. } if after.free == 0 => Return::WouldBlock,
            Call::Acquire { who } | Call::TryAcquire { who } => {
                after.free -= 1;
                *after.held.entry(who).or_default() += 1;
                Return::Acquired
            }
            Call::GiveBack { who } | Call::Forget { who } => match after.held.remove(&who) {
                None => Return::NotHeld,
                Some(count) => {
                    if count > 1 {
                        after.held.insert(who, count - 1);
                    }
                    if matches!(call, Call::GiveBack { .. }) {
                        after.free += 1;
                    }
                    Return::Done
                }
            },
            Call::Release { permits } => {
                let held: u32 = after.held.values().sum();
                let most = after.most.unwrap_or(MOST).saturating_sub(held);
                match after.free.checked_add(permits).filter(|free| *free <= most) {
                    Some(free) => {
                        after.free = free;
                        Return::Done
                    }
                    None => Return::TooMany,
                }
            }
            Call::Value => Return::Value(after.free),
            Call::Die { who } => {
                after.free += after.held.remove(&who).unwrap_or(0);
                Return::Done
            }
        };
        (after, returned)
    }

    fn only_reads(call: &Call) -> bool {
        *call == Call::Value
    }
}
