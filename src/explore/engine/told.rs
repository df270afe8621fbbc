//! What is told of a run, from what stands on the board: to the search, and to a person.

use super::board::{Board, Move, Over, Place};
use super::boss::Finish;
use crate::explore::calls::{Judge, Opinion};
use crate::explore::run::{Ended, Run};
use crate::explore::schedule::{Choice, Schedule};
use crate::explore::search::{self, End, Record};
use crate::explore::stage::Stage;
use crate::explore::trace::{Event, Names, Trace};
use crate::sys::step::Outcome;

/// What the search looks at, of a run that ended so.
pub(in crate::explore) fn record(board: &Board, ended: &Ended) -> Record<Ended> {
    let moves = board
        .moves
        .iter()
        .enumerate()
        .map(|(number, made)| search::Move {
            choice: made.choice,
            possible: made.possible,
            touches: board.touches_of(number).to_vec(),
            wakes: made.wakes,
        });
    let end = match board.finish {
        Finish::Over(Over::Still) if *ended == Ended::Well => End::Well,
        Finish::Over(Over::Redundant) => End::Redundant,
        Finish::Over(Over::TooLong) => End::TooLong,
        Finish::Over(Over::Diverged { .. }) => End::Diverged,
        Finish::Over(Over::Still | Over::Panicked { .. } | Over::LastLookSleeps)
        | Finish::Deadlock
        | Finish::LaneEnded { .. }
        | Finish::Stuck => End::Failed(ended.clone()),
    };
    Record {
        moves: moves.collect(),
        end,
        left: board.possible(),
        alive: board.alive(),
    }
}

/// How many steps the lanes made.
pub(in crate::explore) fn steps(board: &Board) -> usize {
    board
        .moves
        .iter()
        .filter(|made| made.step.is_some())
        .count()
}

/// What a person reads; `in_full`: with the trace of a run that went well, too.
pub(in crate::explore) fn run(board: &Board, stage: &Stage, in_full: bool) -> Run {
    let started = (board.fixed..board.lanes).map(|lane| board.title(lane));
    let lanes: Vec<String> = stage.lanes.iter().cloned().chain(started).collect();
    let judge = stage.judge.as_deref();
    let names = Names {
        objects: &stage.names,
        lanes: &lanes,
        ids: std::array::from_fn(|lane| board.seats[lane].id),
        output: &board.output,
        made: &board.made,
    };
    let name = |seat: usize| lanes.get(seat).map_or("finally", String::as_str).to_owned();
    let text = String::from_utf8_lossy(&board.panic).into_owned();
    let ended = match board.finish {
        Finish::Over(Over::Still) => judge.map_or(Ended::Well, |judge| {
            match judge.judge(&lanes, &mut board.calls.all()) {
                Opinion::Explained => Ended::Well,
                Opinion::Illegal(why) => Ended::Illegal { why },
                Opinion::Unknown(tried) => Ended::Unjudged { tried },
            }
        }),
        Finish::Over(Over::Redundant) => Ended::Well,
        Finish::Over(Over::TooLong) => Ended::Endless {
            choices: board.moves.len(),
        },
        Finish::Over(Over::Diverged { at, wanted }) => Ended::Diverged { at, wanted },
        Finish::Over(Over::Panicked { seat }) => Ended::Panicked {
            lane: name(seat),
            text: text.clone(),
        },
        Finish::Over(Over::LastLookSleeps) => Ended::Deadlock {
            asleep: vec![("finally".to_owned(), "what no one will wake".to_owned())],
        },
        Finish::Deadlock => Ended::Deadlock {
            asleep: asleep(board, &names),
        },
        Finish::LaneEnded { lane, status } => Ended::LaneEnded {
            lane: name(lane),
            status,
        },
        Finish::Stuck => Ended::Stuck,
    };
    let mut events = Vec::new();
    if in_full || ended != Ended::Well {
        let calls = judge.map(|judge| call_events(board, judge));
        let mut calls = calls.unwrap_or_default().into_iter().peekable();
        for (number, made) in board.moves.iter().enumerate() {
            while let Some((_, call)) = calls.next_if(|(moves, _)| *moves <= number) {
                events.push(call);
            }
            events.extend(event(made, &names));
        }
        events.extend(calls.map(|(_, call)| call));
        if let Finish::Over(Over::Panicked { seat }) = board.finish
            && seat < lanes.len()
        {
            events.push(Event::note(seat, format!("panics: {text}")));
        }
    }
    let kills = board
        .moves
        .iter()
        .filter(|made| matches!(made.choice, Choice::Kill(_)));
    Run {
        ended,
        kills: kills.count(),
        schedule: Schedule(board.moves.iter().map(|made| made.choice).collect()),
        trace: Trace { lanes, events },
    }
}

/// The calls and their returns, each behind so many moves.
fn call_events(board: &Board, judge: &dyn Judge) -> Vec<(usize, Event)> {
    let mut events = Vec::new();
    for called in board.calls.all() {
        let text = format!("calls {}", judge.tell_call(called.call));
        events.push((called.begun, Event::note(called.lane, text)));
        if let Some((value, at)) = called.returned {
            let text = format!("returns {}", judge.tell_return(value));
            events.push((at, Event::note(called.lane, text)));
        }
    }
    events.sort_by_key(|(at, _)| at.number);
    events
        .into_iter()
        .map(|(at, event)| (at.moves, event))
        .collect()
}

/// Who sleeps, on what.
fn asleep(board: &Board, names: &Names) -> Vec<(String, String)> {
    let seats = names.lanes.iter().zip(&board.seats);
    let asleep = seats.filter(|(_, seat)| matches!(seat.place, Place::Asleep { .. }));
    asleep
        .map(|(name, seat)| {
            let first = seat.queues.first().copied().unwrap_or(0);
            (name.clone(), names.place(first))
        })
        .collect()
}

fn event(made: &Move, names: &Names) -> Option<Event> {
    let lane = made.choice.lane();
    match (made.choice, &made.step) {
        (Choice::Kill(_), _) => Some(Event::note(lane, "SIGKILL".to_owned())),
        (Choice::TimeOut(_), _) => Some(Event::note(lane, "time passes".to_owned())),
        (Choice::ReturnEarly(_), _) => Some(Event::note(lane, "wakes for no reason".to_owned())),
        (Choice::Take(_), _) => Some(Event::note(lane, "is the one that is woken".to_owned())),
        (Choice::Go(_), Some((step, _))) if made.fell_asleep => {
            let place = names.place(step.address);
            Some(Event::note(lane, format!("sleeps on {place}")))
        }
        (Choice::Go(_), Some((step, outcome))) => {
            Some(names.event(lane, step, &outcome.unwrap_or(Outcome::Done)))
        }
        (Choice::Go(_), None) => None,
    }
}
