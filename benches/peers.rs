//! This library beside what a user would take instead: builds and runs the crate in `benches/peers`, which is its own, as
//! the peers are many, and has the library as a production user has it, without the feature `harness`.
//!
//! ```text
//! cargo bench --bench peers
//! ```

use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // `cargo test --benches` runs this, too, without the argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("to measure: cargo bench --bench peers");
        return ExitCode::SUCCESS;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(root.join("benches/peers/Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target/peers"))
        .arg("--")
        .args(std::env::args().skip(1))
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo cannot be run: {error}");
            ExitCode::FAILURE
        }
    }
}
