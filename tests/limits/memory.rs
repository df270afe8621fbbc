//! No memory: an address space that is full. (A lack that strikes a value's own `Deserialize` is Rust's, and ends the
//! process; the library's own buffers, its mappings and its processes are refused.)

use std::io::ErrorKind::OutOfMemory;

use forkproof::shm::passage::PassageError;
use forkproof::{
    Array, GetError, Manager, Pipe, PipeError, Pool, Process, PutError, Queue, SharedMemory,
};
use nix::sys::resource::Resource;

use super::{Tried, apart, story, within};

const MIB: usize = 1 << 20;
/// Enough for what is small.
pub const SPARE: usize = 8 * MIB;
/// What does not fit, and is more than malloc keeps of what was given back.
pub const LARGE: usize = 48 * MIB;

/// With so many bytes of addresses to spare.
pub fn with_spare<R>(spare: usize, act: impl FnOnce() -> R) -> R {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    within(Resource::RLIMIT_AS, pages * 4_096 + spare as u64, act)
}

fn kind<T>(made: std::io::Result<T>) -> Option<std::io::ErrorKind> {
    made.err().map(|error| error.kind())
}

#[test]
fn large_objects_are_refused_and_small_ones_are_made() {
    apart(|| {
        with_spare(SPARE, || {
            assert_eq!(kind(Array::<u8>::new(LARGE)), Some(OutOfMemory));
            assert_eq!(
                kind(Queue::<u8>::with_capacity(None, LARGE)),
                Some(OutOfMemory)
            );
            assert_eq!(kind(SharedMemory::create(LARGE)), Some(OutOfMemory));
            Queue::<u8>::new().unwrap();
            Array::<u8>::new(100_000).unwrap();
            Pipe::duplex::<u8, u8>().unwrap();
        });
        Array::<u8>::new(LARGE).unwrap();
    });
}

/// An item that serde writes at once.
#[derive(PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Text(pub String);

pub fn large() -> Text {
    Text("x".repeat(LARGE))
}

#[test]
fn an_item_that_cannot_be_written_comes_back_and_one_that_cannot_be_read_stays() {
    apart(|| {
        let queue = Queue::with_capacity(None, 2 * LARGE).unwrap();
        let refused = {
            let item = large();
            with_spare(SPARE, || queue.put(item)).unwrap_err()
        };
        let PutError::Unsendable(PassageError::Pack(_), item) = refused else {
            panic!("{refused:?}");
        };
        queue.put(item).unwrap();
        with_spare(SPARE, || {
            for _ in 0..2 {
                let refused = queue.get().map(drop).unwrap_err();
                assert!(matches!(&refused, GetError::Io(error) if error.kind() == OutOfMemory));
                let refused = queue.process(drop).unwrap_err();
                assert!(matches!(&refused, GetError::Io(error) if error.kind() == OutOfMemory));
                assert_eq!(queue.len(), 1);
            }
        });
        assert!(queue.get().unwrap() == large());
    });
}

#[test]
fn a_message_is_refused_where_there_is_no_memory_for_it() {
    apart(|| {
        let (receiver, sender) = Pipe::one_way::<Text>().unwrap();
        let item = large();
        with_spare(SPARE, || {
            assert!(matches!(sender.send(&item), Err(PipeError::Unsendable(_))));
            assert!(matches!(
                sender.send_bytes(item.0.as_bytes()),
                Err(PipeError::Io(_))
            ));
        });
        sender.send(&item).unwrap();
        sender.send_bytes(b"next").unwrap();
        with_spare(SPARE, || {
            assert!(matches!(receiver.recv(), Err(PipeError::Io(_))));
            assert_eq!(receiver.recv_bytes().unwrap(), b"next");
        });
    });
}

/// From next to nothing, in steps that are smaller than what any of it needs.
fn at_every_size(what: &str, mut attempt: impl FnMut() -> Tried) {
    let mut refused = 0;
    for spare in (1..=32).map(|half| half * MIB / 2) {
        match with_spare(spare, &mut attempt) {
            Ok(()) => {}
            Err(error) => {
                refused += 1;
                assert!(!story(&*error).is_empty());
            }
        }
    }
    println!("{what}: {refused} of 32 were refused");
    attempt().unwrap_or_else(|error| panic!("{what}, afterwards: {}", story(&*error)));
}

#[test]
fn processes_and_what_is_made_of_them_work_or_are_refused() {
    apart(|| {
        at_every_size("Process", || {
            let child = Process::new(|| {}, ());
            child.start()?;
            child.join()?;
            Ok(child.close()?)
        });
        at_every_size("Pool", || {
            let pool = Pool::new(2)?;
            let sum = pool.apply(|x: u8| x + 1, (1,));
            pool.terminate();
            pool.join()?;
            assert_eq!(sum?, 2);
            Ok(())
        });
        at_every_size("Manager", || {
            let manager = Manager::start()?;
            let length = manager.list([1, 2]).and_then(|list| list.len());
            manager.shutdown()?;
            assert_eq!(length?, 2);
            Ok(())
        });
    });
}
