//! One row of the table, with the budget of a test.

use forkproof::verify::{self, Budget, CHECKS, Progress, Size, Technique, Verdict};

/// Runs it.
///
/// # Panics
/// If it does not hold, or there is no such row.
pub fn row(primitive: &str, technique: Technique) {
    let mut rows = CHECKS.iter();
    let row = rows.find(|row| row.primitive == primitive && row.technique == technique);
    let row = row.expect("there is such a row");
    let budget = Budget::new(Size::Test);
    let report = verify::report(row, budget, &Progress::silent());
    match &report.verdict {
        Verdict::Holds => println!("{report:?}"),
        Verdict::Fails(why) => panic!(
            "{why}\nagain: cargo run -- verify --only \"{primitive} {technique}\" --seed {}",
            budget.seed
        ),
    }
}
