//! What is counted of a call.

use serde::{Deserialize, Serialize};

/// What one call costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    pub system_calls: usize,
    pub instructions: usize,
    /// Of memory that processes share.
    pub cache_lines: usize,
}
