//! forkproof's judge beside other checkers of linearizability, on the same histories of a register.
//!
//! ```text
//! cargo bench --bench histories
//! cargo bench --bench histories -- --rounds 9
//! ```
//! Each history is judged by each in turn, several times; told are medians, without the making of the form that a judge takes.
//! None may try more than a number of calls: a history that is too much for a judge is not among those that it is
//! compared by. Where two have a verdict it is the same, or this program fails.

mod budget;
mod made;
mod ours;
mod record;
mod recorded;
mod stateright;
mod table;
mod todc;

use record::Judge;

const JUDGES: [Judge; 3] = [
    Judge {
        name: "forkproof",
        prepare: ours::prepare,
    },
    Judge {
        name: "todc-utils",
        prepare: todc::prepare,
    },
    Judge {
        name: "stateright",
        prepare: stateright::prepare,
    },
];

fn main() {
    let mut rounds = 5;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {} // as cargo says to each benchmark
            "--rounds" => match arguments.next().and_then(|number| number.parse().ok()) {
                Some(number) if number > 0 => rounds = number,
                _ => refuse("--rounds takes a number from 1 on"),
            },
            other => refuse(&format!("there is no argument {other}")),
        }
    }
    table::head();
    let sets = made::sets().into_iter().chain([recorded::set()]);
    sets.for_each(|set| table::measure(&set, &JUDGES, rounds));
}

fn refuse(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(2)
}
