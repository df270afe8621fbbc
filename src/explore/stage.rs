//! What a controlled run consists of: lanes, what they share, and a last look.

use std::ops::Deref;

use super::calls::Judge;
use super::region::Region;
use super::schedule::MAX_LANES;
use crate::shm;

/// A program before it runs. The set-up makes the shared objects and the lanes; it is called in a process of
/// its own.
pub struct Stage {
    pub(super) lanes: Vec<String>,
    /// As many.
    pub(super) codes: Vec<Box<dyn Code>>,
    pub(super) finally: Option<Box<dyn Code>>,
    pub(super) names: Vec<Named>,
    /// Of the calls that the lanes tell of.
    pub(super) judge: Option<Box<dyn Judge>>,
    pub(super) region: Region,
    /// A lane's code can be called once only.
    pub(super) once: bool,
    pub(super) whole_calls: bool,
}

/// A lane's code.
pub(super) trait Code {
    /// Calls it, and keeps it.
    fn again(&self, lane: &Lane);
    /// Calls it for the last time: what it holds it may let go of.
    fn once(self: Box<Self>, lane: &Lane);
}

/// What a lane's code is given: which lane it is.
#[derive(Debug)]
pub struct Lane {
    pub(super) number: usize,
}

impl Lane {
    /// Counted from 0, in the order in which they were added; [`MAX_LANES`] for the last look.
    pub fn number(&self) -> usize {
        self.number
    }
}

/// An object of the program's own, in memory that all lanes share. A copy is the same object.
pub struct Shared<T: 'static> {
    object: &'static T,
}

pub(super) enum Named {
    Object {
        name: String,
        object: Box<dyn shm::Shared>,
    },
    Part(Part),
}

/// A part of what lanes share, and what a trace calls it.
#[derive(Clone, Debug)]
pub struct Part {
    pub(super) name: String,
    pub(super) from: usize,
    pub(super) bytes: usize,
}

impl Part {
    /// All of the bytes of an object: of one that has several words, the others are called by their offset.
    pub fn new<T>(name: &str, object: &T) -> Part {
        Part {
            name: name.to_owned(),
            from: std::ptr::from_ref(object) as usize,
            bytes: size_of::<T>(),
        }
    }

    /// Where in it an address lies.
    pub(super) fn offset(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.from)?;
        (offset < self.bytes).then_some(offset)
    }
}

impl Stage {
    pub(super) fn new(region: Region) -> Stage {
        Stage {
            lanes: Vec::new(),
            codes: Vec::new(),
            finally: None,
            names: Vec::new(),
            judge: None,
            region,
            once: false,
            whole_calls: false,
        }
    }

    /// Adds a lane: a process of one thread, forked from the one that runs the set-up, so that it has whatever the
    /// closure captured. A panic in it fails the run.
    ///
    /// The closure is called in each run, on what it captured. A lane's process may go on from run to run; what it
    /// shares is put back in between, and what is its own (a `static`, a thread-local) is not: a lane that keeps
    /// something there is not the same in the next run.
    ///
    /// # Panics
    /// If there are [`MAX_LANES`] already.
    pub fn lane(&mut self, name: &str, code: impl FnOnce(&Lane) + Clone + 'static) {
        self.add(name, Box::new(Again(code)));
    }

    /// Adds a lane whose closure captures what cannot be cloned. Every run then starts from the set-up, with new
    /// processes, which takes longer.
    ///
    /// # Panics
    /// As [`lane`](Stage::lane).
    pub fn lane_once(&mut self, name: &str, code: impl FnOnce(&Lane) + 'static) {
        self.once = true;
        self.add(name, Box::new(Once(code)));
    }

    fn add(&mut self, name: &str, code: Box<dyn Code>) {
        assert!(
            self.lanes.len() < MAX_LANES,
            "a run has at most {MAX_LANES} lanes"
        );
        self.lanes.push(name.to_owned());
        self.codes.push(code);
    }

    /// What to look at when every lane has ended or was killed: a process of its own, alone. A panic in it
    /// fails the run; so does falling asleep, as there is no one left to wake it.
    pub fn finally(&mut self, code: impl FnOnce(&Lane) + Clone + 'static) {
        self.finally = Some(Box::new(Again(code)));
    }

    /// Puts an object of the program's own where all lanes share it. Its words are those of
    /// [`Os`](crate::sys::Os): each access to one is a step. What else it has (a plain atomic, say) is shared and put
    /// back between runs too, but no step tells of it.
    ///
    /// The trace calls it by its type; [`shared_as`](Stage::shared_as) gives it a name. It is never dropped.
    ///
    /// # Panics
    /// If the objects of a stage take more than a mebibyte.
    pub fn shared<T: Sync + 'static>(&mut self, object: T) -> Shared<T> {
        let name = std::any::type_name::<T>();
        let name = name.split('<').next().unwrap_or(name);
        let name = name.rsplit("::").next().unwrap_or(name).to_owned();
        self.shared_as(&name, object)
    }

    /// As [`shared`](Stage::shared), under a name for the trace.
    ///
    /// # Panics
    /// As [`shared`](Stage::shared).
    pub fn shared_as<T: Sync + 'static>(&mut self, name: &str, object: T) -> Shared<T> {
        let object = self.region.put(object);
        self.names.push(Named::Part(Part::new(name, object)));
        Shared { object }
    }

    /// Takes each call of the library's own objects that lanes make for one step: of values, arrays and queues, and the
    /// taking and giving back of locks. That there is no more to see is what those calls promise, and what the harness
    /// shows of each of them elsewhere; so it is for programs that are made of such calls, of which there would be too
    /// many schedules otherwise. (Not for those that look at a value without its lock.)
    pub fn whole_calls(&mut self) {
        self.whole_calls = true;
    }

    /// What the trace calls parts of the program's own objects, in place of the whole's name and an offset.
    pub fn name_parts(&mut self, parts: impl IntoIterator<Item = Part>) {
        // The first that fits is taken.
        self.names.splice(0..0, parts.into_iter().map(Named::Part));
    }

    /// What the trace calls an object of this library; a lock that it goes with has its name, too.
    pub fn name(&mut self, name: &str, object: &(impl shm::Shared + Clone + 'static)) {
        if let Some(object) = object.lock_beside() {
            let name = name.to_owned();
            self.names.push(Named::Object { name, object });
        }
        self.names.push(Named::Object {
            name: name.to_owned(),
            object: Box::new(object.clone()),
        });
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.object
    }
}

struct Again<F>(F);
struct Once<F>(F);

impl<F: FnOnce(&Lane) + Clone> Code for Again<F> {
    fn again(&self, lane: &Lane) {
        (self.0.clone())(lane);
    }

    fn once(self: Box<Self>, lane: &Lane) {
        (self.0)(lane);
    }
}

impl<F: FnOnce(&Lane)> Code for Once<F> {
    fn again(&self, _: &Lane) {
        unreachable!("a stage with such a lane starts each run anew");
    }

    fn once(self: Box<Self>, lane: &Lane) {
        (self.0)(lane);
    }
}
