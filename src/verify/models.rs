//! The rows of loom: the models of each primitive, and the broken variants that they must catch.

use super::side_by_side::side_by_side;
use super::{Budget, Progress, Report, Size};
use crate::models::model::{self, Model, ModelReport};
use crate::models::{VariantReport, trial};

/// The models of a primitive hold.
pub fn models(primitive: &str, budget: Budget, progress: &Progress) -> Report {
    let models = (trial(primitive).models)().into_iter();
    let models: Vec<Model> = models.filter(|model| model.fits(size(budget))).collect();
    progress.expect(models.len() as u64);
    sum(models, budget, progress)
}

/// The broken variants of a primitive are caught.
pub fn variants(primitive: &str, budget: Budget, progress: &Progress) -> Report {
    let trial = trial(primitive);
    progress.expect(trial.variants.len() as u64);
    // The models that must catch them need their whole bound.
    let size = match size(budget) {
        model::Budget::Brief => model::Budget::Quick,
        larger => larger,
    };
    let outcomes = side_by_side(trial.variants.iter().collect(), |variant| {
        let report = variant.run(size, &mut |_| {});
        progress.advance(1);
        report
    });
    let mut report = Report::holds(0, 0, 0);
    for variant in &outcomes {
        report.cases += 1;
        report.runs += variant
            .catches
            .iter()
            .map(|catch| catch.executions)
            .sum::<u64>();
    }
    match outcomes.iter().find(|variant| !variant.is_caught()) {
        Some(escaped) => report.fails(escape(escaped)),
        None => report,
    }
}

fn escape(variant: &VariantReport) -> String {
    let missed = variant
        .catches
        .iter()
        .filter(|catch| catch.message.is_none());
    let missed: Vec<_> = missed.map(|catch| catch.model).collect();
    let (name, what) = (variant.name, variant.what);
    format!(
        "blind: the variant {name:?} ({what}) escapes {}",
        missed.join(", ")
    )
}

fn sum(models: Vec<Model>, budget: Budget, progress: &Progress) -> Report {
    let reports = side_by_side(models, |model| {
        let report = model.run(size(budget), &mut |_| {});
        progress.advance(1);
        report
    });
    let mut sum = Report::holds(0, 0, 0);
    for report in &reports {
        sum.cases += 1;
        sum.runs += report.executions;
        sum.kills += report.deaths;
    }
    let failed = |report: &&ModelReport| report.verdict != model::Verdict::Holds;
    match reports.iter().find(failed) {
        Some(bad) => sum.fails(format!(
            "{:?}: {}\n{:?}: {}",
            bad.name,
            bad.claim,
            bad.verdict,
            bad.message.as_deref().unwrap_or_default()
        )),
        None => sum,
    }
}

/// `model::Budget::Full` takes longer than a table is waited for; it is there for whoever changes the lock.
fn size(budget: Budget) -> model::Budget {
    match budget.size {
        Size::Default => model::Budget::Brief,
        Size::Test | Size::Full => model::Budget::Quick,
    }
}
