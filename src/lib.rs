//! forkproof: sharing data between processes, in the vocabulary of Python's `multiprocessing`.

pub mod raw;
pub mod sys;
pub mod world;
