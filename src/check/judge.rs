//! The search for an order of calls that explains what was seen.
//!
//! Depth first, one call at a time from the front of the lanes, with a memory of what was reached before: a
//! set of positions and a state that led nowhere once leads nowhere again, however it was reached. That is
//! Wing and Gong's search with Lowe's caching ("Testing for linearizability", 2017).
//!
//! # Invariants
//! 1. The path is a legal order of the calls before its positions.
//! 2. What is remembered is on the path, or has been searched to its end in vain.

use std::collections::HashSet;
use std::fmt::Write;

use super::{History, Place, Spec};

/// What the judge says.
#[derive(Debug)]
pub enum Verdict<S: Spec> {
    /// These calls, in this order, explain all that was seen. A pending call that is not among them did not
    /// take effect.
    Ok(Vec<Place>),
    Illegal(Dilemma<S>),
    /// The budget was used up before an answer was found.
    Unknown {
        searched: usize,
    },
}

/// No order explains what was seen: the longest legal one, and why it could not go on.
#[derive(Debug)]
pub struct Dilemma<S: Spec> {
    pub prefix: Vec<Place>,
    /// After the prefix.
    pub state: S::State,
    /// The calls that would have come next, each as it should have returned. Empty: all calls are in the
    /// prefix, and it is the end that differs.
    pub next: Vec<(Place, S::Return)>,
}

/// A set of positions, reached by a path, in a state.
struct Frame<S: Spec> {
    positions: Vec<u32>,
    state: S::State,
    /// How it was reached from the frame before: None at the start, and for a pending call left out.
    by: Option<Place>,
    /// The next choice to try: two for each lane, to take its next call and to leave it out.
    choice: usize,
}

/// Whether some order of the calls, keeping each lane's own, explains every return and the end. Looks at no
/// more than `budget` combinations of positions and state.
///
/// # Panics
/// If a lane has 2^32 calls, or if the spec does.
pub fn judge<S: Spec>(history: &History<S>, budget: usize) -> Verdict<S> {
    let first = Frame::<S> {
        positions: vec![0; history.lanes.len()],
        state: history.start.clone(),
        by: None,
        choice: 0,
    };
    let mut searched = HashSet::from([(first.positions.clone(), first.state.clone())]);
    let mut longest = Longest::none(&first.state);
    let mut path = vec![first];
    while let Some(top) = path.last_mut() {
        if top.choice == 0 {
            if done(history, top) {
                return Verdict::Ok(order(&path));
            }
            longest.look(&path);
        }
        let top = path.last_mut().expect("looked at above");
        if top.choice == 2 * history.lanes.len() {
            path.pop(); // by invariant 2 it stays remembered
            continue;
        }
        top.choice += 1;
        let Some(next) = follow(history, top, top.choice - 1) else {
            continue;
        };
        if !searched.insert((next.positions.clone(), next.state.clone())) {
            continue;
        }
        if searched.len() > budget {
            return Verdict::Unknown { searched: budget };
        }
        path.push(next);
    }
    Verdict::Illegal(longest.dilemma(history))
}

/// All calls are accounted for, and the end is as it was seen.
fn done<S: Spec>(history: &History<S>, frame: &Frame<S>) -> bool {
    let mut lanes = history.lanes.iter().zip(&frame.positions);
    lanes.all(|(lane, &position)| position as usize == lane.len())
        && history.end.as_ref().is_none_or(|end| *end == frame.state)
}

fn follow<S: Spec>(history: &History<S>, from: &Frame<S>, choice: usize) -> Option<Frame<S>> {
    let (lane, leave_out) = (choice / 2, choice % 2 == 1);
    let call = from.positions[lane] as usize;
    let event = history.lanes[lane].get(call)?;
    let (state, by) = match (&event.returned, leave_out) {
        (None, true) => (from.state.clone(), None),
        (Some(_), true) => return None,
        (returned, false) => {
            let (state, expected) = S::apply(&from.state, &event.call);
            if returned.as_ref().is_some_and(|seen| *seen != expected) {
                return None;
            }
            (state, Some(Place { lane, call }))
        }
    };
    let mut positions = from.positions.clone();
    positions[lane] = positions[lane].checked_add(1).expect("at most 2^32 calls");
    Some(Frame {
        positions,
        state,
        by,
        choice: 0,
    })
}

fn order<S: Spec>(path: &[Frame<S>]) -> Vec<Place> {
    path.iter().filter_map(|frame| frame.by).collect()
}

/// The path that got furthest.
struct Longest<S: Spec> {
    prefix: Vec<Place>,
    positions: Vec<u32>,
    state: S::State,
    reached: u64,
}

impl<S: Spec> Longest<S> {
    fn none(start: &S::State) -> Self {
        Longest {
            prefix: Vec::new(),
            positions: Vec::new(),
            state: start.clone(),
            reached: 0,
        }
    }

    fn look(&mut self, path: &[Frame<S>]) {
        let top = path.last().expect("the search has begun");
        let reached = top
            .positions
            .iter()
            .map(|&position| u64::from(position))
            .sum();
        if self.positions.is_empty() || reached > self.reached {
            self.prefix = order(path);
            self.positions = top.positions.clone();
            self.state = top.state.clone();
            self.reached = reached;
        }
    }

    fn dilemma(self, history: &History<S>) -> Dilemma<S> {
        let at = self.positions.iter().enumerate();
        let next = at.filter_map(|(lane, &position)| {
            let place = Place {
                lane,
                call: position as usize,
            };
            let event = history.lanes[lane].get(place.call)?;
            Some((place, S::apply(&self.state, &event.call).1))
        });
        let next = next.collect();
        Dilemma {
            prefix: self.prefix,
            state: self.state,
            next,
        }
    }
}

impl<S: Spec> Dilemma<S> {
    /// The dilemma in words, for the history that it was found in.
    pub fn explain(&self, history: &History<S>) -> String {
        let mut text = String::from(
            "no order of the calls explains what was seen; the longest that is legal:\n",
        );
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  start: {:?}", history.start);
        for &place in &self.prefix {
            let _ = writeln!(text, "  lane {}: {:?}", place.lane, history.event(place));
        }
        let _ = writeln!(text, "  leads to {:?}, and then:", self.state);
        for (place, expected) in &self.next {
            let event = history.event(*place);
            let _ = writeln!(
                text,
                "  lane {}: {event:?}, where {expected:?} was due",
                place.lane
            );
        }
        if self.next.is_empty() {
            let _ = writeln!(text, "  the end was seen as {:?}", history.end);
        }
        text.pop();
        text
    }
}
