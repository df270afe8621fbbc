//! The slots: two words for each worker, in which it says what it is about to do, for the parent to read when it is dead.
//!
//! | first word | the worker |
//! |---|---|
//! | 0 | is being started |
//! | 1 | is running the initializer |
//! | 2 | is ready, and has taken nothing yet |
//! | 3 + *k* | is taking chunk *k* of tasks, or has taken it |
//!
//! The second one is the place of a task in that chunk: which it has begun last.
//!
//! # Memory ordering
//! A worker's store is a Release, the parent's load an Acquire: who sees that a worker is at its next task sees the
//! result of the one before in the queue.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shm::{Block, InShared, Shared, block, passage};
use crate::sys::SharedWide;
use crate::world::Wide;

#[derive(Clone)]
pub(crate) struct Slots {
    block: Arc<Block>,
    count: usize,
}

/// What a worker's word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Starting,
    Initializing,
    Idle,
    /// Before the commit that takes it off the queue.
    Taking(u64),
}

impl Slots {
    pub fn new(count: usize) -> io::Result<Slots> {
        let block = Block::allocate(count * size_of::<Slot>(), tag())?;
        for place in 0..count {
            let slot = Slot {
                stage: SharedWide::new(0),
                task: SharedWide::new(0),
            };
            block.init(place * size_of::<Slot>(), slot);
        }
        let block = Arc::new(block);
        Ok(Slots { block, count })
    }

    /// For who uses it often: it is looked for and checked here.
    pub fn slot(&self, place: usize) -> &Slot {
        &self.slots()[place]
    }

    pub fn get(&self, place: usize) -> Stage {
        // Acquire: pairs with the Release in Slot::set().
        Stage::of(self.slots()[place].stage.load(Acquire))
    }

    /// The task of its chunk that a dead worker has begun last.
    pub fn begun(&self, place: usize) -> usize {
        // Relaxed: see Slot::begin().
        self.slots()[place].task.load(Relaxed) as usize
    }

    /// Whether any other worker says that it is taking the task, or has taken it.
    pub fn is_with_another(&self, task: u64, than: usize) -> bool {
        (0..self.count).any(|place| place != than && self.get(place) == Stage::Taking(task))
    }

    fn slots(&self) -> &[Slot] {
        // SAFETY: new() put `count` of them there; a handle that arrives is checked by its tag and its size.
        unsafe { self.block.objects(0, self.count) }
    }
}

#[repr(C)]
pub(crate) struct Slot {
    stage: SharedWide,
    task: SharedWide,
}

impl Slot {
    pub fn set(&self, stage: Stage) {
        // Release: pairs with the Acquire in Slots::get().
        self.stage.store(stage.word(), Release);
    }

    /// The worker begins a task of its chunk; or, with 0, is about to take another chunk.
    #[inline]
    pub fn begin(&self, task: usize) {
        // Relaxed: read after the worker's death only, which the kernel tells of.
        self.task.store(task as u64, Relaxed);
    }
}

// SAFETY: `repr(C)`, of atomics.
unsafe impl InShared for Slot {}

const TASKS_FROM: u64 = 3;

impl Stage {
    fn word(self) -> u64 {
        match self {
            Stage::Starting => 0,
            Stage::Initializing => 1,
            Stage::Idle => 2,
            Stage::Taking(task) => TASKS_FROM + task,
        }
    }

    fn of(word: u64) -> Stage {
        match word {
            0 => Stage::Starting,
            1 => Stage::Initializing,
            2 => Stage::Idle,
            _ => Stage::Taking(word - TASKS_FROM),
        }
    }
}

impl Shared for Slots {
    fn block(&self) -> &Block {
        &self.block
    }

    fn part(&self, offset: usize) -> String {
        let what = ["", "'s task"][offset / size_of::<SharedWide>() % 2];
        format!("'s slot {}{what}", offset / size_of::<Slot>())
    }
}

fn tag() -> u32 {
    Block::tag("the slots of a pool", size_of::<Slot>())
}

/// The handle of a block, and how many words there are in it.
impl Serialize for Slots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Handle(self.block.clone()), self.count as u64).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Slots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Slots, D::Error> {
        let (Handle(block), count) = <(Handle, u64)>::deserialize(deserializer)?;
        if count > (block.len() / size_of::<Slot>()) as u64 {
            let complaint = format!("{count} slots in {} bytes", block.len());
            return Err(D::Error::custom(passage::complain(complaint)));
        }
        let count = count as usize;
        Ok(Slots { block, count })
    }
}

struct Handle(Arc<Block>);

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Handle, D::Error> {
        block::deserialize(deserializer, "pool's slots", tag(), 0).map(Handle)
    }
}
