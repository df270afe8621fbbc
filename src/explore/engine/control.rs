//! The turn: a token that the processes of a controlled run hand to each other, and the board that only its holder
//! reads and writes.
//!
//! Whoever holds the turn chooses who goes next ([`Board::decide`](super::board::Board)), from what stands on the
//! board, and hands the turn over: so no process in the middle costs two hand-overs for each step.
//!
//! # Memory ordering
//! [`Turn::give`] stores with Release, [`Control::take`] swaps with Acquire: what the holder before wrote on the board
//! is seen by the next.

use std::cell::UnsafeCell;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::board::Board;
use crate::explore::schedule::MAX_LANES;
use crate::sys::memory::Mapping;
use crate::sys::{Os, child, futex, robust};
use crate::world::{Deadline, Woken, World};

/// How often a process that waits for the turn looks whether it may still come.
const ROUND: Duration = Duration::from_secs(5);

/// The seat of the last look, behind the lanes'.
pub(super) const FINALLY: usize = MAX_LANES;
/// The seat of the process that starts the others, behind that.
pub(super) const BOSS: usize = MAX_LANES + 1;
const SEATS: usize = MAX_LANES + 2;

/// A seat's word: the turn is its.
const GIVEN: u32 = 1;
/// A seat's word: something else is to be looked at (a child has died).
pub(super) const LOOK: u32 = 2;
/// A seat's word: its process is about to sleep, or does, or was killed so.
const ASLEEP: u32 = 4;

/// How often a lane lets the others have the core before it sleeps: with all of them on one, sched_yield(2) hands the
/// core over in half of the time of a futex's wake and sleep.
const YIELDS: u32 = 3;
/// A yield that took longer let someone have the core who does not hand it on.
const LONG_YIELD_NS: u64 = 100_000;
/// Then a lane sleeps so often before it yields again.
const SLEEPS_AFTER_LONG: u32 = 4_096;

/// How often the process still sleeps without a yield before.
static SLEEPS_AT_ONCE: AtomicU32 = AtomicU32::new(0);

/// In memory that all processes of a run share, at one address.
#[repr(C)]
pub(super) struct Control {
    seats: [AtomicU32; SEATS],
    /// The boss's number.
    boss: AtomicU32,
    started: [AtomicU32; MAX_LANES],
    board: UnsafeCell<Board>,
}

// SAFETY: the board is reached through a Turn alone, of which there is one at a time.
unsafe impl Sync for Control {}

/// The right to read and write the board.
pub(super) struct Turn {
    control: &'static Control,
}

/// What ended the wait for the turn.
pub(super) enum Heard {
    Turn(Turn),
    Look,
    /// Nothing until the deadline.
    Silence,
}

impl Control {
    /// With the first turn. It stays mapped for the life of the process and of those that it forks.
    ///
    /// # Errors
    /// No memory.
    pub fn create() -> io::Result<Turn> {
        let mapping = Box::leak(Box::new(Mapping::create(size_of::<Control>())?));
        let control: *mut Control = mapping.start().cast();
        // SAFETY: page-aligned zeroes of that size, shown to nobody yet; zeroes are words, and a place for a board.
        let control: &'static Control = unsafe {
            Board::lay_out((&raw mut (*control).board).cast());
            &*control
        };
        Ok(Turn { control })
    }

    /// Waits for the turn.
    ///
    /// A process that waits here ends when the boss's is gone: it would wait for ever.
    pub fn take(&'static self, seat: usize) -> Turn {
        loop {
            let until = Deadline {
                monotonic_ns: futex::monotonic_ns() + ROUND.as_nanos() as u64,
            };
            match self.hear(seat, Some(until)) {
                Heard::Turn(turn) => return turn,
                // Relaxed: written before the lanes were forked.
                Heard::Silence if robust::is_nobody(self.boss.load(Ordering::Relaxed)) => {
                    child::exit_at_once(1)
                }
                Heard::Look | Heard::Silence => {}
            }
        }
    }

    /// The calling process is the one that starts the others.
    pub fn led_by_me(&self) {
        // Relaxed: the others are forked from here.
        self.boss.store(Os::me(), Ordering::Relaxed);
    }

    /// The turn, if it has been given to the seat, which is the caller's.
    pub fn given(&'static self, seat: usize) -> Option<Turn> {
        // Acquire: pairs with the Release in give(). Who asks is awake.
        let before = self.seats[seat].fetch_and(!(GIVEN | ASLEEP), Ordering::Acquire);
        (before & GIVEN != 0).then_some(Turn { control: self })
    }

    /// Waits for the turn, or until someone says [`LOOK`].
    pub fn hear(&'static self, seat: usize, until: Option<Deadline>) -> Heard {
        loop {
            if let Some(turn) = self.given(seat) {
                return Heard::Turn(turn);
            }
            // Relaxed: it says no more than that there is something to see.
            if self.seats[seat].fetch_and(!LOOK, Ordering::Relaxed) & LOOK != 0 {
                return Heard::Look;
            }
            // The boss is wanted at a run's end, and takes no core from the lanes until then.
            if seat != BOSS && self.comes_soon(seat) {
                continue;
            }
            let word = &self.seats[seat];
            // Relaxed: it only asks for a wake, and the kernel compares the word once more.
            if word.fetch_or(ASLEEP, Ordering::Relaxed) & (GIVEN | LOOK) != 0 {
                continue;
            }
            if futex::wait(word, ASLEEP, futex::ANYONE, until) == Woken::TimedOut {
                return Heard::Silence;
            }
        }
    }

    /// Whether there is something to hear after a few yields.
    fn comes_soon(&self, seat: usize) -> bool {
        // Relaxed: a lane's process waits in one thread alone.
        let sleeps = SLEEPS_AT_ONCE.load(Ordering::Relaxed);
        if sleeps > 0 {
            SLEEPS_AT_ONCE.store(sleeps - 1, Ordering::Relaxed);
            return false;
        }
        for _ in 0..YIELDS {
            let begun_ns = futex::monotonic_ns();
            std::thread::yield_now();
            if futex::monotonic_ns() - begun_ns > LONG_YIELD_NS {
                SLEEPS_AT_ONCE.store(SLEEPS_AFTER_LONG, Ordering::Relaxed);
            }
            // Relaxed: whoever hears it takes it with Acquire.
            if self.seats[seat].load(Ordering::Relaxed) & (GIVEN | LOOK) != 0 {
                return true;
            }
        }
        false
    }

    /// The number of a lane's process that another lane has started; 0 if it is no more, or there is none.
    pub fn started(&self, lane: usize) -> u32 {
        // Relaxed: the turn orders it; and the boss, when it looks without, only may see a death too late, or one that
        // the turn tells of, too.
        self.started[lane].load(Ordering::Relaxed)
    }

    pub fn set_started(&self, lane: usize, pid: u32) {
        // Relaxed: as above.
        self.started[lane].store(pid, Ordering::Relaxed);
    }

    /// A seat's word.
    pub fn word(&'static self, seat: usize) -> &'static AtomicU32 {
        &self.seats[seat]
    }
}

impl Turn {
    pub fn control(&self) -> &'static Control {
        self.control
    }

    pub fn give(self, to: usize) {
        let word = &self.control.seats[to];
        // Release: pairs with the Acquire in given(). By fetch_or, as LOOK may stand there.
        if word.fetch_or(GIVEN, Ordering::Release) & ASLEEP != 0 {
            futex::wake(word, 1, futex::ANYONE);
        }
    }

    /// The turn of a process that is dead, or that waits and will be killed.
    ///
    /// # Safety
    /// No one else has it, nor will: whoever had it is dead.
    pub unsafe fn of_the_dead(control: &'static Control) -> Turn {
        for seat in &control.seats {
            // Relaxed: no one else looks.
            seat.fetch_and(!GIVEN, Ordering::Relaxed);
        }
        Turn { control }
    }
}

impl Deref for Turn {
    type Target = Board;

    fn deref(&self) -> &Board {
        // SAFETY: laid out by create(); there is one Turn, and it is borrowed.
        unsafe { &*self.control.board.get() }
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut Board {
        // SAFETY: as in deref(), borrowed for the caller alone.
        unsafe { &mut *self.control.board.get() }
    }
}
