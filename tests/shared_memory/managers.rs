//! `SharedMemoryManager`.

use std::io::ErrorKind;

use forkproof::{
    Pipe, Process, Sender, ShareableItem, ShareableList, SharedMemory, SharedMemoryManager,
};

use super::die;

#[test]
fn what_it_made_is_unlinked_in_the_end() {
    let manager = SharedMemoryManager::start().unwrap();
    let memory = manager.shared_memory(16).unwrap();
    let list = manager.shareable_list([1.into(), 2.into()]).unwrap();
    memory.write(0, b"seen").unwrap();
    let found = SharedMemory::attach(memory.name()).unwrap();
    assert_eq!(found.slice(..4).unwrap(), b"seen");
    assert_eq!(format!("{manager:?}"), "<SharedMemoryManager started>");
    manager.shutdown().unwrap();
    assert!(SharedMemory::attach(memory.name()).is_err());
    assert!(ShareableList::attach(list.shm().name()).is_err());
    assert_eq!(
        list.get(1).unwrap(),
        ShareableItem::Int(2),
        "who has it keeps it"
    );
    manager.shutdown().unwrap();
    let after = manager.shared_memory(1).unwrap_err();
    assert_eq!(after.kind(), ErrorKind::NotConnected);
    assert_eq!(format!("{manager:?}"), "<SharedMemoryManager shut down>");
}

#[test]
fn dropping_it_shuts_it_down_and_a_name_that_is_gone_is_no_error() {
    let manager = SharedMemoryManager::start().unwrap();
    let (one, other) = (
        manager.shared_memory(1).unwrap(),
        manager.shared_memory(1).unwrap(),
    );
    one.unlink().unwrap();
    drop(manager);
    assert!(SharedMemory::attach(other.name()).is_err());
}

#[test]
fn a_refusal_is_that_of_create() {
    let manager = SharedMemoryManager::start().unwrap();
    let refused = manager.shared_memory(0).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    let refused = manager.shared_memory(1 << 60).unwrap_err();
    assert!(refused.raw_os_error().is_some(), "{refused}");
    assert_eq!(manager.shared_memory(3).unwrap().len(), 3, "it goes on");
}

fn start_and_die(names: Sender<String>) {
    let manager = SharedMemoryManager::start().unwrap();
    let memory = manager.shared_memory(5).unwrap();
    names.send(&memory.name().to_owned()).unwrap();
    die();
}

/// The keeper outlives its maker by as long as it takes to unlink: it is seen in the name's going.
#[test]
fn a_killed_maker_leaves_no_name() {
    let (name, names) = Pipe::one_way::<String>().unwrap();
    let maker = Process::new(start_and_die, (names,));
    maker.start().unwrap();
    let name = name.recv().unwrap();
    assert_eq!(maker.join().unwrap(), -9);
    gone(&name);
}

/// Waits until the name is gone: the kernel tells of it, so that nothing here depends on how long it takes.
fn gone(name: &str) {
    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
    let watch = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
    watch
        .add_watch("/dev/shm", AddWatchFlags::IN_DELETE)
        .unwrap();
    while SharedMemory::attach(name).is_ok() {
        watch.read_events().unwrap();
    }
}
