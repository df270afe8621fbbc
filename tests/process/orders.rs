//! The mechanism below `Process`: what an order to the zygote carries, and what a lack of descriptors does.

use std::os::fd::{AsFd, OwnedFd};

use forkproof::sys::child::{ExitStatus, Request};
use forkproof::sys::zygote;
use forkproof::{Process, ProcessError};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::fstat;

use crate::wire::{children, in_child};

/// The files' inodes are those that the payload lists, in its order.
fn compare(payload: &[u8], fds: Vec<OwnedFd>) -> i32 {
    let found: Vec<u8> = fds
        .iter()
        .flat_map(|fd| fstat(fd).unwrap().st_ino.to_ne_bytes())
        .collect();
    i32::from(found != payload)
}

#[test]
fn more_files_than_a_packet_holds_arrive_in_order() {
    for count in [0, 1, 243, 244, 245, 600] {
        let pipes: Vec<_> = (0..count).map(|_| std::io::pipe().unwrap().0).collect();
        let fds: Vec<_> = pipes.iter().map(AsFd::as_fd).collect();
        let inodes: Vec<u8> = fds
            .iter()
            .flat_map(|fd| fstat(fd).unwrap().st_ino.to_ne_bytes())
            .collect();
        let request = Request {
            entry: compare,
            payload: &inodes,
            fds: &fds,
            daemon: false,
            ends_with_parent: false,
            name: "compare",
        };
        let child = zygote::start(&request).unwrap();
        assert_eq!(
            child.wait().unwrap(),
            ExitStatus::Exited(0),
            "{count} files"
        );
    }
}

#[test]
fn a_lack_of_descriptors_is_an_error_wherever_it_strikes() {
    in_child(
        || {
            let start = || {
                let p = Process::new(|| {}, ());
                p.start().map(|()| assert_eq!(p.join().unwrap(), 0))
            };
            start().unwrap(); // the zygote is there
            let limits = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
            let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
            let mut refused = 0;
            for spare in 0..16 {
                setrlimit(Resource::RLIMIT_NOFILE, open + spare, limits.1).unwrap();
                match start() {
                    Ok(()) => {}
                    Err(ProcessError::Io { source, .. }) => {
                        assert_eq!(source.raw_os_error(), Some(libc::EMFILE));
                        refused += 1;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            setrlimit(Resource::RLIMIT_NOFILE, limits.0, limits.1).unwrap();
            assert!((3..16).contains(&refused), "{refused} of 16");
            start().unwrap();
            let names: Vec<_> = children().into_iter().map(|(_, name, _)| name).collect();
            assert_eq!(
                names,
                ["forkproof-zyg"],
                "no child is left behind by a refusal"
            );
        },
        (),
    );
}
