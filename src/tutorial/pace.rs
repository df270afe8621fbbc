//! How long a second of a tutorial lasts.
//!
//! The tutorials sleep where a real program would work. The order of what they print does not rest on it
//! (where it does not matter who is first, the sleep only makes the one order likelier than the other), so
//! it may be scaled. The pace is in the environment, which the children inherit.

use std::time::Duration;

use crate::sys::oversight;

/// The environment variable: how many seconds a tutorial's second lasts.
pub const PACE: &str = "FORKPROOF_PACE";

/// Unless [`PACE`] says otherwise.
const SCALED: f64 = 1.0 / 20.0;

/// Sleeps for so many of the tutorial's seconds (under control, not at all): at the tutorial's pace, which is twenty times faster than the
/// clock's unless [`PACE`] is set.
///
/// # Panics
/// If `seconds`, or [`PACE`], is not a number of seconds.
pub fn sleep(seconds: f64) {
    if oversight::is_overseen() {
        return; // every order is tried, those that a sleep would make unlikely, too
    }
    std::thread::sleep(Duration::from_secs_f64(seconds * pace()));
}

/// From here on, for this process and its children, a second is a second.
///
/// # Safety
/// No other thread runs: as `std::env::set_var`.
pub unsafe fn run_in_real_time() {
    // SAFETY: the caller's word.
    unsafe { std::env::set_var(PACE, "1") };
}

fn pace() -> f64 {
    std::env::var(PACE).map_or(SCALED, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{PACE} must be a number of seconds, not {text:?}"))
    })
}
