//! What an object takes, not how long: memory, descriptors, mappings and files, of many of a kind, for each of them.
//!
//! Each kind is made in a process of its own, so that it finds nothing that another left. All are used once, as pages
//! that nobody touched are not there. `shared` is what is mapped to be shared, touched or not: of memory that is mapped
//! for many objects at a time, a part for each that was made. `resident` is the proportional share (PSS) of what is
//! there, and of what comes after a first object: with it comes the library's code. Files are counted where iceoryx2 has
//! its own; the others unlink theirs, or have none with a name.

use std::fs;
use std::path::Path;

use forkproof::{Event, Lock, Process, Queue, Semaphore, StartMethod, Value};
use iceoryx2::config::Config;
use iceoryx2::prelude::{LogLevel, set_log_level};

use crate::cpython;
use crate::streams::{Ahead, Iceoryx, Stream};

/// Shared bytes, resident bytes, descriptors, mappings, files.
type Reading = [f64; 5];

type Kind = (&'static str, &'static str, fn() -> Reading);

const SMALL: usize = 1_000;
const QUEUES: usize = 50; // a descriptor or more each, of the 1,024 that one may have
const PROCESSES: usize = 20;

const KINDS: [Kind; 7] = [
    ("memory, Lock", "forkproof", || each(SMALL, lock)),
    ("memory, Value", "forkproof", || each(SMALL, value)),
    ("memory, Queue", "forkproof", || each(QUEUES, queue)),
    ("memory, Queue", "iceoryx2", || each(QUEUES, iceoryx)),
    ("memory, idle Process", "forkproof Process", || {
        processes(StartMethod::Zygote)
    }),
    ("memory, idle Process", "forkproof, by fork", || {
        processes(StartMethod::Fork)
    }),
    ("memory, idle Process", "forkproof, by spawn", || {
        processes(StartMethod::Spawn)
    }),
];

pub fn print() {
    println!(
        "{:24} {:20} {:>11} {:>11} {:>11} {:>8} {:>6}",
        "each", "by", "shared B", "resident B", "descriptors", "mappings", "files"
    );
    let programs = [
        (
            "memory, Lock",
            python_each(SMALL, "Lock", "with made: pass"),
        ),
        (
            "memory, Value",
            python_each(
                SMALL,
                "partial(Value, 'q', 0)",
                "with made.get_lock(): made.value += 1\n    assert made.value == 1",
            ),
        ),
        (
            "memory, Queue",
            python_each(QUEUES, "Queue", "made.put(7)\n    assert made.get() == 7"),
        ),
        ("memory, idle Process", python_processes()),
    ];
    for (name, program) in programs {
        let kinds = KINDS.iter().enumerate();
        for (at, (_, who, _)) in kinds.filter(|(_, kind)| kind.0 == name) {
            let process = procspawn::spawn(at, |at| KINDS[at].2());
            tell(name, who, process.join().expect("it can be measured"));
        }
        python(name, &program);
    }
}

fn tell(name: &str, who: &str, [shared, resident, descriptors, mappings, files]: Reading) {
    println!(
        "{name:24} {who:20} {shared:>11.0} {resident:>11.0} {descriptors:>11.2} {mappings:>8.2} {files:>6.2}"
    );
}

/// Of objects that `made` makes and uses.
fn each<T>(count: usize, made: fn() -> T) -> Reading {
    let mut all = Vec::with_capacity(count + 1);
    let none = read();
    all.push(made());
    let first = resident("self");
    all.extend((0..count).map(|_| made()));
    let after = read();
    assert_eq!(all.len(), count + 1);
    let mut reading = for_each_of(count + 1, none, after);
    reading[1] = (after[1] - first) / count as f64;
    reading
}

fn for_each_of(count: usize, before: Reading, after: Reading) -> Reading {
    std::array::from_fn(|at| (after[at] - before[at]) / count as f64)
}

fn lock() -> Lock {
    let lock = Lock::new().expect("there is memory");
    drop(lock.lock().expect("no owner dies"));
    lock
}

fn value() -> Value<i64> {
    let value = Value::new(0).expect("there is memory");
    value.update(|value| *value += 1).expect("no owner dies");
    assert_eq!(value.get().expect("no owner dies"), 1);
    value
}

/// With the room that one has if nothing is said of it, 1 MiB.
fn queue() -> Queue<u64> {
    let queue = Queue::new().expect("there is memory");
    queue.put(7).expect("there is room");
    assert_eq!(queue.get().expect("it is open"), 7);
    queue
}

/// A service of one publisher and one subscriber, with the room that it has in the table of times.
fn iceoryx() -> impl Sized {
    let (node, factory) = Iceoryx::new(8, Ahead::Far).open();
    let publisher = Iceoryx::publisher(&factory, 8);
    let subscriber = factory.subscriber_builder().create();
    let subscriber = subscriber.expect("there is a subscriber");
    // Until the subscriber asks for the first time it is not connected.
    assert!(subscriber.receive().expect("it is open").is_none());
    let sample = publisher.loan_slice_uninit(8).expect("there is room");
    let sent = sample.write_from_slice(&[7; 8]).send();
    assert_eq!(sent.expect("it is open"), 1);
    let got = subscriber.receive().expect("it is open");
    assert_eq!(*got.expect("it was sent"), [7; 8]);
    (subscriber, publisher, factory, node)
}

fn waits(there: Semaphore, end: Event) {
    there.release(1).expect("it has room");
    end.wait();
}
forkproof::spawnable!(waits);

/// Children that wait: resident is what a child has, the rest is what its parent needs for it.
fn processes(method: StartMethod) -> Reading {
    let there = Semaphore::new(0).expect("there is memory");
    let end = Event::new().expect("there is memory");
    let started = || {
        let process = Process::new(waits, (there.clone(), end.clone())).start_method(method);
        process.start().expect("a process can be started");
        let permit = there.acquire().expect("it arrives");
        permit.forget(); // for one child alone, which has come to its wait, or is about to
        process
    };
    let first = started();
    let before = read();
    let children: Vec<Process> = (0..PROCESSES).map(|_| started()).collect();
    let mut reading = for_each_of(PROCESSES, before, read());
    let resident = children.iter().map(|child| {
        let number = child.pid().expect("it was started");
        resident(&number.to_string())
    });
    reading[1] = resident.sum::<f64>() / PROCESSES as f64;
    end.set();
    for child in children.iter().chain([&first]) {
        assert_eq!(child.join().expect("it was started"), 0);
    }
    reading
}

fn read() -> Reading {
    set_log_level(LogLevel::Error); // or it tells that it has no file of settings
    let maps = fs::read_to_string("/proc/self/maps").expect("it is there");
    let shared = maps.lines().filter_map(shared_bytes).sum::<u64>();
    let descriptors = fs::read_dir("/proc/self/fd").expect("it is there").count();
    let config = Config::global_config();
    let own = config.global.root_path().to_string();
    let files = files(Path::new("/dev/shm")) + files(Path::new(&own));
    [
        shared as f64,
        resident("self"),
        descriptors as f64,
        maps.lines().count() as f64,
        files as f64,
    ]
}

/// The length of a mapping, if it is shared: `from-to rw-s ..`.
fn shared_bytes(line: &str) -> Option<u64> {
    let mut words = line.split(' ');
    let (from, to) = words.next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let length = number(to)? - number(from)?;
    words.next()?.ends_with('s').then_some(length)
}

/// The proportional share of a process, in bytes.
fn resident(process: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"));
    let text = text.expect("it lives, and is ours");
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: f64 = kib.and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024.0
}

/// In a directory, and those under it.
fn files(directory: &Path) -> usize {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0; // not made yet
    };
    let count = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => files(&entry.path()),
        _ => 1,
    };
    entries.flatten().map(count).sum()
}

const PYTHON: &str = "
import os
from functools import partial
from multiprocessing import Event, Lock, Process, Queue, Semaphore, Value, set_start_method
def resident(process):
    for line in open(f'/proc/{process}/smaps_rollup'):
        if line.startswith('Pss:'): return int(line.split()[1]) * 1024
def length(line):
    begin, end = line.split(' ')[0].split('-')
    return int(end, 16) - int(begin, 16)
def read():
    maps = open('/proc/self/maps').readlines()
    shared = sum(length(line) for line in maps if line.split(' ')[1].endswith('s'))
    return shared, resident('self'), len(os.listdir('/proc/self/fd')), len(maps), len(os.listdir('/dev/shm'))
def each(count, before, after): return [(b - a) / count for a, b in zip(before, after)]
set_start_method('fork')
";

fn python(name: &str, program: &str) {
    if let Some(numbers) = cpython::numbers(&format!("{PYTHON}{program}")) {
        tell(name, "CPython", numbers.try_into().expect("five numbers"));
    }
}

fn python_each(count: usize, maker: &str, used: &str) -> String {
    format!(
        "
make = {maker}
def one():
    made = make()
    {used}
    return made
none = read()
every = [one()]
first = resident('self')
every += [one() for _ in range({count})]
after = read()
reading = each({count} + 1, none, after)
reading[1] = (after[1] - first) / {count}
print(*reading)
"
    )
}

fn python_processes() -> String {
    format!(
        "
there, end = Semaphore(0), Event()
def waits():
    there.release()
    end.wait()
def started():
    process = Process(target=waits)
    process.start()
    there.acquire()
    return process
first = started()
before = read()
children = [started() for _ in range({PROCESSES})]
reading = each({PROCESSES}, before, read())
reading[1] = sum(resident(child.pid) for child in children) / {PROCESSES}
end.set()
for child in [first, *children]:
    child.join()
    assert child.exitcode == 0
print(*reading)
"
    )
}
