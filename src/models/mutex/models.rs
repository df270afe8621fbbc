//! The models of the shipped lock.

use super::visits::{Place, soon};
use crate::explore::loom::Program;
use crate::explore::loom::owner_deaths;
use crate::models::model::{Deadlines, Meets, Model, NEWER};
use crate::raw::{Acquired, NotHeld, Patience, RawMutex, RawReentrantMutex, Refused};
use crate::world::World;

type At<W> = Place<RawMutex<W>>;
type Lane<W> = fn(&At<W>);

/// Every model of the lock that may be taken once, in the world `W`.
pub(super) fn all<W: World>() -> Vec<Model> {
    let mut models = living::<W>();
    models.extend(dying::<W>());
    models
}

const MODEL: Model = Model::NEW;

/// Both kinds of start: no one has used the lock; it was crowded a moment ago.
fn both<W: World>(lanes: &[Lane<W>], end: Lane<W>) -> Vec<Program> {
    vec![
        Program::new(At::<W>::fresh, lanes, end),
        Program::new(At::<W>::crowded, lanes, end),
    ]
}

/// No one is killed.
fn living<W: World>() -> Vec<Model> {
    let visit: Lane<W> = Place::visit;
    let twice: Lane<W> = Place::visit_twice;
    let end: Lane<W> = Place::settle_down;
    vec![
        Model {
            name: "two lanes",
            claim: "one at a time is inside, and no wake is lost",
            programs: both::<W>(&[visit, visit], end),
            preemptions_quick: None,
            preemptions_full: None,
            ..MODEL
        },
        Model {
            name: "two lanes, two rounds",
            claim: "so it stays when the lock is taken again",
            programs: both::<W>(&[twice, twice], end),
            preemptions_quick: Some(2),
            preemptions_full: Some(5),
            ..MODEL
        },
        Model {
            name: "three lanes",
            claim: "one at a time is inside, and no wake is lost among two sleepers",
            programs: both::<W>(&[visit, visit, visit], end),
            ..MODEL
        },
        Model {
            name: "three lanes, one barges",
            claim: "an owner who comes in past two sleepers does not forget them",
            programs: both::<W>(&[twice, visit, visit], end),
            ..MODEL
        },
        Model {
            name: "deadline",
            claim: "one who gives up holds nothing and strands no one",
            programs: both::<W>(&[visit, Place::visit_soon, visit], end),
            deadlines: Deadlines::PassSometimes(2),
            meets: &[Meets::Sleep, Meets::TimeOut],
            ..MODEL
        },
        Model {
            name: "held throughout",
            claim: "the deadline passes, the attempt is refused, and neither changes whose it is",
            programs: vec![held::<W>()],
            deadlines: Deadlines::PassAlways(1),
            meets: &[Meets::TimeOut, Meets::EarlyReturn],
            preemptions_quick: None,
            preemptions_full: None,
            ..MODEL
        },
        Model {
            name: "no room",
            claim: "who holds as many as a death can give back is refused one more, and it stays free",
            programs: vec![no_room::<W>()],
            room: 1,
            meets: &[Meets::Sleep],
            ..MODEL
        },
        Model {
            name: "try",
            claim: "one who would not wait is refused, or inside alone",
            programs: both::<W>(&[visit, Place::visit_now, visit], end),
            ..MODEL
        },
        Model {
            name: "refusals",
            claim: "who does not hold it changes nothing, who holds it is told so",
            programs: vec![refusals::<W>()],
            preemptions_quick: Some(3),
            preemptions_full: Some(5),
            meets: &[Meets::Sleep],
            ..MODEL
        },
    ]
}

/// Lanes are killed before every one of their steps.
fn dying<W: World>() -> Vec<Model> {
    let visit: Lane<W> = Place::visit;
    let forsake: Lane<W> = Place::visit_without_repair;
    // Every lane that died owning was told of once, by the next one in or by the judge.
    let told: Lane<W> = |place| {
        let told = place.settle();
        assert_eq!(told, owner_deaths(), "a death went untold");
    };
    // Two died: the second perhaps on its way to tell of the first.
    let one_told: Lane<W> = |place| {
        let told = place.settle();
        assert!(told > 0 || owner_deaths() == 0, "a death went untold");
    };
    const DIED: &[Meets] = &[Meets::OwnerDeath, Meets::PassedOn];
    vec![
        Model {
            name: "one of two killed",
            claim: "the other goes in at once, and is told if the dead one was inside",
            programs: both::<W>(&[visit, visit], told),
            victims: &[1],
            preemptions_quick: Some(3),
            preemptions_full: Some(5),
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "one of three killed",
            claim: "whatever it was doing, the others go in one by one: it takes no wake along",
            programs: both::<W>(&[visit, visit, visit], told),
            victims: &[1],
            meets: DIED,
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "the second of three killed",
            claim: "the same of the one that finds the lock taken",
            programs: both::<W>(&[visit, visit, visit], told)
                .into_iter()
                .rev()
                .collect(),
            victims: &[2],
            meets: DIED,
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "killed, and given up",
            claim: "unlocked without repair it is refused to all, to those who wait too",
            programs: both::<W>(&[forsake, forsake, forsake], Place::settle_lost),
            victims: &[1],
            meets: DIED,
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "killed during recovery",
            claim: "the judge finds what two dead owners left, and is told",
            programs: both::<W>(&[visit, visit], one_told),
            victims: &[1, 2],
            preemptions_quick: Some(2),
            meets: &[Meets::OwnerDeath],
            kernels: NEWER,
            ..MODEL
        },
        Model {
            name: "two of three killed",
            claim: "the third goes in",
            programs: both::<W>(&[visit, visit, visit], one_told),
            victims: &[1, 2],
            preemptions_full: Some(1),
            kernels: NEWER,
            full_only: true,
            meets: DIED,
            ..MODEL
        },
        Model {
            name: "killed with a deadline",
            claim: "one who gives up or dies strands no one",
            programs: both::<W>(&[visit, Place::visit_soon, visit], told),
            deadlines: Deadlines::PassSometimes(2),
            victims: &[2],
            full_only: true,
            meets: &[Meets::TimeOut, Meets::OwnerDeath],
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "one of two killed, with two locks",
            claim: "both are given to the other, whichever of the two the dead one was about to take or give back",
            programs: vec![nested::<W>()],
            victims: &[1],
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "refused owner killed",
            claim: "an owner that asked for what it has is still known to be one",
            programs: vec![refusals::<W>()],
            victims: &[1],
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
    ]
}

/// Every model of the lock that may be taken again.
pub(super) fn reentrant<W: World>() -> Vec<Model> {
    vec![
        Model {
            name: "reentrant",
            claim: "as often given back as taken, and not before",
            programs: vec![taken_again::<W>(2)],
            preemptions_quick: Some(3),
            preemptions_full: Some(5),
            ..MODEL
        },
        Model {
            name: "reentrant owner killed",
            claim: "its depth dies with it",
            programs: vec![taken_again::<W>(2)],
            victims: &[1],
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
    ]
}

fn taken_again<W: World>(lanes: usize) -> Program {
    type Again<W> = Place<RawReentrantMutex<W>>;
    let visit: fn(&Again<W>) = |place| {
        let taken = place.lock.lock(Patience::Endless);
        place.enter(taken);
        assert_eq!(place.lock.lock(Patience::None), Ok(Acquired::Clean));
        assert_eq!(place.lock.lock(Patience::Endless), Ok(Acquired::Clean));
        place.work();
        assert_eq!(place.lock.unlock(), Ok(()));
        assert_eq!(place.lock.unlock(), Ok(()));
        assert!(place.lock.is_mine(), "given back twice of three times");
        place.leave();
        assert_eq!(
            place.lock.unlock(),
            Err(NotHeld),
            "given back once too often"
        );
    };
    let end: fn(&Again<W>) = |place| {
        assert_eq!(place.settle(), owner_deaths());
    };
    Program::new(Again::<W>::fresh, &vec![visit; lanes], end)
}

fn refusals<W: World>() -> Program {
    let asks_again: Lane<W> = |place| {
        assert!(!place.lock.is_mine(), "mine before it was taken");
        let taken = place.lock.lock(Patience::Endless);
        place.enter(taken);
        for patience in [Patience::None, soon(), Patience::Endless] {
            assert_eq!(place.lock.lock(patience), Err(Refused::AlreadyHeld));
        }
        assert!(place.lock.is_mine(), "asked again, and lost");
        assert!(place.lock.is_locked(), "taken, and not locked");
        place.work();
        place.leave();
    };
    let meddles: Lane<W> = |place| {
        assert_eq!(place.lock.unlock(), Err(NotHeld));
        assert_eq!(place.lock.mark_consistent(), Err(NotHeld));
        place.visit();
        assert_eq!(place.lock.unlock(), Err(NotHeld));
    };
    let end: Lane<W> = |place| {
        assert_eq!(place.settle(), owner_deaths());
    };
    Program::new(At::<W>::fresh, &[asks_again, meddles], end)
}

fn held<W: World>() -> Program {
    let start: fn() -> At<W> = || {
        let place = At::<W>::fresh();
        let taken = place.lock.lock(Patience::Endless);
        place.enter(taken);
        place
    };
    let waits: Lane<W> = |place| {
        assert_eq!(place.lock.lock(soon()), Err(Refused::TimedOut));
        place.stay_out();
    };
    let asks: Lane<W> = |place| {
        assert_eq!(place.lock.lock(Patience::None), Err(Refused::WouldBlock));
        place.stay_out();
    };
    let end: Lane<W> = |place| {
        place.work();
        place.leave();
        place.settle_down();
    };
    Program::new(start, &[waits, asks], end)
}

type Two<W> = (At<W>, At<W>);

fn nested<W: World>() -> Program {
    let inside: fn(&Two<W>) = |(one, other)| {
        let taken = one.lock.lock(Patience::Endless);
        one.enter(taken);
        other.visit();
        one.work();
        one.leave();
    };
    let each: fn(&Two<W>) = |(one, other)| {
        one.visit();
        other.visit();
    };
    let end: fn(&Two<W>) = |(one, other)| {
        assert_eq!(one.settle() + other.settle(), owner_deaths());
    };
    Program::new(
        || (At::<W>::fresh(), At::<W>::fresh()),
        &[inside, each],
        end,
    )
}

fn no_room<W: World>() -> Program {
    let both: fn(&Two<W>) = |(one, other)| {
        let taken = one.lock.lock(Patience::Endless);
        one.enter(taken);
        assert_eq!(
            other.lock.lock(Patience::Endless),
            Err(Refused::TooManyHeld)
        );
        other.stay_out();
        one.work();
        one.leave();
        other.visit();
    };
    let each: fn(&Two<W>) = |(one, other)| {
        one.visit();
        other.visit();
    };
    let end: fn(&Two<W>) = |(one, other)| {
        one.settle_down();
        other.settle_down();
    };
    Program::new(|| (At::<W>::fresh(), At::<W>::fresh()), &[both, each], end)
}
