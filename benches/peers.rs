//! This library beside what a user would take instead: builds and runs the crate in `benches/peers`, which is its own, as
//! the peers are many, and has the library as a production user has it, without the feature `harness`.
//!
//! ```text
//! cargo bench --bench peers
//! ```

mod own_crate;

fn main() -> std::process::ExitCode {
    own_crate::run("peers")
}
