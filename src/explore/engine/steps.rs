//! What the board learns from a lane's step.

use super::board::{Board, FILES, MOST_HELD, life_place, queue_place, word_place};
use super::spin::Spin;
use crate::sys::step::{Access, Outcome, Step};

/// Whether the access may change the memory at its address.
fn may_write(access: Access) -> bool {
    matches!(
        access,
        Access::Store { .. }
            | Access::Swap { .. }
            | Access::CompareExchange { .. }
            | Access::Add { .. }
            | Access::Sub { .. }
            | Access::Write { .. }
            | Access::Hold
            | Access::LetGo
            | Access::UpdateAndWakeAll { .. }
            | Access::StoreWide { .. }
            | Access::SwapWide { .. }
            | Access::CompareExchangeWide { .. }
            | Access::AddWide { .. }
    )
}

/// Whether the access is one to memory at the step's address.
pub(super) fn has_memory(access: Access) -> bool {
    may_write(access)
        || matches!(
            access,
            Access::Load | Access::LoadWide | Access::Read { .. }
        )
}

/// Whether the access is one to what a user has put there.
fn is_content(access: Access) -> bool {
    matches!(access, Access::Read { .. } | Access::Write { .. })
}

fn is_wide(access: Access) -> bool {
    matches!(
        access,
        Access::LoadWide
            | Access::StoreWide { .. }
            | Access::SwapWide { .. }
            | Access::CompareExchangeWide { .. }
            | Access::AddWide { .. }
            | Access::Read { bytes: 8 }
            | Access::Write { bytes: 8, .. }
    )
}

impl Board {
    /// A lane is about to make a step: `was` is what stands in the eight bytes that it lies in.
    pub fn before(&mut self, step: &Step, was: u64) {
        if !self.last_look && self.is_worth_telling(step) {
            self.moves[self.making].step = Some((*step, None));
        }
        if may_write(step.access) {
            let kept = self.is_shared(step.address) && self.undo.push((step.address & !7, was));
            self.beyond |= !kept;
        }
    }

    /// Of a move of several steps the last one to the object's content is told, if there is any.
    fn is_worth_telling(&self, step: &Step) -> bool {
        match &self.moves[self.making].step {
            None => true,
            Some((told, _)) if told.access == Access::Ask => false,
            Some((told, _)) => is_content(step.access) || !is_content(told.access),
        }
    }

    /// It has made it: `was` and `is` are what stood in the eight bytes before and after.
    pub fn after(&mut self, lane: usize, step: &Step, outcome: Outcome, was: u64, is: u64) {
        if !self.last_look
            && let Some((noted, seen)) = &mut self.moves[self.making].step
            && noted == step
        {
            *seen = Some(outcome);
        }
        if has_memory(step.access) {
            self.learn(step.address, is);
        }
        match step.access {
            Access::Announce => {
                self.seats[lane].announced = step.address;
                self.keep_known(step.address, is);
            }
            Access::Withdraw => self.seats[lane].announced = 0,
            Access::Link => {
                let room = self.seats[lane].held.push(step.address);
                assert!(
                    room,
                    "under control a lane holds at most {} locks",
                    MOST_HELD
                );
            }
            Access::Unlink => {
                let held = &mut self.seats[lane].held;
                if let Some(at) = held.iter().rposition(|&node| node == step.address) {
                    held.remove(at);
                }
            }
            // The words of a wait and the queue of a wake are touched where they are looked at.
            Access::PrepareLink
            | Access::LookUp { .. }
            | Access::Wake { .. }
            | Access::Wait { .. }
            | Access::WaitAny { .. } => {}
            // What they do commutes with all that others do.
            Access::Hold | Access::LetGo => {}
            // Touched where it is done.
            Access::Start
            | Access::Join { .. }
            | Access::Signal { .. }
            | Access::Ask
            | Access::Print { .. }
            | Access::Exit => {}
            Access::Send | Access::Receive | Access::HangUp => {
                self.looks_at_files();
                match outcome {
                    Outcome::Woke(_) => self.files_changed(),
                    _ => self.touch(FILES, true),
                }
            }
            Access::Poll { .. } => self.looks_at_files(),
            access => {
                let words = if is_wide(access) { 2 } else { 1 };
                let changed = was != is;
                for word in 0..words {
                    let place = word_place(step.address) + word;
                    self.touch(place, changed);
                    if changed {
                        self.written(place);
                    }
                }
                if changed {
                    self.seats[lane].spin = Spin::NEW;
                } else {
                    self.seats[lane].spin.read(word_place(step.address), is);
                }
            }
        }
    }

    /// A lane looks at open files: what it sees hangs on who else has them open, too.
    pub fn looks_at_files(&mut self) {
        self.beyond = true;
        self.touch(FILES, false);
        for lane in 0..self.lanes {
            self.touch(life_place(lane), false);
        }
    }

    /// A lane compares a word before it sleeps on it.
    pub fn looks_to_sleep(&mut self, address: usize) {
        self.touch(word_place(address), false);
        self.touch(queue_place(address), true);
    }
}
