//! Connections over a network, as their user meets them, and as those meet them who mean harm.

mod framing;
mod handshake;
mod hostile;
mod link;
mod listener;
mod manager;
mod messages;
mod namespaces;
mod raw_peer;

#[path = "../holds/mod.rs"]
mod holds;

/// For longer: `forkproof verify --full --only "Manager hostile clients"`.
#[test]
fn a_manager_serves_its_clients_beside_a_hostile_one() {
    holds::row("Manager", forkproof::verify::Technique::Hostile);
}
