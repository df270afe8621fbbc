//! How tasks come to the workers: batches of them, packed one chunk after another as there is room.

use std::ops::Range;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use super::dispatcher::{Dispatcher, Phase, State};
use super::envelope::{Envelope, Holds};
use super::error::{LostTask, PoolError};
use super::function::{Function, told};
use super::panics::caught;
use super::worker::Task;
use crate::data::PutError;
use crate::process::target::Argument;
use crate::sys::child::Signal;
use crate::sys::limit;

/// Takes the answers to a batch's tasks.
pub(super) trait Board: Send + Sync {
    /// What became of a chunk of tasks.
    fn post(&self, chunk: usize, tasks: usize, answer: Result<Envelope, PoolError>);

    /// There are no more than so many chunks.
    fn ends(&self, chunks: usize, failure: Option<PoolError>);

    /// Whether there should be more tasks under way.
    fn wants(&self, chunks: usize) -> bool;
}

/// How the tasks of a call are to be run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terms {
    /// How often a task is run again whose worker died.
    pub retries: u32,
    /// How long each task may take.
    pub limit: Option<Duration>,
}

/// A chunk of tasks, written; or why it cannot be.
type Content = Result<(Envelope, Holds), PoolError>;

/// Writes a chunk of tasks.
type Write = Box<dyn Fn() -> Result<(Envelope, Holds), String> + Send>;

/// A chunk of tasks.
pub(super) struct Load {
    tasks: usize,
    content: Result<Write, PoolError>,
}

/// Tasks of one call that have not been put yet.
pub(super) struct Batch {
    loads: Box<dyn Iterator<Item = Load> + Send>,
    function: Function,
    terms: Terms,
    board: Arc<dyn Board>,
    /// How many have been packed, and of how many items.
    chunks: usize,
    items: usize,
}

/// Who waits for the answer to a chunk, and what is to be known of it if its worker dies.
pub(super) struct Pending {
    board: Arc<dyn Board>,
    chunk: usize,
    items: Range<usize>,
    function: Function,
    limit: Option<Duration>,
    /// How often it may be written again, and how.
    tries: u32,
    write: Option<Write>,
}

pub(super) struct Stalled {
    pub pending: Pending,
    task: Task,
    holds: Holds,
}

/// What becomes of a chunk whose worker died.
pub(super) enum Bereft {
    Again(Pending),
    Lost(Delivery),
}

/// What was made outside of the lock.
enum Packed {
    /// The next chunk of a batch, which may have more.
    Next(Content, Pending, Batch),
    /// A batch has no more.
    All(Batch),
    /// A chunk whose worker died.
    Again(Content, Pending),
}

/// What is to be told, outside of the lock.
pub(super) enum Delivery {
    Answer(Pending, Result<Envelope, PoolError>),
    End(Batch),
    Failed(Batch, PoolError),
}

impl Batch {
    pub fn new(
        function: Function,
        terms: Terms,
        loads: Box<dyn Iterator<Item = Load> + Send>,
        board: Arc<dyn Board>,
    ) -> Batch {
        Batch {
            loads,
            function,
            terms,
            board,
            chunks: 0,
            items: 0,
        }
    }

    /// The next chunk. An iterator that panics has come to its end.
    fn pack(&mut self) -> Option<(Pending, Content)> {
        let load = caught(|| self.loads.next()).unwrap_or_else(|panic| {
            self.loads = Box::new(std::iter::empty());
            Some(Load {
                tasks: 1,
                content: Err(PoolError::panicked(panic)),
            })
        })?;
        let content = load.content.and_then(|write| {
            let written = write().map_err(PoolError::Unsendable)?;
            Ok((write, written))
        });
        let (write, content) = match content {
            Ok((write, written)) => (Some(write), Ok(written)),
            Err(error) => (None, Err(error)),
        };
        let pending = Pending {
            board: self.board.clone(),
            chunk: self.chunks,
            items: self.items..self.items.saturating_add(load.tasks),
            function: self.function,
            limit: self.terms.limit,
            tries: self.terms.retries,
            write: write.filter(|_| self.terms.retries > 0),
        };
        self.chunks += 1;
        self.items = pending.items.end;
        Some((pending, content))
    }
}

/// Packs values into chunks of a given size.
pub(super) fn pack<Args: Argument>(
    mut args: impl Iterator<Item = Args> + Send,
    size: usize,
) -> impl Iterator<Item = Load> + Send {
    std::iter::from_fn(move || {
        let chunk: Vec<Args> = args.by_ref().take(size).collect();
        (!chunk.is_empty()).then(|| Load {
            tasks: chunk.len(),
            content: Ok(Box::new(move || told(|| Envelope::seal(&chunk)))),
        })
    })
}

/// Chunks that are written already: a `Vec` of arguments each, in postcard's format.
pub(super) fn written(chunks: Vec<Vec<u8>>) -> impl Iterator<Item = Load> + Send {
    chunks.into_iter().map(|chunk| Load {
        // How many there are stands in front. What is not written so will not be read by a worker.
        tasks: postcard::take_from_bytes(&chunk).map_or(1, |(tasks, _): (usize, _)| tasks.max(1)),
        content: Ok(Box::new(move || {
            told(|| Ok((Envelope::of_bytes(chunk.clone())?, Holds::none())))
        })),
    })
}

impl Pending {
    pub fn answered(self, answer: Result<Envelope, PoolError>) -> Delivery {
        Delivery::Answer(self, answer)
    }

    /// Whether it would be put again, if its worker died.
    pub fn may_come_again(&self) -> bool {
        self.write.is_some() && self.tries > 0
    }

    /// Its worker died: with this exit code, as [`Process::join`](crate::Process::join) tells it, at the task at this
    /// place in the chunk.
    pub fn bereft(mut self, exit: Option<i32>, at: usize) -> Bereft {
        let task = LostTask {
            function: self.function.name.to_owned(),
            item: (self.items.start + at).min(self.items.end - 1),
            chunk: self.items.clone(),
        };
        let (exit, signal) = parted(exit);
        let is_over_time = signal.is_some_and(|signal| limit::is_reached(Signal(signal)));
        let why = match self.limit {
            Some(limit) if is_over_time => PoolError::TimeLimitExceeded { limit, task },
            _ if self.may_come_again() => {
                self.tries -= 1;
                return Bereft::Again(self);
            }
            _ => PoolError::WorkerDied { exit, signal, task },
        };
        Bereft::Lost(self.answered(Err(why)))
    }

    /// Runs code of the user's.
    fn written_again(&self) -> Content {
        let write = self.write.as_ref().expect("kept for who may come again");
        write().map_err(PoolError::Unsendable)
    }

    fn stalled(self, (chunk, holds): (Envelope, Holds)) -> Stalled {
        let task = Task {
            number: 0,
            function: self.function.place,
            chunk,
            limit: self.limit,
        };
        Stalled {
            pending: self,
            task,
            holds,
        }
    }
}

/// An exit code as [`Process::join`](crate::Process::join) tells it: the code, or the signal.
pub(super) fn parted(exit: Option<i32>) -> (Option<i32>, Option<i32>) {
    match exit {
        Some(code @ ..0) => (None, Some(-code)),
        code => (code, None),
    }
}

impl Delivery {
    /// Runs code of the user's.
    pub fn make(self) {
        match self {
            Delivery::Answer(pending, answer) => {
                pending
                    .board
                    .post(pending.chunk, pending.items.len(), answer);
            }
            Delivery::End(batch) => batch.board.ends(batch.chunks, None),
            Delivery::Failed(batch, why) => batch.board.ends(batch.chunks, Some(why)),
        }
    }
}

impl Dispatcher {
    /// Puts the next chunk, if there is one and room for it. Whether there may be more to do.
    pub(super) fn feed<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> (MutexGuard<'a, State>, Result<bool, PoolError>) {
        if let Some(stalled) = state.stalled.pop_front() {
            let put = self.put(&mut state, stalled);
            return (state, put);
        }
        if let Some(pending) = state.bereft.pop_front() {
            return self.outside(state, move || {
                Packed::Again(pending.written_again(), pending)
            });
        }
        let is_closed = state.phase == Phase::Closed;
        let wants = |batch: &Batch| is_closed || batch.board.wants(batch.chunks);
        let Some(place) = state.backlog.iter().position(wants) else {
            let is_over = is_closed && !self.tasks.is_closed() && state.is_all_put();
            let closed = if is_over { self.tasks.close() } else { Ok(()) };
            return (state, closed.map(|()| false).map_err(PoolError::from));
        };
        let mut batch = state.backlog.remove(place).expect("just found");
        self.outside(state, move || match batch.pack() {
            None => Packed::All(batch),
            Some((pending, content)) => Packed::Next(content, pending, batch),
        })
    }

    /// Packs the next chunk outside of the lock, as that runs code of the user's, which may call the pool.
    fn outside<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        pack: impl FnOnce() -> Packed,
    ) -> (MutexGuard<'a, State>, Result<bool, PoolError>) {
        state.packing += 1;
        drop(state);
        let packed = pack();
        let mut state = self.state();
        state.packing -= 1;
        let failure = state.failure.clone();
        let (content, pending) = match (packed, &failure) {
            (Packed::All(batch), _) => {
                state.deliveries.push_back(Delivery::End(batch));
                return (state, Ok(true));
            }
            (Packed::Again(content, pending), _) => (content, pending),
            (Packed::Next(content, pending, batch), None) => {
                state.backlog.push_front(batch);
                (content, pending)
            }
            (Packed::Next(content, pending, batch), Some(why)) => {
                state
                    .deliveries
                    .push_back(Delivery::Failed(batch, why.clone()));
                (content, pending)
            }
        };
        match failure.map_or(content, Err) {
            Err(error) => state.deliveries.push_front(pending.answered(Err(error))),
            Ok(content) => state.stalled.push_back(pending.stalled(content)),
        }
        (state, Ok(true))
    }

    fn put(&self, state: &mut State, stalled: Stalled) -> Result<bool, PoolError> {
        let Stalled {
            pending,
            mut task,
            holds,
        } = stalled;
        task.number = state.puts;
        match self.tasks.try_put(task) {
            Ok(()) => {
                state.open.insert(state.puts, pending);
                state.puts += 1;
                holds.delivered();
                Ok(true)
            }
            Err(PutError::Full(task)) => {
                state.stalled.push_front(Stalled {
                    pending,
                    task,
                    holds,
                });
                Ok(false)
            }
            Err(other) => {
                let error = PoolError::Unsendable(other.to_string());
                state.deliveries.push_back(pending.answered(Err(error)));
                Ok(true)
            }
        }
    }
}
