//! What a controlled run consists of: lanes, and a last look.

use crate::shm::Shared;

use super::schedule::MAX_LANES;

/// A run before it starts. The set-up makes the shared objects and the lanes; it is called in a process of
/// its own, once for each run.
#[derive(Default)]
pub struct Stage {
    pub(super) lanes: Vec<(String, Code)>,
    pub(super) finally: Option<Code>,
    pub(super) names: Vec<Named>,
}

pub(super) type Code = Box<dyn FnOnce()>;

pub(super) struct Named {
    pub name: String,
    pub object: Box<dyn Shared>,
}

impl Stage {
    /// Adds a lane: a process of one thread, forked from the one that runs the set-up, so that it has
    /// whatever the closure captured. A panic in it fails the run.
    ///
    /// # Panics
    /// If there are [`MAX_LANES`] already.
    pub fn lane(&mut self, name: &str, code: impl FnOnce() + 'static) {
        assert!(
            self.lanes.len() < MAX_LANES,
            "a run has at most {MAX_LANES} lanes"
        );
        self.lanes.push((name.to_owned(), Box::new(code)));
    }

    /// What to look at when every lane has ended or was killed: a process of its own, alone. A panic in it
    /// fails the run; so does falling asleep, as there is no one left to wake it.
    pub fn finally(&mut self, code: impl FnOnce() + 'static) {
        self.finally = Some(Box::new(code));
    }

    /// What the trace calls an object.
    pub fn name(&mut self, name: &str, object: &(impl Shared + Clone + 'static)) {
        self.names.push(Named {
            name: name.to_owned(),
            object: Box::new(object.clone()),
        });
    }
}
