//! The boss's side of the turn: one run, from the first fork to the last look.
//!
//! One lane moves at a time. The others stand before a step of theirs, blocked on a pipe, or sleep in a
//! futex: really, in the kernel, so that a wake, or a death, wakes them as it would outside. Who was woken is
//! seen, not assumed: [`settle`](Boss::settle) looks at every sleeper after each step that may wake one, and
//! after each kill, until it either says that it is awake or is asleep in the kernel.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;

use super::lane::{self, GO, Now, RING, Report, TIMED_OUT};
use super::schedule::{Choice, MAX_LANES, Plan, Schedule};
use super::stage::{Code, Stage};
use super::trace::{Event, Names, Trace};
use super::turn::{Ended, Run};
use crate::sys::child::{Child, ExitStatus, Signal};
use crate::sys::memory::Mapping;
use crate::sys::step::{Outcome, Step};
use crate::sys::{fork, futex};

/// Beyond this many choices a run is called endless.
const MOST_CHOICES: usize = 20_000;

struct Seat {
    name: String,
    child: Child,
    reports: PipeReader,
    turn: PipeWriter,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Before a step, or before its first.
    Ready(Option<Step>),
    Asleep {
        word: usize,
        timed: bool,
        bell: usize,
    },
    /// Woken, and not yet told to go on.
    Awake {
        timed_out: bool,
    },
    Ended,
    Dead,
}

impl Seat {
    fn can_go(&self) -> bool {
        matches!(self.place, Place::Ready(_) | Place::Awake { .. })
    }

    fn is_over(&self) -> bool {
        matches!(self.place, Place::Ended | Place::Dead)
    }
}

struct Boss {
    seats: Vec<Seat>,
    names: Names,
    made: Vec<Choice>,
    events: Vec<Event>,
    kills: usize,
    /// The lane that went last.
    current: usize,
    failure: Option<Ended>,
}

/// Runs the lanes of a stage as the plan says.
pub(super) fn run(stage: Stage, plan: &Plan) -> io::Result<Run> {
    let mut boss = Boss {
        seats: Vec::new(),
        names: Names::new(stage.names),
        made: Vec::new(),
        events: Vec::new(),
        kills: 0,
        current: 0,
        failure: None,
    };
    for (name, code) in stage.lanes {
        boss.seat(name, code)?;
    }
    boss.play(plan)?;
    boss.dismiss()?;
    let lanes = boss.seats.iter().map(|seat| seat.name.clone()).collect();
    if let (None, Some(code)) = (&boss.failure, stage.finally) {
        boss.look(code)?;
    }
    Ok(Run {
        ended: boss.failure.unwrap_or(Ended::Well),
        schedule: Schedule(boss.made),
        kills: boss.kills,
        trace: Trace {
            lanes,
            events: boss.events,
        },
    })
}

impl Boss {
    /// Forks a lane and waits until it stands at its start.
    fn seat(&mut self, name: String, code: Code) -> io::Result<()> {
        let (reports, lane_reports) = io::pipe()?;
        let (lane_turn, turn) = io::pipe()?;
        let number = self.seats.len();
        // The lane's ends are moved into the child and dropped here, so that the lane's death ends its pipe.
        let bell = &bells()?[number];
        let child = fork::child(move || lane::live(number, bell, lane_reports, lane_turn, code))?;
        self.names.thread(child.pid(), &name);
        let place = Place::Ready(None);
        self.seats.push(Seat {
            name,
            child,
            reports,
            turn,
            place,
        });
        match lane::receive(&mut self.seats[number].reports) {
            Some(Report {
                now: Now::Starting, ..
            }) => Ok(()),
            _ => Err(io::Error::other("a lane died before its first step")),
        }
    }

    fn play(&mut self, plan: &Plan) -> io::Result<()> {
        let mut at = 0;
        while self.failure.is_none() {
            let choice = match plan {
                Plan::Exactly(Schedule(choices)) => match choices.get(at) {
                    Some(&choice) if self.is_possible(choice) => Some(choice),
                    None if !self.seats.iter().any(Seat::can_go) => None,
                    wanted => {
                        self.failure = Some(Ended::Diverged {
                            at,
                            wanted: wanted.copied(),
                        });
                        return Ok(());
                    }
                },
                Plan::About(Schedule(choices)) => {
                    let skipped = choices.get(at..).unwrap_or_default();
                    let skipped = skipped
                        .iter()
                        .take_while(|&&choice| !self.is_possible(choice));
                    at += skipped.count();
                    choices.get(at).copied().or_else(|| self.pick(0))
                }
                Plan::Picks(picks) => self.pick(picks.get(at).copied().unwrap_or(0)),
            };
            at += 1;
            let Some(choice) = choice else { break };
            if self.made.len() == MOST_CHOICES {
                self.failure = Some(Ended::Endless {
                    choices: MOST_CHOICES,
                });
                return Ok(());
            }
            self.make(choice)?;
        }
        let asleep = self.seats.iter().filter_map(|seat| match seat.place {
            Place::Asleep { word, .. } => Some((seat.name.clone(), self.names.place(word))),
            _ => None,
        });
        let asleep: Vec<_> = asleep.collect();
        if self.failure.is_none() && !asleep.is_empty() {
            self.failure = Some(Ended::Deadlock { asleep });
        }
        Ok(())
    }

    fn is_possible(&self, choice: Choice) -> bool {
        let Some(seat) = self.seats.get(choice.lane()) else {
            return false;
        };
        match choice {
            Choice::Go(_) => seat.can_go(),
            Choice::Kill(_) => !seat.is_over(),
            Choice::TimeOut(_) => matches!(seat.place, Place::Asleep { timed: true, .. }),
            Choice::ReturnEarly(_) => matches!(seat.place, Place::Asleep { .. }),
            Choice::Take(_) => false, // it is the kernel that takes
        }
    }

    /// The lane that went last comes first, then the others in order, then those for whom time may pass.
    fn pick(&self, number: u8) -> Option<Choice> {
        let lanes = self.seats.len();
        let order = (0..lanes).map(|lane| (self.current + lane) % lanes);
        let choices = order
            .clone()
            .map(Choice::Go)
            .chain(order.map(Choice::TimeOut));
        let possible: Vec<_> = choices.filter(|&choice| self.is_possible(choice)).collect();
        possible
            .get(number as usize % possible.len().max(1))
            .copied()
    }

    fn make(&mut self, choice: Choice) -> io::Result<()> {
        self.made.push(choice);
        let number = choice.lane();
        let seat = &mut self.seats[number];
        match choice {
            Choice::Go(_) => {
                self.current = number;
                let timed_out = seat.place == Place::Awake { timed_out: true };
                // A lane that is gone cannot be told; its report says so.
                let _gone = seat
                    .turn
                    .write_all(&[if timed_out { TIMED_OUT } else { GO }]);
                self.hear(number)
            }
            Choice::Kill(_) => {
                seat.child.signal(Signal::KILL)?;
                seat.child.wait()?; // the kernel has walked the dead lane's list before it can be waited for
                seat.place = Place::Dead;
                self.kills += 1;
                self.events.push(Event::note(number, "SIGKILL".to_owned()));
                self.settle()
            }
            Choice::TimeOut(_) | Choice::ReturnEarly(_) => {
                let Place::Asleep { bell, .. } = seat.place else {
                    return Ok(());
                };
                if bell == 0 {
                    let _gone = seat.turn.write_all(&[RING]); // as for GO
                } else {
                    // SAFETY: the word's address is the lane's; it is ours too, as the lane was forked from this
                    // process after the set-up had made the object, and the bells. The kernel checks the address.
                    let bell = unsafe { AtomicU32::from_ptr(bell as *mut u32) };
                    futex::wake(bell, 1, lane::bit(number));
                }
                self.settle()?;
                let timed_out = matches!(choice, Choice::TimeOut(_));
                self.seats[number].place = Place::Awake { timed_out };
                let what = if timed_out {
                    "time passes"
                } else {
                    "woken for no reason"
                };
                self.events.push(Event::note(number, what.to_owned()));
                Ok(())
            }
            Choice::Take(_) => unreachable!("never possible"),
        }
    }

    /// Waits until the lane that moves stands still again.
    fn hear(&mut self, number: usize) -> io::Result<()> {
        let seat = &mut self.seats[number];
        let Some(report) = lane::receive(&mut seat.reports) else {
            let status = seat.child.wait()?;
            seat.place = Place::Dead;
            let lane = seat.name.clone();
            self.failure = Some(Ended::LaneEnded {
                lane,
                status: status.code(),
            });
            return Ok(());
        };
        let mut woke = false;
        if let Some((step, outcome)) = report.last {
            woke = matches!(outcome, Outcome::Woke(count) if count > 0);
            self.events.push(self.names.event(number, &step, &outcome));
        }
        let seat = &mut self.seats[number];
        match report.now {
            Now::Starting => unreachable!("a lane starts once"),
            Now::Before(step) => seat.place = Place::Ready(Some(step)),
            Now::Awake => seat.place = Place::Awake { timed_out: false },
            Now::FallingAsleep { word, timed, bell } => {
                seat.place = Place::Asleep { word, timed, bell };
                self.events.push(Event::note(
                    number,
                    format!("sleeps on {}", self.names.place(word)),
                ));
                self.settle()?;
            }
            Now::Ended => {
                seat.place = Place::Ended;
                seat.child.wait()?; // its end closes what it has open, which may wake others
                self.settle()?;
            }
            Now::Panicked(text) => {
                seat.place = Place::Ended;
                let lane = seat.name.clone();
                self.events
                    .push(Event::note(number, format!("panics: {text}")));
                self.failure = Some(Ended::Panicked { lane, text });
            }
        }
        if woke { self.settle() } else { Ok(()) }
    }

    /// Waits until every sleeper is asleep in the kernel, or has said that it is awake.
    ///
    /// A lane that says it is falling asleep makes no other call that sleeps before the futex's; and one
    /// that was woken is running until it has said so. So what is asleep and has said nothing is in its wait.
    fn settle(&mut self) -> io::Result<()> {
        for number in 0..self.seats.len() {
            while matches!(self.seats[number].place, Place::Asleep { .. }) {
                let seat = &mut self.seats[number];
                if seat.has_spoken()? {
                    match lane::receive(&mut seat.reports) {
                        Some(Report {
                            now: Now::Awake, ..
                        }) => {
                            seat.place = Place::Awake { timed_out: false };
                            self.events.push(Event::note(number, "wakes".to_owned()));
                        }
                        _ => {
                            return Err(io::Error::other(
                                "a sleeping lane was killed by someone else",
                            ));
                        }
                    }
                } else if seat.is_asleep()? && !seat.has_spoken()? {
                    break;
                } else {
                    std::thread::yield_now();
                }
            }
        }
        Ok(())
    }

    /// Ends the lanes that are left, and waits for all.
    fn dismiss(&mut self) -> io::Result<()> {
        for seat in &mut self.seats {
            if !seat.is_over() {
                seat.child.signal(Signal::KILL)?;
            }
            let status = seat.child.wait()?;
            if seat.place == Place::Ended
                && status != ExitStatus::Exited(0)
                && self.failure.is_none()
            {
                let lane = seat.name.clone();
                self.failure = Some(Ended::LaneEnded {
                    lane,
                    status: status.code(),
                });
            }
        }
        Ok(())
    }

    /// The last look, alone.
    fn look(&mut self, code: Code) -> io::Result<()> {
        let (events, made, lanes) = (self.events.len(), self.made.len(), self.seats.len());
        self.seat("finally".to_owned(), code)?;
        while self.failure.is_none() && self.seats[lanes].can_go() {
            self.make(Choice::Go(lanes))?;
        }
        if let (None, Place::Asleep { word, .. }) = (&self.failure, &self.seats[lanes].place) {
            let asleep = vec![("finally".to_owned(), self.names.place(*word))];
            self.failure = Some(Ended::Deadlock { asleep });
        }
        self.dismiss()?;
        self.seats.truncate(lanes);
        self.made.truncate(made);
        self.events.truncate(events);
        Ok(())
    }
}

/// A word for each lane, and one for the last look: made once, as the boss's process is gone after its runs.
fn bells() -> io::Result<&'static [AtomicU32; MAX_LANES + 1]> {
    static BELLS: OnceLock<Mapping> = OnceLock::new();
    let mapping = match BELLS.get() {
        Some(mapping) => mapping,
        None => {
            let made = Mapping::create(size_of::<[AtomicU32; MAX_LANES + 1]>())?;
            BELLS.get_or_init(|| made)
        }
    };
    // SAFETY: page-aligned zeroes of that size, mapped for good, used through atomics only.
    Ok(unsafe { &*mapping.start().cast() })
}

impl Seat {
    fn has_spoken(&self) -> io::Result<bool> {
        crate::sys::poll::readable(self.reports.as_fd(), Some(std::time::Duration::ZERO))
    }

    /// Whether the kernel has it asleep (proc(5), `stat`: the letter behind the name in parentheses).
    fn is_asleep(&self) -> io::Result<bool> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.pid()))?;
        Ok(stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('S')))
    }
}
