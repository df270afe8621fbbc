//! `Barrier`: no one goes on until all have come.

mod action;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use action::Action;

use crate::raw::barrier::{Last, PARTIES_MAX, Turn};
use crate::raw::{Arrived, BarrierHead, NotPassed, RawBarrier, RawMutex};
use crate::shm::{Block, InShared, Shared, block, passage};
use crate::sys::{Os, SharedWord};
use crate::world::{Deadline, Node, Word, World};

// SAFETY: `repr(C)`: two mutexes, of which sync/lock.rs argues, and an atomic.
unsafe impl InShared for BarrierHead<Os> {}

// What lies where: how many parties there are, the head, and the seats, one more than there are parties.
const PARTIES_AT: usize = 0;
const HEAD_AT: usize = 8;
const SEATS_AT: usize = HEAD_AT + size_of::<BarrierHead<Os>>().next_multiple_of(8);
const NODE_BYTES: usize = size_of::<Node<Os>>();

const fn bytes_for(parties: usize) -> usize {
    SEATS_AT + (parties + 1) * NODE_BYTES
}

/// A point that a fixed number of parties, processes or threads, pass together, again and again.
///
/// A clone is the same barrier. As an argument of a process it is the same barrier there, with its action.
///
/// ```
/// use forkproof::{Array, Barrier, Process};
///
/// fn work(lane: usize, sums: Array<u32>, all_have: Barrier) -> forkproof::Result<()> {
///     sums.set(lane, lane as u32 + 1)?;
///     all_have.wait()?;
///     assert_eq!(sums.to_vec()?, [1, 2, 3]);
///     Ok(())
/// }
///
/// # fn main() -> forkproof::Result<()> {
/// let (sums, all_have) = (Array::new(3)?, Barrier::new(3)?);
/// let workers: Vec<Process> = (0..3)
///     .map(|lane| Process::new(work, (lane, sums.clone(), all_have.clone())))
///     .collect();
/// for worker in &workers {
///     worker.start()?;
/// }
/// for worker in &workers {
///     assert_eq!(worker.join()?, 0);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Breaking
/// A barrier is broken by a time-out, by [`abort`](Barrier::abort), by a panic of its action, and by the death of a
/// party that waits. All who wait, and all who come, are then refused with [`BarrierError::Broken`], until someone
/// calls [`reset`](Barrier::reset). Whose round has passed has passed, whatever comes after.
///
/// # When a process dies
/// If it had come, and not all had: the barrier breaks, for all who wait at once. If all had come, it counts as one
/// that went on. One that dies before it comes is not missed by the barrier: those who wait for it wait, or time out.
/// The same holds for a thread that ends while its process lives on.
///
/// # Memory ordering
/// What was written by any party before it came is seen by all that have passed.
#[derive(Clone)]
pub struct Barrier {
    block: Arc<Block>,
    parties: usize,
    action: Option<Arc<dyn Action>>,
}

/// Why a party has not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BarrierError {
    /// Another timed out, died, aborted, or reset the barrier, or its action panicked; now, or before.
    #[error("the barrier is broken")]
    Broken,
    /// The time was up before all had come; this has broken the barrier for the others. (If it was up before those
    /// of the last round had gone on, the barrier is not broken: this party had not been let in.)
    #[error("not all came to the barrier in time")]
    TimedOut,
    /// The calling thread holds 2,048 locks, or one or two less; the barrier needs room for three. It has not come.
    #[error("this thread holds 2048 locks, and a barrier needs room for three more")]
    TooManyHeld,
}

impl Barrier {
    /// For so many parties, at most 120: the kernel lets a thread sleep on no more than 128 words.
    ///
    /// # Errors
    /// No parties, or more than 120 ([`io::ErrorKind::InvalidInput`]); no memory, or no descriptor for a new arena.
    pub fn new(parties: usize) -> io::Result<Barrier> {
        if !(1..=PARTIES_MAX).contains(&parties) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a barrier is for 1 to {PARTIES_MAX} parties, not {parties}"),
            ));
        }
        let block = Block::allocate(bytes_for(parties), tag())?;
        block.made("Barrier", false, |_| String::new());
        block.init(PARTIES_AT, SharedWord::new(parties as u32));
        block.init(HEAD_AT, BarrierHead::<Os>::new());
        for seat in 0..=parties {
            block.init(SEATS_AT + seat * NODE_BYTES, Node::<Os>::new());
        }
        Ok(Barrier {
            block: Arc::new(block),
            parties,
            action: None,
        })
    }

    /// A barrier whose last party to come runs `action` on a clone of `argument`, in its own process, before anyone
    /// goes on. A function, or a closure that captures nothing; the argument travels with the barrier.
    ///
    /// ```
    /// use forkproof::{Barrier, Value};
    ///
    /// fn count(rounds: Value<u32>) {
    ///     rounds.update(|rounds| *rounds += 1).unwrap();
    /// }
    ///
    /// let rounds = Value::new(0)?;
    /// let barrier = Barrier::with_action(1, count, rounds.clone())?;
    /// barrier.wait()?;
    /// barrier.wait()?;
    /// assert_eq!(rounds.get()?, 2);
    /// # Ok::<(), forkproof::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Barrier::new).
    pub fn with_action<F, A>(parties: usize, action: F, argument: A) -> io::Result<Barrier>
    where
        F: Fn(A) + Copy + 'static,
        A: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let mut barrier = Barrier::new(parties)?;
        barrier.action = Some(action::of(action, argument));
        Ok(barrier)
    }

    /// Waits until all parties have come. Returns how many had come before this one: a different number to each,
    /// from 0 to the number of parties less one, so one of them may be chosen to do something.
    ///
    /// # Errors
    /// [`BarrierError`], except `TimedOut`.
    ///
    /// # Panics
    /// If this party is the last, and the action panics. The barrier is then broken.
    pub fn wait(&self) -> Result<usize, BarrierError> {
        self.arrive(None)
    }

    /// As [`wait`](Barrier::wait), but breaks the barrier if not all have come, and the action has not ended, within
    /// `timeout`.
    ///
    /// # Errors
    /// [`BarrierError`].
    ///
    /// # Panics
    /// As [`wait`](Barrier::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<usize, BarrierError> {
        self.arrive(Os::deadline(timeout))
    }

    /// Breaks the barrier: who waits and who comes is refused, until it is reset.
    ///
    /// # Errors
    /// [`BarrierError::TooManyHeld`].
    pub fn abort(&self) -> Result<(), BarrierError> {
        Ok(self.raw().abort()?)
    }

    /// Makes the barrier as it was at first. Who waits is refused; who comes meanwhile waits until they have gone.
    /// Nothing if the round has passed and its parties are about to go on.
    ///
    /// # Errors
    /// [`BarrierError::TooManyHeld`].
    pub fn reset(&self) -> Result<(), BarrierError> {
        Ok(self.raw().reset()?)
    }

    /// How many must come.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many have come and wait: out of date as soon as it is known.
    pub fn n_waiting(&self) -> usize {
        self.raw().waiting()
    }

    /// Whether who comes is refused: out of date as soon as it is known.
    pub fn broken(&self) -> bool {
        self.raw().is_broken()
    }

    fn arrive(&self, until: Option<Deadline>) -> Result<usize, BarrierError> {
        let barrier = self.raw();
        let Some(action) = &self.action else {
            return match barrier.arrive(Last::Releases, until)? {
                Arrived::Passed(number) => Ok(number),
                Arrived::Acts(_) => unreachable!("there is no action"),
            };
        };
        let turn = match barrier.arrive(Last::Acts, until)? {
            Arrived::Passed(number) => return Ok(number),
            Arrived::Acts(turn) => turn,
        };
        let acting = Acting {
            barrier: &barrier,
            turn,
            actor: Os::me(),
        };
        action.run();
        std::mem::forget(acting); // it has not failed
        Ok(barrier.acted(turn)?)
    }

    fn raw(&self) -> RawBarrier<'_, Os> {
        // SAFETY: new() put it there; a handle that arrives is checked by its tag.
        let head = unsafe { self.block.object(HEAD_AT) };
        // SAFETY: as above; their number is checked on arrival.
        let seats = unsafe { self.block.objects(SEATS_AT, self.parties + 1) };
        RawBarrier::new(head, seats)
    }
}

/// The action is running: if it panics, the barrier breaks.
struct Acting<'a> {
    barrier: &'a RawBarrier<'a, Os>,
    turn: Turn,
    actor: u32,
}

impl Drop for Acting<'_> {
    fn drop(&mut self) {
        // A child that the action has forked is no party.
        if self.actor == Os::me() {
            self.barrier.failed(self.turn);
        }
    }
}

impl From<NotPassed> for BarrierError {
    fn from(not_passed: NotPassed) -> BarrierError {
        match not_passed {
            NotPassed::Broken => BarrierError::Broken,
            NotPassed::TimedOut => BarrierError::TimedOut,
            NotPassed::TooManyHeld => BarrierError::TooManyHeld,
        }
    }
}

/// Blocks of any size: how many parties there are is read from the block.
fn tag() -> u32 {
    Block::tag("Barrier", SEATS_AT)
}

impl Shared for Barrier {
    fn block(&self) -> &Block {
        &self.block
    }

    fn part(&self, offset: usize) -> String {
        const MUTEX_BYTES: usize = size_of::<RawMutex<Os>>();
        let Some(beyond) = offset.checked_sub(SEATS_AT) else {
            let (part, offset) = match offset.checked_sub(HEAD_AT) {
                None => return "'s size".to_owned(),
                Some(offset) => (offset / MUTEX_BYTES, offset % MUTEX_BYTES),
            };
            return match part {
                0 => format!("'s {}", RawMutex::<Os>::part(offset)),
                1 => format!("'s line's {}", RawMutex::<Os>::part(offset)),
                _ => "'s phase".to_owned(),
            };
        };
        match (beyond / NODE_BYTES, beyond % NODE_BYTES) {
            (seat, 0) if seat < self.parties => format!("'s seat {seat}"),
            (_, 0) => "'s seat of the first in line".to_owned(),
            (seat, _) => format!("'s links {seat}"),
        }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.block.address();
        if self.broken() {
            write!(f, "<Barrier(broken) at {at:#x}>")
        } else {
            let (waiting, parties) = (self.n_waiting(), self.parties);
            write!(f, "<Barrier({waiting}/{parties}) at {at:#x}>")
        }
    }
}

/// As it travels.
#[derive(Serialize, Deserialize)]
struct Parts {
    #[serde(serialize_with = "block::serialize", deserialize_with = "take_over")]
    block: Arc<Block>,
    #[serde(with = "action")]
    action: Option<Arc<dyn Action>>,
}

impl Serialize for Barrier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = Parts {
            block: self.block.clone(),
            action: self.action.clone(),
        };
        parts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Barrier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Barrier, D::Error> {
        let Parts { block, action } = Parts::deserialize(deserializer)?;
        let parties = parties_in(&block);
        Ok(Barrier {
            block,
            parties,
            action,
        })
    }
}

fn take_over<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Block>, D::Error> {
    let block = block::deserialize(deserializer, "Barrier", tag(), SEATS_AT)?;
    let parties = parties_in(&block);
    if (1..=PARTIES_MAX).contains(&parties) && bytes_for(parties) <= block.len() {
        Ok(block)
    } else {
        let complaint = format!("a Barrier for {parties} in {} bytes", block.len());
        Err(D::Error::custom(passage::complain(complaint)))
    }
}

fn parties_in(block: &Block) -> usize {
    // SAFETY: new() put it there; the handle was checked by its tag.
    let parties = unsafe { block.object::<SharedWord>(PARTIES_AT) };
    // Relaxed: written once, before anyone else knew of the block.
    parties.load(std::sync::atomic::Ordering::Relaxed) as usize
}
