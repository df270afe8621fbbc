//! Too many open files, at every number of them that are free.

use std::os::fd::AsRawFd;

use forkproof::{
    Array, GetError, Key, Listener, Lock, Manager, Pipe, Pool, Process, Queue, SharedMemory,
    SimpleQueue, Value, wait,
};
use nix::sys::resource::Resource;

use super::{Tried, apart, story, within};

/// More than any operation here takes.
pub const MANY: u64 = 64;

/// How many are open, and the first number that is free.
pub fn open_files() -> (usize, u64) {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let free = std::fs::File::open("/dev/null").unwrap().as_raw_fd();
    (open, free as u64)
}

/// Tries it with no descriptor to spare, with one, with two, until it works; it is refused `at_least` once, always for
/// that reason, and leaves no descriptor behind.
pub fn at_every_number(what: &str, at_least: usize, mut attempt: impl FnMut() -> Tried) {
    let (open, free) = open_files();
    let mut refused = 0;
    for spare in 0..MANY {
        match within(Resource::RLIMIT_NOFILE, free + spare, &mut attempt) {
            Ok(()) => break,
            Err(error) => {
                let text = story(&*error);
                assert!(is_of_files(&text), "{what}, {spare} to spare: {text}");
                refused += 1;
            }
        }
        let left = open_files().0;
        assert_eq!(
            left, open,
            "{what}, {spare} to spare: descriptors stay open"
        );
    }
    assert!(
        (at_least..MANY as usize).contains(&refused),
        "{what}: {refused} refusals"
    );
    attempt().unwrap_or_else(|error| panic!("{what}, afterwards: {}", story(&*error)));
}

pub fn is_of_files(text: &str) -> bool {
    text.to_lowercase().contains("too many open files")
}

pub fn made<T, E: Into<Box<dyn std::error::Error>>>(made: Result<T, E>) -> Tried {
    made.map(drop).map_err(Into::into)
}

#[test]
fn objects_are_made_or_refused() {
    apart(|| {
        at_every_number("Array", 1, || made(Array::<u64>::new(100_000)));
        at_every_number("Queue", 2, || made(Queue::<u8>::new()));
        at_every_number("SimpleQueue", 2, || made(SimpleQueue::<u8>::new()));
        Pipe::duplex::<u8, u8>().unwrap(); // with the memory that small objects share
        at_every_number("Pipe", 1, || made(Pipe::duplex::<u8, u8>()));
        at_every_number("SharedMemory", 1, || {
            let memory = SharedMemory::create(100)?;
            Ok(memory.unlink()?)
        });
        at_every_number("Listener", 1, || made(Listener::new(Key::new("k").ok())));
    });
}

#[test]
fn memory_loses_its_name_without_a_descriptor() {
    apart(|| {
        let memory = SharedMemory::create(100).unwrap();
        let (_, free) = open_files();
        within(Resource::RLIMIT_NOFILE, free, || memory.unlink()).unwrap();
        let found = SharedMemory::attach(memory.name()).unwrap_err();
        assert_eq!(found.kind(), std::io::ErrorKind::NotFound);
    });
}

/// Those of one size share a descriptor, which the first of them needs.
#[test]
fn small_objects_need_one_once() {
    apart(|| {
        type Kind = (&'static str, fn() -> Tried);
        let kinds: [Kind; 3] = [
            ("Lock", || made(Lock::new())),
            ("Value", || made(Value::new([0_u64; 20]))),
            ("Array", || made(Array::<u8>::new(900))),
        ];
        for (what, make) in kinds {
            let (_, free) = open_files();
            let refused = within(Resource::RLIMIT_NOFILE, free, make);
            assert!(is_of_files(&story(&*refused.unwrap_err())), "{what}");
            make().unwrap();
            let (_, free) = open_files();
            for _ in 0..10 {
                within(Resource::RLIMIT_NOFILE, free, make).unwrap();
            }
        }
    });
}

/// A queue's item that cannot be received for want of descriptors stays the first.
#[test]
fn an_item_with_files_waits_until_there_are_some() {
    apart(|| {
        let queue = Queue::<Array<u64>>::new().unwrap();
        at_every_number("put and get", 1, || {
            let item = Array::from_slice(&[7; 10_000])?;
            queue.put(item).map_err(|refused| refused.into_parts().0)?;
            queue.get()?;
            Ok(())
        });
        put_from_elsewhere(&queue);
        let mut got = None;
        at_every_number("get", 1, || {
            if got.is_none() {
                assert_eq!(queue.len(), 1);
                got = Some(queue.get()?);
            }
            Ok(())
        });
        assert_eq!(got.unwrap().to_vec_unlocked(), [3; 10_000]);
        put_from_elsewhere(&queue);
        let mut sum = None;
        at_every_number("process", 1, || {
            if sum.is_none() {
                assert_eq!(queue.len(), 1);
                sum = Some(queue.process(|item| item.to_vec_unlocked().iter().sum::<u64>())?);
            }
            Ok(())
        });
        assert_eq!(sum, Some(30_000));
        assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    });
}

/// In memory that this process has not mapped.
fn put_from_elsewhere(queue: &Queue<Array<u64>>) {
    let child = Process::new(put_one, (queue.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
}

fn put_one(queue: Queue<Array<u64>>) -> forkproof::Result<()> {
    queue.put(Array::from_slice(&[3; 10_000])?)?;
    Ok(())
}

/// A message of a pipe is taken by being received: without its files it is lost, and the next one comes.
#[test]
fn a_message_of_a_pipe_without_its_files_is_told() {
    apart(|| {
        let (receiver, sender) = Pipe::one_way::<Option<Value<u8>>>().unwrap();
        let along = Some(Value::new(1).unwrap());
        at_every_number("recv", 1, || {
            sender.send(&along)?;
            sender.send(&None)?;
            let first = receiver.recv();
            assert!(receiver.recv()?.is_none(), "the next one");
            first?;
            Ok(())
        });
    });
}

#[test]
fn processes_and_what_is_made_of_them() {
    apart(|| {
        at_every_number("the first process, with its zygote", 1, || {
            let child = Process::new(|| {}, ());
            child.start()?;
            assert_eq!(child.join()?, 0);
            Ok(child.close()?)
        });
        at_every_number("Process", 1, || {
            let child = Process::new(|| {}, ());
            child.start()?;
            assert_eq!(child.join()?, 0);
            Ok(child.close()?)
        });
        // Once first: the memory that small objects share stays for the next ones.
        let pool = || {
            let pool = Pool::new(2)?;
            let sum = pool.apply(|x: u8| x + 1, (1,));
            pool.terminate();
            pool.join()?;
            assert_eq!(sum?, 2);
            Ok(())
        };
        pool().unwrap();
        at_every_number("Pool", 2, pool);
        let manager = || {
            let manager = Manager::start()?;
            assert_eq!(manager.list([1, 2])?.len()?, 2);
            Ok(manager.shutdown()?)
        };
        manager().unwrap();
        at_every_number("Manager", 2, manager);
    });
}

#[test]
fn waiting_takes_none() {
    apart(|| {
        let (receiver, sender) = Pipe::one_way::<u8>().unwrap();
        let queue = Queue::<u8>::new().unwrap();
        let (_, free) = open_files();
        within(Resource::RLIMIT_NOFILE, free, || {
            queue.put(1).unwrap();
            assert_eq!(wait(&[&receiver, &queue], None).unwrap(), [1]);
            sender.send(&2).unwrap();
            assert_eq!(wait(&[&receiver, &queue], None).unwrap(), [0, 1]);
            assert_eq!((receiver.recv().unwrap(), queue.get().unwrap()), (2, 1));
        });
    });
}
