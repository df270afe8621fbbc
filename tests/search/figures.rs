//! Programs of which it is known how many schedules they have.

use std::ops::ControlFlow;

use forkproof::explore::Schedule;
use forkproof::explore::search::{
    End, NotReproducible, Orders, Policy, Program, Record, Search, SearchError, Shard,
};

use crate::instruction::{EARLY, Instruction, ORPHAN, TAKEN, TIMED_OUT};
use crate::machine::{Machine, Stand, State};
use crate::reduction::{Seen, UNREDUCED, all, search};

fn machine(words: usize, lanes: Vec<Vec<Instruction>>) -> Machine {
    Machine {
        words: vec![0; words],
        lanes,
        judge: |_| true,
    }
}

fn add(word: usize) -> Instruction {
    Instruction::Add { word, value: 1 }
}

fn load(word: usize) -> Instruction {
    Instruction::Load { word, register: 0 }
}

fn wait(word: usize, timed: bool) -> Instruction {
    let (expected, register) = (0, 0);
    Instruction::Wait {
        word,
        expected,
        timed,
        register,
    }
}

fn wake(word: usize) -> Instruction {
    let (count, register) = (1, 0);
    Instruction::Wake {
        word,
        count,
        register,
    }
}

fn counts(machine: &mut Machine) -> (usize, usize) {
    let of = |seen: Seen| seen.schedules.len();
    let reduced = of(search(machine, all(Policy::Exhaustive, 0, 0)));
    (reduced, of(search(machine, all(UNREDUCED, 0, 0))))
}

#[test]
fn steps_on_different_words_need_one_schedule() {
    for (steps, choose) in [(1, 2), (2, 6), (3, 20), (5, 252), (7, 3_432)] {
        let lanes = (0..2).map(|word| vec![add(word); steps]).collect();
        assert_eq!(counts(&mut machine(2, lanes)), (1, choose));
    }
}

#[test]
fn steps_on_one_word_need_all() {
    for (steps, choose) in [(1, 2), (2, 6), (3, 20), (5, 252)] {
        let lanes = vec![vec![add(0); steps]; 2];
        assert_eq!(counts(&mut machine(1, lanes)), (choose, choose));
        let lanes = vec![vec![load(0); steps]; 2];
        assert_eq!(counts(&mut machine(1, lanes)), (1, choose));
    }
}

/// All C(20, 10), which is also what the search costs: see what it prints, in release.
#[test]
fn two_lanes_of_ten_steps() {
    let mut machine = machine(1, vec![vec![add(0); 10]; 2]);
    machine.judge = |_| false;
    for policy in [Policy::Exhaustive, UNREDUCED] {
        let begun = std::time::Instant::now();
        let go_on = |_: &Orders, _: &Record<State>| ControlFlow::Continue(());
        let tally = all(policy, 0, 0).run(&mut machine, go_on).unwrap();
        assert_eq!((tally.schedules(), tally.is_all()), (184_756, true));
        let rate = 184_756.0 / begun.elapsed().as_secs_f64();
        println!("{policy:?}: {rate:.0} schedules/s");
    }
}

/// The example of Abdulla and others: a writer, and readers that each first write a word of their own. A
/// reader comes before the writer or after it, so there are 2^n kinds.
#[test]
fn readers_double_the_schedules_each() {
    for readers in 1..=7 {
        let reader = |number: usize| vec![add(number), load(0)];
        let lanes = std::iter::once(vec![add(0)]).chain((1..=readers).map(reader));
        let mut machine = machine(readers + 1, lanes.collect());
        let seen = search(&mut machine, all(Policy::Exhaustive, 0, 0));
        assert_eq!(seen.schedules.len(), 1 << readers);
    }
}

/// The example of Flanagan and Godefroid: lanes that write to slots of a table, in a different place each, until
/// two meet.
#[test]
fn an_index_is_searched_only_where_lanes_meet() {
    let claim = |word| Instruction::Exchange {
        word,
        old: 0,
        new: 1,
        register: 0,
    };
    let apart = (0..4).map(|lane| vec![claim(2 * lane), claim(2 * lane + 1)]);
    let seen = search(
        &mut machine(8, apart.collect()),
        all(Policy::Exhaustive, 0, 0),
    );
    assert_eq!(seen.schedules.len(), 1);
    let meeting = (0..4).map(|lane| vec![claim(lane), claim(4 + lane / 2)]);
    let seen = search(
        &mut machine(8, meeting.collect()),
        all(Policy::Exhaustive, 0, 0),
    );
    assert_eq!(seen.schedules.len(), 4); // two meetings of two
}

/// Who waits for 0 has come before who waits for 1; yet the wake may take either.
#[test]
fn a_wake_takes_whom_it_likes() {
    let late = Instruction::Wait {
        word: 0,
        expected: 1,
        timed: false,
        register: 0,
    };
    let lanes = vec![vec![wait(0, false)], vec![add(0), late], vec![wake(0)]];
    for policy in [Policy::Exhaustive, UNREDUCED, Policy::Random { seed: 1 }] {
        let most_runs = 1_000;
        let some = Search {
            most_runs,
            ..Search::new(policy)
        };
        let seen = search(&mut machine(1, lanes.clone()), some);
        let taken = |lane: usize, other: usize| {
            seen.finals.iter().any(|(_, lanes)| {
                lanes[lane].1[0] == TAKEN && matches!(lanes[other].2, Stand::Asleep { .. })
            })
        };
        assert!(taken(0, 1) && taken(1, 0), "{policy:?}");
    }
}

/// What the waker did before the wake, and the woken one after it, is in order: trying it the other way round would
/// be a run for nothing.
#[test]
fn what_a_wake_puts_in_order_is_no_race() {
    let waker = vec![add(1), wake(0)];
    let one = vec![waker.clone(), vec![wait(0, false), add(1)]];
    let two = vec![
        waker,
        vec![wait(0, false), add(1)],
        vec![wait(0, false), add(1)],
    ];
    // None waits before the wake, in two orders; one of them; both, in two orders, and either is taken.
    for (lanes, schedules) in [(one, 2), (two, 2 + 2 + 4)] {
        let seen = search(&mut machine(2, lanes), all(Policy::Exhaustive, 0, 0));
        let part = &seen.tally.parts[0];
        assert_eq!((part.schedules, part.redundant), (schedules, 0));
    }
}

/// Who looks again whenever its time has passed waits for the other, and must not keep it from going on.
#[test]
fn time_that_passes_again_and_again_starves_nobody() {
    let look_again = Instruction::If {
        register: 0,
        value: TIMED_OUT,
        to: 0,
    };
    let setter = vec![Instruction::Store { word: 0, value: 1 }, wake(0)];
    let mut machine = machine(1, vec![vec![wait(0, true), look_again], setter]);
    let drawn = Search {
        most_runs: 200,
        most_moves: 100,
        ..Search::new(Policy::Pct { seed: 1, depth: 2 })
    };
    let seen = search(&mut machine, drawn); // which fails if a run is cut short
    let timed_out = |schedule: &Schedule| schedule.to_string().contains('t');
    assert!(seen.schedules.iter().any(timed_out));
}

/// Two could wake the one who sleeps; and while its time may pass, that must not be taken for the other one's wake.
#[test]
fn either_of_two_wakes_comes_first() {
    let lanes = vec![vec![wait(0, true), add(1)], vec![wake(0)], vec![wake(0)]];
    for policy in [Policy::Exhaustive, UNREDUCED] {
        let seen = search(&mut machine(2, lanes.clone()), all(policy, 0, 0));
        let ends = |one: usize, other: usize| {
            let took = |lanes: &[_], lane: usize| -> i8 {
                let (_, registers, _): &(usize, [i8; 2], Stand) = &lanes[lane];
                registers[0]
            };
            seen.finals
                .iter()
                .any(|(_, lanes)| took(lanes, one) == 1 && took(lanes, other) == 0)
        };
        assert!(ends(1, 2) && ends(2, 1), "{policy:?}");
    }
}

#[test]
fn a_sleep_ends_in_each_way() {
    let lanes = vec![vec![wait(0, true)], vec![wake(0)]];
    for policy in [Policy::Exhaustive, UNREDUCED] {
        let seen = search(&mut machine(1, lanes.clone()), all(policy, 0, 1));
        for why in [TAKEN, TIMED_OUT, EARLY] {
            assert!(
                seen.finals.iter().any(|(_, lanes)| lanes[0].1[0] == why),
                "{policy:?} {why}"
            );
        }
    }
}

/// Two lanes of two steps: nobody dies, or one of them at one of two places; and both, at four pairs of places.
#[test]
fn deaths_are_counted_once() {
    let lanes = vec![vec![add(0); 2], vec![add(1); 2]];
    let mut sets = Vec::new();
    for (kills, count) in [(0, 1), (1, 1 + 4), (2, 1 + 4 + 4)] {
        let seen = search(
            &mut machine(2, lanes.clone()),
            all(Policy::Exhaustive, kills, 0),
        );
        assert_eq!(seen.schedules.len(), count);
        sets.push(seen.finals.len());
    }
    assert_eq!(sets, [1, 5, 9]);
}

/// The heir goes on only if the owner died; and there it can die as well, whichever of them is the first lane.
#[test]
fn who_goes_on_because_another_died_can_die_there() {
    let owner = vec![
        Instruction::Own {
            word: 0,
            register: 0,
        },
        Instruction::Disown { word: 0 },
    ];
    let look = Instruction::Exchange {
        word: 0,
        old: ORPHAN,
        new: 0,
        register: 0,
    };
    let leave = Instruction::If {
        register: 0,
        value: 0,
        to: 4,
    };
    let heir = vec![look, leave, add(1), add(1)];
    for lanes in [
        vec![owner.clone(), heir.clone()],
        vec![heir.clone(), owner.clone()],
    ] {
        let heir = usize::from(lanes[0].len() == 2);
        let seen = search(&mut machine(2, lanes), all(Policy::Exhaustive, 2, 0));
        for at in [2, 3] {
            let both = |lanes: &[(usize, [i8; 2], Stand)]| {
                lanes.iter().all(|lane| lane.2 == Stand::Dead) && lanes[heir].0 == at
            };
            assert!(seen.finals.iter().any(|(_, lanes)| both(lanes)), "{at}");
        }
    }
}

/// Nobody wakes it: it can die before it sleeps, and asleep.
#[test]
fn who_sleeps_for_good_can_die_asleep() {
    let mut machine = machine(1, vec![vec![wait(0, false)]]);
    let seen = search(&mut machine, all(Policy::Exhaustive, 1, 0));
    let schedules: Vec<String> = seen.schedules.iter().map(Schedule::to_string).collect();
    assert_eq!(schedules, ["a", "ka", "aka"]);
}

#[test]
fn preemptions_are_bounded() {
    // Two lanes of n steps: who begins; and with one preemption, after which of the first's steps but the last.
    let lanes = vec![vec![add(0); 4]; 2];
    for (most, count) in [(0, 2), (1, 2 + 2 * 3), (2, 2 + 2 * 3 + 2 * 3 * 3)] {
        let policy = Policy::Unreduced {
            preemptions: Some(most),
        };
        let seen = search(&mut machine(1, lanes.clone()), all(policy, 0, 0));
        assert_eq!(seen.schedules.len(), count, "{most}");
        assert!(!seen.tally.is_all());
    }
}

#[test]
fn tallies_say_what_they_rest_on() {
    let lanes = vec![vec![add(0); 2], vec![add(0); 2]];
    let said = |search_for: Search| {
        let seen = search(&mut machine(1, lanes.clone()), search_for);
        seen.tally.to_string()
    };
    assert_eq!(
        said(all(Policy::Exhaustive, 0, 0)),
        "all 6 schedules (up to the order of steps that commute)"
    );
    assert_eq!(said(all(UNREDUCED, 0, 0)), "all 6 schedules");
    let bounded = Policy::Unreduced {
        preemptions: Some(1),
    };
    assert_eq!(
        said(all(bounded, 0, 0)),
        "all 4 schedules with at most 1 preemption"
    );
    let few = Search {
        most_runs: 5,
        ..all(Policy::Exhaustive, 0, 0)
    };
    assert_eq!(said(few), "5 schedules, and more are left");
    let part = Search {
        shard: Shard { index: 1, count: 2 },
        ..all(Policy::Exhaustive, 0, 0)
    };
    let whole = search(&mut machine(1, lanes.clone()), all(UNREDUCED, 0, 0)).tally;
    let mut tally = search(&mut machine(1, lanes.clone()), part).tally;
    assert!(tally.merge(&whole).is_err());
    let most_runs = 40;
    let random = Policy::Random { seed: 1 };
    let drawn = Search {
        most_runs,
        kills: 1,
        ..Search::new(random)
    };
    assert_eq!(said(drawn), "40 random schedules, at most 1 kill");
}

/// A run that is cut short hides what its lanes would have done: no search with one is of all schedules.
#[test]
fn a_bound_on_moves_is_told() {
    let mut machine = machine(1, vec![vec![add(0); 3]; 2]);
    let bounded = Search {
        most_moves: 4,
        ..all(UNREDUCED, 0, 0)
    };
    let tally = bounded.run(&mut machine, |_, record| {
        assert!(matches!(record.end, End::TooLong));
        ControlFlow::Continue(())
    });
    let tally = tally.unwrap();
    assert!(!tally.is_all());
    assert_eq!(tally.to_string(), "14 schedules, 14 of them cut short");
}

#[test]
fn a_run_that_does_other_things_the_second_time_is_told() {
    /// Has one more lane in each run.
    struct Growing(Machine);
    impl Program for Growing {
        type Failure = State;
        type Error = std::convert::Infallible;
        fn lanes(&self) -> usize {
            2
        }
        fn run(&mut self, orders: &Orders) -> Result<Record<State>, Self::Error> {
            self.0.lanes.push(vec![add(0)]);
            self.0.run(orders)
        }
    }
    let growing = Growing(machine(1, vec![vec![add(0)]]));
    let ended = all(UNREDUCED, 0, 0).run(&mut { growing }, |_, _| ControlFlow::Continue(()));
    assert_eq!(
        ended,
        Err(SearchError::NotReproducible(NotReproducible { at: 0 }))
    );
}

/// The same orders, the same run: deaths that are drawn included.
#[test]
fn a_seed_gives_the_same_schedules_again() {
    let lanes = vec![vec![add(0); 3], vec![wait(0, true), add(0)]];
    for policy in [
        Policy::Random { seed: 3 },
        Policy::Pct { seed: 3, depth: 3 },
    ] {
        let drawn = |seed: Policy| {
            let drawn = Search {
                kills: 1,
                most_runs: 200,
                ..Search::new(seed)
            };
            search(&mut machine(1, lanes.clone()), drawn).schedules
        };
        assert_eq!(drawn(policy), drawn(policy));
        let other = match policy {
            Policy::Pct { depth, .. } => Policy::Pct { seed: 4, depth },
            _ => Policy::Random { seed: 4 },
        };
        assert_ne!(drawn(policy), drawn(other));
    }
}
