//! Values of a type, about 200 bytes each when serialised, from one process to another: the serialisation is part of it.

use std::sync::{Arc, Mutex};

use forkproof::Queue;
use ipc_channel::ipc;
use serde::{Deserialize, Serialize};

use crate::cpython;
use crate::crowd;
use crate::table::{Row, Work};

const COUNT: u64 = 100_000;
const NUMBERS: u32 = 32;

#[derive(Clone, Serialize, Deserialize)]
struct Record {
    name: String,
    numbers: Vec<u32>,
    parent: Option<u64>,
    kind: Kind,
}

#[derive(Clone, Serialize, Deserialize)]
enum Kind {
    Plain,
    Weighed { weight: f64 },
}

pub fn works() -> Vec<Work> {
    let mut rows = vec![
        Row::new("forkproof Queue", || sent(ours())),
        Row::new("ipc-channel", || sent(ipc_channel())),
    ];
    rows.extend(cpython_row());
    vec![Work {
        name: "queue of structs".to_owned(),
        rows,
    }]
}

/// Two ends of one way: each is used in a process of its own.
type Ends<P, G> = (P, G);

fn ours() -> Ends<impl Fn(Record) + Clone, impl Fn() -> Record + Clone> {
    let queue = Queue::new().expect("there is memory");
    let other = queue.clone();
    (
        move |record| queue.put(record).expect("it is open"),
        move || other.get().expect("it is open"),
    )
}

fn ipc_channel() -> Ends<impl Fn(Record) + Clone, impl Fn() -> Record + Clone> {
    let (sender, receiver) = ipc::channel().expect("there is a channel");
    let receiver = Arc::new(Mutex::new(receiver));
    (
        move |record| sender.send(record).expect("it is open"),
        move || {
            let receiver = receiver.lock().expect("no one panics");
            receiver.recv().expect("it is open")
        },
    )
}

fn sent<P, G>((put, get): Ends<P, G>) -> f64
where
    P: Fn(Record) + Clone + Send + 'static,
    G: Fn() -> Record + Clone + Send + 'static,
{
    let took = crowd::all_of_it(2, move |number| match number {
        0 => {
            let put = put.clone();
            let like = record();
            Box::new(move || (0..COUNT).for_each(|number| put(numbered(&like, number))))
        }
        _ => {
            let get = get.clone();
            let expected = expected();
            Box::new(move || {
                let sum = (0..COUNT).map(|_| weighed(&get())).sum::<u64>();
                assert_eq!(sum, expected, "something is lost");
            })
        }
    });
    took / COUNT as f64
}

fn record() -> Record {
    Record {
        name: "a name of ordinary length".to_owned(),
        numbers: (0..NUMBERS).map(large).collect(),
        parent: None,
        kind: Kind::Plain,
    }
}

/// Large enough that no way of writing it is shorter than four bytes.
fn large(number: u32) -> u32 {
    u32::MAX - number
}

fn numbered(like: &Record, number: u64) -> Record {
    Record {
        parent: Some(number),
        kind: match number % 2 {
            0 => Kind::Plain,
            _ => Kind::Weighed { weight: 2.0 },
        },
        ..like.clone()
    }
}

/// Something of each of its fields.
fn weighed(record: &Record) -> u64 {
    let numbers = record.numbers.iter().copied().map(u64::from);
    let weight = match record.kind {
        Kind::Plain => 1,
        Kind::Weighed { weight } => weight as u64,
    };
    record.name.len() as u64 + numbers.sum::<u64>() + record.parent.unwrap_or(0) + weight
}

/// What all of them weigh together.
fn expected() -> u64 {
    let like = record();
    (0..COUNT)
        .map(|number| weighed(&numbered(&like, number)))
        .sum()
}

/// The same of a dataclass.
fn cpython_row() -> Option<Row> {
    const FEWER: u64 = COUNT / 10;
    cpython::script(format!(
        "import multiprocessing as mp, time
from dataclasses import dataclass
from typing import Optional
@dataclass
class Weighed:
    weight: float
@dataclass
class Record:
    name: str
    numbers: list[int]
    parent: Optional[int]
    kind: Optional[Weighed]
def record(number):
    numbers = list(range({largest}, {largest} - {NUMBERS}, -1))
    return Record('a name of ordinary length', numbers, number, Weighed(2.0) if number % 2 else None)
def weighed(record):
    weight = int(record.kind.weight) if record.kind else 1
    return len(record.name) + sum(record.numbers) + record.parent + weight
def put(queue, start):
    start.wait()
    for number in range({FEWER}): queue.put(record(number))
def main():
    queue, start = mp.Queue(), mp.Barrier(2)
    expected = sum(weighed(record(number)) for number in range({FEWER}))
    p = mp.Process(target=put, args=(queue, start))
    p.start()
    start.wait()
    begun = time.perf_counter_ns()
    got = sum(weighed(queue.get()) for _ in range({FEWER}))
    print((time.perf_counter_ns() - begun) / {FEWER})
    assert got == expected
    p.join()
if __name__ == '__main__': main()
",
        largest = u32::MAX,
    ))
}
