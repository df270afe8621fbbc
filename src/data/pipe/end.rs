//! Who has an end of a pipe: counted in shared memory, so that the other end, when the kernel says that no one has it
//! any more, can tell whether all have let go of it, or someone died with it.
//!
//! | who | counts |
//! |---|---|
//! | a connection that was made, cloned or received | once, until it is dropped |
//! | one on its way to another process | once; the receiver takes that over |
//! | one that a forked child inherited | from its first use there on |
//!
//! # Invariants
//! 1. Who lets go counts itself out before it closes its socket. So at the end of the stream all have done so who ever
//!    will, and the count is the number of those who died.
//! 2. Nothing is freed by this count, so that it may also rise from 0.
//!
//! # Memory ordering
//! Counting out is a Release, and looking at the other's count an Acquire: but it is the kernel, by the end of the
//! stream, that puts them in order.
//!
//! # After a crash
//! The dead stay counted: that is what the count is for.
//!
//! # What is not covered
//! An end that is lost on its way (in a queue that no process has any more) counts as one that died.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shm::passage::{self, Held};
use crate::shm::{Block, InShared, block};
use crate::sys::{SharedWord, fork};
use crate::world::Word;

/// How many hold each of a pipe's ends.
#[repr(C)]
struct Holders([SharedWord; 2]);

// SAFETY: `repr(C)`, of atomics.
unsafe impl InShared for Holders {}

/// One end of a pipe, whoever holds it.
struct Side {
    block: Arc<Block>,
    /// 0 or 1.
    number: usize,
}

/// A hold on an end; a clone is another one.
pub(super) struct End {
    side: Arc<Side>,
    /// [`fork::births`] of the process that is counted.
    counted: AtomicU32,
}

impl End {
    /// Both, held.
    ///
    /// # Errors
    /// No memory.
    pub fn pair() -> io::Result<(End, End)> {
        let block = Block::allocate(size_of::<Holders>(), tag())?;
        block.init(0, Holders([SharedWord::new(1), SharedWord::new(1)]));
        let block = Arc::new(block);
        let side = |number| {
            let block = block.clone();
            Arc::new(Side { block, number })
        };
        Ok((End::held(side(0)), End::held(side(1))))
    }

    /// One that counts already.
    fn held(side: Arc<Side>) -> End {
        End {
            side,
            counted: AtomicU32::new(fork::births()),
        }
    }

    /// It is being used.
    pub fn touch(&self) {
        let births = fork::births();
        // Relaxed, both: of this process's threads one counts it, and nothing else hangs on it.
        if self.counted.load(Relaxed) != births && self.counted.swap(births, Relaxed) != births {
            self.side.lend();
        }
    }

    /// When no one has the other end any more: whether someone died with it.
    pub fn has_other_died(&self) -> bool {
        let other = &self.side.holders()[1 - self.side.number];
        // Acquire: pairs with the Release in take_back().
        other.load(Acquire) != 0
    }
}

impl Clone for End {
    fn clone(&self) -> End {
        self.side.lend();
        End::held(self.side.clone())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if *self.counted.get_mut() == fork::births() {
            self.side.take_back();
        }
    }
}

impl Side {
    fn holders(&self) -> &[SharedWord; 2] {
        // SAFETY: pair() put it there; a handle that arrives is checked by its tag.
        &unsafe { self.block.object::<Holders>(0) }.0
    }
}

impl Held for Side {
    fn lend(&self) {
        // Relaxed: the lender has the end open meanwhile.
        self.holders()[self.number].fetch_add(1, Relaxed);
    }

    fn take_back(&self) {
        // Release: pairs with the Acquire in has_other_died().
        self.holders()[self.number].fetch_sub(1, Release);
    }
}

fn tag() -> u32 {
    Block::tag("the ends of a pipe", size_of::<Holders>())
}

/// As it travels.
#[derive(Serialize, Deserialize)]
struct Handle {
    #[serde(serialize_with = "block::serialize", deserialize_with = "arrive")]
    block: Arc<Block>,
    number: u8,
}

fn arrive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Block>, D::Error> {
    block::deserialize(deserializer, "pipe's end", tag(), size_of::<Holders>())
}

impl Serialize for End {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        passage::hold(self.side.clone()).map_err(serde::ser::Error::custom)?;
        let (block, number) = (self.side.block.clone(), self.side.number as u8);
        Handle { block, number }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<End, D::Error> {
        let Handle { block, number } = Handle::deserialize(deserializer)?;
        if number > 1 {
            let complaint = format!("end {number} of a pipe");
            return Err(D::Error::custom(passage::complain(complaint)));
        }
        let number = number.into();
        let end = End::held(Arc::new(Side { block, number }));
        passage::arrives(end.side.clone());
        Ok(end)
    }
}
