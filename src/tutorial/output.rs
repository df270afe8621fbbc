//! What the tutorials print by: as the standard library's macros; under control a step, whose text is kept with the run.

use std::fmt;

use crate::sys::oversight;

/// As `std::println!`; in a lane under control a step of it.
#[macro_export]
#[doc(hidden)]
macro_rules! __println {
    ($($text:tt)*) => {
        $crate::tutorial::output::line(format_args!($($text)*))
    };
}

/// As `std::print!`; in a lane under control a step of it.
#[macro_export]
#[doc(hidden)]
macro_rules! __print {
    ($($text:tt)*) => {
        $crate::tutorial::output::text(format_args!($($text)*))
    };
}

#[doc(inline)]
pub use crate::{__print as print, __println as println};

/// # Panics
/// As `std::println!`: if standard output cannot be written.
pub fn line(text: fmt::Arguments<'_>) {
    oversight::print(&format!("{text}\n"));
}

/// # Panics
/// As `std::print!`: if standard output cannot be written.
pub fn text(text: fmt::Arguments<'_>) {
    oversight::print(&text.to_string());
}
