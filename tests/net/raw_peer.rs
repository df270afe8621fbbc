//! A peer that sends what it likes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use forkproof::net::handshake::{Handshake, Role};
use forkproof::{Address, Key};

pub fn port_of(address: &Address) -> SocketAddr {
    match address {
        Address::Tcp(address) => *address,
        other => panic!("{other} is no port"),
    }
}

/// Connects, and says nothing.
pub fn knock(address: &Address) -> TcpStream {
    TcpStream::connect(port_of(address)).unwrap()
}

/// Sends bytes. The other side may have hung up already: that is for the test to see.
pub fn say(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// All that the other side says until it hangs up.
pub fn hear_out(stream: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // A reset is an end, too: of a peer that was not listened to.
    let _ = stream.read_to_end(&mut heard);
    heard
}

/// What a client with this key says first.
pub fn greeting(key: Option<Key>, nonce: u8) -> Vec<u8> {
    Handshake::new(Role::Client, key, [nonce; 32]).take_output()
}

/// Does the handshake of either role by hand; returns all that it sent, or `None` if it was turned away.
pub fn shake(
    stream: &mut (impl Read + Write),
    role: Role,
    key: Option<Key>,
    nonce: [u8; 32],
) -> Option<Vec<u8>> {
    let mut handshake = Handshake::new(role, key, nonce);
    let mut sent = Vec::new();
    loop {
        let output = handshake.take_output();
        stream.write_all(&output).ok()?;
        sent.extend(output);
        if handshake.is_done() {
            return Some(sent);
        }
        let mut bytes = vec![0; handshake.wanted()];
        let received = stream.read(&mut bytes).ok().filter(|count| *count > 0)?;
        handshake.receive(&bytes[..received]).ok()?;
    }
}
