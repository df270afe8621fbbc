//! The rows of the table.

use super::progress::Progress;
use super::report::{Budget, Check, Report, Technique};
use super::{bank, deaths, models, turn, tutorials};

/// All checks, in the order of the table.
pub static CHECKS: &[Check] = &[
    row("Lock", Technique::Models, |budget, progress| {
        models::models("Lock", budget, progress)
    }),
    row("Lock", Technique::Variants, |budget, progress| {
        models::variants("Lock", budget, progress)
    }),
    row("Lock", Technique::EveryStep, turn::lock),
    row("Lock", Technique::Proptest, bank::lock),
    row("Lock", Technique::RandomKills, deaths::lock),
    row("RLock", Technique::Models, |budget, progress| {
        models::models("RLock", budget, progress)
    }),
    row("RLock", Technique::EveryStep, turn::rlock),
    row("RLock", Technique::Proptest, bank::rlock),
    row("RLock", Technique::RandomKills, deaths::rlock),
    row("Value", Technique::EveryStep, turn::value),
    row("Value", Technique::Proptest, bank::values),
    row("Value", Technique::RandomKills, deaths::value),
    row("Array", Technique::EveryStep, turn::array),
    row("Array", Technique::Proptest, bank::array),
    row("Array", Technique::RandomKills, deaths::array),
    row("Process", Technique::Starts, deaths::processes),
    row("the turn", Technique::LostUpdate, turn::lost_update),
    row("tutorials", Technique::Outputs, tutorials::outputs),
    row("tutorials", Technique::Invariants, tutorials::invariants),
];

const fn row(
    primitive: &'static str,
    technique: Technique,
    run: fn(Budget, &Progress) -> Report,
) -> Check {
    Check {
        primitive,
        technique,
        run,
    }
}
