//! A text that grows at its end, as cheap to copy and to compare as a [`Chain`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::chain::Chain;

#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text(Chain<u8>);

impl Text {
    /// This one with the other behind it.
    #[must_use]
    pub fn append(&self, other: &Text) -> Text {
        Text(self.0.append(&other.0))
    }

    /// In bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.bytes().collect())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Made of whole strs, so nothing is lost.
        f.write_str(&String::from_utf8_lossy(&self.0.to_vec()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}
