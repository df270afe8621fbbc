//! The models of the tasks.

use super::work::Shop;
use crate::explore::loom::Program;
use crate::models::model::{Deadlines, Meets, Model};
use crate::raw::Patience;
use crate::world::World;

type Lane<W> = fn(&Shop<W>);

const MODEL: Model = Model::NEW;

/// Every model, in the world `W`.
pub(super) fn all<W: World>() -> Vec<Model> {
    let mut models = living::<W>();
    models.extend(dying::<W>());
    models
}

/// No one is killed.
fn living<W: World>() -> Vec<Model> {
    let one: Lane<W> = |shop| shop.do_some(1);
    let two: Lane<W> = |shop| shop.do_some(2);
    let process: Lane<W> = |shop| shop.process();
    let join: Lane<W> = |shop| shop.join();
    let end: Lane<W> = |shop| shop.settle(0);
    vec![
        Model {
            name: "joined",
            claim: "who waits for the tasks goes on when all are done, and not before",
            programs: vec![Program::new(Shop::<W>::of::<1>, &[join, one], end)],
            preemptions_quick: Some(2),
            ..MODEL
        },
        Model {
            name: "joined of two",
            claim: "the same with two workers",
            programs: vec![Program::new(Shop::<W>::of::<2>, &[join, one, one], end)],
            preemptions_quick: Some(1),
            ..MODEL
        },
        Model {
            name: "two join",
            claim: "each goes on, whoever is woken",
            programs: vec![Program::new(Shop::<W>::of::<2>, &[join, two, join], end)],
            preemptions_quick: Some(1),
            meets: &[Meets::Sleep],
            ..MODEL
        },
        Model {
            name: "more come",
            claim: "a task that is put while others end is waited for, or came later",
            programs: vec![Program::new(
                Shop::<W>::of::<1>,
                &[|shop| shop.join_first(), two, |shop| shop.put()],
                end,
            )],
            preemptions_quick: Some(1),
            ..MODEL
        },
        Model {
            name: "processed",
            claim: "a task that is done in the ring is done with the store that takes it out",
            programs: vec![
                Program::new(Shop::<W>::of::<1>, &[join, process], end),
                Program::new(Shop::<W>::of::<2>, &[join, process, one], end),
            ],
            preemptions_quick: Some(1),
            meets: &[Meets::Sleep],
            ..MODEL
        },
        Model {
            name: "done by others",
            claim: "a task is done whoever says so, also before anyone has it",
            programs: vec![Program::new(
                Shop::<W>::of::<2>,
                &[
                    join,
                    |shop| {
                        assert_eq!(shop.done(), Ok(()));
                    },
                    |shop| {
                        assert_eq!(shop.done(), Ok(()));
                    },
                ],
                |shop| {
                    assert_eq!(shop.left(), 0);
                },
            )],
            preemptions_quick: Some(1),
            ..MODEL
        },
        Model {
            name: "left behind",
            claim: "what a thread has in hand when it leaves is told, and is no living one's",
            programs: vec![Program::new(
                Shop::<W>::of::<1>,
                &[join, |shop| {
                    assert!(shop.take(Patience::Endless));
                    shop.leave();
                }],
                |shop| shop.settle(1),
            )],
            preemptions_quick: Some(2),
            meets: &[Meets::Sleep],
            ..MODEL
        },
        Model {
            name: "joined soon",
            claim: "who gives up strands no one",
            programs: vec![Program::new(
                Shop::<W>::of::<1>,
                &[join, |shop| shop.join_soon(), one],
                end,
            )],
            deadlines: Deadlines::PassSometimes(2),
            preemptions_quick: Some(1),
            meets: &[Meets::Sleep, Meets::TimeOut],
            ..MODEL
        },
    ]
}

/// Lanes are killed before every one of their steps.
fn dying<W: World>() -> Vec<Model> {
    let do_all: Lane<W> = |shop| shop.do_all();
    let join: Lane<W> = |shop| shop.join();
    let end: Lane<W> = |shop| shop.settle(1);
    vec![
        Model {
            name: "worker killed",
            claim: "its task is in the ring, or in its dead hand, or done; and who waits learns which",
            programs: vec![Program::new(
                Shop::<W>::of::<1>,
                &[join, do_all, do_all],
                end,
            )],
            victims: &[2],
            preemptions_quick: Some(0),
            preemptions_full: Some(1),
            meets: &[Meets::Sleep, Meets::OwnerDeath, Meets::PassedOn],
            ..MODEL
        },
        Model {
            name: "worker killed at its task",
            claim: "who waits learns of it, or that the task is done",
            programs: vec![Program::new(
                Shop::<W>::with_one_in_hand,
                &[join, |shop| shop.do_in_hand()],
                end,
            )],
            victims: &[2],
            preemptions_quick: Some(2),
            meets: &[Meets::Sleep, Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "worker in the ring killed",
            claim: "its task is done, or is there for the next; and there is nothing to wait for",
            programs: vec![Program::new(
                Shop::<W>::closed::<1>,
                &[
                    |shop| {
                        shop.do_until_closed();
                        shop.join();
                    },
                    |shop| shop.process(),
                ],
                |shop| shop.settle(0),
            )],
            victims: &[2],
            preemptions_quick: Some(2),
            meets: &[Meets::Sleep, Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "joiner killed",
            claim: "the next in line is woken in its place",
            programs: vec![Program::new(
                Shop::<W>::of::<1>,
                &[join, join, do_all],
                |shop| shop.settle(0),
            )],
            victims: &[2],
            preemptions_quick: Some(0),
            preemptions_full: Some(1),
            meets: &[Meets::Sleep, Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "worker in the ring killed, and one waits",
            claim: "the same, and who waits is woken by the death or by the next one's work",
            programs: vec![Program::new(
                Shop::<W>::closed::<1>,
                &[join, |shop| shop.process(), |shop| shop.do_until_closed()],
                |shop| shop.settle(0),
            )],
            victims: &[2],
            preemptions_full: Some(1),
            meets: &[Meets::Sleep, Meets::OwnerDeath],
            full_only: true,
            ..MODEL
        },
        Model {
            name: "writer-off killed",
            claim: "what it has not written off is left to the next",
            programs: vec![Program::new(
                Shop::<W>::with_one_left,
                &[
                    |shop| {
                        shop.write_off();
                        shop.join();
                    },
                    |shop| shop.write_off(),
                ],
                |shop| shop.settle(0),
            )],
            victims: &[2],
            preemptions_quick: Some(2),
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
    ]
}
