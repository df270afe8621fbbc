//! `Barrier`: all pass together, again and again, or no one does.

use std::time::Duration;

use forkproof::{Array, Barrier, BarrierError, Lock, Process, Value};

use crate::wire::{Wire, in_child};
use crate::{at_the_start, race, start};

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(3_600);

/// Says how its wait ended.
fn come(barrier: Barrier, exchange: String) {
    let mut wire = Wire::call(&exchange);
    match barrier.wait() {
        Ok(number) => wire.say(number),
        Err(error) => wire.say(error),
    }
}

/// Starts a child that comes, and waits until it has.
fn comer(barrier: &Barrier) -> (Process, Wire) {
    let before = barrier.n_waiting();
    let child = start(come, |exchange| (barrier.clone(), exchange));
    while barrier.n_waiting() == before {
        std::thread::yield_now();
    }
    child
}

fn broken() -> String {
    BarrierError::Broken.to_string()
}

fn ends_well(p: Process) {
    assert_eq!(p.join().unwrap(), 0);
}

#[test]
fn no_one_passes_before_all_have_come() {
    const ROUNDS: u32 = 2_000;
    fn lane(lane: usize, barrier: Barrier, rounds: Array<u32>, exchange: String) {
        at_the_start(exchange);
        for round in 1..=ROUNDS {
            rounds.set_unlocked(lane, round).unwrap();
            barrier.wait().unwrap();
            let seen = rounds.to_vec_unlocked();
            // Another may be in the next round already, but not beyond it, as this lane has not come to that.
            assert!(
                seen.iter()
                    .all(|&other| other == round || other == round + 1),
                "{seen:?} in round {round}"
            );
        }
    }
    let (barrier, rounds) = (Barrier::new(3).unwrap(), Array::<u32>::new(3).unwrap());
    let lanes = std::cell::Cell::new(0);
    race(lane, 3, |exchange| {
        lanes.set(lanes.get() + 1);
        (lanes.get() - 1, barrier.clone(), rounds.clone(), exchange)
    });
    assert_eq!((barrier.n_waiting(), barrier.broken()), (0, false));
}

#[test]
fn each_party_gets_a_number_of_its_own() {
    let barrier = Barrier::new(4).unwrap();
    assert_eq!(barrier.parties(), 4);
    for _ in 0..3 {
        let mut comers = [comer(&barrier), comer(&barrier), comer(&barrier)];
        assert_eq!(barrier.n_waiting(), 3);
        assert_eq!(barrier.wait(), Ok(3));
        for (number, (_, wire)) in comers.iter_mut().enumerate() {
            assert_eq!(wire.hear(), number.to_string());
        }
        comers.into_iter().for_each(|(p, _)| ends_well(p));
    }
}

#[test]
fn those_who_come_while_others_leave_are_let_in_in_turn() {
    fn lane(barrier: Barrier, exchange: String) {
        at_the_start(exchange);
        for _ in 0..5_000 {
            assert_eq!(barrier.wait_timeout(LONG), Ok(0));
        }
    }
    let barrier = Barrier::new(1).unwrap();
    race(lane, 4, |exchange| (barrier.clone(), exchange));
    assert_eq!(barrier.wait(), Ok(0));
}

#[test]
fn threads_of_one_process_meet_too() {
    let barrier = Barrier::new(3).unwrap();
    std::thread::scope(|scope| {
        let threads = [0; 3].map(|_| {
            scope.spawn(|| {
                (0..500)
                    .map(|_| barrier.wait().unwrap())
                    .collect::<Vec<usize>>()
            })
        });
        let numbers = threads.map(|thread| thread.join().unwrap());
        for round in 0..500 {
            let mut of_round: Vec<_> = numbers.iter().map(|of| of[round]).collect();
            of_round.sort_unstable();
            assert_eq!(of_round, [0, 1, 2]);
        }
    });
}

#[test]
fn a_time_out_breaks_it_for_all_until_it_is_reset() {
    let barrier = Barrier::new(3).unwrap();
    let (p, mut wire) = comer(&barrier);
    assert_eq!(barrier.wait_timeout(SHORT), Err(BarrierError::TimedOut));
    assert_eq!(wire.hear(), broken());
    ends_well(p);
    assert!(barrier.broken());
    assert_eq!(barrier.wait(), Err(BarrierError::Broken));
    assert_eq!(
        barrier.wait_timeout(Duration::ZERO),
        Err(BarrierError::Broken)
    );
    barrier.reset().unwrap();
    assert!(!barrier.broken());
    assert_eq!(
        barrier.wait_timeout(Duration::ZERO),
        Err(BarrierError::TimedOut)
    );
}

#[test]
fn an_abort_breaks_it_for_all() {
    let barrier = Barrier::new(3).unwrap();
    let mut comers = [comer(&barrier), comer(&barrier)];
    barrier.abort().unwrap();
    assert!(barrier.broken());
    for (_, wire) in &mut comers {
        assert_eq!(wire.hear(), broken());
    }
    comers.into_iter().for_each(|(p, _)| ends_well(p));
    barrier.abort().unwrap();
    assert_eq!(
        (barrier.wait(), barrier.n_waiting()),
        (Err(BarrierError::Broken), 0)
    );
}

#[test]
fn a_reset_sends_away_who_waits_and_no_one_else() {
    let barrier = Barrier::new(2).unwrap();
    barrier.reset().unwrap(); // of a barrier that no one uses: nothing
    let (p, mut wire) = comer(&barrier);
    barrier.reset().unwrap();
    assert_eq!(wire.hear(), broken());
    ends_well(p);
    assert!(!barrier.broken());
    let (p, mut wire) = comer(&barrier);
    assert_eq!(barrier.wait(), Ok(1));
    assert_eq!(wire.hear(), "0");
    ends_well(p);
}

#[test]
fn the_death_of_one_who_waits_is_told_to_the_others_at_once() {
    let barrier = Barrier::new(4).unwrap();
    let mut comers = [comer(&barrier), comer(&barrier), comer(&barrier)];
    comers[1].0.kill().unwrap();
    assert_eq!(comers[1].0.join().unwrap(), -9);
    for number in [0, 2] {
        assert_eq!(comers[number].1.hear(), broken());
        assert_eq!(comers[number].0.join().unwrap(), 0);
    }
    assert!(barrier.broken());
    barrier.reset().unwrap();
    let (p, mut wire) = comer(&barrier);
    barrier.abort().unwrap();
    assert_eq!(wire.hear(), broken());
    ends_well(p);
}

#[test]
fn the_death_of_the_only_one_is_met_by_who_comes_next() {
    let barrier = Barrier::new(2).unwrap();
    let (p, _) = comer(&barrier);
    p.kill().unwrap();
    assert_eq!(p.join().unwrap(), -9);
    assert!(barrier.broken());
    assert_eq!(barrier.wait(), Err(BarrierError::Broken));
    barrier.reset().unwrap();
    let (p, _wire) = comer(&barrier);
    assert_eq!(barrier.wait(), Ok(1));
    ends_well(p);
}

fn add(to: Value<u32>) {
    to.update(|number| *number += 1).unwrap();
}

#[test]
fn an_action_runs_once_a_round_before_anyone_passes() {
    fn lane(barrier: Barrier, rounds: Value<u32>, exchange: String) {
        at_the_start(exchange);
        for round in 1..=500 {
            barrier.wait().unwrap();
            let seen = rounds.get().unwrap();
            assert!(
                seen == round || seen == round + 1,
                "{seen} actions in round {round}"
            );
        }
    }
    let rounds = Value::new(0u32).unwrap();
    let barrier = Barrier::with_action(3, add, rounds.clone()).unwrap();
    race(lane, 3, |exchange| {
        (barrier.clone(), rounds.clone(), exchange)
    });
    assert_eq!(rounds.get().unwrap(), 500);
}

#[test]
fn an_action_may_be_a_closure_and_take_several_things() {
    let (left, right) = (Value::new(1u32).unwrap(), Value::new(2u32).unwrap());
    let swap = |(left, right): (Value<u32>, Value<u32>)| {
        let was = left.get().unwrap();
        left.set(right.get().unwrap()).unwrap();
        right.set(was).unwrap();
    };
    let barrier = Barrier::with_action(1, swap, (left.clone(), right.clone())).unwrap();
    in_child(come_alone, (barrier,));
    assert_eq!((left.get().unwrap(), right.get().unwrap()), (2, 1));
}

fn come_alone(barrier: Barrier) {
    assert_eq!(barrier.wait(), Ok(0));
}

#[test]
fn an_action_that_panics_breaks_the_barrier() {
    fn fail((): ()) {
        panic!("as it is meant to");
    }
    let barrier = Barrier::with_action(2, fail, ()).unwrap();
    let (p, mut wire) = comer(&barrier);
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| barrier.wait())).unwrap_err();
    assert_eq!(*panic.downcast::<&str>().unwrap(), "as it is meant to");
    assert_eq!(wire.hear(), broken());
    ends_well(p);
    assert!(barrier.broken());
}

#[test]
fn a_death_in_the_action_breaks_the_barrier() {
    fn die((): ()) {
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    let barrier = Barrier::with_action(2, die, ()).unwrap();
    let (first, mut wire) = comer(&barrier);
    let (last, _) = start(come, |exchange| (barrier.clone(), exchange));
    assert_eq!(last.join().unwrap(), -9);
    assert_eq!(wire.hear(), broken());
    ends_well(first);
}

#[test]
fn a_time_out_in_the_action_breaks_the_barrier() {
    fn wait((entered, lock): (Value<bool>, Lock)) {
        entered.set(true).unwrap();
        drop(lock.lock().unwrap());
    }
    let (entered, lock) = (Value::new(false).unwrap(), Lock::new().unwrap());
    let held = lock.lock().unwrap();
    let barrier = Barrier::with_action(2, wait, (entered.clone(), lock.clone())).unwrap();
    let mut timeout = SHORT;
    let (last, mut wire) = loop {
        let (last, wire) = std::thread::scope(|scope| {
            let first = scope.spawn(|| barrier.wait_timeout(timeout));
            while barrier.n_waiting() == 0 && !barrier.broken() {
                std::thread::yield_now();
            }
            let last = start(come, |exchange| (barrier.clone(), exchange));
            assert_eq!(first.join().unwrap(), Err(BarrierError::TimedOut));
            last
        });
        while !entered.get().unwrap() && last.is_alive() {
            std::thread::yield_now();
        }
        if last.is_alive() {
            break (last, wire);
        }
        // The time was over before it came: there is to be more.
        ends_well(last);
        barrier.reset().unwrap();
        timeout *= 2;
    };
    drop(held);
    assert_eq!(wire.hear(), broken());
    ends_well(last);
}

#[test]
fn a_number_of_parties_that_cannot_be_is_refused() {
    for parties in [0, 121, usize::MAX] {
        let refused = Barrier::new(parties).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    }
    assert_eq!(Barrier::new(120).unwrap().parties(), 120);
}

#[test]
fn the_most_parties_meet() {
    let barrier = Barrier::new(120).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..120 {
            scope.spawn(|| {
                for _ in 0..3 {
                    barrier.wait().unwrap();
                }
            });
        }
    });
    assert_eq!(barrier.n_waiting(), 0);
}

#[test]
fn a_thread_without_room_to_be_recovered_does_not_come() {
    fn child(barrier: Barrier, locks: Vec<Lock>) {
        let mut held: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
        assert_eq!(barrier.wait(), Err(BarrierError::TooManyHeld));
        assert_eq!(barrier.abort(), Err(BarrierError::TooManyHeld));
        held.pop(); // room for the mutex, and not for a seat
        assert_eq!(barrier.wait(), Err(BarrierError::TooManyHeld));
        held.pop();
        assert_eq!(barrier.wait(), Ok(0));
    }
    let locks: Vec<Lock> = (0..2_048).map(|_| Lock::new().unwrap()).collect();
    in_child(child, (Barrier::new(1).unwrap(), locks));
}

#[test]
fn a_barrier_shows_how_many_have_come() {
    let barrier = Barrier::new(2).unwrap();
    assert!(format!("{barrier:?}").starts_with("<Barrier(0/2) at 0x"));
    let (p, _wire) = comer(&barrier);
    assert!(format!("{barrier:?}").starts_with("<Barrier(1/2) at 0x"));
    barrier.abort().unwrap();
    ends_well(p);
    assert!(format!("{barrier:?}").starts_with("<Barrier(broken) at 0x"));
}
