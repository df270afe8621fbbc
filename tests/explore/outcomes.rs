//! Outcome sets: the reduction leaves none out, of programs that start processes, wait for them, end them, print, and talk
//! through pipes.

use std::collections::BTreeSet;

use forkproof::explore::{Exploration, Outcomes, Stage, exhaustive};
use forkproof::tutorial::println;
use forkproof::{Lock, Pipe, Process, Receiver, Result, Sender, Value};

/// What is printed, and how it ends.
fn set(outcomes: &Outcomes) -> BTreeSet<String> {
    assert!(outcomes.tally.is_all(), "{}", outcomes.tally);
    outcomes.all.iter().map(ToString::to_string).collect()
}

/// The same outcomes with and without the reduction, which takes no more runs; as many as there are to be.
fn compared<F>(program: F, count: usize)
where
    F: Fn(&mut Stage, ()) + Copy + 'static,
{
    let explored = |exploration: Exploration| exploration.outcomes((), program).unwrap();
    let reduced = explored(exhaustive());
    let all = explored(exhaustive().unreduced());
    assert_eq!(set(&reduced), set(&all));
    assert_eq!(reduced.all.len(), count, "{:#?}", set(&reduced));
    let (few, many) = (reduced.tally.schedules(), all.tally.schedules());
    assert!(few <= many, "{few} of {many}");
}

fn greet(name: String) {
    println!("hello, {name}");
}

fn two_greetings() -> Result<()> {
    let children = ["Ann", "Ben"].map(|name| Process::new(greet, (name.to_owned(),)));
    children[0].start()?;
    children[1].start()?;
    println!("both are started");
    Ok(()) // they are waited for at the exit
}

#[test]
fn of_what_children_print() {
    compared(
        |stage, ()| stage.lane("main", |_| two_greetings().unwrap()),
        6,
    );
}

fn add_carelessly(balance: Value<i32>) -> Result<()> {
    balance.set(balance.get()? + 1)?;
    Ok(())
}

fn two_additions() -> Result<()> {
    let balance = Value::new(0)?;
    let child = Process::new(add_carelessly, (balance.clone(),));
    child.start()?;
    add_carelessly(balance.clone())?;
    println!("in between: {}", balance.get()?);
    child.join()?;
    println!("in the end: {}", balance.get()?);
    Ok(())
}

#[test]
fn of_values() {
    compared(
        |stage, ()| {
            stage.whole_calls();
            stage.lane("main", |_| two_additions().unwrap());
        },
        3, // in between and in the end: 1 and 1, where one is lost, 1 and 2, 2 and 2
    );
}

fn print_locked(lock: Lock, name: String) -> Result<()> {
    let _held = lock.lock()?;
    println!("{name} begins");
    println!("{name} ends");
    Ok(())
}

fn one_at_a_time() -> Result<()> {
    let lock = Lock::new()?;
    let child = Process::new(print_locked, (lock.clone(), "child".to_owned()));
    child.start()?;
    print_locked(lock, "parent".to_owned())
}

#[test]
fn of_locks() {
    compared(
        |stage, ()| {
            stage.whole_calls();
            stage.lane("main", |_| one_at_a_time().unwrap());
        },
        2,
    );
}

fn send(to: Sender<u8>) -> Result<()> {
    to.send(&7)?;
    println!("sent");
    Ok(())
}

fn receive(from: Receiver<u8>) -> Result<()> {
    println!("received {}", from.recv()?);
    Ok(())
}

fn through_a_pipe() -> Result<()> {
    let (receiver, sender) = Pipe::one_way()?;
    let child = Process::new(send, (sender,));
    child.start()?;
    receive(receiver)
}

#[test]
fn of_pipes() {
    compared(
        |stage, ()| stage.lane("main", |_| through_a_pipe().unwrap()),
        2,
    );
}

fn ended_while_it_prints() -> Result<()> {
    let child = Process::new(greet, ("you".to_owned(),));
    child.start()?;
    child.terminate()?;
    println!("it ended with {}", child.join()?);
    Ok(())
}

#[test]
fn of_signals() {
    compared(
        |stage, ()| stage.lane("main", |_| ended_while_it_prints().unwrap()),
        3, // before it prints, after that, and after its end
    );
}

fn a_daemon() -> Result<()> {
    let child = Process::new(greet, ("you".to_owned(),)).daemon(true);
    child.start()?;
    println!("started");
    Ok(()) // its end is the daemon's, too
}

#[test]
fn of_daemons() {
    compared(
        |stage, ()| stage.lane("main", |_| a_daemon().unwrap()),
        3, // the daemon prints first, second, or not at all
    );
}
