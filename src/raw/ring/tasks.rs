//! Tasks: the records of a ring, until they are done; in whose hand they are; and those who wait for their end.
//!
//! A task is in the ring until it is got, and then in the hand of the thread that got it. A hand is a place of a
//! [`Roster`], so the kernel tells of its thread's death, and what a dead hand holds is known to be no one's.
//!
//! # The parts
//! | part | holds |
//! |---|---|
//! | `hands` | a place for each thread that gets; the last one is no one's, for those who found none free |
//! | beside a hand | how many tasks are in it, with the mark `TAKING`; and which record it takes, counted from the first |
//! | `lock` | who holds it may say that a task is done, or fall asleep until all are; never for long |
//! | `line` | who holds it may sleep until all are done; the others queue for it |
//! | `bell` | what that one sleeps on, besides all hands: `ASLEEP` or `AWAKE` |
//! | `used` | hands from here on were never taken, and no one looks at them |
//! | `ahead` | tasks that were said to be done before anyone had them |
//! | `taking` | the hand that takes a record just now, and one more; or 0 |
//!
//! Unfinished are those in the ring and those in hands, but for as many as were done ahead.
//!
//! # Invariants
//! 1. Hands are taken, marked `TAKING`, and filled under the getters' lock; tasks leave them under `lock`. So under
//!    `lock` the unfinished grow and do not become fewer.
//! 2. A hand is marked from before the ring's commit until its count says so; `taking` names it for longer than that.
//!    The record was taken if and only if the ring's head is no longer at it: who commits next sees to the mark first.
//! 3. Who sleeps holds `line`, has marked all hands in use, and has made the bell `ASLEEP`, all under `lock`. Who makes
//!    the unfinished none, or a hand more to be looked at, does so under `lock`, and rings before it does: the one who
//!    is woken must have the lock to fall asleep again.
//!
//! # Memory ordering
//! The lock orders what was done before a task was counted before what is done after the wait. The Release with which
//! a hand is marked and the ring's head is stored pairs with the Acquire loads of both: a record is seen in the ring, or
//! in a hand, or in both; never in neither.
//!
//! # After a death
//! A task is in the ring, in a hand or done: to get it is the ring's commit, and to be done is one store. What is in a
//! dead hand, someone must [write off](RawTasks::write_off), or say that it is done. The one who sleeps is woken by the
//! death of any hand, and by that of one who was ringing; if it dies itself, the next in line looks.
//!
//! # What is not covered
//! - Tasks of threads that found no hand: nobody is told of their deaths.
//! - Whose task it was that was done: one is taken from the caller's hand, or else from another's.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::end::{ASLEEP, AWAKE, give_back, take, take_brief};
use super::{RECORDS_MAX, RawRing};
use crate::raw::mutex::{Patience, RawMutex, Refused};
use crate::raw::roster::{Occupant, Roster, Watch};
use crate::world::{Node, WAIT_ANY_MAX, Woken, Word, World};

/// The most hands, but for the one that is no one's: with the bell, as many words as one may sleep on, or fewer.
pub const HANDS_MAX: usize = 100;
const _: () = assert!(HANDS_MAX + 1 < WAIT_ANY_MAX);

/// Beside a hand: it takes a record, or has just done so.
const TAKING: u32 = 1;
/// Beside a hand: one task. A mark and another one are a task: what was being taken is in the hand.
const ONE: u32 = 2 * TAKING;

/// What the processes share of the tasks, besides the ring and the hands. 128 bytes.
#[repr(C)]
pub struct TaskDesk<W: World> {
    line: RawMutex<W>,
    lock: RawMutex<W>,
    /// The word is the bell; beside it are `ahead` and `used`.
    bell: Node<W>,
    taking: W::Word,
    /// Instead of padding, which would show others what lay on its maker's stack.
    _reserved: u32,
}

/// The tasks of a ring: a view on their parts.
pub struct RawTasks<'a, W: World> {
    desk: &'a TaskDesk<W>,
    hands: Roster<'a, W>,
    ring: &'a RawRing<W>,
}

/// Why a task was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoneRefused {
    /// All are done already.
    TooOften,
    /// The count's memory was written to by something else.
    Corrupt,
    /// The calling thread holds as many locks as the kernel would look at if it died.
    TooManyHeld,
}

/// Why a wait ended otherwise than by the last task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinRefused {
    /// So many unfinished tasks are in the hands of the dead.
    Dead(u32),
    Refused(Refused),
}

/// Whether there is something to wait for.
enum Outlook {
    Unfinished,
    Clear(Result<(), JoinRefused>),
}

impl<W: World> TaskDesk<W> {
    pub fn new() -> Self {
        TaskDesk {
            line: RawMutex::new(),
            lock: RawMutex::new(),
            bell: Node::new(),
            taking: W::Word::new(0),
            _reserved: 0,
        }
    }

    /// What its parts are called in a trace, by their offset in bytes.
    pub fn part(offset: usize) -> &'static str {
        match offset {
            0..40 => "tasks' line",
            40..80 => "tasks' lock",
            80 => "tasks' bell",
            84 => "tasks done ahead",
            88 => "hands in use",
            120 => "taking hand",
            _ => "links",
        }
    }
}

impl<W: World> Default for TaskDesk<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, W: World> RawTasks<'a, W> {
    /// # Panics
    /// If there are no hands, or more than [`HANDS_MAX`] and one.
    pub fn new(desk: &'a TaskDesk<W>, hands: &'a [Node<W>], ring: &'a RawRing<W>) -> Self {
        assert!((1..=HANDS_MAX + 1).contains(&hands.len()));
        RawTasks {
            desk,
            hands: Roster::new(hands),
            ring,
        }
    }

    /// Which hand lies at an offset of them in bytes, and what of it.
    pub fn part_of_hands(offset: usize) -> (usize, &'static str) {
        let part = match offset % size_of::<Node<W>>() {
            0..4 => "hand",
            4..8 => "tasks in hand",
            8..12 => "record for hand",
            _ => "links of hand",
        };
        (offset / size_of::<Node<W>>(), part)
    }

    /// Sets the last hand apart, before anyone else knows of the tasks.
    pub fn set_up(&self) {
        self.hands.close(self.no_ones());
    }

    /// A hand for the calling thread, which has none. `None`: none is free, or the thread holds too much already.
    /// Under the getters' lock.
    pub fn take_hand(&self) -> Option<usize> {
        let free = (0..self.used()).find(|&hand| {
            // Relaxed: no one fills it but under the getters' lock.
            self.hands.look(hand).0.is_free() && self.count(hand).load(Relaxed) == 0
        });
        let hand = free.or_else(|| self.one_more())?;
        self.hands.take(hand).ok()?;
        Some(hand)
    }

    /// A hand that was never used.
    fn one_more(&self) -> Option<usize> {
        let hand = self.used();
        if hand == self.no_ones() {
            return None;
        }
        take_brief(&self.desk.lock, Patience::Endless).ok()?;
        self.ring_bell();
        // Release: pairs with the Acquire in used(), for those who have no lock.
        self.desk.bell.beside[1].store(hand as u32 + 1, Release);
        give_back(&self.desk.lock);
        Some(hand)
    }

    /// Whether a hand is the calling thread's.
    pub fn is_mine(&self, hand: usize) -> bool {
        self.hands.look(hand).0 == Occupant::Thread(W::me())
    }

    /// Whether there is a task in a hand.
    pub fn is_full(&self, hand: usize) -> bool {
        // Acquire: pairs with the Release in end_take(), so that the hand is seen to have been taken.
        self.count(hand).load(Acquire) >= ONE
    }

    /// Gives a hand back that is the calling thread's. What is in it is no one's.
    pub fn leave_hand(&self, hand: usize) {
        let left = self.hands.leave(hand);
        assert_eq!(left, Ok(()), "the hand is the caller's");
    }

    /// Before the commit that takes a record, the one behind `index` others, into the calling thread's hand, or into no
    /// one's. Under the getters' lock.
    pub fn begin_take(&self, hand: Option<usize>, index: u32) {
        self.end_for_the_dead(index);
        let hand = hand.unwrap_or(self.no_ones());
        // Relaxed, both: before the Release below.
        self.desk.taking.store(hand as u32 + 1, Relaxed);
        self.record(hand).store(index, Relaxed);
        // Release: invariant 2; pairs with the Acquire in tasks_in().
        self.count(hand).fetch_add(TAKING, Release);
    }

    /// After that commit. Under the getters' lock.
    pub fn end_take(&self, hand: Option<usize>) {
        let hand = hand.unwrap_or(self.no_ones());
        // Release, both: behind the commit, and behind each other.
        self.count(hand).fetch_add(TAKING, Release);
        self.desk.taking.store(0, Release);
    }

    /// Invariant 2: what was being taken was taken, if `index` have been. Under the getters' lock.
    fn end_for_the_dead(&self, index: u32) {
        // Relaxed, all: ordered by the lock, and by the kernel at a death.
        let Some(hand) = (self.desk.taking.load(Relaxed) as usize).checked_sub(1) else {
            return;
        };
        if hand < self.hands.len() && self.count(hand).load(Relaxed) & TAKING != 0 {
            if self.record(hand).load(Relaxed) == index {
                self.count(hand).fetch_sub(TAKING, Relaxed);
            } else {
                self.count(hand).fetch_add(TAKING, Relaxed);
            }
        }
        self.desk.taking.store(0, Release); // as in end_take()
    }

    /// Before the commit by which a record leaves the ring and is done, in no hand. Under the getters' lock.
    ///
    /// # Errors
    /// [`DoneRefused`]; nothing was changed.
    pub fn begin_done(&self) -> Result<(), DoneRefused> {
        self.take_lock()?;
        match self.left() {
            // Someone has said so of one that it had not.
            0 => {
                let ahead = self.ahead().load(Relaxed); // and below: under the lock
                self.ahead().store(ahead.saturating_sub(1), Relaxed);
            }
            1 => self.ring_bell(),
            _ => {}
        }
        Ok(())
    }

    /// After that commit.
    pub fn end_done(&self) {
        give_back(&self.desk.lock);
    }

    /// A task is done: one of the calling thread's `hand`, or else of another's.
    ///
    /// # Errors
    /// [`DoneRefused`]; nothing was counted.
    pub fn done(&self, hand: Option<usize>) -> Result<(), DoneRefused> {
        self.take_lock()?;
        let left = self.left();
        if left == 1 {
            self.ring_bell();
        }
        if left > 0 {
            // Release, both: pairs with the Acquire in left(), for those who have no lock.
            match self.full_hand(hand) {
                Some(hand) => self.count(hand).fetch_sub(ONE, Release),
                None => self.ahead().fetch_add(1, Release),
            };
        }
        give_back(&self.desk.lock);
        if left > 0 {
            Ok(())
        } else {
            Err(DoneRefused::TooOften)
        }
    }

    /// A hand with a task in it: this one, one of the living, no one's, or one of the dead. Under the lock.
    fn full_hand(&self, own: Option<usize>) -> Option<usize> {
        let full = |hand: &usize| self.is_full(*hand);
        let in_use = || (0..self.used()).filter(full);
        let of_the_living = |hand: &usize| matches!(self.hands.look(*hand).0, Occupant::Thread(_));
        own.filter(full)
            .or_else(|| in_use().find(of_the_living))
            .or_else(|| Some(self.no_ones()).filter(full))
            .or_else(|| in_use().next())
    }

    /// All tasks in the hands of the dead are done, as far as anyone will know: how many those were.
    ///
    /// # Errors
    /// [`DoneRefused`], but for `TooOften`; nothing was counted.
    pub fn write_off(&self) -> Result<u32, DoneRefused> {
        self.ring
            .at_the_head(|index| self.end_for_the_dead(index))
            .map_err(refused)?;
        self.take_lock()?;
        self.ring_bell();
        let mut written_off = 0_u32;
        for hand in (0..self.used()).filter(|&hand| self.is_full(hand) && self.is_left(hand)) {
            // Relaxed, all but the last: under the lock, and no one takes a hand with something in it.
            let tasks = self.count(hand).load(Relaxed) / ONE;
            let ahead = self.ahead().load(Relaxed).min(tasks);
            // Ahead first: killed in between, they are unfinished rather than done twice.
            self.ahead().fetch_sub(ahead, Relaxed);
            self.count(hand).fetch_sub(tasks * ONE, Release); // as in done()
            written_off = tasks.wrapping_sub(ahead).wrapping_add(written_off);
        }
        give_back(&self.desk.lock);
        Ok(written_off)
    }

    /// Waits until all are done, or until some are known never to be.
    ///
    /// # Errors
    /// [`JoinRefused`]; as `Refused`: [`Refused::TimedOut`]; for [`Patience::None`], [`Refused::WouldBlock`];
    /// [`Refused::TooManyHeld`], [`Refused::NotRecoverable`].
    pub fn wait(&self, patience: Patience) -> Result<(), JoinRefused> {
        take_brief(&self.desk.lock, Patience::Endless)?;
        let outlook = self.outlook();
        give_back(&self.desk.lock);
        match outlook {
            Outlook::Unfinished if patience == Patience::None => {
                return Err(Refused::WouldBlock.into());
            }
            Outlook::Unfinished => {}
            Outlook::Clear(outcome) => return outcome,
        }
        take(&self.desk.line, patience)?;
        let outcome = self.wait_first_in_line(patience);
        give_back(&self.desk.line);
        outcome
    }

    #[cold]
    fn wait_first_in_line(&self, patience: Patience) -> Result<(), JoinRefused> {
        let until = match patience {
            Patience::Until(deadline) => Some(deadline),
            Patience::None | Patience::Endless => None,
        };
        let mut is_late = false;
        loop {
            take_brief(&self.desk.lock, Patience::Endless)?;
            // The marks before the look: a death between the two changes a marked word, and is not slept through.
            let watched = self.mark();
            let outlook = self.outlook();
            if matches!(outlook, Outlook::Clear(_)) {
                self.desk.bell.word.store(AWAKE, Relaxed); // as in mark()
            }
            give_back(&self.desk.lock);
            match outlook {
                Outlook::Clear(outcome) => return outcome,
                Outlook::Unfinished if is_late => return Err(Refused::TimedOut.into()),
                Outlook::Unfinished => {}
            }
            is_late = W::wait_any(&watched, until) == Woken::TimedOut;
        }
    }

    /// All that a sleeper must be woken by (invariant 3). Under the lock.
    fn mark(&self) -> Vec<Watch<'a, W>> {
        let bell = &self.desk.bell.word;
        bell.store(ASLEEP, Relaxed); // under the lock, and the futex compares
        let hands = (0..self.used()).map(|hand| self.hands.mark_any(hand));
        std::iter::once((bell, ASLEEP)).chain(hands).collect()
    }

    /// Under the lock.
    fn outlook(&self) -> Outlook {
        let left = self.left();
        if left == 0 {
            return Outlook::Clear(Ok(()));
        }
        let dead = (0..self.used()).map(|hand| self.tasks_of_the_dead(hand));
        let dead = dead.fold(0, u32::wrapping_add);
        match dead.saturating_sub(self.ahead().load(Relaxed)).min(left) {
            0 => Outlook::Unfinished,
            dead => Outlook::Clear(Err(JoinRefused::Dead(dead))),
        }
    }

    /// How many tasks are in a hand that is no living thread's. Under the lock.
    fn tasks_of_the_dead(&self, hand: usize) -> u32 {
        // In this order: what is not empty, and then left, stays so; and only then has the head its last word.
        // Acquire: as in is_full().
        if self.count(hand).load(Acquire) == 0 || !self.is_left(hand) {
            return 0;
        }
        self.tasks_in(hand, self.ring.count_gets())
    }

    /// Unfinished tasks: out of date as soon as it is known, but under the lock no more than there are, if there is
    /// one, and 0 only if there is none.
    pub fn left(&self) -> u32 {
        let puts = self.ring.count_puts();
        let gets = self.ring.count_gets(); // after the puts, which it never overtakes
        let in_ring = puts.wrapping_sub(gets) & RECORDS_MAX;
        let hands = (0..self.used()).chain([self.no_ones()]);
        let in_hands = hands.map(|hand| self.tasks_in(hand, gets));
        let in_hands = in_hands.fold(0, u32::wrapping_add);
        let more = self.ring.count_puts().wrapping_sub(puts) & RECORDS_MAX;
        // Acquire: pairs with the Release in done().
        let ahead = self.ahead().load(Acquire);
        in_ring
            .wrapping_add(in_hands)
            .wrapping_add(more)
            .saturating_sub(ahead)
    }

    /// How many tasks are in a hand, when so many records have been taken.
    fn tasks_in(&self, hand: usize, gets: u32) -> u32 {
        // Acquire: pairs with the Release where it is changed, so that the record is as new.
        let count = self.count(hand).load(Acquire);
        // Relaxed: if it is newer than the mark, it is not the one to be taken next.
        let was_taken = count & TAKING != 0 && self.record(hand).load(Relaxed) != gets;
        count / ONE + u32::from(was_taken)
    }

    /// Invariant 3. Under the lock.
    fn ring_bell(&self) {
        let bell = &self.desk.bell;
        // Relaxed, both: under the lock.
        if bell.word.load(Relaxed) == ASLEEP {
            W::announce(bell);
            bell.word.store(AWAKE, Relaxed);
            W::wake(&bell.word, 1);
            W::withdraw();
        }
    }

    fn take_lock(&self) -> Result<(), DoneRefused> {
        take_brief(&self.desk.lock, Patience::Endless).map_err(refused)
    }

    /// Whether a hand is no one's, as its thread died or has left it.
    fn is_left(&self, hand: usize) -> bool {
        self.hands.look(hand).0.is_free()
    }

    fn count(&self, hand: usize) -> &'a W::Word {
        &self.hands.beside(hand)[0]
    }

    fn record(&self, hand: usize) -> &'a W::Word {
        &self.hands.beside(hand)[1]
    }

    fn ahead(&self) -> &'a W::Word {
        &self.desk.bell.beside[0]
    }

    fn used(&self) -> usize {
        // Acquire: pairs with the Release in one_more(). What else has written to it does not lead astray.
        let used = self.desk.bell.beside[1].load(Acquire) as usize;
        used.min(self.no_ones())
    }

    fn no_ones(&self) -> usize {
        self.hands.len() - 1
    }
}

fn refused(refused: Refused) -> DoneRefused {
    match refused {
        Refused::TooManyHeld => DoneRefused::TooManyHeld,
        // Every owner's death is made good at once, and the lock is given back before the return.
        _ => DoneRefused::Corrupt,
    }
}

impl From<Refused> for JoinRefused {
    fn from(refused: Refused) -> JoinRefused {
        JoinRefused::Refused(refused)
    }
}
