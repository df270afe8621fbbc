//! Places in a sequence, as Python counts them: from the end below zero, and slices that are cut to fit.

use super::Args;
use crate::manager::error::{Kind, Raised};

/// The place that an index means: `None` if there is none.
pub fn place(index: i128, len: usize) -> Option<usize> {
    let from_start = if index < 0 {
        index.checked_add(len as i128)?
    } else {
        index
    };
    usize::try_from(from_start)
        .ok()
        .filter(|place| *place < len)
}

/// The places of a slice, in its order.
pub struct Slice {
    pub start: i128,
    pub step: i128,
    pub count: usize,
}

impl Slice {
    /// From start, stop and step, each of which may be left out.
    pub fn of(args: &mut Args<'_>, len: usize) -> Result<Slice, Raised> {
        let (start, stop) = (args.optional_int()?, args.optional_int()?);
        let step = args.optional_int()?.unwrap_or(1);
        if step == 0 {
            return Err(Kind::ValueError.says("slice step cannot be zero"));
        }
        let len = len as i128;
        // Where a slice may begin or end, in its direction.
        let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
        let cut = |index: i128| {
            let from_start = if index < 0 {
                index.saturating_add(len)
            } else {
                index
            };
            from_start.clamp(low, high)
        };
        let (first, last) = if step > 0 { (low, high) } else { (high, low) };
        let start = start.map_or(first, cut);
        let stop = stop.map_or(last, cut);
        let span = if step > 0 { stop - start } else { start - stop };
        let count = if span <= 0 {
            0
        } else {
            // Both are below the size of memory; the step may be anything.
            (span - 1) / step.saturating_abs() + 1
        };
        Ok(Slice {
            start,
            step,
            count: count as usize,
        })
    }

    pub fn places(&self) -> impl Iterator<Item = usize> {
        let (start, step) = (self.start, self.step);
        (0..self.count as i128).map(move |number| (start + number * step) as usize)
    }
}
