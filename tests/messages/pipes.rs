//! A pipe's packets, written by hand: a head (1: an item, 2: its bytes lie in memory that comes along), and the rest.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use forkproof::sys::memory::Mapping;
use forkproof::sys::message;
use forkproof::{Lock, Pipe, PipeError, Queue, Receiver, Sender};

const ITEM: u8 = 1;
const APART: u8 = 2;

type Item = (u32, String);

/// A packet that nobody who keeps to the rules would send, then one of the rules, which arrives.
fn told(head: u8, rest: &[u8], files: &[BorrowedFd<'_>]) -> (PipeError, PipeError) {
    let (receiver, sender): (Receiver<Item>, Sender<Item>) = Pipe::one_way().unwrap();
    let packet = [&[head], rest].concat();
    let send = || message::send(sender.as_fd(), &packet, files).unwrap();
    let next = || {
        sender.send(&(7, "next".into())).unwrap();
        assert_eq!(receiver.recv().unwrap(), (7, "next".into()));
    };
    send();
    let as_item = receiver.recv().unwrap_err();
    next();
    send();
    let as_bytes = receiver.recv_bytes().map(drop).unwrap_err();
    next();
    (as_item, as_bytes)
}

fn memory(bytes: &[u8]) -> Mapping {
    let memory = Mapping::create(bytes.len()).unwrap();
    memory.write(0, bytes);
    memory
}

#[test]
fn an_item_that_is_cut_short_or_another_is_unreadable() {
    for item in [
        &b""[..],
        b"\x07",
        b"\x07\x04nex",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x07\x04next!",
    ] {
        let (as_item, as_bytes) = told(ITEM, item, &[]);
        assert!(
            matches!(as_item, PipeError::Unreadable(_)),
            "{item:02x?}: {as_item}"
        );
        assert!(
            matches!(as_bytes, PipeError::Mismatch { expected: "bytes" }),
            "{as_bytes}"
        );
    }
}

#[test]
fn bytes_are_no_item() {
    let (receiver, sender): (Receiver<Item>, Sender<Item>) = Pipe::one_way().unwrap();
    sender.send_bytes(b"\x07\x04next").unwrap();
    let refused = receiver.recv().unwrap_err();
    assert!(
        matches!(
            refused,
            PipeError::Mismatch {
                expected: "an item"
            }
        ),
        "{refused}"
    );
}

#[test]
fn memory_that_is_not_there_is_not_read() {
    let pipe: OwnedFd = std::io::pipe().unwrap().0.into();
    let small = memory(b"four");
    let lengths: [u64; 4] = [5, 1 << 32, 1 << 62, u64::MAX];
    for length in lengths.map(u64::to_le_bytes) {
        for files in [&[][..], &[pipe.as_fd()], &[small.as_fd()]] {
            let (as_item, as_bytes) = told(APART | ITEM, &length, files);
            for error in [as_item, as_bytes] {
                assert!(matches!(error, PipeError::Io(_)), "{error}");
            }
        }
    }
}

/// A length that is none, in memory that is some: nothing of it is read.
#[test]
fn a_length_that_is_cut_short_is_none() {
    let memory = memory(b"four");
    let (as_item, _) = told(APART | ITEM, &[4, 0, 0], &[memory.as_fd()]);
    assert!(matches!(as_item, PipeError::Unreadable(_)), "{as_item}");
}

/// Of every length, with all bits in every byte at some time.
#[test]
fn random_packets_are_told_and_forgotten() {
    let (receiver, sender): (Receiver<Item>, Sender<Item>) = Pipe::one_way().unwrap();
    let mut seed = 1_u64;
    for length in (1..500).chain([8_000, 8_192]) {
        let packet: Vec<_> = (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            })
            .collect();
        message::send(sender.as_fd(), &packet, &[]).unwrap();
        let _ = receiver.recv(); // an item, for once, or an error
        sender.send(&(length as u32, "next".into())).unwrap();
        assert_eq!(receiver.recv().unwrap().0, length as u32);
    }
}

/// A handle in an item, without what it stands for.
#[test]
fn a_handle_without_its_file_is_told() {
    let (receiver, sender): (Receiver<Lock>, Sender<Lock>) = Pipe::one_way().unwrap();
    let other: (Receiver<Queue<u8>>, Sender<Queue<u8>>) = Pipe::one_way().unwrap();
    message::send(sender.as_fd(), &[ITEM, 0, 0, 0], &[]).unwrap();
    assert!(matches!(receiver.recv(), Err(PipeError::Unreadable(_))));
    // Memory of this library with something else in it.
    let queue = Queue::<u8>::new().unwrap();
    let parcel = forkproof::shm::passage::pack(&queue).unwrap();
    let packet = [&[ITEM][..], &parcel.bytes].concat();
    message::send(sender.as_fd(), &packet, &parcel.fds()).unwrap();
    assert!(matches!(receiver.recv(), Err(PipeError::Unreadable(_))));
    message::send(other.1.as_fd(), &packet, &parcel.fds()).unwrap();
    assert!(other.0.recv().unwrap().is_empty());
    parcel.delivered();
    sender.send(&Lock::new().unwrap()).unwrap();
    assert!(receiver.recv().unwrap().try_lock().is_ok());
}
