//! A thread that holds as many locks as the kernel looks at when it dies.

use forkproof::{ByteQueue, Lock, LockError};

use super::{asleep, here, kill, start, stay};

/// With the one inside of the queue, and with room for one more or none.
const HELD: [usize; 2] = [2_046, 2_047];

fn get_one(exchange: String, queue: ByteQueue) {
    let mut wire = here(&exchange);
    assert_eq!(queue.get().unwrap(), b"one");
    wire.say("got it");
    stay();
}

fn put_one(exchange: String, locks: Vec<Lock>, queue: ByteQueue) {
    let held: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
    let mut wire = here(&exchange);
    assert_eq!(wire.hear(), "put");
    queue.put(b"one").unwrap();
    wire.say("put");
    assert_eq!(held.len(), locks.len());
    stay();
}

/// A put that has someone to wake stands in the list with what it wakes, where there is room.
#[test]
fn it_wakes_who_waits_for_its_message_and_loses_no_lock() {
    for held in HELD {
        let queue = ByteQueue::new().unwrap();
        let locks: Vec<_> = (0..held).map(|_| Lock::new().unwrap()).collect();
        let (putter, mut puts) = start(put_one, |name| (name, locks.clone(), queue.clone()));
        let (getter, mut gets) = start(get_one, |name| (name, queue.clone()));
        asleep(&getter);
        puts.say("put");
        assert_eq!(gets.hear(), "got it");
        assert_eq!(puts.hear(), "put");
        kill(&putter);
        kill(&getter);
        for (number, lock) in locks.iter().enumerate() {
            let left = lock.try_lock();
            let died = matches!(left, Err(LockError::OwnerDied(_)));
            assert!(died, "{number} of {held}: {left:?}");
        }
    }
}
