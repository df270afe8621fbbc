//! The models of the shipped semaphore.

use super::seats::Seats;
use crate::explore::loom::{Kernel, Program, owner_deaths};
use crate::models::model::{Deadlines, Meets, Model, NEWER};
use crate::world::World;

type Lane<W> = fn(&Seats<W>);

/// Every model of the semaphore, in the world `W`.
pub(super) fn all<W: World>() -> Vec<Model> {
    let mut models = visits::<W>();
    models.extend(signals::<W>());
    models.extend(dying::<W>());
    models
}

const MODEL: Model = Model::NEW;

/// They wake in fewer cases, and in no others: what holds under them holds under the newer ones.
const OLDER: &[Kernel] = &[Kernel::Linux5_5];

fn one_place<W: World>() -> Seats<W> {
    Seats::new(1, 0, 0)
}

fn two_places<W: World>() -> Seats<W> {
    Seats::new(2, 0, 0)
}

fn one_of_surplus<W: World>() -> Seats<W> {
    Seats::new(0, 0, 1)
}

fn one_closed<W: World>() -> Seats<W> {
    Seats::new(0, 1, 0)
}

fn nothing<W: World>() -> Seats<W> {
    Seats::new(0, 0, 0)
}

/// Permits are acquired and given back; no one is killed.
fn visits<W: World>() -> Vec<Model> {
    let visit: Lane<W> = Seats::visit;
    let end: Lane<W> = Seats::settle;
    let of = |start: fn() -> Seats<W>, lanes: &[Lane<W>]| Program::new(start, lanes, end);
    vec![
        Model {
            name: "two lanes",
            claim: "one permit lets in one at a time, and no wake is lost",
            programs: vec![
                of(one_place, &[visit, visit]),
                of(one_of_surplus, &[visit, visit]),
            ],
            preemptions_quick: Some(4),
            preemptions_full: None,
            ..MODEL
        },
        Model {
            name: "two lanes, two rounds",
            claim: "so it stays when permits are taken again",
            programs: vec![of(one_place, &[Seats::visit_twice, Seats::visit_twice])],
            ..MODEL
        },
        Model {
            name: "three lanes",
            claim: "no wake is lost between the first in line and the next",
            programs: vec![
                of(one_place, &[visit, visit, visit]),
                of(two_places, &[visit, visit, visit]),
                of(|| Seats::new(1, 0, 1), &[visit, visit, visit]),
            ],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "deadline",
            claim: "one who gives up holds nothing and strands no one",
            programs: vec![of(one_place, &[visit, Seats::visit_soon, visit])],
            deadlines: Deadlines::PassSometimes(2),
            meets: &[Meets::Sleep, Meets::TimeOut],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "try",
            claim: "one who would not wait is refused, or inside rightly",
            programs: vec![of(one_place, &[visit, Seats::visit_now, visit])],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "given away under a sleeper",
            claim: "a permit that is given away and released again is heard of by who slept on it",
            programs: vec![
                of(one_place, &[Seats::renew, visit]),
                of(one_of_surplus, &[Seats::renew, visit]),
            ],
            preemptions_quick: Some(3),
            ..MODEL
        },
        Model {
            name: "misuse",
            claim: "what is not mine I cannot give, and what is not out I cannot release",
            programs: vec![of(|| Seats::bounded(1), &[Seats::misuse, visit])],
            preemptions_quick: Some(3),
            ..MODEL
        },
        Model {
            name: "no room",
            claim: "who holds as many as a death can give back is refused one more, and it stays free",
            programs: vec![Program::new(
                || Seats::new(4, 0, 0),
                &[Seats::overload, visit],
                |seats: &Seats<W>| assert_eq!(seats.semaphore().value(), 4),
            )],
            room: 2,
            meets: &[],
            ..MODEL
        },
    ]
}

/// Permits are released by one and used up by another.
fn signals<W: World>() -> Vec<Model> {
    let end: Lane<W> = |seats| seats.settle_between(0, 0);
    let of = |start: fn() -> Seats<W>, lanes: &[Lane<W>]| Program::new(start, lanes, end);
    vec![
        Model {
            name: "signal",
            claim: "who has acquired what was released sees what was written before",
            programs: vec![
                of(one_closed, &[Seats::tell, Seats::hear]),
                of(nothing, &[Seats::tell, Seats::hear]),
            ],
            preemptions_quick: None,
            preemptions_full: None,
            ..MODEL
        },
        Model {
            name: "two signals",
            claim: "each of two that were released at once is heard, and none twice",
            programs: vec![
                of(one_closed, &[Seats::tell_two, Seats::hear, Seats::hear]),
                of(nothing, &[Seats::tell_two, Seats::hear, Seats::hear]),
            ],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            slow: true,
            ..MODEL
        },
        Model {
            name: "two release",
            claim: "two that open a place at the same time open two, or one and a surplus",
            programs: [one_closed, || Seats::new(0, 2, 0)]
                .into_iter()
                .map(|start: fn() -> Seats<W>| {
                    let lanes: [Lane<W>; 3] =
                        [Seats::tell_again, Seats::tell_again, Seats::hear_only];
                    Program::new(start, &lanes, |seats| seats.settle_between(1, 1))
                })
                .collect(),
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            slow: true,
            ..MODEL
        },
    ]
}

/// Lanes are killed before every one of their steps.
fn dying<W: World>() -> Vec<Model> {
    let visit: Lane<W> = Seats::visit;
    let end: Lane<W> = Seats::settle;
    let of = |start: fn() -> Seats<W>, lanes: &[Lane<W>]| Program::new(start, lanes, end);
    vec![
        Model {
            name: "one of two killed",
            claim: "its permit comes home, and the other gets it",
            programs: vec![of(one_place, &[visit, visit])],
            victims: &[1],
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "one of three killed",
            claim: "whatever it was doing, the others go in: it takes no wake along",
            programs: vec![of(one_place, &[visit, visit, visit])],
            victims: &[1],
            meets: &[Meets::OwnerDeath],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            kernels: OLDER,
            slow: true,
            ..MODEL
        },
        Model {
            name: "the second of three killed",
            claim: "the same of one that waits in line",
            programs: vec![of(one_place, &[visit, visit, visit])],
            victims: &[2],
            meets: &[Meets::OwnerDeath],
            preemptions_full: Some(1),
            full_only: true,
            ..MODEL
        },
        Model {
            name: "killed while one barges",
            claim: "the wake that it owed is not lost on one who did not wait for it",
            programs: vec![of(
                Seats::held_by_lane_2,
                &[visit, Seats::leave_held, Seats::visit_now],
            )],
            victims: &[2],
            kernels: OLDER,
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "one of two permits",
            claim: "the first in line is woken by any holder's death",
            programs: vec![of(two_places, &[visit, visit, visit])],
            victims: &[2],
            meets: &[Meets::OwnerDeath],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            slow: true,
            ..MODEL
        },
        Model {
            name: "teller killed",
            claim: "it has released, and whoever slept is woken; or it has not begun",
            programs: [one_closed, nothing]
                .into_iter()
                .map(|start: fn() -> Seats<W>| {
                    let lanes: [Lane<W>; 3] =
                        [Seats::tell_again, Seats::hear_only, Seats::tell_again];
                    Program::new(start, &lanes, |seats| seats.settle_between(0, 1))
                })
                .collect(),
            victims: &[1],
            meets: &[Meets::PassedOn],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            kernels: OLDER,
            slow: true,
            ..MODEL
        },
        Model {
            name: "giver killed",
            claim: "it has given its permit away, or it comes home",
            programs: vec![Program::new(
                one_place,
                &[Seats::use_up, Seats::visit_now],
                |seats: &Seats<W>| {
                    let home = owner_deaths();
                    seats.settle_between(0, 1);
                    assert!(
                        home == 0 || seats.semaphore().value() == 1,
                        "its holder died, and it did not come home"
                    );
                },
            )],
            victims: &[1],
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "both killed",
            claim: "the judge finds the permit at home, whoever died with it",
            programs: vec![of(one_place, &[visit, visit])],
            victims: &[1, 2],
            preemptions_quick: Some(1),
            kernels: NEWER,
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
    ]
}
