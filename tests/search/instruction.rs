//! What the simulated machine's lanes can do. Each is one step, but for jumps.

#[derive(Clone, Copy, Debug)]
pub enum Instruction {
    Load {
        word: usize,
        register: usize,
    },
    Store {
        word: usize,
        value: i8,
    },
    /// Stores a register's value and one more.
    StoreNext {
        word: usize,
        register: usize,
    },
    Add {
        word: usize,
        value: i8,
    },
    Swap {
        word: usize,
        value: i8,
        register: usize,
    },
    /// The register tells whether it was exchanged: 1, or 0.
    Exchange {
        word: usize,
        old: i8,
        new: i8,
        register: usize,
    },
    /// Reads until it reads this.
    Spin {
        word: usize,
        value: i8,
    },
    /// The register tells why it went on: one of the constants below.
    Wait {
        word: usize,
        expected: i8,
        timed: bool,
        register: usize,
    },
    /// The register tells how many it took.
    Wake {
        word: usize,
        count: usize,
        register: usize,
    },
    /// Announces the word, and takes it if it is 0: stores the lane's number and 1.
    Own {
        word: usize,
        register: usize,
    },
    /// Stores 0 and takes the announcement back.
    Disown {
        word: usize,
    },
    /// Goes on at `to` if the register has this value. Costs no step.
    If {
        register: usize,
        value: i8,
        to: usize,
    },
}

/// Why a wait went on.
pub const CHANGED: i8 = 10;
pub const TAKEN: i8 = 11;
pub const TIMED_OUT: i8 = 12;
pub const EARLY: i8 = 13;
/// What a death leaves in a word that the dead lane owned.
pub const ORPHAN: i8 = 99;

pub const REGISTERS: usize = 2;
