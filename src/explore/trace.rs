//! What happened in a run, to be read: one column a lane.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::engine::whose_life;
use super::schedule::MAX_LANES;
use super::stage::Named;
use crate::shm::Shared;
use crate::sys::oversight::Made;
use crate::sys::step::{Access, Outcome, Step};
use crate::world::{OWNER_DIED, TID_MASK, Update, WAITERS, Woken};

/// One thing that a lane did, or that was done to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub lane: usize,
    pub text: String,
    /// Only of interest to who looks at a lock from inside.
    pub detail: bool,
}

/// What happened, in order. Displayed as a table of what matters; with `{:#}`, of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    pub lanes: Vec<String>,
    pub events: Vec<Event>,
}

impl Event {
    pub(super) fn note(lane: usize, text: String) -> Event {
        Event {
            lane,
            text,
            detail: false,
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.events.iter();
        let shown = shown.filter(|event| f.alternate() || !event.detail);
        let shown = fold(&shown.cloned().collect::<Vec<_>>());
        let width = |lane: usize| {
            let texts = shown.iter().filter(|event| event.lane == lane);
            let widest = texts
                .map(|event| event.text.chars().count())
                .max()
                .unwrap_or(0);
            widest.max(self.lanes[lane].chars().count())
        };
        let widths: Vec<_> = (0..self.lanes.len()).map(width).collect();
        let mut row = |number: String, cells: &dyn Fn(usize) -> String| {
            let mut line = format!("{number:>4}");
            for (lane, &width) in widths.iter().enumerate() {
                line += &format!("  {:<width$}", cells(lane));
            }
            writeln!(f, "{}", line.trim_end())
        };
        row(String::new(), &|lane| self.lanes[lane].clone())?;
        for (number, event) in shown.iter().enumerate() {
            row((number + 1).to_string(), &|lane| {
                if lane == event.lane {
                    event.text.clone()
                } else {
                    String::new()
                }
            })?;
        }
        Ok(())
    }
}

/// Turns of a lane that does the same again and again become one, and how often it came round.
fn fold(events: &[Event]) -> Vec<Event> {
    const LONGEST: usize = 4;
    let mut folded: Vec<Event> = Vec::new();
    let mut at = 0;
    while at < events.len() {
        let left = &events[at..];
        let rounds = |len: usize| {
            let round = left.get(..len)?;
            let one_lane = round.iter().all(|event| event.lane == round[0].lane);
            let times = left.chunks(len).take_while(|next| *next == round).count();
            (one_lane && times > 2).then_some((len, times))
        };
        match (1..=LONGEST).find_map(rounds) {
            Some((len, times)) => {
                folded.extend_from_slice(&left[..len]);
                let again = format!("... and so {} times more", times - 1);
                folded.push(Event::note(left[0].lane, again));
                at += len * times;
            }
            None => {
                folded.push(left[0].clone());
                at += 1;
            }
        }
    }
    folded
}

const UNNAMED: &str = "an unnamed word";

/// How addresses and thread ids are called, so that a trace says the same in every run.
pub(super) struct Names<'a> {
    pub objects: &'a [Named],
    pub lanes: &'a [String],
    /// The lanes' threads.
    pub ids: [u32; MAX_LANES],
    /// All that was printed.
    pub output: &'a [u8],
    /// What lanes have made.
    pub made: &'a [Made],
}

impl Names<'_> {
    fn printed(&self, from: u32, bytes: u32) -> String {
        let (from, bytes) = (from as usize, bytes as usize);
        let text = self.output.get(from..from + bytes).unwrap_or_default();
        String::from_utf8_lossy(text).trim_end().to_owned()
    }

    fn lane(&self, lane: usize) -> &str {
        self.lanes.get(lane).map_or("a process", String::as_str)
    }

    /// An address, by the object it lies in.
    pub fn place(&self, address: usize) -> String {
        if address == 0 {
            return "open files".to_owned();
        }
        if let Some(lane) = whose_life(address) {
            return format!("the end of {}", self.lane(lane));
        }
        let within = self.objects.iter().find_map(|named| match named {
            Named::Object { name, object } => {
                let offset = offset_in(&**object, address)?;
                Some(format!("{name}{}", object.part(offset)))
            }
            Named::Part(part) => part.offset(address).map(|offset| match offset {
                0 => part.name.clone(),
                _ => format!("{}+{offset}", part.name),
            }),
        });
        within
            .or_else(|| self.part_of_made(address))
            .unwrap_or_else(|| UNNAMED.to_owned())
    }

    /// Objects that lanes have made are called by their kinds, and numbered where there are several of one.
    fn part_of_made(&self, address: usize) -> Option<String> {
        let within = |made: &Made| made.offset_of(address).is_some();
        let at = self.made.iter().rposition(within)?;
        let object = &self.made[at];
        let part = (object.part)(object.offset_of(address)?);
        let alike = self.made[..at].iter().filter(|it| it.kind == object.kind);
        Some(match alike.count() {
            0 => format!("{}{part}", object.kind),
            before => format!("{} {}{part}", object.kind, before + 1),
        })
    }

    /// A word's value: a lock's says who holds it.
    fn word(&self, value: u64) -> String {
        let value = value as u32;
        let mut lanes = self.lanes.iter().zip(self.ids);
        let owner = lanes.find(|(_, id)| *id == value & TID_MASK);
        let mut text = match owner {
            Some((name, _)) => name.clone(),
            None if value & (WAITERS | OWNER_DIED) != 0 && value & TID_MASK == 0 => {
                "no one".to_owned()
            }
            None if value & TID_MASK == TID_MASK => "closed".to_owned(), // an id that no thread has
            None => return value.to_string(),
        };
        if value & OWNER_DIED != 0 {
            text += ", owner died";
        }
        if value & WAITERS != 0 {
            text += ", waiters";
        }
        text
    }

    /// Whether an address lies in an object of the program's own: what is done there is always of interest.
    fn is_own(&self, address: usize) -> bool {
        self.objects.iter().any(|named| match named {
            Named::Object { .. } => false,
            Named::Part(part) => part.offset(address).is_some(),
        })
    }

    /// Whether it lies in an object of the library where its user has nothing to look for.
    fn is_inside(&self, address: usize) -> bool {
        self.objects.iter().any(|named| match named {
            Named::Object { object, .. } => {
                offset_in(&**object, address).is_some_and(|offset| object.is_inside(offset))
            }
            Named::Part(_) => false,
        })
    }

    pub fn event(&self, lane: usize, step: &Step, outcome: &Outcome) -> Event {
        let place = self.place(step.address);
        let word = |value: u32| self.word(value.into());
        let saw = match outcome {
            Outcome::Saw(value) | Outcome::Refused(value) => self.word(*value),
            _ => String::new(),
        };
        let (text, detail) = match (step.access, outcome) {
            (Access::Load, _) => (format!("loads {place}: {saw}"), true),
            (Access::Store { value }, _) => (format!("stores {place} = {}", word(value)), true),
            (Access::Swap { value }, _) => {
                (format!("swaps {place}: {saw} -> {}", word(value)), false)
            }
            (Access::CompareExchange { new, .. }, Outcome::Refused(_)) => {
                (format!("{place}: not {}, as it is {saw}", word(new)), true)
            }
            (Access::CompareExchange { current, new }, _) => {
                let me = self.ids.get(lane).copied().unwrap_or(0);
                let text = match (current & TID_MASK, new & TID_MASK) {
                    (0, taken) if taken == me => match current & OWNER_DIED {
                        0 => format!("locks {place}"),
                        _ => format!("locks {place} of a dead owner"),
                    },
                    (given, 0) if given == me => format!("unlocks {place}"),
                    _ => format!("{place}: {} -> {}", word(current), word(new)),
                };
                // That it falls asleep, a line of its own says.
                (text, new == current | WAITERS)
            }
            (Access::Add { value }, _) => (format!("adds {value} to {place}: {saw}"), false),
            (Access::Sub { value }, _) => (format!("takes {value} from {place}: {saw}"), false),
            (Access::Read { .. }, Outcome::Saw(value)) => {
                (format!("reads {place}: {}", *value as i64), false)
            }
            (Access::Read { .. }, _) => (format!("reads {place}"), false),
            (Access::Write { value, .. }, _) => {
                (format!("writes {place} = {}", value as i64), false)
            }
            (Access::LookUp { .. }, _) => ("asks whether an owner lives".to_owned(), true),
            (Access::Announce, _) => (format!("announces {place}"), true),
            (Access::Withdraw, _) => ("withdraws".to_owned(), true),
            (Access::PrepareLink, _) => (format!("prepares the link of {place}"), true),
            (Access::Link, _) => (format!("links {place}"), true),
            (Access::Unlink, _) => (format!("unlinks {place}"), true),
            (Access::Wait { .. }, Outcome::Waited(Woken::Changed)) => {
                (format!("would sleep on {place}: it has changed"), true)
            }
            (Access::Wait { .. }, Outcome::Waited(Woken::TimedOut)) => {
                (format!("gives up waiting for {place}"), false)
            }
            (Access::Wait { .. }, _) => (format!("has slept on {place}"), true),
            (Access::Wake { .. }, Outcome::Woke(woken)) => {
                (format!("wakes {woken} on {place}"), false)
            }
            (Access::UpdateAndWakeAll { update }, Outcome::Woke(woken)) => {
                let change = match update {
                    Update::Set(value) => format!("sets {place} = {}", word(value)),
                    Update::Add(value) => format!("adds {value} to {place}"),
                    Update::Or(bits) => format!("sets bits {bits:#b} of {place}"),
                };
                (format!("{change} and wakes {woken}"), false)
            }
            (Access::WaitAny { .. }, Outcome::Waited(Woken::Changed)) => (
                format!("would sleep on {place} and others: one has changed"),
                true,
            ),
            (Access::WaitAny { .. }, Outcome::Waited(Woken::TimedOut)) => {
                (format!("gives up waiting for {place} and others"), false)
            }
            (Access::WaitAny { .. }, _) => (format!("has slept on {place} and others"), true),
            (Access::Send, _) => ("sends".to_owned(), false),
            (Access::Receive, _) => ("receives".to_owned(), false),
            (Access::HangUp, _) => ("hangs up".to_owned(), false),
            (Access::Poll { .. }, Outcome::Waited(Woken::TimedOut)) => {
                ("gives up waiting for open files".to_owned(), false)
            }
            (Access::Poll { .. }, _) => ("finds open files ready".to_owned(), true),
            (Access::Hold, _) => (format!("takes a hold of {place}"), true),
            (Access::LetGo, _) => (format!("lets go of {place}"), true),
            (Access::Start, Outcome::Saw(lane)) => {
                (format!("starts {}", self.lane(*lane as usize)), false)
            }
            (Access::Start, _) => ("cannot start a process".to_owned(), false),
            (Access::Join { .. }, Outcome::Waited(Woken::TimedOut)) => {
                (format!("sees that {place} has not come"), true)
            }
            (Access::Join { .. }, _) => (format!("sees {place}"), false),
            (Access::Signal { number }, _) => {
                (format!("sends signal {number} to end with {place}"), false)
            }
            (Access::Exit, _) => ("exits".to_owned(), true),
            (Access::Ask, _) => ("asks the server".to_owned(), false),
            (Access::Print { from, bytes }, _) => {
                (format!("prints: {}", self.printed(from, bytes)), false)
            }
            (Access::LoadWide, _) => (format!("loads {place}: {}", wide(outcome)), true),
            (Access::StoreWide { value }, _) => (format!("stores {place} = {value:#x}"), true),
            (Access::SwapWide { value }, _) => (
                format!("swaps {place}: {} -> {value:#x}", wide(outcome)),
                false,
            ),
            (Access::CompareExchangeWide { .. }, Outcome::Refused(seen)) => {
                (format!("{place} is not as expected: {seen:#x}"), true)
            }
            (Access::CompareExchangeWide { current, new }, _) => {
                (format!("{place}: {current:#x} -> {new:#x}"), false)
            }
            (Access::AddWide { value }, _) => (
                format!("adds {value:#x} to {place}: {}", wide(outcome)),
                false,
            ),
            (Access::Wake { .. } | Access::UpdateAndWakeAll { .. }, _) => {
                (format!("wakes {place}"), false)
            }
        };
        let detail = detail && !(is_access(step.access) && self.is_own(step.address));
        let wakes = matches!(
            step.access,
            Access::Wake { .. } | Access::UpdateAndWakeAll { .. }
        );
        let detail = detail || (!wakes && self.is_inside(step.address));
        // A program that makes objects makes room for them, too.
        let detail = detail || (place == UNNAMED && !self.made.is_empty());
        Event { lane, text, detail }
    }
}

fn offset_in(object: &dyn Shared, address: usize) -> Option<usize> {
    let block = object.block();
    let offset = address.checked_sub(block.address())?;
    (offset < block.len()).then_some(offset)
}

/// Not one of the robust list.
fn is_access(access: Access) -> bool {
    !matches!(
        access,
        Access::Announce
            | Access::Withdraw
            | Access::PrepareLink
            | Access::Link
            | Access::Unlink
            | Access::LookUp { .. }
    )
}

/// A wide word packs several numbers: in hexadecimal they can be told apart.
fn wide(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Saw(value) | Outcome::Refused(value) => format!("{value:#x}"),
        _ => String::new(),
    }
}
