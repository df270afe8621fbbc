//! Where loom's orders are not the language's: what an access asks it for in place of what it was asked.

use std::sync::atomic::Ordering;

/// Comes before a read, or a read-modify-write. Loom takes SeqCst for AcqRel; the fence gives the access its place in the
/// one order of all that ask for it. It stands before reads alone: a store that is not seen yet, and a read behind it
/// that asks for less, are not put in order.
pub(super) fn before_read(order: Ordering) {
    if order == Ordering::SeqCst {
        ::loom::sync::atomic::fence(order);
    }
}

/// The order of the exchange by which a store is made, as loom lets a plain store land inside another's
/// read-modify-write: one that reads nothing.
pub(super) fn of_store(order: Ordering) -> Ordering {
    match order {
        Ordering::SeqCst => Ordering::Release,
        weaker => weaker,
    }
}
