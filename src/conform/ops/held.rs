//! What a thread holds: the guards of the library, which belong to it and cannot be sent.
//!
//! Python's `acquire()` and `release()` are two calls, of which each thread may make either; here a guard is kept
//! between them.

use std::any::Any;
use std::cell::RefCell;

thread_local! {
    static HELD: RefCell<Vec<(usize, Box<dyn Any>)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a guard of the lock that lies at an address.
pub fn keep(lock: usize, guard: impl Any) {
    HELD.with_borrow_mut(|held| held.push((lock, Box::new(guard))));
}

/// The guard of the lock that was kept last.
pub fn take(lock: usize) -> Option<Box<dyn Any>> {
    HELD.with_borrow_mut(|held| {
        let at = held.iter().rposition(|(of, _)| *of == lock)?;
        Some(held.remove(at).1)
    })
}

/// Takes out the guard of this type that was kept last.
pub fn take_as<G: Any>(lock: usize) -> Option<G> {
    HELD.with_borrow_mut(|held| {
        let is_it = |(of, guard): &(usize, Box<dyn Any>)| *of == lock && guard.is::<G>();
        let at = held.iter().rposition(is_it)?;
        let guard = held.remove(at).1.downcast();
        guard.ok().map(|guard| *guard)
    })
}

/// How many guards of the lock this thread has.
pub fn count(lock: usize) -> usize {
    HELD.with_borrow(|held| held.iter().filter(|(of, _)| *of == lock).count())
}

/// In a forked child: its copies of its parent's guards hold nothing.
pub fn forget() {
    let copies = HELD.take();
    drop(copies);
}
