//! How the errors that the kernel gives travel inside a [`PoolError`](super::PoolError): with their kind and their text.
//! What a start was refused for by anyone else travels as its text.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::process::ProcessError;

/// An error of the kernel's, as it travels: its number, if it has one, and its text.
#[derive(Serialize, Deserialize)]
struct Told(Option<i32>, String);

impl Told {
    fn of(error: &io::Error) -> Told {
        Told(error.raw_os_error(), error.to_string())
    }

    fn error(self) -> io::Error {
        let Told(number, text) = self;
        match number {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::other(text),
        }
    }
}

pub mod io_error {
    use super::*;

    pub fn serialize<S: Serializer>(error: &io::Error, serializer: S) -> Result<S::Ok, S::Error> {
        Told::of(error).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<io::Error>, D::Error> {
        Told::deserialize(deserializer).map(|told| Arc::new(told.error()))
    }
}

pub mod start_error {
    use super::*;

    pub fn serialize<S: Serializer>(
        error: &ProcessError,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match error {
            ProcessError::Io { source, .. } => Told::of(source),
            other => Told(None, other.to_string()),
        }
        .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<ProcessError>, D::Error> {
        let told = Told::deserialize(deserializer)?;
        let doing = "start";
        let source = told.error();
        Ok(Arc::new(ProcessError::Io { doing, source }))
    }
}
