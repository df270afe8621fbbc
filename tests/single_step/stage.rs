//! What a case is made of: objects, one victim, and those who live on.
//!
//! Everything is a closure over shared objects that were made by the set-up: the processes are direct forks of the
//! one that ran it.

use forkproof::shm::Shared;
use forkproof::{Array, Lock};

use crate::tracee::mark;

/// How a victim came to its end.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Its operation had returned: what it says is acknowledged.
    pub returned: bool,
}

/// A process's code.
pub type Code = Box<dyn FnOnce()>;

/// Code that is told of the victim's end.
pub type Epilogue = Box<dyn FnOnce(End)>;

/// Who takes part, in the order in which they find their places.
pub enum Role {
    /// Falls asleep in its code.
    Asleep(Code),
    /// Goes on to a mark, and from there when the victim sleeps, or is dead.
    Poised(Code),
    /// Goes round and round.
    Awake(Code),
    /// Goes on to a mark, and is killed there when all others are in their places.
    Dead(Code),
    /// Goes on to a mark: what follows, up to the next, is the operation.
    Victim(Code),
}

/// Filled in by a case's set-up. Whoever is named first is first in its place.
pub struct Stage {
    pub(crate) objects: Vec<Box<dyn Shared>>,
    pub(crate) cast: Vec<(&'static str, Role)>,
    pub(crate) survivors: Vec<(&'static str, Epilogue)>,
    pub(crate) judge: Epilogue,
    pub(crate) bell: Bell,
}

/// Tells those who are awake when to stop.
#[derive(Clone)]
pub struct Bell {
    numbers: Array<u32>,
    lock: Lock,
}

// The bell's two numbers.
const ROUNDS: usize = 0;
const RUNG: usize = 1;

impl Bell {
    /// # Errors
    /// No memory.
    pub fn new() -> std::io::Result<Bell> {
        Ok(Bell {
            numbers: Array::new(2)?,
            lock: Lock::new()?,
        })
    }

    pub fn reset(&self) {
        self.set(ROUNDS, 0);
        self.set(RUNG, 0);
    }

    pub fn ring(&self) {
        self.set(RUNG, 1);
    }

    /// What a thread has to do once, when it takes its first lock.
    fn pass_by(&self) {
        drop(self.lock.lock().expect("a lock that none dies with"));
    }

    /// Until one who is awake has gone round once.
    pub fn await_a_round(&self) {
        while self.get(ROUNDS) == 0 {
            std::thread::yield_now();
        }
    }

    fn get(&self, index: usize) -> u32 {
        self.numbers
            .get_unlocked(index)
            .expect("a bell has two numbers")
    }

    fn set(&self, index: usize, value: u32) {
        let told = self.numbers.set_unlocked(index, value);
        told.expect("a bell has two numbers");
    }
}

impl Stage {
    pub fn new(bell: Bell) -> Stage {
        bell.reset();
        Stage {
            objects: Vec::new(),
            cast: Vec::new(),
            survivors: Vec::new(),
            judge: Box::new(|_| ()),
            bell,
        }
    }

    /// Its memory is part of what survives.
    pub fn watch(&mut self, object: &(impl Shared + Clone + 'static)) {
        self.objects.push(Box::new(object.clone()));
    }

    /// Who falls asleep in its code, and comes to its end when the victim has, or when it is woken.
    pub fn asleep(&mut self, name: &'static str, code: impl FnOnce() + 'static) {
        self.cast.push((name, Role::Asleep(Box::new(code))));
    }

    /// Who prepares, and acts when the victim sleeps, or when it is dead.
    pub fn poised<T: 'static>(
        &mut self,
        name: &'static str,
        prepare: impl FnOnce() -> T + 'static,
        act: impl FnOnce(T) + 'static,
    ) {
        let code = Box::new(move || {
            let prepared = prepare();
            mark();
            act(prepared);
        });
        self.cast.push((name, Role::Poised(code)));
    }

    /// Who goes round and round beside the victim, and once more when it is dead.
    pub fn awake(&mut self, name: &'static str, mut round: impl FnMut() + 'static) {
        let bell = self.bell.clone();
        let code = Box::new(move || {
            let mut is_last = false;
            while !is_last {
                is_last = bell.get(RUNG) == 1;
                round();
                bell.set(ROUNDS, 1);
            }
        });
        self.cast.push((name, Role::Awake(code)));
    }

    /// Who is killed at the end of its code, before the victim begins.
    pub fn dead<T>(&mut self, name: &'static str, code: impl FnOnce() -> T + 'static) {
        let code = Box::new(move || {
            let _kept = code();
            mark();
        });
        self.cast.push((name, Role::Dead(code)));
    }

    /// Who prepares, and is then killed: at each instruction of its operation, in one run after the other.
    pub fn victim<T: 'static, R>(
        &mut self,
        prepare: impl FnOnce() -> T + 'static,
        operation: impl FnOnce(T) -> R + 'static,
    ) {
        let bell = self.bell.clone();
        self.newcomer(
            move || {
                bell.pass_by();
                prepare()
            },
            operation,
        );
    }

    /// The same, but for that it has never held a lock before.
    pub fn newcomer<T: 'static, R>(
        &mut self,
        prepare: impl FnOnce() -> T + 'static,
        operation: impl FnOnce(T) -> R + 'static,
    ) {
        let code = Box::new(move || {
            let prepared = prepare();
            #[cfg(feature = "harness")]
            crate::steps::report();
            mark();
            let outcome = operation(prepared);
            mark();
            std::mem::forget(outcome);
        });
        self.cast.push(("the victim", Role::Victim(code)));
    }

    /// Who comes when the victim is dead, and must come to its end.
    pub fn survivor(&mut self, name: &'static str, code: impl FnOnce(End) + 'static) {
        self.survivors.push((name, Box::new(code)));
    }

    /// What must hold when all others have come to their ends. Must not wait for anyone.
    pub fn judge(&mut self, judge: impl FnOnce(End) + 'static) {
        self.judge = Box::new(judge);
    }
}

/// An object for processes that end by being killed, or without a farewell: their guards may last for ever.
pub fn forever<T: Clone>(object: &T) -> &'static T {
    Box::leak(Box::new(object.clone()))
}
