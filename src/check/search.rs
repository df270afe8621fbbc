//! The search for an order of calls that explains what was seen.
//!
//! Depth first, one call at a time from those that may come next, with a memory of what was left in vain: the same
//! calls in the same state lead nowhere twice, in whatever order they came. That is Wing and Gong's search ("Testing
//! and verifying concurrent objects", 1993) with Lowe's memory ("Testing for linearizability", 2017), and two rules more:
//! - A call that only reads, and returned what is due, comes at once, and nothing else is tried in its place: from every
//!   order in which it comes later it can be moved to the front. (Not so a write that happens to change nothing: later it
//!   may change something.)
//! - Calls that returned are tried before those that are pending, which are seldom needed.
//!
//! # Invariants
//! 1. The path is a legal order of the calls that it has taken, and leads to the state.
//! 2. What is remembered has been searched to its end in vain. What is on the path need not be: behind it there are more calls
//!    taken. So a search that never turns back remembers nothing.
//!
//! # Bounds
//! A call is tried in one application of the spec, and at most one state is remembered for it; with n calls, of which
//! at most c are open at once, there are at most n · 2^c sets of calls.

use foldhash::{HashSet, HashSetExt};

use super::order::{Lanes, Order, Time};
use super::{Dilemma, Event, History, Place, Spec};

pub enum Found<S: Spec> {
    /// These calls explain all.
    Order(Vec<Place>),
    Dilemma(Dilemma<S>),
}

/// Which calls may not come any more, a bit for each, and the state: all that what comes next depends on.
type Point<S> = (Box<[u64]>, <S as Spec>::State);

/// A point of the path.
struct Frame<S: Spec> {
    /// How it was reached: None at the start.
    by: Option<usize>,
    point: Point<S>,
    /// What fits and has not been followed, and the state that it leads to; the last one is the first to be followed.
    choices: Vec<(usize, S::State)>,
}

/// A search, which can be left, and gone on with.
pub struct Search<'a, S: Spec> {
    calls: Vec<(Place, &'a Event<S>)>,
    end: Option<&'a S::State>,
    order: Box<dyn Order>,
    path: Vec<Frame<S>>,
    /// How many calls that returned are not on the path.
    left: usize,
    in_vain: HashSet<Point<S>>,
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
        let start = (order.gone().into(), history.start.clone());
        let mut search = Search {
            calls,
            end: history.end.as_ref(),
            in_vain: HashSet::new(),
            order,
            path: Vec::new(),
            left,
            tried: 0,
            longest: None,
        };
        search.enter(None, start);
        search
    }

    /// How many calls were tried, in all.
    pub fn tried(&self) -> usize {
        self.tried
    }

    /// Goes on, for so many calls tried, and as many more as may come next at one point.
    pub fn run(&mut self, allowance: usize) -> Option<Found<S>> {
        let until = self.tried.saturating_add(allowance);
        while let Some(top) = self.path.last_mut() {
            if self.left == 0 && self.end.is_none_or(|end| *end == top.point.1) {
                return Some(Found::Order(self.order()));
            }
            if self.tried >= until {
                return None;
            }
            match top.choices.pop() {
                Some((call, state)) => self.follow(call, state),
                None => self.leave(),
            }
        }
        Some(Found::Dilemma(self.dilemma()))
    }

    fn follow(&mut self, call: usize, state: S::State) {
        self.order.take(call);
        let point = (self.order.gone().into(), state);
        if self.in_vain.contains(&point) {
            self.order.give_back(call);
        } else {
            self.left -= self.returns(call);
            self.enter(Some(call), point);
        }
    }

    fn leave(&mut self) {
        self.look();
        let Some(Frame { by, point, .. }) = self.path.pop() else {
            return;
        };
        self.in_vain.insert(point);
        if let Some(call) = by {
            self.order.give_back(call);
            self.left += self.returns(call);
        }
    }

    /// Tries each call that may come next.
    fn enter(&mut self, by: Option<usize>, point: Point<S>) {
        let (_, state) = &point;
        let mut choices = Vec::new();
        let next = std::iter::successors(self.order.first(), |&call| self.order.after(call));
        for call in next {
            self.tried += 1;
            let event = self.calls[call].1;
            let (after, due) = S::apply(state, &event.call);
            match &event.returned {
                Some(seen) if *seen != due => (),
                Some(_) if S::only_reads(&event.call) && self.order.passes_none(call) => {
                    assert!(
                        after == *state,
                        "{:?} changed what it only reads",
                        event.call
                    );
                    choices = vec![(call, after)];
                    break;
                }
                // If it changes nothing, it is as well left out.
                None if after == *state => (),
                _ => choices.push((call, after)),
            }
        }
        // Those that returned are followed first, as they began.
        choices.reverse();
        choices.sort_by_key(|&(call, _)| self.returns(call));
        self.path.push(Frame { by, point, choices });
    }

    fn returns(&self, call: usize) -> usize {
        usize::from(self.calls[call].1.returned.is_some())
    }

    fn order(&self) -> Vec<Place> {
        let calls = self.path.iter().filter_map(|frame| frame.by);
        calls.map(|call| self.calls[call].0).collect()
    }

    /// Is this the furthest? A call that returned counts, a pending one does not: so from there none that returned fits.
    fn look(&mut self) {
        if self
            .longest
            .as_ref()
            .is_none_or(|longest| self.left < longest.left)
        {
            let next = std::iter::successors(self.order.first(), |&call| self.order.after(call));
            let top = self
                .path
                .last()
                .expect("a frame is looked at before it is left");
            self.longest = Some(Longest {
                path: self.order(),
                state: top.point.1.clone(),
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
