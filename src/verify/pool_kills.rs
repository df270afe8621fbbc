//! Random kills of a pool's workers, while tasks of mixed sizes run, in chunks; some carry a shared object.
//!
//! The killer is a thread of the parent's. It chooses its moments as [`crew`](super::crew) does: after so many answers,
//! and then some turns of a spin.
//!
//! # What is judged
//! Each task has one answer, in time. One that has a value was run once; no one was run twice. A task whose worker
//! died was in a chunk that one of the killed had taken: all of the chunk is lost, and no more chunks are than workers
//! were killed. The processes leave nothing behind.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::crew::Tally;
use super::leftovers::leaving_nothing;
use super::{Fallible, pace, stuck};
use crate::explore::dice::Dice;
use crate::{Array, Pool, PoolError, Value, active_children};

// SeqCst throughout: counts and flags of threads of one process, far from any hot path; all loads and stores are
// each other's partners.
const WORKERS: usize = 3;
/// Tasks of a round: the next one begins when all of them are answered.
const ROUND: usize = 300;
/// One task of so many carries a shared object there and back.
const CARRIES: usize = 16;
const CARRIED: u32 = 7;

/// What the tasks write down: each at its own number.
#[derive(Clone, Serialize, Deserialize)]
struct Journal {
    /// How often it was begun.
    runs: Array<u32>,
    /// By whom.
    workers: Array<u32>,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    number: usize,
    content: Vec<u8>,
    along: Option<Value<u32>>,
}

/// Who was killed.
type Killed = Mutex<BTreeSet<u32>>;

/// Kills workers one after another. To be called in a process of its own; `killed` is told of each death.
pub fn campaign(kills: u64, seed: u64, killed: impl Fn(u64)) -> Tally {
    let mut tally = Tally::default();
    let outcome = leaving_nothing(
        || run(0, seed, &mut Tally::default(), |_| ()),
        // A dead worker held the objects of one chunk, and the pool's.
        || run(kills, seed, &mut tally, &killed).map(|()| kills * HELD_BY_ONE),
    );
    tally.why = outcome.err().map(|why| why.to_string());
    tally
}

/// Bytes of shared objects that a worker holds: two queues of a mebibyte each, and a few small ones.
const HELD_BY_ONE: u64 = 4 << 20;

fn run(kills: u64, seed: u64, tally: &mut Tally, told: impl Fn(u64)) -> Fallible {
    let pool = Pool::new(WORKERS)?;
    let (answers, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let killed = Killed::default();
    let mut dead_chunks = 0;
    let outcome: Fallible = std::thread::scope(|scope| {
        let killer = scope.spawn(|| kill_some(kills, seed, &answers, &is_over, &killed));
        let mut round = || -> Fallible {
            let mut dice = Dice::new(seed ^ 1);
            loop {
                let was_last = killer.is_finished();
                let lost = one_round(&pool, &mut dice, &answers, &killed)?;
                dead_chunks += lost;
                tally.met += lost;
                tally.kills = killed.lock().expect("no thread panics with it").len() as u64;
                told(tally.kills);
                if was_last {
                    return Ok(());
                }
            }
        };
        let outcome = round();
        is_over.store(true, SeqCst);
        let killing = killer
            .join()
            .unwrap_or_else(|_| Err("the killer panicked".into()));
        outcome.and_then(|()| Ok(killing?))
    });
    tally.moves = answers.load(SeqCst);
    outcome?;
    if dead_chunks > tally.kills {
        let kills = tally.kills;
        return Err(format!("{dead_chunks} chunks are lost with {kills} workers").into());
    }
    pool.close()?;
    Ok(pool.join()?)
}

/// Returns how many chunks were lost.
fn one_round(pool: &Pool, dice: &mut Dice, answers: &AtomicU64, killed: &Killed) -> Fallible<u64> {
    let size = 1 + dice.below(4) as usize;
    let journal = Journal {
        runs: Array::new(ROUND)?,
        workers: Array::new(ROUND)?,
    };
    let along = Value::new(CARRIED)?;
    let items: Vec<_> = (0..ROUND)
        .map(|number| {
            let along = number.is_multiple_of(CARRIES).then(|| along.clone());
            (journal.clone(), number, content(number), along)
        })
        .collect();
    let result = |(journal, number, content, along)| task(journal, number, content, along);
    let mut results = pool.chunks(size)?.imap(result, items)?;
    let mut lost = Vec::new();
    for number in 0..ROUND {
        match results.next_timeout(stuck::PATIENCE) {
            Ok(Some(answer)) => check(number, answer, &journal)?,
            Ok(None) => return Err(format!("{number} answers to {ROUND} tasks").into()),
            Err(PoolError::WorkerDied {
                signal: Some(9),
                task,
                ..
            }) if task.chunk.contains(&number) => lost.push(number),
            Err(PoolError::TimedOut) => return Err(missing(number)),
            Err(other) => return Err(format!("task {number}: {other}").into()),
        }
        answers.fetch_add(1, SeqCst);
    }
    if results.next().is_some() {
        return Err(format!("more than {ROUND} answers").into());
    }
    check_lost(&lost, size, &journal, killed)
}

fn missing(number: usize) -> Box<dyn std::error::Error + Send + Sync> {
    let who = active_children();
    let who: Vec<_> = who.iter().map(|it| (it.name(), it.pid())).collect();
    stuck::describe(&format!("the answer to task {number}"), &who).into()
}

fn check(number: usize, answer: Answer, journal: &Journal) -> Fallible {
    let along = answer.along.map(|along| along.get_unlocked());
    let is_carried = number.is_multiple_of(CARRIES).then_some(CARRIED);
    let is_whole = answer.content == content(number) && along == is_carried;
    if answer.number != number || !is_whole {
        return Err(format!("the answer to task {number} is not its own").into());
    }
    match journal.runs.get_unlocked(number)? {
        1 => Ok(()),
        runs => Err(format!("task {number} has a value, and was run {runs} times").into()),
    }
}

/// What is lost are whole chunks, each with a worker that was killed, and each worker took one at most.
fn check_lost(lost: &[usize], size: usize, journal: &Journal, killed: &Killed) -> Fallible<u64> {
    let chunks: BTreeSet<usize> = lost.iter().map(|number| number / size).collect();
    let whole = chunks.iter().flat_map(|chunk| tasks_of(*chunk, size));
    if !whole.eq(lost.iter().copied()) {
        return Err(format!("parts of chunks of {size} are lost: {lost:?}").into());
    }
    let mut takers = HashSet::new();
    for &chunk in &chunks {
        let mut begun = Vec::new();
        for number in tasks_of(chunk, size) {
            match journal.runs.get_unlocked(number)? {
                0 => {}
                1 => begun.push(journal.workers.get_unlocked(number)?),
                runs => return Err(format!("task {number} was run {runs} times").into()),
            }
        }
        // A worker that was killed before it began has left no name.
        let Some(&worker) = begun.first() else {
            continue;
        };
        let is_one = begun.iter().all(|other| *other == worker) && takers.insert(worker);
        if !is_one
            || !killed
                .lock()
                .expect("no thread panics with it")
                .contains(&worker)
        {
            return Err(format!("chunk {chunk} is lost, which {begun:?} had").into());
        }
    }
    Ok(chunks.len() as u64)
}

fn tasks_of(chunk: usize, size: usize) -> Range<usize> {
    chunk * size..((chunk + 1) * size).min(ROUND)
}

fn task(journal: Journal, number: usize, content: Vec<u8>, along: Option<Value<u32>>) -> Answer {
    // Who is run a second time is run after the first, so the count needs no lock. Its name comes first.
    let within = "each task has its place";
    journal
        .workers
        .set_unlocked(number, std::process::id())
        .expect(within);
    let runs = journal.runs.get_unlocked(number).expect(within);
    journal.runs.set_unlocked(number, runs + 1).expect(within);
    pace::spin(number as u64 % 50 * 20);
    Answer {
        number,
        content,
        along,
    }
}

/// Mostly a few bytes; now and then more than fits into an envelope.
fn content(number: usize) -> Vec<u8> {
    let size = match number % 50 {
        7 => 40_000,
        11 | 12 => 3_000,
        other => other,
    };
    (0..size).map(|at| (number + at) as u8).collect()
}

/// The killer's thread.
fn kill_some(
    kills: u64,
    seed: u64,
    answers: &AtomicU64,
    is_over: &AtomicBool,
    killed: &Killed,
) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    for number in 0..kills {
        await_more(dice.below(40), answers, is_over)?;
        pace::before_a_kill(&mut dice);
        let deadline = Instant::now() + stuck::PATIENCE;
        loop {
            let workers = active_children();
            let victim = workers.get(dice.below(WORKERS as u64) as usize);
            // One that is dying may be among them still.
            let is_new = |pid| killed.lock().expect("no thread panics with it").insert(pid);
            if let Some(victim) = victim.filter(|it| it.pid().is_some_and(is_new)) {
                victim.kill().map_err(|error| error.to_string())?;
                break;
            }
            if Instant::now() > deadline {
                return Err(format!("no worker came after death {number}"));
            }
            if is_over.load(SeqCst) {
                return Ok(());
            }
            std::thread::yield_now();
        }
    }
    Ok(())
}

/// Until there are so many answers more.
fn await_more(more: u64, answers: &AtomicU64, is_over: &AtomicBool) -> Result<(), String> {
    let goal = answers.load(SeqCst) + more;
    while answers.load(SeqCst) < goal {
        if is_over.load(SeqCst) {
            return Err("the answers have come to an end".into());
        }
        std::thread::yield_now();
    }
    Ok(())
}
