//! A broken variant: an algorithm with one thing wrong, and the models that must catch it.

use serde::Serialize;

use super::broken::{Sabotage, betrayed_by};
use super::model::{Budget, Model, Verdict};

/// An algorithm that is wrong in one way, and who must notice.
pub struct Variant {
    pub name: &'static str,
    /// What is broken.
    pub what: &'static str,
    pub(super) models: fn() -> Vec<Model>,
    pub(super) betrayal: &'static dyn Sabotage,
    pub(super) caught_by: &'static [&'static str],
}

/// Who noticed, and when.
#[derive(Clone, Debug, Serialize)]
pub struct Catch {
    pub model: &'static str,
    /// Until the first that failed.
    pub executions: u64,
    /// How it failed; `None`: it did not, and the variant has escaped.
    pub message: Option<String>,
}

/// A variant's result. Counts only: the same on every machine.
#[derive(Clone, Debug, Serialize)]
pub struct VariantReport {
    pub name: &'static str,
    pub what: &'static str,
    /// One for each model that must catch it.
    pub catches: Vec<Catch>,
}

impl VariantReport {
    /// Whether every model that must catch it does.
    pub fn is_caught(&self) -> bool {
        !self.catches.is_empty() && self.catches.iter().all(|it| it.message.is_some())
    }
}

/// A table of variants: the name, what is betrayed, what is broken, and the models that must catch it.
macro_rules! variants {
    (in $all:path; $($name:literal, $betrayal:ident: $what:literal => $($model:literal),+;)*) => {
        &[$($crate::models::variant::Variant {
            name: $name,
            what: $what,
            models: $all,
            betrayal: &$betrayal,
            caught_by: &[$($model),+],
        }),*]
    };
}

pub(super) use variants;

impl Variant {
    /// Runs the models that must catch it. `progress` is told of executions so far, now and then.
    pub fn run(&self, budget: Budget, progress: &mut dyn FnMut(u64)) -> VariantReport {
        let models = (self.models)();
        let catches = self.caught_by.iter().map(|&name| {
            let model = models
                .iter()
                .find(|model| model.name == name)
                .expect("a variant names a model");
            let report = betrayed_by(self.betrayal, || {
                model.run(budget, &mut |report| progress(report.executions))
            });
            Catch {
                model: model.name,
                executions: report.executions,
                message: report.message.filter(|_| report.verdict == Verdict::Fails),
            }
        });
        VariantReport {
            name: self.name,
            what: self.what,
            catches: catches.collect(),
        }
    }
}
