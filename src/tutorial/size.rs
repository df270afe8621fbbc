//! How large an example is: as its tutorial has it, or small enough to try every schedule of it.
//!
//! What an example does so many times, it asks this for. The answer is in the environment, which children inherit.

use super::Example;

/// The environment variable: how many there are to be.
const SIZE: &str = "FORKPROOF_SIZE";

/// How many rounds, processes or numbers the example has, where its tutorial has so many.
///
/// # Panics
/// If the environment asks for what is no number.
pub fn size(in_the_tutorial: usize) -> usize {
    std::env::var(SIZE).map_or(in_the_tutorial, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{SIZE} must be a number, not {text:?}"))
    })
}

/// From here on examples have this size, in this process and its children.
///
/// # Safety
/// No other thread runs: as `std::env::set_var`.
pub unsafe fn set_size(size: usize) {
    // SAFETY: the caller's word.
    unsafe { std::env::set_var(SIZE, size.to_string()) };
}

/// Of what an example has several: the tutorial's number, and the one with which every schedule can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub of: &'static str,
    pub in_the_tutorial: usize,
    pub small: usize,
}

/// Of an example that has one.
pub fn of(example: &Example) -> Option<Size> {
    let (of, in_the_tutorial, small) = match example.id {
        "003.3" => ("workers", 5, 1),
        "003.5b" => ("processes", 5, 2),
        "003.5c" => ("processes", 5, 2),
        "004.1" => ("numbers", 4, 2),
        "004.8" | "004.8c" => ("deposits and withdrawals", 100, 3),
        "004.8b" => ("deposits and withdrawals", 100, 2),
        _ => return None,
    };
    Some(Size {
        of,
        in_the_tutorial,
        small,
    })
}
