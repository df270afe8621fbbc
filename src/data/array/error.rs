//! Why an operation on an array was refused.

use std::fmt;

use super::ArrayGuard;
use crate::data::bounds::BoundsError;
use crate::shm::Plain;
use crate::sync::LockError;

/// Why an operation on an array was refused.
#[non_exhaustive]
pub enum ArrayError<'a, T: Plain> {
    Bounds(BoundsError),
    /// Nothing was read or written.
    Lock(LockError<ArrayGuard<'a, T>>),
}

impl<T: Plain> From<BoundsError> for ArrayError<'_, T> {
    fn from(error: BoundsError) -> Self {
        ArrayError::Bounds(error)
    }
}

impl<'a, T: Plain> From<LockError<ArrayGuard<'a, T>>> for ArrayError<'a, T> {
    fn from(error: LockError<ArrayGuard<'a, T>>) -> Self {
        ArrayError::Lock(error)
    }
}

impl<T: Plain> std::error::Error for ArrayError<'_, T> {}

impl<T: Plain> fmt::Display for ArrayError<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArrayError::Bounds(error) => fmt::Display::fmt(error, f),
            ArrayError::Lock(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl<T: Plain> fmt::Debug for ArrayError<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArrayError::Bounds(error) => fmt::Debug::fmt(error, f),
            ArrayError::Lock(error) => fmt::Debug::fmt(error, f),
        }
    }
}
