//! futex(2), as thin as it gets. Always the shared kind: these words lie in memory of several processes.

use std::io;
use std::sync::atomic::AtomicU32;

use crate::world::{Deadline, Update, WAIT_ANY_MAX, Woken};

/// `FUTEX_BITSET_MATCH_ANY`: a sleeper that any wake may take.
pub const ANYONE: u32 = u32::MAX;

/// Sleeps while `word` holds `expected`, until woken, interrupted, or the deadline on CLOCK_MONOTONIC.
/// Only wakes whose bits meet `bits` take this sleeper, besides those that ask for [`ANYONE`].
pub fn wait(word: &AtomicU32, expected: u32, bits: u32, until: Option<Deadline>) -> Woken {
    let deadline = until.map(timespec);
    let deadline = deadline
        .as_ref()
        .map_or(std::ptr::null(), |d| d as *const _);
    // SAFETY: the word outlives the call; the deadline is null or a timespec that outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET,
            expected,
            deadline,
            std::ptr::null::<u32>(),
            bits,
        )
    };
    if result == 0 {
        return Woken::Perhaps;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Woken::Changed,
        Some(libc::ETIMEDOUT) => Woken::TimedOut,
        Some(libc::EINTR) => Woken::Perhaps,
        _ => refused("FUTEX_WAIT_BITSET"),
    }
}

/// Wakes up to `count` sleepers whose bits meet `bits`, in the order in which they fell asleep (the
/// kernel's queue, for threads of equal priority). Returns how many.
pub fn wake(word: &AtomicU32, count: u32, bits: u32) -> u32 {
    let count = count.min(i32::MAX as u32);
    // SAFETY: the word outlives the call.
    let woken = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE_BITSET,
            count,
            std::ptr::null::<libc::timespec>(),
            std::ptr::null::<u32>(),
            bits,
        )
    };
    u32::try_from(woken).unwrap_or_else(|_| refused("FUTEX_WAKE_BITSET"))
}

/// Changes the word and wakes everyone, under the lock of the kernel's queue: no one can fall asleep between the
/// two. The kernel's change is a full barrier. Returns how many were woken.
pub fn update_and_wake_all(word: &AtomicU32, update: Update) -> u32 {
    // FUTEX_OP: *word2 = *word2 op operand; then wake word1's sleepers, and word2's too if the old value was -1.
    // Both words are ours and the second wake takes no one (its count is 0).
    let operand = update.operand();
    assert!(
        operand < 1 << 11,
        "FUTEX_WAKE_OP takes a signed operand of 12 bits, not {operand}"
    );
    let change = match update {
        Update::Set(_) => libc::FUTEX_OP_SET,
        Update::Add(_) => libc::FUTEX_OP_ADD,
        Update::Or(_) => libc::FUTEX_OP_OR,
    };
    let op = (change as u32) << 28 | (libc::FUTEX_OP_CMP_EQ as u32) << 24 | operand << 12;
    // SAFETY: the word outlives the call, and the kernel changes it as an atomic would.
    let woken = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE_OP,
            i32::MAX,
            0usize,
            word.as_ptr(),
            op,
        )
    };
    u32::try_from(woken).unwrap_or_else(|_| refused("FUTEX_WAKE_OP"))
}

/// `struct futex_waitv` of `<linux/futex.h>`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct WaitV {
    value: u64,
    address: u64,
    flags: u32,
    _reserved: u32,
}

/// Words of 4 bytes, shared.
const FUTEX2_SIZE_U32: u32 = 2;

/// Sleeps while each word holds what is expected of it (futex_waitv(2), since Linux 5.16).
///
/// # Panics
/// If there are no words, or more than [`WAIT_ANY_MAX`].
pub fn wait_any<'a>(
    words: impl Iterator<Item = (&'a AtomicU32, u32)>,
    until: Option<Deadline>,
) -> Woken {
    let mut waits = [WaitV::default(); WAIT_ANY_MAX];
    let mut count = 0;
    for (word, expected) in words {
        assert!(count < WAIT_ANY_MAX, "at most {WAIT_ANY_MAX} words at once");
        waits[count] = WaitV {
            value: expected.into(),
            address: word.as_ptr() as u64,
            flags: FUTEX2_SIZE_U32,
            _reserved: 0,
        };
        count += 1;
    }
    assert!(count > 0, "no word to wait on");
    let deadline = until.map(timespec);
    let deadline = deadline
        .as_ref()
        .map_or(std::ptr::null(), |d| d as *const _);
    // SAFETY: the words and the array outlive the call; the deadline is null or a timespec that outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            waits.as_ptr(),
            count,
            0,
            deadline,
            libc::CLOCK_MONOTONIC,
        )
    };
    if result >= 0 {
        return Woken::Perhaps;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Woken::Changed,
        Some(libc::ETIMEDOUT) => Woken::TimedOut,
        Some(libc::EINTR) => Woken::Perhaps,
        _ => refused("futex_waitv"),
    }
}

/// Nanoseconds on CLOCK_MONOTONIC, the clock of every [`Deadline`].
pub fn monotonic_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a timespec that outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Whether the clock has come to it.
pub fn has_passed(deadline: Deadline) -> bool {
    deadline.monotonic_ns <= monotonic_ns()
}

fn timespec(deadline: Deadline) -> libc::timespec {
    libc::timespec {
        tv_sec: (deadline.monotonic_ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (deadline.monotonic_ns % 1_000_000_000) as libc::c_long,
    }
}

/// EFAULT, EINVAL, ENOSYS: the word is no mapped, aligned word, or there is no futex here at all.
#[cold]
fn refused(operation: &str) -> ! {
    panic!(
        "the kernel refuses {operation}: {}",
        io::Error::last_os_error()
    )
}
