//! Several processes that begin at once, and tell what they measured.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

use forkproof::Process;

pub const MOST: usize = 16;

/// In memory that all have.
pub struct Board {
    ready: AtomicU32,
    begun: AtomicU32,
    over: AtomicU32,
    told: [AtomicU64; MOST],
    waited: [AtomicU64; MOST],
}

/// What a process of the crowd did.
#[derive(Clone, Copy)]
pub struct Told {
    pub operations: u64,
    /// The longest single one, in nanoseconds, if that was measured.
    pub longest_ns: u64,
}

impl Board {
    pub fn is_over(&self) -> bool {
        // Relaxed: it says when to stop, and nothing else.
        self.over.load(Relaxed) != 0
    }
}

/// Where a process of the crowd may run.
#[derive(Clone, Copy)]
pub enum Cores {
    All,
    /// The first that this program may run on.
    One,
}

impl Cores {
    /// Has the calling thread, and those that it makes, run there.
    pub fn settle(self) {
        match self {
            Cores::All => {}
            // SAFETY: a set of cores is plain numbers, and each call has one of the right size; 0 is the calling thread.
            Cores::One => unsafe {
                let bytes = size_of::<libc::cpu_set_t>();
                let mut allowed: libc::cpu_set_t = std::mem::zeroed();
                assert_eq!(libc::sched_getaffinity(0, bytes, &mut allowed), 0);
                let mut cores = 0..libc::CPU_SETSIZE as usize;
                let first = cores.find(|core| libc::CPU_ISSET(*core, &allowed));
                let mut one: libc::cpu_set_t = std::mem::zeroed();
                libc::CPU_SET(first.expect("it runs somewhere"), &mut one);
                assert_eq!(libc::sched_setaffinity(0, bytes, &one), 0);
            },
        }
    }
}

/// Memory that this process shares with those that it forks. Never unmapped.
pub fn shared<T>(value: T) -> &'static T {
    // SAFETY: no address is asked for, and the length is not 0.
    let at = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<T>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    assert_ne!(at, libc::MAP_FAILED, "no memory");
    let at: *mut T = at.cast();
    // SAFETY: mapped just now, page-aligned, of that size, and known to nobody else.
    unsafe {
        at.write(value);
        &*at
    }
}

/// So many processes work for so long. What each did.
pub fn for_a_while(
    processes: usize,
    time: Duration,
    work: impl Fn(&Board) -> Told + Clone + Send + 'static,
) -> Vec<Told> {
    let board = board();
    let crowd = start(processes, board, move |_| {
        let work = work.clone();
        move || Some(work(board))
    });
    begin(board, processes);
    std::thread::sleep(time); // what is measured is what they do meanwhile
    board.over.store(1, Relaxed);
    crowd.iter().for_each(join);
    results(board, processes)
}

/// So many processes make ready, each by its number; then all do what they are ready for, once. How long that took, in
/// nanoseconds. What one of them holds it holds until all have done: a publisher of iceoryx2 that goes takes along what
/// a subscriber that never asked before has not received.
pub fn all_of_it(
    processes: usize,
    prepare: impl Fn(usize) -> Box<dyn FnMut()> + Clone + Send + 'static,
) -> f64 {
    let board = board();
    let crowd = start(processes, board, move |number| {
        let mut work = prepare(number);
        move || {
            work();
            arrive(board);
            wait_for(&board.over, 1);
            None
        }
    });
    let begun = begin(board, processes);
    wait_for(&board.ready, 2 * processes as u32);
    let took = begun.elapsed().as_nanos() as f64;
    // Release: as in arrive(), though nothing but the time is told by it.
    board.over.store(1, Release);
    wake_all(&board.over);
    crowd.iter().for_each(join);
    took
}

fn board() -> &'static Board {
    shared(Board {
        ready: AtomicU32::new(0),
        begun: AtomicU32::new(0),
        over: AtomicU32::new(0),
        told: [const { AtomicU64::new(0) }; MOST],
        waited: [const { AtomicU64::new(0) }; MOST],
    })
}

fn start<W: FnOnce() -> Option<Told>>(
    processes: usize,
    board: &'static Board,
    prepare: impl Fn(usize) -> W + Clone + Send + 'static,
) -> Vec<Process> {
    assert!(processes <= MOST);
    let started = (0..processes).map(|number| {
        let prepare = prepare.clone();
        let process = Process::from_closure(move || {
            let work = prepare(number);
            arrive(board);
            wait_for(&board.begun, 1);
            if let Some(told) = work() {
                // Relaxed: read after the join.
                board.told[number].store(told.operations, Relaxed);
                board.waited[number].store(told.longest_ns, Relaxed);
            }
        });
        process.start().expect("a process can be started");
        process
    });
    started.collect()
}

fn arrive(board: &Board) {
    // Release: pairs with the Acquire in wait_for().
    board.ready.fetch_add(1, Release);
    wake_all(&board.ready);
}

fn begin(board: &Board, processes: usize) -> Instant {
    wait_for(&board.ready, processes as u32);
    let begun = Instant::now();
    board.begun.store(1, Release);
    wake_all(&board.begun);
    begun
}

fn join(process: &Process) {
    assert_eq!(process.join().expect("it was started"), 0);
}

fn results(board: &Board, processes: usize) -> Vec<Told> {
    // Relaxed: the processes are joined.
    let told = |number: usize| Told {
        operations: board.told[number].load(Relaxed),
        longest_ns: board.waited[number].load(Relaxed),
    };
    (0..processes).map(told).collect()
}

/// Sleeps until the word has come to `value`.
fn wait_for(word: &AtomicU32, value: u32) {
    loop {
        // Acquire: pairs with the Release of who counts.
        let seen = word.load(Acquire);
        if seen >= value {
            return;
        }
        futex_wait(word, seen);
    }
}

pub fn futex_wait(word: &AtomicU32, expected: u32) {
    // SAFETY: the word is mapped for the life of the process.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            expected,
            std::ptr::null::<libc::timespec>(),
        )
    };
}

pub fn futex_wake(word: &AtomicU32, count: i32) {
    // SAFETY: as in futex_wait().
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}

fn wake_all(word: &AtomicU32) {
    futex_wake(word, i32::MAX);
}
