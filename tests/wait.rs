//! Waiting for the first of several pipes, queues and processes.

use std::time::Duration;

use forkproof::{
    Lock, Pipe, Process, ProcessError, Receiver, Result, Sender, WaitError, Waitable, wait,
};

const NOW: Option<Duration> = Some(Duration::ZERO);
const NONE: [usize; 0] = [];

fn all<T: Waitable>(objects: &[T]) -> Vec<&dyn Waitable> {
    objects.iter().map(|object| object as _).collect()
}

#[test]
fn nothing_is_ready_until_it_is() -> Result<()> {
    let (one, first) = Pipe::one_way::<u32>()?;
    let (two, second) = Pipe::one_way::<u32>()?;
    assert_eq!(wait(&[&one, &two], NOW)?, NONE);
    assert_eq!(wait(&[&one, &two], Some(Duration::from_millis(5)))?, NONE);
    second.send(&2)?;
    assert_eq!(wait(&[&one, &two], None)?, [1]);
    first.send(&1)?;
    assert_eq!(wait(&[&one, &two], None)?, [0, 1], "all that are ready");
    assert_eq!((one.recv()?, two.recv()?), (1, 2));
    assert_eq!(wait(&[&one, &two], NOW)?, NONE);
    drop(first);
    assert_eq!(wait(&[&one, &two], None)?, [0], "an end that was reached");
    assert_eq!(wait(&[], NOW)?, NONE);
    Ok(())
}

fn wait_at(gate: Lock) -> Result<()> {
    let _open = gate.lock()?;
    Ok(())
}

#[test]
fn a_process_is_ready_when_it_has_ended_however_it_did() -> Result<()> {
    let gate = Lock::new()?;
    let closed = gate.lock()?;
    let children: Vec<Process> = (0..3)
        .map(|_| Process::new(wait_at, (gate.clone(),)))
        .collect();
    for child in &children {
        child.start()?;
    }
    assert_eq!(wait(&all(&children), NOW)?, NONE);
    children[1].kill()?;
    assert_eq!(wait(&all(&children), None)?, [1]);
    drop(closed);
    while wait(&all(&children), None)?.len() < children.len() {}
    for child in &children {
        child.join()?;
    }
    assert_eq!(wait(&all(&children), None)?, [0, 1, 2], "joined ones too");
    Ok(())
}

fn answer(lane: u32, question: Receiver<u32>, answer: Sender<(u32, u32)>) -> Result<()> {
    let question = question.recv()?;
    answer.send(&(lane, question + 1))?;
    Ok(())
}

/// More than a futex_waitv(2) could take.
const MANY: usize = 150;

#[test]
fn of_more_than_128_the_one_that_speaks_is_found() -> Result<()> {
    let (quiet, _silent): (Vec<Receiver<u32>>, Vec<Sender<u32>>) = (0..MANY)
        .map(|_| Pipe::one_way())
        .collect::<std::io::Result<Vec<_>>>()?
        .into_iter()
        .unzip();
    let (asked, question) = Pipe::one_way()?;
    let (answers, answered) = Pipe::one_way()?;
    let child = Process::new(answer, (7, asked, answered));
    child.start()?;
    let mut objects = all(&quiet);
    objects.push(&answers);
    objects.push(&child);
    assert_eq!(wait(&objects, NOW)?, NONE);
    question.send(&41)?;
    let ready = wait(&objects, None)?;
    assert!(ready == [MANY] || ready == [MANY, MANY + 1], "{ready:?}");
    assert_eq!(answers.recv()?, (7, 42));
    assert_eq!(child.join()?, 0);
    Ok(())
}

#[test]
fn the_death_of_the_last_that_has_an_end_is_told() -> Result<()> {
    let gate = Lock::new()?;
    let closed = gate.lock()?;
    let (receiver, sender) = Pipe::one_way::<u32>()?;
    let hold = |_: Sender<u32>, gate: Lock| drop(gate.lock());
    let child = Process::new(hold, (sender, gate.clone()));
    child.start()?;
    assert_eq!(wait(&[&receiver], NOW)?, NONE);
    child.kill()?;
    assert_eq!(wait(&[&receiver], None)?, [0]);
    child.join()?;
    drop(closed);
    Ok(())
}

#[test]
fn a_process_that_was_not_started_is_an_error() {
    let made = Process::new(|| (), ());
    match wait(&[&made], NOW) {
        Err(WaitError::Object { place: 0, why }) => {
            let why = why.downcast_ref::<ProcessError>();
            assert!(matches!(why, Some(ProcessError::NotStarted)), "{why:?}");
        }
        other => panic!("{other:?}"),
    }
}
