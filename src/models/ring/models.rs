//! The models of the ring.

use super::traffic::{Road, soon};
use crate::explore::loom::{Kernel, Program};
use crate::models::model::{Deadlines, Meets, Model};
use crate::raw::Patience;
use crate::raw::ring::{GetRefused, PutRefused};
use crate::world::World;

type Lane<W> = fn(&Road<W>);

const MODEL: Model = Model::NEW;
/// Those that pass a wake on for a word of 0 only: what holds there holds on newer ones.
const OLDER: &[Kernel] = &[Kernel::Linux5_5];

/// Every model, in the world `W`.
pub(super) fn all<W: World>() -> Vec<Model> {
    let mut models = living::<W>();
    models.extend(dying::<W>());
    models
}

/// No one is killed.
fn living<W: World>() -> Vec<Model> {
    let one: Lane<W> = |road| road.put(11);
    let other: Lane<W> = |road| road.put(21);
    let two: Lane<W> = |road| [11, 12].into_iter().for_each(|value| road.put(value));
    let get: Lane<W> = |road| road.get();
    let get_two: Lane<W> = |road| (0..2).for_each(|_| road.get());
    let get_all: Lane<W> = |road| road.get_all();
    let close: Lane<W> = |road| road.close();
    let end: Lane<W> = |road| road.settle(0);
    let tight = Road::<W>::used::<2, 1>; // room for one record
    let odd = Road::<W>::used::<3, 1>; // the next one wraps
    let wide = Road::<W>::used::<5, 1>;
    let whole = Road::<W>::in_one_piece::<5, 1>; // the next payload begins the region anew
    vec![
        Model {
            name: "one putter, one getter",
            claim: "two records through a ring of one, whole and in order",
            programs: vec![Program::new(tight, &[two, get_two], end)],
            preemptions_quick: Some(2),
            slow: true,
            ..MODEL
        },
        Model {
            name: "at the wrap",
            claim: "the same where a record lies in two pieces, and where positions begin anew",
            programs: vec![
                Program::new(odd, &[two, get_two], end),
                Program::new(Road::<W>::used::<3, 2>, &[two, get_two], end),
            ],
            preemptions_quick: Some(1),
            ..MODEL
        },
        Model {
            name: "two putters, one getter",
            claim: "each record once, whoever waits for room",
            programs: vec![
                Program::new(tight, &[one, other, get_two], end),
                Program::new(wide, &[one, other, get_two], end),
            ],
            preemptions_quick: Some(1),
            ..MODEL
        },
        Model {
            name: "one putter, two getters",
            claim: "each record to one of them, and no one sleeps on",
            programs: vec![
                Program::new(tight, &[get, get, two], end),
                Program::new(wide, &[get, get, two], end),
            ],
            preemptions_quick: Some(1),
            ..MODEL
        },
        Model {
            name: "put, get, close",
            claim: "what is acknowledged is got, and then everyone is told of the end",
            programs: vec![
                Program::new(
                    tight,
                    &[
                        |road| {
                            road.put_or_closed(11);
                        },
                        get_all,
                        close,
                    ],
                    end,
                ),
                Program::new(
                    Road::<W>::holding::<2, 1>,
                    &[
                        |road| {
                            road.put_or_closed(11);
                        },
                        close,
                    ],
                    end,
                ),
            ],
            preemptions_quick: Some(1),
            ..MODEL
        },
        Model {
            name: "deadlines",
            claim: "who gives up has put nothing, got nothing, and strands no one",
            programs: vec![
                Program::new(
                    tight,
                    &[one, |road| {
                        let outcome = road.try_get(soon());
                        assert!(matches!(outcome, Ok(()) | Err(GetRefused::TimedOut)));
                        if outcome.is_err() {
                            road.get();
                        }
                    }],
                    end,
                ),
                Program::new(
                    Road::<W>::holding::<2, 1>,
                    &[get, |road| {
                        let outcome = road.try_put(11, soon());
                        assert!(matches!(outcome, Ok(()) | Err(PutRefused::TimedOut)));
                        if outcome.is_err() {
                            road.put(12);
                        }
                    }],
                    end,
                ),
                Program::new(
                    wide,
                    &[
                        one,
                        |road| {
                            let outcome = road.try_get(soon());
                            let left = 2 - usize::from(outcome.is_ok());
                            (0..left).for_each(|_| road.get());
                        },
                        other,
                    ],
                    end,
                ),
            ],
            deadlines: Deadlines::PassSometimes(2),
            meets: &[Meets::Sleep, Meets::TimeOut],
            ..MODEL
        },
        Model {
            name: "no waiting",
            claim: "one who would not wait is refused for a reason, or served",
            programs: vec![
                Program::new(
                    tight,
                    &[
                        two,
                        |road| {
                            let outcome = road.try_put(21, Patience::None);
                            assert!(matches!(outcome, Ok(()) | Err(PutRefused::Full)));
                        },
                        get_two,
                    ],
                    |road| road.settle(0),
                ),
                Program::new(
                    tight,
                    &[one, |road| {
                        let outcome = road.try_get(Patience::None);
                        assert!(matches!(outcome, Ok(()) | Err(GetRefused::Empty)));
                        if outcome.is_err() {
                            road.get();
                        }
                    }],
                    end,
                ),
            ],
            preemptions_quick: Some(1),
            meets: &[Meets::Sleep],
            ..MODEL
        },
        Model {
            name: "counting",
            claim: "the count of records is one that there was",
            programs: vec![Program::new(
                tight,
                &[
                    |road| {
                        road.put(11);
                        road.get();
                        road.put(12);
                    },
                    |road| assert!(road.ring().len() <= 1, "room for one, and more counted"),
                ],
                end,
            )],
            meets: &[],
            ..MODEL
        },
        Model {
            name: "claimed",
            claim: "a record is worked on by one, and taken once",
            programs: vec![
                Program::new(Road::<W>::holding::<4, 2>, &[|road| road.work(), get], end),
                Program::new(Road::<W>::holding::<4, 2>, &[|road| road.look(), get], end),
                Program::new(tight, &[|road| road.work(), one], end),
            ],
            meets: &[Meets::Sleep],
            ..MODEL
        },
        Model {
            name: "in one piece",
            claim: "payloads that do not wrap are whole, in order, and written and read in their place",
            programs: vec![
                Program::new(whole, &[two, get_two], end),
                Program::new(
                    whole,
                    &[
                        |road| [11, 12].into_iter().for_each(|value| road.write(value)),
                        |road| (0..2).for_each(|_| road.read()),
                    ],
                    end,
                ),
                Program::new(
                    whole,
                    &[|road| road.forgo(), |road| road.write(21), get],
                    end,
                ),
            ],
            preemptions_quick: Some(1),
            meets: &[Meets::Sleep],
            ..MODEL
        },
    ]
}

/// Lanes are killed before every one of their steps.
fn dying<W: World>() -> Vec<Model> {
    let one: Lane<W> = |road| road.put(11);
    let other: Lane<W> = |road| road.put(21);
    let get: Lane<W> = |road| road.get();
    let get_two: Lane<W> = |road| (0..2).for_each(|_| road.get());
    let get_all: Lane<W> = |road| road.get_all();
    let close: Lane<W> = |road| road.close();
    let put_or_closed: Lane<W> = |road| {
        road.put_or_closed(11);
    };
    let kept: Lane<W> = |road| road.settle(0);
    let one_lost: Lane<W> = |road| road.settle(1);
    let tight = Road::<W>::used::<2, 1>;
    let full = Road::<W>::holding::<2, 1>;
    vec![
        Model {
            name: "putter killed",
            claim: "its record is there whole or not at all, and who waits for one is woken",
            programs: vec![Program::new(
                Road::<W>::used::<5, 1>,
                &[one, other, get],
                kept,
            )],
            victims: &[1],
            preemptions_quick: Some(1),
            meets: &[Meets::Sleep, Meets::OwnerDeath, Meets::PassedOn],
            ..MODEL
        },
        Model {
            name: "getter killed",
            claim: "it takes one record along at most, and no one's wake",
            programs: vec![Program::new(
                tight,
                &[get, get, |road| {
                    road.put(11);
                    road.put(12);
                }],
                one_lost,
            )],
            victims: &[1],
            preemptions_quick: Some(0),
            meets: &[Meets::Sleep, Meets::OwnerDeath, Meets::PassedOn],
            preemptions_full: Some(1),
            ..MODEL
        },
        Model {
            name: "room-maker killed",
            claim: "who waits for room gets it from the dead, or from the next",
            programs: vec![Program::new(full, &[one, get, get], one_lost)],
            victims: &[2],
            preemptions_quick: Some(0),
            meets: &[Meets::Sleep, Meets::OwnerDeath, Meets::PassedOn],
            preemptions_full: Some(1),
            ..MODEL
        },
        Model {
            name: "room-maker with a full list killed",
            claim: "the same of one whose list has no room for the gate: at work on a record, it holds two locks",
            programs: vec![Program::new(
                full,
                &[one, |road| road.work(), get],
                one_lost,
            )],
            victims: &[2],
            room: 2,
            preemptions_quick: Some(0),
            meets: &[Meets::Sleep, Meets::OwnerDeath, Meets::PassedOn],
            preemptions_full: Some(1),
            ..MODEL
        },
        Model {
            name: "waiting putter killed",
            claim: "its place in the line passes on",
            programs: vec![Program::new(full, &[one, other, get_two], kept)],
            victims: &[1],
            preemptions_quick: Some(0),
            meets: &[Meets::Sleep, Meets::OwnerDeath],
            preemptions_full: Some(1),
            ..MODEL
        },
        Model {
            name: "closer killed",
            claim: "the ring is open, or closed for who waits for records",
            programs: vec![Program::new(tight, &[get_all, close, close], kept)],
            victims: &[2],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            kernels: OLDER,
            meets: &[Meets::Sleep, Meets::OwnerDeath, Meets::PassedOn],
            slow: true,
            ..MODEL
        },
        Model {
            name: "closer of a full ring killed",
            claim: "the ring is open, or closed for who waits for room, or is about to",
            programs: vec![Program::new(full, &[put_or_closed, close, close], kept)],
            victims: &[2],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            kernels: OLDER,
            meets: &[Meets::Sleep, Meets::OwnerDeath, Meets::PassedOn],
            slow: true,
            ..MODEL
        },
        Model {
            name: "worker killed",
            claim: "what it worked on is there for the next, or was taken",
            programs: vec![
                Program::new(
                    Road::<W>::holding::<4, 2>,
                    &[|road| road.work(), get],
                    one_lost,
                ),
                Program::new(tight, &[|road| road.work(), one], one_lost),
            ],
            victims: &[1],
            meets: &[Meets::Sleep, Meets::OwnerDeath],
            preemptions_quick: Some(1),
            ..MODEL
        },
        Model {
            name: "killed in its place",
            claim: "what was half written never was, and what was read is there for the next, or was taken",
            programs: vec![
                Program::new(
                    Road::<W>::in_one_piece::<8, 2>,
                    &[|road| road.write(11), |road| road.write(21)],
                    kept,
                ),
                Program::new(
                    || {
                        let road = Road::<W>::in_one_piece::<8, 2>();
                        [91, 92].into_iter().for_each(|value| road.put(value));
                        road
                    },
                    &[|road: &Road<W>| road.read(), get],
                    one_lost,
                ),
            ],
            victims: &[1],
            meets: &[Meets::Sleep, Meets::OwnerDeath],
            preemptions_quick: Some(1),
            ..MODEL
        },
    ]
}
