//! The seeds of the fuzz targets, each played as it is, cut short, and with one bit changed. What a fuzzer finds is
//! added to `fixtures/fuzz`, and stays a test.

use std::fs;
use std::path::{Path, PathBuf};

use forkproof::shm::Shared;
use forkproof::{ByteQueue, JoinableQueue};

#[path = "apart/mod.rs"]
mod apart;
#[path = "fuzz/src/bytes.rs"]
mod bytes;
#[path = "fuzz/src/handshake.rs"]
mod handshake;
#[path = "fuzz/src/message.rs"]
mod message;
#[path = "fuzz/src/model.rs"]
mod model;
#[path = "fuzz/src/ring.rs"]
mod ring;
#[path = "fuzz/src/scribble.rs"]
mod scribble;
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

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/fuzz")
        .join(target);
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn play(target: &str, drive: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() >= 10, "{} seeds of {target}", seeds.len());
    for (path, seed) in seeds {
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
    }
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

#[test]
fn a_ring_of_bytes_that_is_scribbled_on() {
    apart(|| play("bytes", bytes::drive));
}

/// What a seed of a ring is named for, by what its name begins with, and the part that it writes to first.
const AIMS: [(&str, &str); 18] = [
    ("bytes_of_nothing", " at byte 8"),
    ("claimed_by", "'s head"),
    ("closed_by", "'s tail"),
    ("counts_that", "'s tail"),
    ("getters_gate", "'s getters' gate"),
    ("getters_line", "'s getters' line"),
    ("getters_lock", "'s getters' lock"),
    ("head_", "'s head"),
    ("length_", " at byte 0"),
    ("mark_that", " at byte 4"),
    ("overfull", "'s tail"),
    ("pollers", "'s pollers"),
    ("putters_gate", "'s putters' gate"),
    ("putters_line", "'s putters' line"),
    ("putters_lock", "'s putters' lock"),
    ("stamp_of", " at byte 0"),
    ("stamps", "'s stamps"),
    ("tail_", "'s tail"),
];

/// A queue's memory may come to be laid out otherwise: then seeds and targets are to follow.
#[test]
fn seeds_and_targets_write_where_they_say() {
    let queue = ByteQueue::new().unwrap();
    for at in scribble::LOCKS_AT {
        let part = queue.part(at);
        assert!(part.ends_with("lock") || part.ends_with("line"), "{part}");
        assert_ne!(queue.part(at.wrapping_sub(1)), part);
    }
    let tasks: JoinableQueue<u8> = JoinableQueue::with_capacity(None, 48).unwrap();
    assert_eq!(tasks.part(ring::BYTES_AT), " at byte 0");
    let [line, lock] = ring::TASKS_LOCKS_AT.map(|at| tasks.part(ring::BYTES_AT + 48 + at));
    assert_eq!([line, lock], ["'s tasks' line", "'s tasks' lock"]);
    let mut aimed = 0;
    for target in ["bytes", "ring"] {
        for (path, seed) in seeds(target) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let aim = AIMS.iter().find(|(aim, _)| name.starts_with(aim));
            let Some((_, aim)) = aim else { continue };
            // Calls are of two bytes.
            let first = (2..).step_by(2).find(|&at| seed[at] >= 0xc0).unwrap();
            let at = u16::from_le_bytes([seed[first + 1], seed[first + 2]]);
            assert_eq!(queue.part(at.into()), *aim, "{}", path.display());
            aimed += 1;
        }
    }
    assert!(aimed > 40, "{aimed}");
}
