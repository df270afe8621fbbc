//! The ways to start a process.

use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

/// How a process is started. The target, its arguments and what it finds around it are the same for all:
/// environment, working directory, umask, limits, standard streams, ignored signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StartMethod {
    /// A copy of a helper, which is this program, executed again at the first need and stopped before
    /// main. Safe from any thread of any program, and as fast whatever the program's size. Global
    /// variables are in the child as they are when a program starts.
    #[default]
    Zygote,
    /// fork(2) of the program as it is, with all its memory: the child finds the global variables as they
    /// are now, and may run a closure. Refused where the process has more than one thread
    /// ([`ProcessError::Threads`](super::ProcessError::Threads)): under `cargo test` that is always so.
    Fork,
    /// The program executed again, which finds the target by its name in the register that
    /// [`spawnable!`](crate::spawnable) fills. Shares nothing with its parent, not even addresses; takes
    /// some milliseconds.
    Spawn,
}

const ALL: [StartMethod; 3] = [StartMethod::Zygote, StartMethod::Fork, StartMethod::Spawn];

static DEFAULT: AtomicU8 = AtomicU8::new(StartMethod::Zygote as u8);

/// What processes are started with from now on unless they say otherwise. Children take it over.
pub fn set_start_method(method: StartMethod) {
    // Relaxed: a setting that nothing else hangs on.
    DEFAULT.store(method as u8, Ordering::Relaxed);
}

/// What processes are started with unless they say otherwise.
pub fn start_method() -> StartMethod {
    // Relaxed: as above.
    ALL[usize::from(DEFAULT.load(Ordering::Relaxed))]
}
