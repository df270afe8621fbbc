//! In whose hands the tasks are that this process has got: a hand for each thread and queue.

use std::cell::RefCell;
use std::sync::Arc;

use super::channel::{Channel, tasks_of};
use super::error::GetError;
use super::shelf::Receiving;
use crate::raw::ring::tasks::DoneRefused;
use crate::raw::ring::{Escort, Record};
use crate::shm::{Block, buffer};
use crate::sys::step;

/// The hand that the calling thread has at a queue's tasks.
struct Hand {
    /// Kept for as long as the hand stands in the thread's robust list.
    block: Arc<Block>,
    tasks_at: usize,
    number: usize,
}

thread_local! {
    static HANDS: RefCell<Vec<Hand>> = const { RefCell::new(Vec::new()) };
}

impl Hand {
    /// Not an ancestor's, whose memory this is a copy of.
    fn is_own(&self) -> bool {
        tasks_of(&self.block, self.tasks_at).is_mine(self.number)
    }

    /// No one in this process has the queue any more but for so many handles: no task in it will be done here.
    fn is_let_go_but_for(&self, handles: usize) -> bool {
        Arc::strong_count(&self.block) == 1 + handles
    }
}

/// Also at the thread's end: its tasks are no one's from then on.
impl Drop for Hand {
    fn drop(&mut self) {
        if self.is_own() {
            tasks_of(&self.block, self.tasks_at).leave_hand(self.number);
        }
    }
}

/// The calling thread's hand at these tasks, if it has one.
pub(super) fn own(block: &Arc<Block>) -> Option<usize> {
    // None at the thread's very end.
    let found = HANDS.try_with(|hands| {
        let hands = hands.borrow();
        let hand = hands.iter().find(|hand| lies_at(hand, block))?;
        hand.is_own().then_some(hand.number)
    });
    found.ok().flatten()
}

/// The calling thread's hand at these tasks: that one, or a new one, if one is free. Under the getters' lock.
fn own_or_new(block: &Arc<Block>, tasks_at: usize) -> Option<usize> {
    if let Some(hand) = own(block) {
        return Some(hand);
    }
    let taken = HANDS.try_with(|hands| {
        let mut hands = hands.borrow_mut();
        hands.retain(|hand| hand.is_own() && !hand.is_let_go_but_for(0));
        hands.try_reserve(1).ok()?;
        step::beyond();
        let number = tasks_of(block, tasks_at).take_hand()?;
        hands.push(Hand {
            block: block.clone(),
            tasks_at,
            number,
        });
        Some(number)
    });
    taken.ok().flatten()
}

/// Before a handle is dropped: if it is this process's last one, the calling thread's hand is given back, so that the
/// queue's memory is. What is in it is no one's.
pub(super) fn let_go(block: &Arc<Block>) {
    // Not at the thread's very end, nor while a hand is being taken: then it is when the next one is.
    let _let_go = HANDS.try_with(|hands| {
        if let Ok(mut hands) = hands.try_borrow_mut() {
            hands.retain(|hand| {
                let is_of_it = Arc::ptr_eq(&hand.block, block);
                !(is_of_it && hand.is_own() && hand.is_let_go_but_for(1))
            });
        }
    });
}

/// The same object, through whichever handle.
fn lies_at(hand: &Hand, block: &Block) -> bool {
    hand.block.address() == block.address()
}

/// What is to become of the task that a record is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the caller's hand until it is done.
    InHand,
    /// It has been done.
    Done,
}

/// Gets an item's files, and sees to the task that it is, if the queue counts them.
pub(super) struct Taking<'a> {
    channel: &'a Channel,
    fate: Fate,
    pub receiving: Receiving<'a>,
    hand: Option<usize>,
    /// It was to be counted as done, and could not be: it is in no one's hand.
    uncounted: bool,
}

impl<'a> Taking<'a> {
    pub fn new(channel: &'a Channel, fate: Fate) -> Self {
        Taking {
            channel,
            fate,
            receiving: Receiving::new(channel.shelf()),
            hand: None,
            uncounted: false,
        }
    }

    /// After a record that was to be done has been taken: sees to it that it is counted.
    ///
    /// # Errors
    /// [`GetError::TooManyHeld`], [`GetError::Corrupt`]: it counts as unfinished.
    pub fn counted(self) -> Result<(), GetError> {
        match self.channel.tasks() {
            Some(tasks) if self.uncounted => tasks.done(None).or_else(|refused| match refused {
                DoneRefused::TooOften => Ok(()), // someone has said so of this one
                DoneRefused::TooManyHeld => Err(GetError::TooManyHeld),
                DoneRefused::Corrupt => Err(GetError::Corrupt),
            }),
            _ => Ok(()),
        }
    }
}

impl Escort for Taking<'_> {
    fn room(&mut self) -> Vec<u8> {
        buffer::take()
    }

    fn look(&mut self, record: &Record) -> bool {
        self.receiving.look(record)
    }

    fn begin_take(&mut self, index: u32) {
        let Some(tasks) = self.channel.tasks() else {
            return;
        };
        match self.fate {
            Fate::Done => self.uncounted = tasks.begin_done().is_err(),
            Fate::InHand => self.hand = own_or_new(self.channel.block(), self.channel.tasks_at()),
        }
        if self.fate == Fate::InHand || self.uncounted {
            tasks.begin_take(self.hand, index);
        }
    }

    fn take(&mut self) {
        if let Some(tasks) = self.channel.tasks() {
            if self.fate == Fate::InHand || self.uncounted {
                tasks.end_take(self.hand);
            } else {
                tasks.end_done();
            }
        }
        self.receiving.take();
    }

    fn clear(&mut self) {
        self.receiving.clear();
    }
}
