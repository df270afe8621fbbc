//! What is wrong with a file, and where.

use std::fmt;

/// What is wrong, at a line and a column, both counted from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub line: usize,
    pub column: usize,
    pub problem: String,
}

impl Malformed {
    pub fn new(line: usize, column: usize, problem: &str) -> Malformed {
        Malformed {
            line,
            column,
            problem: problem.to_owned(),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.problem
        )
    }
}

impl std::error::Error for Malformed {}
