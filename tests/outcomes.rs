//! What each example of the tutorials can print, in any schedule that is tried: the sets, as snapshots; and what they
//! must hold.

#[macro_use]
mod examples;

use forkproof::tutorial::outcomes::{OutcomeSet, OutcomesError, outcomes};
use forkproof::tutorial::{Example, find, judge};

/// More than any example needs.
const RUNS: usize = 20_000;

/// Of which there is no set, and why is said.
const NOT_EXPLORED: [&str; 2] = ["001.n", "001.s"];

test_each_example!(prints_nothing_else);

fn prints_nothing_else(id: &str) {
    let example = find(id).unwrap();
    let set = outcomes(example, RUNS, None);
    if NOT_EXPLORED.contains(&id) {
        assert!(
            matches!(set, Err(OutcomesError::NotExplored { .. })),
            "{id}"
        );
        return;
    }
    let set = set.unwrap();
    let tally = &set.outcomes.tally;
    assert!(tally.is_complete(), "{id}: {tally}");
    set.judge().unwrap_or_else(|wrong| panic!("{wrong}"));
    snapshot(example, &set);
}

/// The outcomes and what they rest on, without counts.
fn snapshot(example: &Example, set: &OutcomeSet) {
    let mut text = format!("{}\n", set.bound());
    for outcome in &set.outcomes.all {
        text += &format!("---\n{}", judge::masked(&outcome.to_string()));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(example.title());
    let name = format!("outcomes_{}_{}", example.id, example.name);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// By the tutorial's own numbers: three deposits and three withdrawals, each of which may be lost.
#[test]
fn without_the_lock_each_balance_is_possible_and_no_other() {
    let set = outcomes(find("004.8c").unwrap(), RUNS, Some(3)).unwrap();
    let texts: Vec<&str> = set
        .outcomes
        .all
        .iter()
        .map(|outcome| outcome.output.trim())
        .collect();
    assert_eq!(texts, ["197", "198", "199", "200", "201", "202", "203"]);
}

#[test]
fn an_outcome_is_replayed() {
    let set = outcomes(find("003.1").unwrap(), RUNS, None).unwrap();
    for (place, outcome) in set.outcomes.all.iter().enumerate() {
        let run = forkproof::verify::replay(&set.replay(place).to_string()).unwrap();
        assert_eq!(run, outcome.run);
    }
}

#[test]
fn an_example_of_one_size_refuses_another() {
    let refused = outcomes(find("000.a").unwrap(), RUNS, Some(3));
    assert!(matches!(refused, Err(OutcomesError::NoSize("000.a"))));
}
