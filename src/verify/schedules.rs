//! The rows of the controller: of each primitive's scenes every schedule is tried, or as many as there is time for.

use super::scenes::Scene;
use super::{Budget, Progress, Report, Size};
use crate::explore::exhaustive;

/// The scenes of a primitive hold in their schedules.
pub fn schedules(primitive: &str, budget: Budget, progress: &Progress) -> Report {
    let scenes = || Scene::all().filter(|scene| !scene.is_broken && scene.primitive == primitive);
    progress.expect(scenes().count() as u64);
    let mut sum = Report::holds(0, 0, 0);
    for scene in scenes() {
        let bounds = match budget.size {
            Size::Full => scene.full,
            Size::Test | Size::Default => scene.quick,
        };
        let report = match scene.explore(bounds.bound(exhaustive()), bounds.lanes) {
            Ok(report) => report,
            Err(error) => return sum.fails(format!("{}: {error}", scene.name)),
        };
        sum.cases += 1;
        sum.runs += report.tally.schedules() as u64;
        sum.kills += report.kills as u64;
        let (name, tally) = (scene.name, &report.tally);
        sum.extent.push(format!("{name}: {tally}"));
        if report.fails() {
            return sum.fails(report.to_string());
        }
        progress.advance(1);
    }
    sum
}
