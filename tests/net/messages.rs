//! Messages between a `Listener` and a `Client`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use forkproof::net::handshake::Role;
use forkproof::{
    Address, Client, Key, Listener, Lock, NetConnection, NetError, NetLimits, Process, wait,
};

use crate::raw_peer::shake;

/// Both sides of a connection, over each kind of socket.
fn pairs() -> Vec<(NetConnection, NetConnection)> {
    let key = || Some(Key::new("k").unwrap());
    let any_port: Address = "127.0.0.1:0".parse().unwrap();
    let listeners = [
        Listener::new(key()).unwrap(),
        Listener::bind(any_port, key()).unwrap(),
        Listener::new(None).unwrap(),
    ];
    let keys = [key(), key(), None];
    let joined = listeners.into_iter().zip(keys).map(|(listener, key)| {
        let address = listener.address().clone();
        let client = std::thread::spawn(move || Client::connect(address, key).unwrap());
        (listener.accept().unwrap(), client.join().unwrap())
    });
    joined.collect()
}

#[test]
fn items_and_bytes_go_both_ways() {
    for (server, client) in pairs() {
        client.send("hello").unwrap();
        client.send(&(7, vec![Some(1.5)])).unwrap();
        client.send_bytes(b"").unwrap();
        client.send_bytes(b"bytes").unwrap();
        assert_eq!(server.recv::<String>().unwrap(), "hello");
        assert_eq!(
            server.recv::<(i32, Vec<Option<f64>>)>().unwrap(),
            (7, vec![Some(1.5)])
        );
        assert_eq!(server.recv_bytes().unwrap(), b"");
        assert_eq!(server.recv_bytes().unwrap(), b"bytes");
        server.send(&()).unwrap();
        assert!(matches!(client.recv(), Ok(())));
    }
}

#[test]
fn a_large_message_goes_both_ways_at_once() {
    for (server, client) in pairs() {
        let large: Vec<u8> = (0..5_000_000u32).map(|at| (at % 251) as u8).collect();
        let (to, from) = (client.clone(), client);
        let sent = large.clone();
        let sender = std::thread::spawn(move || to.send_bytes(&sent).unwrap());
        let echo = std::thread::spawn(move || {
            let message = server.recv_bytes().unwrap();
            server.send_bytes(&message).unwrap();
        });
        assert!(from.recv_bytes().unwrap() == large);
        sender.join().unwrap();
        echo.join().unwrap();
    }
}

#[test]
fn each_message_of_many_senders_is_whole() {
    for (server, client) in pairs() {
        let senders: Vec<_> = (0..4u8)
            .map(|who| {
                let client = client.clone();
                std::thread::spawn(move || {
                    for _ in 0..50 {
                        client.send_bytes(&vec![who; 10_000]).unwrap();
                    }
                })
            })
            .collect();
        let mut counts = [0; 4];
        for _ in 0..200 {
            let message = server.recv_bytes().unwrap();
            assert_eq!(message, vec![message[0]; 10_000]);
            counts[usize::from(message[0])] += 1;
        }
        assert_eq!(counts, [50; 4]);
        senders
            .into_iter()
            .for_each(|sender| sender.join().unwrap());
    }
}

#[test]
fn what_is_not_what_was_expected_is_told_and_the_next_comes() {
    for (server, client) in pairs() {
        client.send_bytes(b"x").unwrap();
        client.send(&1u8).unwrap();
        client.send("text").unwrap();
        client.send(&300u32).unwrap();
        client.send_bytes(b"abc").unwrap();
        client.send_bytes(b"abc").unwrap();
        assert!(matches!(
            server.recv::<u8>(),
            Err(NetError::Mismatch {
                expected: "an item"
            })
        ));
        assert!(matches!(
            server.recv_bytes(),
            Err(NetError::Mismatch { expected: "bytes" })
        ));
        assert!(matches!(server.recv::<u64>(), Err(NetError::Unreadable(_))));
        assert!(matches!(
            server.recv::<Lock>(),
            Err(NetError::Unreadable(_))
        ));
        match server.recv_bytes_into(&mut [0; 2]) {
            Err(NetError::BufferTooShort { message, room: 2 }) => assert_eq!(message, b"abc"),
            other => panic!("{other:?}"),
        }
        let mut buffer = [0; 5];
        assert_eq!(server.recv_bytes_into(&mut buffer).unwrap(), 3);
        assert_eq!(&buffer, b"abc\0\0");
    }
}

#[test]
fn a_shared_object_cannot_leave() {
    for (server, client) in pairs() {
        let told = client.send(&(1, Lock::new().unwrap()));
        assert!(matches!(told, Err(NetError::SharedObject)), "{told:?}");
        client.send(&2).unwrap();
        assert_eq!(
            server.recv::<i32>().unwrap(),
            2,
            "and nothing of it was sent"
        );
    }
}

#[test]
fn the_end_comes_after_what_was_sent() {
    for (server, client) in pairs() {
        assert!(!server.poll(Duration::ZERO).unwrap());
        assert!(wait(&[&server], Some(Duration::ZERO)).unwrap().is_empty());
        client.send(&1).unwrap();
        drop(client);
        assert_eq!(wait(&[&server], None).unwrap(), [0]);
        assert!(server.poll(Duration::from_secs(100)).unwrap());
        assert_eq!(server.recv::<i32>().unwrap(), 1);
        assert!(
            server.poll(Duration::from_secs(100)).unwrap(),
            "the end can be received"
        );
        assert!(matches!(server.recv::<i32>(), Err(NetError::Disconnected)));
        let told = (0..100).find_map(|_| server.send(&vec![0; 100_000]).err());
        assert!(matches!(told, Some(NetError::Disconnected)), "{told:?}");
    }
}

fn serve(connection: NetConnection) {
    connection.send(&"from another process").unwrap();
    let word: String = connection.recv().unwrap();
    assert_eq!(word, "over");
}

/// A server gives each client to a process of its own.
#[test]
fn a_connection_travels_to_another_process() {
    for (server, client) in pairs() {
        let child = Process::new(serve, (server,));
        child.start().unwrap();
        assert_eq!(client.recv::<String>().unwrap(), "from another process");
        client.send("over").unwrap();
        assert_eq!(child.join().unwrap(), 0);
        drop(child);
        assert!(matches!(
            client.recv::<String>(),
            Err(NetError::Disconnected)
        ));
    }
}

fn hold(connection: NetConnection, ready: Sender) {
    ready.send(&()).unwrap();
    let _: () = connection.recv().unwrap();
}

type Sender = forkproof::Sender<()>;

#[test]
fn a_killed_process_is_disconnected_at_once() {
    for (server, client) in pairs() {
        let (receiver, sender) = forkproof::Pipe::one_way().unwrap();
        let child = Process::new(hold, (server, sender));
        child.start().unwrap();
        receiver.recv().unwrap();
        child.kill().unwrap();
        assert!(matches!(client.recv::<()>(), Err(NetError::Disconnected)));
    }
}

/// A client, and a peer that has done the handshake and says what it likes.
fn with_raw_server(limits: NetLimits) -> (NetConnection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        shake(&mut stream, Role::Server, None, [8; 32]).unwrap();
        stream
    });
    let client = Client::connect_within(address, None, limits).unwrap();
    (client, server.join().unwrap())
}

#[test]
fn a_length_above_the_bound_is_the_end() {
    let (client, mut server) = with_raw_server(NetLimits::default().message_bytes(100));
    for announced in [101u32, u32::MAX] {
        server.write_all(&announced.to_le_bytes()).unwrap();
        server.write_all(&[0; 50]).unwrap();
        match client.recv_bytes() {
            Err(NetError::TooLong { most: 100, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    let told = client.send_bytes(&[0; 100]);
    assert!(
        matches!(
            told,
            Err(NetError::MessageTooLong {
                length: 101,
                most: 100
            })
        ),
        "{told:?}"
    );
}

#[test]
fn an_end_amid_a_message_is_told() {
    for kept in 1..9 {
        let (client, mut server) = with_raw_server(NetLimits::default());
        server
            .write_all(&[5, 0, 0, 0, 0, b'a', b'b', b'c', b'd'][..kept])
            .unwrap();
        drop(server);
        match client.recv_bytes() {
            Ok(whole) => assert_eq!((kept, &whole[..]), (9, &b"abcd"[..])),
            Err(NetError::Truncated) => assert!(kept < 9),
            other => panic!("{kept} bytes: {other:?}"),
        }
    }
}

/// A message of no bytes at all, without even its kind.
#[test]
fn an_empty_frame_is_no_message() {
    let (client, mut server) = with_raw_server(NetLimits::default());
    server
        .write_all(&[0, 0, 0, 0, 2, 0, 0, 0, 0, b'x'])
        .unwrap();
    assert!(matches!(
        client.recv_bytes(),
        Err(NetError::Mismatch { .. })
    ));
    assert_eq!(client.recv_bytes().unwrap(), b"x");
}

/// The form on the wire: what a program in another language would have to send.
#[test]
fn the_form_on_the_wire_is_as_documented() {
    let (client, mut server) = with_raw_server(NetLimits::default());
    client.send_bytes(b"ab").unwrap();
    client.send(&5u8).unwrap();
    let mut sent = [0; 13];
    server.read_exact(&mut sent).unwrap();
    assert_eq!(&sent, b"\x03\0\0\0\0ab\x02\0\0\0\x01\x05");
}
