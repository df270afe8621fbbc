use forkproof::sys::child::{ExitStatus, Request, Signal};
use forkproof::sys::zygote;
use std::os::fd::{AsFd, OwnedFd};

fn seven(payload: &[u8], _: Vec<OwnedFd>) -> i32 {
    if payload == b"x" { 7 } else { 8 }
}
fn hang(_: &[u8], _: Vec<OwnedFd>) -> i32 {
    loop {
        std::thread::park()
    }
}
fn panics(_: &[u8], _: Vec<OwnedFd>) -> i32 {
    panic!("hello {}", 1)
}

#[test]
fn basic() {
    let r = Request {
        entry: seven,
        payload: b"x",
        fds: &[],
        daemon: false,
        name: "p",
    };
    let t = std::time::Instant::now();
    assert_eq!(
        zygote::start(&r).unwrap().wait().unwrap(),
        ExitStatus::Exited(7)
    );
    eprintln!("first {:?}", t.elapsed());
    let t = std::time::Instant::now();
    for _ in 0..1000 {
        assert_eq!(
            zygote::start(&r).unwrap().wait().unwrap(),
            ExitStatus::Exited(7)
        );
    }
    eprintln!("each {:?}", t.elapsed() / 1000);
    let r = Request {
        entry: hang,
        payload: b"x",
        fds: &[],
        daemon: true,
        name: "p",
    };
    for _ in 0..200 {
        let c = zygote::start(&r).unwrap();
        c.signal(Signal::TERM).unwrap();
        assert_eq!(c.wait().unwrap(), ExitStatus::Signalled(Signal::TERM));
    }
    let r = Request {
        entry: panics,
        payload: b"x",
        fds: &[],
        daemon: true,
        name: "p",
    };
    let c = zygote::start(&r).unwrap();
    assert_eq!(c.wait().unwrap(), ExitStatus::Exited(1));
    let null = std::fs::File::open("/dev/null").unwrap();
    let fds = vec![null.as_fd(); 600];
    fn count(_: &[u8], fds: Vec<OwnedFd>) -> i32 {
        for (f, n) in fds.iter().zip(0..3) {
            eprintln!("{n} {f:?}");
        }
        (fds.len() / 10) as i32
    }
    let r = Request {
        entry: count,
        payload: b"x",
        fds: &fds,
        daemon: true,
        name: "p",
    };
    let c = zygote::start(&r).unwrap();
    assert_eq!(c.wait().unwrap(), ExitStatus::Exited(60));
}
