//! Messages that are written where the other process reads them: each byte is written once, and read once, and none is
//! copied.

use forkproof::ByteQueue;

use crate::crowd;
use crate::streams::{Ahead, Iceoryx, Stream};
use crate::table::{Row, Work};

/// Bytes, what they are called, and how many messages of them are one round.
const SIZES: [(usize, &str, usize); 3] = [
    (4 << 10, "4 KiB", 30_000),
    (64 << 10, "64 KiB", 3_000),
    (1 << 20, "1 MiB", 300),
];

pub fn works() -> Vec<Work> {
    let work = |(size, name, count)| Work {
        name: format!("queue in place, {name}"),
        rows: vec![
            Row::new("forkproof ByteQueue", ours(size, count)),
            Row::new("iceoryx2", iceoryx2(size, count)),
        ],
    };
    SIZES.map(work).into()
}

/// What a message is filled with.
fn byte(number: usize) -> u8 {
    number as u8
}

fn is_whole(message: &[u8], number: usize) {
    let sum: u64 = message.iter().map(|byte| u64::from(*byte)).sum();
    assert_eq!(sum, message.len() as u64 * u64::from(byte(number)));
}

fn ours(size: usize, count: usize) -> impl FnMut() -> f64 {
    move || {
        let room = Ahead::Far.ring_bytes(size);
        let queue = ByteQueue::with_capacity(None, room).expect("there is memory");
        let took = crowd::all_of_it(2, move |number| {
            let queue = queue.clone();
            match number {
                0 => Box::new(move || {
                    for number in 0..count {
                        let mut place = queue.reserve(size).expect("it is open");
                        place.fill(byte(number));
                        place.put().expect("it is open");
                    }
                }),
                _ => Box::new(move || {
                    for number in 0..count {
                        let read = queue.process(|message| is_whole(message, number));
                        read.expect("it is open");
                    }
                }),
            }
        });
        took / count as f64
    }
}

fn iceoryx2(size: usize, count: usize) -> impl FnMut() -> f64 {
    move || {
        let service = <Iceoryx as Stream>::new(size, Ahead::Far);
        let took = crowd::all_of_it(2, move |number| {
            let (node, factory) = service.open();
            if number == 0 {
                let publisher = Iceoryx::publisher(&factory, size);
                return Box::new(move || {
                    let _node = &node;
                    for number in 0..count {
                        // To nobody: until the subscriber asks for the first time it is not connected.
                        let mut receivers = 0;
                        while receivers == 0 {
                            let sample = publisher.loan_slice_uninit(size).expect("there is room");
                            let sample = sample.write_from_fn(|_| byte(number));
                            receivers = sample.send().expect("it is open");
                        }
                    }
                });
            }
            let subscriber = factory.subscriber_builder().create();
            let subscriber = subscriber.expect("there is a subscriber");
            Box::new(move || {
                let _node = &node;
                for number in 0..count {
                    loop {
                        if let Some(sample) = subscriber.receive().expect("it is open") {
                            is_whole(&sample, number);
                            break;
                        }
                        std::hint::spin_loop();
                    }
                }
            })
        });
        took / count as f64
    }
}
