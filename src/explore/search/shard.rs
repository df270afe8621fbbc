//! Work that is shared out: each shard does a part, no two do the same, and together they do all.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The `index`th of `count` parts, counted from 1; written `I/N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    pub index: usize,
    pub count: usize,
}

impl Shard {
    /// The one part that is all.
    pub const WHOLE: Shard = Shard { index: 1, count: 1 };

    /// Whether the piece of work of this number, from 0, is in this part.
    pub fn has(self, number: usize) -> bool {
        number % self.count == self.index - 1
    }

    /// What is in this part.
    pub fn of<T>(self, all: &[T]) -> Vec<&T> {
        all.iter()
            .skip(self.index - 1)
            .step_by(self.count)
            .collect()
    }

    /// Below how many choices a tree of choices is split into subtrees, which are shared out: enough for eight
    /// or more of them a shard, if there are two choices at each.
    pub(super) fn depth(self) -> usize {
        match self.count {
            1 => 0,
            count => count.next_power_of_two().trailing_zeros() as usize + 3,
        }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let shard = text.split_once('/').and_then(|(index, count)| {
            let (index, count) = (index.parse().ok()?, count.parse().ok()?);
            (1..=count)
                .contains(&index)
                .then_some(Shard { index, count })
        });
        shard.ok_or_else(|| format!("a shard is I/N with 1 <= I <= N, not {text:?}"))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}
