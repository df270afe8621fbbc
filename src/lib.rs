//! Sharing data between processes, in the vocabulary of Python's `multiprocessing`, and the harness that proves
//! it.
//!
//! ```
//! use forkproof::{Process, Value};
//!
//! fn deposit(balance: Value<i64>, amount: i64) -> forkproof::Result<()> {
//!     balance.update(|balance| *balance += amount)?;
//!     Ok(())
//! }
//!
//! fn main() -> forkproof::Result<()> {
//!     let balance = Value::new(200)?;
//!     let child = Process::new(deposit, (balance.clone(), 100));
//!     child.start()?;
//!     assert_eq!(child.join()?, 0);
//!     assert_eq!(balance.get()?, 300);
//!     Ok(())
//! }
//! ```
//!
//! # The tour, in reading order
//! 1. [`world`]: the seam. An algorithm runs in a *world*: words, a sleep that compares first, a wake, and the
//!    kernel's robust list. The same source runs over the kernel and over loom's model of memory.
//! 2. [`raw`]: the algorithms, generic over the world. [`raw::mutex`] is the heart of all: a lock that outlives
//!    its owner. [`raw::roster`]: places that come back when their taker dies, of which the semaphore's permits and
//!    the seats of the condition variable and the barrier are made. [`raw::ring`]: the queue, of which one store
//!    commits each put and each get.
//! 3. [`sys`]: the kernel and nothing else. [`sys::Os`] is the real world; [`sys::step`] reports each access to
//!    shared memory; [`sys::robust`] is how the kernel learns what a dead thread held; [`sys::zygote`] makes
//!    children safely beside threads.
//! 4. [`shm`]: what may live in shared memory, and where; [`shm::passage`] is how a shared object travels inside
//!    an ordinary serde value.
//! 5. [`sync`], [`data`], [`process`]: what users see. [`Lock`], [`RLock`], [`Semaphore`], [`BoundedSemaphore`],
//!    [`Condition`], [`Event`], [`Barrier`]; [`Value`], [`Array`], [`Queue`], [`JoinableQueue`], [`SimpleQueue`], [`ByteQueue`],
//!    [`Pipe`], [`wait`](wait()), [`SharedMemory`], [`ShareableList`]; [`Process`], [`Pool`].
//! 6. [`net`]: messages to other computers, between those who have the same key; [`manager`]: objects in a server
//!    process, and proxies of them.
//!
//! and, with the feature `harness` (on by default):
//!
//! 7. [`check`]: the judge. Pure; imports nothing of what it judges.
//! 8. [`explore`]: the controller. [`explore::search`] says which schedules to run; its engine runs real processes one
//!    step at a time, kills included; and the world inside loom.
//! 9. [`models`]: the models of the algorithms, and these broken on purpose, which the models must catch.
//! 10. [`zoo`]: known bugs, each beside its correct twin, and who catches it in how many runs.
//! 11. [`tutorial`]: the examples, as a user would write them.
//! 12. [`verify`]: the table.
//! 13. [`recorded`]: histories from files, judged.
//! 14. [`conform`]: cases of `multiprocessing`, run against the library, and where it answers otherwise.
//!
//! # One algorithm, three ways to check it
//! | way | sees | does not see |
//! |---|---|---|
//! | loom ([`explore::loom`]) | every interleaving that memory orderings allow; a death at every step | the real kernel; more than a few lanes |
//! | the controller ([`explore::exhaustive`]) | the shipped types, in real processes: every schedule of a small program; a SIGKILL at every step | orderings: it is sequentially consistent; the kernel's own queue of sleepers |
//! | full speed (proptest) | real concurrency; a SIGKILL at any instruction | what did not happen to happen |
//!
//! # Where this departs from the usual
//! - **A lane under control sleeps on the turn**, not in the futex: so which sleeper a wake takes is a choice, and thousands
//!   of schedules run in a second. What a death does to memory is the kernel's own doing; whom it wakes follows from its
//!   rule, and each time the words are compared with that rule. That real futexes do as the rule says is shown at full
//!   speed, and instruction by instruction (`tests/single_step`).
//! - **A lane goes on from run to run**: each step tells what it is about to overwrite, and that is put back. Where
//!   something changes that no step tells of (an object is made, a file sent), every run starts from the set-up instead.
//! - **Deaths inside loom**: a modelled thread can die before any of its steps, and the model then does what the
//!   kernel does. So a kill is tried in every interleaving and under weak memory, too.
//! - **A guard works on a private copy**, written back when it is dropped. All accesses to shared memory are then
//!   atomic pieces of at most 8 bytes, which makes the unlocked forms sound, makes each piece a step, and leaves a
//!   value of up to 8 bytes whole whoever is killed.
//! - **No one sleeps holding a lock that others need to look around**: who waits for room in a queue, for something
//!   to get, or for a permit, stands first in a *line*, a robust lock of its own, and the short lock of the object is
//!   free. So a `try_` form never waits for a sleeper, and answers truthfully.
//! - **A permit is a place, and so is the seat of a waiter**: one word in shared memory with its taker's id, so a death
//!   gives it back by the kernel's own hand, and wakes one who sleeps on it. Counts that a death would have to be
//!   subtracted from do not exist.
//! - **A pipe is a pair of sockets**, not a ring: a packet is whole whoever is killed, and it is the kernel that tells
//!   the end when the last process that has the other end is gone, in the same poll as for any other file; a count
//!   of those who have not let go tells a death from a close. A ring's sleepers would need a word that dies with a
//!   *process*, and the robust list knows threads.
//! - **Descriptors stand on a shelf**: shared objects inside a queue's item need their memory's descriptors, which
//!   no ring can hold. They wait in a socket that all holders of the queue have, under the stamp of the record, and a
//!   getter looks at them before it commits and takes them off after; so they outlive their putter.
//! - **A pool's worker says what it takes before it takes it**, in a word of shared memory, inside the queue's
//!   [`process`](Queue::process); and the tasks are numbered in the order of the queue. So a worker's death costs the
//!   task that it had taken, and who asks can tell exactly which that is. The pool has no thread: what a parent must do
//!   happens inside its calls.
//! - **A manager's server never waits for a client**: a call that has to wait is parked, and a long reply is pulled by
//!   who reads it, piece by piece. Its core knows neither processes nor sockets; requests reach it through two queues
//!   of this library's for each local thread, or from afar.
//! - **A proxy on a journey is an open file**: the kernel counts who still may come to have it, whoever is killed.
//! - **Memory gets its name when it is ready**, in one step, so that nobody finds half of it.
//! - **The broken variants are worlds, not locks**: most bugs are put beneath the unchanged algorithm (a wake
//!   that is lost, an ordering that is relaxed, an announcement that does not arrive), so the models run on the
//!   source that ships.
//! - **The tutorials run under the library's own name** (`extern crate self as forkproof`), so that their text can
//!   be copied.
//!
//! # What is deliberately absent
//! Threads of the library's own; names in any file system, but those that are asked for ([`SharedMemory`], a socket's
//! path); polling (the runner of cases alone looks at `/proc` while a process falls asleep); a lock that
//! stays locked when its owner dies; pointers in shared memory; encryption of what a network carries; support for
//! anything but 64-bit little-endian Linux.

// The tutorials say `use forkproof::..`, as a program outside of this crate does.
#[cfg(feature = "harness")]
extern crate self as forkproof;

#[cfg(feature = "harness")]
pub mod check;
#[cfg(feature = "harness")]
pub mod conform;
pub mod data;
mod error;
#[cfg(feature = "harness")]
pub mod explore;
pub mod manager;
#[cfg(feature = "harness")]
pub mod models;
pub mod net;
pub mod process;
pub mod raw;
#[cfg(feature = "harness")]
pub mod recorded;
pub mod shm;
pub mod sync;
pub mod sys;
#[cfg(feature = "harness")]
pub mod tutorial;
#[cfg(feature = "harness")]
pub mod verify;
pub mod world;
#[cfg(feature = "harness")]
pub mod zoo;

/// For structs of one's own in shared memory: see [`Plain`].
pub use bytemuck;
pub use data::{
    Array, ArrayError, ArrayGuard, BoundsError, ByteQueue, Connection, GetError, JoinError,
    JoinableQueue, Pipe, PipeError, Place, PutError, PutFailure, QUEUE_BYTES, Queue, Receiver,
    Sender, ShareableItem, ShareableList, ShareableListError, SharedMemory, SimpleQueue, TaskError,
    Value, ValueGuard, WaitError, Waitable, wait,
};
pub use error::{Error, Result};
pub use manager::{
    AnyProxy, DictProxy, Item, ListProxy, Manager, ManagerError, NamespaceProxy,
    SharedMemoryManager,
};
pub use net::{
    Address, Client, EmptyKey, HandshakeError, Key, Listener, NetConnection, NetError, NetLimits,
    NoAddress,
};
pub use process::{
    AsyncResult, Calls, ExitCode, Failure, Imap, LostTask, Pool, PoolBuilder, PoolError, Process,
    ProcessError, StartMethod, Status, TaskPanic, active_children, current_process, parent_process,
    set_start_method,
};
pub use shm::Plain;
pub use sync::{
    Barrier, BarrierError, BoundedSemaphore, Condition, ConditionError, ConditionFailure,
    ConditionGuard, Event, Lock, LockError, LockFailure, LockGuard, Permit, RLock, RLockGuard,
    Semaphore, SemaphoreError,
};

/// For the macros of this crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::manager::{MANAGED, Maker, Managed, ManagedMethod, Method};
    pub use crate::process::pool::{CALLABLE, Registered, registered};
    pub use crate::process::pool::{INITIALIZERS, RegisteredInitializer, registered_initializer};
    pub use crate::process::spawnable;
    pub use crate::sys::exec::{SPAWNABLE, Spawnable};
    pub use linkme;
}

/// The README's examples, run.
#[cfg(all(doctest, feature = "harness"))]
#[doc = include_str!("../README.md")]
struct Readme;
