//! What is counted: each operation as a program calls it, and no one else there.

use std::hint::black_box;
use std::mem::take;

use forkproof::{
    Array, Barrier, ByteQueue, Condition, Event, Lock, Queue, RLock, Semaphore, SimpleQueue, Value,
};

/// To be called again and again; each call is the operation.
pub type Call = Box<dyn FnMut()>;

pub struct Operation {
    pub name: &'static str,
    /// Makes what it works on.
    pub set_up: fn() -> Call,
}

pub static OPERATIONS: [Operation; 18] = [
    operation("Lock: lock and unlock", || {
        let lock = Lock::new().expect("memory");
        Box::new(move || drop(lock.lock().expect("a free lock")))
    }),
    operation("RLock: lock and unlock", || {
        let lock = RLock::new().expect("memory");
        Box::new(move || drop(lock.lock().expect("a free lock")))
    }),
    operation("Value: get", || {
        let value = Value::new(7i64).expect("memory");
        Box::new(move || _ = black_box(value.get().expect("a free lock")))
    }),
    operation("Value: update", || {
        let value = Value::new(7i64).expect("memory");
        Box::new(move || value.update(|value| *value += 1).expect("a free lock"))
    }),
    operation("Array: get", || {
        let array = Array::<i64>::new(4).expect("memory");
        Box::new(move || _ = black_box(array.get(1).expect("a free lock, and four numbers")))
    }),
    operation("Semaphore: acquire and give back", || {
        let semaphore = Semaphore::new(1).expect("memory");
        Box::new(move || drop(semaphore.acquire().expect("a permit")))
    }),
    operation("Event: set", || {
        let event = Event::new().expect("memory");
        Box::new(move || event.set())
    }),
    operation("Event: is_set", || {
        let event = Event::new().expect("memory");
        Box::new(move || _ = black_box(event.is_set()))
    }),
    operation("Condition: lock, notify and unlock", || {
        let condition = Condition::new().expect("memory");
        Box::new(move || _ = condition.lock().expect("a free lock").notify_one())
    }),
    operation("Barrier: wait, of one party", || {
        let barrier = Barrier::new(1).expect("memory");
        Box::new(move || _ = black_box(barrier.wait().expect("all are here")))
    }),
    operation("Queue: put and get, 8 bytes", || through_a_queue(8)),
    operation("Queue: put and get, 64 bytes", || through_a_queue(64)),
    operation("Queue: put and get, 4 KiB", || through_a_queue(4 << 10)),
    operation("ByteQueue: put and get into, 8 bytes", || {
        bytes_through_a_queue(8)
    }),
    operation("ByteQueue: put and get into, 4 KiB", || {
        bytes_through_a_queue(4 << 10)
    }),
    operation("ByteQueue: reserve, put and process, 8 bytes", || {
        in_its_place(8)
    }),
    operation("ByteQueue: reserve, put and process, 4 KiB", || {
        in_its_place(4 << 10)
    }),
    operation("SimpleQueue: put and get, 8 bytes", || {
        let queue = SimpleQueue::new().expect("memory");
        let mut text = "x".repeat(8);
        Box::new(move || {
            queue.put(take(&mut text)).expect("room");
            text = queue.get().expect("what was put");
        })
    }),
];

/// A text of so many bytes goes round and round.
fn through_a_queue(bytes: usize) -> Call {
    let queue = Queue::new().expect("memory");
    let mut text = "x".repeat(bytes);
    Box::new(move || {
        queue.put(take(&mut text)).expect("room");
        text = queue.get().expect("what was put");
    })
}

fn bytes_through_a_queue(bytes: usize) -> Call {
    let queue = ByteQueue::new().expect("memory");
    let mut message = vec![b'x'; bytes];
    Box::new(move || {
        queue.put(&message).expect("room");
        let got = queue.get_into(&mut message).expect("what was put");
        assert_eq!(got, message.len());
    })
}

/// One byte of it is written, and one is read.
fn in_its_place(bytes: usize) -> Call {
    let queue = ByteQueue::new().expect("memory");
    Box::new(move || {
        let mut place = queue.reserve(bytes).expect("room");
        place[0] = b'x';
        place.put().expect("room");
        let got = queue.process(|message| message[0]);
        assert_eq!(got.expect("what was put"), b'x');
    })
}

const fn operation(name: &'static str, set_up: fn() -> Call) -> Operation {
    Operation { name, set_up }
}
