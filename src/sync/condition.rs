//! `Condition`: waiting, with a lock in hand, for what another will say.

mod error;
mod guard;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{ConditionError, ConditionFailure};
pub use guard::ConditionGuard;

use super::error::LockError;
use super::lock::{Lock, patience};
use super::rlock::RLock;
use crate::raw::condvar::WAITERS_MAX;
use crate::raw::{Acquired, CondvarHead, NoWait, NotHeld, Patience, RawCondvar, Waited};
use crate::shm::{Block, InShared, Shared, block, passage};
use crate::sys::{Os, SharedWord};
use crate::world::{Deadline, Node, Word};

// SAFETY: `repr(C)`: atomics.
unsafe impl InShared for CondvarHead<Os> {}

/// Waiters at a time, unless more are asked for.
const WAITERS_DEFAULT: usize = 48;

// What lies where: how many waiters there is room for, the head, a seat for each and one for the owner, and a bell
// for each.
const WAITERS_AT: usize = 0;
const HEAD_AT: usize = 8;
const PASSING_AT: usize = HEAD_AT + 4;
const SEATS_AT: usize = 24;
const NODE_BYTES: usize = size_of::<Node<Os>>();
const _: () = assert!(HEAD_AT + size_of::<CondvarHead<Os>>() <= SEATS_AT);
const _: () = assert!(bytes_for(WAITERS_DEFAULT) <= 4_096);

const fn bytes_for(waiters: usize) -> usize {
    SEATS_AT + (2 * waiters + 1) * NODE_BYTES
}

/// A lock, and a place to wait until another holder of it says that something has changed.
///
/// A clone is the same condition, with the same lock. As an argument of a process it is the same there.
///
/// ```
/// use forkproof::{Condition, Process, Value};
///
/// fn produce(goods: Value<u32>, arrived: Condition) -> forkproof::Result<()> {
///     let held = arrived.lock()?;
///     goods.set_unlocked(goods.get_unlocked() + 1);
///     held.notify_one();
///     Ok(())
/// }
///
/// # fn main() -> forkproof::Result<()> {
/// let (goods, arrived) = (Value::new(0)?, Condition::new()?);
/// let producer = Process::new(produce, (goods.clone(), arrived.clone()));
/// let mut held = arrived.lock()?;
/// producer.start()?;
/// held = held.wait_for(|| goods.get_unlocked() > 0)?;
/// goods.set_unlocked(goods.get_unlocked() - 1);
/// drop(held);
/// assert_eq!(producer.join()?, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Waiting
/// A wait gives the lock back, however often it is held, sleeps, and takes it again as often. Nothing that is said
/// under the lock after a wait has begun is missed. A wait returns when it is notified, and not before, but for its
/// deadline or the death of the lock's owner. A notification goes to who has waited longest; it has no effect on
/// waits that begin after it.
///
/// # When a process dies
/// - A waiter that is killed before it has returned passes the notification that it was given on to another who
///   waited when it was given: none is swallowed, and none is given twice.
/// - A holder that is killed may have notified some, or all, or none. The next holder is told, by
///   [`LockError::OwnerDied`]; or one of those who wait, at once, by [`ConditionError::OwnerDied`]. Whoever is told
///   should look at what was waited for, mend it, and notify in its place. (At once, if the dead one had taken the
///   lock by this condition. Had it taken it by another handle, a waiter is not told before someone takes it.)
/// - A lock that is given up by its next holder ([`LockError::NotRecoverable`]) wakes all who wait, and they are refused.
/// - Of the death of one that does not hold the lock and would have notified later, a waiter is not told: for that,
///   wait with a time-out, or for the process.
///
/// # Memory ordering
/// That of the [`Lock`].
#[derive(Clone)]
pub struct Condition {
    block: Arc<Block>,
    waiters: usize,
    with: With,
}

/// The lock that it goes with.
#[derive(Clone, Serialize, Deserialize)]
enum With {
    Lock(Lock),
    RLock(RLock),
}

impl Condition {
    /// With an [`RLock`] of its own, as CPython's, and room for 48 who wait at a time.
    ///
    /// # Errors
    /// No memory, or no descriptor for a new arena.
    pub fn new() -> io::Result<Condition> {
        Condition::with_rlock(RLock::new()?)
    }

    /// With this lock, which others may use on its own.
    ///
    /// # Errors
    /// As [`new`](Condition::new).
    pub fn with_lock(lock: Lock) -> io::Result<Condition> {
        Condition::allocate(With::Lock(lock), WAITERS_DEFAULT)
    }

    /// With this lock, which others may use on its own.
    ///
    /// # Errors
    /// As [`new`](Condition::new).
    pub fn with_rlock(rlock: RLock) -> io::Result<Condition> {
        Condition::allocate(With::RLock(rlock), WAITERS_DEFAULT)
    }

    /// The same lock, a condition of its own, and room for so many who wait at a time: at most 120, as the kernel
    /// lets a thread sleep on no more than 128 words.
    ///
    /// # Errors
    /// No room at all, or for more than 120 ([`io::ErrorKind::InvalidInput`]); else as [`new`](Condition::new).
    pub fn with_waiters(&self, waiters: usize) -> io::Result<Condition> {
        if !(1..=WAITERS_MAX).contains(&waiters) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a condition has room for 1 to {WAITERS_MAX} waiters, not {waiters}"),
            ));
        }
        Condition::allocate(self.with.clone(), waiters)
    }

    fn allocate(with: With, waiters: usize) -> io::Result<Condition> {
        let block = Block::allocate(bytes_for(waiters), tag())?;
        block.made("Condition", false, |_| String::new());
        block.init(WAITERS_AT, SharedWord::new(waiters as u32));
        block.init(HEAD_AT, CondvarHead::<Os>::new());
        for node in 0..=2 * waiters {
            block.init(SEATS_AT + node * NODE_BYTES, Node::<Os>::new());
        }
        Ok(Condition {
            block: Arc::new(block),
            waiters,
            with,
        })
    }

    /// Takes the lock, waiting for it as long as it takes.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock` and `TimedOut`; `AlreadyHeld` only with a [`Lock`].
    pub fn lock(&self) -> Result<ConditionGuard<'_>, LockError<ConditionGuard<'_>>> {
        self.acquire(Patience::Endless)
    }

    /// Takes the lock if no one else holds it.
    ///
    /// # Errors
    /// [`LockError`], except `TimedOut`; `AlreadyHeld` only with a [`Lock`].
    pub fn try_lock(&self) -> Result<ConditionGuard<'_>, LockError<ConditionGuard<'_>>> {
        self.acquire(Patience::None)
    }

    /// Takes the lock, waiting for it no longer than `timeout`. A time of zero still takes a free lock.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock`; `AlreadyHeld` only with a [`Lock`].
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<ConditionGuard<'_>, LockError<ConditionGuard<'_>>> {
        self.acquire(patience(timeout))
    }

    /// How many wait and have not been notified: out of date as soon as it is known, but to who holds the lock.
    pub fn waiters(&self) -> usize {
        self.raw().waiters()
    }

    fn acquire(
        &self,
        patience: Patience,
    ) -> Result<ConditionGuard<'_>, LockError<ConditionGuard<'_>>> {
        let acquired = match &self.with {
            With::Lock(lock) => lock.mutex().lock(patience)?,
            With::RLock(rlock) => rlock.mutex().lock(patience)?,
        };
        let guard = ConditionGuard::new(self, self.raw().hold());
        match acquired {
            Acquired::Clean => Ok(guard),
            Acquired::OwnerDied => Err(LockError::OwnerDied(guard)),
        }
    }

    fn wait(&self, until: Option<Deadline>) -> Result<Waited, NoWait> {
        match &self.with {
            With::Lock(lock) => self.raw().wait(lock.mutex(), until),
            With::RLock(rlock) => self.raw().wait(rlock.mutex(), until),
        }
    }

    fn notify(&self, count: usize) -> Result<usize, NotHeld> {
        match &self.with {
            With::Lock(lock) => self.raw().notify(lock.mutex(), count),
            With::RLock(rlock) => self.raw().notify(rlock.mutex(), count),
        }
    }

    fn mark_consistent(&self) -> Result<(), NotHeld> {
        match &self.with {
            With::Lock(lock) => lock.mutex().mark_consistent(),
            With::RLock(rlock) => rlock.mutex().mark_consistent(),
        }
    }

    fn let_go(&self) {
        self.raw().let_go();
    }

    fn unlock(&self) -> Result<(), NotHeld> {
        match &self.with {
            With::Lock(lock) => lock.mutex().unlock(),
            With::RLock(rlock) => rlock.mutex().unlock(),
        }
    }

    fn raw(&self) -> RawCondvar<'_, Os> {
        let seats = self.waiters + 1;
        let bells_at = SEATS_AT + seats * NODE_BYTES;
        // SAFETY: allocate() put it there; a handle that arrives is checked by its tag.
        let head = unsafe { self.block.object(HEAD_AT) };
        // SAFETY: as above; their number is checked on arrival.
        let seats = unsafe { self.block.objects(SEATS_AT, seats) };
        // SAFETY: as above.
        let bells = unsafe { self.block.objects(bells_at, self.waiters) };
        RawCondvar::new(head, seats, bells)
    }
}

/// Blocks of any size: how many waiters there is room for is read from the block.
fn tag() -> u32 {
    Block::tag("Condition", SEATS_AT)
}

impl Shared for Condition {
    fn block(&self) -> &Block {
        &self.block
    }

    fn part(&self, offset: usize) -> String {
        let Some(beyond) = offset.checked_sub(SEATS_AT) else {
            return match offset {
                HEAD_AT => "'s tickets".to_owned(),
                WAITERS_AT => "'s size".to_owned(),
                PASSING_AT => "'s passing".to_owned(),
                _ => "'s seats in use".to_owned(),
            };
        };
        let (node, offset) = (beyond / NODE_BYTES, beyond % NODE_BYTES);
        match (node.checked_sub(self.waiters + 1), offset) {
            (Some(bell), 0) => format!("'s bell {bell}"),
            (None, 0) if node == self.waiters => "'s owner's seat".to_owned(),
            (None, 0) => format!("'s seat {node}"),
            (None, 4) => format!("'s ticket {node}"),
            (None, 8) => format!("'s horizon {node}"),
            _ => format!("'s links {node}"),
        }
    }

    fn is_inside(&self, _offset: usize) -> bool {
        true
    }

    fn lock_beside(&self) -> Option<Box<dyn Shared>> {
        Some(match &self.with {
            With::Lock(lock) => Box::new(lock.clone()),
            With::RLock(rlock) => Box::new(rlock.clone()),
        })
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lock: &dyn fmt::Debug = match &self.with {
            With::Lock(lock) => lock,
            With::RLock(rlock) => rlock,
        };
        write!(f, "<Condition({lock:?}, {})>", self.waiters())
    }
}

/// As it travels.
#[derive(Serialize, Deserialize)]
struct Parts {
    #[serde(serialize_with = "block::serialize", deserialize_with = "arrive")]
    block: Arc<Block>,
    with: With,
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = Parts {
            block: self.block.clone(),
            with: self.with.clone(),
        };
        parts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Condition, D::Error> {
        let Parts { block, with } = Parts::deserialize(deserializer)?;
        let waiters = waiters_in(&block);
        Ok(Condition {
            block,
            waiters,
            with,
        })
    }
}

fn arrive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Block>, D::Error> {
    let block = block::deserialize(deserializer, "Condition", tag(), SEATS_AT)?;
    let waiters = waiters_in(&block);
    if (1..=WAITERS_MAX).contains(&waiters) && bytes_for(waiters) <= block.len() {
        Ok(block)
    } else {
        let complaint = format!("a Condition for {waiters} in {} bytes", block.len());
        Err(D::Error::custom(passage::complain(complaint)))
    }
}

fn waiters_in(block: &Block) -> usize {
    // SAFETY: allocate() put it there; the handle was checked by its tag.
    let waiters = unsafe { block.object::<SharedWord>(WAITERS_AT) };
    // Relaxed: written once, before anyone else knew of the block.
    waiters.load(std::sync::atomic::Ordering::Relaxed) as usize
}
