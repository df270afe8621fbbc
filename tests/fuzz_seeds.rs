//! The seeds of the fuzz targets, each played as it is, cut short, and with one bit changed. What a fuzzer finds is
//! added to `fixtures/fuzz`, and stays a test.

use std::fs;
use std::path::Path;

#[path = "apart/mod.rs"]
mod apart;
#[path = "fuzz/src/handshake.rs"]
mod handshake;
#[path = "fuzz/src/message.rs"]
mod message;
#[path = "fuzz/src/ring.rs"]
mod ring;
#[path = "fuzz/src/script.rs"]
mod script;

use apart::apart;

/// Says which input it was if a target fails.
struct Playing<'a>(&'a Path, &'a [u8]);

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {:02x?}", self.0.display(), self.1);
        }
    }
}

fn play(target: &str, drive: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/fuzz")
        .join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let seed = fs::read(&path).unwrap();
        let as_it_is = |input: &[u8]| {
            let _playing = Playing(&path, input);
            drive(input);
        };
        as_it_is(&seed);
        for at in 0..seed.len() {
            as_it_is(&seed[..at]);
            let mut changed = seed.clone();
            changed[at] ^= 1 << (at % 8);
            as_it_is(&changed);
        }
        seeds += 1;
    }
    assert!(seeds >= 10, "{seeds} seeds of {target}");
}

#[test]
fn messages() {
    play("message", message::drive);
}

#[test]
fn handshakes() {
    play("handshake", handshake::drive);
}

/// A lock that is waited for in vain would be a hang.
#[test]
fn a_ring_that_is_scribbled_on() {
    apart(|| play("ring", ring::drive));
}
