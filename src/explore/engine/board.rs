//! What the holder of the turn reads and writes: where each lane is, what was chosen so far, and what each choice touched.

use super::boss::Finish;
use super::calls::Calls;
use super::course::Course;
use super::list::List;
use super::spin::Spin;
use crate::explore::dice::Dice;
use crate::explore::schedule::{Choice, MAX_LANES};
use crate::explore::search::{Choices, Lanes, Touch};
use crate::sys::memory::Identity;
use crate::sys::oversight::Made;
use crate::sys::step::{Outcome, Step};

/// Beyond this many choices a run is cut off.
pub(super) const MOST_MOVES: usize = 20_000;
/// Places that a move may touch: a death that wakes touches most, or a sleep on many words.
pub(super) const MOST_TOUCHES: usize = 1_024;
/// Locks that a lane may hold at once under control.
pub(super) const MOST_HELD: usize = 128;

/// Four bytes of memory, by their address.
pub(super) fn word_place(address: usize) -> u64 {
    address as u64 >> 2
}

/// Who sleeps on a word.
pub(super) fn queue_place(address: usize) -> u64 {
    1 << 62 | address as u64 >> 2
}

/// Whether a lane's thread lives.
pub(super) fn life_place(lane: usize) -> u64 {
    1 << 61 | lane as u64
}

/// Everything behind file descriptors.
pub(super) const FILES: u64 = 1 << 60;
/// What is printed.
pub(super) const OUTPUT: u64 = FILES + 1;
/// Who has which seat.
pub(super) const SEATS: u64 = FILES + 2;
/// Room for what a run prints.
const MOST_OUTPUT: usize = 1 << 16;
/// Shared memory that a program may map.
const MOST_MAPS: usize = 256;

/// One choice of a run, and what came of it.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub choice: Choice,
    pub possible: Choices,
    /// The step that a lane made when it went, and what it saw.
    pub step: Option<(Step, Option<Outcome>)>,
    /// It ended with the lane asleep.
    pub fell_asleep: bool,
    /// Lanes that could not go before, and can because of it.
    pub wakes: Lanes,
    /// Where its touches begin in the board's list, and how many there are.
    pub first_touch: u32,
    pub touches: u32,
}

/// Where a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Before its first step.
    Start,
    /// Before a step.
    Ready,
    Asleep {
        timed: bool,
        /// On open files, not on words.
        files: bool,
    },
    /// Woken, and not gone on yet.
    Awake {
        timed_out: bool,
    },
    Ended,
    Dead,
}

/// A lane, or the last look.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    pub place: Place,
    /// The thread's id.
    pub id: u32,
    /// Its moves so far.
    pub made: u32,
    /// The words that it sleeps on, or was woken from and has not gone on since.
    pub queues: List<usize, { crate::world::WAIT_ANY_MAX }>,
    /// Who has slept longer has the smaller number.
    pub asleep_since: u32,
    pub early_returns: u32,
    /// The nodes in its robust list, the newest last.
    pub held: List<usize, MOST_HELD>,
    /// The announced node, or 0.
    pub announced: usize,
    pub spin: Spin,
    /// It is killed when this lane is gone.
    pub ends_with: Option<usize>,
    /// The pieces of memory that it was the first to map.
    pub mapped: u32,
    /// It does nothing but what others ask of it.
    pub serves: bool,
    /// It has asked such a one, and has no answer yet.
    pub is_asking: bool,
}

impl Seat {
    pub const EMPTY: Seat = Seat {
        place: Place::Ended,
        id: 0,
        made: 0,
        queues: List::EMPTY,
        asleep_since: 0,
        early_returns: 0,
        held: List::EMPTY,
        announced: 0,
        spin: Spin::NEW,
        ends_with: None,
        mapped: 0,
        serves: false,
        is_asking: false,
    };

    fn reset(&mut self, place: Place) {
        self.place = place;
        self.made = 0;
        self.queues.clear();
        self.asleep_since = 0;
        self.early_returns = 0;
        self.held.clear();
        self.announced = 0;
        self.spin = Spin::NEW;
        self.ends_with = None;
        self.mapped = 0;
        self.serves = false;
        self.is_asking = false;
    }

    pub fn is_over(&self) -> bool {
        matches!(self.place, Place::Ended | Place::Dead)
    }
}

/// Why a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// No lane can move: each has ended, was killed, or is asleep.
    Still,
    /// All that could be chosen has been explored elsewhere.
    Redundant,
    TooLong,
    Diverged {
        at: usize,
        wanted: Option<Choice>,
    },
    /// In a lane, or in the last look.
    Panicked {
        seat: usize,
    },
    /// The last look fell asleep.
    LastLookSleeps,
}

/// What the boss is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    /// The lane is to be killed.
    Kill(usize),
    /// The lane is about to exit.
    Exit(usize),
    /// Another lane sends it this signal.
    Signal(usize, i32),
    Over(Over),
}

#[repr(C)]
pub(super) struct Board {
    /// The lanes that the program begins with.
    pub fixed: usize,
    /// And those that were started since.
    pub lanes: usize,
    /// What the latter are called.
    pub titles: [List<u8, 40>; MAX_LANES],
    pub output: List<u8, MOST_OUTPUT>,
    /// Memory by its identity, and the address that stands for it in all lanes; first what was there before them.
    pub maps: List<(Identity, usize), MOST_MAPS>,
    pub fixed_maps: usize,
    /// What stands in words that lanes have announced, in memory that they have mapped: the boss cannot look.
    pub known: List<(usize, u32), MOST_MAPS>,
    /// What the lanes have made, in this order.
    pub made: List<Made, 128>,
    /// The lanes', and the last look's.
    pub seats: [Seat; MAX_LANES + 1],
    pub wanted: Wanted,
    /// How the run ended, once it has.
    pub finish: Finish,
    /// The lane that went last.
    pub current: usize,
    /// The move that is being made.
    pub making: usize,
    /// Choices of the course's prefix that were made or passed over.
    pub at: usize,
    /// A wake was to take whom it cannot.
    pub diverges: bool,
    /// Moves that the sleep set has seen.
    pub settled: usize,
    pub dice: Dice,
    pub falls: u32,
    /// All lanes are over: only the last look moves, and nothing of it is noted.
    pub last_look: bool,
    /// The lanes' processes end with their code, as what they have open must be closed then.
    pub lanes_exit: bool,
    /// The calls of objects that have a lock of their own are one move each.
    pub whole_calls: bool,
    /// Something has changed that cannot be taken back.
    pub beyond: bool,
    pub panic: List<u8, 2_048>,
    pub calls: Calls,
    pub course: Course,
    pub moves: List<Move, MOST_MOVES>,
    pub touches: List<Touch, { 2 * MOST_MOVES }>,
    /// Eight bytes each, as they were before they were written.
    pub undo: List<(usize, u64), MOST_MOVES>,
    /// The shared memory that was there when the lanes were forked: from, to.
    pub shared: List<(usize, usize), 64>,
}

impl Board {
    /// Makes a board of zeroes, where a list is empty, a board.
    ///
    /// # Safety
    /// `at` is memory of zeroes for a board, and the caller's alone.
    pub unsafe fn lay_out(at: *mut Board) {
        // SAFETY: within the board, by the caller's word; what is written needs no destructor.
        unsafe {
            (&raw mut (*at).seats).write([Seat::EMPTY; MAX_LANES + 1]);
            (&raw mut (*at).wanted).write(Wanted::Nothing);
            (&raw mut (*at).finish).write(Finish::Stuck);
            Course::lay_out(&raw mut (*at).course);
        }
    }

    /// The start of a run: every lane before its first step.
    pub fn begin(&mut self) {
        let lanes = self.fixed;
        self.lanes = lanes;
        self.output.clear();
        self.made.clear();
        self.known.clear();
        self.titles.iter_mut().for_each(List::clear);
        self.maps.truncate(self.fixed_maps);
        for (number, seat) in self.seats.iter_mut().enumerate() {
            seat.reset(if number < lanes {
                Place::Start
            } else {
                Place::Ended
            });
        }
        self.wanted = Wanted::Nothing;
        (self.current, self.making, self.at, self.settled) = (0, 0, 0, 0);
        self.falls = 0;
        self.diverges = false;
        self.last_look = false;
        self.dice = Dice::new(self.course.seed);
        self.panic.clear();
        self.calls.clear();
        self.moves.clear();
        self.touches.clear();
    }

    /// The lanes that have neither ended nor died.
    pub fn alive(&self) -> Lanes {
        let mut alive = Lanes::NONE;
        for lane in (0..self.lanes).filter(|&lane| !self.seats[lane].is_over()) {
            alive.add(lane);
        }
        alive
    }

    /// The touches of a move.
    pub fn touches_of(&self, number: usize) -> &[Touch] {
        let made = &self.moves[number];
        let first = made.first_touch as usize;
        &self.touches[first..first + made.touches as usize]
    }

    /// The move that is being made touches a place.
    pub fn touch(&mut self, place: u64, write: bool) {
        let touch = Touch { place, write };
        if self.last_look || self.touches_of(self.making).contains(&touch) {
            return;
        }
        let made = &mut self.moves[self.making];
        if made.touches == 0 {
            made.first_touch = self.touches.len() as u32;
        }
        let noted = self.touches.push(touch);
        assert!(noted, "a move touches at most {MOST_TOUCHES} places");
        self.moves[self.making].touches += 1;
    }

    /// The move that is being made lets these lanes move.
    pub fn wakes(&mut self, lane: usize) {
        if !self.last_look {
            self.moves[self.making].wakes.add(lane);
        }
    }

    pub fn is_shared(&self, address: usize) -> bool {
        self.shared
            .iter()
            .any(|&(from, to)| (from..to).contains(&address))
    }
}
