//! What was seen: lanes of calls and returns.

use std::fmt;

use super::Spec;

/// One call.
pub struct Event<S: Spec> {
    pub call: S::Call,
    /// None: pending. The lane was killed inside the call, which took effect or did not.
    pub returned: Option<S::Return>,
}

/// Everything that was seen of one run.
pub struct History<S: Spec> {
    pub start: S::State,
    /// Each lane's calls in its own order. A lane that was killed and started again goes on behind its
    /// pending call.
    pub lanes: Vec<Vec<Event<S>>>,
    /// The state after the last call. None: it was not seen.
    pub end: Option<S::State>,
}

/// Where a call stands in a history: the `call`th of its `lane`, both counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub lane: usize,
    pub call: usize,
}

impl<S: Spec> Event<S> {
    pub fn returned(call: S::Call, returned: S::Return) -> Event<S> {
        Event {
            call,
            returned: Some(returned),
        }
    }

    pub fn pending(call: S::Call) -> Event<S> {
        Event {
            call,
            returned: None,
        }
    }
}

impl<S: Spec> History<S> {
    /// How many calls, of all lanes.
    pub fn calls(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }

    /// # Panics
    /// If there is no such call.
    pub fn event(&self, place: Place) -> &Event<S> {
        &self.lanes[place.lane][place.call]
    }
}

impl<S: Spec> fmt::Debug for Event<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.returned {
            Some(returned) => write!(f, "{:?} -> {returned:?}", self.call),
            None => write!(f, "{:?} -> (killed)", self.call),
        }
    }
}

/// The start, a line for each call, and the end.
impl<S: Spec> fmt::Display for History<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "start {:?}", self.start)?;
        for (number, lane) in self.lanes.iter().enumerate() {
            writeln!(f, "lane {number}")?;
            for event in lane {
                writeln!(f, "  {event:?}")?;
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
