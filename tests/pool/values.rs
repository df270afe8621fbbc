//! What travels, and what does not.

use std::num::ParseIntError;

use forkproof::{Array, Failure, Pool, PoolError, Queue, Value};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{pool, square};

#[test]
fn shared_objects_travel_both_ways() -> Result<(), forkproof::Error> {
    fn deposit(balance: Value<i64>, amount: i64) {
        balance.update(|balance| *balance += amount).unwrap();
    }
    fn open_account(initial: i64) -> Value<i64> {
        Value::new(initial).unwrap()
    }
    fn pass_on(queue: Queue<Value<i64>>, account: Value<i64>) -> Queue<Value<i64>> {
        queue.put(account).unwrap();
        queue
    }
    let pool = pool(2);
    let balance = Value::new(0)?;
    let amounts = (1..=100).map(|amount| (balance.clone(), amount));
    pool.chunks(1)?.starmap(deposit, amounts)?;
    assert_eq!(balance.get()?, 5_050);
    let account = pool.apply(open_account, (7,))?;
    pool.apply(deposit, (account.clone(), 3))?;
    assert_eq!(account.get()?, 10);
    let queue = pool.apply(pass_on, (Queue::new()?, account.clone()))?;
    queue.get()?.set(11)?;
    assert_eq!(account.get()?, 11);
    Ok(())
}

#[test]
fn nothing_is_left_behind_of_shared_objects() {
    fn echo(page: Array<u64>) -> Array<u64> {
        page
    }
    fn program() -> Result<(), forkproof::Error> {
        let pool = pool(1);
        pool.apply(echo, (Array::new(512)?,))?;
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let before = open();
        for _ in 0..2_000 {
            pool.apply(echo, (Array::new(512)?,))?;
        }
        // Two may be there at once. Kept, they were 8 MiB, in one arena after another with a file each.
        assert!(open() <= before + 2, "{} files, {before} before", open());
        Ok(())
    }
    super::in_child(program, ());
}

#[test]
fn large_values_fit() -> Result<(), PoolError> {
    fn double(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.extend_from_within(..);
        bytes
    }
    let pool = pool(2);
    let large: Vec<u8> = (0..3 << 20).map(|at| at as u8).collect();
    let twice = [&large[..], &large[..]].concat();
    assert!(pool.apply(double, (large.clone(),))? == twice);
    let all = pool.chunks(1)?.map(double, vec![large; 6])?;
    assert!(all.len() == 6 && all.iter().all(|bytes| *bytes == twice));
    for size in [32 << 10, (32 << 10) + 1, 65 << 10, 1 << 20] {
        assert_eq!(pool.apply(double, (vec![1; size],))?.len(), 2 * size);
    }
    Ok(())
}

#[test]
fn more_tasks_than_the_queue_has_room_for() -> Result<(), PoolError> {
    let pool = pool(2);
    let result = pool.chunks(1)?.map_async(square, 0..60_000)?;
    let behind = pool.apply_async(square, (3,))?;
    let squares = result.get()?;
    assert!((0..60_000).map(square).eq(squares));
    assert_eq!(behind.get()?, 9);
    Ok(())
}

/// Refuses to be written, or to be read.
#[derive(Debug, PartialEq)]
enum Stubborn {
    Unwritable,
    Unreadable,
    PanicsWhenWritten,
    PanicsWhenRead,
    Fine,
}

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Stubborn::Unwritable => Err(S::Error::custom("no")),
            Stubborn::Unreadable => serializer.serialize_u8(0),
            Stubborn::PanicsWhenWritten => panic!("not to be written"),
            Stubborn::PanicsWhenRead => serializer.serialize_u8(1),
            Stubborn::Fine => serializer.serialize_u8(2),
        }
    }
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            0 => Err(D::Error::custom("no")),
            1 => panic!("not to be read"),
            _ => Ok(Stubborn::Fine),
        }
    }
}

fn take(_: Stubborn) -> u8 {
    7
}

fn give(which: u8) -> Stubborn {
    match which {
        0 => Stubborn::Unwritable,
        1 => Stubborn::Unreadable,
        2 => Stubborn::PanicsWhenWritten,
        3 => Stubborn::PanicsWhenRead,
        _ => Stubborn::Fine,
    }
}

#[test]
fn what_cannot_travel_is_an_error_of_the_task_alone() -> Result<(), PoolError> {
    let pool = pool(1);
    let taken = |stubborn| pool.apply(take, (stubborn,));
    assert!(matches!(
        taken(Stubborn::Unwritable),
        Err(PoolError::Unsendable(_))
    ));
    match taken(Stubborn::PanicsWhenWritten) {
        Err(PoolError::Unsendable(why)) => assert!(why.contains("not to be written"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        taken(Stubborn::Unreadable),
        Err(PoolError::Unreadable(_))
    ));
    match taken(Stubborn::PanicsWhenRead) {
        Err(PoolError::Unreadable(why)) => {
            assert!(
                why.contains("values.rs") && why.contains("not to be read"),
                "{why}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(taken(Stubborn::Fine)?, 7, "the worker is the same");
    let given = |which| pool.apply(give, (which,));
    assert!(matches!(given(0), Err(PoolError::UnsendableResult(_))));
    assert!(matches!(given(1), Err(PoolError::Unreadable(_))));
    match given(2) {
        Err(PoolError::UnsendableResult(why)) => assert!(why.contains("to be written"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(given(3), Err(PoolError::Unreadable(_))));
    assert_eq!(given(4)?, Stubborn::Fine);
    let chunks = [Stubborn::Fine, Stubborn::Unwritable, Stubborn::Fine];
    let mut each = pool.imap(take, chunks)?;
    assert_eq!(each.next().unwrap()?, 7);
    assert!(matches!(each.next(), Some(Err(PoolError::Unsendable(_)))));
    assert_eq!(each.next().unwrap()?, 7);
    assert!(each.next().is_none());
    Ok(())
}

#[test]
fn more_open_files_than_an_item_can_carry() -> Result<(), forkproof::Error> {
    fn count(pipes: Vec<forkproof::Receiver<u8>>) -> usize {
        pipes.len()
    }
    let pool = pool(1);
    let pipes = |count| -> Result<Vec<_>, forkproof::Error> {
        let pipes = (0..count).map(|_| Ok(forkproof::Pipe::one_way()?.0));
        pipes.collect()
    };
    assert_eq!(pool.apply(count, (pipes(100)?,))?, 100);
    assert!(matches!(
        pool.apply(count, (pipes(300)?,)),
        Err(PoolError::Unsendable(_))
    ));
    assert_eq!(pool.apply(count, (pipes(1)?,))?, 1);
    Ok(())
}

#[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
enum Refusal {
    Negative(i64),
}

fn root(number: i64) -> Result<i64, Refusal> {
    if number < 0 {
        return Err(Refusal::Negative(number));
    }
    Ok(number.isqrt())
}

fn parse(text: String) -> Result<i64, Failure> {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot read a number from {text:?}")]
    struct Unread {
        text: String,
        source: ParseIntError,
    }
    let parsed = text.parse();
    Ok(parsed.map_err(|source| Unread { text, source })?)
}

#[test]
fn a_tasks_error_comes_back_with_its_type() -> Result<(), PoolError> {
    let pool = pool(2);
    assert_eq!(
        pool.map(root, [16, -4])?,
        [Ok(4), Err(Refusal::Negative(-4))]
    );
    let result = pool.apply_async(root, (-1,))?;
    assert_eq!(result.get()?, Err(Refusal::Negative(-1)));
    assert!(result.successful()?, "it did what it was asked to");
    Ok(())
}

#[test]
fn any_error_becomes_a_failure() -> Result<(), PoolError> {
    let pool = pool(1);
    assert_eq!(pool.apply(parse, ("42".into(),))?, Ok(42));
    let failure = pool.apply(parse, ("x".into(),))?.unwrap_err();
    assert_eq!(failure.text, "cannot read a number from \"x\"");
    assert!(failure.type_name.ends_with("::Unread"), "{failure:?}");
    assert_eq!(failure.sources, ["invalid digit found in string"]);
    assert!(failure.backtrace.contains("parse"), "{}", failure.backtrace);
    assert_eq!(failure.to_string(), failure.text);
    let all = "cannot read a number from \"x\": invalid digit found in string";
    assert_eq!(format!("{failure:#}"), all);
    Ok(())
}

#[test]
fn a_panic_comes_back_with_its_text_place_and_backtrace() -> Result<(), PoolError> {
    fn sink(depth: u32) {
        if depth == 0 {
            panic!("at the bottom, {}", 5);
        }
        sink(depth - 1);
    }
    let pool = Pool::new(1)?;
    match pool.apply(sink, (3,)) {
        Err(PoolError::Panicked(panic)) => {
            assert_eq!(panic.message, "at the bottom, 5");
            assert!(
                panic.place.clone().unwrap().contains("values.rs:"),
                "{panic:?}"
            );
            assert!(panic.backtrace.contains("sink"), "{}", panic.backtrace);
            let brief = panic.to_string();
            assert!(brief.starts_with("panicked at ") && brief.ends_with(": at the bottom, 5"));
            assert_eq!(
                format!("{panic:#}"),
                format!("{brief}\n{}", panic.backtrace)
            );
        }
        other => panic!("{other:?}"),
    }
    fn odd_payload() {
        std::panic::panic_any(5_u8)
    }
    super::assert_panicked(pool.apply(odd_payload, ()), "a value that is no text");
    fn without_the_hook() {
        std::panic::resume_unwind(Box::new("unsaid"))
    }
    super::assert_panicked(pool.apply(without_the_hook, ()), "unsaid");
    Ok(())
}
