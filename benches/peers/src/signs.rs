//! What a round trip costs at least: signs from one process to another, which carry no message, or next to none.

use std::hint::spin_loop;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::crowd::{self, Cores, futex_wait, futex_wake, shared};

/// Made before the processes are forked that use it: two ways, one there and one back.
pub trait Sign: Clone + Send + 'static {
    fn new() -> Self;
    fn give(&self, way: usize);
    /// Waits for the next one.
    fn take(&self, way: usize);
}

/// Nanoseconds for a sign there, and its answer.
pub fn there_and_back<S: Sign>(turns: usize, cores: Cores) -> impl FnMut() -> f64 {
    move || {
        let sign = S::new();
        let took = crowd::all_of_it(2, move |number| {
            cores.settle();
            let sign = sign.clone();
            Box::new(move || {
                for _ in 0..turns {
                    if number == 0 {
                        sign.give(0);
                    }
                    sign.take(1 - number);
                    if number == 1 {
                        sign.give(1);
                    }
                }
            })
        });
        took / turns as f64
    }
}

#[derive(Clone)]
pub struct EventFd(Arc<[OwnedFd; 2]>);

impl Sign for EventFd {
    fn new() -> Self {
        let made = || {
            // SAFETY: numbers alone.
            let file = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
            assert!(file >= 0, "no descriptor");
            // SAFETY: made just now, and nobody else's.
            unsafe { OwnedFd::from_raw_fd(file) }
        };
        EventFd(Arc::new([made(), made()]))
    }

    fn give(&self, way: usize) {
        // SAFETY: eight bytes are there.
        let wrote = unsafe { libc::write(self.0[way].as_raw_fd(), [1u64].as_ptr().cast(), 8) };
        assert_eq!(wrote, 8);
    }

    fn take(&self, way: usize) {
        let mut count = [0u64];
        // SAFETY: there is a place for eight bytes.
        let read = unsafe { libc::read(self.0[way].as_raw_fd(), count.as_mut_ptr().cast(), 8) };
        assert_eq!((read, count), (8, [1]));
    }
}

#[derive(Clone)]
pub struct Socket(Arc<(UnixStream, UnixStream)>);

impl Sign for Socket {
    fn new() -> Self {
        Socket(Arc::new(UnixStream::pair().expect("there are sockets")))
    }

    fn give(&self, way: usize) {
        let mut end = [&self.0.0, &self.0.1][way];
        end.write_all(&[7; 8]).expect("it is open");
    }

    fn take(&self, way: usize) {
        let mut end = [&self.0.1, &self.0.0][way];
        let mut message = [0; 8];
        end.read_exact(&mut message).expect("it is open");
        assert_eq!(message, [7; 8]);
    }
}

/// Two words, a cache line each: who takes sleeps in futex(2), or spins.
#[derive(Clone, Copy)]
pub struct Words<const SLEEPS: bool>(&'static [Line; 2]);

#[repr(align(128))]
struct Line(AtomicU32);

impl<const SLEEPS: bool> Sign for Words<SLEEPS> {
    fn new() -> Self {
        Words(shared([0; 2].map(|word| Line(AtomicU32::new(word)))))
    }

    fn give(&self, way: usize) {
        let word = &self.0[way].0;
        // Release: pairs with the Acquire in take().
        word.store(1, Release);
        if SLEEPS {
            futex_wake(word, 1);
        }
    }

    fn take(&self, way: usize) {
        let word = &self.0[way].0;
        // Acquire: pairs with the Release in give().
        while word.load(Acquire) == 0 {
            match SLEEPS {
                true => futex_wait(word, 0),
                false => spin_loop(),
            }
        }
        // Release: the next sign is given after the answer to this one.
        word.store(0, Release);
    }
}

/// What a queue of messages is at least: a length and 8 bytes in a ring, and the places up to which there is something and
/// up to which it was taken. No one sleeps or holds a lock, and nothing is whole if someone dies.
#[derive(Clone, Copy)]
pub struct BareRing(&'static [Ring; 2]);

struct Ring {
    put: Line,
    got: Line,
    records: [[AtomicU64; 2]; RECORDS],
}

const RECORDS: usize = 1 << 10;

impl Sign for BareRing {
    fn new() -> Self {
        BareRing(shared([(); 2].map(|()| Ring {
            put: Line(AtomicU32::new(0)),
            got: Line(AtomicU32::new(0)),
            records: [const { [const { AtomicU64::new(0) }; 2] }; RECORDS],
        })))
    }

    fn give(&self, way: usize) {
        let ring = &self.0[way];
        let place = ring.put.0.load(Relaxed); // this side's own
        let record = &ring.records[place as usize % RECORDS];
        record[0].store(8, Relaxed);
        record[1].store(place.into(), Relaxed);
        // Release: pairs with the Acquire in take().
        ring.put.0.store(place + 1, Release);
    }

    fn take(&self, way: usize) {
        let ring = &self.0[way];
        let place = ring.got.0.load(Relaxed); // this side's own
        // Acquire: pairs with the Release in give().
        while ring.put.0.load(Acquire) == place {
            spin_loop();
        }
        let record = &ring.records[place as usize % RECORDS];
        assert_eq!(record[0].load(Relaxed), 8);
        assert_eq!(record[1].load(Relaxed), place.into());
        ring.got.0.store(place + 1, Release); // a full ring's other side would pair with it: here there is one at a time
    }
}
