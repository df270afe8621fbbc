//! How tasks come to the workers: batches of them, packed one chunk after another as there is room.

use std::sync::{Arc, MutexGuard};

use super::dispatcher::{Dispatcher, Phase, State};
use super::envelope::{Envelope, Holds};
use super::error::PoolError;
use super::function::{Run, place_of, told};
use super::panics::caught;
use super::worker::Task;
use crate::data::PutError;
use crate::process::target::Argument;

/// Takes the answers to a batch's tasks.
pub(super) trait Board: Send + Sync {
    /// What became of a chunk of tasks.
    fn post(&self, chunk: usize, tasks: usize, answer: Result<Envelope, PoolError>);

    /// There are no more than so many chunks.
    fn ends(&self, chunks: usize, failure: Option<PoolError>);

    /// Whether there should be more tasks under way.
    fn wants(&self, chunks: usize) -> bool;
}

/// A chunk of tasks, written.
pub(super) struct Load {
    tasks: usize,
    content: Result<(Envelope, Holds), PoolError>,
}

/// Tasks of one call that have not been put yet.
pub(super) struct Batch {
    loads: Box<dyn Iterator<Item = Load> + Send>,
    function: u64,
    board: Arc<dyn Board>,
    /// How many have been packed.
    chunks: usize,
}

/// Who waits for the answer to a chunk.
pub(super) struct Pending {
    board: Arc<dyn Board>,
    chunk: usize,
    tasks: usize,
}

pub(super) struct Stalled {
    pub pending: Pending,
    task: Task,
    holds: Holds,
}

/// What is to be told, outside of the lock.
pub(super) enum Delivery {
    Answer(Pending, Result<Envelope, PoolError>),
    End(Batch),
    Failed(Batch, PoolError),
}

impl Batch {
    /// # Errors
    /// The function lies in a shared library.
    pub fn new(
        run: Run,
        loads: Box<dyn Iterator<Item = Load> + Send>,
        board: Arc<dyn Board>,
    ) -> Result<Batch, PoolError> {
        Ok(Batch {
            loads,
            function: place_of(run)?,
            board,
            chunks: 0,
        })
    }

    /// The next chunk. An iterator that panics has come to its end.
    fn pack(&mut self) -> Option<Load> {
        caught(|| self.loads.next()).unwrap_or_else(|panic| {
            self.loads = Box::new(std::iter::empty());
            Some(Load {
                tasks: 1,
                content: Err(PoolError::Panicked(panic)),
            })
        })
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
            content: told(|| Envelope::seal(&chunk)).map_err(PoolError::Unsendable),
        })
    })
}

/// A chunk that is written already.
pub(super) fn written(chunk: Vec<u8>) -> impl Iterator<Item = Load> + Send {
    let content = told(|| Ok((Envelope::of_bytes(chunk)?, Holds::none())));
    std::iter::once(Load {
        tasks: 1,
        content: content.map_err(PoolError::Unsendable),
    })
}

impl Pending {
    pub fn answered(self, answer: Result<Envelope, PoolError>) -> Delivery {
        Delivery::Answer(self, answer)
    }
}

impl Delivery {
    /// Runs code of the user's.
    pub fn make(self) {
        match self {
            Delivery::Answer(pending, answer) => {
                pending.board.post(pending.chunk, pending.tasks, answer);
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
        if let Some(stalled) = state.stalled.take() {
            let put = self.put(&mut state, stalled);
            return (state, put);
        }
        let is_closed = state.phase == Phase::Closed;
        let wants = |batch: &Batch| is_closed || batch.board.wants(batch.chunks);
        let Some(place) = state.backlog.iter().position(wants) else {
            let is_over = is_closed && state.backlog.is_empty();
            let closed = if is_over { self.tasks.close() } else { Ok(()) };
            return (state, closed.map(|()| false).map_err(PoolError::from));
        };
        let mut batch = state.backlog.remove(place).expect("just found");
        drop(state);
        let load = batch.pack();
        let mut state = self.state();
        let is_terminated = state.phase == Phase::Terminated; // then no one will be told
        let Some(load) = load.filter(|_| !is_terminated) else {
            state.deliveries.push_back(Delivery::End(batch));
            return (state, Ok(true));
        };
        let pending = Pending {
            board: batch.board.clone(),
            chunk: batch.chunks,
            tasks: load.tasks,
        };
        batch.chunks += 1;
        match load.content {
            Err(error) => state.deliveries.push_back(pending.answered(Err(error))),
            Ok((chunk, holds)) => {
                state.stalled = Some(Stalled {
                    pending,
                    task: Task {
                        number: 0,
                        function: batch.function,
                        chunk,
                    },
                    holds,
                });
            }
        }
        state.backlog.push_front(batch);
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
                state.stalled = Some(Stalled {
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
