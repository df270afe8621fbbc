//! A lock that its holder may take again, and that outlives it. Its calls are those of a [lock](super::lock): who holds it
//! and acquires it has it once more, and releases it once.

use serde::{Deserialize, Serialize};

use super::Spec;
pub use super::lock::Call;

/// The sequential re-entrant lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RLock {}

/// Free and consistent at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    pub holder: Option<u32>,
    /// How often the holder has it; 0 if it is free.
    pub depth: u32,
    /// A holder died, and no later one has vouched for the data.
    pub in_doubt: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    /// For the first time, or once more.
    Acquired,
    /// Acquired for the first time, and the data is in doubt.
    OwnerDied,
    /// Someone else holds it.
    WouldBlock,
    /// Released once, marked, or dead.
    Done,
    /// The caller does not hold it.
    NotHeld,
    /// No history holds this: an endless wait goes on.
    Waits,
}

impl Spec for RLock {
    type State = State;
    type Call = Call;
    type Return = Return;

    fn apply(lock: &State, call: &Call) -> (State, Return) {
        let holds = |who| lock.holder == Some(who);
        match *call {
            Call::Acquire { who } | Call::TryAcquire { who } => match lock.holder {
                None => {
                    let held = State {
                        holder: Some(who),
                        depth: 1,
                        ..*lock
                    };
                    (
                        held,
                        if lock.in_doubt {
                            Return::OwnerDied
                        } else {
                            Return::Acquired
                        },
                    )
                }
                Some(holder) if holder == who => (
                    State {
                        depth: lock.depth + 1,
                        ..*lock
                    },
                    Return::Acquired,
                ),
                Some(_) if matches!(call, Call::Acquire { .. }) => (*lock, Return::Waits),
                Some(_) => (*lock, Return::WouldBlock),
            },
            Call::Release { who } if holds(who) => {
                let depth = lock.depth - 1;
                let holder = lock.holder.filter(|_| depth > 0);
                (
                    State {
                        holder,
                        depth,
                        ..*lock
                    },
                    Return::Done,
                )
            }
            Call::MarkConsistent { who } if holds(who) => (
                State {
                    in_doubt: false,
                    ..*lock
                },
                Return::Done,
            ),
            Call::Release { .. } | Call::MarkConsistent { .. } => (*lock, Return::NotHeld),
            Call::Die { who } if holds(who) => (
                State {
                    holder: None,
                    depth: 0,
                    in_doubt: true,
                },
                Return::Done,
            ),
            Call::Die { .. } => (*lock, Return::Done),
        }
    }
}
