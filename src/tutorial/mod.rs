//! The tutorials: five introductions to Python's `multiprocessing`, example by example, written as a user of
//! this library would write them.
//!
//! Each file `t000.rs` to `t004.rs` is one tutorial; its functions are whole programs, to be read and copied.
//! They say `use forkproof::..` as a program outside of this crate does.
//!
//! ```
//! let example = forkproof::tutorial::find("004.8c").unwrap();
//! assert!(example.title().contains("updates are lost"));
//! (example.run)()?; // prints what the program prints
//! # Ok::<(), forkproof::Error>(())
//! ```
//! What each must print is data ([`expected`]); [`judge`] compares.
//!
//! # What is not covered
//! One run of an example whose order is a race shows one of its orders. Its [`invariant`] is checked on each
//! run; that nothing else can be printed is not shown by that.

pub mod expected;
pub mod explain;
pub mod invariant;
pub mod judge;
pub mod outcomes;
pub mod output;
mod pace;
pub mod size;
mod source;
pub mod t000;
pub mod t001;
pub mod t002;
pub mod t003;
pub mod t004;

pub use expected::Order;
pub use output::{print, println};
pub use pace::{PACE, run_in_real_time, sleep};
pub use size::size;

use crate::Result;
use crate::process::{StartMethod, set_start_method};
use expected::Expected;

/// A program of a tutorial.
pub struct Example {
    /// `tutorial.example`, as `004.8c`.
    pub id: &'static str,
    /// In a word or three, for file names.
    pub name: &'static str,
    /// Runs the program: prints to stdout, waits for the processes that it starts.
    pub run: fn() -> Result<()>,
    /// Runs it as its author did, where that differs.
    pub run_recorded: Option<fn() -> Result<()>>,
}

/// Every example, in the order of the tutorials.
pub static EXAMPLES: &[Example] = &[
    example("000.a", "global_list", t000::global_list),
    example("000.b", "shared_memory", t000::shared_memory),
    example("000.c", "plain_rows", t000::plain_rows),
    example("000.d", "managers_rows", t000::managers_rows),
    example("000.e", "after_the_manager", t000::after_the_manager),
    example("001.d", "managers_dict", t001::managers_dict),
    example("001.e1", "global_list", t001::global_list),
    example("001.e2", "shared_memory", t001::shared_memory),
    example("001.e3", "managers_list", t001::managers_list),
    example("001.e4", "queue", t001::queue),
    example("001.e5", "pipe", t001::pipe),
    example("001.n", "manager_from_afar", t001::manager_from_afar),
    example("001.s", "managers_cost", t001::managers_cost),
    example("001.v", "initial_value", t001::initial_value),
    example("002.1", "private_list", t002::private_list),
    example("002.2", "shared_array", t002::shared_array),
    example("002.3", "shared_value", t002::shared_value),
    example("002.4", "queue", t002::queue),
    example("002.5", "managers_dict", t002::managers_dict),
    example("003.1", "one_process", t003::one_process),
    example("003.1b", "attributes", t003::attributes),
    example("003.1c", "daemons", t003::daemons),
    example("003.2", "nested", t003::nested),
    example("003.3", "pool", t003::pool),
    example("003.4", "pipe_and_queue", t003::pipe_and_queue),
    example("003.5", "lock_joined", t003::lock_joined),
    example("003.5b", "lines_without_lock", t003::lines_without_lock),
    example("003.5c", "lines_with_lock", t003::lines_with_lock),
    example("003.6", "managers_list", t003::managers_list),
    example("003.7", "managers_objects", t003::managers_objects),
    example("004.1", "two_processes", t004::two_processes)
        .recorded(|| spawned(t004::two_processes)),
    example("004.2", "global_list", t004::global_list).recorded(|| spawned(t004::global_list)),
    example("004.3", "inside_and_outside", t004::inside_and_outside)
        .recorded(|| spawned(t004::inside_and_outside)),
    example("004.4", "array_too_short", t004::array_too_short)
        .recorded(|| spawned(t004::array_too_short)),
    example("004.5", "value_and_array", t004::value_and_array)
        .recorded(|| spawned(t004::value_and_array)),
    example("004.6", "value", t004::value).recorded(|| spawned(t004::value)),
    example("004.7", "queue", t004::queue).recorded(|| spawned(t004::queue)),
    example("004.8", "bank_joined", t004::bank_joined).recorded(|| spawned(t004::bank_joined)),
    example("004.8b", "bank_with_lock", t004::bank_with_lock),
    example("004.8c", "bank_without_lock", t004::bank_without_lock),
    example("004.9", "two_queues", t004::two_queues),
];

/// No such example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub id: String,
    /// Those it may have been meant to be.
    pub near: Vec<&'static str>,
}

/// The example of an id.
///
/// # Errors
/// [`Unknown`], which names others.
pub fn find(id: &str) -> Result<&'static Example, Unknown> {
    EXAMPLES
        .iter()
        .find(|example| example.id == id)
        .ok_or_else(|| Unknown {
            id: id.to_string(),
            near: near(id),
        })
}

impl Example {
    /// What it shows, in a line.
    pub fn title(&self) -> &'static str {
        &self.expected().title
    }

    /// Whether it can print one text only.
    pub fn order(&self) -> Order {
        self.expected().order
    }

    const fn recorded(mut self, run: fn() -> Result<()>) -> Example {
        self.run_recorded = Some(run);
        self
    }

    /// What it must print.
    ///
    /// # Panics
    /// If it is not in the fixtures: a test looks each of them up.
    pub fn expected(&self) -> &'static Expected {
        expected::of(self.id).expect("every example is in fixtures/tutorials.toml")
    }
}

const fn example(id: &'static str, name: &'static str, run: fn() -> Result<()>) -> Example {
    Example {
        id,
        name,
        run,
        run_recorded: None,
    }
}

/// Runs a program as on Windows: its children are new runs of the binary, which look their function up.
fn spawned(run: fn() -> Result<()>) -> Result<()> {
    set_start_method(StartMethod::Spawn);
    run()
}

/// The ids that are one letter away, or else all of the same tutorial.
fn near(id: &str) -> Vec<&'static str> {
    let ids = || EXAMPLES.iter().map(|example| example.id);
    let closest = ids()
        .map(|other| distance(id, other))
        .min()
        .unwrap_or(usize::MAX);
    let tutorial = id.split('.').next().unwrap_or(id);
    let same: Vec<_> = ids()
        .filter(|other| other.split('.').next() == Some(tutorial))
        .collect();
    match closest {
        0..=1 => ids()
            .filter(|other| distance(id, other) == closest)
            .collect(),
        _ => same,
    }
}

/// How many letters to insert, remove or replace (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = &self.id;
        write!(f, "there is no example {id:?}")?;
        match &self.near[..] {
            [] => Ok(()),
            near => write!(f, "; there is {}", near.join(", ")),
        }
    }
}

impl std::error::Error for Unknown {}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> String {
        find(id).expect_err("unknown").to_string()
    }

    #[test]
    fn an_unknown_id_gets_the_near_ones() {
        assert_eq!(
            message("004.8d"),
            r#"there is no example "004.8d"; there is 004.8, 004.8b, 004.8c"#
        );
        assert_eq!(
            message("002.99"),
            r#"there is no example "002.99"; there is 002.1, 002.2, 002.3, 002.4, 002.5"#
        );
        assert_eq!(
            message("00.a"),
            r#"there is no example "00.a"; there is 000.a"#
        );
        assert_eq!(message("lock"), r#"there is no example "lock""#);
        assert_eq!(message(""), r#"there is no example """#);
    }

    #[test]
    fn every_example_is_found_by_its_id() {
        for example in EXAMPLES {
            assert_eq!(find(example.id).map(|found| found.name), Ok(example.name));
        }
    }
}
