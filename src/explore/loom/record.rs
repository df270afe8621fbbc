//! What the lanes of an execution did, in order, so that one that fails can be read.

use std::collections::HashMap;

use super::stage;
use crate::explore::stage::{Named, Part};
use crate::explore::trace::{Event, Names, Trace};
use crate::sys::step::{Access, Outcome, Step};
use crate::world::Update;

/// The execution under way, or the one that failed.
#[derive(Clone, Debug, Default)]
pub(in crate::explore) struct Record {
    /// By the lane, counted from 1.
    pub deeds: Vec<(u32, Deed)>,
    pub parts: Vec<Part>,
    /// A lane has asked for its id: so words may hold ids.
    pub has_ids: bool,
}

/// What a lane did, or what was done to it.
#[derive(Clone, Debug)]
pub(in crate::explore) enum Deed {
    Step(Step, Outcome),
    SleepsOn(usize),
    ReturnsEarly,
    TimesOut,
    Dies,
    Panics(String),
}

impl Record {
    /// What the lanes did of themselves.
    pub fn steps(&self) -> usize {
        let made = |deed: &Deed| matches!(deed, Deed::Step(..) | Deed::SleepsOn(_));
        self.deeds.iter().filter(|(_, deed)| made(deed)).count()
    }

    /// Who sleeps on what, when no one will wake anyone.
    pub fn deadlock(&self, lanes: &[&str]) -> String {
        let objects = self.objects();
        let names = self.names(&objects, &[]);
        let asleep = lanes.iter().zip(1..).filter_map(|(name, lane)| {
            // A deadlock is loom's panic, in whichever thread was the last to fall asleep.
            let of_lane =
                |(other, deed): &&(u32, Deed)| *other == lane && !matches!(deed, Deed::Panics(_));
            let last = self.deeds.iter().rfind(of_lane);
            match last {
                Some((_, Deed::SleepsOn(address))) => {
                    Some(format!("{name} sleeps on {}", names.place(*address)))
                }
                _ => None,
            }
        });
        let asleep: Vec<_> = asleep.collect();
        match asleep.is_empty() {
            true => "deadlock: the last look sleeps on what no one will wake".to_owned(),
            false => format!("deadlock: {}", asleep.join(", ")),
        }
    }

    /// One column a lane. A read of what is no longer there says so.
    pub fn trace(&self, lanes: &[&str]) -> Trace {
        let objects = self.objects();
        let lanes: Vec<String> = lanes.iter().map(|name| (*name).to_owned()).collect();
        let names = self.names(&objects, &lanes);
        let mut newest = HashMap::new();
        let events = self.deeds.iter().map(|(lane, deed)| {
            let lane = *lane as usize - 1;
            let text = match deed {
                Deed::Step(step, outcome) => {
                    let mut event = names.event(lane, step, outcome);
                    let before = newest.get(&step.address).copied();
                    if let (Some(before), Access::Load | Access::LoadWide, Outcome::Saw(seen)) =
                        (before, step.access, outcome)
                        && before != *seen
                    {
                        event.text += " (old)";
                    }
                    if let Some(value) = written(step.access, outcome, before) {
                        newest.insert(step.address, value);
                    }
                    return event;
                }
                Deed::SleepsOn(address) => format!("sleeps on {}", names.place(*address)),
                Deed::ReturnsEarly => "wakes for no reason".to_owned(),
                Deed::TimesOut => "time passes".to_owned(),
                Deed::Dies => "SIGKILL".to_owned(),
                Deed::Panics(text) => format!("panics: {text}"),
            };
            Event::note(lane, text)
        });
        let events = events.collect();
        Trace { lanes, events }
    }

    fn objects(&self) -> Vec<Named> {
        self.parts.iter().cloned().map(Named::Part).collect()
    }

    fn names<'a>(&self, objects: &'a [Named], lanes: &'a [String]) -> Names<'a> {
        let id = |lane: usize| match self.has_ids {
            true => lane as u32 + 1,
            false => u32::MAX, // no word holds it
        };
        Names {
            objects,
            lanes,
            ids: std::array::from_fn(id),
            output: &[],
            made: &[],
        }
    }
}

/// What a step leaves in its word, if it changes it.
fn written(access: Access, outcome: &Outcome, before: Option<u64>) -> Option<u64> {
    let narrow = |value: u32| Some(u64::from(value));
    let saw = match outcome {
        Outcome::Saw(seen) => Some(*seen),
        _ => before,
    };
    match access {
        Access::Store { value } | Access::Swap { value } => narrow(value),
        Access::StoreWide { value } | Access::SwapWide { value } => Some(value),
        Access::CompareExchange { new, .. } => match outcome {
            Outcome::Saw(_) => narrow(new),
            _ => None,
        },
        Access::CompareExchangeWide { new, .. } => match outcome {
            Outcome::Saw(_) => Some(new),
            _ => None,
        },
        Access::Add { value } => narrow((saw? as u32).wrapping_add(value)),
        Access::Sub { value } => narrow((saw? as u32).wrapping_sub(value)),
        Access::AddWide { value } => Some(saw?.wrapping_add(value)),
        Access::UpdateAndWakeAll { update } => match update {
            Update::Set(value) => narrow(value),
            Update::Add(value) => narrow((saw? as u32).wrapping_add(value)),
            Update::Or(bits) => narrow(saw? as u32 | bits),
        },
        _ => None,
    }
}

/// The calling lane did this to the word at an address.
pub(super) fn did(access: Access, address: usize, outcome: Outcome) {
    note(Deed::Step(Step { access, address }, outcome));
}

/// This happened to the calling lane; what happens before the lanes begin, and behind them, is not told.
pub(super) fn note(deed: Deed) {
    note_of(stage::me(), deed);
}

/// This happened to a lane.
pub(super) fn note_of(lane: u32, deed: Deed) {
    stage::with(|stage| {
        if let Some(record) = &mut stage.record
            && !stage.prologue
            && lane < stage::JUDGE
        {
            record.deeds.push((lane, deed));
        }
    });
}

/// The calling lane has asked for its id.
pub(super) fn has_ids() {
    stage::with(|stage| {
        if let Some(record) = &mut stage.record {
            record.has_ids = true;
        }
    });
}

/// What the shared objects of this execution are called.
pub(super) fn name(parts: impl FnOnce() -> Vec<Part>) {
    let wanted = stage::with(|stage| stage.record.is_some());
    if wanted {
        let parts = parts();
        stage::with(|stage| {
            if let Some(record) = &mut stage.record {
                record.parts = parts;
            }
        });
    }
}
