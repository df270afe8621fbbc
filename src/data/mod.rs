//! Data in shared memory: `Value` and `Array`.

mod array;
mod bounds;
mod guarded;
mod value;

pub use array::{Array, ArrayError, ArrayGuard};
pub use bounds::BoundsError;
pub use value::{Value, ValueGuard};
