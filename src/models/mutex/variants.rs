//! The broken variants, and the models that must catch them.

use super::betrayals::*;
use super::models;
use crate::models::betrayals::*;
use crate::models::broken::Broken;
use crate::models::variant::{Variant, variants};

/// Every broken variant of the lock.
pub const VARIANTS: &[Variant] = variants![
    in models::all::<Broken>;
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
    "unannounced lock", Unannounced: "the kernel does not know who is about to take the lock" => "one of two killed", "one of three killed";
    "unannounced unlock", UnannouncedLeave: "the kernel does not know who is about to give it back" => "one of two killed, with two locks";
    "withdrawn before the store", WithdrawsBeforeStore: "an unlock withdraws before it gives the lock back" => "one of two killed";
    "withdrawn before the wake", WithdrawsBeforeWake: "an unlock withdraws before it wakes" => "one of two killed";
    "withdrawn to sleep", WithdrawsToSleep: "a waiter is not announced while it sleeps" => "the second of three killed";
    "not linked", NotLinked: "an owner is not in its robust list" => "one of two killed, with two locks";
    "linked late", LinkedLate: "an owner withdraws before it enters its list" => "one of two killed";
    "kernel misjudged", KernelMisjudged: "an old kernel is taken for one that passes on the wake of a marked word" => "one of two killed";
    "death overlooked", DeathOverlooked: "a new owner does not look whether the last one died" => "one of two killed", "killed, and given up";
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::loom::Loom;
    use crate::models::broken::{Sabotage, betrayed_by};
    use crate::models::model::{Budget, Model, Verdict};

    /// Nothing is wrong.
    struct Honest;
    impl Sabotage for Honest {}

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
}
