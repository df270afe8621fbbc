//! Links and doors: what a server with one thread drives.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use forkproof::net::handshake::Role;
use forkproof::net::{Door, Link, UNSENT_BYTES};
use forkproof::sys::poll;
use forkproof::{Address, HandshakeError, Key, NetError, NetLimits};

use crate::raw_peer::{knock, shake};

fn key() -> Option<Key> {
    Some(Key::new("k").unwrap())
}

fn door(limits: NetLimits) -> Door {
    Door::bind(&"127.0.0.1:0".parse().unwrap(), key(), limits).unwrap()
}

/// Serves until as many handshakes have come to their end.
fn serve(door: &mut Door, count: usize) -> Vec<Result<Link, NetError>> {
    let mut ended = Vec::new();
    while ended.len() < count {
        let watches: Vec<_> = door.watches().collect();
        poll::ready(&watches, door.deadline()).unwrap();
        drop(watches);
        ended.extend(door.pump().unwrap());
    }
    ended
}

/// An open link and the stream at its other side.
fn pair(limits: NetLimits) -> (Link, TcpStream) {
    let mut door = door(limits);
    let mut stream = knock(door.address());
    let client = std::thread::spawn(move || {
        shake(&mut stream, Role::Client, key(), [4; 32]).expect("let in");
        stream
    });
    let link = serve(&mut door, 1).remove(0).unwrap();
    (link, client.join().unwrap())
}

fn wait(link: &Link) {
    let watches: Vec<_> = link.watches().collect();
    assert!(!watches.is_empty(), "it waits for something");
    poll::ready(&watches, None).unwrap();
}

fn message(link: &mut Link) -> Result<Vec<u8>, NetError> {
    loop {
        link.pump()?;
        if let Some(message) = link.next_message() {
            return Ok(message);
        }
        wait(link);
    }
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_le_bytes()[..], message].concat()
}

#[test]
fn messages_come_one_at_a_time_and_the_rest_stays_in_the_socket() {
    let (mut link, mut stream) = pair(NetLimits::default());
    let sent = [frame(b"one"), frame(b""), frame(b"three")].concat();
    stream.write_all(&sent).unwrap();
    assert_eq!(message(&mut link).unwrap(), b"one");
    assert_eq!(message(&mut link).unwrap(), b"");
    assert_eq!(message(&mut link).unwrap(), b"three");
    assert_eq!(link.next_message(), None);
}

/// While a message has not been taken, nothing is read, and nothing waited for.
#[test]
fn a_message_that_is_not_taken_holds_up_its_sender() {
    let (mut link, mut stream) = pair(NetLimits::default());
    stream
        .write_all(&[frame(b"one"), frame(b"two")].concat())
        .unwrap();
    wait(&link);
    link.pump().unwrap();
    link.pump().unwrap();
    assert_eq!(link.watches().count(), 0);
    assert_eq!(link.next_message().unwrap(), b"one");
    assert_eq!(message(&mut link).unwrap(), b"two");
}

#[test]
fn an_end_is_told_after_what_was_sent_before_it() {
    let (mut link, mut stream) = pair(NetLimits::default());
    stream.write_all(&frame(b"last")).unwrap();
    drop(stream);
    assert_eq!(message(&mut link).unwrap(), b"last");
    assert!(matches!(message(&mut link), Err(NetError::Disconnected)));
}

#[test]
fn an_end_amid_a_message_is_another() {
    for kept in 1..7 {
        let (mut link, mut stream) = pair(NetLimits::default());
        stream.write_all(&frame(b"abc")[..kept]).unwrap();
        drop(stream);
        assert!(
            matches!(message(&mut link), Err(NetError::Truncated)),
            "{kept} bytes"
        );
    }
}

#[test]
fn a_length_above_the_bound_ends_the_link() {
    let (mut link, mut stream) = pair(NetLimits::default().message_bytes(10));
    stream.write_all(&frame(&[7; 10])).unwrap();
    assert_eq!(message(&mut link).unwrap(), [7; 10]);
    stream.write_all(&frame(&[7; 11])).unwrap();
    let told = message(&mut link);
    assert!(
        matches!(
            told,
            Err(NetError::TooLong {
                announced: 11,
                most: 10
            })
        ),
        "{told:?}"
    );
    assert!(link.pump().is_err(), "and it stays so");
    let told = link.queue(&[7; 11]);
    assert!(
        matches!(
            told,
            Err(NetError::MessageTooLong {
                length: 11,
                most: 10
            })
        ),
        "{told:?}"
    );
}

/// Over a unix socket, whose buffers do not grow. Who does not read is not read from, is sent no more than a bound, and gets it all when it reads again.
#[test]
fn who_does_not_read_is_held_up_and_loses_nothing() {
    let mut door = Door::bind_fresh(key(), NetLimits::default()).unwrap();
    let Address::Unix(path) = door.address().clone() else {
        panic!("{}", door.address());
    };
    let client = std::thread::spawn(move || {
        let mut stream = UnixStream::connect(path).unwrap();
        shake(&mut stream, Role::Client, key(), [4; 32]).expect("let in");
        stream
    });
    let mut link = serve(&mut door, 1).remove(0).unwrap();
    let mut stream = client.join().unwrap();
    let piece = vec![7; 300_000];
    let mut queued = 0;
    let congested = loop {
        match link.queue(&piece) {
            Ok(()) => queued += 1,
            Err(error) => break error,
        }
        link.pump().unwrap();
    };
    let NetError::Congested { waiting } = congested else {
        panic!("{congested}");
    };
    assert!(
        (UNSENT_BYTES..UNSENT_BYTES + piece.len() + 4).contains(&waiting),
        "{waiting}"
    );
    stream.write_all(&frame(b"a question")).unwrap();
    link.pump().unwrap();
    assert_eq!(
        link.next_message(),
        None,
        "it reads no questions before its answers are taken"
    );
    let reader = std::thread::spawn(move || {
        let mut all = vec![0; queued * (piece.len() + 4)];
        stream.read_exact(&mut all).unwrap();
        (all, stream)
    });
    assert_eq!(message(&mut link).unwrap(), b"a question");
    while link.watches().count() == 2 {
        wait(&link);
        link.pump().unwrap();
    }
    let (all, _open) = reader.join().unwrap();
    assert_eq!(all, frame(&vec![7; 300_000]).repeat(queued));
}

#[test]
fn the_oldest_stranger_makes_room_for_the_newest() {
    let mut door = door(NetLimits::default().strangers(3));
    let silent: Vec<_> = (0..3).map(|_| knock(door.address())).collect();
    let first = silent[0].local_addr().unwrap();
    let mut stream = knock(door.address());
    let client = std::thread::spawn(move || {
        shake(&mut stream, Role::Client, key(), [4; 32]).expect("let in");
    });
    let mut ended = serve(&mut door, 2).into_iter();
    match ended.next().unwrap() {
        Err(NetError::Handshake {
            peer,
            why: HandshakeError::Crowded,
        }) => assert_eq!(peer, first.into()),
        other => panic!("{:?}", other.map(|link| link.peer().clone())),
    }
    assert!(ended.next().unwrap().is_ok());
    client.join().unwrap();
}
