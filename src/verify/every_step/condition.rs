//! Conditions: whoever is killed, who waits is told what was said, or that it will not be.

use super::super::programs::signals::{self, Lanes};
use super::{Subject, killed_once};
use crate::explore::run_all;

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[Subject {
    primitive: "Condition",
    name: "condition-told-3",
    lanes: 3,
    // One is left to tell when one is killed.
    run: |plans| run_all(signals::given, &Lanes::of(1, 2), &killed_once(plans)),
}];
