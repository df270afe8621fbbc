//! The test of the build without the feature `harness`: counts, and leaves what it counted.

use forkproof::{Process, Sender};

use crate::cost::Cost;
use crate::operations::OPERATIONS;
use crate::traced::boss::{self, News};
use crate::traced::other_build;
use crate::walk::cost;

#[test]
fn the_operations_are_counted() {
    let outcome = boss::hear("costs", |teller| Process::new(count, (teller,)));
    let outcome = outcome.unwrap_or_else(|why| panic!("{why}"));
    other_build::leave("costs", &outcome);
    let Some(all) = outcome.or_say("costs") else {
        return;
    };
    assert_eq!(all.len(), OPERATIONS.len());
    for (operation, cost) in all {
        println!("{operation}: {cost:?}");
    }
}

fn count(teller: Sender<News<(String, Cost)>>) {
    boss::work(&teller, |tell| {
        for operation in &OPERATIONS {
            let name = operation.name.to_owned();
            tell(News::At(name.clone()));
            let cost = cost(operation.set_up).map_err(|why| format!("{name}: {why}"))?;
            tell(News::Found((name, cost)));
        }
        Ok(())
    });
}
