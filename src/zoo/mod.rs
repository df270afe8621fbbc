//! Known bugs, each beside its correct twin: the harness must catch the first and pass the second.

pub mod ladder;
pub mod model;
pub mod mutex;
