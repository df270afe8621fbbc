//! One run of a case: everybody in their places, the victim led to a moment and killed there, and the others seen to
//! their ends.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::remains::{Mortal, Remains};
use crate::route::{Leap, Route};
use crate::stage::{Code, End, Role, Stage};
use crate::tracee::{self, Settled, Tracee};

/// How far a victim goes at a time.
#[derive(Clone, Copy)]
pub enum Pace<'a> {
    /// One instruction at a time.
    Instruction,
    /// At full speed to where it is killed.
    Leap(&'a Route),
    /// From one step that the library reports to the next.
    #[cfg(feature = "harness")]
    Step,
}

/// A victim that was killed, and what had become of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ran {
    /// Moments that it lived through, its last included: after each move, and in each sleep.
    pub moments: usize,
    /// Whether it was killed in its sleep.
    pub asleep: bool,
    pub returned: bool,
}

/// The processes of a run that have not ended.
#[derive(Default)]
struct Company {
    /// Traced, and at rest: asleep, or stopped at a call's door.
    sleepers: Vec<(Tracee, &'static str)>,
    poised: Vec<(Tracee, &'static str)>,
    free: Vec<(Pid, &'static str)>,
    /// Who goes round until the bell rings.
    awake: Vec<(Pid, &'static str)>,
}

/// Runs a case once; the victim is killed at a moment, or at its end if that comes first. `seen` is told of each
/// moment that was not leapt over: what would remain, and where the next instruction lies if the victim is not asleep.
///
/// # Errors
/// What went wrong: the library's failure, or the machine's.
pub fn run(
    set_up: fn(&mut Stage),
    mut stage: Stage,
    pace: Pace,
    kill_at: usize,
    seen: &mut dyn FnMut(usize, Remains, Option<u64>),
) -> Result<Ran, String> {
    set_up(&mut stage);
    let (victim, mut company) = Company::gather(&mut stage)?;
    let mortal = Mortal::of(victim.0).map_err(in_words("the victim's robust list"))?;
    let roles = company.roles(victim);
    let mut leap = match pace {
        Pace::Leap(route) => Leap::towards(kill_at, route, victim),
        _ => Ok(None),
    }
    .map_err(in_words("a breakpoint"))?;

    let mut ran = Ran::default();
    loop {
        if leap.is_none() {
            let looked = mortal.remains(&stage.objects, &roles);
            let remains = looked.map_err(in_words("looking at what remains"))?;
            let next = (!ran.asleep).then(|| victim.at()).transpose();
            seen(
                ran.moments,
                remains,
                next.map_err(in_words("looking where it is"))?,
            );
            if ran.moments >= kill_at {
                break;
            }
        }
        if ran.returned {
            break;
        }
        if ran.asleep {
            if let Some(waker) = company.next_poised() {
                company.act(waker)?;
            } else if company.awake.is_empty() {
                break; // no one is left who could wake it
            }
        } else {
            match (&leap, pace) {
                (Some(leap), _) => leap.move_on(victim),
                #[cfg(feature = "harness")]
                (None, Pace::Step) => victim.go_on(),
                (None, _) => victim.step(),
            }
            .map_err(in_words("a move of the victim"))?;
        }
        let settled = if ran.asleep && !company.awake.is_empty() {
            victim.stopped()
        } else {
            victim.settle()
        };
        let settled = settled.map_err(in_words("waiting for the victim"))?;
        match settled {
            Settled::Asleep if ran.asleep => continue, // the next may wake it
            Settled::Stepped | Settled::Asleep | Settled::AtMark => {}
            other => return Err(format!("the victim: {other:?}")),
        }
        ran.asleep = settled == Settled::Asleep;
        ran.returned = settled == Settled::AtMark;
        match &mut leap {
            None => ran.moments += 1,
            Some(leaping) if settled == Settled::Stepped => {
                let landed = leaping.moved(victim);
                if let Some(moment) = landed.map_err(in_words("a breakpoint"))? {
                    ran.moments = moment;
                    leap = None;
                }
            }
            Some(_) => {}
        }
    }
    victim.kill().map_err(in_words("killing the victim"))?;
    let end = End {
        returned: ran.returned,
    };
    company.see_off(&mut stage, end)?;
    let judged = catch_unwind(AssertUnwindSafe(|| (stage.judge)(end)));
    judged.map_err(|_| "what is left is wrong: see what was said".to_owned())?;
    Ok(ran)
}

fn in_words(what: &str) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{what}: {error}")
}

impl Company {
    /// Everybody in their places, and the victim among them.
    fn gather(stage: &mut Stage) -> Result<(Tracee, Company), String> {
        let mut company = Company::default();
        let (mut victim, mut dead) = (None, Vec::new());
        for (name, role) in stage.cast.drain(..) {
            match role {
                Role::Victim(code) => victim = Some(at_mark(name, code)?),
                Role::Poised(code) => company.poised.push((at_mark(name, code)?, name)),
                Role::Dead(code) => dead.push((at_mark(name, code)?, name)),
                Role::Asleep(code) => {
                    let tracee = Tracee::start(code).map_err(in_words(name))?;
                    if lead(tracee, name)? != Settled::Asleep {
                        return Err(format!("{name} did not fall asleep"));
                    }
                    company.sleepers.push((tracee, name));
                }
                Role::Awake(code) => {
                    let started = tracee::start(|| {
                        tracee::leave_this_core();
                        code();
                    });
                    let pid = started.map_err(in_words(name))?;
                    company.awake.push((pid, name));
                }
            }
        }
        for (tracee, name) in dead {
            tracee.kill().map_err(in_words(name))?;
        }
        if !company.awake.is_empty() {
            stage.bell.await_a_round();
        }
        Ok((victim.ok_or("a case without a victim")?, company))
    }

    /// The ids of those who are alike in each run, the victim's first.
    fn roles(&self, victim: Tracee) -> Vec<Pid> {
        let traced = self.sleepers.iter().chain(&self.poised);
        [victim.0, nix::unistd::getpid()]
            .into_iter()
            .chain(traced.map(|(tracee, _)| tracee.0))
            .collect()
    }

    fn next_poised(&mut self) -> Option<(Tracee, &'static str)> {
        (!self.poised.is_empty()).then(|| self.poised.remove(0))
    }

    /// Lets one who is poised act, until it has ended or sleeps.
    fn act(&mut self, (tracee, name): (Tracee, &'static str)) -> Result<(), String> {
        if lead(tracee, name)? == Settled::Asleep {
            self.sleepers.push((tracee, name));
        }
        Ok(())
    }

    /// Lets all go on, and sees them to their ends.
    fn see_off(mut self, stage: &mut Stage, end: End) -> Result<(), String> {
        for (tracee, name) in self.poised.drain(..) {
            tracee.let_go().map_err(in_words(name))?;
            self.free.push((tracee.0, name));
        }
        for (name, code) in stage.survivors.drain(..) {
            let pid = tracee::start(move || code(end)).map_err(in_words(name))?;
            self.free.push((pid, name));
        }
        self.free.extend(
            self.sleepers
                .drain(..)
                .map(|(tracee, name)| (tracee.0, name)),
        );
        self.await_free()?;
        stage.bell.ring();
        self.free.append(&mut self.awake);
        self.await_free()
    }

    /// Sleepers stop when they are woken: they are let go then.
    fn await_free(&mut self) -> Result<(), String> {
        while !self.free.is_empty() {
            let status = waitpid(None, Some(WaitPidFlag::__WALL));
            let status = status.map_err(|errno| format!("waiting for the living: {errno}"))?;
            let pid = status.pid().ok_or("a wait for no one")?;
            let known = |it: &&(Pid, &str)| it.0 == pid;
            let name = self
                .free
                .iter()
                .chain(&self.awake)
                .find(known)
                .map_or("a stranger", |it| it.1);
            match tracee::settled(status).map_err(in_words(name))? {
                Some(Settled::AtCall | Settled::AtMark) => {
                    Tracee(pid).let_go().map_err(in_words(name))?;
                }
                Some(Settled::Ended(0)) => self.free.retain(|it| it.0 != pid),
                other => return Err(format!("{name} ended with {other:?}: see what it said")),
            }
        }
        Ok(())
    }
}

/// Starts a process and lets it go on to its own mark.
fn at_mark(name: &str, code: Code) -> Result<Tracee, String> {
    let tracee = Tracee::start(code).map_err(in_words(name))?;
    let settled = tracee.go_on().and_then(|()| tracee.stopped());
    match settled.map_err(in_words(name))? {
        Settled::AtMark => Ok(tracee),
        other => Err(format!("{name}, on its way to its mark: {other:?}")),
    }
}

/// Leads a process to its end, or to where it sleeps for others, from one system call to the next: when it is woken it
/// stops at the door, so that what the victim does meanwhile is the same in each run.
fn lead(tracee: Tracee, name: &str) -> Result<Settled, String> {
    loop {
        let settled = tracee.go_on_to_call().and_then(|()| tracee.settle());
        match settled.map_err(in_words(name))? {
            Settled::AtCall => {}
            led @ (Settled::Asleep | Settled::Ended(0)) => return Ok(led),
            other => return Err(format!("{name}: {other:?}")),
        }
    }
}
