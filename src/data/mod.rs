//! What processes share and send: `Value` and `Array`, pipes and queues, and memory with a name.

mod array;
mod bounds;
mod guarded;
mod pipe;
mod queue;
mod shareable_list;
mod shared_memory;
mod value;
pub(crate) mod wait;

pub use array::{Array, ArrayError, ArrayGuard};
pub use bounds::BoundsError;
pub use pipe::{Connection, Nothing, Pipe, PipeError, Receiver, Sender};
pub use queue::{
    ByteQueue, GetError, JoinError, JoinableQueue, Place, PutError, PutFailure, QUEUE_BYTES, Queue,
    SimpleQueue, TaskError,
};
pub use shareable_list::{ShareableItem, ShareableList, ShareableListError};
pub use shared_memory::SharedMemory;
pub use value::{Value, ValueGuard};
pub use wait::{WaitError, Waitable, wait};
