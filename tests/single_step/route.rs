//! The way of a victim through its operation, instruction by instruction; and the leap to one of them, at full speed.
//!
//! To step to every instruction anew for every kill would take the square of their number. The first run notes them
//! all; those after it set a breakpoint at the one that they are about, and meet it as often as the first run came by.

use std::io;

use crate::tracee::{Breakpoint, Tracee};

/// At each moment of the first run: the next instruction, or `None` while it slept.
pub type Route = [Option<u64>];

/// On the way to a moment, at full speed.
pub struct Leap {
    to: u64,
    /// How often it must come by.
    visits: usize,
    /// `None` while the victim passes by.
    breakpoint: Option<Breakpoint>,
    lands_at: usize,
}

impl Leap {
    /// To the last moment, up to a given one, at which the victim comes to an instruction: repeated ones (`rep movs`)
    /// are one for a breakpoint, but each time a moment of its own.
    ///
    /// # Errors
    /// The victim is not stopped.
    pub fn towards(moment: usize, route: &Route, victim: Tracee) -> io::Result<Option<Leap>> {
        let arrives = |at: usize| at == 0 || route[at - 1] != route[at];
        let landing = (1..=moment).rfind(|&at| route[at].is_some() && arrives(at));
        let Some((lands_at, to)) = landing.and_then(|at| Some((at, route[at]?))) else {
            return Ok(None);
        };
        let visits = (0..=lands_at).filter(|&at| route[at] == Some(to) && arrives(at));
        Ok(Some(Leap {
            to,
            visits: visits.count(),
            breakpoint: Some(Breakpoint::set(victim, to)?),
            lands_at,
        }))
    }

    /// The victim's next move.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn move_on(&self, victim: Tracee) -> io::Result<()> {
        match self.breakpoint {
            Some(_) => victim.go_on(),
            None => victim.step(),
        }
    }

    /// After a move: the moment at which it has landed, if it has.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn moved(&mut self, victim: Tracee) -> io::Result<Option<usize>> {
        if let Some(met) = self.breakpoint.take() {
            met.take_back()?;
            self.visits -= 1;
            return Ok((self.visits == 0).then_some(self.lands_at));
        }
        if victim.at()? != self.to {
            self.breakpoint = Some(Breakpoint::set(victim, self.to)?);
        }
        Ok(None)
    }
}
