//! Managers, in real processes.

use std::time::Duration;

use forkproof::manager::{Kind, Manager, ManagerError};
use forkproof::process::Target;
use forkproof::{Address, Key, Process};

mod ends;
mod lists;
#[cfg(feature = "harness")]
mod models;
mod own;
mod pool_initializers;
mod pool_terms;
mod pools;
mod sync;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Does something with a manager's server in this process, and in another one that reaches it over a network.
fn near_and_far<F: Target<(Option<Address>,)>>(part: F) {
    part.call((None,));
    let any_port: Address = "127.0.0.1:0".parse().unwrap();
    let manager = Manager::builder().address(any_port).key(key());
    let manager = manager.start().unwrap();
    let client = Process::new(part, (manager.address().unwrap(),));
    client.start().unwrap();
    match client.join_timeout(LONG).unwrap() {
        Some(code) => assert_eq!(code, 0, "from afar: see standard error"),
        None => {
            client.kill().unwrap();
            panic!("hung, from afar: {}", std::any::type_name::<F>());
        }
    }
}

fn key() -> Key {
    Key::new("k").unwrap()
}

/// For [`near_and_far`]: one's own, or that at an address.
fn manager_at(address: Option<Address>) -> Manager {
    match address {
        None => Manager::start(),
        Some(address) => Manager::connect(address, key()),
    }
    .unwrap()
}

/// What the server raised.
fn kind<T: std::fmt::Debug>(outcome: Result<T, ManagerError>) -> Kind {
    let error = outcome.unwrap_err();
    error.kind().unwrap_or_else(|| panic!("{error}"))
}
