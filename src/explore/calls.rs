//! Calls on one object, which lanes make at once, judged by its sequential meaning.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::engine::{self, Called, Moment};
use super::stage::{Lane, Stage};
use crate::check::{History, Log, Spec, Start, Verdict, judge};

/// Notes a lane's calls; made by [`Stage::judged`]. A copy notes into the same history.
pub struct Calls<S> {
    spec: PhantomData<fn(S) -> S>,
}

impl<S> Clone for Calls<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Calls<S> {}

impl Stage {
    /// The history of calls in each run is judged: it fails if no order of them explains what they returned. The calls
    /// are those that the lanes make by [`Calls::make`], on one object, which is in this state at first. That of a lane
    /// that was killed inside is pending: it took effect at any time after it began, or not.
    ///
    /// A call begins with its first step and returns with its last one. Which one was over when which other began is a
    /// difference for the search, as it is for the judge.
    ///
    /// # Panics
    /// If the stage has one already.
    pub fn judged<S>(&mut self, start: Start<S>) -> Calls<S>
    where
        S: Spec + 'static,
        S::Call: DeserializeOwned,
        S::Return: DeserializeOwned,
    {
        assert!(self.judge.is_none(), "a stage has one history");
        self.judge = Some(Box::new(Sequential(start)));
        Calls { spec: PhantomData }
    }
}

impl<S: Spec> Calls<S>
where
    S::Call: Serialize,
    S::Return: Serialize,
{
    /// Makes a call in a lane.
    ///
    /// # Panics
    /// If the lane has another one open, or if the calls of a run are more than 512, or take more than 64 KiB with
    /// what they return, serialised.
    pub fn make(
        self,
        _in: &Lane,
        call: &S::Call,
        act: impl FnOnce(&S::Call) -> S::Return,
    ) -> S::Return {
        engine::call(bytes(call), || act(call), bytes)
    }
}

fn bytes<T: Serialize>(told: &T) -> Vec<u8> {
    postcard::to_allocvec(told).expect("calls and what they return serialise")
}

fn told<T: DeserializeOwned>(bytes: &[u8]) -> T {
    postcard::from_bytes(bytes).expect("it was serialised by this program, as this type")
}

/// Calls that a judge tries for the history of one run.
const BUDGET: usize = 1_000_000;

/// What is said of the history of a run.
pub(super) enum Opinion {
    Explained,
    /// And why.
    Illegal(String),
    /// After so many calls tried.
    Unknown(usize),
}

/// What is known of an object's calls, whatever its type.
pub(super) trait Judge {
    /// Of the lanes of these names.
    fn judge(&self, lanes: &[String], calls: &mut dyn Iterator<Item = Called>) -> Opinion;
    fn tell_call(&self, call: &[u8]) -> String;
    fn tell_return(&self, value: &[u8]) -> String;
}

struct Sequential<S: Spec>(Start<S>);

impl<S: Spec> Judge for Sequential<S>
where
    S::Call: DeserializeOwned,
    S::Return: DeserializeOwned,
{
    fn judge(&self, lanes: &[String], calls: &mut dyn Iterator<Item = Called>) -> Opinion {
        let history = self.history(lanes, calls);
        match judge(&history, BUDGET) {
            Verdict::Ok(_) => Opinion::Explained,
            Verdict::Illegal(dilemma) => Opinion::Illegal(dilemma.explain(&history)),
            Verdict::Unknown { searched } => Opinion::Unknown(searched),
        }
    }

    fn tell_call(&self, call: &[u8]) -> String {
        S::tell_call(&told(call))
    }

    fn tell_return(&self, value: &[u8]) -> String {
        S::tell_return(&told(value))
    }
}

impl<S: Spec> Sequential<S>
where
    S::Call: DeserializeOwned,
    S::Return: DeserializeOwned,
{
    fn history(&self, lanes: &[String], calls: &mut dyn Iterator<Item = Called>) -> History<S> {
        let mut log = Log::<S>::new(self.0.state.clone());
        log.count_in("moment");
        for (lane, name) in lanes.iter().enumerate() {
            log.name(lane, name);
        }
        // Each lane's come in its order, and it has one open at a time.
        for called in calls {
            log.begin(called.lane, told(called.call), called.begun.into());
            if let Some((value, at)) = called.returned {
                log.returned(called.lane, told(value), at.into());
            }
        }
        log.history()
    }
}

impl From<Moment> for u64 {
    fn from(moment: Moment) -> u64 {
        moment.number.into()
    }
}
