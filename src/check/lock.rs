//! A lock that outlives its owner.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {}

/// Free and consistent at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    pub holder: Option<u32>,
    /// A holder died, and no later one has vouched for the data.
    pub in_doubt: bool,
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
    Release {
        who: u32,
    },
    /// The holder vouches for the data after an owner's death.
    MarkConsistent {
        who: u32,
    },
    /// Is killed. It begins with the signal, and returns when the process is known to be gone.
    Die {
        who: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Acquired,
    /// Acquired, and the data is in doubt.
    OwnerDied,
    /// Someone else holds it.
    WouldBlock,
    /// The caller holds it already.
    AlreadyHeld,
    /// Released, marked, or dead.
    Done,
    /// The caller does not hold it.
    NotHeld,
    /// No history holds this: an endless wait goes on.
    Waits,
}

impl Spec for Lock {
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
                Some(holder) if holder == who => (*lock, Return::AlreadyHeld),
                Some(_) if matches!(call, Call::Acquire { .. }) => (*lock, Return::Waits),
                Some(_) => (*lock, Return::WouldBlock),
            },
            Call::Release { who } if holds(who) => (
                State {
                    holder: None,
                    ..*lock
                },
                Return::Done,
            ),
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
                    in_doubt: true,
                },
                Return::Done,
            ),
            Call::Die { .. } => (*lock, Return::Done),
        }
    }
}
