//! The models of the barrier.

use super::scene::Scene;
use crate::explore::loom::Program;
use crate::models::model::{Deadlines, Meets, Model, NEWER};
use crate::world::World;

/// One party: it passes at once, so three lanes meet the end of a round and the line for the next.
type One<W> = Scene<W, 2>;
type Two<W> = Scene<W, 3>;
type Three<W> = Scene<W, 4>;

const MODEL: Model = Model::NEW;

/// Every model of the barrier, in the world `W`.
pub(super) fn all<W: World>() -> Vec<Model> {
    let mut models = living::<W>();
    models.extend(dying::<W>());
    models
}

fn one<W: World>(lanes: &[fn(&One<W>)], end: fn(&One<W>)) -> Vec<Program> {
    vec![Program::new(One::<W>::new, lanes, end)]
}

fn two<W: World>(lanes: &[fn(&Two<W>)], end: fn(&Two<W>)) -> Vec<Program> {
    vec![Program::new(Two::<W>::new, lanes, end)]
}

fn three<W: World>(lanes: &[fn(&Three<W>)], end: fn(&Three<W>)) -> Vec<Program> {
    vec![Program::new(Three::<W>::new, lanes, end)]
}

/// No one is killed.
fn living<W: World>() -> Vec<Model> {
    vec![
        Model {
            name: "two parties",
            claim: "neither passes before the other has come, and each sees what the other did",
            programs: two::<W>(&[Scene::work_and_meet, Scene::work_and_meet], Scene::settle),
            preemptions_quick: Some(3),
            preemptions_full: Some(5),
            ..MODEL
        },
        Model {
            name: "used twice",
            claim: "who comes again waits until the other has left",
            programs: two::<W>(&[Scene::come_twice, Scene::come_twice], Scene::settle),
            preemptions_quick: Some(1),
            preemptions_full: Some(3),
            ..MODEL
        },
        Model {
            name: "three parties",
            claim: "the last one wakes both sleepers",
            programs: three::<W>(
                &[
                    Scene::work_and_meet,
                    Scene::work_and_meet,
                    Scene::work_and_meet,
                ],
                Scene::settle,
            ),
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "in line",
            claim: "those who come while others leave are let in one by one",
            programs: one::<W>(
                &[
                    Scene::come_until_passed,
                    Scene::come_until_passed,
                    Scene::come_until_passed,
                ],
                Scene::settle,
            ),
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "deadline",
            claim: "who gives up breaks it for the other, or has passed with it",
            programs: two::<W>(&[Scene::come_soon, Scene::come_once], Scene::settle_broken),
            deadlines: Deadlines::PassSometimes(1),
            preemptions_quick: Some(2),
            preemptions_full: Some(4),
            meets: &[Meets::Sleep, Meets::TimeOut],
            ..MODEL
        },
        Model {
            name: "abort",
            claim: "who waits is refused, who has passed has passed",
            programs: two::<W>(
                &[Scene::come_once, Scene::come_once, Scene::abort],
                Scene::settle_broken,
            ),
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "reset",
            claim: "who waits is refused, comes again, and passes",
            programs: two::<W>(
                &[
                    Scene::come_until_passed,
                    Scene::come_until_passed,
                    Scene::reset,
                ],
                Scene::settle_broken,
            ),
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            ..MODEL
        },
        Model {
            name: "action",
            claim: "the last to come acts once, before anyone passes",
            programs: two::<W>(&[Scene::come_acting, Scene::come_acting], Scene::settle),
            preemptions_quick: Some(2),
            preemptions_full: Some(4),
            ..MODEL
        },
        Model {
            name: "failed action",
            claim: "no one passes",
            programs: two::<W>(
                &[Scene::come_failing, Scene::come_failing],
                Scene::settle_broken,
            ),
            preemptions_quick: Some(2),
            preemptions_full: Some(4),
            ..MODEL
        },
    ]
}

/// A lane is killed before every one of its steps. Where the others would rightly wait for one that has not come, an
/// usher aborts.
fn dying<W: World>() -> Vec<Model> {
    vec![
        Model {
            name: "one of two killed",
            claim: "if it had come, the other passes or is refused, without anyone's help",
            programs: two::<W>(
                &[
                    |scene| scene.live_and(Scene::work_and_meet),
                    Scene::work_and_meet,
                    Scene::usher,
                ],
                Scene::settle_broken,
            ),
            victims: &[1],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            kernels: NEWER,
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "killed in its action",
            claim: "who waits for the end of the action is refused",
            programs: two::<W>(
                &[
                    |scene| scene.live_and(Scene::come_acting),
                    Scene::come_acting,
                    Scene::usher,
                ],
                Scene::settle_broken,
            ),
            victims: &[1],
            preemptions_quick: Some(0),
            preemptions_full: Some(2),
            kernels: NEWER,
            meets: &[Meets::OwnerDeath],
            slow: true,
            ..MODEL
        },
        Model {
            name: "killed in line",
            claim: "the other is let in, whether it waited for the dead one to leave or was waited for",
            programs: one::<W>(&[Scene::come_once, Scene::come_twice], Scene::settle_broken),
            victims: &[1],
            preemptions_quick: Some(2),
            preemptions_full: Some(4),
            kernels: NEWER,
            meets: &[Meets::OwnerDeath],
            slow: true,
            ..MODEL
        },
        Model {
            name: "killed in a line of three",
            claim: "the next in line takes its place",
            programs: one::<W>(
                &[Scene::come_once, Scene::come_once, Scene::come_once],
                Scene::settle_broken,
            ),
            victims: &[1],
            full_only: true,
            preemptions_full: Some(1),
            kernels: NEWER,
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
        Model {
            name: "killed while aborting",
            claim: "all are refused, or none",
            programs: two::<W>(
                &[Scene::abort, Scene::come_once, Scene::come_once],
                Scene::settle_broken,
            ),
            victims: &[1],
            preemptions_quick: Some(1),
            preemptions_full: Some(2),
            meets: &[Meets::OwnerDeath],
            ..MODEL
        },
    ]
}
