//! The robust list: through it the kernel learns what a thread held when it died.
//!
//! The list is the one that the C library has registered for the thread, and our nodes have the layout of
//! its own robust mutex (`pthread_mutex_t`: word at 0, links at 24 and 32), so both kinds can stand in it
//! at once. Where the C library registers none of that shape, we register one of our own.
//!
//! # Invariants
//! 1. A node in the list is mapped. A held guard keeps its mapping; [`Mapping`](super::memory::Mapping)
//!    looks here before it unmaps.
//! 2. A node's link backwards is kept for as long as another stands before it. The first one's is not, nor the head's,
//!    which nobody reads: who stands first is told by the head, and the kernel follows the links forwards.
//! 3. From before a word can hold this thread's id until after it no longer does, its node is in the list
//!    or announced. So the compiler must keep announcements, links and the accesses between them in
//!    program order; the processor keeps it for us, as a thread sees its own stores in order and the kernel
//!    walks the list on the thread's behalf.
//!
//! # After a fork or a clone
//! fork(3) of glibc gives the child an empty list under a new thread id; a raw `clone` gives it none, so
//! [`refresh`] registers the head again.
//!
//! Sources: set_robust_list(2), `Documentation/locking/robust-futexes.rst`, glibc `nptl/descr.h` and
//! `nptl/pthreadP.h` (ENQUEUE_MUTEX, DEQUEUE_MUTEX).

use std::cell::Cell;
use std::mem::{offset_of, size_of};
use std::ops::Range;
use std::sync::atomic::Ordering::{self, Relaxed};
use std::sync::atomic::compiler_fence;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::Os;
use super::step::{self, Access, Outcome};
use crate::world::{Node, TID_MASK};

/// How many locks a thread may hold: the kernel's ROBUST_LIST_LIMIT. Of a longer list it walks only the
/// newest, and the others' waiters would sleep for ever.
pub const LIMIT: u32 = 2_048;

/// From a node's link to its word, as glibc registers it.
const WORD_FROM_LINK: isize = -32;

const _: () = assert!(offset_of!(Node<Os>, word) == 0);
const _: () = assert!(offset_of!(Node<Os>, links) == 24);
const _: () = assert!(size_of::<Node<Os>>() == 40);

/// `struct robust_list_head` of `<linux/futex.h>`.
#[repr(C)]
struct Head {
    first: usize,
    word_from_link: isize,
    announced: usize,
}

/// A thread's place in the world. Filled at its first use.
struct Me {
    id: Cell<u32>,
    head: Cell<*mut Head>,
    held: Cell<u32>,
}

thread_local! {
    static ME: Me = const {
        Me { id: Cell::new(0), head: Cell::new(std::ptr::null_mut()), held: Cell::new(0) }
    };
}

/// The calling thread's id: gettid(2), remembered.
#[inline]
pub fn thread_id() -> u32 {
    let id = ME.with(|me| me.id.get());
    if id != 0 { id } else { meet() }
}

/// The same, if the thread has met the kernel.
#[inline]
pub fn known_thread_id() -> Option<u32> {
    ME.with(|me| match me.id.get() {
        0 => None,
        id => Some(id),
    })
}

/// Learns the thread's id and list anew. For a child made by a raw `clone`, which has a new id and no
/// list; it takes over the list that its maker knew, as the memory is the same. Touches nothing that
/// would be unsafe in the single thread of a forked child.
pub fn refresh() {
    ME.with(|me| {
        let known = me.head.get();
        me.id.set(0);
        me.held.set(0);
        if known.is_null() {
            return; // never used here: the first use will meet the kernel
        }
        // SAFETY: a head made known by meet() is a thread's own and outlives it.
        unsafe { (*known).announced = 0 }; // of a lock that its maker holds
        if registered().is_none() {
            // SAFETY: as above; the child starts with an empty list.
            unsafe { (*known).first = end_of(known) };
            register(known);
        }
    });
}

/// Whether no thread has this id, that of a thread of another process included.
///
/// Source: kill(2), which looks a thread up by its id, and with signal 0 does no more than that.
#[cold]
pub fn is_nobody(id: u32) -> bool {
    let id = Pid::from_raw((id & TID_MASK) as i32);
    kill(id, None) == Err(Errno::ESRCH)
}

/// Locks that this thread holds.
#[inline]
pub fn held() -> u32 {
    ME.with(|me| me.held.get())
}

/// Whether a node of this thread's list lies in the given addresses.
pub fn holds_within(addresses: Range<usize>) -> bool {
    let head = ME.with(|me| me.head.get());
    if head.is_null() {
        return false;
    }
    // SAFETY: by invariant 1 every node of the list is mapped; only this thread changes its list.
    unsafe {
        let end = std::ptr::from_ref(&(*head).first) as usize;
        let mut link = (*head).first & !1; // bit 0 marks glibc's priority-inheriting mutexes
        while link != end {
            if addresses.contains(&link) {
                return true;
            }
            link = *(link as *const usize) & !1;
        }
    }
    false
}

#[inline]
pub(super) fn announce(node: &Node<Os>) {
    announce_in(head(), node);
}

/// The same, by a thread that has met the kernel.
#[inline]
pub(super) fn announce_known(node: &Node<Os>) {
    announce_in(known_head(), node);
}

#[inline]
fn announce_in(head: *mut Head, node: &Node<Os>) {
    let address = std::ptr::from_ref(node) as usize;
    step::before(Access::Announce, address);
    set_announced(head, link_of(node));
    step::after(Access::Announce, address, Outcome::Done);
}

#[inline]
pub(super) fn withdraw() {
    let head = known_head();
    step::before(Access::Withdraw, 0);
    set_announced(head, 0);
    step::after(Access::Withdraw, 0, Outcome::Done);
}

#[inline]
pub(super) fn link(node: &Node<Os>) {
    let (head, link) = (known_head(), link_of(node));
    let address = std::ptr::from_ref(node) as usize;
    step::before(Access::PrepareLink, address);
    // SAFETY: `head` is this thread's own list, whose nodes are mapped (invariant 1).
    let published = unsafe {
        let first = (*head).first;
        node.links.next.store(first, Relaxed); // only this thread, and the kernel after it, follow the links
        if first != end_of(head) {
            backward_link(first).write(link);
        }
        &raw mut (*head).first
    };
    step::after(Access::PrepareLink, address, Outcome::Done);
    step::before(Access::Link, address);
    compiler_fence(Ordering::SeqCst); // invariant 3
    // SAFETY: the head is this thread's own; volatile, as the kernel reads it.
    unsafe { published.write_volatile(link) };
    compiler_fence(Ordering::SeqCst); // invariant 3
    step::after(Access::Link, address, Outcome::Done);
    ME.with(|me| me.held.set(me.held.get() + 1));
}

#[inline]
pub(super) fn unlink(node: &Node<Os>) {
    let (head, link) = (known_head(), link_of(node));
    let address = std::ptr::from_ref(node) as usize;
    step::before(Access::Unlink, address);
    compiler_fence(Ordering::SeqCst); // invariant 3
    // SAFETY: the node is in this thread's list, so its neighbours are nodes of it, or the head, and
    // mapped (invariant 1); volatile, as the kernel reads the forward links.
    unsafe {
        let next = node.links.next.load(Relaxed); // as in link()
        let is_first = (*head).first == link;
        let prev = match is_first {
            true => end_of(head),
            false => node.links.prev.load(Relaxed), // of whoever came before it (invariant 2)
        };
        if next != end_of(head) {
            backward_link(next).write(prev);
        }
        ((prev & !1) as *mut usize).write_volatile(next);
    }
    compiler_fence(Ordering::SeqCst); // invariant 3
    step::after(Access::Unlink, address, Outcome::Done);
    ME.with(|me| me.held.set(me.held.get() - 1));
}

/// Major and minor version of the running kernel.
pub fn kernel_version() -> Option<(u32, u32)> {
    let name = nix::sys::utsname::uname().ok()?;
    let mut parts = name
        .release()
        .to_str()?
        .split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[inline]
fn link_of(node: &Node<Os>) -> usize {
    std::ptr::from_ref(&node.links.next) as usize
}

/// The link that ends the list: its head's own.
#[inline]
fn end_of(head: *mut Head) -> usize {
    // SAFETY: only the address is taken, of a head that outlives the thread.
    unsafe { &raw const (*head).first as usize }
}

/// The link backwards lies 8 bytes before that forwards, in the C library's nodes and in ours. Bit 0 marks the C
/// library's priority-inheriting mutexes.
#[inline]
fn backward_link(link: usize) -> *mut usize {
    ((link & !1) - size_of::<usize>()) as *mut usize
}

#[inline]
fn set_announced(head: *mut Head, link: usize) {
    compiler_fence(Ordering::SeqCst); // invariant 3
    // SAFETY: the head is this thread's own; volatile, as the kernel reads it.
    unsafe { (&raw mut (*head).announced).write_volatile(link) };
    compiler_fence(Ordering::SeqCst); // invariant 3
}

#[inline]
fn head() -> *mut Head {
    let head = ME.with(|me| me.head.get());
    if !head.is_null() {
        return head;
    }
    meet();
    ME.with(|me| me.head.get())
}

/// Of a thread that has met the kernel. With no way on where it has not, a lock's short way has nothing to keep for it.
#[inline]
fn known_head() -> *mut Head {
    let head = ME.with(|me| me.head.get());
    if head.is_null() {
        unknown();
    }
    head
}

#[cold]
fn unknown() -> ! {
    panic!(
        "a thread that is not known, and has announced no node, links none and takes no announcement back"
    );
}

/// The thread's first use of shared ownership.
#[cold]
fn meet() -> u32 {
    super::fork::watch();
    // SAFETY: gettid(2) takes nothing and cannot fail.
    let id = unsafe { libc::syscall(libc::SYS_gettid) } as u32;
    assert!(
        id != 0 && id & !TID_MASK == 0,
        "a thread id of at most 30 bits, not {id}"
    );
    let head = registered().unwrap_or_else(|| {
        let head = Box::leak(Box::new(Head {
            first: 0,
            word_from_link: WORD_FROM_LINK,
            announced: 0,
        })); // leaked: the kernel reads it after the thread's last instruction
        head.first = end_of(head);
        register(head);
        head
    });
    ME.with(|me| {
        me.id.set(id);
        me.head.set(head);
    });
    id
}

/// The list that is registered for this thread, if it is of the shape that our nodes fit.
fn registered() -> Option<*mut Head> {
    let mut head: *mut Head = std::ptr::null_mut();
    let mut bytes: usize = 0;
    // SAFETY: 0 is the calling thread; both results are places of the right type.
    let failed = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &mut head, &mut bytes) };
    if failed != 0 || head.is_null() || bytes != size_of::<Head>() {
        return None;
    }
    // SAFETY: a registered head is a live `robust_list_head`.
    (unsafe { (*head).word_from_link } == WORD_FROM_LINK).then_some(head)
}

fn register(head: *mut Head) {
    // SAFETY: the head outlives the thread (leaked, or the C library's own).
    let failed = unsafe { libc::syscall(libc::SYS_set_robust_list, head, size_of::<Head>()) };
    assert_eq!(
        failed, 0,
        "set_robust_list: this kernel has no robust futexes"
    );
}
