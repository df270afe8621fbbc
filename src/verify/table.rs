//! The table at the end: for people, and as JSON.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Shard;
use super::report::{Check, Report, Technique, Verdict};

/// What all checks gave.
pub struct Table {
    /// From which what was generated came.
    pub seed: u64,
    /// Of the checks that were meant.
    pub shard: Shard,
    pub rows: Vec<Row>,
}

/// A table's JSON.
pub(super) fn report(
    holds: bool,
    seed: Value,
    shard: Shard,
    rows: Vec<Value>,
    rests_on: Map<String, Value>,
) -> Value {
    json!({
        "holds": holds,
        "seed": seed,
        "shard": shard.to_string(),
        "rows": rows,
        "rests_on": rests_on,
    })
}

/// What one check gave.
pub struct Row {
    pub primitive: &'static str,
    pub technique: Technique,
    pub report: Report,
    pub took: Duration,
}

const HEAD: [&str; 7] = [
    "primitive",
    "technique",
    "cases",
    "runs",
    "kills",
    "verdict",
    "seconds",
];

impl Row {
    pub(super) fn new(check: &Check, report: Report, took: Duration) -> Row {
        Row {
            primitive: check.primitive,
            technique: check.technique,
            report,
            took,
        }
    }

    pub fn holds(&self) -> bool {
        self.report.verdict == Verdict::Holds
    }

    fn cells(&self) -> [String; 7] {
        let number = |number: u64| {
            if number == 0 {
                "-".into()
            } else {
                thousands(number)
            }
        };
        [
            self.primitive.into(),
            self.technique.name().into(),
            number(self.report.cases),
            number(self.report.runs),
            number(self.report.kills),
            self.verdict().into(),
            format!("{:.1}", self.took.as_secs_f64()),
        ]
    }

    fn verdict(&self) -> &'static str {
        if self.holds() { "holds" } else { "FAILS" }
    }

    fn why(&self) -> Option<&str> {
        match &self.report.verdict {
            Verdict::Holds => None,
            Verdict::Fails(why) => Some(why),
        }
    }
}

impl Table {
    /// Whether every check holds; none at all hold nothing.
    pub fn holds(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(Row::holds)
    }

    /// The keys are a promise: scripts rely on them.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "primitive": row.primitive,
                "technique": row.technique.name(),
                "cases": row.report.cases,
                "runs": row.report.runs,
                "kills": row.report.kills,
                "verdict": if row.holds() { "holds" } else { "fails" },
                "why": row.why(),
                "extent": row.report.extent,
                "seconds": row.took.as_secs_f64(),
            })
        };
        let rests_on = self
            .techniques()
            .map(|one| (one.name().into(), one.rests_on().into()));
        report(
            self.holds(),
            self.seed.into(),
            self.shard,
            self.rows.iter().map(row).collect(),
            rests_on.collect(),
        )
    }

    /// Each technique of the rows, once, in their order.
    fn techniques(&self) -> impl Iterator<Item = Technique> {
        let mut seen = std::collections::HashSet::new();
        let all = self.rows.iter().map(|row| row.technique);
        all.filter(move |technique| seen.insert(*technique))
    }
}

/// The rows, why those that fail do, and what a pass does not prove.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<[String; 7]> = self.rows.iter().map(Row::cells).collect();
        let mut widths = HEAD.map(str::len);
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.len().max(*width);
            }
        }
        line(f, &HEAD, &widths)?;
        let rules = widths.map(|width| "-".repeat(width));
        line(f, &rules.each_ref().map(String::as_str), &widths)?;
        for row in &cells {
            line(f, &row.each_ref().map(String::as_str), &widths)?;
        }
        for row in &self.rows {
            if let Some(why) = row.why() {
                let (name, technique) = (row.primitive, row.technique);
                let again = format!(
                    "again: forkproof verify --only \"{name} {technique}\" --seed {}",
                    self.seed
                );
                writeln!(
                    f,
                    "\n{name}, {technique}, FAILS:\n{}\n  {again}",
                    indented(why)
                )?;
            }
        }
        let told = self.rows.iter().filter(|row| !row.report.extent.is_empty());
        for (place, row) in told.enumerate() {
            if place == 0 {
                writeln!(f, "\nhow far the schedules were tried")?;
            }
            for extent in &row.report.extent {
                writeln!(f, "  {extent}")?;
            }
        }
        writeln!(f, "\nwhat a pass rests on, and what it does not prove")?;
        for technique in self.techniques() {
            writeln!(f, "  {technique}: {}", technique.rests_on())?;
        }
        let failing = self.rows.iter().filter(|row| !row.holds()).count();
        write!(f, "\nseed {}: ", self.seed)?;
        match (self.rows.len(), failing) {
            (all, 0) => write!(f, "all {all} checks hold"),
            (all, failing) => write!(f, "{failing} of {all} checks fail"),
        }
    }
}

/// A row in one line, as progress tells it.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [.., seconds] = self.cells();
        write!(f, "{} in {seconds} s", self.verdict())
    }
}

/// Words to the left, numbers to the right.
fn line(f: &mut fmt::Formatter<'_>, cells: &[&str; 7], widths: &[usize; 7]) -> fmt::Result {
    let mut text = String::new();
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        text += if column == 0 { "" } else { "  " };
        text += &match HEAD[column] {
            "primitive" | "technique" | "verdict" => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        };
    }
    writeln!(f, "{}", text.trim_end())
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(primitive: &'static str, report: Report) -> Row {
        let (technique, took) = (Technique::Proptest, Duration::from_millis(1_250));
        Row {
            primitive,
            technique,
            report,
            took,
        }
    }

    #[test]
    fn a_table_reads_as_one() {
        let rows = vec![
            row("Lock", Report::holds(64, 1_234_567, 0)),
            row("Value", Report::holds(1, 2, 3).fails("lost\n3")),
        ];
        let shard = Shard::WHOLE;
        let table = Table {
            seed: 7,
            shard,
            rows,
        };
        assert!(!table.holds());
        let text = table.to_string();
        let expected = "\
primitive  technique  cases       runs  kills  verdict  seconds
---------  ---------  -----  ---------  -----  -------  -------
Lock       proptest      64  1,234,567      -  holds        1.2
Value      proptest       1          2      3  FAILS        1.2

Value, proptest, FAILS:
  lost
  3
  again: forkproof verify --only \"Value proptest\" --seed 7
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("\nseed 7: 1 of 2 checks fail"), "{text}");
    }

    #[test]
    fn a_table_of_nothing_holds_nothing() {
        assert!(
            !Table {
                seed: 7,
                shard: Shard::WHOLE,
                rows: vec![]
            }
            .holds()
        );
    }
}
