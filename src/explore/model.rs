//! One program, written against [`World`], in every world: in real processes under the controller, with real kills,
//! and in loom's model of memory, with weak orders. One call runs both.
//!
//! ```
//! use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
//! use forkproof::explore::{Model, Part};
//! use forkproof::world::{Word, World};
//!
//! const FREE: u32 = 0;
//! const LOCKED: u32 = 1;
//! const CONTENDED: u32 = 2; // locked, others asleep
//!
//! /// A lock of one's own, and what it guards.
//! struct Guarded<W: World> {
//!     lock: W::Word,
//!     visits: W::Word,
//! }
//!
//! fn visit<W: World>(shared: &Guarded<W>) {
//!     // Acquire: pairs with the Release below.
//!     if shared.lock.compare_exchange(FREE, LOCKED, Acquire, Relaxed).is_err() {
//!         while shared.lock.swap(CONTENDED, Acquire) != FREE {
//!             W::wait(&shared.lock, CONTENDED, None);
//!         }
//!     }
//!     shared.visits.store(shared.visits.load(Relaxed) + 1, Relaxed);
//!     // Release: pairs with the Acquires above.
//!     if shared.lock.swap(FREE, Release) == CONTENDED {
//!         W::wake(&shared.lock, 1);
//!     }
//! }
//!
//! struct Visits;
//!
//! impl Model for Visits {
//!     type Shared<W: World> = Guarded<W>;
//!
//!     fn set_up<W: World>() -> Guarded<W> {
//!         Guarded { lock: W::Word::new(FREE), visits: W::Word::new(0) }
//!     }
//!
//!     fn lanes<W: World>() -> Vec<(&'static str, fn(&Guarded<W>))> {
//!         vec![("one", visit::<W>), ("other", visit::<W>)]
//!     }
//!
//!     fn finally<W: World>(shared: &Guarded<W>) {
//!         assert_eq!(shared.visits.load(Relaxed), 2, "a visit was lost");
//!     }
//!
//!     fn parts<W: World>(shared: &Guarded<W>) -> Vec<Part> {
//!         vec![Part::new("lock", &shared.lock), Part::new("visits", &shared.visits)]
//!     }
//! }
//!
//! forkproof::explore::exhaustive().early_returns(1).model::<Visits>();
//! ```
//!
//! # What a lane may use
//! - Words ([`World::Word`], [`World::Wide`]), [`World::wait`] and its kin, [`World::fence`]: each access is a step.
//! - Loops that wait by reading again: see [`World`], "Spinning".
//! - Its id, [`World::me`], and [`Node`](crate::world::Node)s that outlive their owner: see [`crate::world`], "Robust
//!   ownership". Under `kills`, a lock that has no such node stays locked when its owner dies, and that is reported.
//! - Data that a lock guards lies in words, too: read and written Relaxed, as the lock's orders are to put it in order.
//!   So a lock that does not is found by loom.
//!
//! # What each world sees
//! The controller: sequential consistency, real processes, real SIGKILLs, rounds of kills. Loom: every order that the
//! memory model allows, and deaths as the kernel's rule has them. A failure in either fails the call, and says which.
//! How an exploration is told to loom is in [`LoomReport`]'s file; its report says what was left out.

use std::fmt;

use serde::Serialize;

use super::apart::ExploreError;
use super::exploration::Exploration;
use super::report::Report;
use super::stage::{Part, Stage};
use super::translation::{self, LoomReport};
use crate::sys::Os;
use crate::world::World;

/// A program of a few lanes, for every [`World`]. See the [module's head](self) for an example.
pub trait Model: 'static {
    /// What the lanes share. It lies in memory that processes share, so it is all in one piece: words, and arrays and
    /// structs of them; no `Box`, `Vec`, `String` or `Arc` (the call does not compile if it has anything to drop).
    type Shared<W: World>: Sync + 'static;

    /// Makes it, before the lanes begin.
    fn set_up<W: World>() -> Self::Shared<W>;

    /// The lanes: a name for the timeline, and what each does. A panic fails the model.
    #[expect(clippy::type_complexity, reason = "a name and a function")]
    fn lanes<W: World>() -> Vec<(&'static str, fn(&Self::Shared<W>))>;

    /// A last look, when every lane has ended or was killed. A panic fails the model, and so does falling asleep.
    fn finally<W: World>(_shared: &Self::Shared<W>) {}

    /// What the timeline calls the words.
    fn parts<W: World>(_shared: &Self::Shared<W>) -> Vec<Part> {
        Vec::new()
    }
}

/// What both worlds made of a model.
#[derive(Clone, Debug, Serialize)]
pub struct ModelReport {
    /// Real processes, in chosen orders.
    pub controller: Report,
    /// `None`: not searched, as `FORKPROOF_REPLAY` asks for one schedule of the controller's.
    pub loom: Option<LoomReport>,
}

impl ModelReport {
    /// An execution fails in one of the worlds; or nothing was seen, which is no pass.
    pub fn fails(&self) -> bool {
        self.controller.fails() || self.loom.as_ref().is_some_and(LoomReport::fails)
    }
}

impl fmt::Display for ModelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "controller: {}", self.controller)?;
        match &self.loom {
            Some(loom) => write!(f, "\nloom: {loom}"),
            None => Ok(()),
        }
    }
}

impl Exploration {
    /// Explores a model in both worlds.
    ///
    /// # Panics
    /// If a schedule fails, or an execution of loom's: with the lanes' timeline, and the setting or the string that
    /// leads to it. If no lane makes a step. If there was no run ([`ExploreError`]).
    #[track_caller]
    pub fn model<M: Model>(self) {
        match self.check_model::<M>() {
            Ok(report) if report.fails() => panic!("{report}"),
            Ok(_) => {}
            Err(error) => panic!("nothing was explored: {error}"),
        }
    }

    /// Explores a model in both worlds, and tells what came of it.
    ///
    /// # Errors
    /// [`ExploreError`]: there was no run under the controller.
    ///
    /// # Panics
    /// If the model has no lanes.
    pub fn check_model<M: Model>(self) -> Result<ModelReport, ExploreError> {
        let controller = self.check_model_in_processes::<M>()?;
        let loom = (!controller.is_replay()).then(|| self.check_model_in_loom::<M>());
        Ok(ModelReport { controller, loom })
    }

    /// Explores a model under the controller alone.
    ///
    /// # Errors
    /// [`ExploreError`]: there was no run.
    pub fn check_model_in_processes<M: Model>(self) -> Result<Report, ExploreError> {
        const {
            assert!(
                !std::mem::needs_drop::<M::Shared<Os>>(),
                "what the lanes of a model share lies in one piece, in memory that processes share: it holds no Box, Vec, \
                 String or Arc, whose contents would be each process's own"
            )
        };
        self.check_under::<M, _>(on_stage::<M>)
    }

    /// Explores a model in loom alone.
    ///
    /// # Panics
    /// If the model has no lanes.
    pub fn check_model_in_loom<M: Model>(self) -> LoomReport {
        translation::search::<M>(&self.search())
    }
}

fn on_stage<M: Model>(stage: &mut Stage, (): ()) {
    let shared = stage.shared(M::set_up::<Os>());
    stage.name_parts(M::parts::<Os>(&shared));
    let lanes = M::lanes::<Os>();
    assert!(!lanes.is_empty(), "a model has lanes: this one has none");
    for (name, code) in lanes {
        stage.lane(name, move |_| code(&shared));
    }
    stage.finally(move |_| M::finally::<Os>(&shared));
}
