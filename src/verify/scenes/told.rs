//! What came of exploring a scene, as JSON; and that of shards, merged into one.

use serde::{Deserialize, Serialize};

use super::Scene;
use crate::explore::Report;
use crate::explore::search::{DifferentSearches, Shard, Tally};

/// What came of exploring a scene. Its JSON is what scripts rely on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explored {
    pub scene: String,
    pub lanes: usize,
    /// Nothing fails, and something was seen.
    pub holds: bool,
    /// Every schedule was looked at.
    pub all: bool,
    /// As `I/N`.
    pub shard: String,
    /// In words.
    pub searched: String,
    pub tally: Tally,
    pub steps: usize,
    pub kills: usize,
    /// One for each shard that found one, the first shard's first.
    pub failures: Vec<Failing>,
}

/// A schedule that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    pub ended: String,
    pub timeline: String,
    pub replay: String,
}

/// Explorations that are no parts of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error(transparent)]
    DifferentSearches(#[from] DifferentSearches),
    #[error("{0} and {1} are different scenes, or have not as many lanes")]
    DifferentScenes(String, String),
}

impl Explored {
    pub fn new(scene: &Scene, lanes: usize, shard: Shard, report: &Report) -> Explored {
        let failures = report.failure().zip(report.replay()).map(|(run, replay)| {
            let (ended, timeline) = (run.ended.to_string(), run.trace.to_string());
            Failing {
                ended,
                timeline,
                replay,
            }
        });
        Explored {
            scene: scene.name.to_owned(),
            lanes,
            holds: !report.fails(),
            all: report.tally.is_all(),
            shard: shard.to_string(),
            searched: report.tally.to_string(),
            tally: report.tally.clone(),
            steps: report.steps,
            kills: report.kills,
            failures: failures.into_iter().collect(),
        }
    }

    /// Adds the next shard's.
    ///
    /// # Errors
    /// [`MergeError`]: it is no part of the same exploration. Nothing was added.
    pub fn merge(&mut self, other: Explored) -> Result<(), MergeError> {
        if (&self.scene, self.lanes) != (&other.scene, other.lanes) {
            return Err(MergeError::DifferentScenes(self.scene.clone(), other.scene));
        }
        self.tally.merge(&other.tally)?;
        self.failures.extend(other.failures);
        self.steps += other.steps;
        self.kills += other.kills;
        // A shard may have nothing to do, and makes no step.
        self.holds = self.failures.is_empty() && self.steps > 0;
        self.all = self.tally.is_all();
        self.searched = self.tally.to_string();
        Ok(())
    }
}
