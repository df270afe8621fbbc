//! A world inside loom: the algorithms of `raw`, unchanged, in every order that the memory model allows,
//! with sleeps, deadlines and deaths.
//!
//! [loom](https://docs.rs/loom) runs a small concurrent program again and again, until it has tried every
//! order of its threads' accesses and every value that a weakly ordered read may return. It knows nothing
//! of futexes, of a kernel that reads memory, or of threads that are killed. This world adds them.
//!
//! # Example
//! ```
//! use forkproof::explore::loom::{Loom, Outcome, Program, Setting, explore};
//! use forkproof::raw::{Patience, RawMutex};
//!
//! type Mutex = RawMutex<Loom>;
//! fn visit(mutex: &Mutex) {
//!     mutex.lock(Patience::Endless).expect("no one dies here");
//!     mutex.unlock().expect("it is ours");
//! }
//! let program = Program::new(Mutex::new, &[visit, visit], |mutex| assert!(!mutex.is_locked()));
//! let search = explore(&program, &Setting::default());
//! assert_eq!(search.outcome, Outcome::Holds);
//! assert!(search.tally.executions > 10);
//! ```
//!
//! # The parts
//! | file | holds |
//! |---|---|
//! | `stage` | who is on stage, how far each has come, what is to befall whom |
//! | `futex` | the word, its sleepers, wait and wake |
//! | `wide` | the word of 64 bits |
//! | `orders` | what loom is asked for in place of SeqCst, and of stores |
//! | `spin` | who reads the same again and again |
//! | `death` | the robust list, and what the kernel does at a death |
//! | `sweep` | a search for each way to kill |
//! | `search` | a program of lanes, and the search through its executions |
//! | `record` | what the lanes did, to be read |
//! | `quiet` | panics caught with their message, not printed |
//!
//! # Steps
//! Every access to a word, every wait and wake, every announcement, withdrawal, link and unlink of a lane is
//! a step, and so is [`step`] itself, which stands for an access to data that loom does not see. A lane can
//! be killed before any of its steps ([`Setting::kills`]). Trying them all is trying every kill there is:
//! between two steps a thread changes nothing that anyone else, or the kernel, can see.
//!
//! # A sleep that ends by itself
//! [`Setting`] names sleeps that end early, or by their deadline. They end at once, where the word was
//! compared. That stands for every later moment. A sleeper that is never woken is, for all others, not
//! there: each wake while it slept took someone else, or found too few; each would have done the same with
//! it gone (its place in the queue is covered by the two [`WakeOrder`]s). And what it does *after* its sleep
//! is moved to every later moment by the search, because its next operation is. A sleeper that *was* woken
//! reports the wake, not the deadline: so does the kernel, which looks whether it is still in the queue.
//! For the same reason a thread killed in its sleep is one that returned early and was killed at its next
//! step, and one killed after a wake, before it could act on it, is one killed at the step after its sleep.
//!
//! # What a pass proves
//! For the lanes, rounds and settings given: no execution in which an assertion fails, two accesses race,
//! or everyone sleeps, in any interleaving (within the preemption bound, if one is set) and any weak order
//! that loom knows.
//!
//! # What it does not
//! - Loom reads no value before it is written, keeps seven values of a word, and never fails a weak exchange.
//! - A store is made by an exchange, as loom lets a plain one land inside another's read-modify-write; so what an
//!   earlier store had released stays so behind a Relaxed one of another lane.
//! - It treats SeqCst as AcqRel, which would accuse algorithms that are right; so this world puts a fence before each
//!   read that asks for SeqCst. That is a little more than was asked for: weaker accesses before it are in order, too.
//! - The processor and the compiler are loom's idea of them; that announcements stay in their places
//!   is `sys::robust`'s duty (compiler fences), tested with real kills.
//! - Links are a list in the model, not pointers: the layout that the kernel reads is tested with real ones.
//! - A lane spins zero times where the algorithm asks how often: spinning only repeats a read. One that comes round
//!   again and again by itself is passed over until another lane has moved, if one can (`spin`).
//! - No fairness, no time: a deadline passes or does not.

mod death;
mod futex;
mod orders;
mod quiet;
mod record;
mod search;
mod spin;
mod stage;
mod sweep;
mod wide;

pub use death::{
    announce, is_announced, is_found_without_announcement, is_linked, link, unlink, withdraw,
};
pub use futex::LoomWord;
pub(in crate::explore) use record::Record;
pub use search::{Outcome, Program, Search, explore};
pub use stage::{
    JUDGE, Kernel, LANES_MAX, Nth, PASSER_BY, Setting, Tally, WakeOrder, acting_as, futex_calls,
    me, owner_deaths,
};
pub use sweep::{STEPS_MAX, Swept, with_each_killed};
pub use wide::LoomWide;

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::world::{Deadline, Node, Update, Woken, World};

/// The world of the models. Usable inside [`explore`] only.
pub struct Loom;

impl World for Loom {
    type Word = LoomWord;
    type Wide = LoomWide;
    /// The list is kept by the stage, and the links are watched beside the word.
    type Links = ();

    fn me() -> u32 {
        record::has_ids();
        stage::me()
    }

    /// Memory is written to by the modelled algorithm alone.
    fn is_nobody(_: u32) -> bool {
        false
    }

    fn spins() -> u32 {
        0
    }

    fn fence(order: Ordering) {
        ::loom::sync::atomic::fence(order);
    }

    /// There is no clock: [`Setting::time_outs`] says which sleeps end by their deadline.
    fn deadline(after: Duration) -> Option<Deadline> {
        let monotonic_ns = u64::try_from(after.as_nanos()).ok()?;
        Some(Deadline { monotonic_ns })
    }

    fn wait(word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        word.wait(expected, until)
    }

    fn wake(word: &LoomWord, count: u32) -> u32 {
        word.wake(count)
    }

    fn wait_any(words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        LoomWord::wait_any(words, until)
    }

    fn update_and_wake_all(word: &LoomWord, update: Update) -> u32 {
        word.update_and_wake_all(update)
    }

    /// # Panics
    /// If another node is announced and not linked.
    fn announce(node: &Node<Self>) {
        assert!(
            is_found_without_announcement(),
            "announce() before the last announcement was withdrawn: one node at a time, but for one that is linked"
        );
        announce(&node.word);
    }

    /// # Panics
    /// If nothing is announced.
    fn withdraw() {
        assert!(
            stage::with_actor(|actor| actor.announced.is_some()),
            "withdraw() of nothing"
        );
        withdraw();
    }

    /// # Panics
    /// If the node is not announced, or is in a list: its links are one pair, so it stands in one list. If the list has no
    /// room.
    fn link(node: &Node<Self>) {
        assert!(is_announced(&node.word), "link() of a node not announced");
        assert!(
            Self::may_link(),
            "link() into a full list: the kernel does not walk to its end"
        );
        assert!(
            !stage::with(|stage| stage.holds_any(&node.word)),
            "link() of a node that is in a list: its links are overwritten"
        );
        link(&node.word);
    }

    /// # Panics
    /// If the node is not announced, or not in the list.
    fn unlink(node: &Node<Self>) {
        assert!(is_announced(&node.word), "unlink() of a node not announced");
        assert!(is_linked(&node.word), "unlink() of a node not linked");
        unlink(&node.word);
    }

    fn may_link() -> bool {
        let id = stage::me() as usize;
        stage::with(|stage| stage.actors[id].held.len() < stage.setting.room as usize)
    }

    fn death_wakes_marked_word() -> bool {
        stage::with(|stage| stage.setting.kernel == Kernel::Linux6_2)
    }
}

/// A step of the calling lane: it may be killed here, and then does not return.
pub fn step() {
    spin::explores(true);
    die_if_due();
}

/// A step that accesses a word, and `leaves` it as it is if this is what is there.
fn access(place: usize, leaves: impl Fn(u64) -> bool) {
    spin::begins(place, leaves);
    die_if_due();
}

fn die_if_due() {
    if stage::count_step() {
        death::die();
    }
}
