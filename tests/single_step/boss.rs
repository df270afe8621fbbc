//! The process in which a primitive's cases run.

use forkproof::{Process, Sender};

use crate::stage::Bell;
use crate::subjects;
use crate::sweep::{By, Swept, sweep};
use crate::traced::boss::{self, News, Outcome};

/// Runs the cases of a primitive in a process of their own.
///
/// # Errors
/// What went wrong, or who hung where.
pub fn all(primitive: &str, by: By) -> Result<Outcome<Swept>, String> {
    boss::hear(primitive, |teller| {
        Process::new(sweep_all, (primitive.to_owned(), by, teller))
    })
}

fn sweep_all(primitive: String, by: By, teller: Sender<News<Swept>>) {
    boss::work(&teller, |tell| {
        let bell = Bell::new().expect("memory for a bell");
        for case in subjects::of(&primitive) {
            let swept = sweep(case, &bell, by, |kills, when| {
                let text = format!("the run with a kill {when}, after {kills} kills,");
                tell(News::At(format!("{}: {text}", case.name)));
            })?;
            tell(News::Found(swept));
        }
        Ok(())
    });
}
