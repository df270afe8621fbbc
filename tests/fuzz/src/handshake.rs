//! Two sides of a handshake, and someone between them who delivers what they say in pieces: late, changed, cut short,
//! with words of their own in it, or back to who said it.
//!
//! Whatever is between them, a side that asks for a key is done only if the other side has it and each heard what the
//! other said.

use forkproof::net::Key;
use forkproof::net::handshake::{Handshake, HandshakeError, Role};

use super::script::Script;

/// Its length in bytes.
const GREETING: usize = 44;

/// A side, and what it said and heard.
struct Side {
    handshake: Handshake,
    said: Vec<u8>,
    heard: Vec<u8>,
    /// Bytes that are on their way to it.
    coming: Vec<u8>,
    ended: Option<HandshakeError>,
}

impl Side {
    fn new(role: Role, key: Option<&str>) -> Side {
        let nonce = match role {
            Role::Client => [1; 32],
            Role::Server => [2; 32],
        };
        let key = key.map(|key| Key::new(key).expect("a key of some bytes"));
        Side {
            handshake: Handshake::new(role, key, nonce),
            said: Vec::new(),
            heard: Vec::new(),
            coming: Vec::new(),
            ended: None,
        }
    }

    /// It hears the next bytes, at most so many. `false`: there is nothing that it would hear.
    fn hear(&mut self, most: usize) -> bool {
        let count = self.handshake.wanted().min(self.coming.len()).min(most);
        if self.ended.is_some() || count == 0 {
            return false;
        }
        let bytes: Vec<_> = self.coming.drain(..count).collect();
        self.heard.extend(&bytes);
        self.ended = self.handshake.receive(&bytes).err();
        if self.ended.is_some() {
            assert!(!self.handshake.is_done(), "done, and failed");
            assert_eq!(self.handshake.wanted(), 0, "who has failed wants no more");
        }
        true
    }

    /// Returns what it says.
    fn speak(&mut self) -> Vec<u8> {
        let said = self.handshake.take_output();
        self.said.extend(&said);
        said
    }

    fn is_done(&self) -> bool {
        self.handshake.is_done()
    }
}

pub fn drive(input: &[u8]) {
    let mut script = Script::new(input);
    let keys = [None, Some("k"), Some("another")];
    let which = usize::from(script.byte());
    let (client_key, server_key) = (keys[which % 3], keys[which / 3 % 3]);
    let mut sides = [
        Side::new(Role::Client, client_key),
        Side::new(Role::Server, server_key),
    ];
    let mut is_honest = true;
    while !script.is_over() {
        converse(&mut sides);
        let what = script.byte();
        let to = &mut sides[usize::from(what & 1)];
        let at = usize::from(script.byte());
        is_honest &= what >> 1 & 7 < 4;
        match what >> 1 & 7 {
            0..4 => {
                to.hear(at.max(1));
            }
            4 => {
                if let Some(byte) = to.coming.get_mut(at) {
                    *byte ^= script.byte();
                }
            }
            5 => to.coming.truncate(at),
            6 => to.coming.extend(script.bytes(at)),
            _ => {
                let own: Vec<_> = to.said.iter().skip(at).copied().collect();
                to.coming.extend(own);
            }
        }
    }
    loop {
        converse(&mut sides);
        let heard = sides.each_mut().map(|side| side.hear(usize::MAX));
        if heard == [false; 2] {
            break;
        }
    }
    judge(&sides, client_key, server_key, is_honest);
}

/// What each says is on its way to the other.
fn converse([client, server]: &mut [Side; 2]) {
    server.coming.extend(client.speak());
    client.coming.extend(server.speak());
}

fn judge(
    [client, server]: &[Side; 2],
    client_key: Option<&str>,
    server_key: Option<&str>,
    is_honest: bool,
) {
    if client.is_done() && client_key.is_some() {
        assert_eq!(client_key, server_key, "a client came in with another key");
        assert_eq!(client.heard, server.said, "a client heard someone else");
        assert_eq!(server.heard, client.said, "a server heard someone else");
    }
    if server.is_done() && server_key.is_some() {
        assert_eq!(client_key, server_key, "a server let in another key");
        assert_eq!(server.heard, client.said, "a server heard someone else");
        // What comes behind the greeting is a matter of the client's.
        let greeting = GREETING.min(client.heard.len());
        assert_eq!(client.heard[..greeting], server.said[..GREETING]);
    }
    if is_honest {
        let same = client_key == server_key;
        assert_eq!([client.is_done(), server.is_done()], [same; 2]);
    }
}
