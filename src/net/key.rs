//! The key that both sides of a connection must have.

use std::fmt;
use std::io;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sys::random;

/// The secret that both sides of a connection must have. It never travels.
///
/// ```
/// use forkproof::Key;
///
/// let key = Key::new("correct horse battery staple")?;
/// assert!(Key::new("").is_err(), "an empty key is none");
/// assert_eq!(format!("{key:?}"), "Key(..)");
/// # Ok::<(), forkproof::EmptyKey>(())
/// ```
///
/// # How good it must be
/// Whoever sees a handshake, or is a client's supposed server, can try keys against what was sent, as fast as their
/// computers hash. So a key should not be a word that a person thought of, but [`Key::random`], or as many random
/// bytes from a file that only its user can read.
#[derive(Clone)]
pub struct Key {
    /// HMAC pads short keys with zeros and hashes long ones, so that different keys count as one: `a` and `a\0`. The
    /// hash of the key has the same length whatever the key's is.
    hash: [u8; 32],
}

/// As a key travels to a child of this process, which is to have it, too: the only way that it leaves.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeyHash([u8; 32]);

/// An empty key: it would let everyone in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an empty key lets everyone in: leave the key out, or give one of at least a byte")]
pub struct EmptyKey;

/// HMAC-SHA-256 of a handshake's text, under a key.
pub(super) type Proof = [u8; 32];

impl Key {
    /// The key of these bytes. Two keys are the same if all their bytes are.
    ///
    /// # Errors
    /// [`EmptyKey`].
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Key, EmptyKey> {
        let bytes = bytes.as_ref();
        if bytes.is_empty() {
            return Err(EmptyKey);
        }
        Ok(Key {
            hash: Sha256::new_with_prefix("forkproof key ")
                .chain_update(bytes)
                .finalize()
                .into(),
        })
    }

    /// A key that no one can guess.
    ///
    /// # Errors
    /// The kernel has no random numbers: getrandom(2).
    pub fn random() -> io::Result<Key> {
        let mut hash = [0; 32];
        random::fill(&mut hash)?;
        Ok(Key { hash })
    }

    pub(super) fn prove(&self, text: &[&[u8]]) -> Proof {
        self.mac(text).finalize().into_bytes().into()
    }

    /// Whether it is this key's proof of the text. Takes as long whatever it answers, so that the time says nothing of
    /// how much of a guess was right.
    pub(super) fn is_proof(&self, text: &[&[u8]], claim: &Proof) -> bool {
        self.mac(text).verify_slice(claim).is_ok()
    }

    fn mac(&self, text: &[&[u8]]) -> Hmac<Sha256> {
        let mac = Hmac::new_from_slice(&self.hash).expect("HMAC takes keys of any length");
        text.iter().fold(mac, |mac, part| mac.chain_update(part))
    }
}

impl From<Key> for KeyHash {
    fn from(key: Key) -> KeyHash {
        KeyHash(key.hash)
    }
}

impl From<KeyHash> for Key {
    fn from(hash: KeyHash) -> Key {
        Key { hash: hash.0 }
    }
}

/// Not the key: it would end up in a log.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[&[u8]] = &[b"text"];

    #[test]
    fn keys_that_hmac_takes_for_one_are_two() {
        let long = [7; 65];
        let hash_of_long: [u8; 32] = Sha256::digest(long).into();
        for (one, other) in [
            (&b"a"[..], &b"a\0"[..]),
            (&long, &hash_of_long),
            (b"\0", &[0; 64]),
        ] {
            let proof = Key::new(one).unwrap().prove(TEXT);
            assert!(Key::new(one).unwrap().is_proof(TEXT, &proof));
            assert!(!Key::new(other).unwrap().is_proof(TEXT, &proof), "{one:?}");
        }
    }

    #[test]
    fn each_bit_of_a_proof_counts() {
        let key = Key::random().unwrap();
        let proof = key.prove(TEXT);
        for bit in 0..256 {
            let mut other = proof;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.is_proof(TEXT, &other), "bit {bit}");
        }
    }
}
