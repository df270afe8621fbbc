//! Searches: through all the executions of a model, or of real processes.

pub mod loom;
