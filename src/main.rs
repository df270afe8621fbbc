//! The command line of the tutorials, until the whole one is there.

use std::process::ExitCode;

use forkproof::tutorial::{self, EXAMPLES};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("--real-time") {
        // SAFETY: no other thread runs yet.
        unsafe { tutorial::run_in_real_time() };
    }
    let id = args.iter().skip(1).find(|arg| !arg.starts_with("--"));
    let Some(id) = id else {
        for example in EXAMPLES {
            println!("{:7} {}", example.id, example.title());
        }
        return ExitCode::SUCCESS;
    };
    let example = match tutorial::find(id) {
        Ok(example) => example,
        Err(unknown) => {
            eprintln!("{unknown} {:?}", unknown.near);
            return ExitCode::from(64);
        }
    };
    let run = if has("--recorded") {
        example.run_recorded.expect("recorded")
    } else {
        example.run
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(64)
        }
    }
}
