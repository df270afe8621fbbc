//! Messages of one process to another, as many as go; and one there and one back.

use crate::cpython;
use crate::crowd;
use crate::signs::{self, BareRing, EventFd, Socket, Words};
use crate::streams::{
    Ahead, Iceoryx, IpcChannel, OurBytes, Ours, PacketPipe, Packets, Pipe, Stream,
};
use crate::table::{Row, Work};

/// Bytes, what they are called, and how many messages of them are one round.
const SIZES: [(usize, &str, usize); 5] = [
    (8, "8 B", 100_000),
    (64, "64 B", 100_000),
    (4 << 10, "4 KiB", 30_000),
    (64 << 10, "64 KiB", 3_000),
    (1 << 20, "1 MiB", 200),
];
const TURNS: usize = 20_000;
/// In lockstep, of those who look for a while before they sleep, and of those who sleep each time.
const AWAKE: usize = 50_000;
const ASLEEP: usize = 10_000;

pub fn works() -> Vec<Work> {
    let mut works: Vec<Work> = SIZES
        .map(|(size, name, count)| stream(size, name, count))
        .into();
    works.extend(in_lockstep());
    works.extend([round_trip(), round_trip_on_one_core()]);
    works
}

fn stream(size: usize, name: &str, count: usize) -> Work {
    let mut rows = vec![
        Row::new(
            "forkproof ByteQueue",
            streamed::<OurBytes>(size, count, Ahead::Far),
        ),
        Row::new("forkproof Queue", streamed::<Ours>(size, count, Ahead::Far)),
        Row::new("iceoryx2", streamed::<Iceoryx>(size, count, Ahead::Far)),
        Row::new(
            "ipc-channel, bytes",
            streamed::<IpcChannel>(size, count, Ahead::Far),
        ),
        Row::new("pipe(2)", streamed::<Pipe>(size, count, Ahead::Far)),
        Row::new(
            "SOCK_SEQPACKET",
            streamed::<Packets>(size, count, Ahead::Far),
        ),
    ];
    rows.extend(cpython_row(size, (count / 10).max(100), Ahead::Far));
    Work {
        name: format!("queue, {name}"),
        rows,
    }
}

fn cpython_row(size: usize, count: usize, ahead: Ahead) -> Option<Row> {
    let most = match ahead {
        Ahead::One => 1,
        Ahead::Far => 0, // no bound
    };
    cpython::script(format!(
        "import multiprocessing as mp, time
def put(queue, message):
    for _ in range({count}): queue.put(message)
def main():
    queue = mp.Queue({most})
    p = mp.Process(target=put, args=(queue, bytes({size})))
    p.start()
    queue.get()
    begun = time.perf_counter_ns()
    for _ in range({count} - 1): queue.get()
    print((time.perf_counter_ns() - begun) / ({count} - 1))
    p.join()
if __name__ == '__main__': main()
"
    ))
}

/// Whoever puts is at most one message ahead. ipc-channel has no bound, and a socket's least one is that of six short packets.
fn in_lockstep() -> [Work; 2] {
    const PAGE: usize = 4 << 10;
    let mut page = lockstep(PAGE, "4 KiB");
    let packets = streamed::<Packets>(PAGE, ASLEEP, Ahead::One);
    page.rows.push(Row::new("SOCK_SEQPACKET", packets));
    [lockstep(8, "8 B"), page]
}

fn lockstep(size: usize, name: &str) -> Work {
    let mut rows = vec![
        Row::new(
            "forkproof ByteQueue",
            streamed::<OurBytes>(size, AWAKE, Ahead::One),
        ),
        Row::new("forkproof Queue", streamed::<Ours>(size, AWAKE, Ahead::One)),
        Row::new("iceoryx2", streamed::<Iceoryx>(size, AWAKE, Ahead::One)),
        Row::new(
            "pipe(2), packets",
            streamed::<PacketPipe>(size, ASLEEP, Ahead::One),
        ),
    ];
    rows.extend(cpython_row(size, ASLEEP / 10, Ahead::One));
    Work {
        name: format!("queue in lockstep, {name}"),
        rows,
    }
}

/// The messages are numbered, and come in that order.
pub fn streamed<S: Stream>(size: usize, count: usize, ahead: Ahead) -> impl FnMut() -> f64 {
    const NUMBER: usize = size_of::<u64>();
    move || {
        let stream = S::new(size, ahead);
        let took = crowd::all_of_it(2, move |number| match number {
            0 => {
                let mut put = stream.putter();
                let mut message = vec![7; size];
                Box::new(move || {
                    for number in 0..count as u64 {
                        message[..NUMBER].copy_from_slice(&number.to_le_bytes());
                        put(&message);
                    }
                })
            }
            _ => {
                let mut get = stream.getter();
                let mut message = vec![0; size];
                Box::new(move || {
                    for number in 0..count as u64 {
                        get(&mut message);
                        assert_eq!(message[..NUMBER], number.to_le_bytes());
                    }
                    assert!(message[NUMBER..].iter().all(|&byte| byte == 7));
                })
            }
        });
        took / count as f64
    }
}

/// A message of 8 bytes, and its answer.
fn round_trip() -> Work {
    let on = crowd::Cores::All;
    Work {
        name: "round trip, 8 B".to_owned(),
        rows: vec![
            Row::new("forkproof ByteQueue", there_and_back::<OurBytes>(on)),
            Row::new("forkproof Queue", there_and_back::<Ours>(on)),
            Row::new("iceoryx2", there_and_back::<Iceoryx>(on)),
            Row::new("ipc-channel, bytes", there_and_back::<IpcChannel>(on)),
            Row::new("pipe(2)", there_and_back::<Pipe>(on)),
            Row::new("SOCK_SEQPACKET", there_and_back::<Packets>(on)),
            Row::new("unix stream", signs::there_and_back::<Socket>(TURNS, on)),
            Row::new("eventfd(2)", signs::there_and_back::<EventFd>(TURNS, on)),
            Row::new("futex(2)", signs::there_and_back::<Words<true>>(TURNS, on)),
            Row::new("a bare ring", signs::there_and_back::<BareRing>(TURNS, on)),
            Row::new(
                "a cache line",
                signs::there_and_back::<Words<false>>(TURNS, on),
            ),
        ],
    }
}

/// The same where neither can look for the other, but has to sleep so that it can go on. Who never sleeps is left out.
fn round_trip_on_one_core() -> Work {
    let on = crowd::Cores::One;
    Work {
        name: "round trip on one core".to_owned(),
        rows: vec![
            Row::new("forkproof ByteQueue", there_and_back::<OurBytes>(on)),
            Row::new("ipc-channel, bytes", there_and_back::<IpcChannel>(on)),
            Row::new("pipe(2)", there_and_back::<Pipe>(on)),
            Row::new("unix stream", signs::there_and_back::<Socket>(TURNS, on)),
            Row::new("eventfd(2)", signs::there_and_back::<EventFd>(TURNS, on)),
            Row::new("futex(2)", signs::there_and_back::<Words<true>>(TURNS, on)),
        ],
    }
}

fn there_and_back<S: Stream>(cores: crowd::Cores) -> impl FnMut() -> f64 {
    move || {
        let (there, back) = (S::new(8, Ahead::Far), S::new(8, Ahead::Far));
        let took = crowd::all_of_it(2, move |number| {
            cores.settle();
            let (mut put, mut get) = match number {
                0 => (there.putter(), back.getter()),
                _ => (back.putter(), there.getter()),
            };
            Box::new(move || {
                let mut message = [0; 8];
                for turn in 0..TURNS as u64 {
                    match number {
                        0 => {
                            put(&turn.to_le_bytes());
                            get(&mut message);
                        }
                        _ => {
                            get(&mut message);
                            put(&message);
                        }
                    }
                    assert_eq!(message, turn.to_le_bytes());
                }
            })
        });
        took / TURNS as f64
    }
}
