//! What the fuzz targets do with their input. The seeds in `fixtures/fuzz` are played through the same functions by
//! the library's own tests, without a fuzzer.

pub mod bytes;
pub mod handshake;
pub mod message;
pub mod model;
pub mod ring;
pub mod scribble;
pub mod script;
