//! What processes share and send: `Value` and `Array`; pipes.

mod array;
mod bounds;
mod guarded;
mod pipe;
mod queue;
mod value;
pub(crate) mod wait;

pub use array::{Array, ArrayError, ArrayGuard};
pub use bounds::BoundsError;
pub use pipe::{Connection, Nothing, Pipe, PipeError, Receiver, Sender};
pub use queue::{
    GetError, JoinableQueue, PutError, PutFailure, QUEUE_BYTES, Queue, SimpleQueue, TaskError,
};
pub use value::{Value, ValueGuard};
pub use wait::{WaitError, Waitable, wait};
