//! A manager's server from afar.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use forkproof::manager::Kind;
use forkproof::net::handshake::Role;
use forkproof::{
    Address, DictProxy, HandshakeError, Item, Key, ListProxy, Manager, ManagerError, NetError,
    NetLimits, Pipe, Process, Receiver, Sender, current_process,
};

use crate::raw_peer::{hear_out, knock, shake};

fn key() -> Key {
    Key::new("k").unwrap()
}

fn manager() -> Manager {
    let any_port: Address = "127.0.0.1:0".parse().unwrap();
    let builder = Manager::builder().address(any_port).key(key());
    builder.start().unwrap()
}

fn address(manager: &Manager) -> Address {
    manager.address().unwrap().unwrap()
}

/// Another process: so that it does not know the server already.
fn elsewhere(address: Address) {
    let manager = Manager::connect(address, key()).unwrap();
    let list: ListProxy<i64> = manager.find("list").unwrap();
    list.append(2).unwrap();
    assert_eq!(list.to_vec().unwrap(), [1, 2]);
    let other = manager.list([10]).unwrap();
    other.append(20).unwrap();
    assert_eq!(other.to_string(), "[10, 20]");
    let dict: DictProxy<String, ListProxy<i64>> = manager.find("dict").unwrap();
    dict.insert("other".to_owned(), other.clone()).unwrap();
    drop(other);
    dict.at("other").unwrap().append(30).unwrap();

    let told = manager.find::<ListProxy>("nothing").unwrap_err();
    assert_eq!(told.kind(), Some(Kind::KeyError));
    let told = manager.find::<DictProxy>("list").unwrap_err();
    assert!(matches!(told, ManagerError::Item(_)), "{told:?}");
    assert!(matches!(manager.shutdown(), Err(ManagerError::NotOurs)));
}

#[test]
fn a_client_elsewhere_works_with_the_same_objects() {
    let manager = manager();
    let list = manager.list([1]).unwrap();
    let dict: DictProxy<String, ListProxy<i64>> = manager.dict([]).unwrap();
    manager.publish("list", &list).unwrap();
    manager.publish("dict", &dict).unwrap();
    let client = Process::new(elsewhere, (address(&manager),));
    client.start().unwrap();
    assert_eq!(client.join().unwrap(), 0);
    assert_eq!(list.to_vec().unwrap(), [1, 2]);
    let other = dict.at("other").unwrap();
    assert_eq!(other.to_vec().unwrap(), [10, 20, 30]);
}

#[test]
fn over_a_unix_socket_too_whose_path_goes_with_the_manager() {
    let folder = std::env::temp_dir().join(format!("forkproof-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("manager");
    let manager = Manager::builder()
        .address(path.clone())
        .key(key())
        .start()
        .unwrap();
    let list = manager.list([1]).unwrap();
    manager.publish("list", &list).unwrap();
    let there = Process::new(
        |address: Address| {
            let manager = Manager::connect(address, key()).unwrap();
            manager
                .find::<ListProxy<i64>>("list")
                .unwrap()
                .append(7)
                .unwrap();
        },
        (address(&manager),),
    );
    there.start().unwrap();
    assert_eq!(there.join().unwrap(), 0);
    assert_eq!(list.to_vec().unwrap(), [1, 7]);
    assert!(path.exists());
    manager.shutdown().unwrap();
    assert!(!path.exists());
    std::fs::remove_dir(&folder).unwrap();
}

/// A manager with an address in a folder, its number and its server's told; killed with it, or before.
fn manager_at(path: std::path::PathBuf, told: Sender<u32>) {
    let manager = Manager::builder().address(path).key(key());
    let manager = manager.start().unwrap();
    let pool = manager.pool(1).unwrap();
    told.send(&manager.process().unwrap().pid().unwrap())
        .unwrap();
    told.send(&pool.apply(pid, ()).unwrap()).unwrap();
    loop {
        std::thread::park();
    }
}

fn pid() -> u32 {
    std::process::id()
}

forkproof::callable!(pid);

/// Readable when it has ended.
fn pidfd_of(pid: u32) -> std::os::fd::OwnedFd {
    forkproof::sys::child::pidfd_of(pid).unwrap()
}

/// Whether it is gone in time.
fn goes(path: &std::path::Path) -> bool {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while path.exists() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    !path.exists()
}

#[test]
fn a_killed_server_or_its_killed_parent_leaves_no_path_and_no_process() {
    for kills_parent in [false, true] {
        let folder = format!("forkproof-test-{}-{kills_parent}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("manager");
        let (heard, told) = Pipe::one_way().unwrap();
        let parent = Process::new(manager_at, (path.clone(), told));
        parent.start().unwrap();
        let [server, worker] = [(); 2].map(|()| heard.recv().unwrap());
        let ends = [server, worker].map(pidfd_of);
        assert!(path.exists());
        if kills_parent {
            parent.kill().unwrap();
        } else {
            nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(server as i32),
                nix::sys::signal::Signal::SIGKILL,
            )
            .unwrap();
        }
        let wait = |end| forkproof::wait(&[end], Some(Duration::from_secs(60))).unwrap();
        let ended = ends.each_ref().map(|end| wait(end));
        let is_gone = goes(&path);
        parent.kill().unwrap();
        parent.join().unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(ended, [[0], [0]], "the server, and its worker");
        assert!(is_gone, "{path:?} is left");
    }
}

#[test]
fn a_wrong_key_is_refused_and_the_server_goes_on() {
    let manager = manager();
    let list = manager.list([1]).unwrap();
    let told = Manager::connect(address(&manager), Key::new("another").unwrap());
    match told {
        Err(ManagerError::Net(NetError::Handshake {
            why: HandshakeError::KeyRefused,
            ..
        })) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(list.to_vec().unwrap(), [1]);
}

#[test]
fn an_address_in_use_is_told() {
    let manager = manager();
    let told = Manager::builder().address(address(&manager)).start();
    match told {
        Err(ManagerError::Net(NetError::Bind { why, .. })) => {
            assert_eq!(why.kind(), std::io::ErrorKind::AddrInUse);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_no_one_listens_is_told() {
    let manager = manager();
    let gone = address(&manager);
    manager.shutdown().unwrap();
    match Manager::connect(gone, key()) {
        Err(ManagerError::Net(NetError::Connect { why, .. })) => {
            assert_eq!(why.kind(), std::io::ErrorKind::ConnectionRefused);
        }
        other => panic!("{other:?}"),
    }
}

fn append_by_own_key(list: ListProxy<i64>) {
    list.append(5).unwrap();
}

fn has_another_key(list: ListProxy<i64>) {
    current_process().set_authkey(Key::new("another").unwrap());
    match list.append(6) {
        Err(ManagerError::Net(NetError::Handshake {
            why: HandshakeError::KeyRefused,
            ..
        })) => {}
        other => panic!("{other:?}"),
    }
}

/// The client's own children get a proxy with the address, and its key if it is the process's.
fn with_children(address: Address) {
    current_process().set_authkey(key());
    let manager = Manager::connect(address, current_process().authkey().unwrap()).unwrap();
    let list: ListProxy<i64> = manager.find("list").unwrap();
    let child = Process::new(append_by_own_key, (list.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    let child = Process::new(has_another_key, (list.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    assert_eq!(list.to_vec().unwrap(), [1, 5]);

    // One that its sender has dropped before the child looks at it.
    let (receiver, sender) = Pipe::one_way::<()>().unwrap();
    let fresh = manager.list([1]).unwrap();
    let child = Process::new(wait_and_append, (receiver, fresh));
    child.start().unwrap();
    let _ = manager.count_objects().unwrap();
    sender.send(&()).unwrap();
    assert_eq!(child.join().unwrap(), 0);
}

fn wait_and_append(go: Receiver<()>, list: ListProxy<i64>) {
    go.recv().unwrap();
    list.append(2).unwrap();
    assert_eq!(list.to_vec().unwrap(), [1, 2]);
}

#[test]
fn proxies_go_on_to_a_clients_children_without_the_key() {
    let manager = manager();
    manager
        .publish("list", &manager.list([1]).unwrap())
        .unwrap();
    let client = Process::new(with_children, (address(&manager),));
    client.start().unwrap();
    assert_eq!(client.join().unwrap(), 0);
    assert_eq!(settled(&manager), 1, "what only they had is gone");
}

/// How many objects there are, after the server has seen all that has happened.
fn settled(manager: &Manager) -> usize {
    // In the round of the first question it sees the ends of others as well.
    manager.count_objects().unwrap();
    manager.count_objects().unwrap()
}

fn make_and_wait(address: Address, ready: Sender<()>) {
    let manager = Manager::connect(address, key()).unwrap();
    let held: Vec<_> = (0..10)
        .map(|number| manager.list([number]).unwrap())
        .collect();
    ready.send(&()).unwrap();
    assert_eq!(held.len(), 10);
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_client_refers_to_nothing_any_more() {
    let manager = manager();
    let (receiver, sender) = Pipe::one_way::<()>().unwrap();
    let client = Process::new(make_and_wait, (address(&manager), sender));
    client.start().unwrap();
    receiver.recv().unwrap();
    assert_eq!(manager.count_objects().unwrap(), 10);
    client.kill().unwrap();
    client.join().unwrap();
    assert_eq!(settled(&manager), 0);
}

/// A proxy is its process's, whichever thread got it and whichever drops it.
fn threads(address: Address) {
    let manager = Manager::connect(address, key()).unwrap();
    let made = std::thread::scope(|scope| {
        let making = scope.spawn(|| manager.list([1, 2]).unwrap());
        making.join().unwrap()
    });
    assert_eq!(made.to_vec().unwrap(), [1, 2], "its thread has ended");
    std::thread::scope(|scope| {
        let dropping = scope.spawn(|| {
            drop(made);
            // Behind what the drop has told, on the same line.
            manager.count_objects().unwrap()
        });
        assert_eq!(dropping.join().unwrap(), 0);
    });
    assert!(matches!(
        manager.list([3]).unwrap().to_vec().as_deref(),
        Ok([3])
    ));
}

#[test]
fn a_clients_threads_share_its_proxies() {
    let manager = manager();
    let client = Process::new(threads, (address(&manager),));
    client.start().unwrap();
    assert_eq!(client.join().unwrap(), 0);
}

fn outlive(address: Address, ready: Sender<()>, killed: Receiver<()>) {
    let manager = Manager::connect(address, key()).unwrap();
    let list = manager.list([1]).unwrap();
    ready.send(&()).unwrap();
    killed.recv().unwrap();
    assert!(matches!(list.append(2), Err(ManagerError::ServerGone)));
    assert!(
        list.to_string().ends_with("; '__str__()' failed>"),
        "{list}"
    );
    let told = list.append(2).unwrap_err();
    assert!(
        matches!(
            told,
            ManagerError::ServerGone | ManagerError::Net(NetError::Connect { .. })
        ),
        "{told:?}"
    );
}

#[test]
fn a_killed_server_is_told() {
    let manager = manager();
    let (receiver, sender) = Pipe::one_way::<()>().unwrap();
    let (killed, kill) = Pipe::one_way::<()>().unwrap();
    let client = Process::new(outlive, (address(&manager), sender, killed));
    client.start().unwrap();
    receiver.recv().unwrap();
    let server = manager.process().unwrap();
    server.kill().unwrap();
    server.join().unwrap();
    kill.send(&()).unwrap();
    assert_eq!(client.join().unwrap(), 0);
}

fn large(address: Address) {
    let manager = Manager::connect(address, key()).unwrap();
    let list: ListProxy<Item> = manager.find("list").unwrap();
    let text = "x".repeat(500_000);
    list.append(Item::from(text.as_str())).unwrap();
    assert_eq!(list.get(0).unwrap(), Item::from(text.as_str()));
    let told = list.append(Item::from("x".repeat(2_000_000))).unwrap_err();
    assert!(
        matches!(
            told,
            ManagerError::TooLarge {
                most_bytes: 1_000_000
            }
        ),
        "{told:?}"
    );
    list.append(Item::from(text.as_str())).unwrap();
    // More than an answer may have.
    let told = list.to_vec().unwrap_err();
    assert_eq!(told.kind(), Some(Kind::RemoteError), "{told:?}");
    assert_eq!(list.len().unwrap(), 2, "the connection goes on");
}

#[test]
fn large_ones_go_and_too_large_ones_are_told() {
    let any_port: Address = "127.0.0.1:0".parse().unwrap();
    let limits = NetLimits::default().message_bytes(1_000_000);
    let builder = Manager::builder().address(any_port).key(key());
    let manager = builder.limits(limits).start().unwrap();
    let list: ListProxy<Item> = manager.list([]).unwrap();
    manager.publish("list", &list).unwrap();
    let client = Process::new(large, (address(&manager),));
    client.start().unwrap();
    assert_eq!(client.join().unwrap(), 0);
}

/// A peer that has the key, and then sends these messages.
fn says(manager: &Manager, nonce: u8, messages: &[&[u8]]) -> TcpStream {
    let mut peer = knock(&address(manager));
    shake(&mut peer, Role::Client, Some(key()), [nonce; 32]).expect("let in");
    for message in messages {
        let length = (message.len() as u32).to_le_bytes();
        // The server may have hung up after the first of them.
        let _ = peer.write_all(&[&length[..], message].concat());
    }
    peer
}

/// A session, which is told the server's number.
fn session(manager: &Manager, number: u8) -> TcpStream {
    let mut life = says(manager, number, &[&[0, number]]);
    let mut length = [0; 4];
    life.read_exact(&mut length).unwrap();
    let mut welcome = vec![0; u32::from_le_bytes(length) as usize];
    life.read_exact(&mut welcome).unwrap();
    life
}

#[test]
fn who_does_not_begin_as_agreed_is_hung_up_on() {
    let manager = manager();
    let _life = session(&manager, 1);
    let openings: [&[&[u8]]; 8] = [
        &[b""],
        &[b"\x03\x01"],              // no such opening
        &[b"\x00\x02\x00"],          // one byte too many
        &[b"\x00\x01"],              // the other's session
        &[b"\x01\x07"],              // a line of no one's
        &[b"\x02\x07"],              // a leash of no one's
        &[b"\x00\x09", b"anything"], // a session has nothing more to say
        &[&[7; 100]],
    ];
    for (nonce, messages) in openings.into_iter().enumerate() {
        let mut peer = says(&manager, nonce as u8, messages);
        hear_out(&mut peer);
    }
    // A length far above the bound.
    let mut peer = says(&manager, 20, &[]);
    peer.write_all(&[255; 4]).unwrap();
    assert_eq!(hear_out(&mut peer), b"");
    assert_eq!(
        manager.count_objects().unwrap(),
        0,
        "and the server goes on"
    );
}

/// Among them that it is to end, which is for its owner to say.
#[test]
fn no_request_from_afar_ends_the_server() {
    let manager = manager();
    let list = manager.list([1]).unwrap();
    let _life = session(&manager, 1);
    for request in 0..=255 {
        for rest in [&[][..], &[1], &[0, 0]] {
            let message = [&[request][..], rest].concat();
            let mut peer = says(&manager, 2, &[&[1, 1], &message]);
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            hear_out(&mut peer);
        }
    }
    assert_eq!(list.to_vec().unwrap(), [1]);
}

/// What a session had is given up at its end, and its lines with it.
#[test]
fn the_end_of_a_session_is_the_end_of_its_lines() {
    let manager = manager();
    let life = session(&manager, 3);
    let mut line = says(&manager, 4, &[&[1, 3]]);
    drop(life);
    assert_eq!(hear_out(&mut line), b"");
}
