//! `Array`: values of one type in shared memory, with a lock of their own.

mod error;

use std::cell::OnceCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, RangeBounds};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::ArrayError;

use super::bounds::{self, BoundsError};
use super::guarded::{Guarded, Held, LEN_AT, data_at};
use crate::raw::{Patience, RawMutex};
use crate::shm::{Block, Plain, Shared, block, passage};
use crate::sync::{LockError, patience};
use crate::sys::Os;

/// A fixed number of values in shared memory, with one lock for all of them.
///
/// A clone is the same array. As an argument of a process it is the same array there. Each method takes the
/// lock for as long as it runs, but those that say `unlocked`; to hold it over several, use
/// [`lock`](Array::lock).
///
/// ```
/// let squares = forkproof::Array::<i32>::new(4)?;
/// for (index, number) in [1, 2, 3, 4].into_iter().enumerate() {
///     squares.set(index, number * number)?;
/// }
/// assert_eq!(squares.to_vec()?, [1, 4, 9, 16]);
/// assert_eq!(squares.slice(1..3)?, [4, 9]);
/// assert_eq!(squares.slice_step(.., -2)?, [16, 4]);
/// squares.lock()?.sort_by(|a, b| b.cmp(a));
/// assert_eq!(squares.get(0)?, 16);
/// assert_eq!(squares.get(4).unwrap_err().to_string(), "index 4 is outside an array of length 4");
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// # When a process dies
/// If it held the lock, the next one gets [`LockError::OwnerDied`], with the guard; some of the elements that
/// were being written may be old, and others new.
///
/// # Memory ordering
/// As [`Lock`](crate::Lock); the unlocked forms order nothing.
pub struct Array<T: Plain> {
    guarded: Guarded,
    len: usize,
    of: PhantomData<fn() -> T>,
}

/// The lock is held for as long as this lives.
///
/// Single elements are read and written in place by [`get`](ArrayGuard::get) and [`set`](ArrayGuard::set). It
/// also dereferences to a slice: to a private copy of all elements, made when it is first needed, and written
/// back, if it was borrowed mutably, when the guard is dropped. A panic while the guard lives discards what
/// was changed in the copy.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct ArrayGuard<'a, T: Plain> {
    held: Held<'a>,
    len: usize,
    copy: OnceCell<Vec<T>>,
    changed: bool,
    /// A panic was on its way when the guard was made: one that is so at the end says nothing of the change.
    panicking: bool,
}

impl<T: Plain> Array<T> {
    /// `len` elements of zero bytes.
    ///
    /// # Errors
    /// No memory, or no descriptor for a new arena.
    pub fn new(len: usize) -> std::io::Result<Array<T>> {
        let array = Array::allocate(len)?;
        array
            .guarded
            .block
            .set_many(data_at::<T>(), &vec![T::zeroed(); len]);
        Ok(array)
    }

    /// A copy of the elements.
    ///
    /// # Errors
    /// No memory, or no descriptor for a new arena.
    pub fn from_slice(elements: &[T]) -> std::io::Result<Array<T>> {
        let array = Array::allocate(elements.len())?;
        array.guarded.block.set_many(data_at::<T>(), elements);
        Ok(array)
    }

    fn allocate(len: usize) -> std::io::Result<Array<T>> {
        let bytes = bytes_for::<T>(len).ok_or(std::io::ErrorKind::OutOfMemory)?;
        let guarded = Guarded::allocate(bytes, tag::<T>(), "Array", part::<T>)?;
        guarded.block.set(LEN_AT, len as u64);
        Ok(Array {
            guarded,
            len,
            of: PhantomData,
        })
    }

    /// How many elements: fixed, and known without the lock.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One element.
    ///
    /// # Errors
    /// [`BoundsError::Index`]; [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn get(&self, index: usize) -> Result<T, ArrayError<'_, T>> {
        bounds::index(index, self.len)?;
        let held = self.hold(Patience::Endless)?;
        Ok(held.block.get(place::<T>(index)))
    }

    /// Replaces one element.
    ///
    /// # Errors
    /// [`BoundsError::Index`]; [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn set(&self, index: usize, value: T) -> Result<(), ArrayError<'_, T>> {
        bounds::index(index, self.len)?;
        let held = self.hold(Patience::Endless)?;
        held.block.set(place::<T>(index), value);
        Ok(())
    }

    /// Reads, changes and writes one element under the lock, and returns what `change` returns.
    ///
    /// # Errors
    /// [`BoundsError::Index`]; [`LockError`], except `WouldBlock` and `TimedOut`. `change` has then not been
    /// called.
    ///
    /// # Panics
    /// If `change` does; the element is then as it was.
    pub fn update<R>(
        &self,
        index: usize,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, ArrayError<'_, T>> {
        bounds::index(index, self.len)?;
        let held = self.hold(Patience::Endless)?;
        let mut element = held.block.get(place::<T>(index));
        let result = change(&mut element);
        if held.is_mine() {
            held.block.set(place::<T>(index), element);
        }
        Ok(result)
    }

    /// All elements.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn to_vec(&self) -> Result<Vec<T>, ArrayError<'_, T>> {
        self.slice(..)
    }

    /// The elements of a range.
    ///
    /// # Errors
    /// [`BoundsError::Range`]; [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Result<Vec<T>, ArrayError<'_, T>> {
        let range = bounds::range(range, self.len)?;
        let guard = self.lock()?;
        Ok(guard
            .held
            .block
            .get_many(place::<T>(range.start), range.len()))
    }

    /// Every `step`-th element of a range: from its first one on, or for a negative step from its last one
    /// back. `slice_step(.., -1)` is Python's `[::-1]`.
    ///
    /// # Errors
    /// [`BoundsError::Range`], [`BoundsError::ZeroStep`]; [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn slice_step(
        &self,
        range: impl RangeBounds<usize>,
        step: isize,
    ) -> Result<Vec<T>, ArrayError<'_, T>> {
        let indices = bounds::stepped(range, step, self.len)?;
        let guard = self.lock()?;
        Ok(indices
            .into_iter()
            .map(|index| guard.held.block.get(place::<T>(index)))
            .collect())
    }

    /// Replaces the elements of a range by as many others.
    ///
    /// # Errors
    /// [`BoundsError::Range`], [`BoundsError::Length`]; [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn set_slice(
        &self,
        range: impl RangeBounds<usize>,
        values: &[T],
    ) -> Result<(), ArrayError<'_, T>> {
        let range = bounds::range(range, self.len)?;
        fits(range.len(), values)?;
        self.lock()?
            .held
            .block
            .set_many(place::<T>(range.start), values);
        Ok(())
    }

    /// Replaces the elements that [`slice_step`](Array::slice_step) would return by as many others.
    ///
    /// # Errors
    /// Those of `slice_step`, and [`BoundsError::Length`].
    pub fn set_slice_step(
        &self,
        range: impl RangeBounds<usize>,
        step: isize,
        values: &[T],
    ) -> Result<(), ArrayError<'_, T>> {
        let indices = bounds::stepped(range, step, self.len)?;
        fits(indices.len(), values)?;
        let guard = self.lock()?;
        for (index, &value) in indices.into_iter().zip(values) {
            guard.held.block.set(place::<T>(index), value);
        }
        Ok(())
    }

    /// Takes the lock, waiting for it as long as it takes.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock` and `TimedOut`.
    pub fn lock(&self) -> Result<ArrayGuard<'_, T>, LockError<ArrayGuard<'_, T>>> {
        self.guard(Patience::Endless)
    }

    /// Takes the lock if no one holds it.
    ///
    /// # Errors
    /// [`LockError`], except `TimedOut`.
    pub fn try_lock(&self) -> Result<ArrayGuard<'_, T>, LockError<ArrayGuard<'_, T>>> {
        self.guard(Patience::None)
    }

    /// Takes the lock, waiting for it no longer than `timeout`.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock`.
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<ArrayGuard<'_, T>, LockError<ArrayGuard<'_, T>>> {
        self.guard(patience(timeout))
    }

    /// Reads one element without the lock; see [`Value::get_unlocked`](crate::Value::get_unlocked).
    ///
    /// # Errors
    /// [`BoundsError::Index`].
    pub fn get_unlocked(&self, index: usize) -> Result<T, BoundsError> {
        Ok(self
            .guarded
            .block
            .get(place::<T>(bounds::index(index, self.len)?)))
    }

    /// Writes one element without the lock; see [`Value::set_unlocked`](crate::Value::set_unlocked).
    ///
    /// # Errors
    /// [`BoundsError::Index`].
    pub fn set_unlocked(&self, index: usize, value: T) -> Result<(), BoundsError> {
        self.guarded
            .block
            .set(place::<T>(bounds::index(index, self.len)?), value);
        Ok(())
    }

    /// Reads all elements without the lock: some may be older than others.
    pub fn to_vec_unlocked(&self) -> Vec<T> {
        self.guarded.block.get_many(data_at::<T>(), self.len)
    }

    fn guard(&self, patience: Patience) -> Result<ArrayGuard<'_, T>, LockError<ArrayGuard<'_, T>>> {
        let held = self.hold(patience)?;
        Ok(ArrayGuard::of(held, self.len))
    }

    #[inline]
    fn hold(&self, patience: Patience) -> Result<Held<'_>, LockError<ArrayGuard<'_, T>>> {
        let (held, len) = (self.guarded.lock(patience), self.len);
        held.map_err(|error| error.map(|held| ArrayGuard::of(held, len)))
    }
}

fn tag<T: Plain>() -> u32 {
    Block::tag(std::any::type_name::<Array<T>>(), size_of::<T>())
}

fn bytes_for<T: Plain>(len: usize) -> Option<usize> {
    len.checked_mul(size_of::<T>())?.checked_add(data_at::<T>())
}

fn place<T: Plain>(index: usize) -> usize {
    data_at::<T>() + index * size_of::<T>()
}

fn fits<T>(expected: usize, values: &[T]) -> Result<(), BoundsError> {
    let given = values.len();
    if expected == given {
        Ok(())
    } else {
        Err(BoundsError::Length { expected, given })
    }
}

impl<'a, T: Plain> ArrayGuard<'a, T> {
    fn of(held: Held<'a>, len: usize) -> Self {
        ArrayGuard {
            held,
            len,
            copy: OnceCell::new(),
            changed: false,
            panicking: std::thread::panicking(),
        }
    }

    /// One element.
    ///
    /// # Errors
    /// [`BoundsError::Index`].
    pub fn get(&self, index: usize) -> Result<T, BoundsError> {
        bounds::index(index, self.len)?;
        match self.copy.get() {
            Some(copy) => Ok(copy[index]),
            None => Ok(self.held.block.get(place::<T>(index))),
        }
    }

    /// Replaces one element.
    ///
    /// # Errors
    /// [`BoundsError::Index`].
    pub fn set(&mut self, index: usize, value: T) -> Result<(), BoundsError> {
        bounds::index(index, self.len)?;
        match self.copy.get_mut() {
            Some(copy) => {
                copy[index] = value;
                self.changed = true;
            }
            None => self.held.block.set(place::<T>(index), value),
        }
        Ok(())
    }

    /// The elements are whole again: after an owner's death the lock is then as good as new. Nothing
    /// otherwise.
    ///
    /// # Panics
    /// In a child that inherited the guard by fork(2): it does not hold the lock.
    pub fn mark_consistent(&self) {
        self.held.mark_consistent();
    }
}

impl<T: Plain> Deref for ArrayGuard<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.copy
            .get_or_init(|| self.held.block.get_many(data_at::<T>(), self.len))
    }
}

impl<T: Plain> DerefMut for ArrayGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let _: &[T] = self; // reads the copy
        self.changed = true;
        self.copy.get_mut().expect("read in the line above")
    }
}

impl<T: Plain> Drop for ArrayGuard<'_, T> {
    fn drop(&mut self) {
        let is_cut_short = self.panicking != std::thread::panicking();
        let commits = self.changed && !is_cut_short && self.held.is_mine();
        if let (true, Some(copy)) = (commits, self.copy.get()) {
            self.held.block.set_many(data_at::<T>(), copy);
        }
    }
}

impl<T: Plain> Shared for Array<T> {
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
        LEN_AT..48 => "'s length".to_owned(),
        at => format!("[{}]", (at - data_at::<T>()) / size_of::<T>().max(1)),
    }
}

impl<T: Plain> Clone for Array<T> {
    fn clone(&self) -> Self {
        Array {
            guarded: self.guarded.clone(),
            len: self.len,
            of: PhantomData,
        }
    }
}

/// `<Array wrapper for <forkproof::data::i32_Array_4 object at 0x7f6f05eb1cb0>>`, as Python shows one: its
/// type, its length and where it is, but not what is in it.
impl<T: Plain> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, len) = (std::any::type_name::<T>(), self.len);
        let address = self.guarded.block.address() + data_at::<T>();
        write!(
            f,
            "<Array wrapper for <forkproof::data::{name}_Array_{len} object at {address:#x}>>"
        )
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ArrayGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArrayGuard").field(&&**self).finish()
    }
}

impl<T: Plain> Serialize for Array<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(&self.guarded.block, serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for Array<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Array<T>, D::Error> {
        let name = std::any::type_name::<Array<T>>();
        let block = block::deserialize(deserializer, name, tag::<T>(), data_at::<T>())?;
        let len = usize::try_from(block.get::<u64>(LEN_AT)).unwrap_or(usize::MAX);
        if bytes_for::<T>(len).is_none_or(|bytes| bytes > block.len()) {
            let complaint = format!(
                "an array says it has {len} elements, in {} bytes",
                block.len()
            );
            return Err(D::Error::custom(passage::complain(complaint)));
        }
        Ok(Array {
            guarded: Guarded { block },
            len,
            of: PhantomData,
        })
    }
}
