//! Each set of histories, judged by each in turn, and a row of the table for each.

use std::time::Instant;

use crate::record::{Judge, Set};

/// One judge's: for each history its verdict, and the nanoseconds of each round.
struct Column {
    verdicts: Vec<Option<bool>>,
    times: Vec<Vec<f64>>,
}

pub fn head() {
    println!(
        "{:47} {:11} {:>9} {:>9} {:>11} {:>9}",
        "histories", "by", "judged", "illegal", "µs each", "to ours"
    );
}

/// The first judge is ours.
pub fn measure(set: &Set, judges: &[Judge], rounds: usize) {
    let all = set.records.len();
    let mut columns: Vec<Column> = judges.iter().map(|_| Column::new(all)).collect();
    for round in 0..rounds {
        for history in 0..all {
            // Who comes first finds the caches as another history left them: each does, in turn.
            for turn in 0..judges.len() {
                let at = (round + turn) % judges.len();
                columns[at].judge(&judges[at], set, history);
            }
        }
    }
    agree(set, judges, &columns);
    for (judge, column) in judges.iter().zip(&columns) {
        println!("{}", row(set, judge, column, &columns[0]));
    }
}

impl Column {
    fn new(histories: usize) -> Column {
        Column {
            verdicts: vec![None; histories],
            times: vec![Vec::new(); histories],
        }
    }

    /// What was too much once is not tried again: a budget of calls is spent in the same way each time.
    fn judge(&mut self, judge: &Judge, set: &Set, history: usize) {
        if !self.times[history].is_empty() && self.verdicts[history].is_none() {
            return;
        }
        let trial = (judge.prepare)(&set.records[history]);
        let begun = Instant::now();
        let verdict = trial();
        self.times[history].push(begun.elapsed().as_nanos() as f64);
        self.verdicts[history] = verdict;
    }

    /// Medians, of those that `only` has a verdict on.
    fn ns_each(&self, only: &Column) -> Option<f64> {
        let told = self
            .times
            .iter()
            .zip(&only.verdicts)
            .filter(|told| told.1.is_some());
        let medians: Vec<f64> = told
            .map(|(times, _)| {
                let mut times = times.clone();
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            })
            .collect();
        let count = medians.len();
        (count > 0).then(|| medians.iter().sum::<f64>() / count as f64)
    }
}

fn agree(set: &Set, judges: &[Judge], columns: &[Column]) {
    for (judge, column) in judges.iter().zip(columns) {
        for (number, (theirs, ours)) in column.verdicts.iter().zip(&columns[0].verdicts).enumerate()
        {
            if let (Some(theirs), Some(ours)) = (theirs, ours) {
                let who = judge.name;
                assert_eq!(
                    theirs, ours,
                    "{who} differs on history {number} of {}",
                    set.name
                );
            }
        }
    }
}

fn row(set: &Set, judge: &Judge, column: &Column, ours: &Column) -> String {
    let judged = column.verdicts.iter().flatten().count();
    let illegal = column
        .verdicts
        .iter()
        .flatten()
        .filter(|legal| !**legal)
        .count();
    let of = format!("{judged} of {}", set.records.len());
    let (us, ratio) = match (column.ns_each(column), ours.ns_each(column)) {
        (Some(theirs), Some(ours)) => (
            format!("{:.1}", theirs / 1e3),
            format!("{:.2}", theirs / ours),
        ),
        _ => ("-".to_owned(), "-".to_owned()),
    };
    format!(
        "{:47} {:11} {of:>9} {illegal:>9} {us:>11} {ratio:>9}",
        set.name, judge.name
    )
}
