//! What each example must print: `fixtures/tutorials.toml`, read once. Its head says what the fields mean.

use std::sync::LazyLock;

use serde::Deserialize;

/// One example of a tutorial, written or not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub id: String,
    pub title: String,
    pub order: Order,
    /// What CPython prints.
    pub linux: Option<String>,
    /// Ours, where there is no such text, or not to the byte.
    pub expected: Option<String>,
    pub shown: Shown,
    /// What the tutorial shows, if that is otherwise.
    pub recorded: Option<String>,
    pub why: Option<String>,
    /// Of a race, in words; [`invariant`](super::invariant) has the same as functions.
    pub invariant: Option<String>,
    /// Outputs that the invariant must refuse.
    #[serde(default)]
    pub never: Vec<Never>,
}

/// Whether an example can print one text only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    Fixed,
    Race,
}

/// What a tutorial shows as the output of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Shown {
    #[serde(rename = "nothing")]
    Nothing,
    #[serde(rename = "the same")]
    Same,
    #[serde(rename = "otherwise")]
    Otherwise,
}

/// An output with something wrong in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Never {
    pub wrong: String,
    pub text: String,
}

/// All examples of the five tutorials, in order.
pub fn all() -> &'static [Expected] {
    static ALL: LazyLock<Vec<Expected>> = LazyLock::new(|| {
        #[derive(Deserialize)]
        struct File {
            example: Vec<Expected>,
        }
        let file: File = toml::from_str(include_str!("../../fixtures/tutorials.toml"))
            .expect("fixtures/tutorials.toml is part of the program");
        file.example
    });
    &ALL
}

/// One example.
pub fn of(id: &str) -> Option<&'static Expected> {
    all().iter().find(|expected| expected.id == id)
}

impl Expected {
    /// What the program must print; of a race, one of the texts that it may print.
    ///
    /// # Panics
    /// If the fixture has neither: a test looks at each.
    pub fn text(&self) -> &str {
        let text = self.expected.as_deref().or(self.linux.as_deref());
        text.expect("every example has its text in fixtures/tutorials.toml")
    }

    /// What it must print when it is run as its author ran it.
    pub fn recorded_text(&self) -> Option<&str> {
        match self.shown {
            Shown::Nothing => None,
            Shown::Same => Some(self.text()),
            Shown::Otherwise => self.recorded.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tutorial::{EXAMPLES, invariant};

    #[test]
    fn the_five_tutorials_have_41_examples_in_order() {
        let ids: Vec<&str> = all().iter().map(|expected| expected.id.as_str()).collect();
        assert_eq!(ids.len(), 41);
        assert!(ids.is_sorted_by(|a, b| a < b), "in order, and each once");
    }

    #[test]
    fn every_example_is_written_and_has_its_text_and_every_race_its_invariant() {
        let written: Vec<&str> = EXAMPLES.iter().map(|example| example.id).collect();
        let all_ids: Vec<&str> = all().iter().map(|expected| expected.id.as_str()).collect();
        assert_eq!(written, all_ids);
        for expected in all() {
            let id = &expected.id;
            assert!(!expected.text().is_empty(), "{id}");
            let race = expected.order == Order::Race;
            assert_eq!(expected.invariant.is_some(), race, "{id}: in words");
            assert_eq!(invariant::of(id).is_some(), race, "{id}: as a function");
            assert_eq!(expected.never.is_empty(), !race, "{id}: what it refuses");
        }
    }

    #[test]
    fn what_is_recorded_is_written_where_it_differs() {
        for expected in all() {
            let differs = expected.shown == Shown::Otherwise;
            assert_eq!(expected.recorded.is_some(), differs, "{}", expected.id);
        }
    }

    #[test]
    fn our_own_text_is_pythons_but_for_the_type_names() {
        let both = all().iter().filter(|expected| expected.expected.is_some());
        for expected in both.filter(|expected| expected.linux.is_some()) {
            let shape = |text: &Option<String>| {
                let text = text.as_deref().unwrap_or_default();
                text.replace("SynchronizedArray", "Array").replace(
                    "multiprocessing.sharedctypes.c_int_Array_4",
                    "forkproof::data::i32_Array_4",
                )
            };
            assert_eq!(
                shape(&expected.expected),
                shape(&expected.linux),
                "{}",
                expected.id
            );
        }
    }
}
