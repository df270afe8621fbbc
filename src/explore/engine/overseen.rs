//! A lane's side of what it does with other processes: those that it starts become lanes, too.

use std::cell::RefCell;
use std::io;
use std::mem::ManuallyDrop;

use super::board::Wanted;
use super::family::life_address;
use super::lane::{Lane, with_lane};
use crate::sys::child::Signal;
use crate::sys::futex::has_passed;
use crate::sys::memory::Identity;
use crate::sys::oversight::{Made, Overseer, Seat};
use crate::sys::step::{Access, Outcome, Step};
use crate::world::{Deadline, Woken};

pub(super) static OVERSEER: Overseer = Overseer {
    is_overseen: Lane::is_here,
    start,
    started,
    forked: Lane::leave_to_parent,
    born: |Seat(seat)| Lane::join_as(seat),
    await_end,
    signal,
    print,
    mapped,
    made,
    serves,
    asks,
};

thread_local! {
    /// The shared memory that this process has mapped since it has been a lane: from, bytes, and the address that stands
    /// for it in all lanes.
    /// Never dropped: what is done at exit(3) is done under control, too.
    static MAPS: ManuallyDrop<RefCell<Vec<(usize, usize, usize)>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// The address that all lanes have for what lies at this one here.
pub(super) fn known_as(address: usize) -> usize {
    MAPS.with(|maps| {
        let maps = maps.borrow();
        // What was mapped later lies where something else has lain.
        let within = maps.iter().rev().find_map(|&(from, bytes, base)| {
            let offset = address.checked_sub(from)?;
            (offset < bytes).then_some(base + offset)
        });
        within.unwrap_or(address)
    })
}

fn mapped(from: usize, bytes: usize, identity: Identity) {
    let base = with_lane(|lane| {
        let seat = lane.seat;
        lane.turn().base_of(seat, identity)
    });
    if let Some(base) = base {
        MAPS.with(|maps| maps.borrow_mut().push((from, bytes, base)));
    }
}

fn made(object: &Made) {
    let address = known_as(object.address);
    with_lane(|lane| {
        lane.turn().made.push(Made { address, ..*object }); // without room it has no name
    });
}

fn serves() {
    with_lane(|lane| {
        let seat = lane.seat;
        lane.turn().seats[seat].serves = true;
    });
}

/// The question is a step of its own; all that comes of it belongs to that, where calls are whole.
fn asks(begins: bool) {
    with_lane(|lane| {
        let seat = lane.seat;
        if begins {
            lane.before(&Step {
                access: Access::Ask,
                address: 0,
            });
        }
        lane.turn().seats[seat].is_asking = begins;
    });
}

fn start(title: &str, ends_with_parent: bool) -> io::Result<Option<Seat>> {
    let seat = with_lane(|lane| {
        lane.before(&STARTS);
        let starter = lane.seat;
        lane.turn().admit(starter, title, ends_with_parent)
    });
    Ok(seat.transpose()?.map(Seat))
}

const STARTS: Step = Step {
    access: Access::Start,
    address: 0,
};

fn started(Seat(seat): Seat, pid: Option<u32>) {
    with_lane(|lane| {
        lane.has_children = true;
        lane.control.set_started(seat, pid.unwrap_or(0));
        lane.turn().is_started(seat, pid);
        lane.after(&STARTS, Outcome::Saw(seat as u64));
    });
}

/// A join of another lane: with the schedule for a clock, as each sleep.
fn await_end(pid: u32, until: Option<Deadline>) -> Option<bool> {
    with_lane(|lane| {
        let other = lane.turn().lane_of(pid)?;
        let timed = until.is_some();
        let step = Step {
            access: Access::Join { timed },
            address: life_address(other),
        };
        let only_looks = until.is_some_and(has_passed);
        lane.before(&step);
        let ended = loop {
            if lane.turn().looks_for_end(other) {
                break true;
            }
            if only_looks {
                break false;
            }
            if lane.sleep(std::iter::once(step.address), timed) == Woken::TimedOut {
                break false;
            }
        };
        let woken = match ended {
            true => Woken::Perhaps,
            false => Woken::TimedOut,
        };
        lane.after(&step, Outcome::Waited(woken));
        Some(ended)
    })
    .flatten()
}

/// The boss sends it: if it ends the other lane, that is a death like others.
fn signal(pid: u32, signal: Signal) -> bool {
    let overseen = with_lane(|lane| {
        let Some(other) = lane.turn().lane_of(pid) else {
            return false;
        };
        let step = Step {
            access: Access::Signal { number: signal.0 },
            address: life_address(other),
        };
        lane.before(&step);
        lane.after(&step, Outcome::Done);
        if !lane.turn().looks_for_end(other) {
            lane.ask_boss(Wanted::Signal(other, signal.0));
        }
        true
    });
    overseen == Some(true)
}

fn print(text: &str) -> bool {
    let printed = with_lane(|lane| {
        lane.before(&Step {
            access: Access::Print { from: 0, bytes: 0 },
            address: 0,
        });
        lane.turn().print(text);
    });
    printed.is_some()
}

/// At exit(3), after all else that is to be done then.
pub(super) extern "C" fn at_exit() {
    Lane::take_leave();
}
