//! Word of a child's end, for a process that sleeps on a futex.

use std::io;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The word that is told, and the bits.
static WORD: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());
static BITS: AtomicU32 = AtomicU32::new(0);

/// From here on, whenever a child of this process ends, the bits are set in the word; so whoever is about to sleep on
/// it finds it changed, and who sleeps already is interrupted. Forked children take this over.
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
    // SAFETY: the handler does nothing but an atomic operation on a word that lives for ever.
    unsafe { nix::sys::signal::sigaction(nix::sys::signal::Signal::SIGCHLD, &action) }?;
    let mut these = nix::sys::signal::SigSet::empty();
    these.add(nix::sys::signal::Signal::SIGCHLD);
    Ok(these.thread_unblock()?)
}

extern "C" fn ended(_signal: i32) {
    // Relaxed: as above.
    let word = WORD.load(Ordering::Relaxed);
    // SAFETY: made from a `&'static` before the handler was installed.
    unsafe { &*word }.fetch_or(BITS.load(Ordering::Relaxed), Ordering::Relaxed);
}
