//! Messages of two processes to two others, each message to one of these.
//!
//! Left out is who cannot do that: ipc-channel has one receiver, and of iceoryx2's subscribers each gets every message. So is
//! a pipe for more than it writes at once, as from there on two who put interleave their bytes.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::cpython;
use crate::crowd::{self, shared};
use crate::streams::{Ahead, Get, OurBytes, Ours, Packets, Put, Stream, WholePipe};
use crate::table::{Row, Work};

const PUTTERS: usize = 2;
const GETTERS: usize = 2;
/// The number of a message that is none: each who puts ends with one, and each who gets ends at one.
const END: u64 = u64::MAX;
/// Bytes, what they are called, and how many messages of them each who puts puts in one round.
const SIZES: [(usize, &str, u64); 4] = [
    (8, "8 B", 100_000),
    (64, "64 B", 100_000),
    (4 << 10, "4 KiB", 30_000),
    (64 << 10, "64 KiB", 4_000),
];

pub fn works() -> Vec<Work> {
    SIZES.map(work).into()
}

fn work((size, name, each): (usize, &str, u64)) -> Work {
    let mut rows = vec![
        Row::new("forkproof ByteQueue", shared_by_all::<OurBytes>(size, each)),
        Row::new("forkproof Queue", shared_by_all::<Ours>(size, each)),
    ];
    if size <= libc::PIPE_BUF {
        rows.push(Row::new("pipe(2)", shared_by_all::<WholePipe>(size, each)));
    }
    rows.push(Row::new(
        "SOCK_SEQPACKET",
        shared_by_all::<Packets>(size, each),
    ));
    rows.extend(cpython_row(size, (each / 10).max(500)));
    Work {
        name: format!("queue 2 to 2, {name}"),
        rows,
    }
}

/// What those who get have got, all together.
#[derive(Default)]
struct Tally {
    count: AtomicU64,
    sum: AtomicU64,
}

fn shared_by_all<S: Stream>(size: usize, each: u64) -> impl FnMut() -> f64 {
    move || {
        let stream = S::new(size, Ahead::Far);
        let tally: &'static Tally = shared(Tally::default());
        let took = crowd::all_of_it(PUTTERS + GETTERS, move |number| {
            let mut message = vec![7; size];
            if number < PUTTERS {
                let mut put = stream.putter();
                let first = number as u64 * each;
                Box::new(move || {
                    for number in first..first + each {
                        put_numbered(&mut put, &mut message, number);
                    }
                    put_numbered(&mut put, &mut message, END);
                })
            } else {
                let mut get = stream.getter();
                Box::new(move || {
                    let (count, sum) = get_all(&mut get, &mut message);
                    // Relaxed: read after the join.
                    tally.count.fetch_add(count, Relaxed);
                    tally.sum.fetch_add(sum, Relaxed);
                })
            }
        });
        let all = PUTTERS as u64 * each;
        let got = (tally.count.load(Relaxed), tally.sum.load(Relaxed));
        assert_eq!(got, (all, all * (all - 1) / 2), "lost, or got twice");
        took / all as f64
    }
}

/// The number is at both ends of the message, so that one of two halves is noticed.
fn put_numbered(put: &mut Put, message: &mut [u8], number: u64) {
    let last = message.len() - size_of::<u64>();
    message[..size_of::<u64>()].copy_from_slice(&number.to_le_bytes());
    message[last..].copy_from_slice(&number.to_le_bytes());
    put(message);
}

/// How many, and the sum of their numbers.
fn get_all(get: &mut Get, message: &mut [u8]) -> (u64, u64) {
    let (mut count, mut sum) = (0, 0);
    loop {
        get(message);
        let first = message.first_chunk().expect("a number fits");
        assert_eq!(message.last_chunk(), Some(first), "of two halves");
        match u64::from_le_bytes(*first) {
            END => return (count, sum),
            number => {
                count += 1;
                sum += number;
            }
        }
    }
}

fn cpython_row(size: usize, each: u64) -> Option<Row> {
    cpython::script(format!(
        "import multiprocessing as mp, time
def put(queue, start, begin):
    rest = bytes({size} - 8)
    start.wait()
    for number in range(begin, begin + {each}): queue.put(number.to_bytes(8, 'little') + rest)
    queue.put(({END}).to_bytes(8, 'little') + rest)
def get(queue, start, told):
    count = sum = 0
    start.wait()
    while True:
        message = queue.get()
        assert len(message) == {size}
        number = int.from_bytes(message[:8], 'little')
        if number == {END}: break
        count += 1
        sum += number
    told.put((count, sum))
def main():
    queue, told, start = mp.Queue(), mp.SimpleQueue(), mp.Barrier({parties})
    crowd = [mp.Process(target=put, args=(queue, start, n * {each})) for n in range({PUTTERS})]
    crowd += [mp.Process(target=get, args=(queue, start, told)) for _ in range({GETTERS})]
    for p in crowd: p.start()
    start.wait()
    begun = time.perf_counter_ns()
    got = [told.get() for _ in range({GETTERS})]
    took = time.perf_counter_ns() - begun
    for p in crowd: p.join()
    all = {PUTTERS} * {each}
    assert [sum(of) for of in zip(*got)] == [all, all * (all - 1) // 2]
    print(took / all)
if __name__ == '__main__': main()
",
        parties = PUTTERS + GETTERS + 1,
    ))
}
