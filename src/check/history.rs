//! What was seen: lanes of calls and returns.

use std::fmt;

use super::Spec;

/// One call.
pub struct Event<S: Spec> {
    pub call: S::Call,
    /// None: pending. The lane was killed inside the call, or it has not returned yet: it took effect or did not.
    pub returned: Option<S::Return>,
    pub(super) span: Option<Span>,
    /// Where it stands in the order in which the calls took effect, if that was seen.
    pub(super) number: Option<u64>,
}

/// When a call began and returned, in steps of whatever counts: stamps that grow, never a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub begun: u64,
    /// None: it has not.
    pub returned: Option<u64>,
}

/// Everything that was seen of one run. Made by [`History::of_lanes`] if only the lanes' own order is known, and by
/// a [`Log`](super::Log) if it is known when each call began and returned.
pub struct History<S: Spec> {
    pub start: S::State,
    /// Each lane's calls in its own order.
    pub(super) lanes: Vec<Vec<Event<S>>>,
    /// The state after the last call. None: it was not seen.
    pub end: Option<S::State>,
    /// What the lanes are called, where that is not their number.
    pub(super) names: Vec<Option<String>>,
    /// What the stamps count.
    pub(super) unit: &'static str,
}

/// Where a call stands in a history: the `call`th of its `lane`, both counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub lane: usize,
    pub call: usize,
}

impl<S: Spec> Event<S> {
    /// A call without stamps; pending, if it returned `None`.
    pub fn new(call: S::Call, returned: Option<S::Return>) -> Event<S> {
        Event {
            call,
            returned,
            span: None,
            number: None,
        }
    }

    pub fn returned(call: S::Call, returned: S::Return) -> Event<S> {
        Event::new(call, Some(returned))
    }

    pub fn pending(call: S::Call) -> Event<S> {
        Event::new(call, None)
    }

    /// None: it is not known, as in a history of lanes.
    pub fn span(&self) -> Option<Span> {
        self.span
    }
}

impl<S: Spec> History<S> {
    /// What free runs give: each lane's calls in its own order, and nothing of when they were.
    ///
    /// A lane that was killed and started again goes on behind its pending call, which then took effect before
    /// all that the lane did later, or not at all.
    pub fn of_lanes(
        start: S::State,
        lanes: Vec<Vec<Event<S>>>,
        end: Option<S::State>,
    ) -> History<S> {
        History {
            start,
            names: lanes.iter().map(|_| None).collect(),
            lanes,
            end,
            unit: "step",
        }
    }

    pub fn lanes(&self) -> &[Vec<Event<S>>] {
        &self.lanes
    }

    pub fn lane_name(&self, lane: usize) -> String {
        let name = self.names.get(lane).cloned().flatten();
        name.unwrap_or_else(|| format!("lane {lane}"))
    }

    /// How many calls, of all lanes.
    pub fn calls(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }

    /// Of all lanes, one lane after another.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let lanes = self.lanes.iter().enumerate();
        lanes.flat_map(|(lane, calls)| (0..calls.len()).map(move |call| Place { lane, call }))
    }

    /// # Panics
    /// If there is no such call.
    pub fn event(&self, place: Place) -> &Event<S> {
        &self.lanes[place.lane][place.call]
    }

    /// Whether it is known when the calls were. If there is none, it is.
    pub fn is_timed(&self) -> bool {
        self.lanes
            .iter()
            .flatten()
            .all(|event| event.span.is_some())
    }

    /// The order in which the calls took effect, if each that returned has its number in it
    /// ([`Log::took_effect`](super::Log::took_effect)). For [`judge_in_order`](super::judge_in_order()).
    pub fn order(&self) -> Option<Vec<Place>> {
        let mut numbered = Vec::new();
        for place in self.places() {
            let event = self.event(place);
            match event.number {
                Some(number) => numbered.push((number, place)),
                None if event.returned.is_some() => return None,
                None => (),
            }
        }
        numbered.sort_unstable();
        Some(numbered.into_iter().map(|(_, place)| place).collect())
    }
}

impl<S: Spec> fmt::Debug for Event<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&S::tell(&self.call, self.returned.as_ref()))
    }
}

/// The start, a line for each call, and the end.
impl<S: Spec> fmt::Display for History<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "start {:?}", self.start)?;
        for (number, lane) in self.lanes.iter().enumerate() {
            writeln!(f, "{}", self.lane_name(number))?;
            for event in lane {
                match event.span {
                    None => writeln!(f, "  {event:?}")?,
                    Some(Span {
                        begun,
                        returned: Some(returned),
                    }) => {
                        writeln!(f, "  {begun}..{returned} {event:?}")?;
                    }
                    Some(Span {
                        begun,
                        returned: None,
                    }) => writeln!(f, "  {begun}.. {event:?}")?,
                }
            }
        }
        match &self.end {
            Some(end) => write!(f, "end {end:?}"),
            None => f.write_str("end not seen"),
        }
    }
}

impl<S: Spec> fmt::Debug for History<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
