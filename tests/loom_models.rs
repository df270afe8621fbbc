//! The algorithms in loom's memory model: every model holds, every broken variant is caught.

use forkproof::models::model::{Budget, Verdict};
use forkproof::models::{TRIALS, trial};

/// Two tests for each trial, so that they run side by side.
macro_rules! trials {
    ($($test:ident: $primitive:literal,)*) => {
        $(mod $test {
            #[test]
            fn models_hold() {
                super::models_hold($primitive);
            }

            #[test]
            fn broken_variants_are_caught() {
                super::broken_variants_are_caught($primitive);
            }
        })*

        const TESTED: &[&str] = &[$($primitive),*];
    };
}

trials! {
    lock: "Lock",
    rlock: "RLock",
    semaphore: "Semaphore",
    event: "Event",
    condition: "Condition",
    barrier: "Barrier",
    queue: "Queue",
    joinable_queue: "JoinableQueue",
    manager: "Manager",
}

#[test]
fn every_trial_has_its_tests() {
    let primitives = TRIALS.iter().map(|trial| trial.primitive);
    assert_eq!(primitives.collect::<Vec<_>>(), TESTED);
}

fn models_hold(primitive: &str) {
    let trial = trial(primitive);
    for model in (trial.models)() {
        if model.fits(Budget::Quick) {
            let report = model.run(Budget::Quick, &mut |_| {});
            println!("{report:?}");
            assert_eq!(report.verdict, Verdict::Holds, "{report:?}");
        }
    }
}

fn broken_variants_are_caught(primitive: &str) {
    for variant in trial(primitive).variants {
        let report = variant.run(Budget::Quick, &mut |_| {});
        for catch in &report.catches {
            let message = catch.message.as_deref().unwrap_or("ESCAPED");
            println!(
                "{:28} {:28} {:7} executions: {message}",
                report.name, catch.model, catch.executions
            );
        }
        assert!(
            report.is_caught(),
            "escaped: {} ({})",
            report.name,
            report.what
        );
    }
}
