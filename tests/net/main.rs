//! Connections over a network, as their user meets them, and as those meet them who mean harm.

mod framing;
mod handshake;
mod hostile;
mod link;
mod listener;
mod manager;
mod messages;
mod raw_peer;
