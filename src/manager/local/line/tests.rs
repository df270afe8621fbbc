//! Clients that do not keep to the rules: each costs its own connection, and no one else notices.

use std::os::fd::AsFd;
use std::thread::JoinHandle;

use super::*;
use crate::manager::cargo::{self, Reader};
use crate::manager::home::{Home, Route};
use crate::manager::item::Item;
use crate::manager::local::Door;
use crate::manager::local::piece::Bytes;
use crate::manager::server::{Reply, Request, Server};
use crate::sys::child::pidfd_of;

/// A server in a thread, until it is dropped. Each test has a manager's number of its own.
struct Served {
    manager: u64,
    address: Address,
    thread: Option<JoinHandle<io::Result<()>>>,
    /// Closed, it is as if the server's parent ended.
    parent: Option<io::PipeWriter>,
}

fn served(manager: u64) -> Served {
    let (door, way_in) = Door::new(100_000).unwrap();
    let (ended, parent) = io::pipe().unwrap();
    let server = move || Server::new(manager, vec![Box::new(door.open())]).run(ended.as_fd());
    let own = pidfd_of(std::process::id()).unwrap();
    Served {
        manager,
        address: Address::of(way_in.socket().clone(), Arc::new(own)),
        thread: Some(std::thread::spawn(server)),
        parent: Some(parent),
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.parent.take();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            matches!(ended, Some(Ok(Ok(())))),
            "the server did not end well"
        );
    }
}

impl Served {
    fn ask(&self, line: &mut LocalLine, request: &Request) -> Result<Reply, ManagerError> {
        let message = cargo::pack(request, self.manager).unwrap();
        let reply = line.ask(message)?;
        let address = Address::of(self.address.door().clone(), self.address.server().clone());
        let home = Home::at(self.manager, Route::Local(address));
        Ok(cargo::unpack(&reply, Reader::Client(home)).unwrap())
    }

    fn still_serves(&self, line: &mut LocalLine) {
        let reply = self.ask(line, &Request::Count).unwrap();
        assert!(matches!(reply, Reply::Value(Item::Int(_))), "{reply:?}");
    }
}

fn is_cut(outcome: Result<Message, ManagerError>) {
    let error = outcome.err().expect("the connection should be closed");
    assert!(matches!(error, ManagerError::Disconnected), "{error}");
}

#[test]
fn garbage_at_the_door_is_thrown_away() {
    let served = served(1);
    let mut good = served.address.connect().unwrap();
    let door = Wire::from(served.address.door().clone());
    for length in [1, 7, 64, 4_000, 5_000] {
        let garbage: Vec<u8> = (0..length).map(|at| (at * 37 % 251) as u8).collect();
        door.send(&garbage, &[]).unwrap();
        door.send(&garbage, &[door.as_fd(), door.as_fd(), door.as_fd()])
            .unwrap();
        served.still_serves(&mut good);
    }
    served.still_serves(&mut served.address.connect().unwrap());
}

#[test]
fn a_record_without_meaning_costs_its_connection_alone() {
    let served = served(2);
    let mut good = served.address.connect().unwrap();
    let valid = cargo::pack(&Request::Count, served.manager).unwrap().bytes;
    let last = |bytes: &[u8]| Piece::Last(Bytes(bytes.to_vec()), Vec::new());
    let with_more: Vec<u8> = valid.iter().copied().chain([0]).collect();
    // A list of a list of a list.., deeper than a stack.
    let mut deep = cargo::pack(
        &Request::Create {
            typeid: "list".to_owned(),
            args: vec![Item::List(Vec::new())],
        },
        served.manager,
    )
    .unwrap()
    .bytes;
    deep.truncate(deep.len() - 2);
    deep.extend([6, 1].repeat(20_000));
    for pieces in [
        vec![Piece::Next],
        vec![last(b"")],
        vec![last(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")],
        vec![last(&with_more)],
        vec![last(&deep)],
        vec![Piece::Part(Bytes(vec![9; 10])), last(b"\x07")],
    ] {
        let bad = served.address.connect().unwrap();
        for piece in pieces {
            bad.requests.try_put(piece).unwrap();
        }
        bad.bell.try_send(&[RING], &[]).unwrap();
        let outcome = loop {
            match bad.next_piece() {
                Ok(Piece::Next) => {} // for the part
                Ok(_) => panic!("it was answered"),
                Err(error) => break Err(error),
            }
        };
        is_cut(outcome);
        served.still_serves(&mut good);
    }
}

/// Each byte of a request changed, each length cut: an answer or the end of the connection, and the server lives.
#[test]
fn a_request_with_an_error_at_every_place() {
    let served = served(3);
    let mut good = served.address.connect().unwrap();
    let request = Request::Create {
        typeid: "dict".to_owned(),
        args: vec![Item::List(vec![Item::Tuple(vec![
            Item::from("key"),
            Item::from(1.5),
        ])])],
    };
    let valid = cargo::pack(&request, served.manager).unwrap().bytes;
    for at in 0..valid.len() {
        for changed in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = valid.clone();
            bytes[at] = changed;
            let files = Vec::new();
            let mut line = served.address.connect().unwrap();
            let _ = line.ask(Message { bytes, files });
        }
        let bytes = valid[..at].to_vec();
        let files = Vec::new();
        is_cut(
            served
                .address
                .connect()
                .unwrap()
                .ask(Message { bytes, files }),
        );
    }
    served.still_serves(&mut good);
}

#[test]
fn who_waits_and_asks_is_cut_and_waits_no_more() {
    let served = served(4);
    let mut good = served.address.connect().unwrap();
    let lock = Request::Create {
        typeid: "Lock".to_owned(),
        args: Vec::new(),
    };
    let Reply::Value(Item::Proxy(lock)) = served.ask(&mut good, &lock).unwrap() else {
        panic!("no lock");
    };
    let object = lock.token().object;
    let call = |method: &str| Request::Call {
        object,
        method: method.to_owned(),
        args: Vec::new(),
    };
    served.ask(&mut good, &call("acquire")).unwrap();
    let mut bad = served.address.connect().unwrap();
    let waits = cargo::pack(&call("acquire"), served.manager).unwrap().bytes;
    bad.put(Piece::Last(Bytes(waits), Vec::new())).unwrap();
    is_cut(bad.ask(cargo::pack(&Request::Count, served.manager).unwrap()));
    served.ask(&mut good, &call("release")).unwrap();
    let again = served.ask(&mut good, &call("acquire")).unwrap();
    assert!(matches!(again, Reply::Value(Item::Bool(true))), "{again:?}");
    drop(good);
    drop(lock);
}

/// Pieces without end: what one request may take is bounded, and the next is served.
#[test]
fn a_request_without_end_is_refused() {
    let served = served(5);
    let mut line = served.address.connect().unwrap();
    let bytes = vec![0; 150_000];
    let files = Vec::new();
    let reply = line.ask(Message { bytes, files }).unwrap();
    let bytes = postcard::to_allocvec(&Reply::TooLarge {
        most_bytes: 100_000,
    });
    assert_eq!(reply.bytes, bytes.unwrap());
    served.still_serves(&mut line);
}
