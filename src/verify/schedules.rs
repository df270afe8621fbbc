//! The rows of the controller: of each primitive's scenes every schedule is tried; or as many as there is time for, and
//! some drawn ones: those that a search comes to first are all like each other.

use super::scenes::Scene;
use super::{Budget, Progress, Report};
use crate::explore::{exhaustive, random};

/// The scenes of a primitive hold in their schedules.
pub fn schedules(primitive: &str, budget: Budget, progress: &Progress) -> Report {
    let scenes = || Scene::all().filter(|scene| !scene.is_broken && scene.primitive == primitive);
    progress.expect(scenes().count() as u64);
    let mut sum = Report::holds(0, 0, 0);
    for scene in scenes() {
        let bounds = budget.of(scene.quick, scene.quick, scene.full);
        let kills_before = sum.kills;
        let every = bounds.bound(exhaustive());
        let drawn = bounds.bound(random(budget.seed));
        for exploration in [every, drawn.most_runs(bounds.most_runs / 4)] {
            let report = match scene.explore(exploration, bounds.lanes) {
                Ok(report) => report,
                Err(error) => return sum.fails(format!("{}: {error}", scene.name)),
            };
            sum.runs += report.tally.schedules() as u64;
            sum.kills += report.kills as u64;
            sum.extent.push(format!("{}: {}", scene.name, report.tally));
            if report.fails() {
                return sum.fails(report.to_string());
            }
            if report.tally.is_all() {
                break;
            }
        }
        if bounds.kills > 0 && sum.kills == kills_before {
            return sum.fails(format!("{}: no one was killed", scene.name));
        }
        sum.cases += 1;
        progress.advance(1);
    }
    sum
}
