//! The models of the condition.

use super::scene::{Guard, Scene};
use crate::explore::loom::Program;
use crate::models::model::{Deadlines, Meets, Model, NEWER};
use crate::raw::{Acquired, NoWait, Patience, RawMutex, RawReentrantMutex};
use crate::world::World;

type At<W> = Scene<W, RawMutex<W>>;
type Lane<W> = fn(&At<W>);

const MODEL: Model = Model::NEW;

/// Every model of the condition, in the world `W`.
pub(super) fn all<W: World>() -> Vec<Model> {
    let mut models = living::<W>();
    models.extend(dying::<W>());
    models
}

/// No one is killed.
fn living<W: World>() -> Vec<Model> {
    let waits: Lane<W> = Scene::wait_until_open;
    let waits_and_tells: Lane<W> = |scene| {
        scene.wait_until_open();
        scene.tell(1);
    };
    let tells_one: Lane<W> = |scene| scene.tell(1);
    let tells_each: Lane<W> = |scene| {
        scene.tell(1);
        scene.tell(1);
    };
    let tells_all: Lane<W> = |scene| scene.tell(usize::MAX);
    let end: Lane<W> = Scene::settle;
    let program = |lanes: &[Lane<W>]| vec![Program::new(At::<W>::new, lanes, end)];
    vec![
        Model {
            name: "one waits",
            claim: "what is told under the lock is not missed, whichever comes first",
            programs: program(&[waits, tells_one]),
            preemptions_quick: Some(3),
            preemptions_full: Some(5),
            ..MODEL
        },
        Model {
            name: "two told one by one",
            claim: "two notifications wake two",
            programs: program(&[waits, waits, tells_each]),
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "two told at once",
            claim: "notifying all leaves no one asleep",
            programs: program(&[waits, waits, tells_all]),
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "deadline",
            claim: "who gives up has taken no one's notification, who was told returns so",
            programs: program(&[Scene::wait_soon, waits_and_tells, tells_one]),
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            deadlines: Deadlines::PassSometimes(1),
            meets: &[Meets::Sleep, Meets::TimeOut],
            ..MODEL
        },
        Model {
            name: "all levels",
            claim: "a lock that was taken twice is given back for the wait, and held twice after it",
            programs: vec![all_levels::<W>()],
            ..MODEL
        },
        Model {
            name: "refusals",
            claim: "without the lock, or without a seat, there is no wait and nothing has changed",
            programs: vec![refusals::<W>()],
            meets: &[],
            ..MODEL
        },
    ]
}

/// A lane is killed before every one of its steps.
fn dying<W: World>() -> Vec<Model> {
    let waits: Lane<W> = Scene::wait_until_open;
    let opens: Lane<W> = |scene| scene.tell(1);
    let waits_alive: Lane<W> = |scene| {
        assert!(scene.life.lock(Patience::Endless).is_ok());
        scene.wait_until_open();
        assert!(scene.life.unlock().is_ok());
    };
    // Lane 2 waits for one notification, and is owed the first if lane 1 dies before it has returned with it.
    let tells_who_is_owed: Lane<W> = |scene| {
        scene.tell(1);
        scene.outlive();
        // Who died owning the lock had left its seat, and so returned, or its seat is dead.
        let returned = scene.enter() == Acquired::OwnerDied && !scene.has_dead_seat();
        if returned || scene.notes.first_returned.get() {
            scene.notify(1);
        }
        scene.leave();
    };
    let waits_and_tells: Lane<W> = |scene| {
        scene.wait_until_open();
        scene.tell(1);
    };
    let opens_alive: Lane<W> = |scene| {
        assert!(scene.life.lock(Patience::Endless).is_ok());
        scene.tell_from_the_owners_seat(1);
        assert!(scene.life.unlock().is_ok());
    };
    let opens_if_it_is_not: Lane<W> = |scene| {
        scene.outlive();
        if !scene.notes.opened.get() {
            scene.tell(1);
        }
    };
    let end: Lane<W> = Scene::settle_after_death;
    let program = |lanes: &[Lane<W>]| vec![Program::new(At::<W>::new, lanes, end)];
    vec![
        Model {
            name: "waiter killed",
            claim: "wherever a waiter dies, the notification that it had not returned with goes to the other",
            programs: program(&[waits_alive, waits_and_tells, tells_who_is_owed]),
            victims: &[1],
            kernels: NEWER,
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            meets: &[Meets::OwnerDeath],
            slow: true,
            ..MODEL
        },
        Model {
            name: "only waiter killed",
            claim: "a waiter that dies leaves the condition to others",
            programs: program(&[waits, opens]),
            victims: &[1],
            preemptions_quick: Some(1),
            preemptions_full: Some(3),
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "notifier killed",
            claim: "who was told wakes, though the one who told it died before it could wake it",
            programs: program(&[opens, waits, opens]),
            victims: &[1],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            meets: &[Meets::OwnerDeath, Meets::PassedOn],
            ..MODEL
        },
        Model {
            name: "owner killed",
            claim: "one of those who wait is told that the lock's owner died, if no one else takes the lock",
            programs: program(&[opens_alive, waits, opens_if_it_is_not]),
            victims: &[1],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            kernels: NEWER,
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "killed while passing on",
            claim: "a notification that two deaths meet is neither lost nor doubled",
            programs: program(&[waits_alive, waits_and_tells, tells_who_is_owed]),
            victims: &[1, 2],
            preemptions_quick: Some(0),
            preemptions_full: Some(1),
            full_only: true,
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "given up",
            claim: "who waits is refused when the lock is given up, as no one could notify any more",
            programs: vec![given_up::<W>()],
            victims: &[1],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            meets: &[Meets::OwnerDeath, Meets::Sleep],
            ..MODEL
        },
    ]
}

fn all_levels<W: World>() -> Program {
    type Nested<W> = Scene<W, RawReentrantMutex<W>>;
    let waits: fn(&Nested<W>) = |scene| {
        scene.enter();
        scene.enter();
        scene.wait_inside_until_open();
        assert!(scene.lock.unlock().is_ok());
        assert!(scene.lock.is_mine(), "given back once of twice");
        assert!(scene.lock.unlock().is_ok());
        assert!(!scene.lock.is_mine(), "given back twice of twice");
    };
    let tells: fn(&Nested<W>) = |scene| scene.tell(1);
    Program::new(Nested::<W>::new, &[waits, tells], Scene::settle)
}

fn refusals<W: World>() -> Program {
    let lane: Lane<W> = |scene| {
        let condition = scene.condition();
        assert_eq!(condition.wait(&scene.lock, None), Err(NoWait::NotHeld));
        assert!(condition.notify(&scene.lock, 1).is_err());
        scene.enter();
        scene.notify(1);
        scene.leave();
        assert_eq!(condition.waiters(), 0);
    };
    Program::new(At::<W>::new, &[lane, lane], Scene::settle)
}

fn given_up<W: World>() -> Program {
    let dies: Lane<W> = |scene| {
        if Guard::lock(&scene.lock) == Ok(Acquired::Clean) {
            scene.leave();
        }
    };
    let end: Lane<W> = |scene| {
        assert!(!scene.lock.is_locked(), "left locked");
        assert_eq!(scene.condition().waiters(), 0, "someone waits");
    };
    let lanes = [dies, Scene::wait_or_be_refused, Scene::tell_or_forsake];
    Program::new(At::<W>::new, &lanes, end)
}
