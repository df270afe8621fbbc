//! Word of a child's end, for a process that sleeps on a futex.

use std::io;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::futex;

/// The word that is told, and the bits.
static WORD: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());
static BITS: AtomicU32 = AtomicU32::new(0);

/// From here on, whenever a child of this process ends, the bits are set in the word; so whoever is about to sleep on
/// it finds it changed, and who sleeps already is woken. Forked children take this over: the same word is told of the
/// ends of theirs.
///
/// # Errors
/// Those of sigaction(2).
pub fn tell_ends(word: &'static AtomicU32, bits: u32) -> io::Result<()> {
    // Relaxed: the handler runs on this thread, after the registration below.
    BITS.store(bits, Ordering::Relaxed);
    WORD.store(std::ptr::from_ref(word).cast_mut(), Ordering::Relaxed);
    let action = nix::sys::signal::SigAction::new(
        nix::sys::signal::SigHandler::Handler(ended),
        nix::sys::signal::SaFlags::SA_NOCLDSTOP,
        nix::sys::signal::SigSet::empty(),
    );
    // SAFETY: the handler does nothing but an atomic operation, and a system call that sets errno at most, on a word that
    // lives for ever.
    unsafe { nix::sys::signal::sigaction(nix::sys::signal::Signal::SIGCHLD, &action) }?;
    let mut these = nix::sys::signal::SigSet::empty();
    these.add(nix::sys::signal::Signal::SIGCHLD);
    Ok(these.thread_unblock()?)
}

extern "C" fn ended(_signal: i32) {
    // Relaxed: as above.
    let word = WORD.load(Ordering::Relaxed);
    // SAFETY: made from a `&'static` before the handler was installed.
    let word = unsafe { &*word };
    word.fetch_or(BITS.load(Ordering::Relaxed), Ordering::Relaxed);
    futex::wake(word, 1, futex::ANYONE); // a forked child's child may have ended, and it is another that is told
}
