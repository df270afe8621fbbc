//! Two numbers in shared memory whose sum never changes, under each kind of guard: what the processes that
//! are killed at random work on.
//!
//! A move takes from one and gives to the other in separate writes, so that a death between them leaves the
//! pair broken, and whoever takes the lock next must be told.

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

use crate::{Array, Lock, LockError, LockFailure, RLock, Result, Value};

/// Left and right always have this sum, but for a moment under the lock.
pub const SUM: i64 = 1_000;

/// Who guards the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    Lock,
    RLock,
    Value,
    Array,
}

/// The pair, where it lies: handles, which travel.
#[derive(Clone, Serialize, Deserialize)]
pub enum SharedPair {
    Lock(Lock, Array<i64>),
    RLock(RLock, Array<i64>),
    Value(Value<Pair>),
    Array(Array<i64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Pair {
    pub left: i64,
    pub right: i64,
    /// How many moves there were. Written last.
    pub moves: i64,
}

/// How someone who took the lock found the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Whole,
    /// The lock said that its owner died; the pair was whole or is again.
    OwnerDied,
}

/// Why there was no move.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Mutual exclusion, or the report of a death, has failed.
    #[error("the lock was taken as if all were well, and the numbers were {0:?}")]
    Broken(Pair),
    #[error(transparent)]
    Lock(LockFailure),
}

/// What to do when the owner died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Mend,
    /// Give the lock back without a word, so that no one gets it again.
    GiveUp,
}

impl SharedPair {
    /// # Errors
    /// No memory.
    pub fn new(guard: Guard) -> Result<SharedPair> {
        let pair = Pair {
            left: SUM,
            right: 0,
            moves: 0,
        };
        let array = || Array::from_slice(&[pair.left, pair.right, pair.moves]);
        Ok(match guard {
            Guard::Lock => SharedPair::Lock(Lock::new()?, array()?),
            Guard::RLock => SharedPair::RLock(RLock::new()?, array()?),
            Guard::Value => SharedPair::Value(Value::new(pair)?),
            Guard::Array => SharedPair::Array(array()?),
        })
    }

    /// Moves an amount from left to right, dawdling between the two writes.
    ///
    /// # Errors
    /// [`Trouble`]; nothing was moved.
    pub fn shift(&self, amount: i64, dawdle: impl Fn(), then: Then) -> Result<Found, Trouble> {
        self.hold(then, |place| place.shift(amount, &dawdle))
    }

    /// The pair, under the lock.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn look(&self) -> Result<(Pair, Found), Trouble> {
        let mut pair = None;
        let found = self.hold(Then::Mend, |place| {
            pair = Some(place.read());
            Ok(())
        })?;
        Ok((pair.expect("read in the line above"), found))
    }

    /// Takes the lock, sees to it that the pair is whole, and does something with it.
    fn hold(
        &self,
        then: Then,
        work: impl FnOnce(&mut dyn Place) -> Result<(), Trouble>,
    ) -> Result<Found, Trouble> {
        match self {
            SharedPair::Lock(lock, array) => {
                let (held, found) = taken(lock.lock())?;
                settle(&mut Unguarded(array), found, then, || {
                    held.mark_consistent()
                })?;
                work(&mut Unguarded(array))?;
                Ok(found)
            }
            SharedPair::RLock(lock, array) => {
                let (held, found) = taken(lock.lock())?;
                settle(&mut Unguarded(array), found, then, || {
                    held.mark_consistent()
                })?;
                let (_again, _) = taken(lock.lock())?;
                drop(held); // still held
                work(&mut Unguarded(array))?;
                Ok(found)
            }
            SharedPair::Value(value) => {
                let (mut held, found) = taken(value.lock())?;
                let mut pair = *held;
                settle(&mut pair, found, then, || held.mark_consistent())?;
                work(&mut pair)?;
                *held = pair;
                Ok(found)
            }
            SharedPair::Array(array) => {
                let (held, found) = taken(array.lock())?;
                settle(&mut Unguarded(array), found, then, || {
                    held.mark_consistent()
                })?;
                work(&mut Unguarded(array))?;
                Ok(found)
            }
        }
    }
}

fn taken<G>(outcome: Result<G, LockError<G>>) -> Result<(G, Found), Trouble> {
    match outcome {
        Ok(held) => Ok((held, Found::Whole)),
        Err(LockError::OwnerDied(held)) => Ok((held, Found::OwnerDied)),
        Err(other) => Err(Trouble::Lock(other.failure())),
    }
}

/// Sees to it that the pair is whole.
fn settle(
    place: &mut dyn Place,
    found: Found,
    then: Then,
    vouch: impl FnOnce(),
) -> Result<(), Trouble> {
    let pair = place.read();
    match (found, then) {
        (Found::Whole, _) if pair.left + pair.right == SUM => Ok(()),
        (Found::Whole, _) => Err(Trouble::Broken(pair)),
        (Found::OwnerDied, Then::GiveUp) => Err(Trouble::Lock(LockFailure::OwnerDied)),
        (Found::OwnerDied, Then::Mend) => {
            place.write_right(SUM - pair.left);
            vouch();
            Ok(())
        }
    }
}

/// Where a pair can be read and written, in separate writes.
trait Place {
    fn read(&self) -> Pair;
    fn write_left(&mut self, left: i64);
    fn write_right(&mut self, right: i64);
    fn write_moves(&mut self, moves: i64);

    fn shift(&mut self, amount: i64, dawdle: &dyn Fn()) -> Result<(), Trouble> {
        let pair = self.read();
        self.write_left(pair.left - amount);
        dawdle();
        self.write_right(pair.right + amount);
        dawdle();
        self.write_moves(pair.moves + 1);
        Ok(())
    }
}

/// In private memory; written back in pieces of 8 bytes when the guard is dropped.
impl Place for Pair {
    fn read(&self) -> Pair {
        *self
    }

    fn write_left(&mut self, left: i64) {
        self.left = left;
    }

    fn write_right(&mut self, right: i64) {
        self.right = right;
    }

    fn write_moves(&mut self, moves: i64) {
        self.moves = moves;
    }
}

/// In shared memory, under a lock that the caller holds.
struct Unguarded<'a>(&'a Array<i64>);

const WITHIN: &str = "the array has three elements";

impl Place for Unguarded<'_> {
    fn read(&self) -> Pair {
        let at = |index| self.0.get_unlocked(index).expect(WITHIN);
        Pair {
            left: at(0),
            right: at(1),
            moves: at(2),
        }
    }

    fn write_left(&mut self, left: i64) {
        self.0.set_unlocked(0, left).expect(WITHIN);
    }

    fn write_right(&mut self, right: i64) {
        self.0.set_unlocked(1, right).expect(WITHIN);
    }

    fn write_moves(&mut self, moves: i64) {
        self.0.set_unlocked(2, moves).expect(WITHIN);
    }
}
