//! How the cost of an operation grows with what else there is: a table, and a plot of each.
//!
//! ```text
//! cargo bench --bench peers -- growth
//! ```
//! Told are medians; a plot has the least and the most, too.

mod list;
mod locks;
mod plot;
mod processes;
mod queue;

use std::path::Path;

use plot::{Axis, Line, Plot, Point};

pub const COMMAND: &str = "cargo bench --bench peers -- growth";

/// What is measured for a number of things, larger and larger.
pub struct Growth {
    /// Of the file.
    pub name: &'static str,
    /// Of the plot.
    pub title: &'static str,
    /// What there is more and more of.
    pub of: &'static str,
    pub numbers: Vec<u64>,
    /// How such a number is written.
    pub written: fn(u64) -> String,
    /// The operations whose cost is told.
    pub lines: &'static [&'static str],
    /// Nanoseconds of each of them, once more.
    pub measure: Box<dyn FnMut(u64) -> Vec<f64>>,
}

pub fn run(rounds: usize) {
    let growths = [
        locks::contended(),
        locks::alive(),
        queue::growth(),
        processes::growth(),
        list::growth(),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../growth");
    std::fs::create_dir_all(&folder).expect("the plots' folder can be made");
    for growth in growths {
        let file = folder.join(growth.name).with_extension("svg");
        let plot = measured(growth, rounds);
        print(&plot);
        std::fs::write(&file, plot.to_svg()).expect("a plot can be written");
    }
}

/// Each number in turn, and that several times, so that whatever else the machine does meets each of them.
fn measured(mut growth: Growth, rounds: usize) -> Plot {
    let mut figures = vec![vec![Vec::new(); growth.numbers.len()]; growth.lines.len()];
    for _ in 0..rounds {
        for (at, &number) in growth.numbers.iter().enumerate() {
            let measured = (growth.measure)(number);
            assert_eq!(measured.len(), growth.lines.len());
            for (figures, ns) in figures.iter_mut().zip(measured) {
                figures[at].push(ns);
            }
        }
    }
    let point = |(&number, mut ns): (&u64, Vec<f64>)| {
        ns.sort_by(f64::total_cmp);
        Point {
            x: number as f64,
            least: ns[0],
            median: ns[rounds / 2],
            most: ns[rounds - 1],
        }
    };
    let lines = growth
        .lines
        .iter()
        .zip(figures)
        .map(|(name, figures)| Line {
            name,
            points: growth.numbers.iter().zip(figures).map(point).collect(),
        });
    Plot {
        title: growth.title,
        note: format!("{COMMAND}: medians of {rounds}, and from the least to the most"),
        x: Axis {
            label: growth.of,
            ticks: growth
                .numbers
                .iter()
                .map(|&number| (number as f64, (growth.written)(number)))
                .collect(),
        },
        y: "for each",
        lines: lines.collect(),
    }
}

fn print(plot: &Plot) {
    println!("{}", plot.title);
    println!("{}:", plot.x.label);
    println!(
        "{:>12}  {:36} {:>13} {:>31}",
        "", "", "ns each", "least .. most"
    );
    for line in &plot.lines {
        for (point, (_, number)) in line.points.iter().zip(&plot.x.ticks) {
            let spread = format!("{:.1} .. {:.1}", point.least, point.most);
            println!(
                "{number:>12}  {:36} {:>13.1} {spread:>31}",
                line.name, point.median
            );
        }
    }
    println!();
}

/// 1,000,000
pub fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}
