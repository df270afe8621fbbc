//! This library's judge beside other checkers of linearizability: builds and runs the crate in `benches/histories`, which is
//! its own, as nobody who uses the library needs the others.
//!
//! ```text
//! cargo bench --bench histories
//! ```

mod own_crate;

fn main() -> std::process::ExitCode {
    own_crate::run("histories")
}
