//! A pointer in shared memory.

use std::os::fd::AsFd;

use proptest::collection::vec;
use proptest::prelude::any;

use super::trial::{Outcome, drawn};
use super::{Entry, Trial};
use crate::sys::memory::Mapping;

/// A node: where the next one is (0: nowhere), and its value.
const NODE_BYTES: usize = 16;

/// A list in memory that may be mapped elsewhere, too; `by_address`: a node says at which address the next one is, not
/// at which offset.
struct List<'a> {
    memory: &'a Mapping,
    by_address: bool,
}

impl List<'_> {
    /// One node after the other, from the second place on: an offset of 0 ends the list.
    fn write(&self, values: &[u64]) {
        for (number, value) in values.iter().enumerate() {
            let offset = (number + 1) * NODE_BYTES;
            let next = match number + 1 {
                last if last == values.len() => 0,
                _ => self.reference(offset + NODE_BYTES),
            };
            self.memory.write(offset, &next.to_le_bytes());
            self.memory.write(offset + 8, &value.to_le_bytes());
        }
    }

    fn reference(&self, offset: usize) -> u64 {
        let base = self.memory.start() as usize;
        (if self.by_address {
            base + offset
        } else {
            offset
        }) as u64
    }

    /// # Errors
    /// A reference that leads out of this memory: to follow it would be to read what belongs to someone else.
    fn read(&self, count: usize) -> Result<Vec<u64>, String> {
        let mut values = Vec::new();
        let mut offset = NODE_BYTES;
        while values.len() < count {
            let next = self.number(offset);
            values.push(self.number(offset + 8));
            if next == 0 {
                break;
            }
            let base = if self.by_address {
                self.memory.start() as usize
            } else {
                0
            };
            offset = (next as usize)
                .checked_sub(base)
                .filter(|offset| offset + NODE_BYTES <= self.memory.len())
                .ok_or("a reference leads out of the memory")?;
        }
        Ok(values)
    }

    fn number(&self, offset: usize) -> u64 {
        let mut bytes = [0; 8];
        self.memory.read(offset, &mut bytes);
        u64::from_le_bytes(bytes)
    }
}

const DRAWN: u32 = 20;

/// Drawn lists, written by one mapping and read by another of the same memory, as another process has it.
fn lists(by_address: bool) -> Outcome {
    let strategy = vec(any::<u64>(), 1..8);
    drawn(DRAWN, &strategy, Vec::len, |values| {
        let here = Mapping::create(4_096).map_err(|error| error.to_string())?;
        let file = here.as_fd().try_clone_to_owned();
        let there = file.and_then(Mapping::attach);
        let there = there.map_err(|error| error.to_string())?;
        let list = |memory| List { memory, by_address };
        list(&here).write(values);
        let read = list(&there).read(values.len())?;
        if &read == values {
            Ok(())
        } else {
            Err(format!("{read:?} is read"))
        }
    })
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 31,
    name: "a pointer in shared memory",
    bug: "the address is that of the writer's mapping: another process has the memory elsewhere",
    source: "Boost.Interprocess, \"Mapping address independent pointer: offset_ptr\"",
    trials: &[Trial::drawn(DRAWN as u64, || lists(true), || lists(false))],
}];
