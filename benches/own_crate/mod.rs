//! Builds and runs a benchmark that is a crate of its own.

use std::path::Path;
use std::process::{Command, ExitCode};

/// The crate in `benches/NAME`, with the arguments of this program.
pub fn run(name: &str) -> ExitCode {
    // `cargo test --benches` runs this, too, without the argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("to measure: cargo bench --bench {name}");
        return ExitCode::SUCCESS;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(root.join("benches").join(name).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target").join(name))
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
