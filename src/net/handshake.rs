//! The handshake: each side shows the other that it has the key, without sending it. Pure: bytes in, bytes out.
//!
//! ```text
//! client                                               server
//!   "forkproof" version 'c' keyed nonce     ──────▶
//!                         ◀──────    "forkproof" version 's' keyed nonce
//!   proof: HMAC-SHA-256(key, "client" greetings) ──▶      (only with a key, from here on)
//!                         ◀──────    1, HMAC-SHA-256(key, "server" greetings); or 0, refused
//! ```
//!
//! | state | receives | and then |
//! |---|---|---|
//! | `Greeting`, client | the server's greeting | sends its proof → `Proof`; without key → `Done` |
//! | `Greeting`, server | the client's greeting | sends its own → `Proof`; without key → `Done` |
//! | `Proof`, server | the client's proof | sends a 1 and its proof → `Done`; or a 0 → `Failed` |
//! | `Proof`, client | a verdict and the server's proof | → `Done`, or `Failed` |
//!
//! # Invariants
//! - A proof covers both greetings whole: both nonces, the version, and that there is to be a key. A nonce is fresh, so
//!   a proof of another handshake is none for this one (replay); nothing can be changed on the way.
//! - A proof says whose it is, so that a side's own proof, sent back to it, proves nothing (reflection).
//! - A server sends no proof before it has seen the client's: strangers get nothing to try keys against.
//! - It asks for no more bytes than the next message has ([`wanted`](Handshake::wanted)), and keeps no more.
//!
//! # What is not covered
//! What comes after: it is neither secret nor signed. Who can change packets on the way can take over a connection
//! whose handshake is done. Between computers whose network others use, send it through a tunnel (SSH, WireGuard, TLS).
//! Nor does a handshake say *which* of those who have the key the other side is.
//!
//! Sources: RFC 2104 (HMAC); ISO/IEC 9798-4 (mutual authentication by a keyed check function).

use super::key::Key;

/// What both sides must speak.
const VERSION: u8 = 1;
const MAGIC: &[u8; 9] = b"forkproof";
const NONCE: usize = 32;
const GREETING: usize = MAGIC.len() + 3 + NONCE;
const PROOF: usize = 32;

/// A side's fresh random bytes, used once.
pub type Nonce = [u8; NONCE];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// Why two sides did not come together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The other side does not have our key.
    #[error("the other side has another key")]
    WrongKey,
    /// The other side says that we do not have its key.
    #[error("the other side refuses our key")]
    KeyRefused,
    /// The other side asks for a key, and we have none.
    #[error("the other side asks for a key")]
    KeyNeeded,
    /// The other side has no key, and we ask for one.
    #[error("the other side has no key")]
    NoKey,
    /// It speaks, but not this.
    #[error("the other side does not speak this library's protocol")]
    Garbled,
    /// A greeting of our own kind: a client met a client, or its own greeting came back.
    #[error("the other side is a {0:?}, too")]
    SameRole(Role),
    /// Another version of this library.
    #[error(
        "the other side speaks version {theirs} of the protocol, and we speak version {VERSION}"
    )]
    Version { theirs: u8 },
    /// It hung up before the handshake was done.
    #[error("the other side hung up during the handshake")]
    HungUp,
    /// It did not get done in time.
    #[error("the handshake took too long")]
    TooSlow,
    /// Newer ones came, and there is a bound on how many handshakes are in progress.
    #[error("too many handshakes at once: the oldest was given up")]
    Crowded,
}

/// One side of a handshake.
pub struct Handshake {
    role: Role,
    key: Option<Key>,
    ours: [u8; GREETING],
    theirs: [u8; GREETING],
    phase: Phase,
    /// What has arrived of the next message.
    arrived: Vec<u8>,
    to_send: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Proof,
    Done,
    Failed,
}

impl Handshake {
    /// A side's beginning. The nonce must never have been used before.
    pub fn new(role: Role, key: Option<Key>, nonce: Nonce) -> Handshake {
        let ours = greeting(role, key.is_some(), nonce);
        let to_send = match role {
            Role::Client => ours.to_vec(),
            Role::Server => Vec::new(),
        };
        Handshake {
            role,
            key,
            ours,
            theirs: [0; GREETING],
            phase: Phase::Greeting,
            arrived: Vec::with_capacity(GREETING),
            to_send,
        }
    }

    /// How many more bytes it needs before it goes on: 0 once it is done, or has failed.
    pub fn wanted(&self) -> usize {
        let whole = match (self.phase, self.role) {
            (Phase::Greeting, _) => GREETING,
            (Phase::Proof, Role::Server) => PROOF,
            // A 0 comes alone.
            (Phase::Proof, Role::Client) if self.arrived.is_empty() => 1,
            (Phase::Proof, Role::Client) => 1 + PROOF,
            (Phase::Done | Phase::Failed, _) => 0,
        };
        whole - self.arrived.len()
    }

    /// Both sides have come together.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// What is to be sent now; after an error, too: the other side is told why.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.to_send)
    }

    /// What has arrived.
    ///
    /// # Errors
    /// [`HandshakeError`]: it has failed.
    ///
    /// # Panics
    /// If there are more bytes than were [wanted](Handshake::wanted).
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        assert!(
            bytes.len() <= self.wanted(),
            "a handshake takes no more bytes than it wants"
        );
        self.arrived.extend_from_slice(bytes);
        let went = match self.phase {
            _ if bytes.is_empty() => Ok(()),
            Phase::Greeting => self.greeted(),
            Phase::Proof => self.proved(),
            Phase::Done | Phase::Failed => Ok(()),
        };
        if went.is_err() {
            self.phase = Phase::Failed;
            self.arrived.clear();
        }
        went
    }

    fn greeted(&mut self) -> Result<(), HandshakeError> {
        // Garbage is told at its first byte, not when it has become long enough.
        let front = self.arrived.len().min(MAGIC.len());
        if self.arrived[..front] != MAGIC[..front] {
            return Err(HandshakeError::Garbled);
        }
        let Ok(theirs) = <[u8; GREETING]>::try_from(&self.arrived[..]) else {
            return Ok(());
        };
        self.arrived.clear();
        self.theirs = theirs;
        if self.role == Role::Server {
            // Also if it will not do, so that the client can say why.
            self.to_send.extend_from_slice(&self.ours);
        }
        let [version, role, keyed] = [0, 1, 2].map(|at| theirs[MAGIC.len() + at]);
        if version != VERSION {
            return Err(HandshakeError::Version { theirs: version });
        }
        if role == self.role.label() {
            return Err(HandshakeError::SameRole(self.role));
        }
        if role != self.role.other().label() || keyed > 1 {
            return Err(HandshakeError::Garbled);
        }
        self.phase = match (&self.key, keyed == 1) {
            (None, false) => Phase::Done,
            (None, true) => return Err(HandshakeError::KeyNeeded),
            (Some(_), false) => return Err(HandshakeError::NoKey),
            (Some(key), true) => {
                if self.role == Role::Client {
                    self.to_send.extend(key.prove(&self.text(Role::Client)));
                }
                Phase::Proof
            }
        };
        Ok(())
    }

    fn proved(&mut self) -> Result<(), HandshakeError> {
        let claim = match self.role {
            Role::Server => &self.arrived[..],
            Role::Client => match self.arrived[0] {
                0 => return Err(HandshakeError::KeyRefused),
                1 => &self.arrived[1..],
                _ => return Err(HandshakeError::Garbled),
            },
        };
        let Ok(claim) = <[u8; PROOF]>::try_from(claim) else {
            return Ok(());
        };
        self.arrived.clear();
        let theirs = self.text(self.role.other());
        let is_theirs = |key: &Key| key.is_proof(&theirs, &claim);
        let accepted = self.key.as_ref().filter(|key| is_theirs(key));
        match (self.role, accepted) {
            (Role::Client, Some(_)) => {}
            (Role::Client, None) => return Err(HandshakeError::WrongKey),
            (Role::Server, Some(key)) => {
                let proof = key.prove(&self.text(Role::Server));
                self.to_send.push(1);
                self.to_send.extend(proof);
            }
            (Role::Server, None) => {
                self.to_send.push(0);
                return Err(HandshakeError::WrongKey);
            }
        }
        self.phase = Phase::Done;
        Ok(())
    }

    /// What a side proves: that it is this side of this conversation.
    fn text(&self, prover: Role) -> [&[u8]; 3] {
        let label: &[u8] = match prover {
            Role::Client => b"client",
            Role::Server => b"server",
        };
        let (client, server) = match self.role {
            Role::Client => (&self.ours, &self.theirs),
            Role::Server => (&self.theirs, &self.ours),
        };
        [label, client, server]
    }
}

impl Role {
    fn label(self) -> u8 {
        match self {
            Role::Client => b'c',
            Role::Server => b's',
        }
    }

    fn other(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }
}

fn greeting(role: Role, keyed: bool, nonce: Nonce) -> [u8; GREETING] {
    let mut greeting = [0; GREETING];
    let (front, nonce_at) = greeting.split_at_mut(GREETING - NONCE);
    front[..MAGIC.len()].copy_from_slice(MAGIC);
    front[MAGIC.len()..].copy_from_slice(&[VERSION, role.label(), keyed.into()]);
    nonce_at.copy_from_slice(&nonce);
    greeting
}
