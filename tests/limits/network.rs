//! Connections over a network where there is no memory for a message, and where there are no descriptors.

use std::io::ErrorKind::OutOfMemory;

use forkproof::net::Door;
use forkproof::shm::passage::PassageError;
use forkproof::sys::poll;
use forkproof::{
    Address, Client, Key, Listener, Manager, NetConnection, NetError, NetLimits, Pipe, Process,
    Receiver, Sender,
};
use nix::sys::resource::Resource;

use super::files::{MANY, at_every_number, made, open_files};
use super::memory::{LARGE, SPARE, Text, large, with_spare};
use super::{apart, within};

/// More than an arena of malloc's has, one of which each thread leaves behind.
const HUGE: usize = 2 * LARGE;

fn limits() -> NetLimits {
    NetLimits::default().message_bytes(2 * HUGE)
}

fn key() -> Option<Key> {
    Key::new("k").ok()
}

fn any_port() -> Address {
    "127.0.0.1:0".parse().unwrap()
}

/// At a port, or at the path of a unix socket.
fn listener(is_tcp: bool) -> Listener {
    match is_tcp {
        true => Listener::bind_within(any_port(), key(), limits()),
        false => Listener::new(key()),
    }
    .unwrap()
}

/// Both ends of a connection.
fn connection(is_tcp: bool) -> (NetConnection, NetConnection) {
    let listener = listener(is_tcp);
    std::thread::scope(|scope| {
        let connect = || Client::connect_within(listener.address(), key(), limits());
        let client = scope.spawn(connect);
        let served = listener.accept().unwrap();
        (served, client.join().unwrap().unwrap())
    })
}

#[track_caller]
fn assert_no_memory<T>(refused: Result<T, NetError>) {
    match refused.map(drop) {
        Err(NetError::Io(error)) => assert_eq!(error.kind(), OutOfMemory),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_without_memory_is_not_sent_and_the_next_one_is() {
    apart(|| send_without_memory(false));
    apart(|| send_without_memory(true));
}

fn send_without_memory(is_tcp: bool) {
    let (there, here) = connection(is_tcp);
    let item = Text("x".repeat(HUGE));
    with_spare(SPARE, || {
        match here.send(&item) {
            Err(NetError::Unsendable(PassageError::Pack(_))) => {}
            other => panic!("{other:?}"),
        }
        assert_no_memory(here.send_bytes(item.0.as_bytes()));
        here.send_bytes(b"next").unwrap();
    });
    assert_eq!(there.recv_bytes().unwrap(), b"next");
    there.send(&7).unwrap();
    assert_eq!(here.recv::<i32>().unwrap(), 7, "and the other way");
}

fn send_large(connection: NetConnection) -> Result<(), NetError> {
    connection.send_bytes(&vec![7; LARGE])?;
    connection.send(&large())?;
    connection.send_bytes(b"next")
}

#[test]
fn a_message_without_memory_is_received_when_there_is_some() {
    apart(|| receive_without_memory(false));
    apart(|| receive_without_memory(true));
}

fn receive_without_memory(is_tcp: bool) {
    let (here, there) = connection(is_tcp);
    let sender = Process::new(send_large, (there,));
    sender.start().unwrap();
    with_spare(SPARE, || {
        for _ in 0..2 {
            assert_no_memory(here.recv_bytes());
            assert_no_memory(here.recv::<Text>());
        }
    });
    assert!(here.recv_bytes().unwrap() == vec![7; LARGE]);
    assert!(here.recv::<Text>().unwrap() == large());
    assert_eq!(here.recv_bytes().unwrap(), b"next");
    assert_eq!(sender.join().unwrap(), 0);
}

fn connect_and_send_large(address: Address) -> Result<(), NetError> {
    let connection = Client::connect(address, key())?;
    // The server gives it up amid the message.
    assert!(connection.send_bytes(&vec![7; LARGE]).is_err());
    Ok(())
}

/// Of a server that serves many with one thread: the connection that has no memory ends, and the server goes on.
#[test]
fn a_servers_link_without_memory_is_an_error_of_its_own() {
    apart(|| {
        let mut door = Door::bind(&any_port(), key(), NetLimits::default()).unwrap();
        let client = Process::new(connect_and_send_large, (door.address().clone(),));
        client.start().unwrap();
        let mut link = loop {
            let watches: Vec<_> = door.watches().collect();
            poll::ready(&watches, None).unwrap();
            drop(watches);
            if let Some(link) = door.pump().unwrap().pop() {
                break link.unwrap();
            }
        };
        let reply = vec![7; LARGE];
        with_spare(SPARE, || {
            assert_no_memory(link.queue(&reply));
            assert_eq!(link.unsent_bytes(), 0);
            let ended = loop {
                match link.pump() {
                    Ok(()) => assert!(link.next_message().is_none(), "it is too large"),
                    Err(ended) => break ended,
                }
                let watches: Vec<_> = link.watches().collect();
                poll::ready(&watches, None).unwrap();
            };
            assert_no_memory::<()>(Err(ended));
        });
        drop(link);
        assert_eq!(client.join().unwrap(), 0);
        assert!(door.pump().unwrap().is_empty(), "the door is open");
    });
}

#[test]
fn sending_and_receiving_take_no_descriptor_and_travelling_is_refused_without() {
    apart(|| {
        for is_tcp in [false, true] {
            let (here, there) = connection(is_tcp);
            let (_, free) = open_files();
            within(Resource::RLIMIT_NOFILE, free, || {
                here.send(&7).unwrap();
                assert_eq!(there.recv::<i32>().unwrap(), 7);
            });
            at_every_number("a connection as an argument", 1, || {
                let child = Process::new(|_: NetConnection| {}, (there.clone(),));
                child.start()?;
                assert_eq!(child.join()?, 0);
                Ok(child.close()?)
            });
            here.send(&8).unwrap();
            assert_eq!(there.recv::<i32>().unwrap(), 8, "it is as it was");
        }
    });
}

/// Accepts until it is told that no more come.
fn serve(is_tcp: bool, addresses: Sender<Address>, enough: Receiver<()>) {
    let listener = listener(is_tcp);
    addresses.send(listener.address()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| while listener.accept().is_ok() {});
        let _ = enough.recv();
        listener.close(); // and nothing of it is left
    });
}

#[test]
fn a_client_without_descriptors_is_refused() {
    apart(|| {
        for is_tcp in [false, true] {
            let (addresses, to_tell) = Pipe::one_way().unwrap();
            let (to_hear, enough) = Pipe::one_way().unwrap();
            let server = Process::new(serve, (is_tcp, to_tell, to_hear));
            server.start().unwrap();
            let address: Address = addresses.recv().unwrap();
            at_every_number("connect", 1, || {
                made(Client::connect(address.clone(), key()))
            });
            enough.send(&()).unwrap();
            assert_eq!(server.join().unwrap(), 0);
        }
    });
}

/// Connects whenever it is told to; says why it could not.
fn connect(address: Address, go: Receiver<()>, outcomes: Sender<Option<String>>) {
    for _ in go.iter() {
        let refused = Client::connect(address.clone(), key()).map(drop).err();
        outcomes
            .send(&refused.map(|error| error.to_string()))
            .unwrap();
    }
}

/// Strangers are turned away while there are no descriptors for them; the one who accepts sleeps on, and has the next
/// one as soon as there are some.
#[test]
fn a_listener_without_descriptors_turns_away_and_goes_on() {
    apart(|| {
        for is_tcp in [false, true] {
            let listener = listener(is_tcp);
            let (to_hear, go) = Pipe::one_way().unwrap();
            let (outcomes, to_tell) = Pipe::one_way().unwrap();
            let client = Process::new(connect, (listener.address().clone(), to_hear, to_tell));
            client.start().unwrap();
            let (_, free) = open_files();
            let mut turned_away = 0;
            let come = || {
                go.send(&()).unwrap();
                outcomes.recv().unwrap()
            };
            for spare in 0..MANY {
                let is_in = std::thread::scope(|scope| {
                    let accepting = scope.spawn(|| listener.accept().map(drop));
                    let refused = within(Resource::RLIMIT_NOFILE, free + spare, come);
                    if refused.is_some() {
                        assert_eq!(come(), None, "as soon as there are some");
                    }
                    accepting.join().unwrap().unwrap();
                    refused.is_none()
                });
                if is_in {
                    break;
                }
                turned_away += 1;
            }
            assert!((1..MANY).contains(&turned_away), "{turned_away}");
            drop(go);
            assert_eq!(client.join().unwrap(), 0);
        }
    });
}

/// It has room for the first of those that come. It turns away the others, and serves whom it has.
#[test]
fn a_managers_server_without_descriptors_turns_away_and_goes_on() {
    apart(|| {
        let (_, free) = open_files();
        let builder = Manager::builder().address(any_port()).key(key().unwrap());
        let manager = within(Resource::RLIMIT_NOFILE, free + MANY, || builder.start()).unwrap();
        let address = manager.address().unwrap().unwrap();
        let list = manager.list([5]).unwrap();
        let mut served = Vec::new();
        let refused = loop {
            match Client::connect(&address, key()) {
                Ok(connection) => served.push(connection),
                Err(error) => break error,
            }
            assert!(served.len() < 2 * (free + MANY) as usize);
        };
        assert!(
            matches!(refused, NetError::Handshake { .. } | NetError::Disconnected),
            "{refused:?}"
        );
        assert_eq!(list.len().unwrap(), 1, "whom it has");
        drop(served);
        // Asked after they went, it answers when it has seen that.
        assert_eq!(list.len().unwrap(), 1);
        Client::connect(&address, key()).unwrap();
    });
}
