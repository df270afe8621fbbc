//! Bytes into a queue's memory that are none of the queue's.

use forkproof::shm::Block;
use forkproof::sys::robust;

use super::script::Script;

/// Where the words of a ring's locks are: both ends' `lock` and `line`.
pub const LOCKS_AT: [usize; 4] = [0, 88, 256, 344];
/// Of which no thread has an id.
const NOBODY: u32 = 1 << 29;
const TID_MASK: u32 = 0x3fff_ffff;

/// Writes bytes of the script somewhere, but for what is spared.
pub fn scribble(
    block: &Block,
    script: &mut Script<'_>,
    is_spared: impl Fn(usize) -> bool,
    locks_at: impl Iterator<Item = usize>,
) {
    let at = script.short() % block.len();
    let count = usize::from(script.byte() % 65).min(block.len() - at);
    for (at, byte) in (at..).zip(script.bytes(count)) {
        if !is_spared(at) {
            block.write(at, &[*byte]);
        }
    }
    // To wait for a living thread is right: an owner is either no thread, or the caller.
    for at in locks_at {
        let word: u32 = block.get(at);
        let owner = match word & TID_MASK {
            0 => 0,
            id if id % 2 == 0 => robust::thread_id(),
            id => id | NOBODY,
        };
        block.set(at, word & !TID_MASK | owner);
    }
}
