//! The robust lock in loom's memory model: every model holds, every broken variant is caught.

use forkproof::zoo::model::{Budget, Verdict};
use forkproof::zoo::mutex;

/// A test for each model, so that they run side by side.
macro_rules! models {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            holds($name);
        })*

        const TESTED: &[&str] = &[$($name),*];
    };
}

models! {
    two_lanes: "two lanes",
    two_lanes_two_rounds: "two lanes, two rounds",
    three_lanes: "three lanes",
    three_lanes_one_barges: "three lanes, one barges",
    deadline: "deadline",
    held_throughout: "held throughout",
    no_room: "no room",
    attempt: "try",
    reentrant: "reentrant",
    refusals: "refusals",
    one_of_two_killed: "one of two killed",
    one_of_three_killed: "one of three killed",
    the_second_of_three_killed: "the second of three killed",
    killed_and_given_up: "killed, and given up",
    killed_during_recovery: "killed during recovery",
    reentrant_owner_killed: "reentrant owner killed",
    refused_owner_killed: "refused owner killed",
    three_states: "three states",
    event: "event",
}

#[test]
fn every_model_of_the_quick_budget_has_a_test() {
    let models = mutex::list();
    let quick = models.iter().filter(|model| model.fits(Budget::Quick));
    assert_eq!(quick.map(|model| model.name).collect::<Vec<_>>(), TESTED);
}

#[test]
fn every_broken_variant_is_caught() {
    for report in mutex::variants(Budget::Quick, &mut |_| {}) {
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

fn holds(name: &str) {
    let models = mutex::list();
    let model = models
        .iter()
        .find(|model| model.name == name)
        .expect("it is listed");
    let report = model.run(Budget::Quick, &mut |_| {});
    println!("{report:?}");
    assert_eq!(report.verdict, Verdict::Holds, "{report:?}");
}
