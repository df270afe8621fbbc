//! Messages that are bytes: copied, or written and read in their place.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use forkproof::shm::Shared;
use forkproof::{ByteQueue, GetError, LockFailure, PutFailure, Queue, Result, wait};
use proptest::prelude::*;

use super::{LONG, NOW, start};

fn message(number: u8, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| number.wrapping_add(at as u8)).collect()
}

fn echo(questions: ByteQueue, answers: ByteQueue) -> Result<()> {
    let mut buffer = [0; 300];
    while let Ok(bytes) = questions.get_into(&mut buffer) {
        let mut place = answers.reserve(bytes)?;
        place.copy_from_slice(&buffer[..bytes]);
        place.put()?;
    }
    answers.close()?;
    Ok(())
}

#[test]
fn they_go_and_come_back() -> Result<()> {
    let (questions, answers) = (ByteQueue::new()?, ByteQueue::with_capacity(None, 1 << 10)?);
    let child = start(echo, (questions.clone(), answers.clone()))?;
    for number in 0..200 {
        questions.put(&message(number, usize::from(number)))?;
    }
    questions.close()?;
    for number in 0..200 {
        let length = answers.process(|bytes| {
            assert_eq!(bytes, message(number, usize::from(number)));
            bytes.len()
        })?;
        assert_eq!(length, usize::from(number));
    }
    assert!(matches!(answers.get(), Err(GetError::Closed)));
    assert_eq!(child.join()?, 0);
    Ok(())
}

#[test]
fn a_message_takes_half_of_the_room_at_most() -> Result<()> {
    let queue = ByteQueue::with_capacity(None, 64)?;
    assert!(matches!(queue.put(&[1; 33]), Err(PutFailure::TooLarge)));
    assert!(matches!(queue.reserve(33), Err(PutFailure::TooLarge)));
    // Wherever the queue has come to, there is room in an empty one.
    for bytes in (0..=32).chain((0..=32).rev()) {
        queue.try_put(&message(7, bytes))?;
        assert_eq!(queue.get()?, message(7, bytes));
    }
    Ok(())
}

#[test]
fn a_buffer_too_short_leaves_the_message() -> Result<()> {
    let queue = ByteQueue::new()?;
    queue.put(b"hello")?;
    let short = queue.get_into(&mut [0; 4]);
    let Err(GetError::BufferTooShort { bytes: 5, room: 4 }) = short else {
        panic!("{short:?}")
    };
    assert_eq!(
        short.unwrap_err().to_string(),
        "the message has 5 bytes, and the buffer room for 4"
    );
    let mut buffer = [0; 6];
    assert_eq!(queue.try_get_into(&mut buffer)?, 5);
    assert_eq!(&buffer, b"hello\0");
    assert!(matches!(
        queue.get_into_timeout(&mut buffer, NOW),
        Err(GetError::TimedOut)
    ));
    Ok(())
}

#[test]
fn a_place_that_is_dropped_is_given_up() -> Result<()> {
    let queue = ByteQueue::bounded(1)?;
    queue.reserve(10)?.fill(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut place = queue.reserve(10).unwrap();
        place.fill(2);
        panic!("on the way");
    }));
    assert!(panicked.is_err());
    assert!(queue.is_empty());
    let mut place = queue.try_reserve(3)?;
    assert_eq!(place.len(), 3);
    place.copy_from_slice(b"yes");
    assert!(queue.is_empty(), "it is not put yet");
    place.put()?;
    assert!(matches!(queue.try_reserve(3), Err(PutFailure::Full)));
    assert!(matches!(
        queue.reserve_timeout(3, NOW),
        Err(PutFailure::TimedOut)
    ));
    assert_eq!(queue.get()?, b"yes");
    queue.close()?;
    assert!(matches!(queue.reserve(3), Err(PutFailure::Closed)));
    Ok(())
}

#[test]
fn who_has_reserved_room_does_not_wait_for_itself() -> Result<()> {
    let queue = ByteQueue::new()?;
    let place = queue.reserve(1)?;
    assert!(matches!(queue.put(b""), Err(PutFailure::Nested)));
    assert!(matches!(queue.try_put(b""), Err(PutFailure::Nested)));
    assert!(matches!(queue.reserve(1), Err(PutFailure::Nested)));
    assert!(matches!(queue.get(), Err(GetError::Nested)));
    assert!(matches!(queue.process(|_| ()), Err(GetError::Nested)));
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    assert!(matches!(queue.close(), Err(LockFailure::AlreadyHeld)));
    assert!(queue.poll(NOW).is_err());
    place.put()?;
    let _second = queue.reserve(1)?;
    assert_eq!(queue.get()?.len(), 1, "what is there can be got");
    Ok(())
}

#[test]
fn a_message_that_was_not_done_with_stays() -> Result<()> {
    let queue = ByteQueue::new()?;
    queue.put(b"first")?;
    queue.put(b"second")?;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        queue.process(|_| std::panic::resume_unwind(Box::new(())))
    }));
    assert!(panicked.is_err());
    let inside = queue.process(|bytes| {
        assert_eq!(bytes, b"first");
        (queue.try_get(), queue.try_put(b"third"))
    })?;
    assert!(matches!(inside, (Err(GetError::Nested), Ok(()))));
    queue.close()?;
    let left = queue.iter().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(left, [b"second".to_vec(), b"third".to_vec()]);
    Ok(())
}

fn write_for_ever(queue: ByteQueue, at_work: Queue<()>) -> Result<()> {
    let mut place = queue.reserve(100)?;
    place.fill(1);
    at_work.put(())?;
    loop {
        place.fill(2);
    }
}

fn read_for_ever(queue: ByteQueue, at_work: Queue<()>) -> Result<()> {
    Ok(queue.process(|bytes| {
        assert_eq!(bytes, b"read me");
        at_work.put(()).unwrap();
        loop {
            std::thread::park();
        }
    })?)
}

#[test]
fn nothing_is_put_by_who_is_killed_in_its_place() -> Result<()> {
    let (queue, at_work) = (ByteQueue::with_capacity(None, 256)?, Queue::new()?);
    for round in 0..20 {
        let child = start(write_for_ever, (queue.clone(), at_work.clone()))?;
        at_work.get()?;
        assert!(queue.is_empty(), "written, and not put");
        let waits = start(echo, (ByteQueue::new()?, queue.clone()))?; // others wait for its end
        child.kill()?;
        queue.put_timeout(&message(round, 40), LONG)?;
        assert_eq!(queue.get()?, message(round, 40));
        waits.kill()?;
        waits.join()?;
        child.join()?;
    }
    Ok(())
}

#[test]
fn what_a_killed_one_read_is_there_for_the_next() -> Result<()> {
    let (queue, at_work) = (ByteQueue::new()?, Queue::new()?);
    queue.put(b"read me")?;
    let child = start(read_for_ever, (queue.clone(), at_work.clone()))?;
    at_work.get()?;
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    assert!(matches!(
        queue.process_timeout(NOW, |_| ()),
        Err(GetError::TimedOut)
    ));
    child.kill()?;
    assert_eq!(queue.process(<[u8]>::to_vec)?, b"read me");
    assert!(queue.is_empty());
    child.join()?;
    Ok(())
}

fn put_later(go: ByteQueue, to: ByteQueue) -> Result<()> {
    go.get()?;
    Ok(to.put(b"now")?)
}

#[test]
fn it_can_be_waited_for() -> Result<()> {
    let (go, quiet, queue) = (ByteQueue::new()?, ByteQueue::new()?, ByteQueue::new()?);
    assert!(!queue.poll(NOW)?);
    let child = start(put_later, (go.clone(), queue.clone()))?;
    let mut place = go.reserve(2)?;
    place.fill(0);
    place.put()?;
    assert_eq!(wait(&[&quiet, &queue], Some(LONG))?, [1]);
    assert_eq!(queue.get()?, b"now");
    assert!(format!("{queue:?}").contains("ByteQueue of 0 items"));
    assert_eq!(child.join()?, 0);
    Ok(())
}

#[derive(Clone, Debug)]
enum Call {
    Put(usize),
    Write(usize),
    Forgo(usize),
    Get,
    GetInto(usize),
    Process,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (0usize..70).prop_map(Call::Put),
        (0usize..70).prop_map(Call::Write),
        (0usize..70).prop_map(Call::Forgo),
        Just(Call::Get),
        (0usize..70).prop_map(Call::GetInto),
        Just(Call::Process),
    ]
}

proptest! {
    /// Beside a list: the same messages in the same order, and room as it was promised.
    #[test]
    fn it_does_as_a_list_does(
        units in 2usize..20,
        items in 1usize..6,
        calls in prop::collection::vec(call(), 1..80),
    ) {
        let queue = ByteQueue::with_capacity(Some(items), 8 * units).unwrap();
        let mut list = VecDeque::new();
        for (number, call) in calls.into_iter().enumerate() {
            does_as(&queue, &mut list, call, number as u8, items, units);
            prop_assert_eq!(queue.len(), list.len());
        }
        queue.close().unwrap();
        let left: Vec<_> = queue.iter().map(|message| message.unwrap()).collect();
        prop_assert_eq!(list, left);
    }
}

/// Where the ends' places lie, and the messages.
const PLACES_AT: [usize; 2] = [40, 168];
const BYTES_AT: usize = 384;

proptest! {
    /// By something that shares the memory. The words of locks are left alone: to wait for a living owner is right.
    #[test]
    fn whatever_is_written_to_its_memory_no_call_leaves_it(
        units in 2usize..20,
        written in prop::collection::vec((0usize..22, any::<u64>(), 0u32..64), 1..30),
        calls in prop::collection::vec(call(), 30),
    ) {
        let queue = ByteQueue::with_capacity(None, 8 * units).unwrap();
        for ((at, number, shorter), call) in written.into_iter().zip(calls) {
            let at = match at.checked_sub(2) {
                None => PLACES_AT[at],
                Some(unit) => BYTES_AT + 8 * (unit % units),
            };
            queue.block().set(at, number >> shorter);
            let _looked_at = (queue.len(), queue.is_full(), queue.is_empty(), queue.is_closed());
            let bytes = match call {
                Call::Put(bytes) => queue.try_put(&message(0, bytes)).map_or(0, |()| bytes),
                Call::Write(bytes) | Call::Forgo(bytes) => queue.try_reserve(bytes).map_or(0, |mut place| {
                    place.fill(1);
                    place.put().map_or(0, |()| bytes)
                }),
                Call::Get => queue.try_get().map_or(0, |message| message.len()),
                Call::GetInto(room) => queue.try_get_into(&mut vec![0; room]).unwrap_or(0),
                Call::Process => {
                    let sum = |message: &[u8]| message.iter().fold(0u8, |sum, byte| sum ^ byte);
                    let read = |message: &[u8]| (sum(message), message.len());
                    queue.process_timeout(NOW, read).map_or(0, |(_, bytes)| bytes)
                }
            };
            prop_assert!(bytes <= 8 * units);
        }
    }
}

fn does_as(
    queue: &ByteQueue,
    list: &mut VecDeque<Vec<u8>>,
    call: Call,
    number: u8,
    items: usize,
    units: usize,
) {
    match call {
        Call::Put(bytes) | Call::Write(bytes) | Call::Forgo(bytes) => {
            let message = message(number, bytes);
            let put = match call {
                Call::Put(_) => queue.try_put(&message),
                _ => queue.try_reserve(bytes).and_then(|mut place| {
                    place.copy_from_slice(&message);
                    match call {
                        Call::Write(_) => place.put(),
                        _ => Ok(()),
                    }
                }),
            };
            let fits = bytes.div_ceil(8) <= units / 2;
            match put {
                Ok(()) if matches!(call, Call::Forgo(_)) => {}
                Ok(()) => list.push_back(message),
                Err(PutFailure::TooLarge) => assert!(!fits),
                Err(PutFailure::Full) => {
                    let used: usize = list
                        .iter()
                        .map(|message| 1 + message.len().div_ceil(8))
                        .sum();
                    // At most once is something left unused: less than what was to lie there.
                    let longest = list.iter().map(Vec::len).max().unwrap_or(0).max(bytes);
                    let needed = used + 1 + bytes.div_ceil(8) + longest.div_ceil(8);
                    assert!(fits && (list.len() == items || needed > units));
                }
                Err(other) => panic!("{other}"),
            }
        }
        Call::Get => assert_eq!(queue.try_get().ok(), list.pop_front()),
        Call::Process => {
            let got = queue.process_timeout(NOW, <[u8]>::to_vec);
            assert_eq!(got.ok(), list.pop_front());
        }
        Call::GetInto(room) => {
            let mut buffer = vec![0; room];
            match queue.try_get_into(&mut buffer) {
                Ok(bytes) => assert_eq!(Some(&buffer[..bytes]), list.pop_front().as_deref()),
                Err(GetError::Empty) => assert!(list.is_empty()),
                Err(GetError::BufferTooShort { bytes, room: told }) => {
                    assert_eq!((told, Some(bytes)), (room, list.front().map(Vec::len)));
                    assert!(bytes > room);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}
