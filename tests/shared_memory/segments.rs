//! `SharedMemory`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use forkproof::{Pipe, Process, Receiver, Sender, SharedMemory};

use super::die;

fn exists(name: &str) -> bool {
    Path::new("/dev/shm").join(name).exists()
}

fn kind<T>(result: io::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn it_is_found_by_its_name_until_it_is_unlinked() {
    let made = SharedMemory::create(10).unwrap();
    let found = SharedMemory::attach(made.name()).unwrap();
    assert_eq!((found.len(), found.name()), (10, made.name()));
    made.write(3, b"abc").unwrap();
    assert_eq!(found.slice(2..7).unwrap(), b"\0abc\0");
    drop(made);
    found.unlink().unwrap();
    assert!(!exists(found.name()));
    assert_eq!(
        kind(SharedMemory::attach(found.name())),
        Some(ErrorKind::NotFound)
    );
    assert_eq!(kind(found.unlink()), Some(ErrorKind::NotFound));
    assert_eq!(found.get(3).unwrap(), b'a', "who has it keeps it");
}

#[test]
fn another_program_finds_the_same_bytes() {
    let name = format!("forkproof_test_{}", std::process::id());
    let made = SharedMemory::create_named(&name, 5).unwrap();
    made.write(0, b"hello").unwrap();
    assert_eq!(fs::read(format!("/dev/shm/{name}")).unwrap(), b"hello");
    assert_eq!(
        kind(SharedMemory::create_named(&name, 5)),
        Some(ErrorKind::AlreadyExists)
    );
    assert_eq!(
        format!("{made:?}"),
        format!("SharedMemory({name:?}, size=5)")
    );
    made.unlink().unwrap();
}

#[test]
fn a_name_that_another_took_over_is_not_taken_from_it() {
    let name = format!("forkproof_test_again_{}", std::process::id());
    let first = SharedMemory::create_named(&name, 5).unwrap();
    first.unlink().unwrap();
    let second = SharedMemory::create_named(&name, 6).unwrap();
    assert_eq!(kind(first.unlink()), Some(ErrorKind::NotFound));
    assert_eq!(SharedMemory::attach(&name).unwrap().len(), 6);
    second.unlink().unwrap();
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_made() {
    let invalid = Some(ErrorKind::InvalidInput);
    assert_eq!(kind(SharedMemory::create(0)), invalid);
    for name in ["", ".", "..", "a/b", "/a", "a\0b", &"x".repeat(256)] {
        assert_eq!(
            kind(SharedMemory::create_named(name, 1)),
            invalid,
            "{name:?}"
        );
        assert_eq!(kind(SharedMemory::attach(name)), invalid, "{name:?}");
    }
    let too_much = kind(SharedMemory::create_named("forkproof_huge", 1 << 60)).unwrap();
    assert!(
        matches!(
            too_much,
            ErrorKind::StorageFull | ErrorKind::FileTooLarge | ErrorKind::OutOfMemory
        ),
        "{too_much}"
    );
    assert!(!exists("forkproof_huge"));
    assert!(SharedMemory::create(usize::MAX).is_err());
}

#[test]
fn what_is_no_memory_is_not_attached() {
    let name = |what: &str| format!("forkproof_test_{what}_{}", std::process::id());
    let (empty, folder) = (name("empty"), name("folder"));
    File::create(format!("/dev/shm/{empty}")).unwrap();
    fs::create_dir(format!("/dev/shm/{folder}")).unwrap();
    assert_eq!(
        kind(SharedMemory::attach(&empty)),
        Some(ErrorKind::InvalidData)
    );
    assert!(SharedMemory::attach(&folder).is_err());
    fs::remove_file(format!("/dev/shm/{empty}")).unwrap();
    fs::remove_dir(format!("/dev/shm/{folder}")).unwrap();
}

#[test]
fn bounds_are_kept() {
    let memory = SharedMemory::create(4).unwrap();
    memory.unlink().unwrap();
    memory.set(3, 5).unwrap();
    assert_eq!(
        memory.get(4).unwrap_err().to_string(),
        "index 4 is outside an array of length 4"
    );
    assert!(memory.set(usize::MAX, 1).is_err());
    assert!(memory.slice(3..5).is_err());
    assert!(memory.write(usize::MAX, b"x").is_err());
    assert!(memory.write(3, b"xy").is_err());
    let mut buffer = [7; 5];
    assert!(memory.read(0, &mut buffer).is_err());
    assert_eq!(buffer, [7; 5]);
    memory.write(4, b"").unwrap();
    assert_eq!(memory.slice(..).unwrap(), [0, 0, 0, 5]);
}

fn make_and_die(names: Sender<String>) {
    let made = SharedMemory::create(3).unwrap();
    made.write(0, b"yes").unwrap();
    names.send(&made.name().to_owned()).unwrap();
    die();
}

fn attach_and_die(name: String) {
    let attached = SharedMemory::attach(&name).unwrap();
    attached.write(0, b"y").unwrap();
    die();
}

#[test]
fn no_death_takes_it_from_the_others() {
    let (name, names): (Receiver<String>, _) = Pipe::one_way().unwrap();
    let maker = Process::new(make_and_die, (names,));
    maker.start().unwrap();
    let name = name.recv().unwrap();
    assert_eq!(maker.join().unwrap(), -9);
    let attacher = Process::new(attach_and_die, (name.clone(),));
    attacher.start().unwrap();
    assert_eq!(attacher.join().unwrap(), -9);
    let found = SharedMemory::attach(&name).unwrap();
    assert_eq!(found.slice(..).unwrap(), b"yes");
    found.unlink().unwrap();
}

fn write_into(memory: SharedMemory, nested: Sender<SharedMemory>) {
    memory.write(0, b"child").unwrap();
    nested.send(&memory).unwrap();
}

#[test]
fn it_travels_with_or_without_its_name() {
    let memory = SharedMemory::create(5).unwrap();
    memory.unlink().unwrap();
    let (returned, nested) = Pipe::one_way().unwrap();
    let child = Process::new(write_into, (memory.clone(), nested));
    child.start().unwrap();
    let returned: SharedMemory = returned.recv().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    assert_eq!(memory.slice(..).unwrap(), b"child");
    returned.write(0, b"again").unwrap();
    assert_eq!(memory.slice(..).unwrap(), b"again");
    assert_eq!(returned.name(), memory.name());
}

fn make_many(named: Sender<String>) {
    named.send(&String::new()).unwrap();
    loop {
        let made = SharedMemory::create(70_000).unwrap();
        named.send(&made.name().to_owned()).unwrap();
        made.unlink().unwrap();
    }
}

/// At whatever instruction the maker is killed: a name that can be found stands for memory of its full size.
#[test]
fn a_killed_maker_has_made_it_whole_or_not_at_all() {
    for round in 0..30 {
        let (name, named) = Pipe::one_way().unwrap();
        let maker = Process::new(make_many, (named,));
        maker.start().unwrap();
        for _ in 0..=round {
            name.recv().unwrap();
        }
        maker.kill().unwrap();
        assert_eq!(maker.join().unwrap(), -9);
        // Until it is told of the death.
        let last: Vec<String> = name.iter().map_while(Result::ok).collect();
        for name in last {
            if let Ok(left) = SharedMemory::attach(&name) {
                assert_eq!(left.len(), 70_000);
                left.unlink().unwrap();
            }
        }
    }
    // One that was linked, and whose name was not sent any more.
    for entry in fs::read_dir("/dev/shm").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let file = OpenOptions::new()
            .read(true)
            .open(format!("/dev/shm/{name}"));
        let is_ours = name.starts_with("forkproof_") && name.len() == "forkproof_".len() + 16;
        if let (true, Ok(file)) = (is_ours, file) {
            let len = file.metadata().unwrap().len();
            assert_ne!(len, 0, "{name} is half made");
            if len == 70_000 {
                let left = SharedMemory::attach(&name).unwrap();
                left.unlink().unwrap();
            }
        }
    }
}
