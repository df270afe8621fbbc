//! What a user may put into shared memory, and how it is copied in and out.

use std::mem::{MaybeUninit, size_of};

use bytemuck::{CheckedBitPattern, NoUninit, Zeroable};

use super::block::Block;

/// A value that is nothing but its bytes: no pointers (another process has them at another address), no
/// padding, no destructor.
///
/// Implemented for all that bytemuck can vouch for: integers, floats, `bool`, `char`, arrays of them, and
/// structs of the user's own that derive it:
/// ```
/// use forkproof::bytemuck::{self, Pod, Zeroable};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
/// #[bytemuck(crate = "forkproof::bytemuck")]
/// #[repr(C)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// let point = forkproof::Value::new(Point { x: 1.0, y: 2.0 })?;
/// point.update(|p| p.x += 1.0)?;
/// assert_eq!(point.get()?, Point { x: 2.0, y: 2.0 });
/// # Ok::<(), forkproof::Error>(())
/// ```
pub trait Plain: CheckedBitPattern + NoUninit + Zeroable + Send + Sync + 'static {}

impl<T: CheckedBitPattern + NoUninit + Zeroable + Send + Sync + 'static> Plain for T {}

impl Block {
    /// Copies a value out, in the pieces of [`Block::read`]: a value, or a field, of up to 8 bytes is never
    /// torn.
    ///
    /// # Panics
    /// If the bytes are no valid `T`, as a writer's death can leave those of an enum with fields.
    pub fn get<T: Plain>(&self, offset: usize) -> T {
        let mut value = [MaybeUninit::<T>::uninit()];
        self.fill(offset, &mut value);
        let [value] = value;
        // SAFETY: fill() filled it with a valid T.
        unsafe { value.assume_init() }
    }

    /// Copies a value in, in the pieces of [`Block::write`].
    pub fn set<T: Plain>(&self, offset: usize, value: T) {
        self.write(offset, bytemuck::bytes_of(&value));
    }

    /// Copies values out that lie next to each other.
    ///
    /// # Panics
    /// As [`get`](Block::get).
    pub fn get_many<T: Plain>(&self, offset: usize, count: usize) -> Vec<T> {
        let mut values = Vec::with_capacity(count);
        self.fill(offset, &mut values.spare_capacity_mut()[..count]);
        // SAFETY: fill() filled all of them with valid Ts.
        unsafe { values.set_len(count) };
        values
    }

    /// Copies values in, next to each other.
    pub fn set_many<T: Plain>(&self, offset: usize, values: &[T]) {
        self.write(offset, bytemuck::cast_slice(values));
    }

    fn fill<T: Plain>(&self, offset: usize, values: &mut [MaybeUninit<T>]) {
        let bytes = size_of_val(values);
        let start = values.as_mut_ptr().cast::<u8>();
        // SAFETY: the memory is exclusively ours; zeroed first, so that it is bytes and nothing uninitialised.
        let bytes = unsafe {
            start.write_bytes(0, bytes);
            std::slice::from_raw_parts_mut(start, bytes)
        };
        self.read(offset, bytes);
        for value in values {
            // SAFETY: initialised above; `T::Bits` has the layout of T and takes any bytes
            // (CheckedBitPattern).
            let valid = unsafe { T::is_valid_bit_pattern(&*value.as_ptr().cast::<T::Bits>()) };
            assert!(
                valid,
                "the bytes in shared memory are no valid {}: a value of several words that was written \
                 in part (set it anew before it is read)",
                std::any::type_name::<T>()
            );
        }
    }
}

const _: () = assert!(
    size_of::<usize>() == 8,
    "64-bit machines only: pieces of 8 bytes are atomic"
);
