//! `Semaphore` and `BoundedSemaphore`: permits acquired, given back, given away, released.

use std::io::ErrorKind;
use std::time::Duration;

use forkproof::{BoundedSemaphore, Error, Lock, Permit, Semaphore, SemaphoreError, Value};

use crate::wire::{Wire, in_child};
use crate::{at_the_start, die, killed, race, start};

const SOON: Duration = Duration::from_millis(2);

#[test]
fn a_semaphore_of_one_makes_a_read_and_a_write_one() {
    fn count(semaphore: Semaphore, counter: Value<i64>, exchange: String) {
        at_the_start(exchange);
        for _ in 0..10_000 {
            let _turn = semaphore.acquire().unwrap();
            counter.set_unlocked(counter.get_unlocked() + 1);
        }
    }
    let (semaphore, counter) = (Semaphore::new(1).unwrap(), Value::new(0).unwrap());
    race(count, 3, |exchange| {
        (semaphore.clone(), counter.clone(), exchange)
    });
    assert_eq!(counter.get().unwrap(), 30_000);
    assert_eq!(semaphore.value(), 1);
}

#[test]
fn so_many_are_inside_at_a_time_and_no_more() {
    fn visit(seats: BoundedSemaphore, inside: Value<u32>, exchange: String) {
        at_the_start(exchange);
        for _ in 0..3_000 {
            let _seat = seats.acquire().unwrap();
            let now = inside.update(|inside| {
                *inside += 1;
                *inside
            });
            assert!(now.unwrap() <= 2, "two seats");
            inside.update(|inside| *inside -= 1).unwrap();
        }
    }
    let (seats, inside) = (BoundedSemaphore::new(2).unwrap(), Value::new(0).unwrap());
    race(visit, 4, |exchange| {
        (seats.clone(), inside.clone(), exchange)
    });
    assert_eq!(inside.get().unwrap(), 0);
    assert_eq!(seats.value(), 2);
}

#[test]
fn every_signal_is_heard_once() {
    const EACH: u32 = 2_000;
    fn tell(signal: Semaphore, exchange: String) {
        at_the_start(exchange);
        for _ in 0..EACH {
            signal.release(1).unwrap();
        }
    }
    fn hear(signal: Semaphore, exchange: String) {
        at_the_start(exchange);
        for _ in 0..EACH {
            signal.acquire().unwrap().forget();
        }
    }
    let signal = Semaphore::new(0).unwrap();
    let hearers = {
        let signal = signal.clone();
        std::thread::spawn(move || race(hear, 3, |exchange| (signal.clone(), exchange)))
    };
    race(tell, 3, |exchange| (signal.clone(), exchange));
    hearers.join().unwrap();
    assert_eq!(signal.value(), 0);
}

#[test]
fn what_was_written_before_a_release_is_seen_after_the_acquire() {
    fn tell(signal: Semaphore, back: Semaphore, value: Value<u64>) {
        for round in 1..=2_000 {
            value.set_unlocked(round);
            signal.release(1).unwrap();
            back.acquire().unwrap().forget();
        }
    }
    let (signal, back) = (Semaphore::new(0).unwrap(), Semaphore::new(0).unwrap());
    let value = Value::new(0).unwrap();
    let p = forkproof::Process::new(tell, (signal.clone(), back.clone(), value.clone()));
    p.start().unwrap();
    for round in 1..=2_000 {
        signal.acquire().unwrap().forget();
        assert_eq!(value.get_unlocked(), round);
        back.release(1).unwrap();
    }
    assert_eq!(p.join().unwrap(), 0);
}

#[test]
fn who_will_not_wait_is_told_and_who_waits_too_long_too() {
    let semaphore = Semaphore::new(1).unwrap();
    let permit = semaphore.acquire().unwrap();
    let refused = |got: Result<Permit, SemaphoreError>| got.unwrap_err();
    assert_eq!(refused(semaphore.try_acquire()), SemaphoreError::WouldBlock);
    for timeout in [Duration::ZERO, SOON] {
        let got = semaphore.acquire_timeout(timeout);
        assert_eq!(refused(got), SemaphoreError::TimedOut);
    }
    drop(permit);
    assert!(semaphore.acquire_timeout(Duration::ZERO).is_ok());
    // For longer than the clock can count.
    assert!(semaphore.acquire_timeout(Duration::MAX).is_ok());
    assert_eq!(semaphore.value(), 1);
}

#[test]
fn a_waiter_gets_what_another_process_gives_back() {
    fn hold(semaphore: Semaphore, exchange: String) {
        let _permit = semaphore.acquire().unwrap();
        let mut wire = Wire::call(&exchange);
        wire.say("held");
        assert_eq!(wire.hear(), "give it back");
    }
    let semaphore = Semaphore::new(1).unwrap();
    let (p, mut wire) = start(hold, |exchange| (semaphore.clone(), exchange));
    assert_eq!(wire.hear(), "held");
    assert_eq!(semaphore.value(), 0);
    wire.say("give it back");
    drop(semaphore.acquire().unwrap());
    assert_eq!(p.join().unwrap(), 0);
}

#[test]
fn a_bounded_semaphore_refuses_what_no_one_gave_away() {
    fn over(semaphore: &BoundedSemaphore, permits: u32) -> u32 {
        match semaphore.release(permits) {
            Err(SemaphoreError::OverRelease { over }) => over,
            other => panic!("{other:?}"),
        }
    }
    let semaphore = BoundedSemaphore::new(3).unwrap();
    assert_eq!(over(&semaphore, 1), 1, "none is out");
    let held = semaphore.acquire().unwrap();
    assert_eq!(over(&semaphore, 2), 2, "it is held, not given away");
    semaphore.acquire().unwrap().forget();
    assert_eq!(over(&semaphore, 2), 1, "and nothing is released");
    assert_eq!(semaphore.value(), 1);
    semaphore.release(1).unwrap();
    semaphore.release(0).unwrap();
    assert_eq!(semaphore.value(), 2);
    drop(held);
    assert_eq!((semaphore.value(), semaphore.max_value()), (3, 3));
    assert_eq!(over(&BoundedSemaphore::new(0).unwrap(), 1), 1);
}

#[test]
fn a_semaphore_may_have_more_than_at_first() {
    let semaphore = Semaphore::new(1).unwrap();
    semaphore.release(300).unwrap();
    assert_eq!(semaphore.value(), 301);
    let all: Vec<Permit> = (0..301).map(|_| semaphore.try_acquire().unwrap()).collect();
    assert_eq!(semaphore.value(), 0);
    assert!(semaphore.try_acquire().is_err());
    drop(all);
    assert_eq!(semaphore.value(), 301);
}

#[test]
fn permits_beyond_the_hundredth_are_bounded_too() {
    let semaphore = BoundedSemaphore::new(150).unwrap();
    let mut all: Vec<Permit> = (0..150).map(|_| semaphore.acquire().unwrap()).collect();
    assert!(semaphore.try_acquire().is_err());
    all.drain(..).for_each(Permit::forget);
    semaphore.release(149).unwrap();
    let over = semaphore.release(2);
    assert_eq!(over, Err(SemaphoreError::OverRelease { over: 1 }));
    semaphore.release(1).unwrap();
    assert_eq!(semaphore.value(), 150);
}

#[test]
fn there_is_a_largest_semaphore() {
    let most = i32::MAX as u32;
    assert_eq!(
        Semaphore::new(most + 1).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    let error = BoundedSemaphore::new(u32::MAX).unwrap_err();
    assert!(error.to_string().contains("2147483647"), "{error}");
    let semaphore = Semaphore::new(most).unwrap();
    assert_eq!(semaphore.value(), most);
    let over = semaphore.release(7);
    assert_eq!(over, Err(SemaphoreError::OverRelease { over: 7 }));
    drop(semaphore.acquire().unwrap());
    assert_eq!(semaphore.value(), most);
}

#[test]
fn a_thread_may_hold_2048_permits_and_no_more() {
    fn child(semaphores: Vec<Semaphore>, lock: Lock) {
        let mut held: Vec<Permit> = semaphores[..2_048]
            .iter()
            .map(|semaphore| semaphore.acquire().unwrap())
            .collect();
        let refused = semaphores[2_048].acquire().unwrap_err();
        assert_eq!(refused, SemaphoreError::TooManyHeld);
        assert_eq!(semaphores[2_048].value(), 1);
        assert!(lock.lock().is_err(), "permits and locks count together");
        held.pop();
        assert!(semaphores[2_048].acquire().is_ok());
    }
    let semaphores: Vec<Semaphore> = (0..2_049).map(|_| Semaphore::new(1).unwrap()).collect();
    in_child(child, (semaphores.clone(), Lock::new().unwrap()));
    assert!(semaphores.iter().all(|semaphore| semaphore.value() == 1));
}

#[test]
fn threads_of_one_process_share_permits_too() {
    let (semaphore, counter) = (Semaphore::new(1).unwrap(), Value::new(0).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    let _turn = semaphore.acquire().unwrap();
                    counter.set_unlocked(counter.get_unlocked() + 1);
                }
            });
        }
    });
    assert_eq!(counter.get_unlocked(), 15_000);
}

#[test]
fn semaphores_show_their_value_as_in_python() {
    let semaphore = Semaphore::new(3).unwrap();
    let bounded = BoundedSemaphore::new(3).unwrap();
    let _held = (semaphore.acquire().unwrap(), bounded.acquire().unwrap());
    assert_eq!(format!("{semaphore:?}"), "<Semaphore(value=2)>");
    assert_eq!(
        format!("{bounded:?}"),
        "<BoundedSemaphore(value=2, maxvalue=3)>"
    );
}

#[test]
fn the_question_mark_takes_a_semaphores_error() {
    fn enter(semaphore: &Semaphore) -> forkproof::Result<()> {
        let _permit = semaphore.try_acquire()?;
        Ok(())
    }
    let refused = enter(&Semaphore::new(0).unwrap());
    assert!(matches!(
        refused,
        Err(Error::Semaphore(SemaphoreError::WouldBlock))
    ));
}

#[test]
fn the_permits_of_the_killed_come_home() {
    fn child(semaphore: Semaphore, bounded: BoundedSemaphore) {
        let _permits = (semaphore.acquire().unwrap(), semaphore.acquire().unwrap());
        let _permit = bounded.acquire().unwrap();
        die();
    }
    let (semaphore, bounded) = (
        Semaphore::new(2).unwrap(),
        BoundedSemaphore::new(1).unwrap(),
    );
    for _ in 0..3 {
        killed(forkproof::Process::new(
            child,
            (semaphore.clone(), bounded.clone()),
        ));
        assert_eq!((semaphore.value(), bounded.value()), (2, 1));
    }
    let over = bounded.release(1);
    assert_eq!(over, Err(SemaphoreError::OverRelease { over: 1 }));
}

#[test]
fn a_hundred_permits_of_a_killed_process_come_home() {
    fn child(semaphore: Semaphore) {
        let all: Vec<Permit> = (0..102).map(|_| semaphore.acquire().unwrap()).collect();
        die();
        drop(all);
    }
    let semaphore = Semaphore::new(102).unwrap();
    killed(forkproof::Process::new(child, (semaphore.clone(),)));
    assert_eq!(semaphore.value(), 100, "the rest is a mere number");
    semaphore.release(2).unwrap();
    assert_eq!(semaphore.value(), 102);
}

#[test]
fn a_permit_that_was_given_away_does_not_come_home() {
    fn child(semaphore: BoundedSemaphore) {
        semaphore.acquire().unwrap().forget();
        die();
    }
    let semaphore = BoundedSemaphore::new(2).unwrap();
    killed(forkproof::Process::new(child, (semaphore.clone(),)));
    assert_eq!(semaphore.value(), 1);
    semaphore.release(1).unwrap();
    assert_eq!(semaphore.value(), 2);
}

#[test]
fn a_thread_that_ends_with_a_permit_is_dead_though_its_process_lives() {
    let semaphore = Semaphore::new(1).unwrap();
    let theirs = semaphore.clone();
    std::thread::spawn(move || std::mem::forget(theirs.acquire().unwrap()))
        .join()
        .unwrap();
    assert_eq!(semaphore.value(), 1);
}

#[test]
fn who_waits_when_a_holder_is_killed_gets_its_permit() {
    fn hold(semaphore: Semaphore, exchange: String) {
        let _permit = semaphore.acquire().unwrap();
        let mut wire = Wire::call(&exchange);
        wire.say("held");
        wire.hear();
    }
    fn wait(semaphore: Semaphore, exchange: String) {
        let mut wire = Wire::call(&exchange);
        wire.say("about to wait");
        let _permit = semaphore.acquire().unwrap();
        wire.say("inherited");
    }
    for _ in 0..20 {
        let semaphore = Semaphore::new(2).unwrap();
        let held = semaphore.acquire().unwrap();
        let (holder, mut to_holder) = start(hold, |exchange| (semaphore.clone(), exchange));
        assert_eq!(to_holder.hear(), "held");
        let mut waiters: Vec<_> = (0..2)
            .map(|_| start(wait, |exchange| (semaphore.clone(), exchange)))
            .collect();
        for (_, wire) in &mut waiters {
            assert_eq!(wire.hear(), "about to wait");
        }
        holder.kill().unwrap();
        for (p, mut wire) in waiters {
            assert_eq!(wire.hear(), "inherited"); // one after the other: `held` lasts
            assert_eq!(p.join().unwrap(), 0);
        }
        drop(held);
        assert_eq!(holder.join().unwrap(), -9);
        assert_eq!(semaphore.value(), 2);
    }
}

#[test]
fn a_waiter_that_is_killed_leaves_its_place_in_line() {
    fn wait(semaphore: Semaphore, exchange: String) {
        let mut wire = Wire::call(&exchange);
        wire.say("about to wait");
        let _permit = semaphore.acquire().unwrap();
        wire.say("inside");
    }
    for _ in 0..20 {
        let semaphore = Semaphore::new(1).unwrap();
        let held = semaphore.acquire().unwrap();
        let (first, mut to_first) = start(wait, |exchange| (semaphore.clone(), exchange));
        assert_eq!(to_first.hear(), "about to wait");
        let (second, mut to_second) = start(wait, |exchange| (semaphore.clone(), exchange));
        assert_eq!(to_second.hear(), "about to wait");
        first.kill().unwrap();
        assert_eq!(first.join().unwrap(), -9);
        drop(held);
        assert_eq!(to_second.hear(), "inside");
        assert_eq!(second.join().unwrap(), 0);
        assert_eq!(semaphore.value(), 1);
    }
}

#[test]
fn a_forked_copy_of_a_permit_is_no_permit() {
    fn child(semaphore: Semaphore) {
        let (place, surplus) = (semaphore.acquire().unwrap(), {
            // All other places first: the last is one of the surplus.
            let rest: Vec<Permit> = (0..100).map(|_| semaphore.acquire().unwrap()).collect();
            rest.into_iter().next_back().unwrap()
        });
        let before = semaphore.value();
        // SAFETY: a process of one thread.
        match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Child => {
                drop(place);
                surplus.forget();
                let unchanged = semaphore.value() == before;
                std::process::exit(if unchanged { 0 } else { 1 });
            }
            nix::unistd::ForkResult::Parent { child } => {
                let status = nix::sys::wait::waitpid(child, None).unwrap();
                assert_eq!(status, nix::sys::wait::WaitStatus::Exited(child, 0));
            }
        }
        assert_eq!(semaphore.value(), before);
        drop(place);
        drop(surplus);
        assert_eq!(semaphore.value(), before + 2);
    }
    in_child(child, (Semaphore::new(101).unwrap(),));
}
