//! The built program, run as a script runs it.

use std::process::{Command, Stdio};

/// To be started, with nothing on its standard input.
pub fn forkproof(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forkproof"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Its exit code, stdout and stderr.
///
/// # Panics
/// If it was killed, or wrote what is not UTF-8.
pub fn said(arguments: &[&str]) -> (i32, String, String) {
    let output = forkproof(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("it was not killed");
    (code, text(output.stdout), text(output.stderr))
}
