//! `Listener` and `Client`: addresses, keys, and the ends of listeners.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forkproof::{
    Address, Client, HandshakeError, Key, Listener, NetError, NetLimits, Process, StartMethod,
};

use crate::raw_peer::{greeting, knock};

fn key(text: &str) -> Option<Key> {
    Some(Key::new(text).unwrap())
}

fn any_port() -> Address {
    "127.0.0.1:0".parse().unwrap()
}

fn path_of(listener: &Listener) -> PathBuf {
    match listener.address() {
        Address::Unix(path) => path.clone(),
        other => panic!("{other} is no path"),
    }
}

fn why(error: NetError) -> HandshakeError {
    match error {
        NetError::Handshake { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

/// What both sides are told.
fn meet(server_key: Option<Key>, client_key: Option<Key>) -> [Option<HandshakeError>; 2] {
    let listener = Listener::bind(any_port(), server_key).unwrap();
    let address = listener.address().clone();
    let client = std::thread::spawn(move || Client::connect(address, client_key).err().map(why));
    let server = listener.accept().err().map(why);
    [server, client.join().unwrap()]
}

#[test]
fn a_key_is_compared_on_both_sides() {
    use HandshakeError::*;
    assert_eq!(meet(key("k"), key("k")), [None, None]);
    assert_eq!(meet(None, None), [None, None]);
    assert_eq!(meet(key("k"), key("K")), [Some(WrongKey), Some(KeyRefused)]);
    assert_eq!(meet(key("k"), None), [Some(NoKey), Some(KeyNeeded)]);
    assert_eq!(meet(None, key("k")), [Some(KeyNeeded), Some(NoKey)]);
}

/// HMAC cannot tell an empty key from one of zeros: so a listener with the latter is tried.
#[test]
fn an_empty_key_is_none() {
    let told = Key::new("").unwrap_err();
    assert_eq!(
        told.to_string(),
        "an empty key lets everyone in: leave the key out, or give one of at least a byte"
    );
    assert_eq!(
        meet(key("\0"), key("\0\0")),
        [
            Some(HandshakeError::WrongKey),
            Some(HandshakeError::KeyRefused)
        ]
    );
}

#[test]
fn the_peers_addresses_are_known() {
    let listener = Listener::bind(any_port(), None).unwrap();
    assert_eq!(listener.last_accepted(), None);
    let client = connect_to(&listener);
    let server = listener.accept().unwrap();
    let client = client.join().unwrap();
    assert_eq!(client.peer(), listener.address());
    assert_eq!(listener.last_accepted().as_ref(), Some(server.peer()));
    assert!(matches!(server.peer(), Address::Tcp(peer) if peer.ip().is_loopback()));

    let listener = Listener::new(None).unwrap();
    let client = connect_to(&listener);
    let server = listener.accept().unwrap();
    client.join().unwrap();
    assert_eq!(server.peer(), &Address::Unix("".into()));
}

fn connect_to(listener: &Listener) -> std::thread::JoinHandle<forkproof::NetConnection> {
    let address = listener.address().clone();
    std::thread::spawn(move || Client::connect(address, None).unwrap())
}

#[test]
fn a_computers_name_is_looked_up() {
    let listener = Listener::bind("localhost:0".parse::<Address>().unwrap(), None).unwrap();
    let Address::Tcp(bound) = listener.address() else {
        panic!("{}", listener.address());
    };
    let name = Address::Host("localhost".to_owned(), bound.port());
    let client = std::thread::spawn(move || Client::connect(name, None).map(|_| ()));
    listener.accept().unwrap();
    client.join().unwrap().unwrap();
}

#[test]
fn where_no_one_listens_is_told() {
    let cannot = |address: Address| match Client::connect(address, None) {
        Err(NetError::Connect { why, .. }) => why.kind(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        cannot("no/such/path".parse().unwrap()),
        io::ErrorKind::NotFound
    );
    let port = Listener::bind(any_port(), None).unwrap().address().clone();
    assert_eq!(cannot(port), io::ErrorKind::ConnectionRefused);
    assert_eq!(
        cannot(Path::new(&"long/".repeat(40)).into()),
        io::ErrorKind::InvalidFilename
    );
}

#[test]
fn an_address_is_one_listeners() {
    for listener in [Listener::new(None), Listener::bind(any_port(), None)] {
        let listener = listener.unwrap();
        match Listener::bind(listener.address(), None) {
            Err(NetError::Bind { address, why }) => {
                assert_eq!(&address, listener.address());
                assert_eq!(why.kind(), io::ErrorKind::AddrInUse);
            }
            other => panic!("{other:?}"),
        }
        let client = connect_to(&listener);
        listener.accept().unwrap();
        client.join().unwrap();
    }
}

#[test]
fn a_fresh_path_is_private_and_goes_with_the_listener() {
    let listener = Listener::new(None).unwrap();
    let path = path_of(&listener);
    let folder = path.parent().unwrap();
    assert_eq!(
        folder.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert!(path.exists());
    drop(listener);
    assert!(!folder.exists());
}

#[test]
fn close_ends_it_and_only_once() {
    let listener = Listener::new(None).unwrap();
    let path = path_of(&listener);
    listener.close();
    assert!(!path.exists());
    assert!(matches!(listener.accept(), Err(NetError::Closed)));
    listener.close();
}

/// What is there is another's after someone removed it and bound anew.
#[test]
fn a_path_that_became_anothers_stays() {
    let folder = Listener::new(None).unwrap(); // for its private folder
    let path = path_of(&folder).with_file_name("other");
    let first = Listener::bind(path.clone(), None).unwrap();
    std::fs::remove_file(&path).unwrap();
    let second = Listener::bind(path.clone(), None).unwrap();
    drop(first);
    assert!(path.exists());
    drop(second);
    assert!(!path.exists());
}

/// A stranger who is greeted knows that someone accepts, and it does not let them finish.
fn greeted(mut stranger: impl Read + Write) -> impl Read + Write {
    stranger.write_all(&greeting(key("k"), 1)).unwrap();
    stranger.read_exact(&mut [0; 44]).unwrap();
    stranger
}

#[test]
fn close_wakes_who_accepts() {
    for address in [None, Some(any_port())] {
        let listener = match address {
            None => Listener::new(key("k")).unwrap(),
            Some(address) => Listener::bind(address, key("k")).unwrap(),
        };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| listener.accept());
            let (mut tcp, mut unix) = (None, None);
            match listener.address() {
                Address::Unix(path) => unix = Some(greeted(UnixStream::connect(path).unwrap())),
                port => tcp = Some(greeted(knock(port))),
            }
            listener.close();
            assert!(matches!(waiting.join().unwrap(), Err(NetError::Closed)));
            drop((tcp.take(), unix.take()));
        });
    }
}

#[test]
fn accepting_gives_up_in_time() {
    let listener = Listener::bind(any_port(), None).unwrap();
    for timeout in [Duration::ZERO, Duration::from_millis(1)] {
        assert!(listener.accept_timeout(timeout).unwrap().is_none());
    }
    let client = connect_to(&listener);
    let accepted = listener.accept_timeout(Duration::from_secs(1000)).unwrap();
    assert!(accepted.is_some());
    client.join().unwrap();
}

#[test]
fn what_was_accepted_outlives_its_listener() {
    let listener = Listener::new(None).unwrap();
    let client = connect_to(&listener);
    let server = listener.accept().unwrap();
    listener.close();
    server.send(&1).unwrap();
    assert_eq!(client.join().unwrap().recv::<i32>().unwrap(), 1);
}

fn connect_and_leave(address: Address) {
    Client::connect(address, None).unwrap();
}

/// Its memory is a copy of its parent's, with the listener in it: it is its parent's to remove.
#[test]
fn a_forked_child_does_not_end_its_parents_listener() {
    // Forked from a process without threads, which a test is not: so by a child of the zygote.
    let outer = Process::new(
        || {
            let listener = Listener::new(None).unwrap();
            let path = path_of(&listener);
            let child = Process::new(connect_and_leave, (listener.address().clone(),));
            let child = child.start_method(StartMethod::Fork);
            child.start().unwrap();
            listener.accept().unwrap();
            assert_eq!(child.join().unwrap(), 0);
            let listener = Arc::new(Mutex::new(Some(listener)));
            let shared = listener.clone();
            let copy = Process::from_closure(move || drop(shared.lock().unwrap().take()));
            copy.start().unwrap();
            assert_eq!(copy.join().unwrap(), 0);
            assert!(path.exists(), "the copy's end is not the listener's");
            drop(listener);
            assert!(!path.exists());
        },
        (),
    );
    outer.start().unwrap();
    assert_eq!(outer.join().unwrap(), 0);
}

#[test]
fn limits_of_zero_are_times_that_have_passed() {
    let listener = Listener::bind(any_port(), None).unwrap();
    let limits = NetLimits::default().handshake(Duration::ZERO);
    let told = Client::connect_within(listener.address(), None, limits);
    assert_eq!(why(told.unwrap_err()), HandshakeError::TooSlow);
}
