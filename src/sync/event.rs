//! `Event`: something has happened, and everyone who waits for it goes on.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lock::patience;
use crate::raw::{Patience, RawEvent};
use crate::shm::{Block, InShared, Shared, block};
use crate::sys::Os;

// SAFETY: `repr(transparent)` over an atomic.
unsafe impl InShared for RawEvent<Os> {}

/// A flag that processes, and threads, set, clear and wait for.
///
/// A clone is the same event. As an argument of a process it is the same event there.
///
/// ```
/// use forkproof::{Event, Process};
///
/// fn prepare(ready: Event) {
///     ready.set();
/// }
/// # fn main() -> forkproof::Result<()> {
/// let ready = Event::new()?;
/// let child = Process::new(prepare, (ready.clone(),));
/// child.start()?;
/// ready.wait();
/// assert!(ready.is_set());
/// # child.join()?;
/// # Ok(())
/// # }
/// ```
///
/// Who was waiting when it was set goes on, even if it is cleared at once, before that one has looked.
///
/// # When a process dies
/// No one owns an event, so there is nothing to take back. Who is killed in [`set`](Event::set) has set it
/// and woken everyone, or has done neither; a waiter that is killed takes no other's wake with it. But an event that
/// only the dead would have set is never set: wait with a timeout, or join the process, where that can be.
///
/// # Memory ordering
/// What was written before it was set is seen by those whose wait that ends, by who sees that it is set, and by
/// who clears it.
#[derive(Clone)]
pub struct Event {
    block: Arc<Block>,
}

impl Event {
    /// Not set.
    ///
    /// # Errors
    /// No memory, or no descriptor for a new arena.
    pub fn new() -> io::Result<Event> {
        let block = Block::allocate(size_of::<RawEvent<Os>>(), tag())?;
        block.made("Event", false, |_| String::new());
        block.init(0, RawEvent::<Os>::new());
        Ok(Event {
            block: Arc::new(block),
        })
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.raw().is_set()
    }

    /// Sets it, and lets everyone go on who waits for it. Nothing if it is set.
    pub fn set(&self) {
        self.raw().set();
    }

    /// Takes it back: who waits from now on waits for the next [`set`](Event::set). Nothing if it is not set.
    pub fn clear(&self) {
        self.raw().clear();
    }

    /// Waits until it is set, as long as it takes.
    pub fn wait(&self) {
        let happened = self.raw().wait(Patience::Endless);
        assert!(happened, "an endless wait ends with the event");
    }

    /// Waits until it is set, no longer than `timeout`. False if it was not.
    #[must_use = "the event may not have happened"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.raw().wait(patience(timeout))
    }

    fn raw(&self) -> &RawEvent<Os> {
        // SAFETY: new() put it there; a handle that arrives is checked by its tag.
        unsafe { self.block.object(0) }
    }
}

fn tag() -> u32 {
    Block::tag("Event", size_of::<RawEvent<Os>>())
}

impl Shared for Event {
    fn block(&self) -> &Block {
        &self.block
    }

    fn part(&self, _offset: usize) -> String {
        String::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_set() { "set" } else { "unset" };
        write!(f, "<Event({state}) at {:#x}>", self.block.address())
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(&self.block, serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Event, D::Error> {
        let bytes = size_of::<RawEvent<Os>>();
        block::deserialize(deserializer, "Event", tag(), bytes).map(|block| Event { block })
    }
}
