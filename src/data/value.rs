//! `Value`: one value in shared memory, with a lock of its own.

use std::cell::OnceCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::guarded::{Guarded, Held, LEN_AT, data_at};
use crate::raw::{Patience, RawMutex};
use crate::shm::{Block, Plain, Shared, block};
use crate::sync::{LockError, patience};
use crate::sys::Os;

/// A value in shared memory, with a lock of its own.
///
/// A clone is the same value. As an argument of a process it is the same value there.
///
/// | form | holds the lock |
/// |---|---|
/// | [`get`](Value::get), [`set`](Value::set) | for one read, for one write |
/// | [`update`](Value::update) | from the read to the write |
/// | [`lock`](Value::lock) | as long as the guard lives |
/// | [`get_unlocked`](Value::get_unlocked), [`set_unlocked`](Value::set_unlocked) | never |
///
/// So this loses updates, as another process may write between the two calls:
/// ```
/// # let balance = forkproof::Value::new(200)?;
/// balance.set(balance.get()? + 1)?;
/// # Ok::<(), forkproof::Error>(())
/// ```
/// and this does not:
/// ```
/// # let balance = forkproof::Value::new(200)?;
/// balance.update(|balance| *balance += 1)?;
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// # When a process dies
/// If it held the lock, the next one gets [`LockError::OwnerDied`], with the guard. A change is made on a
/// private copy and written at the end, so the value is then as it was before or as it should be; only one
/// of more than 8 bytes can have been written in part.
///
/// # Memory ordering
/// As [`Lock`](crate::Lock); the unlocked forms order nothing.
pub struct Value<T: Plain> {
    guarded: Guarded,
    of: PhantomData<fn() -> T>,
}

/// The lock is held for as long as this lives. Dereferences to the value: to a private copy, read when it is
/// first needed, and written back, if it was borrowed mutably, when the guard is dropped. A panic while the
/// guard lives discards the change.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct ValueGuard<'a, T: Plain> {
    held: Held<'a>,
    copy: OnceCell<T>,
    changed: bool,
    /// A panic was on its way when the guard was made: one that is so at the end says nothing of the change.
    panicking: bool,
}

impl<T: Plain> Value<T> {
    /// # Errors
    /// No memory, or no descriptor for a new arena.
    pub fn new(initial: T) -> std::io::Result<Value<T>> {
        let bytes = data_at::<T>() + size_of::<T>();
        let guarded = Guarded::allocate(bytes, tag::<T>(), "Value", part::<T>)?;
        guarded.block.set(data_at::<T>(), initial);
        Ok(Value {
            guarded,
            of: PhantomData,
        })
    }

    /// Reads the value, under the lock.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn get(&self) -> Result<T, LockError<ValueGuard<'_, T>>> {
        let held = self.hold(Patience::Endless)?;
        Ok(held.block.get(data_at::<T>()))
    }

    /// Writes the value, under the lock.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn set(&self, value: T) -> Result<(), LockError<ValueGuard<'_, T>>> {
        let held = self.hold(Patience::Endless)?;
        held.block.set(data_at::<T>(), value);
        Ok(())
    }

    /// Reads, changes and writes the value under the lock, and returns what `change` returns.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock` and `TimedOut`; `change` has then not been called.
    ///
    /// # Panics
    /// If `change` does; the value is then as it was.
    pub fn update<R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, LockError<ValueGuard<'_, T>>> {
        // As through a guard, of which only the copy is needed.
        let held = self.hold(Patience::Endless)?;
        let mut value = held.block.get(data_at::<T>());
        let result = change(&mut value);
        if held.is_mine() {
            held.block.set(data_at::<T>(), value);
        }
        Ok(result)
    }

    /// Takes the lock, waiting for it as long as it takes.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn lock(&self) -> Result<ValueGuard<'_, T>, LockError<ValueGuard<'_, T>>> {
        self.guard(Patience::Endless)
    }

    /// Takes the lock if no one holds it.
    ///
    /// # Errors
    /// [`LockError`], except `TimedOut`.
    pub fn try_lock(&self) -> Result<ValueGuard<'_, T>, LockError<ValueGuard<'_, T>>> {
        self.guard(Patience::None)
    }

    /// Takes the lock, waiting for it no longer than `timeout`.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock`.
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<ValueGuard<'_, T>, LockError<ValueGuard<'_, T>>> {
        self.guard(patience(timeout))
    }

    /// Reads the value without the lock. One of up to 8 bytes (and each aligned field of up to 8 bytes) is
    /// read whole; a larger one may be half old, half new.
    ///
    /// # Panics
    /// If what was read is no valid `T`: an enum with fields, half old, half new.
    pub fn get_unlocked(&self) -> T {
        self.guarded.block.get(data_at::<T>())
    }

    /// Writes the value without the lock: others may write at the same time, or be changing it under the
    /// lock, and then one of the two is lost.
    pub fn set_unlocked(&self, value: T) {
        self.guarded.block.set(data_at::<T>(), value);
    }

    fn guard(&self, patience: Patience) -> Result<ValueGuard<'_, T>, LockError<ValueGuard<'_, T>>> {
        let held = self.hold(patience)?;
        Ok(ValueGuard::of(held))
    }

    #[inline]
    fn hold(&self, patience: Patience) -> Result<Held<'_>, LockError<ValueGuard<'_, T>>> {
        let held = self.guarded.lock(patience);
        held.map_err(|error| error.map(ValueGuard::of))
    }
}

fn tag<T: Plain>() -> u32 {
    Block::tag(std::any::type_name::<Value<T>>(), size_of::<T>())
}

impl<'a, T: Plain> ValueGuard<'a, T> {
    fn of(held: Held<'a>) -> Self {
        ValueGuard {
            held,
            copy: OnceCell::new(),
            changed: false,
            panicking: std::thread::panicking(),
        }
    }

    /// Replaces the value, without reading it.
    pub fn set(&mut self, value: T) {
        self.copy = OnceCell::from(value);
        self.changed = true;
    }

    /// The value is whole again: after an owner's death the lock is then as good as new. Nothing otherwise.
    ///
    /// # Panics
    /// In a child that inherited the guard by fork(2): it does not hold the lock.
    pub fn mark_consistent(&self) {
        self.held.mark_consistent();
    }
}

impl<T: Plain> Deref for ValueGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.copy
            .get_or_init(|| self.held.block.get(data_at::<T>()))
    }
}

impl<T: Plain> DerefMut for ValueGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        let _: &T = self; // reads the copy
        self.changed = true;
        self.copy.get_mut().expect("read in the line above")
    }
}

impl<T: Plain> Drop for ValueGuard<'_, T> {
    fn drop(&mut self) {
        let is_cut_short = self.panicking != std::thread::panicking();
        let commits = self.changed && !is_cut_short && self.held.is_mine();
        if let (true, Some(&value)) = (commits, self.copy.get()) {
            self.held.block.set(data_at::<T>(), value);
        }
    }
}

impl<T: Plain> Shared for Value<T> {
    fn block(&self) -> &Block {
        &self.guarded.block
    }

    fn part(&self, offset: usize) -> String {
        part::<T>(offset)
    }
}

fn part<T: Plain>(offset: usize) -> String {
    match offset {
        0..LEN_AT => format!("'s {}", RawMutex::<Os>::part(offset)),
        at if at < data_at::<T>() + 8 => String::new(),
        at => format!(" at byte {}", at - data_at::<T>()),
    }
}

impl<T: Plain> Clone for Value<T> {
    fn clone(&self) -> Self {
        Value {
            guarded: self.guarded.clone(),
            of: PhantomData,
        }
    }
}

/// `<Value wrapper for i32(200)>`, read without the lock.
impl<T: Plain + fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = std::any::type_name::<T>();
        write!(f, "<Value wrapper for {name}({:?})>", self.get_unlocked())
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ValueGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValueGuard").field(&**self).finish()
    }
}

impl<T: Plain> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(&self.guarded.block, serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value<T>, D::Error> {
        let (name, bytes) = (
            std::any::type_name::<Value<T>>(),
            data_at::<T>() + size_of::<T>(),
        );
        let block = block::deserialize(deserializer, name, tag::<T>(), bytes)?;
        Ok(Value {
            guarded: Guarded { block },
            of: PhantomData,
        })
    }
}
