//! A full /dev/shm, for memory with a name: a small one of the test's own, in a mount namespace, where this machine
//! lets a test make one.

use std::io::ErrorKind::StorageFull;
use std::process::{Command, Stdio};

use forkproof::{ShareableList, SharedMemory};

/// In the namespace: half a MiB of /dev/shm, and the test below.
const SMALL: &str = r#"mount -t tmpfs -o size=512k tmpfs /dev/shm && exec "$0" --exact named::in_a_small_one --ignored"#;

#[test]
fn a_full_one_is_told_and_works_again_when_there_is_room() {
    let namespace = |program: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount"])
            .args(program);
        command
    };
    let tried = namespace(&["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"])
        .stderr(Stdio::null())
        .status();
    if !tried.is_ok_and(|status| status.success()) {
        println!("no mount namespaces here: not tested");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let ended = namespace(&["sh", "-c", SMALL])
        .arg(program)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    assert!(text.contains("1 passed"), "{text}");
}

/// Run by the test above.
#[test]
#[ignore = "needs a /dev/shm of half a MiB"]
fn in_a_small_one() {
    let kind = |made: std::io::Result<SharedMemory>| made.err().map(|error| error.kind());
    assert_eq!(kind(SharedMemory::create(1 << 20)), Some(StorageFull));
    let first = SharedMemory::create(300_000).unwrap();
    assert_eq!(kind(SharedMemory::create(300_000)), Some(StorageFull));
    assert_eq!(
        kind(SharedMemory::create_named("second", 300_000)),
        Some(StorageFull)
    );
    assert!(
        SharedMemory::attach("second").is_err(),
        "no name without its memory"
    );
    let list = ShareableList::new(["x".repeat(300_000).into()]);
    assert!(list.is_err());
    first.write(0, &[1; 300_000]).unwrap();
    first.unlink().unwrap();
    drop(first);
    let second = SharedMemory::create(300_000).unwrap();
    assert_eq!(second.get(299_999).unwrap(), 0);
    second.unlink().unwrap();
    assert_eq!(std::fs::read_dir("/dev/shm").unwrap().count(), 0);
}
