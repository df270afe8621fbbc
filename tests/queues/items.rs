//! What goes in comes out.

use std::collections::BTreeMap;

use forkproof::{GetError, PutError, Queue, Result, SimpleQueue};
use serde::{Deserialize, Serialize};

use super::{LONG, NOW, start};

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
        Message::Text("large ".repeat(1 << 16)),
        Message::Nothing,
    ]
}

fn echo(questions: Queue<Message>, answers: Queue<Message>) -> Result<()> {
    for message in questions.iter() {
        answers.put(message?)?;
    }
    answers.close()?;
    Ok(())
}

#[test]
fn items_of_any_serde_type_go_and_come_back() -> Result<()> {
    let (questions, answers) = (Queue::new()?, Queue::new()?);
    let child = start(echo, (questions.clone(), answers.clone()))?;
    for message in messages() {
        questions.put(message)?;
    }
    questions.close()?;
    let back = answers.iter().collect::<Result<Vec<_>, GetError>>()?;
    assert_eq!(back, messages());
    assert_eq!(child.join()?, 0);
    Ok(())
}

fn put_many(number: u32, count: u32, queue: Queue<(u32, u32, Vec<u8>)>) -> Result<()> {
    for n in 0..count {
        let bytes = vec![n as u8; (n as usize * 37) % 700];
        queue.put((number, n, bytes))?;
    }
    Ok(())
}

fn get_many(from: Queue<(u32, u32, Vec<u8>)>, to: Queue<(u32, u32)>) -> Result<()> {
    let mut last = BTreeMap::new();
    for item in from.iter() {
        let (number, n, bytes) = item?;
        assert_eq!(bytes, vec![n as u8; (n as usize * 37) % 700]);
        assert!(
            last.insert(number, n).is_none_or(|before| before < n),
            "{number}: {n}"
        );
        to.put((number, n))?;
    }
    Ok(())
}

/// Through a ring so small that it wraps at nearly every item, and in which few have room.
#[test]
fn many_putters_and_getters_each_item_once_each_putters_order_kept() -> Result<()> {
    const EACH: u32 = 2_000;
    let (queue, seen) = (Queue::with_capacity(None, 1_000)?, Queue::new()?);
    let putters: Vec<_> = (0..3)
        .map(|number| start(put_many, (number, EACH, queue.clone())))
        .collect::<Result<_>>()?;
    let getters: Vec<_> = (0..3)
        .map(|_| start(get_many, (queue.clone(), seen.clone())))
        .collect::<Result<_>>()?;
    for putter in putters {
        assert_eq!(putter.join()?, 0);
    }
    queue.close()?;
    for getter in getters {
        assert_eq!(getter.join()?, 0);
    }
    seen.close()?;
    let mut all = seen.iter().collect::<Result<Vec<_>, GetError>>()?;
    all.sort_unstable();
    let expected: Vec<_> = (0..3)
        .flat_map(|number| (0..EACH).map(move |n| (number, n)))
        .collect();
    assert_eq!(all, expected);
    Ok(())
}

#[test]
fn it_says_how_it_is() -> Result<()> {
    let queue = Queue::bounded(2)?;
    assert!(queue.is_empty() && !queue.is_full() && !queue.is_closed());
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    assert!(matches!(queue.get_timeout(NOW), Err(GetError::TimedOut)));
    queue.put(1)?;
    queue.put(2)?;
    assert!(queue.is_full() && !queue.is_empty());
    assert_eq!(queue.len(), 2);
    assert!(matches!(queue.try_put(3), Err(PutError::Full(3))));
    assert!(matches!(
        queue.put_timeout(3, NOW),
        Err(PutError::TimedOut(3))
    ));
    assert_eq!(queue.get()?, 1);
    queue.try_put(3)?;
    queue.close()?;
    queue.close()?;
    assert!(queue.is_closed());
    assert!(matches!(queue.put(4), Err(PutError::Closed(4))));
    assert!(matches!(queue.try_put(4), Err(PutError::Closed(4))));
    assert_eq!(queue.try_get()?, 2);
    assert_eq!(queue.get_timeout(LONG)?, 3);
    assert!(matches!(queue.get(), Err(GetError::Closed)));
    assert!(matches!(queue.try_get(), Err(GetError::Closed)));
    assert!(matches!(queue.process(|_| ()), Err(GetError::Closed)));
    let text = format!("{queue:?}");
    assert!(text.starts_with("<closed Queue of 0 items at 0x"), "{text}");
    Ok(())
}

fn relay_end(queue: Queue<u8>, told: Queue<String>) -> Result<()> {
    assert!(matches!(queue.get(), Err(GetError::Closed)));
    told.put("the getter".into())?;
    Ok(())
}

fn relay_room(queue: Queue<u8>, told: Queue<String>) -> Result<()> {
    queue.put(1)?;
    told.put("full".into())?;
    assert!(matches!(queue.put(2), Err(PutError::Closed(2))));
    told.put("the putter".into())?;
    Ok(())
}

#[test]
fn a_close_ends_every_wait() -> Result<()> {
    let (empty, full) = (Queue::new()?, Queue::bounded(1)?);
    let told = Queue::<String>::new()?;
    let getters = [0, 1].map(|_| start(relay_end, (empty.clone(), told.clone())));
    let putter = start(relay_room, (full.clone(), told.clone()))?;
    assert_eq!(told.get()?, "full");
    empty.close()?;
    full.close()?;
    let mut all = vec![told.get()?, told.get()?, told.get()?];
    all.sort();
    assert_eq!(all, ["the getter", "the getter", "the putter"]);
    for getter in getters {
        assert_eq!(getter?.join()?, 0);
    }
    assert_eq!(putter.join()?, 0);
    assert_eq!(full.get()?, 1, "what was put before the end");
    Ok(())
}

#[test]
fn the_simple_one_puts_and_gets() -> Result<()> {
    let queue = SimpleQueue::new()?;
    queue.put((1, "one".to_owned()))?;
    assert!(!queue.is_empty());
    assert_eq!(queue.get()?, (1, "one".to_owned()));
    assert!(queue.is_empty());
    queue.close()?;
    assert!(matches!(
        queue.put((2, String::new())),
        Err(PutError::Closed(_))
    ));
    Ok(())
}
