//! Models of the shipped algorithms, which must hold; and these algorithms broken in one way each, which the models
//! must catch.

pub mod barrier;
mod betrayals;
mod broken;
pub mod condition;
pub mod event;
pub mod listener;
pub mod model;
pub mod mutex;
pub mod ring;
pub mod semaphore;
pub mod tasks;
mod variant;

pub use variant::{Catch, Variant, VariantReport};

use model::Model;

/// What stands on trial in loom's memory model.
pub struct Trial {
    pub primitive: &'static str,
    /// Models of the shipped algorithm: all must hold.
    pub models: fn() -> Vec<Model>,
    /// The algorithm broken in one way each: all must be caught.
    pub variants: &'static [Variant],
}

/// Every trial.
pub static TRIALS: &[Trial] = &[
    Trial {
        primitive: "Lock",
        models: mutex::models,
        variants: mutex::VARIANTS,
    },
    Trial {
        primitive: "RLock",
        models: mutex::reentrant_models,
        variants: &[],
    },
    Trial {
        primitive: "Semaphore",
        models: semaphore::models,
        variants: semaphore::VARIANTS,
    },
    Trial {
        primitive: "Event",
        models: event::models,
        variants: event::VARIANTS,
    },
    Trial {
        primitive: "Condition",
        models: condition::models,
        variants: condition::VARIANTS,
    },
    Trial {
        primitive: "Barrier",
        models: barrier::models,
        variants: barrier::VARIANTS,
    },
    Trial {
        primitive: "Queue",
        models: ring::models,
        variants: ring::VARIANTS,
    },
    Trial {
        primitive: "JoinableQueue",
        models: tasks::models,
        variants: tasks::VARIANTS,
    },
    Trial {
        primitive: "Manager",
        models: listener::models,
        variants: listener::VARIANTS,
    },
];

/// The trial of a primitive.
///
/// # Panics
/// If there is none.
pub fn trial(primitive: &str) -> &'static Trial {
    let mut trials = TRIALS.iter();
    trials
        .find(|trial| trial.primitive == primitive)
        .unwrap_or_else(|| panic!("no trial of {primitive}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_given_once() {
        for trial in TRIALS {
            let models = (trial.models)();
            let mut names: Vec<_> = models.iter().map(|model| model.name).collect();
            names.extend(trial.variants.iter().map(|variant| variant.name));
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", trial.primitive);
        }
    }
}
