//! A stream of bytes, in pieces of any size, as a connection receives it: the messages in it, and each of them read as
//! an item of some type, with files beside it that are what the handle says, or not.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use forkproof::manager::Item;
use forkproof::net::framing::{Inbox, Outbox, TooLong};
use forkproof::shm::passage::{self, PassageError};
use forkproof::sys::memory::Mapping;
use forkproof::{
    Array, Barrier, BoundedSemaphore, Condition, Connection, Event, JoinableQueue, Lock,
    NetConnection, Queue, RLock, Semaphore, Value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::script::Script;

pub fn drive(input: &[u8]) {
    let mut script = Script::new(input);
    let most = script.short();
    let pieces: Vec<_> = (0..4).map(|_| usize::from(script.byte()).max(1)).collect();
    let files = Files::read(&mut script);
    let stream = script.rest();
    let told = in_pieces(most, &pieces, stream);
    assert_eq!(told, at_once(most, stream), "pieces make a difference");
    for message in told.0 {
        let (kind, item) = message.split_first().unwrap_or((&0, &[]));
        read(*kind, item, &files);
    }
}

type Told = (Vec<Vec<u8>>, Option<TooLong>);

/// As a connection reads: never more than is wanted.
fn in_pieces(most: usize, pieces: &[usize], mut stream: &[u8]) -> Told {
    let mut inbox = Inbox::new(most);
    let mut messages = Vec::new();
    for piece in pieces.iter().cycle() {
        let count = inbox.wanted().min(*piece).min(stream.len());
        if count == 0 {
            break;
        }
        let (bytes, rest) = stream.split_at(count);
        stream = rest;
        if let Err(too_long) = inbox.receive(bytes) {
            assert!(inbox.receive(&[]).is_err(), "there is nothing behind it");
            return (messages, Some(too_long));
        }
        if let Some(message) = inbox.take() {
            let mut outbox = Outbox::default();
            outbox.push(&[&message]);
            assert_eq!(outbox.waiting(), 4 + message.len());
            messages.push(message);
        }
    }
    (messages, None)
}

/// The same, told the simple way.
fn at_once(most: usize, mut stream: &[u8]) -> Told {
    let mut messages = Vec::new();
    while let Some((header, rest)) = stream.split_first_chunk() {
        let announced = u32::from_le_bytes(*header) as usize;
        if announced > most {
            return (messages, Some(TooLong { announced }));
        }
        let Some((message, rest)) = rest.split_at_checked(announced) else {
            break;
        };
        messages.push(message.to_vec());
        stream = rest;
    }
    (messages, None)
}

/// What comes beside a message.
struct Files(Vec<OwnedFd>);

impl Files {
    /// A pipe's end, memory that an object lies in, memory that says that objects lie in it, in any number and order.
    fn read(script: &mut Script<'_>) -> Files {
        let count = usize::from(script.byte() % 4);
        let files = (0..count).filter_map(|_| match script.byte() % 3 {
            0 => Some(std::io::pipe().expect("descriptors").0.into()),
            1 => {
                let value = Value::new(7_u64).expect("memory");
                let parcel = passage::pack(&value).expect("a handle");
                parcel.fds().first()?.try_clone_to_owned().ok()
            }
            _ => {
                let bytes = script.short() % 4_097;
                let lies = Mapping::create(bytes.max(1)).expect("memory");
                lies.write(0, script.bytes(bytes));
                lies.as_fd().try_clone_to_owned().ok()
            }
        });
        Files(files.collect())
    }

    fn copies(&self) -> Vec<OwnedFd> {
        let copy = |file: &OwnedFd| file.try_clone().expect("descriptors");
        self.0.iter().map(copy).collect()
    }
}

const NOW: Duration = Duration::ZERO;

/// Plain values come back as they went; a shared object answers.
fn read(kind: u8, bytes: &[u8], files: &Files) {
    let files = files.copies();
    match kind % 22 {
        0 => again::<u64>(bytes, files),
        1 => again::<String>(bytes, files),
        2 => again::<Vec<u8>>(bytes, files),
        3 => again::<Vec<(u32, Option<String>)>>(bytes, files),
        4 => again::<BTreeMap<String, Vec<i64>>>(bytes, files),
        5 => again::<(i128, char, bool, Result<(), u16>)>(bytes, files),
        6 => again::<Option<Box<[f32]>>>(bytes, files),
        7 => again_item(bytes, files),
        8 => {
            let _ = passage::unpack_copy::<(Lock, Value<u64>)>(bytes, files);
        }
        9 => object::<Lock>(bytes, files, |lock| drop(lock.try_lock())),
        10 => object::<Value<u64>>(bytes, files, |value| {
            value.get_unlocked();
        }),
        11 => object::<Array<u16>>(bytes, files, |array| drop(array.to_vec_unlocked())),
        12 => object::<Queue<String>>(bytes, files, |queue| drop(queue.try_get())),
        13 => object::<JoinableQueue<u8>>(bytes, files, |queue| {
            let _joined = queue.join_timeout(NOW);
        }),
        // These are shown memory that lies, and are not asked: what they keep to is in memory that is theirs.
        14 => object::<Semaphore>(bytes, files, |_| ()),
        15 => object::<BoundedSemaphore>(bytes, files, |_| ()),
        16 => object::<Event>(bytes, files, |_| ()),
        17 => object::<Barrier>(bytes, files, |_| ()),
        18 => object::<Condition>(bytes, files, |_| ()),
        19 => object::<RLock>(bytes, files, |_| ()),
        20 => object::<Connection<u8, u8>>(bytes, files, |end| drop(end.poll(NOW))),
        _ => object::<NetConnection>(bytes, files, |end| drop(end.poll(NOW))),
    }
}

/// A value that could be read is written, and read as the same.
fn again<T: Serialize + DeserializeOwned + Debug>(bytes: &[u8], files: Vec<OwnedFd>) {
    let value: T = match passage::unpack(bytes, files) {
        Ok(value) => value,
        Err(error) => return complains(&error),
    };
    let parcel = passage::pack(&value).expect("what could be read can be written");
    let same: T = passage::unpack(&parcel.bytes, Vec::new()).expect("and read again");
    assert_eq!(format!("{value:?}"), format!("{same:?}"));
}

/// As [`again`]; a proxy that names a manager somewhere is not followed.
fn again_item(bytes: &[u8], files: Vec<OwnedFd>) {
    match passage::unpack::<Item>(bytes, files) {
        Ok(item) if item.to_string().contains("object, typeid") => {}
        Ok(_) => again::<Item>(bytes, Vec::new()),
        Err(error) => complains(&error),
    }
}

fn object<T: DeserializeOwned>(bytes: &[u8], files: Vec<OwnedFd>, ask: impl FnOnce(&T)) {
    match passage::unpack::<T>(bytes, files) {
        Ok(object) => ask(&object),
        Err(error) => complains(&error),
    }
}

fn complains(error: &PassageError) {
    assert!(error.to_string().contains("cannot be received"), "{error}");
}
