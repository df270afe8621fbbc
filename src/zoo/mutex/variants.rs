//! The broken variants, and the models that must catch them.

use serde::Serialize;

use super::betrayals::*;
use super::broken::{Broken, Sabotage, betrayed_by};
use super::models;
use crate::zoo::ladder;
use crate::zoo::model::{Budget, Model, Verdict};

/// A lock that is wrong in one way, and who must notice.
pub struct Variant {
    pub name: &'static str,
    /// What is broken.
    pub what: &'static str,
    models: fn() -> Vec<Model>,
    betrayal: &'static dyn Sabotage,
    caught_by: &'static [&'static str],
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

macro_rules! variants {
    (@models) => { models::all::<Broken> };
    (@models $models:path) => { $models };
    ($($name:literal, $betrayal:ident $(in $models:path)?: $what:literal => $($model:literal),+;)*) => {
        &[$(Variant {
            name: $name,
            what: $what,
            models: variants!(@models $($models)?),
            betrayal: &$betrayal,
            caught_by: &[$($model),+],
        }),*]
    };
}

/// Every broken variant of the lock.
pub const VARIANTS: &[Variant] = variants![
    "lock relaxed", AcquireRelaxed: "taking the lock does not acquire" => "two lanes";
    "unlock relaxed", ReleaseRelaxed: "giving it back does not release" => "two lanes";
    "marked unlock relaxed", MarkedReleaseRelaxed: "giving it back with the mark left does not release" => "two lanes, two rounds";
    "relaxed after a sleep", RelaxedAfterSleep: "taking the lock after a sleep does not acquire" => "two lanes";
    "no wake", WakesNoOne: "an unlock wakes no one" => "two lanes";
    "mark without a wake", MarkWithoutWake: "an unlock that leaves the mark wakes no one" => "two lanes";
    "wake before store", WakesBeforeStore: "an unlock wakes before it gives the lock back" => "two lanes";
    "store, then wake all", StoreThenWakeAll: "to clear the mark and to wake all are two steps" => "one of three killed";
    "clears the mark, wakes one", ClearsMarkWakesOne: "one of two sleepers is left without a mark" => "three lanes";
    "wakes one, clears the mark", WakesOneClearsMark: "the mark of the others goes with the first" => "three lanes, one barges";
    "unlock stores 0", StoresZero: "an unlock does not look for the mark" => "two lanes";
    "mark dropped", DropsMark: "a new owner does not inherit the mark" => "three lanes, one barges";
    "torn exchange", TornExchange: "the compare and the store are two steps" => "two lanes";
    "sleeps unmarked", SleepsUnmarked: "a waiter sleeps without the mark" => "two lanes";
    "expected read again", ReadsExpectedAgain: "a waiter reads what it expects just before it sleeps" => "two lanes";
    "time-out clears the mark", TimeOutClearsMark: "who gives up takes the mark of the others along" => "deadline";
    "unannounced lock", UnannouncedLock: "the kernel does not know who is about to take the lock" => "one of two killed", "one of three killed";
    "unannounced unlock", UnannouncedUnlock: "the kernel does not know who is about to give it back" => "one of two killed";
    "withdrawn before the store", WithdrawsBeforeStore: "an unlock withdraws before it gives the lock back" => "one of two killed";
    "withdrawn before the wake", WithdrawsBeforeWake: "an unlock withdraws before it wakes" => "one of two killed";
    "withdrawn to sleep", WithdrawsToSleep: "a waiter is not announced while it sleeps" => "the second of three killed";
    "not linked", NotLinked: "an owner is not in its robust list" => "one of two killed";
    "linked late", LinkedLate: "an owner enters its list after it has withdrawn" => "one of two killed";
    "kernel misjudged", KernelMisjudged: "an old kernel is taken for one that passes on the wake of a marked word" => "one of two killed";
    "death overlooked", DeathOverlooked: "a new owner does not look whether the last one died" => "one of two killed", "killed, and given up";
    "woken owns", Honest in ladder::woken_owns: "to be woken is taken for owning" => "woken owns";
    "futex trusted", Honest in ladder::trusting_event: "the return of a futex wait is taken for the event" => "trusting event";
];

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::loom::Loom;

    /// What the variants are caught by is their betrayal, and not the world that carries it.
    #[test]
    fn the_broken_world_with_nothing_wrong_is_loom() {
        for name in ["two lanes, two rounds", "deadline", "one of two killed"] {
            let run = |models: Vec<Model>| {
                let model = models.into_iter().find(|model| model.name == name);
                model.unwrap().run(Budget::Quick, &mut |_| {})
            };
            let honest = run(models::all::<Loom>());
            let carried = betrayed_by(&Honest, || run(models::all::<Broken>()));
            assert_eq!(honest.verdict, Verdict::Holds);
            assert_eq!(carried.verdict, Verdict::Holds);
            assert_eq!(carried.executions, honest.executions);
        }
    }

    #[test]
    fn every_name_is_given_once() {
        let mut names: Vec<_> = VARIANTS.iter().map(|variant| variant.name).collect();
        names.extend(models::all::<Loom>().iter().map(|model| model.name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
