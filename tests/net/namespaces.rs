//! A manager and its client on two computers: in two network namespaces, with a cable between them (a pair of veth),
//! where this machine lets a test make them; else at two addresses of this one.
//!
//! The two sides are tests of this file that are run on their own, each in its namespace.

use std::env;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use forkproof::{
    Address, Client, HandshakeError, Key, ListProxy, Listener, Manager, ManagerError, NetError,
};

/// Which side of which pair of addresses this process is: set by the test that starts it.
const FOLDER: &str = "FORKPROOF_TEST_FOLDER";
const SERVER_IP: &str = "FORKPROOF_TEST_SERVER_IP";
const CLIENT_IP: &str = "FORKPROOF_TEST_CLIENT_IP";

/// After which the other side is taken to have failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn key() -> Key {
    Key::new("k").unwrap()
}

/// Makes the namespaces and the cable, and runs `$1` for the server and `$2` for the client.
const TWO_COMPUTERS: &str = r#"
set -e
cd "$FORKPROOF_TEST_FOLDER"
mkfifo apart
unshare --net sh -c '
    echo > apart
    read _ < go
    ip link set lo up
    ip address add 10.77.0.2/24 dev far
    ip link set far up
    exec "$0" --exact namespaces::client --ignored --nocapture
' "$1" &
client=$!
read _ < apart
ip link set lo up
ip link add near type veth peer name far netns $client
ip address add 10.77.0.1/24 dev near
ip link set near up
"$1" --exact namespaces::server --ignored --nocapture
wait $client
"#;

/// The same, at two addresses of one computer.
const ONE_COMPUTER: &str = r#"
set -e
cd "$FORKPROOF_TEST_FOLDER"
sh -c 'read _ < go; exec "$0" --exact namespaces::client --ignored --nocapture' "$1" &
client=$!
"$1" --exact namespaces::server --ignored --nocapture
wait $client
"#;

/// Whether this machine lets us.
fn can_make_namespaces() -> bool {
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "ip", "link", "add"])
        .args(["near", "type", "veth", "peer", "name", "far"])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

#[test]
fn a_manager_serves_another_computer() {
    let two = can_make_namespaces();
    let folder = env::temp_dir().join(format!("forkproof-far-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let made = Command::new("mkfifo").arg(folder.join("go")).status();
    assert!(made.unwrap().success());
    let (mut command, ips) = match two {
        true => {
            let mut command = Command::new("unshare");
            command.args([
                "--user",
                "--map-root-user",
                "--net",
                "sh",
                "-c",
                TWO_COMPUTERS,
            ]);
            (command, ["10.77.0.1", "10.77.0.2"])
        }
        false => {
            println!("no namespaces here: two loopback addresses");
            let mut command = Command::new("sh");
            command.args(["-c", ONE_COMPUTER]);
            (command, ["127.0.0.2", "127.0.0.1"])
        }
    };
    command.arg("sh").arg(env::current_exe().unwrap());
    command.env(FOLDER, &folder);
    command.env(SERVER_IP, ips[0]).env(CLIENT_IP, ips[1]);
    let ended = command.output().unwrap();
    let reached = fs::read_to_string(folder.join("reached"));
    fs::remove_dir_all(&folder).unwrap();
    let text = String::from_utf8_lossy(&ended.stderr);
    let out = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{out}\n{text}");
    assert_eq!(reached.unwrap(), ips[1], "both sides ran\n{out}\n{text}");
}

/// One side of it.
#[test]
#[ignore = "a side of a_manager_serves_another_computer, which runs it"]
fn server() {
    let folder = env::var(FOLDER).unwrap();
    let ip: std::net::IpAddr = env::var(SERVER_IP).unwrap().parse().unwrap();
    let manager = Manager::builder()
        .address((ip, 0))
        .key(key())
        .start()
        .unwrap();
    let list = manager.list([1i64]).unwrap();
    manager.publish("list", &list).unwrap();
    let listener = Listener::bind((ip, 0), Some(key())).unwrap();
    let addresses = [&manager.address().unwrap().unwrap(), listener.address()];
    let addresses = addresses.map(Address::to_string).join(" ");
    fs::write(format!("{folder}/addresses"), addresses).unwrap();
    let mut go = fs::OpenOptions::new()
        .write(true)
        .open(format!("{folder}/go"))
        .unwrap();
    writeln!(go).unwrap();
    let client = loop {
        match listener.accept_timeout(PATIENCE) {
            Ok(client) => break client.expect("the client comes"),
            Err(NetError::Handshake {
                why: HandshakeError::WrongKey,
                ..
            }) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(client.recv::<String>().unwrap(), "done");
    assert_eq!(list.to_vec().unwrap(), [1, 2]);
    let Address::Tcp(peer) = client.peer() else {
        panic!("{}", client.peer());
    };
    fs::write(format!("{folder}/reached"), peer.ip().to_string()).unwrap();
}

/// The other.
#[test]
#[ignore = "a side of a_manager_serves_another_computer, which runs it"]
fn client() {
    let folder = env::var(FOLDER).unwrap();
    let addresses = fs::read_to_string(format!("{folder}/addresses")).unwrap();
    let addresses: Vec<Address> = addresses.split(' ').map(|it| it.parse().unwrap()).collect();
    let wrong = || Key::new("another").unwrap();
    let told = Manager::connect(&addresses[0], wrong());
    assert!(
        matches!(
            told,
            Err(ManagerError::Net(NetError::Handshake {
                why: HandshakeError::KeyRefused,
                ..
            }))
        ),
        "{told:?}"
    );
    assert!(Client::connect(&addresses[1], Some(wrong())).is_err());
    let manager = Manager::connect(&addresses[0], key()).unwrap();
    let list: ListProxy<i64> = manager.find("list").unwrap();
    list.append(2).unwrap();
    let listener = Client::connect(&addresses[1], Some(key())).unwrap();
    listener.send("done").unwrap();
    assert!(listener.recv::<()>().is_err(), "the server has ended");
}
