//! Tutorial 004: two processes at work, shared memory, a queue, and a bank that needs its lock.
//!
//! Its author ran it in a notebook on Windows, where a child is a new run of the program
//! ([`StartMethod::Spawn`](forkproof::StartMethod::Spawn)) that looks its function up by name, and no name
//! was found. The functions below are in no registry either ([`spawnable!`](forkproof::spawnable)): spawned,
//! their children end with exit code 1 before they touch anything, and the parents print what the author saw.

use std::collections::VecDeque;
use std::sync::Mutex;

use forkproof::tutorial::{println, size, sleep};
use forkproof::{Array, Lock, Process, Queue, Result, Value};

pub fn print_squares(numbers: Vec<i32>) {
    println!("Calculate Square of Numbers");
    for n in numbers {
        sleep(5.0);
        println!("square: {}", n * n);
    }
}

pub fn print_cubes(numbers: Vec<i32>) {
    println!("Calculate Cube of Numbers");
    for n in numbers {
        sleep(5.0);
        println!("Cube: {}", n * n * n);
    }
}

/// 004.1: two processes work at the same time; either may be first with the next line.
pub fn two_processes() -> Result<()> {
    let mut numbers = vec![2, 3, 4, 5];
    numbers.truncate(size(4));
    let p1 = Process::new(print_squares, (numbers.clone(),));
    let p2 = Process::new(print_cubes, (numbers,));

    p1.start()?;
    p2.start()?;

    p1.join()?;
    p2.join()?;

    println!("Done");
    Ok(())
}

static SQUARES: Mutex<Vec<i32>> = Mutex::new(Vec::new());

pub fn collect_within(numbers: Vec<i32>) {
    collect_squares(numbers);
    println!("Within Process {:?}", SQUARES.lock().unwrap());
}

pub fn collect_inside(numbers: Vec<i32>) {
    collect_squares(numbers);
    println!("Inside Process {:?}", SQUARES.lock().unwrap());
}

fn collect_squares(numbers: Vec<i32>) {
    println!("Calculate Square of Numbers");
    for n in numbers {
        println!("square: {}", n * n);
        SQUARES.lock().unwrap().push(n * n);
    }
}

/// 004.2: a child's global variables are its own.
pub fn global_list() -> Result<()> {
    let p1 = Process::new(collect_within, (vec![2, 3, 4, 5],));
    p1.start()?;
    p1.join()?;

    println!("Result {:?}", SQUARES.lock().unwrap());
    println!("Done");
    Ok(())
}

/// 004.3: inside the child the list is full, outside it is empty: each process has its own address space.
pub fn inside_and_outside() -> Result<()> {
    let p1 = Process::new(collect_inside, (vec![2, 3, 4, 5],));
    p1.start()?;
    p1.join()?;

    println!("Outside Process{:?}", SQUARES.lock().unwrap());
    Ok(())
}

pub fn square_into(numbers: Vec<i32>, result: Array<i32>) -> Result<()> {
    for (index, n) in numbers.iter().enumerate() {
        result.set(index, n * n)?;
    }
    Ok(())
}

/// 004.4: an `Array` does not grow. The child writes three squares; the fourth is an error, which ends it with
/// a message and exit code 1.
pub fn array_too_short() -> Result<()> {
    let result = Array::<i32>::new(3)?;
    let p = Process::new(square_into, (vec![2, 3, 4, 5], result.clone()));
    p.start()?;
    p.join()?;

    println!("{:?}", result.to_vec()?);
    Ok(())
}

pub fn set_and_square(numbers: Vec<i32>, result: Array<i32>, value: Value<f64>) -> Result<()> {
    value.set(5.56)?;
    square_into(numbers, result)
}

/// 004.5: what the child wrote before its error stays written.
pub fn value_and_array() -> Result<()> {
    let result = Array::<i32>::new(3)?;
    let value = Value::new(0.0)?;
    let p = Process::new(
        set_and_square,
        (vec![2, 3, 4, 5], result.clone(), value.clone()),
    );
    p.start()?;
    p.join()?;

    println!("{:?}", value.get()?);
    println!("{:?}", result.to_vec()?);
    Ok(())
}

pub fn update_value(value: Value<f64>) -> Result<()> {
    value.set(5.56)?;
    Ok(())
}

/// 004.6: a `Value` alone.
pub fn value() -> Result<()> {
    let value = Value::new(0.0)?;
    let p = Process::new(update_value, (value.clone(),));
    p.start()?;
    p.join()?;

    println!("{:?}", value.get()?);
    Ok(())
}

pub fn square_into_queue(numbers: Vec<i32>, q: Queue<i32>) -> Result<()> {
    for n in numbers {
        q.put(n * n)?;
    }
    Ok(())
}

/// 004.7: a `Queue` brings the squares back to the parent.
pub fn queue() -> Result<()> {
    let q = Queue::new()?;
    let p = Process::new(square_into_queue, (vec![2, 3, 4, 5], q.clone()));
    p.start()?;
    p.join()?;

    while !q.is_empty() {
        println!("{}", q.get()?);
    }
    Ok(())
}

pub fn deposit(balance: Value<i32>, lock: Lock) -> Result<()> {
    for _ in 0..size(100) {
        sleep(0.01);
        let _held = lock.lock()?; // until the end of the round
        balance.set(balance.get()? + 1)?; // so no one comes between the read and the write
    }
    Ok(())
}

pub fn withdraw(balance: Value<i32>, lock: Lock) -> Result<()> {
    for _ in 0..size(100) {
        sleep(0.01);
        let _held = lock.lock()?;
        balance.set(balance.get()? - 1)?;
    }
    Ok(())
}

/// 004.8: deposits, and after them withdrawals. As one is joined before the other starts, the lock has no work
/// to do.
pub fn bank_joined() -> Result<()> {
    let balance = Value::new(200)?;
    let lock = Lock::new()?;
    let d = Process::new(deposit, (balance.clone(), lock.clone()));
    let w = Process::new(withdraw, (balance.clone(), lock.clone()));

    d.start()?;
    d.join()?;
    w.start()?;
    w.join()?;

    println!("{}", balance.get()?);
    Ok(())
}

/// 004.8b: deposits and withdrawals at the same time. One lock around each read and write: nothing is lost.
/// (`balance.update(|b| *b += 1)` does the same with the lock that a `Value` has of its own.)
pub fn bank_with_lock() -> Result<()> {
    let balance = Value::new(200)?;
    let lock = Lock::new()?;
    let d = Process::new(deposit, (balance.clone(), lock.clone()));
    let w = Process::new(withdraw, (balance.clone(), lock.clone()));

    d.start()?;
    w.start()?;
    d.join()?;
    w.join()?;

    println!("{}", balance.get()?);
    Ok(())
}

pub fn deposit_carelessly(balance: Value<i32>) -> Result<()> {
    for _ in 0..size(100) {
        sleep(0.01);
        let seen = balance.get()?;
        sleep(0.005); // the other process writes ..
        balance.set(seen + 1)?; // .. and this overwrites it
    }
    Ok(())
}

pub fn withdraw_carelessly(balance: Value<i32>) -> Result<()> {
    for _ in 0..size(100) {
        sleep(0.01);
        let seen = balance.get()?;
        sleep(0.005);
        balance.set(seen - 1)?;
    }
    Ok(())
}

/// 004.8c: the same without the lock. Each read and each write is whole, but between the two the other
/// process writes, and its update is lost: the balance is hardly ever 200.
pub fn bank_without_lock() -> Result<()> {
    let balance = Value::new(200)?;
    let d = Process::new(deposit_carelessly, (balance.clone(),));
    let w = Process::new(withdraw_carelessly, (balance.clone(),));

    d.start()?;
    w.start()?;
    d.join()?;
    w.join()?;

    println!("{}", balance.get()?);
    Ok(())
}

/// A queue between threads: each process has its own.
static BETWEEN_THREADS: Mutex<VecDeque<i32>> = Mutex::new(VecDeque::new());

pub fn square_into_both(numbers: Vec<i32>, between_processes: Queue<i32>) -> Result<()> {
    for n in numbers {
        between_processes.put(n * n)?;
        BETWEEN_THREADS.lock().unwrap().push_back(n * n);
    }
    println!("in the child: {:?}", BETWEEN_THREADS.lock().unwrap());
    Ok(())
}

/// 004.9: what the child puts into a `Queue` reaches its parent; what it puts into a queue that only threads share
/// stays in the child.
pub fn two_queues() -> Result<()> {
    let between_processes = Queue::new()?;
    let p = Process::new(
        square_into_both,
        (vec![2, 3, 4, 5], between_processes.clone()),
    );
    p.start()?;
    p.join()?;

    let mut squares = Vec::new();
    while !between_processes.is_empty() {
        squares.push(between_processes.get()?);
    }
    println!("between processes: {squares:?}");
    println!("between threads: {:?}", BETWEEN_THREADS.lock().unwrap());
    Ok(())
}
