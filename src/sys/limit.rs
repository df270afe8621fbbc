//! A limit on the time that a process may take: when it has passed, the kernel ends the process, whatever its threads
//! do, and whoever else sleeps or is dead.
//!
//! ```
//! use forkproof::sys::limit::TimeLimit;
//! use std::time::Duration;
//!
//! let limit = TimeLimit::new()?;
//! limit.start(Duration::from_secs(3600))?;
//! limit.stop(); // in time
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Two timers. The first one's signal is of a number that nothing else has a use for, so that whoever waits for the
//! process can tell this end from others: [`is_reached`]. A process that is stopped, or has blocked that signal since,
//! is killed by the second one, [`GRACE`] later, and looks like any that was killed.
//!
//! # After a crash
//! Timers die with their process; a forked child has none.
//!
//! Source: timer_create(2), signal(7).

use std::io;
use std::ptr;
use std::time::Duration;

use super::child::Signal;

/// How much later the process is killed that the limit could not end.
pub const GRACE: Duration = Duration::from_secs(1);

/// Of the calling process; it is stopped when it is dropped.
#[derive(Debug)]
pub struct TimeLimit {
    ends: Timer,
    kills: Timer,
}

/// Whether this is the signal by which a limit ends a process.
pub fn is_reached(signal: Signal) -> bool {
    signal == its_signal()
}

/// The last but one of the real-time signals: the C library keeps the first ones, debuggers like the last.
fn its_signal() -> Signal {
    Signal(libc::SIGRTMAX() - 1)
}

impl TimeLimit {
    /// One that does not run yet.
    ///
    /// # Errors
    /// Too many timers and signals of this user's: RLIMIT_SIGPENDING.
    pub fn new() -> io::Result<TimeLimit> {
        // SAFETY: SIG_DFL runs no code of ours.
        if unsafe { libc::signal(its_signal().0, libc::SIG_DFL) } == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
        Ok(TimeLimit {
            ends: Timer::new(its_signal())?,
            kills: Timer::new(Signal::KILL)?,
        })
    }

    /// From now on the process has so much time. What ran before is forgotten.
    ///
    /// # Errors
    /// None that is known of: the kernel's.
    pub fn start(&self, time: Duration) -> io::Result<()> {
        // SAFETY: zero is a set of signals, as sigemptyset makes it.
        let mut signals: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: `signals` is a set.
        unsafe { libc::sigaddset(&mut signals, its_signal().0) };
        // SAFETY: `signals` is a set; the former mask is not asked for.
        let failed = unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &signals, ptr::null_mut()) };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        self.kills.set(time.saturating_add(GRACE))?;
        self.ends.set(time.max(Duration::from_nanos(1)))
    }

    /// The process has all the time there is.
    pub fn stop(&self) {
        for timer in [&self.ends, &self.kills] {
            let stopped = timer.set(Duration::ZERO);
            stopped.expect("a timer that is there can be stopped");
        }
    }
}

/// One of the kernel's, that sends this process a signal.
#[derive(Debug)]
struct Timer(libc::timer_t);

// SAFETY: a timer's id is a number to the kernel, good on any thread of its process.
unsafe impl Send for Timer {}

impl Timer {
    fn new(signal: Signal) -> io::Result<Timer> {
        // SAFETY: zero is a sigevent without content.
        let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = signal.0;
        let mut id: libc::timer_t = ptr::null_mut();
        // SAFETY: the event says what to do, and `id` is a place for a timer.
        match unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut id) } {
            0 => Ok(Timer(id)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// To go off once, after so much time; zero is never.
    fn set(&self, time: Duration) -> io::Result<()> {
        let never = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let once = libc::itimerspec {
            it_interval: never,
            it_value: libc::timespec {
                tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
                tv_nsec: time.subsec_nanos().into(),
            },
        };
        // SAFETY: the timer is there, as it is deleted when this is dropped; what it was is not asked for.
        match unsafe { libc::timer_settime(self.0, 0, &once, ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: nobody else has the timer, and it is not used again.
        unsafe { libc::timer_delete(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    impl Timer {
        /// Zero if it does not run.
        fn left(&self) -> Duration {
            // SAFETY: zero is a setting.
            let mut now: libc::itimerspec = unsafe { std::mem::zeroed() };
            // SAFETY: `now` is a place for a setting.
            let failed = unsafe { libc::timer_gettime(self.0, &mut now) };
            assert_eq!(failed, 0);
            Duration::new(now.it_value.tv_sec as u64, now.it_value.tv_nsec as u32)
        }
    }

    #[test]
    fn it_starts_anew_and_stops() -> io::Result<()> {
        let limit = TimeLimit::new()?;
        let left = || [limit.ends.left(), limit.kills.left()];
        assert_eq!(left(), [Duration::ZERO; 2]);
        limit.start(HOUR)?;
        assert!(left()[0] > HOUR / 2 && left()[0] <= HOUR);
        assert!(left()[1] > left()[0]);
        limit.start(2 * HOUR)?;
        assert!(left()[0] > HOUR);
        limit.stop();
        assert_eq!(left(), [Duration::ZERO; 2]);
        limit.start(Duration::MAX)?;
        assert!(left()[0] > HOUR);
        Ok(())
    }
}
