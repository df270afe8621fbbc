//! futex(2), as thin as it gets. Always the shared kind: these words lie in memory of several processes.

use std::io;
use std::sync::atomic::AtomicU32;

use crate::world::{Deadline, Woken};

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

/// Stores `value` and wakes everyone, under the lock of the kernel's queue: no one can fall asleep
/// between the two. The kernel's store is a full barrier. Returns how many were woken.
pub fn set_and_wake_all(word: &AtomicU32, value: u32) -> u32 {
    // FUTEX_OP: *word2 = value; then wake word1's sleepers, and word2's too if the old value was -1.
    // Both words are ours and the second wake takes no one (its count is 0).
    assert!(
        value < 1 << 11,
        "FUTEX_WAKE_OP takes a signed operand of 12 bits, not {value}"
    );
    let op = (libc::FUTEX_OP_SET as u32) << 28 | (libc::FUTEX_OP_CMP_EQ as u32) << 24 | value << 12;
    // SAFETY: the word outlives the call, and the kernel stores to it as an atomic would.
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
