//! A queue's memory, written to by something else: each call answers. (The fuzz target `ring` tries what was not
//! thought of.)

use std::any::type_name;
use std::sync::Arc;
use std::time::Duration;

use forkproof::shm::passage::{pack, unpack};
use forkproof::shm::{Block, Shared, block};
use forkproof::sys::robust;
use forkproof::{
    ByteQueue, GetError, JoinError, JoinableQueue, Lock, LockError, LockFailure, Pipe, Process,
    PutError, Queue, Receiver, Sender, SimpleQueue, TaskError, Value,
};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::apart::apart;

const NOW: Duration = Duration::ZERO;

/// Where the parts of a queue are, in bytes; each end has a lock, its place, and the line of those who wait.
const TAIL: usize = 128;
const HEAD: usize = 384;
const LOCKS: [usize; 2] = [0, 256];
const LINES: [usize; 2] = [88, 344];
const STAMPS: usize = 512;
const BYTES: usize = 640;
/// A record's own units, of 8 bytes each.
const UNITS: u32 = 16;
const TASKS_LOCK: usize = BYTES + UNITS as usize * 8 + 40;

/// Its first item is 8 bytes and one for their number: three units, and one record.
fn queue() -> JoinableQueue<Vec<u8>> {
    let queue = JoinableQueue::with_capacity(Some(4), UNITS as usize * 8).unwrap();
    queue.put(vec![1; 8]).unwrap();
    assert_eq!(
        queue.block().get::<[u32; 2]>(TAIL),
        [3, 1],
        "the parts are where they were"
    );
    assert_eq!(
        queue.block().get::<[u32; 2]>(BYTES),
        [9, 0],
        "and the bytes"
    );
    queue
}

fn is_corrupt<T>(got: Result<T, GetError>) -> bool {
    matches!(got, Err(GetError::Corrupt))
}

/// Each way to get, and to put if that needs what was changed.
fn all_say_so(queue: &JoinableQueue<Vec<u8>>, puts_too: bool) {
    for _ in 0..2 {
        assert!(is_corrupt(queue.get()));
        assert!(is_corrupt(queue.try_get()));
        assert!(is_corrupt(queue.get_timeout(NOW)));
        assert!(is_corrupt(queue.process(drop)));
        assert!(is_corrupt(queue.process_timeout(NOW, drop)));
        if puts_too {
            let item = || vec![2; 8];
            assert!(matches!(queue.put(item()), Err(PutError::Corrupt(back)) if back == item()));
            assert!(matches!(queue.try_put(item()), Err(PutError::Corrupt(_))));
            assert!(matches!(
                queue.put_timeout(item(), NOW),
                Err(PutError::Corrupt(_))
            ));
        }
        // These say something, and come back.
        let _ = (
            queue.len(),
            queue.is_full(),
            queue.unfinished(),
            queue.poll(NOW),
        );
        let _ = queue.join_timeout(NOW);
    }
}

#[test]
fn places_that_cannot_be_are_told() {
    apart(|| {
        let lap = 2 * UNITS;
        for (what, at, place) in [
            ("a tail out of bounds", TAIL, [lap, 1]),
            ("a tail far out of bounds", TAIL, [u32::MAX, 1]),
            ("a head out of bounds", HEAD, [lap, 0]),
            ("a head far out of bounds", HEAD, [u32::MAX, 0]),
            ("more bytes than there are", TAIL, [UNITS + 1, 4]),
            ("more records than may be", TAIL, [3 * 5, 5]),
            ("more records than bytes", TAIL, [3, 4]),
            ("records without bytes", TAIL, [0, 1]),
            ("bytes without records", TAIL, [3, 0]),
            ("a head beyond the tail", HEAD, [14, 6]),
        ] {
            println!("{what}");
            let queue = queue();
            queue.block().set(at, place);
            if at == HEAD {
                // Putters look when there is no more room than they know of.
                while queue.try_put(vec![2; 8]).is_ok() {}
            }
            all_say_so(&queue, true);
        }
    });
}

#[test]
fn a_place_that_goes_while_its_message_is_read_is_told() {
    apart(|| {
        let queue = ByteQueue::with_capacity(None, UNITS as usize * 8).unwrap();
        queue.put(&[1; 8]).unwrap();
        let read = queue.process(|message| {
            assert_eq!(message, [1; 8]);
            queue.block().set(HEAD, [u32::MAX, 0]);
        });
        assert!(is_corrupt(read));
        assert!(is_corrupt(queue.try_get()), "no one else waits for it");
    });
}

/// A length is the front record's: putters need not know it.
#[test]
fn lengths_that_lie_are_told_and_are_no_one_elses_trouble() {
    apart(|| {
        // Positions are counted to two laps: longer by these it would end where it does.
        let laps = 9 + 2 * UNITS * 8;
        for length in [17, 1, 16 * 8, laps, 1 << 20, u32::MAX - 7, u32::MAX] {
            let queue = queue();
            queue.block().set(BYTES, length);
            all_say_so(&queue, false);
            queue.put(vec![2; 8]).unwrap();
        }
        let queue = queue();
        queue.put(vec![2; 8]).unwrap();
        queue.block().set(BYTES, 6 * 8); // both
        all_say_so(&queue, false);
    });
}

/// What can be is believed, and is no item; the next one comes.
#[test]
fn bytes_that_are_no_item_are_got_as_such() {
    let queue = queue();
    queue.put(vec![2; 8]).unwrap();
    queue.block().set(BYTES + 8, u64::MAX);
    assert!(matches!(queue.try_get(), Err(GetError::Unreadable(_))));
    assert_eq!(queue.try_get().unwrap(), [2; 8]);
    // A length of its own units, but another.
    let queue = self::queue();
    queue.block().set(BYTES, 10_u32);
    assert!(matches!(queue.try_get(), Err(GetError::Unreadable(_))));
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
}

#[test]
fn files_that_were_never_sent_are_told() {
    let queue = queue();
    queue.block().set(BYTES + 4, 1_u32); // the mark of an item with files
    assert!(matches!(queue.try_get(), Err(GetError::Io(_))));
    assert!(matches!(queue.process(drop), Err(GetError::Io(_))));
    assert_eq!(queue.len(), 1, "it stays");
}

/// Found by the fuzz target: the number that the next item with files would have was one too many.
#[test]
fn stamps_begin_anew() {
    let queue = Queue::<Lock>::new().unwrap();
    queue.block().set(STAMPS, u64::MAX - 1);
    for _ in 0..4 {
        queue.put(Lock::new().unwrap()).unwrap();
        assert!(queue.get().unwrap().try_lock().is_ok());
    }
}

fn hold(lock: Lock, held: Sender<()>, enough: Receiver<()>) {
    let thread = std::thread::spawn(move || {
        let _guard = lock.lock().unwrap();
        held.send(&()).unwrap();
        enough.recv().unwrap();
    });
    thread.join().unwrap();
}

#[test]
fn a_thread_of_another_process_is_someone() {
    let lock = Lock::new().unwrap();
    let (held, to_say) = Pipe::one_way().unwrap();
    let (to_hear, enough) = Pipe::one_way().unwrap();
    let child = Process::new(hold, (lock.clone(), to_say, to_hear));
    child.start().unwrap();
    held.recv().unwrap();
    let waited = lock.lock_timeout(Duration::from_millis(10)).map(drop);
    assert!(matches!(waited, Err(LockError::TimedOut)), "{waited:?}");
    enough.send(&()).unwrap();
    drop(lock.lock().unwrap());
    assert_eq!(child.join().unwrap(), 0);
}

struct Handle(Arc<Block>);

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(&self.0, serializer)
    }
}

/// Of the right tag, in memory that has no room for one.
#[test]
fn a_handle_of_too_little_memory_is_refused() {
    fn told<T: DeserializeOwned>(tag: u32) -> String {
        let block = Arc::new(Block::allocate(32, tag).unwrap());
        let parcel = pack(&Handle(block)).unwrap();
        let files = parcel
            .fds()
            .iter()
            .map(|fd| fd.try_clone_to_owned().unwrap())
            .collect();
        unpack::<T>(&parcel.bytes, files)
            .map(drop)
            .unwrap_err()
            .to_string()
    }
    let queue = told::<Queue<u8>>(Block::tag(type_name::<Queue<u8>>(), 0));
    assert!(queue.contains("in 64 bytes"), "{queue}");
    let value = told::<Value<[u64; 20]>>(Block::tag(type_name::<Value<[u64; 20]>>(), 160));
    assert!(value.contains("in 64 bytes"), "{value}");
}

/// Or the others would write where nothing is.
#[test]
fn the_places_are_where_these_tests_think() {
    let queue = queue();
    let part = |at| queue.part(at);
    assert_eq!(LOCKS.map(part), ["'s putters' lock", "'s getters' lock"]);
    assert_eq!(LINES.map(part), ["'s putters' line", "'s getters' line"]);
    assert_eq!(part(TAIL), "'s tail");
    assert_eq!(part(STAMPS), "'s stamps");
    assert_eq!(part(BYTES), " at byte 0");
    assert_eq!(part(TASKS_LOCK), "'s tasks' lock");
}

/// Beyond the largest id that a kernel gives out.
const NOBODY: u32 = 0x2000_0001;

#[test]
fn no_one_waits_for_an_owner_that_is_no_thread_or_is_the_caller() {
    apart(|| {
        for owner in [NOBODY, robust::thread_id()] {
            for at in LOCKS {
                let queue = queue();
                queue.block().set(at, owner);
                let (puts, gets) = (queue.try_put(vec![2]).is_err(), queue.try_get().is_err());
                assert_eq!((puts, gets), (at == LOCKS[0], at == LOCKS[1]));
                assert_eq!(queue.close(), Err(LockFailure::NotRecoverable));
                assert!(!queue.is_closed());
            }
            let queue = queue();
            queue.block().set(TASKS_LOCK, owner);
            assert_eq!(queue.task_done(), Err(TaskError::Corrupt));
            assert_eq!(queue.join(), Err(JoinError::Corrupt));
            assert_eq!(queue.try_get().unwrap(), [1; 8]);
        }
        for at in LINES {
            let queue = queue();
            queue.block().set(at, NOBODY);
            if at == LINES[0] {
                let refused = queue.put(vec![2; 200]); // never fits
                assert!(matches!(refused, Err(PutError::TooLarge(_))));
                assert!(
                    matches!(queue.put(vec![2; 90]), Err(PutError::Corrupt(_))),
                    "would wait"
                );
            } else {
                assert_eq!(queue.try_get().unwrap(), [1; 8], "does not wait");
                assert!(is_corrupt(queue.get()));
                assert!(is_corrupt(queue.process(drop)));
            }
        }
    });
}

#[test]
fn a_queue_of_another_type_is_refused() {
    let queue = Queue::<u32>::new().unwrap();
    let carrier = SimpleQueue::<Queue<u32>>::new().unwrap();
    carrier.put(queue.clone()).unwrap();
    assert!(carrier.get().unwrap().is_empty());
    let parcel = pack(&queue).unwrap();
    let files = || {
        parcel
            .fds()
            .iter()
            .map(|fd| fd.try_clone_to_owned().unwrap())
            .collect()
    };
    assert!(unpack::<Queue<String>>(&parcel.bytes, files()).is_err());
    assert!(unpack::<JoinableQueue<u32>>(&parcel.bytes, files()).is_err());
    assert!(unpack::<SimpleQueue<u32>>(&parcel.bytes, files()).is_err());
}
