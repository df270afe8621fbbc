//! Which elements a user means.

use std::ops::{Bound, RangeBounds};

/// An index, a range or a length that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoundsError {
    #[error("index {index} is outside an array of length {len}")]
    Index { index: usize, len: usize },
    #[error("range {start}..{end} is outside an array of length {len}")]
    Range {
        start: usize,
        end: usize,
        len: usize,
    },
    #[error("a step of zero leads nowhere")]
    ZeroStep,
    #[error("a slice of {expected} elements cannot take {given}: the length of an array is fixed")]
    Length { expected: usize, given: usize },
}

pub(super) fn index(index: usize, len: usize) -> Result<usize, BoundsError> {
    if index < len {
        Ok(index)
    } else {
        Err(BoundsError::Index { index, len })
    }
}

/// The first element and the number of elements of a range.
pub(super) fn range(
    range: impl RangeBounds<usize>,
    len: usize,
) -> Result<std::ops::Range<usize>, BoundsError> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => len,
    };
    if start <= end && end <= len {
        Ok(start..end)
    } else {
        Err(BoundsError::Range { start, end, len })
    }
}

/// The elements of a range that a step meets: a positive one from the first element on, a negative one from
/// the last element back.
pub(super) fn stepped(
    over: impl RangeBounds<usize>,
    step: isize,
    len: usize,
) -> Result<Vec<usize>, BoundsError> {
    let over = range(over, len)?;
    match step {
        0 => Err(BoundsError::ZeroStep),
        1.. => Ok(over.step_by(step.unsigned_abs()).collect()),
        _ => Ok(over.rev().step_by(step.unsigned_abs()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_forward_and_back() {
        assert_eq!(stepped(.., 2, 5), Ok(vec![0, 2, 4]));
        assert_eq!(stepped(.., -1, 3), Ok(vec![2, 1, 0]));
        assert_eq!(stepped(2..=5, -2, 9), Ok(vec![5, 3]));
        assert_eq!(stepped(1..1, 3, 9), Ok(vec![]));
        assert_eq!(stepped(.., isize::MIN, 3), Ok(vec![2]));
        assert_eq!(stepped(.., 0, 3), Err(BoundsError::ZeroStep));
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "that is the case")]
    fn ranges_outside_are_refused() {
        assert_eq!(
            range(2..9, 4),
            Err(BoundsError::Range {
                start: 2,
                end: 9,
                len: 4
            })
        );
        assert_eq!(
            range(3..2, 4),
            Err(BoundsError::Range {
                start: 3,
                end: 2,
                len: 4
            })
        );
        assert_eq!(
            range(..=usize::MAX, 4),
            Err(BoundsError::Range {
                start: 0,
                end: usize::MAX,
                len: 4
            })
        );
        assert_eq!(range(4.., 4), Ok(4..4));
    }
}
