//! What is compared between the two builds, and the record of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::remains::Difference;
use crate::sweep::Swept;

/// By case.
pub type Figures = BTreeMap<String, Figure>;

/// What a case came to. Instructions, and with them kills, depend on the compiler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Where the victim could be killed: after each instruction, and in each sleep.
    moments: usize,
    kills: usize,
    /// Kills of a victim that slept.
    asleep: usize,
    /// The same by steps.
    steps: usize,
    /// Not of a case whose company is awake, or whose objects do not lie in shared memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    remains: Option<Remains>,
}

/// How many different ones there were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remains {
    by_instruction: usize,
    by_step: usize,
    /// After some instruction, and before no step.
    missing: usize,
}

const HEAD: &str = "\
# What tests/single_step came to, by case; its text says how. Of `moments` and `kills` another compiler makes others.
# `missing` is what survived a kill after some instruction, and a kill before no step.
# Written by: FORKPROOF_RECORD=1 cargo test --test single_step
";

pub fn compare(by_instruction: &Swept, by_step: &Swept) -> Figure {
    let missing = by_instruction.remains.difference(&by_step.remains);
    let missing = missing.inspect(|remains| {
        let differences = by_step.remains.iter().map(|it| Difference(remains, it));
        if let Some(nearest) = differences.min_by_key(Difference::size) {
            println!("{}: before no step: {nearest}", by_instruction.case);
        }
    });
    Figure {
        moments: by_instruction.moments,
        kills: by_instruction.kills,
        asleep: by_instruction.asleep,
        steps: by_step.moments,
        remains: by_instruction.is_compared.then(|| Remains {
            missing: missing.count(),
            by_instruction: by_instruction.remains.len(),
            by_step: by_step.remains.len(),
        }),
    }
}

/// What is wrong with a figure.
pub fn complaint((case, figure): (&String, &Figure)) -> Option<String> {
    let missing = figure.remains.as_ref().map_or(0, |remains| remains.missing);
    if missing > 0 {
        let text = "survived a kill after an instruction, and a kill before no step";
        return Some(format!("{case}: {missing} of what {text}"));
    }
    // Where the company is awake, no two runs take as many turns.
    let least = figure.remains.as_ref().map_or(0, |_| figure.steps);
    let is_blind = figure.kills <= least;
    is_blind.then(|| format!("{case}: no more kills than steps, or none: {figure:?}"))
}

/// # Panics
/// If the record is of other cases, or tells of something missing.
pub fn assert_recorded(fresh: &Figures) {
    let text = std::fs::read_to_string(file()).expect("the record");
    let recorded: Figures = toml::from_str(&text).expect("a record of figures");
    let exact = |figures: &Figures| {
        let missing = |figure: &Figure| figure.remains.as_ref().map(|remains| remains.missing);
        let cases = figures.iter();
        cases
            .map(|(case, figure)| (case.clone(), missing(figure)))
            .collect::<Vec<_>>()
    };
    let (recorded, fresh) = (exact(&recorded), exact(fresh));
    assert_eq!(recorded, fresh, "{} is out of date", file().display());
}

/// # Panics
/// If the file cannot be written.
pub fn record(fresh: &Figures) {
    let text = toml::to_string(fresh).expect("figures serialise");
    std::fs::write(file(), format!("{HEAD}\n{text}")).expect("the record is written");
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/single_step.toml")
}
