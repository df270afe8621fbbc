//! The word that says how far a barrier's rounds have come.

/// The bits of the status.
const STATUS_BITS: u32 = 3;

// The statuses. Each change with a wake is an addition, so the order matters.
pub(super) const FILLING: u32 = 0;
pub(super) const ACTING: u32 = 1;
pub(super) const DRAINING: u32 = 2;
pub(super) const RESETTING: u32 = 3;
pub(super) const BROKEN: u32 = 4;

/// What one round more adds.
pub(super) const ROUND: u32 = 1 << STATUS_BITS;

pub(super) fn status(phase: u32) -> u32 {
    phase & (ROUND - 1)
}

pub(super) fn round(phase: u32) -> u32 {
    phase >> STATUS_BITS
}
