//! Managers, in real processes.

mod lists;
