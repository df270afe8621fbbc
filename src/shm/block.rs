//! A block: one object's place in shared memory, and this process's hold on it.

use std::fmt;
use std::io;
use std::mem::{align_of, size_of};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::arena::{self, Arena, SLOT_ALIGN};
use super::passage::{self, Held};
use crate::sys::oversight::{self, Made};
use crate::sys::{Os, SharedWide, SharedWord};
use crate::sys::{fork, robust};
use crate::sys::{memory, step};
use crate::world::{Node, Word};

/// What may be referred to in shared memory by several processes at once.
///
/// # Safety
/// The type is `repr(C)` or `repr(transparent)`, holds no address that another process would follow, needs
/// no destructor, and all that changes in it changes through atomics.
pub unsafe trait InShared: Send + Sync + 'static {}

// SAFETY: an atomic.
unsafe impl InShared for SharedWord {}
// SAFETY: an atomic.
unsafe impl InShared for SharedWide {}
// SAFETY: atomics, reserved numbers, and links that only the owner follows.
unsafe impl InShared for Node<Os> {}

/// An object's place in shared memory. As a serde value it is a handle, which travels to another process
/// within a [passage].
///
/// Dropping it lets the object go for this process. What was alive when the process was
/// [forked](crate::sys::fork) is held by two from then on, of which only one could say so: it is never let
/// go, and its slot not used again.
pub struct Block {
    arena: Arc<Arena>,
    slot: u32,
    forks: u32,
    /// Where the slot lies in this process, and its size in bytes: looked up once, and not at each use.
    start: Start,
    len: usize,
}

/// An address within a mapping that lasts.
struct Start(*mut u8);

// SAFETY: the memory is shared with other processes as it is; whoever follows the address argues for himself.
unsafe impl Send for Start {}
// SAFETY: as above.
unsafe impl Sync for Start {}

impl Block {
    /// A slot of the arena, which this process holds.
    fn of(arena: Arc<Arena>, slot: u32, forks: u32) -> Block {
        let (offset, len) = (arena.slot_start(slot), arena.slot_bytes());
        // SAFETY: a slot lies within its arena's mapping, which the block keeps.
        let start = Start(unsafe { arena.mapping().start().add(offset) });
        Block {
            arena,
            slot,
            forks,
            start,
            len,
        }
    }

    /// A new block of at least `bytes`, of any content, under the tag of what it will hold.
    ///
    /// # Errors
    /// No memory, or no descriptor for a new arena.
    pub fn allocate(bytes: usize, tag: u32) -> io::Result<Block> {
        let forks = fork::forks();
        let (arena, slot) = arena::allocate(bytes, tag)?;
        Ok(Block::of(arena, slot, forks))
    }

    /// Under control: what a trace calls what was put here, and its parts by their offsets; and whether its calls take
    /// a lock of its own, and give it back.
    pub fn made(&self, kind: &'static str, is_whole: bool, part: fn(usize) -> String) {
        oversight::made(&Made {
            kind,
            address: self.address(),
            bytes: self.len(),
            is_whole,
            part,
        });
    }

    /// Its size in bytes: what was asked for, or more.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address in this process.
    pub fn address(&self) -> usize {
        self.start.0 as usize
    }

    /// Puts an object in its place, before any other process knows of the block.
    ///
    /// # Panics
    /// If the place is misaligned or reaches beyond the block.
    pub fn init<T: InShared>(&self, offset: usize, object: T) {
        let at = self.place::<T>(offset);
        // SAFETY: in bounds and aligned (place()); no one else refers to it yet, or they do so through
        // atomics (InShared), and there is no destructor to miss.
        unsafe { at.write(object) };
    }

    /// The object at an offset.
    ///
    /// # Safety
    /// A `T` was put there by [`init`](Block::init), in this process or in the one that sent the handle.
    ///
    /// # Panics
    /// If the place is misaligned or reaches beyond the block.
    #[inline]
    pub unsafe fn object<T: InShared>(&self, offset: usize) -> &T {
        // SAFETY: in bounds, aligned, mapped for as long as `self`; a T by the caller's word; shared
        // through atomics only (InShared).
        unsafe { &*self.place::<T>(offset) }
    }

    /// So many objects next to each other, from an offset on.
    ///
    /// # Safety
    /// `count` objects `T` were put there by [`init`](Block::init), in this process or in the one that sent the
    /// handle.
    ///
    /// # Panics
    /// If the place is misaligned or reaches beyond the block.
    pub unsafe fn objects<T: InShared>(&self, offset: usize, count: usize) -> &[T] {
        let bytes = count.checked_mul(size_of::<T>());
        self.check(offset, bytes.expect("a block's size in bytes fits a usize"));
        // SAFETY: in bounds (checked above), aligned (place()), mapped for as long as `self`; Ts by the caller's
        // word; shared through atomics only (InShared).
        unsafe { std::slice::from_raw_parts(self.place::<T>(offset), count) }
    }

    /// Copies out of the block, in [pieces](memory::read_pieces).
    ///
    /// # Panics
    /// If the range reaches beyond the block.
    #[inline]
    pub fn read(&self, offset: usize, into: &mut [u8]) {
        self.check(offset, into.len());
        // SAFETY: within the slot (checked above), mapped for as long as `self`; what is not accessed by atomics there is
        // by who has it to himself.
        unsafe { memory::read_pieces(self.at(offset), into) };
    }

    /// Copies into the block, in [pieces](memory::write_pieces).
    ///
    /// # Panics
    /// If the range reaches beyond the block.
    #[inline]
    pub fn write(&self, offset: usize, from: &[u8]) {
        self.check(offset, from.len());
        // SAFETY: as in read().
        unsafe { memory::write_pieces(self.at(offset), from) };
    }

    /// [`read`](Block::read) for many bytes: no piece of it is atomic. Under control each word is a step.
    ///
    /// # Safety
    /// Nobody writes to the range meanwhile.
    ///
    /// # Panics
    /// If the range reaches beyond the block.
    pub unsafe fn copy_out(&self, offset: usize, into: &mut [u8]) {
        if step::is_observed() {
            return self.read(offset, into);
        }
        self.check(offset, into.len());
        // SAFETY: within the slot (checked above), mapped for as long as `self`; nobody writes there, by the caller's
        // word; and no `&mut [u8]` lies in memory that others have.
        unsafe { into.copy_from_slice(std::slice::from_raw_parts(self.at(offset), into.len())) };
    }

    /// [`write`](Block::write), likewise.
    ///
    /// # Safety
    /// Nobody else reads or writes the range meanwhile.
    ///
    /// # Panics
    /// If the range reaches beyond the block.
    pub unsafe fn copy_in(&self, offset: usize, from: &[u8]) {
        if step::is_observed() {
            return self.write(offset, from);
        }
        // SAFETY: by the caller's word.
        unsafe { self.bytes_mut(offset, from.len()) }.copy_from_slice(from);
    }

    /// So many bytes, in their place.
    ///
    /// # Safety
    /// Nobody else reads or writes them for as long as the slice is there.
    ///
    /// # Panics
    /// If the range reaches beyond the block.
    #[allow(clippy::mut_from_ref)] // of memory that is not the block's alone
    pub unsafe fn bytes_mut(&self, offset: usize, len: usize) -> &mut [u8] {
        self.check(offset, len);
        // SAFETY: within the slot (checked above), mapped for as long as `self`, initialised (zeroes at first), and the
        // caller's alone, by his word.
        unsafe { std::slice::from_raw_parts_mut(self.at(offset), len) }
    }

    /// The tag under which a type is known: one of another type, size or build is refused on arrival.
    pub fn tag(name: &str, bytes: usize) -> u32 {
        // FNV-1a, 32 bits: a guard against mix-ups, not against malice.
        let name = name.bytes().chain(bytes.to_le_bytes());
        name.fold(0x811c_9dc5, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    }

    pub(super) fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    #[inline]
    fn place<T>(&self, offset: usize) -> *mut T {
        self.check(offset, size_of::<T>());
        assert!(
            align_of::<T>() <= SLOT_ALIGN && offset.is_multiple_of(align_of::<T>()),
            "misaligned: {offset}"
        );
        self.at(offset).cast()
    }

    /// Of an offset that was checked.
    #[inline]
    fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: within the slot.
        unsafe { self.start.0.add(offset) }
    }

    #[inline]
    fn check(&self, offset: usize, bytes: usize) {
        let end = offset.checked_add(bytes);
        if end.is_none_or(|end| end > self.len) {
            beyond(offset, bytes, self.len);
        }
    }
}

/// Apart, so that the way past it stays short.
#[cold]
fn beyond(offset: usize, bytes: usize, len: usize) -> ! {
    panic!("{bytes} bytes at {offset} of a block of {len}")
}

/// As a handle on its way.
impl Held for Block {
    fn lend(&self) {
        // Relaxed: this process holds the block, so the count is not 0 and cannot become it meanwhile.
        self.arena.holders(self.slot).hold(Relaxed);
    }

    fn take_back(&self) {
        self.arena.release(self.slot);
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let start = self.address();
        // A forgotten guard's lock stands in the thread's robust list: its slot must stay a lock.
        if self.forks == fork::forks() && !robust::holds_within(start..start + self.len()) {
            self.arena.release(self.slot);
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes at {:#x})", self.len(), self.address())
    }
}

/// A block as it travels: which of the passage's arenas, which slot, and what should lie there.
#[derive(Serialize, Deserialize)]
struct Handle {
    arena: u32,
    slot: u32,
    tag: u32,
}

/// A block is shared within a process too; the handle names the one object.
pub fn serialize<S: Serializer>(block: &Arc<Block>, serializer: S) -> Result<S::Ok, S::Error> {
    let arena = passage::enter(block).map_err(S::Error::custom)?;
    Handle {
        arena,
        slot: block.slot,
        tag: block.arena.tag(block.slot),
    }
    .serialize(serializer)
}

/// Takes over the hold that the handle was sent with, on a block that must hold a `name` of this tag, in at least so
/// many bytes.
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
    name: &str,
    tag: u32,
    bytes: usize,
) -> Result<Arc<Block>, D::Error> {
    let handle = Handle::deserialize(deserializer)?;
    let arena =
        passage::leave(handle.arena).map_err(|error| D::Error::custom(passage::refuse(error)))?;
    if handle.slot >= arena.slots() {
        let complaint = format!("slot {} of an arena of {}", handle.slot, arena.slots());
        return Err(D::Error::custom(passage::complain(complaint)));
    }
    // Relaxed: a check of the sender's word, on a count that the handle itself keeps above 0.
    if arena.holders(handle.slot).load(Relaxed) == 0 || arena.tag(handle.slot) != handle.tag {
        return Err(D::Error::custom(passage::complain(
            "the object that a handle names is gone",
        )));
    }
    let block = Arc::new(Block::of(arena, handle.slot, fork::forks()));
    passage::arrives(block.clone());
    if handle.tag != tag {
        return Err(D::Error::custom(passage::complain(format!(
            "the handle is not one of a {name}"
        ))));
    }
    if block.len() < bytes {
        let complaint = format!("a {name} in {} bytes", block.len());
        return Err(D::Error::custom(passage::complain(complaint)));
    }
    Ok(block)
}
