//! A history as it is written down: calls begin, and return.

use super::{Event, History, Place, Span, Spec};

/// Writes a history with the times of its calls.
///
/// Stamps are numbers that grow: the count of steps, or of lines. One lane's events must come in their order; those
/// of different lanes may come in any.
///
/// ```
/// use forkproof::check::register::{Call, Register, Return};
/// use forkproof::check::{Log, Verdict, judge};
///
/// let mut log = Log::<Register>::new(None);
/// log.begin(0, Call::Write { value: Some(7) }, 1);
/// log.begin(1, Call::Read, 2);
/// log.returned(0, Return::Written, 3);
/// log.returned(1, Return::Value(None), 4); // it began before the write had returned: fine
/// log.begin(1, Call::Read, 5);
/// log.returned(1, Return::Value(None), 6); // it began after
/// assert!(matches!(judge(&log.history(), 1_000), Verdict::Illegal(_)));
/// ```
///
/// # Panics
/// Its methods panic where the rules of a log are broken: a lane has one call open at a time, what returns has begun,
/// and a lane's stamps grow.
pub struct Log<S: Spec> {
    history: History<S>,
    lanes: Vec<Lane>,
}

#[derive(Clone, Default)]
struct Lane {
    is_open: bool,
    last_stamp: Option<u64>,
}

impl<S: Spec> Log<S> {
    /// An object in this state, and no calls yet.
    pub fn new(start: S::State) -> Log<S> {
        Log {
            history: History::of_lanes(start, Vec::new(), None),
            lanes: Vec::new(),
        }
    }

    /// What the lane is called in texts for people, in place of its number.
    pub fn name(&mut self, lane: usize, name: &str) {
        self.reach(lane);
        self.history.names[lane] = Some(name.to_owned());
    }

    /// What the stamps count, in place of steps.
    pub fn count_in(&mut self, unit: &'static str) {
        self.history.unit = unit;
    }

    /// Lanes are counted from 0; memory is taken for all up to this one.
    ///
    /// # Panics
    /// The lane has a call open; or `at` is not above its last stamp.
    pub fn begin(&mut self, lane: usize, call: S::Call, at: u64) -> Place {
        self.reach(lane);
        assert!(
            !self.lanes[lane].is_open,
            "lane {lane} begins a call with another one open"
        );
        self.stamp(lane, at);
        self.lanes[lane].is_open = true;
        let mut event = Event::pending(call);
        event.span = Some(Span {
            begun: at,
            returned: None,
        });
        self.history.lanes[lane].push(event);
        Place {
            lane,
            call: self.history.lanes[lane].len() - 1,
        }
    }

    /// The lane's open call returned.
    ///
    /// # Panics
    /// The lane has no call open; or `at` is not above its last stamp.
    pub fn returned(&mut self, lane: usize, value: S::Return, at: u64) {
        self.close(lane);
        self.stamp(lane, at);
        let event = self.last(lane);
        event.returned = Some(value);
        event.span = event.span.map(|span| Span {
            returned: Some(at),
            ..span
        });
    }

    /// The lane's open call will never return: it took effect at any time after it began, or did not. The lane may
    /// begin another.
    ///
    /// # Panics
    /// The lane has no call open.
    pub fn killed(&mut self, lane: usize) {
        self.close(lane);
    }

    /// The lane's open call is known not to have taken effect: it is left out.
    ///
    /// # Panics
    /// The lane has no call open.
    pub fn did_not_happen(&mut self, lane: usize) {
        self.close(lane);
        self.history.lanes[lane].pop();
    }

    /// The lane's last call took effect as this number of all; no two have the same. For
    /// [`judge_in_order`](super::judge_in_order()).
    ///
    /// # Panics
    /// The lane has made no call.
    pub fn took_effect(&mut self, lane: usize, number: u64) {
        self.reach(lane);
        self.last(lane).number = Some(number);
    }

    /// The state after all.
    pub fn end(&mut self, state: S::State) {
        self.history.end = Some(state);
    }

    /// What was written down. Calls that are open are pending.
    pub fn history(self) -> History<S> {
        self.history
    }

    fn reach(&mut self, lane: usize) {
        while self.lanes.len() <= lane {
            self.lanes.push(Lane::default());
            self.history.lanes.push(Vec::new());
            self.history.names.push(None);
        }
    }

    fn close(&mut self, lane: usize) {
        let open = self.lanes.get_mut(lane).map(|lane| &mut lane.is_open);
        let was_open = open.is_some_and(|open| std::mem::replace(open, false));
        assert!(was_open, "lane {lane} ends a call with none open");
    }

    fn stamp(&mut self, lane: usize, at: u64) {
        let last = self.lanes[lane].last_stamp.replace(at);
        assert!(
            last.is_none_or(|last| last < at),
            "lane {lane}: stamp {at} after {last:?}: stamps grow"
        );
    }

    fn last(&mut self, lane: usize) -> &mut Event<S> {
        self.history.lanes[lane]
            .last_mut()
            .expect("a lane's last call is spoken of when it has made one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::register::{Call, Register, Return};

    #[test]
    #[should_panic(expected = "with another one open")]
    fn a_lane_has_one_call_open() {
        let mut log = Log::<Register>::new(None);
        log.begin(0, Call::Read, 1);
        log.begin(0, Call::Read, 2);
    }

    #[test]
    #[should_panic(expected = "with none open")]
    fn what_returns_has_begun() {
        Log::<Register>::new(None).returned(0, Return::Written, 1);
    }

    #[test]
    #[should_panic(expected = "stamps grow")]
    fn a_lanes_stamps_grow() {
        let mut log = Log::<Register>::new(None);
        log.begin(0, Call::Read, 2);
        log.returned(0, Return::Value(None), 2);
    }
}
