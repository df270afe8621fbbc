//! What one more object takes: memory that is there (`Pss` of proc(5): what is shared counts in parts), descriptors and
//! mappings; and what open files of shared memory have, which may be more than is used of it. Each object was used once.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use forkproof::{Event, Lock, Process, Queue, Value};

use crate::cpython;
use crate::streams::{Ahead, Iceoryx, Stream};

/// Of those that are small, and of those that are large.
const MANY: usize = 1_000;
const FEW: usize = 20;

/// What a process has.
#[derive(Clone, Copy)]
struct Used {
    bytes: f64,
    in_files: f64,
    descriptors: f64,
    mappings: f64,
}

impl Used {
    /// By the process of this number, or `self`.
    fn by(process: &str) -> Used {
        let read = |file: &str| {
            let text = fs::read_to_string(format!("/proc/{process}/{file}"));
            text.expect("/proc tells of a living process")
        };
        let rollup = read("smaps_rollup");
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kib = pss.and_then(|pss| pss.trim().strip_suffix(" kB"));
        let kib: f64 = kib.and_then(|kib| kib.trim().parse().ok()).expect("kB");
        let files = fs::read_dir(format!("/proc/{process}/fd")).expect("a living process");
        let files: Vec<_> = files.flatten().map(|file| file.path()).collect();
        let opened = files.iter().filter_map(|file| fs::metadata(file).ok());
        let regular = opened.filter(fs::Metadata::is_file);
        let each: BTreeMap<_, _> = regular
            .map(|file| ((file.dev(), file.ino()), 512 * file.blocks()))
            .collect();
        Used {
            bytes: kib * 1024.0,
            in_files: each.values().sum::<u64>() as f64,
            descriptors: files.len() as f64,
            mappings: read("maps").lines().count() as f64,
        }
    }

    /// For each of so many objects that this process makes.
    fn for_each<T>(count: usize, made: impl Fn() -> T) -> Used {
        let first = made(); // with what all of them need once
        let before = Used::by("self");
        let objects: Vec<T> = (0..count).map(|_| made()).collect();
        let after = Used::by("self");
        drop((first, objects));
        let each = |of: fn(Used) -> f64| (of(after) - of(before)) / count as f64;
        Used {
            bytes: each(|used| used.bytes),
            in_files: each(|used| used.in_files),
            descriptors: each(|used| used.descriptors),
            mappings: each(|used| used.mappings),
        }
    }

    fn print(self, what: &str, who: &str) {
        let Used {
            bytes,
            in_files,
            descriptors,
            mappings,
        } = self;
        println!(
            "{what:24} {who:20} {bytes:>11.0} {in_files:>11.0} {descriptors:>12.2} {mappings:>9.2}"
        );
    }
}

pub fn print() {
    println!(
        "{:24} {:20} {:>11} {:>11} {:>12} {:>9}",
        "memory of one", "by", "bytes", "in files", "descriptors", "mappings"
    );
    let lock = Used::for_each(MANY, || {
        let lock = Lock::new().expect("memory");
        drop(lock.lock().expect("a free lock"));
        lock
    });
    lock.print("Lock", "forkproof");
    python(
        "Lock",
        MANY,
        "made = mp.Lock(); made.acquire(); made.release()",
    );
    let value = Used::for_each(MANY, || {
        let value = Value::new(0i64).expect("memory");
        value.update(|value| *value += 1).expect("a free lock");
        value
    });
    value.print("Value", "forkproof");
    python("Value", MANY, "made = mp.Value('q', 0); made.value += 1");
    let queue = Used::for_each(FEW, || {
        let queue = Queue::new().expect("memory");
        queue.put(7).expect("room");
        assert_eq!(queue.get().expect("what was put"), 7);
        queue
    });
    queue.print("Queue", "forkproof");
    python("Queue", FEW, "made = mp.Queue(); made.put(7); made.get()");
    let service = Used::for_each(FEW, || {
        let service = Iceoryx::new(8, Ahead::Far);
        let mut ends = (service.putter(), service.getter());
        let mut message = [0; 8];
        // Connected by the first that is asked for.
        std::thread::scope(|scope| {
            let (putter, getter) = (Moved(&mut ends.0), &mut ends.1);
            scope.spawn(move || {
                let Moved(put) = { putter };
                put(&[7; 8]);
            });
            getter(&mut message);
        });
        assert_eq!(message, [7; 8]);
        ends
    });
    service.print("Queue", "iceoryx2");
    process();
}

/// To another thread, which is the only one that uses it until it ends.
struct Moved<'a>(&'a mut dyn FnMut(&[u8]));

// SAFETY: the publisher is used by one thread at a time.
unsafe impl Send for Moved<'_> {}

fn wait(ready: Event, over: Event) {
    ready.set();
    over.wait();
}

/// A child that waits: started by the zygote, and by CPython's fork.
fn process() {
    let (ready, over) = (Event::new().expect("memory"), Event::new().expect("memory"));
    let child = Process::new(wait, (ready.clone(), over.clone()));
    child.start().expect("a process");
    ready.wait();
    let number = child.pid().expect("it was started").to_string();
    Used::by(&number).print("Process", "forkproof");
    over.set();
    child.join().expect("it was started");
    python_says(
        "Process",
        "def wait(ready, over):
    ready.set()
    over.wait()
context = mp.get_context('fork')
ready, over = context.Event(), context.Event()
child = context.Process(target=wait, args=(ready, over))
child.start()
ready.wait()
print(*used(child.pid))
over.set()
child.join()",
    );
}

fn python(what: &str, count: usize, made: &str) {
    python_says(
        what,
        &format!(
            "def make():
    {made}
    return made
first = make()
before = used('self')
objects = [make() for _ in range({count})]
print(*((after - before) / {count} for after, before in zip(used('self'), before)))"
        ),
    );
}

/// A program that prints the four numbers.
fn python_says(what: &str, program: &str) {
    if !cpython::is_there() {
        return;
    }
    let used = "import multiprocessing as mp, os, stat
def used(process):
    rollup = open(f'/proc/{process}/smaps_rollup').read()
    kib = next(line.split()[1] for line in rollup.splitlines() if line.startswith('Pss:'))
    maps = open(f'/proc/{process}/maps').read().count('\\n')
    files = {}
    names = os.listdir(f'/proc/{process}/fd')
    for name in names:
        try: file = os.stat(f'/proc/{process}/fd/{name}')
        except OSError: continue
        if stat.S_ISREG(file.st_mode): files[file.st_dev, file.st_ino] = 512 * file.st_blocks
    return int(kib) * 1024, sum(files.values()), len(names), maps
";
    let output = Command::new("python3")
        .args(["-c", &format!("{used}{program}")])
        .output()
        .expect("python3 was found before");
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = said
        .split_ascii_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    let &[bytes, in_files, descriptors, mappings] = &numbers[..] else {
        panic!("python3: {}", String::from_utf8_lossy(&output.stderr));
    };
    let used = Used {
        bytes,
        in_files,
        descriptors,
        mappings,
    };
    used.print(what, "CPython");
}
