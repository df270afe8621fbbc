//! What happens where there is no memory, no descriptor, no process and no room left: an error of a type, where it
//! happens; nothing is lost or left behind, and all is well as soon as there is some again.
//!
//! Each test runs in a process of its own, as a limit is a process's.

mod files;
mod memory;
mod named;
mod network;
mod processes;

#[path = "../apart/mod.rs"]
mod apart;

use std::error::Error;

use apart::apart;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Does something under a limit, which is lifted again.
fn within<R>(resource: Resource, limit: u64, act: impl FnOnce() -> R) -> R {
    let (soft, hard) = getrlimit(resource).unwrap();
    setrlimit(resource, limit.min(hard), hard).unwrap();
    let result = act();
    setrlimit(resource, soft, hard).unwrap();
    result
}

/// What went wrong, and why.
fn story(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// What can be refused, for whatever reason.
type Tried = Result<(), Box<dyn Error>>;
