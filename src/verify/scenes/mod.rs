//! Small programs, one or more for each primitive, of which the controller tries every schedule that it can; and some
//! that are broken, which it must catch.
//!
//! `forkproof explore NAME` explores one. [`SCENES`] has them all, with what each claims, and bounds under which it is
//! explored in a fraction of a second, or in full.

mod broken;
mod data;
mod guards;
mod queues;
mod signals;
mod told;

pub use told::{Explored, MergeError};

use crate::explore::{
    Again, Exploration, ExploreError, Named, Replay, Report, exhaustive, portfolio,
};

/// A program that can be explored by its name.
pub struct Scene {
    /// Stands in replay strings.
    pub name: &'static str,
    /// What it is about.
    pub primitive: &'static str,
    /// What holds in every schedule; of a broken one, what is to hold and does not.
    pub claims: &'static str,
    /// It must be caught.
    pub is_broken: bool,
    /// In a fraction of a second.
    pub quick: Bounds,
    pub full: Bounds,
    pub(super) explore: fn(Exploration, Named, usize) -> Result<Report, ExploreError>,
}

/// How far a scene is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub lanes: usize,
    pub kills: usize,
    pub early_returns: usize,
    pub most_runs: usize,
}

/// Every scene.
pub static SCENES: &[&[Scene]] = &[
    guards::SCENES,
    signals::SCENES,
    data::SCENES,
    queues::SCENES,
    broken::SCENES,
];

impl Bounds {
    pub(super) const fn of(lanes: usize, kills: usize, most_runs: usize) -> Bounds {
        Bounds {
            lanes,
            kills,
            early_returns: 0,
            most_runs,
        }
    }

    /// What they say, for an exploration of any policy.
    pub fn bound(self, exploration: Exploration) -> Exploration {
        exploration
            .kills(self.kills)
            .early_returns(self.early_returns)
            .most_runs(self.most_runs)
    }
}

impl Scene {
    /// Every scene.
    pub fn all() -> impl Iterator<Item = &'static Scene> {
        SCENES.iter().copied().flatten()
    }

    /// The one of this name.
    pub fn find(name: &str) -> Option<&'static Scene> {
        Scene::all().find(|scene| scene.name == name)
    }

    /// Explores it with so many lanes.
    ///
    /// # Errors
    /// [`ExploreError`]: there was no run.
    pub fn explore(&self, exploration: Exploration, lanes: usize) -> Result<Report, ExploreError> {
        (self.explore)(exploration, self.named(lanes, None), lanes)
    }

    /// Explores it within bounds: a bit by each policy, and then every schedule, if they allow it.
    ///
    /// # Errors
    /// As [`explore`](Scene::explore).
    pub fn explore_within(&self, bounds: Bounds) -> Result<Report, ExploreError> {
        self.explore(bounds.bound(portfolio(0)), bounds.lanes)
    }

    fn named(&self, lanes: usize, replayed: Option<Replay>) -> Named {
        Named {
            program: self.name.to_owned(),
            arguments: lanes.to_string(),
            replayed,
            shrinks: true,
            again: Again::Command,
        }
    }
}

/// Runs a replay of a scene: `None` if it is of something else.
///
/// # Errors
/// Text for a person: arguments that are none, or no run.
pub fn replay(replay: &Replay) -> Option<Result<crate::explore::Run, String>> {
    let scene = Scene::find(&replay.scenario)?;
    let lanes = replay.arguments.parse().ok();
    let Some(lanes) = lanes.filter(|lanes| (1..=crate::explore::MAX_LANES).contains(lanes)) else {
        return Some(Err(format!("{:?} is no number of lanes", replay.arguments)));
    };
    let named = scene.named(lanes, Some(replay.clone()));
    let report = (scene.explore)(exhaustive(), named, lanes);
    Some(match report {
        Ok(report) => report
            .into_replayed()
            .ok_or_else(|| "it made no run".to_owned()),
        Err(error) => Err(error.to_string()),
    })
}
