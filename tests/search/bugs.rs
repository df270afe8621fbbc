//! Known bugs, on the machine: each is found by every policy that can, and made simple.

use std::ops::ControlFlow;

use forkproof::explore::search::{End, Policy, Record, Search, Size, shrink};
use forkproof::explore::{Choice, Schedule};

use crate::instruction::{Instruction, ORPHAN};
use crate::machine::{Machine, Stand, State};

struct Bug {
    name: &'static str,
    machine: fn() -> Machine,
    kills: usize,
    early_returns: usize,
    /// Deaths, sleeps ended, preemptions of the simplest run that shows it.
    simplest: (usize, usize, usize),
}

fn twice(lane: Vec<Instruction>) -> Vec<Vec<Instruction>> {
    vec![lane.clone(), lane]
}

fn machine(words: usize, lanes: Vec<Vec<Instruction>>, judge: fn(&State) -> bool) -> Machine {
    Machine {
        words: vec![0; words],
        lanes,
        judge,
    }
}

fn load(word: usize, register: usize) -> Instruction {
    Instruction::Load { word, register }
}

fn store(word: usize, value: i8) -> Instruction {
    Instruction::Store { word, value }
}

fn take(word: usize, old: i8, new: i8) -> Instruction {
    let register = 0;
    Instruction::Exchange {
        word,
        old,
        new,
        register,
    }
}

fn jump(register: usize, value: i8, to: usize) -> Instruction {
    Instruction::If {
        register,
        value,
        to,
    }
}

fn wait(word: usize, expected: i8) -> Instruction {
    Instruction::Wait {
        word,
        expected,
        timed: false,
        register: 1,
    }
}

fn next(word: usize, register: usize) -> Instruction {
    Instruction::StoreNext { word, register }
}

fn wake(word: usize) -> Instruction {
    Instruction::Wake {
        word,
        count: 1,
        register: 1,
    }
}

fn someone_sleeps(state: &State) -> bool {
    let asleep = |stand: Stand| matches!(stand, Stand::Asleep { .. });
    state.lanes.iter().any(|lane| asleep(lane.stand))
}

fn lost_update() -> Machine {
    let deposit = vec![load(0, 0), next(0, 0)];
    machine(1, twice(deposit), |state| state.words[0] != 2)
}

/// Inside, a lane makes an update that another lane inside would lose.
fn check_then_set() -> Machine {
    // Lock: word 0. Data: word 1.
    let lane = vec![
        Instruction::Spin { word: 0, value: 0 },
        store(0, 1),
        load(1, 1),
        next(1, 1),
        store(0, 0),
    ];
    machine(2, twice(lane), |state| state.words[1] != 2)
}

fn unlock_without_wake() -> Machine {
    let lane = vec![
        take(0, 0, 1),
        jump(0, 1, 4),
        wait(0, 1),
        jump(0, 0, 0),
        store(0, 0),
    ];
    machine(1, twice(lane), someone_sleeps)
}

/// Who was woken goes in without looking; in the meantime a third one has.
fn woken_is_owner() -> Machine {
    let lane = vec![
        take(0, 0, 1),
        jump(0, 1, 3),
        wait(0, 1),
        load(1, 1),
        next(1, 1),
        store(0, 0),
        wake(0),
    ];
    machine(2, vec![lane; 3], |state| state.words[1] != 3)
}

/// The same with two lanes: an early return goes in as well.
fn early_return_is_owner() -> Machine {
    let mut machine = woken_is_owner();
    machine.lanes.pop();
    machine.judge = |state| state.words[1] != 2;
    machine
}

/// The waiter looks, and then sleeps whatever has come since.
fn wake_before_wait() -> Machine {
    let waiter = vec![load(0, 0), jump(0, 1, 3), wait(1, 0)];
    machine(2, vec![waiter, vec![store(0, 1), wake(1)]], someone_sleeps)
}

/// The owner dies inside: nobody looks for that.
fn owner_dies_inside() -> Machine {
    let lane = vec![
        take(0, 0, 1),
        jump(0, 1, 4),
        wait(0, 1),
        jump(0, 0, 0),
        store(0, 0),
        wake(0),
    ];
    machine(1, twice(lane), someone_sleeps)
}

/// Two deaths: the one who repairs dies as well, and leaves the word for a third, who takes no orphan.
fn killed_in_recovery() -> Machine {
    let owner = vec![
        Instruction::Own {
            word: 0,
            register: 0,
        },
        Instruction::Disown { word: 0 },
    ];
    let heir = vec![take(0, ORPHAN, 5), jump(0, 0, 3), store(0, 0)];
    machine(1, vec![owner, heir], |state| {
        state.words[0] == 5 && state.lanes.iter().all(|lane| lane.stand == Stand::Dead)
    })
}

const BUGS: [Bug; 8] = [
    Bug {
        name: "lost update",
        machine: lost_update,
        kills: 0,
        early_returns: 0,
        simplest: (0, 0, 1),
    },
    Bug {
        name: "check, then set",
        machine: check_then_set,
        kills: 0,
        early_returns: 0,
        simplest: (0, 0, 2),
    },
    Bug {
        name: "unlock without wake",
        machine: unlock_without_wake,
        kills: 0,
        early_returns: 0,
        simplest: (0, 0, 1),
    },
    Bug {
        name: "woken is owner",
        machine: woken_is_owner,
        kills: 0,
        early_returns: 0,
        simplest: (0, 0, 2),
    },
    Bug {
        name: "early return is owner",
        machine: early_return_is_owner,
        kills: 0,
        early_returns: 1,
        simplest: (0, 1, 1),
    },
    Bug {
        name: "wake before wait",
        machine: wake_before_wait,
        kills: 0,
        early_returns: 0,
        simplest: (0, 0, 1),
    },
    Bug {
        name: "owner dies inside",
        machine: owner_dies_inside,
        kills: 1,
        early_returns: 0,
        simplest: (1, 0, 0),
    },
    Bug {
        name: "killed in recovery",
        machine: killed_in_recovery,
        kills: 2,
        early_returns: 0,
        simplest: (2, 0, 0),
    },
];

fn policies(seed: u64) -> [Policy; 5] {
    [
        Policy::Exhaustive,
        Policy::Unreduced {
            preemptions: Some(2),
        },
        Policy::Random { seed },
        Policy::Pct { seed, depth: 3 },
        Policy::Portfolio { seed },
    ]
}

fn has_failed(record: &Record<State>) -> bool {
    matches!(record.end, End::Failed(_))
}

/// The run in which the policy finds it, and how many it took.
fn find(machine: &mut Machine, search: Search) -> Option<(Record<State>, usize)> {
    let mut found = None;
    let tally = search.run(machine, |_, record| {
        if has_failed(record) {
            found = Some(record.clone());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let runs = tally.unwrap().parts.iter().map(|part| part.runs).sum();
    found.map(|record| (record, runs))
}

/// How many runs a policy may need: a policy that has gone blind to a bug needs more, or never finds it.
const MOST_RUNS: usize = 500;
const MOST_MOVES: usize = 200;

#[test]
fn every_policy_finds_every_bug_and_all_shrink_to_the_simplest() {
    for bug in &BUGS {
        for policy in policies(5) {
            let name = bug.name;
            let mut machine = (bug.machine)();
            let search = Search {
                kills: bug.kills,
                early_returns: bug.early_returns,
                most_moves: MOST_MOVES,
                ..Search::new(policy)
            };
            let (record, runs) =
                find(&mut machine, search).unwrap_or_else(|| panic!("{policy:?}: {name}"));
            println!("{name}: {policy:?}: {runs} runs");
            assert!(runs <= MOST_RUNS, "{policy:?}: {name}: {runs} runs");
            let before = Size::of(&record);
            let shrunk = shrink(&mut machine, record, MOST_MOVES, has_failed).unwrap();
            let size = Size::of(&shrunk);
            assert!(has_failed(&shrunk) && size <= before);
            let schedule = Schedule(shrunk.choices().collect::<Vec<Choice>>());
            let simplest = (size.deaths, size.sleeps_ended, size.preemptions);
            assert_eq!(simplest, bug.simplest, "{policy:?}: {name}: {schedule}");
        }
    }
}

/// A long program, of which the search through simpler kinds sees little: here it is the edits that help.
#[test]
fn a_long_run_is_made_short() {
    let add = |word| Instruction::Add { word, value: 1 };
    let reader = vec![load(0, 0), load(0, 1), load(0, 0)];
    let sleeper = Instruction::Wait {
        word: 3,
        expected: 0,
        timed: true,
        register: 0,
    };
    let noise = [vec![sleeper; 2], vec![add(1); 8]].concat();
    let wakers = [
        vec![add(2); 8],
        vec![wake(3); 2],
        vec![store(3, 1), wake(3)],
    ]
    .concat();
    let lanes = vec![reader, vec![add(0); 10], noise, wakers];
    let judge = |state: &State| state.lanes[0].registers == [2, 1];
    let mut machine = machine(4, lanes, judge);
    let mut sleeps_ended = 0;
    for seed in 0..10 {
        let (record, _) = find(&mut machine, Search::new(Policy::Random { seed })).unwrap();
        let size = Size::of(&record);
        assert!(size.preemptions > 10);
        sleeps_ended += size.sleeps_ended;
        let shrunk = shrink(&mut machine, record, MOST_MOVES, has_failed).unwrap();
        let size = Size::of(&shrunk);
        let schedule = Schedule(shrunk.choices().collect());
        assert_eq!((size.sleeps_ended, size.preemptions), (0, 3), "{schedule}");
    }
    assert!(sleeps_ended > 3, "there was too little to leave out");
}
