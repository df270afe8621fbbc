//! As the ring's target, for a queue of bytes: messages that are written and read where they lie.

use std::time::Duration;

use forkproof::shm::Shared;
use forkproof::{ByteQueue, GetError, PutFailure};

use super::model::Model;
use super::scribble::{LOCKS_AT, scribble};
use super::script::Script;

/// No time at all: where a call would wait it says so.
const NOW: Duration = Duration::ZERO;

pub fn drive(input: &[u8]) {
    let mut script = Script::new(input);
    let (items, bytes) = script.capacity();
    let queue = ByteQueue::with_capacity(items, bytes).expect("memory");
    let mut model = Some(Model::default());
    while !script.is_over() {
        let what = script.byte();
        if what >= 0xc0 {
            scribble(queue.block(), &mut script, |_| false, LOCKS_AT.into_iter());
            model = None;
        } else {
            call((&queue, bytes), what, script.byte(), &mut model);
        }
    }
}

/// Of a queue, and the room that it has for messages, in bytes.
fn call((queue, room): (&ByteQueue, usize), what: u8, how: u8, model: &mut Option<Model>) {
    let is_got = |got, model: &mut _| is_got(got, room, model);
    let message = vec![what; usize::from(how)];
    match what % 12 {
        0 => is_put(queue.try_put(&message), message, model),
        1 => is_put(queue.put_timeout(&message, NOW), message, model),
        2 => {
            let put = in_its_place(queue, &message, || is_got(queue.try_get(), model));
            is_put(put, message, model);
        }
        3 => {
            // Given up, and nothing is there.
            drop(queue.reserve_timeout(usize::from(how), NOW));
        }
        4 => is_got(queue.try_get(), model),
        5 => get_into((queue, room), how, model),
        6 => {
            let got = queue.process_timeout(NOW, |message| {
                let nested = queue.try_get();
                assert!(matches!(nested, Err(GetError::Nested | GetError::Corrupt)));
                message.to_vec()
            });
            is_got(got, model);
        }
        7 => {
            let ready = queue.poll(NOW);
            if let Some(model) = model {
                model.is_ready(ready.ok());
            }
        }
        8 if how >= 0xf0 => {
            let closed = queue.close();
            if let Some(model) = model {
                model.is_shut(closed);
            }
        }
        _ => {
            let (len, is_empty, _) = (queue.len(), queue.is_empty(), queue.is_full());
            if let Some(model) = model {
                model.is_told(len, is_empty, queue.is_closed());
            }
        }
    }
}

/// Who has a place may get, but not put.
fn in_its_place(queue: &ByteQueue, message: &[u8], get: impl FnOnce()) -> Result<(), PutFailure> {
    let mut place = queue.try_reserve(message.len())?;
    place.copy_from_slice(message);
    let nested = queue.try_put(&[]);
    assert!(matches!(
        nested,
        Err(PutFailure::Nested | PutFailure::Corrupt)
    ));
    get();
    place.put()
}

/// Into a buffer that may be too short, where the message stays.
fn get_into((queue, room): (&ByteQueue, usize), how: u8, model: &mut Option<Model>) {
    let mut buffer = [0; 256];
    let short = usize::from(how);
    match queue.try_get_into(&mut buffer[..short]) {
        Ok(bytes) => is_got(Ok(buffer[..bytes].to_vec()), room, model),
        Err(GetError::BufferTooShort { bytes, room: told }) => {
            assert!(bytes > short && bytes <= room && told == short);
            if let Some(model) = model {
                model.begins_with(bytes);
            }
        }
        Err(other) => is_got(Err(other), room, model),
    }
}

fn is_put(put: Result<(), PutFailure>, message: Vec<u8>, model: &mut Option<Model>) {
    if let Some(model) = model {
        model.is_put(put, message);
    }
}

/// Whatever the memory says, no message is longer than the room.
fn is_got(got: Result<Vec<u8>, GetError>, room: usize, model: &mut Option<Model>) {
    assert!(got.as_ref().map_or(0, Vec::len) <= room);
    if let Some(model) = model {
        model.is_got(got);
    }
}
