//! Random kills of lanes that make named memory and unlink it, attach each other's, write into some that they all have
//! merely attached, and have a manager keep some for them.
//!
//! # What is judged
//! A name that can be found stands for memory of its full size, and what lies in it is whole. What all have attached is
//! there under its name after every death, with what each wrote. What a manager made has no name any more once the
//! lane that started it is dead. In the end no name is left.

use std::io::{self, ErrorKind};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::crew::{Board, Tally, Work};
use super::{Fallible, stuck};
use crate::explore::dice::Dice;
use crate::{Array, Process, SharedMemory, SharedMemoryManager};

const LANES: usize = 3;
/// Of what the lanes make: more than a page.
const BYTES: usize = 20_000;
const WORD: usize = size_of::<u64>();
/// Bytes of the names that are noted.
const NAME_BYTES: usize = 64;

/// Names, and what stands for them.
pub struct Names {
    common: SharedMemory,
    log: Log,
}

/// By lane; each array is written by the lane only.
#[derive(Clone, Serialize, Deserialize)]
struct Log {
    /// What it writes into the common memory: the last that was begun, and that was written.
    begun: Array<u64>,
    written: Array<u64>,
    /// The name of what its manager made last, in [`NAME_BYTES`].
    kept: Array<u8>,
}

impl Names {
    /// # Errors
    /// No memory.
    pub fn new() -> Fallible<Names> {
        Ok(Names {
            common: SharedMemory::create(LANES * WORD)?,
            log: Log {
                begun: Array::new(LANES)?,
                written: Array::new(LANES)?,
                kept: Array::new(LANES * NAME_BYTES)?,
            },
        })
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let _ = self.common.unlink(); // judge() has
        for lane in 0..LANES {
            let left = SharedMemory::attach(&name_of(lane, self.common.name()));
            let _ = left.and_then(|left| left.unlink()); // and found that there is none
        }
    }
}

/// Of what a lane makes.
fn name_of(lane: usize, common: &str) -> String {
    format!("{common}-{lane}")
}

impl Work for Names {
    fn lanes(&self) -> usize {
        LANES
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        let common = self.common.name().to_owned();
        Process::new(lane, (number, common, self.log.clone(), board))
    }

    fn names(&self) -> Vec<String> {
        // What is being made has a number in place of a name; what a manager made, a name by chance.
        ["#", "forkproof_"].map(str::to_owned).into()
    }

    fn judge(&self, _tally: &Tally) -> Fallible {
        let found = SharedMemory::attach(self.common.name())?;
        for lane in 0..LANES {
            let (there, written) = (word(&found, lane)?, self.log.written.get_unlocked(lane)?);
            if there != written {
                return Err(format!("lane {lane} wrote {written}, and there is {there}").into());
            }
            self.log.await_unlinked(lane)?;
            let own = name_of(lane, self.common.name());
            if SharedMemory::attach(&own).is_ok() {
                return Err(format!("{own} is left").into());
            }
        }
        Ok(self.common.unlink()?)
    }
}

impl Log {
    fn note(&self, lane: usize, name: &str) -> Fallible {
        let padded = name.bytes().chain(std::iter::repeat(0)).take(NAME_BYTES);
        for (at, byte) in padded.enumerate() {
            self.kept.set_unlocked(lane * NAME_BYTES + at, byte)?;
        }
        Ok(())
    }

    /// Until what the manager made last has no name any more.
    fn await_unlinked(&self, lane: usize) -> Fallible {
        let all = self.kept.to_vec_unlocked();
        let name = all[lane * NAME_BYTES..][..NAME_BYTES].split(|&byte| byte == 0);
        let name = std::str::from_utf8(name.take(1).next().unwrap_or_default())?.to_owned();
        if name.is_empty() {
            return Ok(());
        }
        let deadline = Instant::now() + stuck::PATIENCE;
        while SharedMemory::attach(&name).is_ok() {
            if Instant::now() > deadline {
                return Err(format!("{name} is left by the manager of a lane that is dead").into());
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

fn lane(number: usize, common: String, log: Log, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    let mut dice = Dice::new(line.moves() ^ (number as u64) << 32);
    let own = name_of(number, &common);
    if remove(&own)? {
        line.met_a_death();
    }
    log.await_unlinked(number)?;
    write(number, &common, &log)?;
    let mut manager = SharedMemoryManager::start()?;
    while !line.is_stopped() {
        match dice.below(8) {
            0 => {
                manager.shutdown()?;
                log.await_unlinked(number)?;
                manager = SharedMemoryManager::start()?;
            }
            1 => {
                let made = manager.shared_memory(BYTES)?;
                log.note(number, made.name())?;
                made.unlink()?;
            }
            2 => log.note(number, manager.shared_memory(BYTES)?.name())?,
            3 | 4 => make(&own, line.moves())?,
            5 => look(&name_of(dice.below(LANES as u64) as usize, &common))?,
            _ => write(number, &common, &log)?,
        }
        line.moved();
    }
    Ok(())
}

/// What a dead predecessor has left; whether it has.
fn remove(own: &str) -> Fallible<bool> {
    look(own)?;
    match SharedMemory::attach(own).and_then(|left| left.unlink()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn make(own: &str, number: u64) -> Fallible {
    let made = SharedMemory::create_named(own, BYTES)?;
    for at in (0..BYTES).step_by(WORD) {
        made.write(at, &number.to_ne_bytes())?;
    }
    Ok(made.unlink()?)
}

/// One word after another is written: behind those of one number there are only zeroes.
fn look(name: &str) -> Fallible {
    let found = match SharedMemory::attach(name) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if found.len() != BYTES {
        return Err(format!("{name} is {} bytes long", found.len()).into());
    }
    let last = word(&found, BYTES / WORD - 1)?;
    let first = word(&found, 0)?;
    if last != 0 && last != first {
        return Err(format!("{name} holds {first} and {last}").into());
    }
    Ok(())
}

fn write(lane: usize, common: &str, log: &Log) -> Fallible {
    let found = SharedMemory::attach(common)?;
    let there = word(&found, lane)?;
    let (begun, written) = (
        log.begun.get_unlocked(lane)?,
        log.written.get_unlocked(lane)?,
    );
    if !(written..=begun).contains(&there) {
        return Err(format!("lane {lane} wrote {written}, and begun {begun}: {there}").into());
    }
    log.written.set_unlocked(lane, there)?;
    log.begun.set_unlocked(lane, there + 1)?;
    found.write(lane * WORD, &(there + 1).to_ne_bytes())?;
    Ok(log.written.set_unlocked(lane, there + 1)?)
}

fn word(memory: &SharedMemory, number: usize) -> io::Result<u64> {
    let mut bytes = [0; WORD];
    memory
        .read(number * WORD, &mut bytes)
        .map_err(io::Error::other)?;
    Ok(u64::from_ne_bytes(bytes))
}
