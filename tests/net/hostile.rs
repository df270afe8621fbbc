//! Those who mean harm, and those who are slow: each costs its own connection and nothing else.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use forkproof::net::handshake::{Handshake, Role};
use forkproof::{Address, Client, HandshakeError, Key, Listener, NetError, NetLimits};

use crate::raw_peer::{greeting, hear_out, knock, say, shake};

fn key() -> Option<Key> {
    Some(Key::new("k").unwrap())
}

fn listener(limits: NetLimits) -> Listener {
    let any_port: Address = "127.0.0.1:0".parse().unwrap();
    Listener::bind_within(any_port, key(), limits).unwrap()
}

fn patient() -> Listener {
    listener(NetLimits::default().handshake(Duration::from_secs(3600)))
}

/// Why the next client was turned away, after whose own address that is.
fn refused(listener: &Listener) -> HandshakeError {
    match listener.accept() {
        Err(NetError::Handshake { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

/// The listener still lets in who has the key.
fn still_serves(listener: &Listener) {
    let address = listener.address().clone();
    let client = std::thread::spawn(move || Client::connect(address, key()).unwrap());
    let server = listener.accept().unwrap();
    server.send(&1).unwrap();
    assert_eq!(client.join().unwrap().recv::<i32>().unwrap(), 1);
}

#[test]
fn silent_ones_hold_up_no_one() {
    let listener = patient();
    let _silent: Vec<_> = (0..10).map(|_| knock(listener.address())).collect();
    let _slow: Vec<_> = (0..44)
        .map(|sent| {
            let mut slow = knock(listener.address());
            slow.write_all(&greeting(key(), 1)[..sent]).unwrap();
            slow
        })
        .collect();
    still_serves(&listener);
    still_serves(&listener);
}

#[test]
fn one_that_never_finishes_is_given_up_in_time() {
    let listener = listener(NetLimits::default().handshake(Duration::from_millis(20)));
    let mut silent = knock(listener.address());
    assert_eq!(refused(&listener), HandshakeError::TooSlow);
    assert_eq!(hear_out(&mut silent), b"", "it is hung up on");
    // A byte now and then does not prolong it.
    let mut slow = knock(listener.address());
    let text = greeting(key(), 1);
    let (hung_up, told) = std::sync::mpsc::channel::<()>();
    let slow_one = std::thread::spawn(move || {
        for byte in text.iter().cycle() {
            let ended = told
                .recv_timeout(Duration::from_millis(2))
                .is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Disconnected);
            if ended || slow.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    // Its greeting may be done, and it begins anew where a proof should be: refused for either.
    let why = refused(&listener);
    drop(hung_up);
    slow_one.join().unwrap();
    assert!(
        matches!(why, HandshakeError::TooSlow | HandshakeError::WrongKey),
        "{why:?}"
    );
}

#[test]
fn a_client_gives_up_a_silent_server_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(silent.local_addr().unwrap());
    let limits = NetLimits::default().handshake(Duration::from_millis(20));
    match Client::connect_within(address, key(), limits) {
        Err(NetError::Handshake {
            why: HandshakeError::TooSlow,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

/// One byte of an honest client's messages is another.
#[test]
fn garbage_at_each_place_is_refused() {
    let listener = patient();
    for place in 0..44 + 32 {
        let mut client = knock(listener.address());
        let garbler = std::thread::spawn(move || {
            let mut honest = Handshake::new(Role::Client, key(), [7; 32]);
            let mut text = honest.take_output();
            if place < 44 {
                text[place] ^= 0x80;
                say(&mut client, &text);
                // A changed nonce is only told when the proof does not match it.
                say(&mut client, &[0; 32]);
            } else {
                say(&mut client, &text);
                let mut theirs = [0; 44];
                std::io::Read::read_exact(&mut client, &mut theirs).unwrap();
                honest.receive(&theirs).unwrap();
                let mut proof = honest.take_output();
                proof[place - 44] ^= 0x80;
                say(&mut client, &proof);
            }
            hear_out(&mut client)
        });
        refused(&listener);
        let heard = garbler.join().unwrap();
        assert!(heard.len() <= 44 + 1, "byte {place}: it is told no proof");
    }
    still_serves(&listener);
}

#[test]
fn one_that_hangs_up_at_each_place_is_told() {
    let listener = patient();
    for sent in 0..44 {
        let mut client = knock(listener.address());
        client.write_all(&greeting(key(), 1)[..sent]).unwrap();
        drop(client);
        assert_eq!(
            refused(&listener),
            HandshakeError::HungUp,
            "after {sent} bytes"
        );
    }
    still_serves(&listener);
}

#[test]
fn a_byte_at_a_time_is_slow_but_right() {
    let listener = patient();
    let mut client = knock(listener.address());
    client.set_nodelay(true).unwrap();
    let slow = std::thread::spawn(move || {
        let mut honest = Handshake::new(Role::Client, key(), [7; 32]);
        while !honest.is_done() {
            for byte in honest.take_output() {
                client.write_all(&[byte]).unwrap();
            }
            let mut byte = [0];
            std::io::Read::read_exact(&mut client, &mut byte).unwrap();
            honest.receive(&byte).unwrap();
        }
    });
    listener.accept().unwrap();
    slow.join().unwrap();
}

/// What an honest client sent, sent again: the listener's nonce is another each time.
#[test]
fn a_recording_is_refused() {
    let listener = patient();
    let mut client = knock(listener.address());
    let honest = std::thread::spawn(move || shake(&mut client, Role::Client, key(), [7; 32]));
    listener.accept().unwrap();
    let recorded = honest.join().unwrap().unwrap();
    assert_eq!(recorded.len(), 44 + 32);
    let mut replayer = knock(listener.address());
    say(&mut replayer, &recorded);
    assert_eq!(refused(&listener), HandshakeError::WrongKey);
    let heard = hear_out(&mut replayer);
    assert_eq!((heard.len(), heard.last()), (45, Some(&0)));
}

/// And a recording of a server, to a client.
#[test]
fn a_recorded_server_is_refused() {
    let real = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(real.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = real.accept().unwrap();
        let recorded = shake(&mut stream, Role::Server, key(), [7; 32]).unwrap();
        let (mut stream, _) = real.accept().unwrap();
        say(&mut stream, &recorded);
        hear_out(&mut stream);
    });
    Client::connect(&address, key()).unwrap();
    match Client::connect(&address, key()) {
        Err(NetError::Handshake {
            why: HandshakeError::WrongKey,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    server.join().unwrap();
}

#[test]
fn a_client_that_hears_itself_is_not_fooled() {
    let mirror = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(mirror.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (stream, _) = mirror.accept().unwrap();
        let _ = std::io::copy(&mut &stream, &mut &stream);
    });
    match Client::connect(address, key()) {
        Err(NetError::Handshake { why, .. }) => {
            assert_eq!(why, HandshakeError::SameRole(Role::Client));
        }
        other => panic!("{other:?}"),
    }
    server.join().unwrap();
}

/// A server that does not know the key, and lets everyone in.
#[test]
fn a_false_server_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let guess = Some(Key::new("a guess").unwrap());
        let mut server = Handshake::new(Role::Server, guess, [7; 32]);
        let mut theirs = [0; 44];
        std::io::Read::read_exact(&mut stream, &mut theirs).unwrap();
        server.receive(&theirs).unwrap();
        say(&mut stream, &server.take_output());
        let mut proof = [1; 33];
        std::io::Read::read_exact(&mut stream, &mut proof[1..]).unwrap();
        say(&mut stream, &proof);
        hear_out(&mut stream)
    });
    match Client::connect(address, key()) {
        Err(NetError::Handshake {
            why: HandshakeError::WrongKey,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(server.join().unwrap(), b"", "it is told nothing more");
}

/// Far more strangers than are kept at once, each in one of the ways to be a nuisance; between them, friends.
#[test]
fn a_crowd_of_strangers_does_not_keep_friends_out() {
    let listener = listener(NetLimits::default().strangers(4));
    let address = listener.address().clone();
    let (done, told) = std::sync::mpsc::channel::<()>();
    let crowd = std::thread::spawn(move || {
        let mut open: Vec<TcpStream> = Vec::new();
        for round in 0usize.. {
            if told.try_recv().is_ok() {
                return;
            }
            let Address::Tcp(port) = address else {
                unreachable!()
            };
            let Ok(mut stream) = TcpStream::connect(port) else {
                return;
            };
            match round % 4 {
                0 => {}
                1 => say(&mut stream, b"GET / HTTP/1.1\r\n\r\n"),
                2 => say(&mut stream, &greeting(None, 3)),
                _ => say(&mut stream, &[greeting(key(), 3), vec![0; 32]].concat()),
            }
            open.push(stream);
            if open.len() > 2 {
                open.remove(0);
            }
        }
    });
    let address = listener.address().clone();
    let friend = std::thread::spawn(move || {
        for number in 0..20 {
            Client::connect(&address, key())
                .unwrap()
                .send(&number)
                .unwrap();
        }
    });
    let mut friends = 0;
    while friends < 20 {
        match listener.accept() {
            Ok(connection) => {
                assert_eq!(connection.recv::<i32>().unwrap(), friends);
                friends += 1;
            }
            Err(NetError::Handshake { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    friend.join().unwrap();
    done.send(()).unwrap();
    listener.close();
    crowd.join().unwrap();
}
