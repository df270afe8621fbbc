//! Pipes between processes.

use std::time::Duration;

use forkproof::{
    Array, Connection, Lock, Pipe, PipeError, Process, Queue, Receiver, Result, Sender, Value, wait,
};
use serde::{Deserialize, Serialize};

const NOW: Duration = Duration::ZERO;
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn is_disconnected<T>(outcome: &Result<T, PipeError>) -> bool {
    matches!(outcome, Err(PipeError::Disconnected))
}

fn has_died<T>(outcome: &Result<T, PipeError>) -> bool {
    matches!(outcome, Err(PipeError::PeerDied))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Message {
    Nothing,
    Text(String),
    Pairs(Vec<(u8, Option<f64>)>),
}

fn messages() -> Vec<Message> {
    vec![
        Message::Nothing,
        Message::Text(String::new()),
        Message::Text("grüß dich".into()),
        Message::Pairs(vec![(7, None), (8, Some(0.5))]),
        Message::Text("large ".repeat(1 << 20)),
        Message::Nothing,
    ]
}

fn echo(end: Connection<Message, Message>) -> Result<()> {
    for message in end.iter() {
        end.send(&message?)?;
    }
    Ok(())
}

#[test]
fn items_of_any_serde_type_and_size_go_both_ways() -> Result<()> {
    let (ours, theirs) = Pipe::duplex()?;
    let child = Process::new(echo, (theirs,));
    child.start()?;
    for message in messages() {
        ours.send(&message)?;
        assert_eq!(ours.recv()?, message);
    }
    drop(ours);
    assert_eq!(child.join()?, 0, "it has seen the end");
    Ok(())
}

fn count(numbers: Receiver<u32>, sum: Value<u64>) -> Result<()> {
    for number in numbers.iter() {
        sum.update(|sum| *sum += u64::from(number.unwrap()))?;
    }
    Ok(())
}

#[test]
fn one_way_and_to_the_end() -> Result<()> {
    let (receiver, sender) = Pipe::one_way()?;
    let sum = Value::new(0)?;
    let child = Process::new(count, (receiver, sum.clone()));
    child.start()?;
    for number in 1..=10_000u32 {
        sender.send(&number)?; // more than the pipe holds
    }
    drop(sender);
    assert_eq!(child.join()?, 0);
    assert_eq!(sum.get()?, 10_000 * 10_001 / 2);
    Ok(())
}

#[test]
fn bytes_are_messages_too() -> Result<()> {
    let (here, there) = Pipe::duplex::<(), ()>()?;
    for length in [0, 1, 16 << 10, (16 << 10) - 1, (16 << 10) + 1, 3 << 20] {
        let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
        here.send_bytes(&bytes)?;
        assert_eq!(there.recv_bytes()?, bytes, "{length} bytes");
    }
    let mut buffer = [0; 4];
    here.send_bytes(b"four")?;
    assert_eq!(there.recv_bytes_into(&mut buffer)?, 4);
    assert_eq!(&buffer, b"four");
    here.send_bytes(b"too much")?;
    match there.recv_bytes_into(&mut buffer) {
        Err(PipeError::BufferTooShort { message, room: 4 }) => assert_eq!(message, b"too much"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[test]
fn an_item_is_not_taken_for_bytes_nor_bytes_for_an_item() -> Result<()> {
    let (here, there) = Pipe::duplex::<u32, u32>()?;
    here.send(&5)?;
    here.send_bytes(b"5")?;
    here.send(&6)?;
    assert!(matches!(
        there.recv_bytes(),
        Err(PipeError::Mismatch { .. })
    ));
    assert!(matches!(there.recv(), Err(PipeError::Mismatch { .. })));
    assert_eq!(there.recv()?, 6, "what comes after is untouched");
    Ok(())
}

#[test]
fn poll_tells_whether_there_is_something() -> Result<()> {
    let (here, there) = Pipe::duplex::<u32, u32>()?;
    assert!(!there.poll(NOW)?);
    assert!(!there.poll(Duration::from_millis(5))?);
    here.send(&1)?;
    assert!(there.poll(NOW)? && there.poll(LONG)?);
    assert_eq!(there.recv()?, 1);
    assert!(!there.poll(NOW)?);
    drop(here);
    assert!(there.poll(LONG)?, "the end is something");
    assert!(is_disconnected(&there.recv()));
    assert!(is_disconnected(&there.send(&1)));
    assert!(is_disconnected(&there.send_bytes(b"1")));
    Ok(())
}

fn send_and_wait(sender: Sender<u32>, gate: Lock) -> Result<()> {
    sender.send(&1)?;
    sender.send(&2)?;
    let _open = gate.lock()?;
    Ok(())
}

#[test]
fn after_a_kill_what_was_sent_is_received_and_then_the_end() -> Result<()> {
    let (receiver, sender) = Pipe::one_way()?;
    let gate = Lock::new()?;
    let closed = gate.lock()?;
    let child = Process::new(send_and_wait, (sender, gate.clone()));
    child.start()?;
    assert_eq!(receiver.recv()?, 1);
    child.kill()?;
    // Not joined: the end comes with the death, not with the wait for it.
    let mut rest: Vec<_> = receiver.iter().collect();
    assert!(rest.pop().is_some_and(|last| has_died(&last)));
    let rest: Vec<u32> = rest.into_iter().collect::<Result<_, _>>()?;
    assert!(rest.is_empty() || rest == [2]);
    assert!(has_died(&receiver.recv()) && has_died(&receiver.recv()));
    assert!(receiver.poll(NOW)?);
    assert_eq!(wait(&[&receiver], Some(NOW))?, [0]);
    assert_eq!(child.join()?, -9);
    drop(closed);
    Ok(())
}

type End = Connection<u32, u32>;

/// Answers once, and then stays until it is killed.
fn answer_and_stay(end: End) -> Result<()> {
    end.send(&end.recv()?)?;
    stay()
}

fn stay() -> ! {
    loop {
        std::thread::park();
    }
}

#[test]
fn who_sends_to_one_that_was_killed_is_told_so() -> Result<()> {
    let (ours, theirs) = Pipe::duplex()?;
    let child = Process::new(answer_and_stay, (theirs,));
    child.start()?;
    ours.send(&1)?;
    assert_eq!(ours.recv()?, 1);
    child.kill()?;
    child.join()?;
    assert!(has_died(&ours.send(&2)) && has_died(&ours.send_bytes(b"2")));
    assert!(has_died(&ours.recv()));
    Ok(())
}

#[test]
fn as_long_as_one_has_the_end_it_is_no_end() -> Result<()> {
    let (ours, theirs) = Pipe::duplex()?;
    let first = Process::new(answer_and_stay, (theirs.clone(),));
    first.start()?;
    ours.send(&1)?;
    assert_eq!(ours.recv()?, 1);
    first.kill()?;
    first.join()?;
    theirs.send(&3)?;
    assert_eq!(ours.recv()?, 3, "the other one goes on");
    drop(theirs);
    assert!(has_died(&ours.recv()), "one of the two has not let go");
    Ok(())
}

#[test]
fn one_that_exits_without_dropping_its_end_has_died_with_it() -> Result<()> {
    let (ours, theirs) = Pipe::duplex::<u32, u32>()?;
    let child = Process::new(|_: End| std::process::exit(0), (theirs,));
    child.start()?;
    assert_eq!(child.join()?, 0);
    assert!(has_died(&ours.recv()));
    Ok(())
}

/// Waits in `get` for an end, and for its death.
fn get_and_stay(ends: Queue<End>) -> Result<()> {
    answer_and_stay(ends.get()?)
}

#[test]
fn an_end_on_its_way_is_held_and_let_go_where_it_arrives() -> Result<()> {
    let ends = Queue::<End>::new()?;
    let send = || -> Result<End> {
        let (ours, theirs) = Pipe::duplex()?;
        ends.put(theirs)?;
        assert!(!ours.poll(NOW)?, "it is on its way");
        Ok(ours)
    };
    let ours = send()?;
    drop(ends.get()?);
    assert!(is_disconnected(&ours.recv()));
    let ours = send()?;
    let sent = ends.process(|end| end.send(&7))?;
    sent?;
    assert_eq!(ours.recv()?, 7);
    assert!(is_disconnected(&ours.recv()), "of a copy, too");
    let child = Process::new(get_and_stay, (ends.clone(),));
    child.start()?;
    let ours = send()?;
    ours.send(&8)?;
    assert_eq!(ours.recv()?, 8);
    child.kill()?;
    assert!(has_died(&ours.recv()));
    assert_eq!(child.join()?, -9);
    Ok(())
}

#[test]
fn an_end_that_was_not_sent_is_not_lost() -> Result<()> {
    let (ours, theirs) = Pipe::duplex::<u32, u32>()?;
    let (here, _there) = Pipe::duplex::<(End, Unwilling), ()>()?;
    let item = (theirs, Unwilling);
    let refused = here.send(&item);
    assert!(matches!(refused, Err(PipeError::Unsendable(_))));
    drop(item);
    assert!(is_disconnected(&ours.recv()));
    Ok(())
}

/// In a process of one thread: forks a child that inherits an end, uses it if told so, and is killed or returns.
fn fork_with_an_end(ours: End, theirs: End, uses: bool, is_killed: bool) -> Result<()> {
    let (told, heard) = Pipe::one_way::<()>()?;
    let _inherited = theirs.clone();
    let child = Process::from_closure(move || {
        if uses {
            theirs.send(&1).expect("there is room");
        }
        drop(ours);
        heard.send(&()).expect("there is room");
        if is_killed {
            stay();
        }
        drop((theirs, heard));
    });
    child.start()?;
    told.recv()?;
    if is_killed {
        child.kill()?;
    }
    child.join()?;
    Ok(())
}

#[test]
fn a_forked_child_counts_from_its_first_use_on() -> Result<()> {
    for (uses, is_killed) in [(true, true), (true, false), (false, true), (false, false)] {
        let (ours, theirs) = Pipe::duplex()?;
        let args = (ours.clone(), theirs, uses, is_killed);
        let child = Process::new(fork_with_an_end, args);
        child.start()?;
        assert_eq!(child.join()?, 0);
        if uses {
            assert_eq!(ours.recv()?, 1);
        }
        let end = ours.recv();
        assert_eq!(has_died(&end), uses && is_killed, "{uses} {is_killed}");
        assert_eq!(is_disconnected(&end), !(uses && is_killed));
    }
    Ok(())
}

fn receive_one(receiver: Receiver<Vec<u8>>) -> Result<()> {
    receiver.recv()?;
    Ok(())
}

#[test]
fn a_sender_that_waits_for_room_learns_of_the_receivers_death() -> Result<()> {
    let (receiver, sender) = Pipe::one_way()?;
    let child = Process::new(receive_one, (receiver,));
    child.start()?;
    let mut sent = 0;
    let why = loop {
        // The child takes one and ends: sooner or later there is no one who would make room.
        match sender.send(&vec![0; 4_000]) {
            Ok(()) => sent += 1,
            Err(why) => break why,
        }
    };
    assert!(matches!(why, PipeError::Disconnected), "{why:?}");
    assert!(sent >= 1);
    assert_eq!(child.join()?, 0);
    Ok(())
}

const SENDERS: u32 = 4;
const EACH: u32 = 300;

fn send_many(sender: Sender<(u32, u32, Vec<u8>)>, lane: u32) -> Result<()> {
    for number in 0..EACH {
        // Of all sizes: within a packet, and in memory of their own.
        let size = (number as usize * 97) % 40_000;
        sender.send(&(lane, number, vec![lane as u8; size]))?;
    }
    Ok(())
}

#[test]
fn several_senders_do_not_mix_messages() -> Result<()> {
    let (receiver, sender) = Pipe::one_way()?;
    let children: Vec<Process> = (0..SENDERS)
        .map(|lane| Process::new(send_many, (sender.clone(), lane)))
        .collect();
    for child in &children {
        child.start()?;
    }
    drop(sender);
    let mut next = [0; SENDERS as usize];
    for message in receiver.iter() {
        let (lane, number, content) = message?;
        assert_eq!(number, next[lane as usize], "each sender's order is kept");
        next[lane as usize] += 1;
        assert!(content.iter().all(|&byte| byte == lane as u8));
    }
    assert_eq!(next, [EACH; SENDERS as usize]);
    for child in &children {
        assert_eq!(child.join()?, 0);
    }
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct Handles {
    lock: Lock,
    array: Array<i32>,
    answer: Sender<Value<i32>>,
}

fn use_handles(receiver: Receiver<Handles>) -> Result<()> {
    let Handles {
        lock,
        array,
        answer,
    } = receiver.recv()?;
    assert!(lock.is_locked(), "the sender holds it");
    array.set(1, 7)?;
    let value = Value::new(-1)?; // made here, and still there when this process has ended
    answer.send(&value)?;
    Ok(())
}

#[test]
fn shared_objects_travel_through_a_pipe() -> Result<()> {
    let (receiver, sender) = Pipe::one_way()?;
    let child = Process::new(use_handles, (receiver,));
    child.start()?;
    let (answers, answer) = Pipe::one_way()?;
    let (lock, array) = (Lock::new()?, Array::new(2)?);
    let held = lock.lock()?;
    sender.send(&Handles {
        lock: lock.clone(),
        array: array.clone(),
        answer,
    })?;
    let value = answers.recv()?;
    assert_eq!(child.join()?, 0);
    assert_eq!(value.get()?, -1);
    assert_eq!(array.to_vec()?, [0, 7]);
    assert!(is_disconnected(&answers.recv()));
    drop(held);
    Ok(())
}

#[derive(Deserialize)]
struct Unwilling;

impl Serialize for Unwilling {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("unwilling"))
    }
}

#[test]
fn what_cannot_be_sent_is_refused_and_nothing_is_sent() -> Result<()> {
    let (here, there) = Pipe::duplex::<Unwilling, Unwilling>()?;
    let refused = here.send(&Unwilling);
    assert!(matches!(refused, Err(PipeError::Unsendable(_))));
    assert!(!there.poll(NOW)?);
    Ok(())
}
