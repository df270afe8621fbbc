//! Calls on an object that is judged, as lanes make them: noted on the board, in the order in which they begin and return.
//!
//! A call begins with its first step, and not before: until then its lane may as well be elsewhere. It returns with its
//! last one. So no two calls are taken to be open at once that a caller could have told apart.
//!
//! # For the reduction
//! Whether one call returned before another began is part of what is judged, and steps that else commute decide it. So
//! the end of a lane's call writes a place of its own, and the beginning of another lane's reads it: the two do not
//! commute. Two beginnings do, and two ends: what was before what is the same in either order.

use super::board::Board;
use super::list::List;

/// Calls of a run.
const MOST_CALLS: usize = 512;
/// What they and their returns take, serialised, in bytes.
const MOST_BYTES: usize = 1 << 16;

/// On the board.
#[repr(C)]
pub(super) struct Calls {
    noted: List<Noted, MOST_CALLS>,
    bytes: List<u8, MOST_BYTES>,
    /// Beginnings and ends so far.
    moments: u32,
}

#[derive(Clone, Copy)]
struct Noted {
    lane: usize,
    call: Part,
    begun: Moment,
    returned: Option<(Part, Moment)>,
}

/// Where something stands among the bytes.
#[derive(Clone, Copy)]
struct Part {
    from: u32,
    to: u32,
}

/// When it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::explore) struct Moment {
    /// Of all beginnings and ends.
    pub number: u32,
    /// The moves that stand before it: not the one that a call begins with, but the one that it returns with.
    pub moves: usize,
}

/// A call, as it is told.
pub(in crate::explore) struct Called<'a> {
    pub lane: usize,
    pub call: &'a [u8],
    pub begun: Moment,
    pub returned: Option<(&'a [u8], Moment)>,
}

impl Calls {
    pub fn clear(&mut self) {
        self.noted.clear();
        self.bytes.clear();
        self.moments = 0;
    }

    /// In the order of their beginnings.
    pub fn all(&self) -> impl Iterator<Item = Called<'_>> {
        let part = |part: Part| &self.bytes[part.from as usize..part.to as usize];
        self.noted.iter().map(move |noted| Called {
            lane: noted.lane,
            call: part(noted.call),
            begun: noted.begun,
            returned: noted.returned.map(|(value, at)| (part(value), at)),
        })
    }

    fn keep(&mut self, bytes: &[u8]) -> Part {
        let from = self.bytes.len() as u32;
        let room = bytes.iter().all(|&byte| self.bytes.push(byte));
        assert!(
            room,
            "the calls of a run and what they return take at most {MOST_BYTES} bytes"
        );
        let to = self.bytes.len() as u32;
        Part { from, to }
    }

    fn moment(&mut self, moves: usize) -> Moment {
        self.moments += 1;
        Moment {
            number: self.moments,
            moves,
        }
    }
}

/// Of the end of calls of a lane that the stage has, or, by the number behind these, of one that another has started.
fn end_place(lane: usize) -> u64 {
    1 << 59 | lane as u64
}

impl Board {
    /// A call of the lane begins, behind so many moves.
    ///
    /// # Panics
    /// If there is no room for it.
    pub fn call_begins(&mut self, lane: usize, call: &[u8], moves: usize) {
        for other in (0..=self.fixed).filter(|&other| other != lane) {
            self.touch(end_place(other), false);
        }
        let call = self.calls.keep(call);
        let begun = self.calls.moment(moves);
        let noted = self.calls.noted.push(Noted {
            lane,
            call,
            begun,
            returned: None,
        });
        assert!(noted, "the lanes of a run make at most {MOST_CALLS} calls");
    }

    /// The call of the lane that is open has returned.
    ///
    /// # Panics
    /// If there is no room for what it returned.
    pub fn call_returns(&mut self, lane: usize, value: &[u8]) {
        self.touch(end_place(lane.min(self.fixed)), true);
        let value = self.calls.keep(value);
        let returned = self.calls.moment(self.moves.len());
        let mut noted = self.calls.noted.iter_mut().rev();
        let open = noted.find(|noted| noted.lane == lane);
        open.expect("a call begins before it returns").returned = Some((value, returned));
    }
}
