//! Arenas: where blocks come from.
//!
//! ```text
//! | header | entry 0 .. entry n-1 | (to a multiple of 64) | slot 0 | slot 1 | .. | slot n-1 |
//! ```
//! An arena has slots of one size; what is larger than [`LARGEST_SLOT`] gets an arena to itself. An entry
//! holds the slot's count of holders and the tag of what lies in it.
//!
//! # Invariants
//! 1. Only the process that made an arena turns a count of 0 into 1, under its own [`POOL`]'s mutex. A
//!    forked child starts a pool of its own.
//! 2. A count is changed only by a holder, so 0 stays 0 until (1).

use std::cell::Cell;
use std::io;
use std::mem::{ManuallyDrop, align_of, size_of};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use crate::sys::fork;
use crate::sys::memory::{Identity, Mapping, foreign};
use crate::sys::step;
use crate::sys::{Os, SharedWord};
use crate::world::{Word, World};

/// Slots are multiples of a cache line, so that two locks never share one.
pub(super) const SLOT_ALIGN: usize = 64;
/// Where the slots begin: processors fetch cache lines in pairs, and what is kept apart by a pair within a slot has to be
/// so in memory.
const LINE_PAIR: usize = 2 * SLOT_ALIGN;
const LARGEST_SLOT: usize = 4_096;
const FIRST_ARENA: usize = 64 << 10;
const LARGEST_ARENA: usize = 4 << 20;

const MAGIC: u64 = u64::from_le_bytes(*b"forkproo");
const VERSION: u32 = 2;

/// Plain numbers, written before the arena has a second process and never again.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Header {
    magic: u64,
    version: u32,
    slots: u32,
    slot_bytes: u64,
    /// The inode of the PID namespace: thread ids mean nothing in another one.
    pid_namespace: u64,
}

#[repr(C)]
struct Entry {
    holders: SharedWord,
    tag: SharedWord,
}

/// One shared memfd of slots, as this process maps it.
pub(super) struct Arena {
    mapping: Mapping,
    header: Header,
    /// Slots that this process was the last to let go. A hint for its maker: claim() looks at the count.
    freed: Mutex<Vec<u32>>,
}

impl Arena {
    fn create(slots: usize, slot_bytes: usize) -> io::Result<Arena> {
        let bytes = slots
            .checked_mul(slot_bytes)
            .and_then(|bytes| bytes.checked_add(slots_start(slots)))
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let slots = u32::try_from(slots).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let header = Header {
            magic: MAGIC,
            version: VERSION,
            slots,
            slot_bytes: slot_bytes as u64,
            pid_namespace: pid_namespace()?,
        };
        let mapping = Mapping::create(bytes)?;
        mapping.write(0, bytemuck::bytes_of(&header));
        Ok(Arena {
            mapping,
            header,
            freed: Mutex::default(),
        })
    }

    fn attach(file: OwnedFd) -> io::Result<Arena> {
        let mapping = Mapping::attach(file)?;
        if mapping.len() < size_of::<Header>() {
            return Err(foreign("it is too short"));
        }
        let mut header: Header = bytemuck::Zeroable::zeroed();
        mapping.read(0, bytemuck::bytes_of_mut(&mut header));
        if header.magic != MAGIC || header.version != VERSION {
            return Err(foreign(
                "it was made by another version of the library, or by something else",
            ));
        }
        if header.pid_namespace != pid_namespace()? {
            return Err(foreign(
                "it was made in another PID namespace, where thread ids mean others",
            ));
        }
        let (slots, slot_bytes) = (header.slots as usize, header.slot_bytes as usize);
        let bytes = slots
            .checked_mul(slot_bytes)
            .and_then(|bytes| bytes.checked_add(slots_start(slots)));
        if !slot_bytes.is_multiple_of(SLOT_ALIGN) || bytes != Some(mapping.len()) {
            return Err(foreign("its header and its size disagree"));
        }
        Ok(Arena {
            mapping,
            header,
            freed: Mutex::default(),
        })
    }

    pub fn slots(&self) -> u32 {
        self.header.slots
    }

    pub fn slot_bytes(&self) -> usize {
        self.header.slot_bytes as usize
    }

    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Where a slot starts, in bytes from the start of the mapping.
    pub fn slot_start(&self, slot: u32) -> usize {
        slots_start(self.slots() as usize) + slot as usize * self.slot_bytes()
    }

    /// The holders of a slot's object: one a process, and one for each handle on its way.
    pub fn holders(&self, slot: u32) -> &SharedWord {
        &self.entry(slot).holders
    }

    /// What lies in a slot: a fingerprint of its type.
    pub fn tag(&self, slot: u32) -> u32 {
        // Relaxed: written before the handle that led here was sent.
        self.entry(slot).tag.load(Relaxed)
    }

    fn entry(&self, slot: u32) -> &Entry {
        assert!(
            slot < self.slots(),
            "slot {slot} of an arena of {}",
            self.slots()
        );
        let offset = size_of::<Header>() + slot as usize * size_of::<Entry>();
        // SAFETY: within the mapping (attach() and create() hold the table to its size), aligned (the
        // start is page aligned, header and entries are multiples of 4), atomics only, and mapped for as
        // long as `self`.
        unsafe { &*self.mapping.start().add(offset).cast::<Entry>() }
    }

    /// Invariant 1: called by the maker only, under its pool's mutex.
    fn claim(&self, slot: u32, tag: u32) -> bool {
        let entry = self.entry(slot);
        // Acquire: pairs with the Release in release(): what the last holder did is over.
        if entry.holders.load(Acquire) != 0 {
            return false;
        }
        // Relaxed, both: published by whatever carries the handle.
        entry.tag.store(tag, Relaxed);
        entry.holders.store(1, Relaxed);
        true
    }

    /// One holder less.
    pub fn release(&self, slot: u32) {
        step::beyond();
        // Release: pairs with the Acquire in claim().
        if self.holders(slot).let_go(Release) == 1 {
            // If another thread is at it, a sweep finds the slot; and in a forked child one may be at it for ever.
            if let Ok(mut freed) = self.freed.try_lock() {
                freed.push(slot);
            }
        }
    }

    /// Looks for slots that other processes were the last to let go. Returns how many there are.
    fn sweep(&self) -> usize {
        // Relaxed: claim() looks again.
        let free = (0..self.slots()).filter(|&slot| self.holders(slot).load(Relaxed) == 0);
        let mut freed = self.freed.lock().unwrap_or_else(PoisonError::into_inner);
        *freed = free.collect();
        freed.len()
    }
}

const _: () = assert!(size_of::<Header>().is_multiple_of(align_of::<Entry>()));

impl AsFd for Arena {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mapping.as_fd()
    }
}

fn slots_start(slots: usize) -> usize {
    (size_of::<Header>() + slots * size_of::<Entry>()).next_multiple_of(LINE_PAIR)
}

/// The arenas that this process made and still hands slots out of.
static POOL: Mutex<Pool> = Mutex::new(Pool {
    births: 0,
    classes: Vec::new(),
});

struct Pool {
    /// [`fork::births`] when the arenas were made: under another count they are an ancestor's.
    births: u32,
    /// One for each slot size in use.
    classes: Vec<Class>,
}

struct Class {
    slot_bytes: usize,
    arenas: Vec<Supply>,
}

/// An arena, and what is known of its free slots.
struct Supply {
    arena: Arc<Arena>,
    /// Slots from here on were never used.
    fresh: u32,
    /// Claims to let pass before the next sweep: a sweep for each claim on a full arena would make claims
    /// quadratic.
    rest: u32,
}

/// A free slot of at least `bytes`, claimed for this process under the tag.
pub(super) fn allocate(bytes: usize, tag: u32) -> io::Result<(Arc<Arena>, u32)> {
    step::beyond();
    let slot_bytes = bytes
        .max(SLOT_ALIGN)
        .checked_next_power_of_two()
        .ok_or(io::ErrorKind::OutOfMemory)?;
    if slot_bytes > LARGEST_SLOT {
        let arena = Arc::new(Arena::create(1, bytes.next_multiple_of(SLOT_ALIGN))?);
        remember(&arena)?;
        arena.claim(0, tag);
        return Ok((arena, 0));
    }
    let mut pool = pool();
    if pool.births != fork::births() {
        pool.births = fork::births();
        // The ancestor's arenas are the ancestor's: its slots are claimed by it alone.
        pool.classes.clear();
    }
    let class = match pool
        .classes
        .iter()
        .position(|class| class.slot_bytes == slot_bytes)
    {
        Some(at) => &mut pool.classes[at],
        None => {
            pool.classes.push(Class {
                slot_bytes,
                arenas: Vec::new(),
            });
            pool.classes.last_mut().expect("just pushed")
        }
    };
    class.claim(tag)
}

impl Class {
    fn claim(&mut self, tag: u32) -> io::Result<(Arc<Arena>, u32)> {
        for supply in self.arenas.iter_mut().rev() {
            if let Some(slot) = supply.claim(tag) {
                return Ok((supply.arena.clone(), slot));
            }
        }
        let last_bytes = self
            .arenas
            .last()
            .map_or(FIRST_ARENA / 2, |last| last.arena.mapping().len());
        let bytes = (last_bytes.next_power_of_two() * 2).clamp(FIRST_ARENA, LARGEST_ARENA);
        let arena = Arc::new(Arena::create(bytes / self.slot_bytes, self.slot_bytes)?);
        remember(&arena)?;
        self.arenas.push(Supply {
            arena: arena.clone(),
            fresh: 0,
            rest: 0,
        });
        let slot = self.arenas.last_mut().and_then(|supply| supply.claim(tag));
        Ok((arena, slot.expect("a new arena has free slots")))
    }
}

impl Supply {
    fn claim(&mut self, tag: u32) -> Option<u32> {
        if let Some(slot) = self.claim_freed(tag) {
            return Some(slot);
        }
        if self.fresh < self.arena.slots() {
            self.fresh += 1;
            return self
                .arena
                .claim(self.fresh - 1, tag)
                .then_some(self.fresh - 1);
        }
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        let found = self.arena.sweep() as u32;
        if found < self.arena.slots() / 8 {
            self.rest = self.arena.slots() / 2;
        }
        self.claim_freed(tag)
    }

    fn claim_freed(&self, tag: u32) -> Option<u32> {
        let mut freed = self
            .arena
            .freed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while let Some(slot) = freed.pop() {
            if self.arena.claim(slot, tag) {
                return Some(slot);
            }
        }
        None
    }
}

/// The arenas that this process maps, so that a second handle into one maps nothing new.
static MAPPED: Mutex<Mapped> = Mutex::new(Vec::new());

type Mapped = Vec<(Identity, Weak<Arena>)>;

type Guards = (MutexGuard<'static, Pool>, MutexGuard<'static, Mapped>);

thread_local! {
    /// Of the thread that forks, while it does. Without a destructor, as its child must not need one registered.
    static HELD: Cell<Option<ManuallyDrop<Guards>>> = const { Cell::new(None) };
}

/// Before the first use of either lock. A fork by anyone, beside a thread that has one of them, would leave the child
/// with a lock that no one gives back.
fn survive_forks() {
    static SURVIVES: Once = Once::new();
    SURVIVES.call_once(|| fork::around_forks(take_both, give_both));
}

extern "C" fn take_both() {
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let mapped = MAPPED.lock().unwrap_or_else(PoisonError::into_inner);
    HELD.set(Some(ManuallyDrop::new((pool, mapped))));
}

extern "C" fn give_both() {
    drop(HELD.take().map(ManuallyDrop::into_inner));
}

fn pool() -> MutexGuard<'static, Pool> {
    survive_forks();
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn mapped() -> MutexGuard<'static, Mapped> {
    survive_forks();
    MAPPED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(arena: &Arc<Arena>) -> io::Result<()> {
    let identity = Mapping::identity(arena)?;
    let mut mapped = mapped();
    mapped.retain(|(_, arena)| arena.strong_count() > 0);
    mapped.push((identity, Arc::downgrade(arena)));
    Ok(())
}

/// The arena that a descriptor stands for: the mapping that this process has, or a new one.
pub(super) fn attach(file: OwnedFd) -> io::Result<Arc<Arena>> {
    let identity = Mapping::identity(&file)?;
    let known = {
        let mapped = mapped();
        mapped
            .iter()
            .find(|(other, _)| *other == identity)
            .and_then(|(_, arena)| arena.upgrade())
    };
    if let Some(arena) = known {
        return Ok(arena);
    }
    let arena = Arc::new(Arena::attach(file)?);
    remember(&arena)?;
    Ok(arena)
}

/// Its inode: a thread's id means nothing in another one.
pub(crate) fn pid_namespace() -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata("/proc/self/ns/pid")?.ino())
}

/// Slots in use now, for tests of what comes back.
#[cfg(test)]
fn claimed(arena: &Arena) -> usize {
    (0..arena.slots())
        .filter(|&slot| arena.holders(slot).load(Relaxed) != 0)
        .count()
}

const _: () = assert!(size_of::<<Os as World>::Word>() == 4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_back_and_are_used_again() {
        let mut class = Class {
            slot_bytes: 512,
            arenas: Vec::new(),
        };
        let mut held: Vec<_> = (0..1_000).map(|_| class.claim(7).unwrap()).collect();
        let arenas = class.arenas.len();
        let mut distinct: Vec<_> = held
            .iter()
            .map(|(arena, slot)| (Arc::as_ptr(arena), *slot))
            .collect();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 1_000, "no slot is handed out twice");
        for _ in 0..20 {
            for (arena, slot) in held.drain(..) {
                arena.release(slot);
            }
            assert!(
                class
                    .arenas
                    .iter()
                    .all(|supply| claimed(&supply.arena) == 0)
            );
            held = (0..1_000).map(|_| class.claim(7).unwrap()).collect();
        }
        assert_eq!(class.arenas.len(), arenas, "what came back was used again");
    }

    #[test]
    fn a_lying_header_is_refused() {
        let lie = |change: fn(&mut Header)| {
            let arena = Arena::create(4, 64).unwrap();
            let mut header = arena.header;
            change(&mut header);
            arena.mapping.write(0, bytemuck::bytes_of(&header));
            Arena::attach(arena.as_fd().try_clone_to_owned().unwrap())
                .err()
                .map(|error| error.kind())
        };
        assert_eq!(lie(|_| ()), None);
        assert_eq!(
            lie(|header| header.magic += 1),
            Some(io::ErrorKind::InvalidData)
        );
        assert_eq!(
            lie(|header| header.version += 1),
            Some(io::ErrorKind::InvalidData)
        );
        assert_eq!(
            lie(|header| header.slots += 1),
            Some(io::ErrorKind::InvalidData)
        );
        assert_eq!(
            lie(|header| header.slot_bytes = 1 << 60),
            Some(io::ErrorKind::InvalidData)
        );
        assert_eq!(
            lie(|header| header.pid_namespace += 1),
            Some(io::ErrorKind::InvalidData)
        );
    }
}
