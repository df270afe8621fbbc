//! forkproof beside what a user would take instead: the same work, in one run, as ratios.
//!
//! ```text
//! cargo bench --bench peers                        # all of it
//! cargo bench --bench peers -- queue --rounds 9    # the works of these names
//! cargo bench --bench peers -- growth              # how cost grows, as plots
//! cargo bench --bench peers -- memory              # what an object takes
//! ```
//! The rows of a work are run in turn, several times, so that whatever else the machine does meets each of them; told is
//! the median, and how often ours fits into it: above 1 the peer is slower. CPython is left out where there is no python3.

mod cpython;
mod crowd;
mod growth;
mod in_place;
mod locks;
mod managers;
mod memory;
mod mutexes;
mod pools;
mod queues;
mod records;
mod sharing;
mod signs;
mod starts;
mod streams;
mod table;
mod values;

use table::Work;

fn main() {
    if starts::is_spawned_for_nothing() {
        return;
    }
    procspawn::init(); // where its children begin, and stay
    let mut rounds = 5;
    let mut only = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {} // as cargo says to each benchmark
            "--rounds" => match arguments.next().and_then(|number| number.parse().ok()) {
                Some(number) if number > 0 => rounds = number,
                _ => refuse("--rounds takes a number from 1 on"),
            },
            other if other.starts_with('-') => refuse(&format!("there is no option {other}")),
            _ => only.push(argument),
        }
    }
    if only == ["growth"] {
        return growth::run(rounds);
    }
    let works: Vec<Work> = [
        starts::works(), // first: what the others leave behind would be the parent's, and a fork's to copy
        locks::works(),
        values::works(),
        queues::works(),
        in_place::works(),
        sharing::works(),
        records::works(),
        managers::works(),
        pools::works(),
    ]
    .into_iter()
    .flatten()
    .filter(|work| only.is_empty() || only.iter().any(|word| work.name.contains(word.as_str())))
    .collect();
    let memory = only.is_empty() || only.iter().any(|word| word == "memory");
    if works.is_empty() && !memory {
        refuse(&format!("no work has a name like {}", only.join(" or ")));
    }
    if !works.is_empty() {
        table::print(works, rounds);
    }
    if memory {
        memory::print();
    }
}

fn refuse(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(2)
}
