//! Shared objects on their way to other processes, and the memory that they are in.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use forkproof::shm::passage::{self, Parcel};
use forkproof::{Array, Lock, Process, RLock, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::start;
use crate::wire::{Wire, in_child};

#[derive(Clone, Serialize, Deserialize)]
struct Bank {
    name: String,
    balance: Value<i64>,
    accounts: BTreeMap<String, (Value<i32>, Option<Lock>)>,
    history: Box<[Array<u8>]>,
    vault: Result<RLock, String>,
    closed: Option<Value<bool>>,
}

#[test]
fn handles_travel_inside_structs_maps_and_options() {
    fn audit(bank: Bank, also: Vec<Bank>) {
        assert_eq!((bank.name.as_str(), bank.closed.is_none()), ("north", true));
        let (account, lock) = &bank.accounts["ada"];
        let _held = lock.as_ref().unwrap().lock().unwrap();
        account.update(|sum| *sum += 1).unwrap();
        bank.history[1].set(0, 9).unwrap();
        assert!(bank.vault.unwrap().lock().is_ok());
        let sum = account.get().unwrap() as i64;
        also[1].balance.set(sum).unwrap(); // the same bank, once more
    }
    let account = |sum| (Value::new(sum).unwrap(), Some(Lock::new().unwrap()));
    let bank = Bank {
        name: "north".to_owned(),
        balance: Value::new(0).unwrap(),
        accounts: [
            ("ada".to_owned(), account(10)),
            ("bob".to_owned(), account(20)),
        ]
        .into(),
        history: (0..2).map(|_| Array::new(4).unwrap()).collect(),
        vault: Ok(RLock::new().unwrap()),
        closed: None,
    };
    in_child(audit, (bank.clone(), vec![bank.clone(), bank.clone()]));
    assert_eq!(bank.balance.get().unwrap(), 11);
    assert_eq!(bank.accounts["ada"].0.get().unwrap(), 11);
    assert_eq!(bank.history[1].to_vec().unwrap(), [9, 0, 0, 0]);
    assert!(bank.accounts["ada"].1.as_ref().unwrap().try_lock().is_ok());
}

#[test]
fn a_handle_reaches_a_grandchild() {
    fn child(value: Value<i32>, lock: Lock) {
        in_child(grandchild, (value, lock));
    }
    fn grandchild(value: Value<i32>, lock: Lock) {
        let _held = lock.lock().unwrap();
        value.set(3).unwrap();
    }
    let (value, lock) = (Value::new(1).unwrap(), Lock::new().unwrap());
    in_child(child, (value.clone(), lock));
    assert_eq!(value.get().unwrap(), 3);
}

#[test]
fn an_object_outlives_the_handles_of_its_maker() {
    fn keep(value: Value<u64>, exchange: String) {
        let mut wire = Wire::call(&exchange);
        wire.say("here");
        assert_eq!(wire.hear(), "dropped");
        assert_eq!(value.get().unwrap(), 77);
    }
    let value = Value::new(77).unwrap();
    let (p, mut wire) = start(keep, |exchange| (value.clone(), exchange));
    assert_eq!(wire.hear(), "here");
    drop(value);
    let others: Vec<Value<u64>> = (0..5_000).map(|_| Value::new(1).unwrap()).collect();
    others.iter().for_each(|other| other.set(2).unwrap());
    wire.say("dropped");
    assert_eq!(p.join().unwrap(), 0);
}

#[test]
fn a_handle_that_is_sent_from_a_temporary_arrives() {
    fn child(value: Value<i32>) {
        assert_eq!(value.get().unwrap(), 5);
    }
    let children: Vec<Process> = (0..8)
        .map(|_| Process::new(child, (Value::new(5).unwrap(),)))
        .collect();
    children.iter().for_each(|child| child.start().unwrap());
    for child in children {
        assert_eq!(child.join().unwrap(), 0);
    }
}

/// Open files and mappings of this process.
fn holdings() -> (usize, usize) {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    (
        files,
        maps.lines().filter(|line| line.contains("/memfd:")).count(),
    )
}

#[test]
fn ten_thousand_locks_need_few_descriptors_and_their_memory_is_used_again() {
    fn child() {
        let make = || -> Vec<Lock> { (0..10_000).map(|_| Lock::new().unwrap()).collect() };
        let (files, maps) = holdings();
        let locks = make();
        let (files_then, maps_then) = holdings();
        assert!(
            files_then - files < 20,
            "{files_then} open files, {files} before"
        );
        assert!(maps_then > maps, "they are somewhere");
        drop(locks);
        for round in 0..5 {
            let locks = make();
            assert_eq!(holdings(), (files_then, maps_then), "round {round}");
            assert!(locks.iter().all(|lock| lock.try_lock().is_ok()));
        }
    }
    in_child(child, ());
}

#[test]
fn ten_thousand_locks_go_to_a_child_and_come_free_again() {
    fn child(locks: Vec<Lock>) {
        assert_eq!(locks.len(), 10_000);
        assert!(locks.iter().all(|lock| lock.lock().is_ok()));
        assert!(holdings().0 < 40);
    }
    fn parent() {
        let run = || {
            let locks: Vec<Lock> = (0..10_000).map(|_| Lock::new().unwrap()).collect();
            in_child(child, (locks.clone(),));
            locks.iter().for_each(|lock| drop(lock.lock().unwrap()));
        };
        run();
        let held = holdings();
        for _ in 0..3 {
            run();
        }
        assert_eq!(
            holdings(),
            held,
            "a child that ends lets go of what it held"
        );
    }
    in_child(parent, ());
}

#[test]
fn what_is_packed_and_not_sent_comes_free() {
    fn parent() {
        let run = || {
            let locks: Vec<Lock> = (0..5_000).map(|_| Lock::new().unwrap()).collect();
            drop(passage::pack(&locks).unwrap());
            drop(Process::new(|_: Vec<Lock>| (), (locks,))); // never started
        };
        run();
        let held = holdings();
        for _ in 0..3 {
            run();
        }
        assert_eq!(holdings(), held);
    }
    in_child(parent, ());
}

#[test]
fn outside_of_a_passage_a_handle_is_refused() {
    let value = Value::new(1).unwrap();
    let refused = serde_json::to_string(&value).unwrap_err().to_string();
    let why = "a shared object travels only from process to process";
    assert!(refused.starts_with(why), "{refused}");
    assert!(serde_json::to_string(&[Lock::new().unwrap()]).is_err());
    assert!(postcard::to_allocvec(&Array::<u8>::new(1).unwrap()).is_err());

    let handle = r#"{"arena":0,"slot":0,"tag":0}"#;
    let refused = serde_json::from_str::<Value<i32>>(handle)
        .unwrap_err()
        .to_string();
    assert!(refused.starts_with(why), "{refused}");
    assert!(serde_json::from_str::<RLock>(handle).is_err());
}

fn descriptors(parcel: &Parcel) -> Vec<OwnedFd> {
    let fds = parcel.fds();
    fds.iter()
        .map(|fd| fd.try_clone_to_owned().unwrap())
        .collect()
}

fn sent<T: DeserializeOwned>(object: &impl Serialize) -> Result<T, String> {
    let parcel = passage::pack(object).unwrap();
    let received = passage::unpack(&parcel.bytes, descriptors(&parcel));
    parcel.delivered();
    received.map_err(|error| error.to_string())
}

#[test]
fn a_handle_of_another_type_is_refused() {
    let value = Value::new(1_i32).unwrap();
    assert!(sent::<Value<i32>>(&value).is_ok());
    let refused = sent::<Value<u32>>(&value).err().unwrap();
    assert!(
        refused.contains("not one of a") && refused.contains("Value<u32>"),
        "{refused}"
    );
    assert!(sent::<Value<i64>>(&value).is_err());
    assert!(sent::<Array<i32>>(&value).is_err());
    assert!(sent::<Lock>(&value).is_err());
    assert!(sent::<RLock>(&Lock::new().unwrap()).is_err());
    assert!(sent::<Lock>(&RLock::new().unwrap()).is_err());
    assert!(sent::<Array<u8>>(&Array::<i8>::new(4).unwrap()).is_err());
    assert!(sent::<Array<i8>>(&Array::<i8>::new(4).unwrap()).is_ok());
    assert_eq!(value.get().unwrap(), 1, "a refusal takes nothing away");
}

#[test]
fn bytes_that_are_no_handle_are_refused() {
    let value = Value::new(1_i32).unwrap();
    let refused = |bytes: &dyn Fn(Vec<u8>) -> Vec<u8>, stranger: Option<&str>| {
        let parcel = passage::pack(&value).unwrap();
        let fds = match stranger {
            Some(path) => vec![std::fs::File::open(path).unwrap().into()],
            None => descriptors(&parcel),
        };
        let received = passage::unpack::<Value<i32>>(&bytes(parcel.bytes.clone()), fds);
        received.map(drop).unwrap_err().to_string()
    };
    assert!(refused(&|bytes| bytes, Some("/dev/null")).starts_with("cannot be received"));
    assert!(refused(&|bytes| bytes[..1].to_vec(), None).starts_with("cannot be received"));
    let handle =
        |arena: u32, slot: u32| move |_| postcard::to_allocvec(&(arena, slot, 0_u32)).unwrap();
    assert!(refused(&handle(1, 0), None).contains("descriptor 1 of 1"));
    assert!(refused(&handle(0, u32::MAX), None).contains(&format!("slot {}", u32::MAX)));
    assert_eq!(value.get().unwrap(), 1);
}

#[test]
fn a_handle_of_something_that_is_gone_is_refused() {
    let value = Value::new([1_u16; 7]).unwrap(); // of a type that no other test puts in its place
    let parcel = passage::pack(&value).unwrap();
    let receive = |bytes: &[u8]| {
        let received = passage::unpack::<Value<[u16; 7]>>(bytes, descriptors(&parcel));
        received.map(drop).map_err(|error| error.to_string())
    };
    let (arena, slot, tag): (u32, u32, u32) = postcard::from_bytes(&parcel.bytes).unwrap();
    let other = postcard::to_allocvec(&(arena, slot, !tag)).unwrap();
    let gone = "the object that a handle names is gone";
    assert!(
        receive(&other).unwrap_err().ends_with(gone),
        "something else is there"
    );

    let bytes = parcel.bytes.clone();
    let fds = descriptors(&parcel);
    drop((parcel, value));
    let late = passage::unpack::<Value<[u16; 7]>>(&bytes, fds).unwrap_err();
    assert!(late.to_string().ends_with(gone), "nothing is there: {late}");
}

#[test]
fn bytes_behind_a_value_are_refused() {
    let mut parcel = passage::pack(&Value::new(1_i32).unwrap()).unwrap();
    parcel.bytes.push(0);
    let received = passage::unpack::<Value<i32>>(&parcel.bytes, descriptors(&parcel));
    parcel.delivered(); // the handle itself did arrive
    assert!(
        received
            .unwrap_err()
            .to_string()
            .contains("1 bytes too many")
    );
}
