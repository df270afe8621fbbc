//! The table: which check rests on what.

pub mod every_step;
pub mod lost_update;
