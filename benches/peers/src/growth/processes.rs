//! More processes that are alive.

use std::time::Instant;

use forkproof::{Event, Process, Waitable, wait};

use super::{Growth, with_commas};

/// So often one more is started.
const TIMES: u32 = 20;

pub fn growth() -> Growth {
    Growth {
        name: "processes",
        title: "A process costs little more to start and join beside 200 others",
        of: "other children alive meanwhile",
        numbers: vec![1, 2, 5, 10, 20, 50, 100, 200],
        written: with_commas,
        lines: &["start, and join", "start, wait for any of all, and join"],
        measure: Box::new(|others| {
            let over = Event::new().expect("there is memory");
            let others: Vec<Process> = (0..others).map(|_| idle(&over)).collect();
            let costs = vec![each(started_and_joined), each(|| any_of_all(&others))];
            assert!(others.iter().all(Process::is_alive));
            over.set();
            others.iter().for_each(joined);
            costs
        }),
    }
}

fn idle(over: &Event) -> Process {
    started(Process::new(waiting, (over.clone(),)))
}

fn waiting(over: Event) {
    over.wait();
}

fn nothing() {}

fn started(process: Process) -> Process {
    process.start().expect("a process can be started");
    process
}

fn joined(process: &Process) {
    assert_eq!(process.join().expect("it was started"), 0);
}

fn each(mut act: impl FnMut()) -> f64 {
    let begun = Instant::now();
    (0..TIMES).for_each(|_| act());
    begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

fn started_and_joined() {
    joined(&started(Process::new(nothing, ())));
}

/// Of all that are waited for only the last one ends.
fn any_of_all(others: &[Process]) {
    let last = started(Process::new(nothing, ()));
    let all: Vec<&dyn Waitable> = others.iter().chain([&last]).map(|one| one as _).collect();
    assert_eq!(wait(&all, None).expect("they are children"), [others.len()]);
    joined(&last);
}
