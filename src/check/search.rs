//! The search for an order of calls that explains what was seen.
//!
//! Depth first, one call at a time from those that may come next, with a memory of what was reached before: the same
//! calls in the same state lead nowhere twice, in whatever order they came. That is Wing and Gong's search ("Testing
//! and verifying concurrent objects", 1993) with Lowe's memory ("Testing for linearizability", 2017).
//!
//! # Invariants
//! 1. The path is a legal order of the calls that it has taken, and leads to the state.
//! 2. What is remembered is on the path, or has been searched to its end in vain.
//!
//! # Bounds
//! A call is tried in one application of the spec, and at most one state is remembered for it; with n calls, of which
//! at most c are open at once, there are at most n · 2^c sets of calls.

use std::collections::HashSet;

use super::order::{Lanes, Order, Time};
use super::{Dilemma, Event, History, Place, Spec};

pub enum Found<S: Spec> {
    /// These calls explain all.
    Order(Vec<Place>),
    Dilemma(Dilemma<S>),
}

/// A search, which can be left, and gone on with.
pub struct Search<'a, S: Spec> {
    calls: Vec<(Place, &'a Event<S>)>,
    end: Option<&'a S::State>,
    order: Box<dyn Order>,
    state: S::State,
    /// Each call that was taken, and the state before it.
    path: Vec<(usize, S::State)>,
    /// The next one to try.
    next: Option<usize>,
    /// How many calls that returned are not on the path.
    left: usize,
    reached: HashSet<(Box<[u64]>, S::State)>,
    tried: usize,
    longest: Option<Longest<S>>,
}

/// The path that got furthest.
struct Longest<S: Spec> {
    path: Vec<Place>,
    state: S::State,
    next: Vec<usize>,
    left: usize,
}

impl<'a, S: Spec> Search<'a, S> {
    /// For an order of these calls of the history, given in the lanes' order.
    pub fn new(history: &'a History<S>, places: &[Place]) -> Search<'a, S> {
        let calls: Vec<_> = places
            .iter()
            .map(|&place| (place, history.event(place)))
            .collect();
        let spans = calls
            .iter()
            .map(|(_, event)| event.span.map(|span| (span.begun, span.returned)));
        let spans: Option<Vec<_>> = spans.collect();
        let order: Box<dyn Order> = match spans {
            Some(spans) => Box::new(Time::new(&spans)),
            None => {
                let lanes = calls
                    .iter()
                    .map(|(place, event)| (place.lane, event.returned.is_none()));
                Box::new(Lanes::new(&lanes.collect::<Vec<_>>()))
            }
        };
        let left = calls
            .iter()
            .filter(|(_, event)| event.returned.is_some())
            .count();
        let start = history.start.clone();
        Search {
            calls,
            end: history.end.as_ref(),
            next: order.first(),
            reached: HashSet::from([(order.gone().into(), start.clone())]),
            order,
            state: start,
            path: Vec::new(),
            left,
            tried: 0,
            longest: None,
        }
    }

    /// How many calls were tried, in all.
    pub fn tried(&self) -> usize {
        self.tried
    }

    /// Goes on, for so many calls tried.
    pub fn run(&mut self, allowance: usize) -> Option<Found<S>> {
        let until = self.tried.saturating_add(allowance);
        loop {
            if self.left == 0 && self.end.is_none_or(|end| *end == self.state) {
                return Some(Found::Order(self.order()));
            }
            while self.next.is_none() {
                self.look();
                let Some((call, before)) = self.path.pop() else {
                    return Some(Found::Dilemma(self.dilemma()));
                };
                // By invariant 2 it stays remembered.
                self.order.give_back(call);
                self.left += self.returns(call);
                self.state = before;
                self.next = self.order.after(call);
            }
            if self.tried == until {
                return None;
            }
            if let Some(call) = self.next {
                self.tried += 1;
                let taken = self.take(call);
                self.next = if taken {
                    self.order.first()
                } else {
                    self.order.after(call)
                };
            }
        }
    }

    fn take(&mut self, call: usize) -> bool {
        let event = self.calls[call].1;
        let (state, due) = S::apply(&self.state, &event.call);
        let fits = match &event.returned {
            Some(seen) => *seen == due,
            // If it changes nothing, it is as well left out.
            None => state != self.state,
        };
        if !fits {
            return false;
        }
        self.order.take(call);
        if !self
            .reached
            .insert((self.order.gone().into(), state.clone()))
        {
            self.order.give_back(call);
            return false;
        }
        self.left -= self.returns(call);
        self.path
            .push((call, std::mem::replace(&mut self.state, state)));
        true
    }

    fn returns(&self, call: usize) -> usize {
        usize::from(self.calls[call].1.returned.is_some())
    }

    fn order(&self) -> Vec<Place> {
        self.path
            .iter()
            .map(|&(call, _)| self.calls[call].0)
            .collect()
    }

    /// Is this the furthest? A call that returned counts, a pending one does not: so from there none that returned fits.
    fn look(&mut self) {
        if self
            .longest
            .as_ref()
            .is_none_or(|longest| self.left < longest.left)
        {
            let next = std::iter::successors(self.order.first(), |&call| self.order.after(call));
            self.longest = Some(Longest {
                path: self.order(),
                state: self.state.clone(),
                next: next.collect(),
                left: self.left,
            });
        }
    }

    fn dilemma(&mut self) -> Dilemma<S> {
        let longest = self
            .longest
            .take()
            .expect("looked at before the path was given up");
        let next = longest.next.into_iter().map(|call| {
            let (place, event) = self.calls[call];
            (place, S::apply(&longest.state, &event.call).1)
        });
        Dilemma {
            key: None,
            next: next.collect(),
            prefix: longest.path,
            state: longest.state,
        }
    }
}
