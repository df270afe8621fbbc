//! What a queue is that only its own calls write to: a list, which may be closed.

use std::collections::VecDeque;

use forkproof::{GetError, LockFailure, PutFailure};

#[derive(Default)]
pub struct Model {
    items: VecDeque<Vec<u8>>,
    is_closed: bool,
}

/// What a call came to is what it should.
impl Model {
    pub fn is_put(&mut self, put: Result<(), PutFailure>, item: Vec<u8>) {
        match put {
            Ok(()) => {
                assert!(!self.is_closed);
                self.items.push_back(item);
            }
            Err(PutFailure::Closed) => assert!(self.is_closed),
            Err(PutFailure::TooLarge) => {}
            Err(PutFailure::Full | PutFailure::TimedOut) => assert!(!self.items.is_empty()),
            Err(other) => panic!("{other:?}"),
        }
    }

    pub fn is_got(&mut self, got: Result<Vec<u8>, GetError>) {
        match got {
            Ok(item) => assert_eq!(self.items.pop_front(), Some(item)),
            Err(GetError::Empty | GetError::TimedOut) => {
                assert!(self.items.is_empty() && !self.is_closed);
            }
            Err(GetError::Closed) => assert!(self.items.is_empty() && self.is_closed),
            Err(other) => panic!("{other:?}"),
        }
    }

    pub fn is_ready(&self, ready: Option<bool>) {
        assert_eq!(ready, Some(!self.items.is_empty() || self.is_closed));
    }

    pub fn is_shut(&mut self, closed: Result<(), LockFailure>) {
        assert_eq!(closed, Ok(()));
        self.is_closed = true;
    }

    pub fn is_told(&self, len: usize, is_empty: bool, is_closed: bool) {
        assert_eq!((len, is_empty), (self.items.len(), self.items.is_empty()));
        assert_eq!(is_closed, self.is_closed);
    }

    /// The first item's bytes are so many.
    pub fn begins_with(&self, bytes: usize) {
        assert_eq!(self.items.front().map(Vec::len), Some(bytes));
    }
}
