//! Random kills of lanes that attach a list by its name, set items of all kinds and lengths in it, and read each
//! other's.
//!
//! # What is judged
//! No one is held up. Each item is whole: what it holds follows from its number. A lane's slot holds the last item that
//! it set, or the one that it was killed in. In the end the list is there under its name, until it is unlinked.

use serde::{Deserialize, Serialize};

use super::Fallible;
use super::crew::{Board, Tally, Work};
use crate::{Array, Process, ShareableItem, ShareableList};

const LANES: usize = 3;
/// Bytes of the longest item.
const ROOM: usize = 48;

/// A list, of which each lane has a slot.
pub struct Slots {
    list: ShareableList,
    log: Log,
}

/// By lane: the number of the last item that was begun, and of the last that was set.
#[derive(Clone, Serialize, Deserialize)]
struct Log {
    begun: Array<u64>,
    set: Array<u64>,
}

impl Slots {
    /// # Errors
    /// No memory.
    pub fn new() -> Fallible<Slots> {
        let widest = || ShareableItem::Str("x".repeat(ROOM));
        let list = ShareableList::new((0..LANES).map(|_| widest()))?;
        for slot in 0..LANES {
            list.set(slot, item(0))?;
        }
        let (begun, set) = (Array::new(LANES)?, Array::new(LANES)?);
        Ok(Slots {
            list,
            log: Log { begun, set },
        })
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let _ = self.list.shm().unlink(); // judge() has
    }
}

impl Work for Slots {
    fn lanes(&self) -> usize {
        LANES
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        let name = self.list.shm().name().to_owned();
        Process::new(lane, (number, name, self.log.clone(), board))
    }

    fn names(&self) -> Vec<String> {
        vec![self.list.shm().name().to_owned()]
    }

    fn judge(&self, _tally: &Tally) -> Fallible {
        let found = ShareableList::attach(self.list.shm().name())?;
        for slot in 0..LANES {
            let number = read(&found, slot)?;
            let set = self.log.set.get_unlocked(slot)?;
            if number != set {
                return Err(format!("lane {slot} set item {set}, and there is {number}").into());
            }
        }
        Ok(self.list.shm().unlink()?)
    }
}

fn lane(number: usize, name: String, log: Log, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    let list = ShareableList::attach(&name)?;
    let (begun, set) = (
        log.begun.get_unlocked(number)?,
        log.set.get_unlocked(number)?,
    );
    let mut last = read(&list, number)?;
    if !(set..=begun).contains(&last) {
        return Err(format!("lane {number} set {set}, and had begun {begun}: {last}").into());
    }
    if begun > set {
        line.met_a_death(); // its predecessor's
    }
    log.set.set_unlocked(number, last)?;
    while !line.is_stopped() {
        last += 1;
        log.begun.set_unlocked(number, last)?;
        list.set(number, item(last))?;
        log.set.set_unlocked(number, last)?;
        for slot in 0..LANES {
            read(&list, slot)?;
        }
        line.moved();
    }
    Ok(())
}

/// Its number tells all of it.
fn item(number: u64) -> ShareableItem {
    let text = format!("{number}/").repeat(ROOM);
    let length = number.to_string().len() + 1 + number as usize % (ROOM / 2);
    match number % 4 {
        0 => ShareableItem::Int(number as i64),
        1 => ShareableItem::Float(number as f64),
        2 => ShareableItem::Str(text[..length].to_owned()),
        _ => ShareableItem::Bytes(text.as_bytes()[..length].to_vec()),
    }
}

/// The number of the item in a slot.
fn read(list: &ShareableList, slot: usize) -> Fallible<u64> {
    let found = list.get(slot)?;
    let number = |text: &str| text.split('/').next().unwrap_or_default().parse::<u64>();
    let number = match &found {
        ShareableItem::Int(number) => *number as u64,
        ShareableItem::Float(number) => *number as u64,
        ShareableItem::Str(text) => number(text)?,
        ShareableItem::Bytes(bytes) => number(std::str::from_utf8(bytes)?)?,
        other => return Err(format!("slot {slot} holds {other:?}").into()),
    };
    if found == item(number) {
        Ok(number)
    } else {
        Err(format!("slot {slot} holds {found:?}, which no one set").into())
    }
}
