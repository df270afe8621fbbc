//! A thread's buffer for messages, kept from one to the next: most are of one size, and none then needs new memory.

use std::cell::Cell;

/// The largest that is kept, in bytes.
const MOST: usize = 2 << 20;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, with anything in it; a new one if that is in use.
pub fn take() -> Vec<u8> {
    // None at the thread's very end.
    KEPT.try_with(Cell::take).unwrap_or_default()
}

/// For the next.
pub fn keep(buffer: Vec<u8>) {
    if buffer.capacity() <= MOST {
        let _no_more = KEPT.try_with(|kept| kept.set(buffer));
    }
}
