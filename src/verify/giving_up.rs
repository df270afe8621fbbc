//! Random SIGKILLs under locks that no one repairs: the first to learn of the death gives the lock back without a
//! word, and from then on no one gets it, and no one waits for it.
//!
//! Each round has a lock of its own, a victim, and others who want the lock all the time.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::crew::Tally;
use super::leftovers::leaving_nothing;
use super::pair::{Guard, SharedPair, Then, Trouble};
use super::{Fallible, pace, stuck};
use crate::explore::dice::Dice;
use crate::{ExitCode, LockFailure, Process, Value};

/// Besides the victim.
const OTHERS: usize = 2;

// What the others end with.
const STOPPED: u8 = 0;
const GAVE_UP: u8 = 10;
const REFUSED: u8 = 11;

/// What the victim and the others share.
#[derive(Clone, Serialize, Deserialize)]
struct Round {
    pair: SharedPair,
    /// The victim's moves.
    moves: Value<u64>,
    /// How many of the others have begun.
    begun: Value<u32>,
    stop: Value<u32>,
}

/// What a round takes of shared memory, at most: five objects.
const ROUND_BYTES: u64 = 5 * 128;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    pub guard: Guard,
    pub kills: u64,
    pub seed: u64,
}

/// Kills a victim in each round. To be called in a process of its own; `killed` is told of each death.
pub fn campaign(campaign: Campaign, killed: impl Fn(u64)) -> Tally {
    let mut tally = Tally::default();
    let mut dice = Dice::new(campaign.seed);
    let warm_up = || round(campaign, &mut Dice::new(0)).map(|_| ());
    let rounds = || {
        for number in 1..=campaign.kills {
            let met = round(campaign, &mut dice);
            let (held, moves) = met.map_err(|why| format!("death {number}: {why}"))?;
            tally.kills = number;
            tally.met += u64::from(held);
            tally.moves += moves;
            killed(number);
        }
        Ok(campaign.kills * ROUND_BYTES)
    };
    let outcome = leaving_nothing(warm_up, rounds);
    tally.why = outcome.err().map(|why| why.to_string());
    tally
}

/// Whether the victim held the lock, and how many moves it made.
fn round(campaign: Campaign, dice: &mut Dice) -> Fallible<(bool, u64)> {
    let round = Round {
        pair: SharedPair::new(campaign.guard)?,
        moves: Value::new(0)?,
        begun: Value::new(0)?,
        stop: Value::new(0)?,
    };
    let mut processes = vec![start("victim", Process::new(victim, (round.clone(),)))?];
    for number in 0..OTHERS {
        processes.push(start(
            &format!("other {number}"),
            Process::new(other, (round.clone(),)),
        )?);
    }
    let goal = 1 + dice.below(20);
    let deadline = Instant::now() + stuck::PATIENCE;
    while round.moves.get_unlocked() < goal || (round.begun.get_unlocked() as usize) < OTHERS {
        std::thread::yield_now();
        if Instant::now() > deadline {
            return Err(hung("the victim's moves", &processes).into());
        }
    }
    pace::before_a_kill(dice);
    let (victim, others) = processes.split_first().expect("it was started first");
    let code = victim.kill().and_then(|()| victim.join());
    match code? {
        -9 => (),
        other => {
            return Err(format!("the victim ended with {other} before it was killed").into());
        }
    }
    // The lock is whole, or it is given up by one and refused to all the others, of whom this process is one.
    let mine = attempt(&round.pair, 0)?;
    if mine == STOPPED {
        round.stop.set_unlocked(1);
    }
    let mut codes = vec![mine];
    for process in others {
        match process.join_timeout(stuck::PATIENCE)? {
            Some(code) => {
                codes.push(u8::try_from(code).map_err(|_| format!("another was killed: {code}"))?)
            }
            None => return Err(hung("the end of the others", &processes).into()),
        }
    }
    codes.sort_unstable();
    let met = match codes.as_slice() {
        [STOPPED, STOPPED, STOPPED] => false,
        [GAVE_UP, REFUSED, REFUSED] => true,
        _ => {
            return Err(format!(
                "of three, one gives up ({GAVE_UP}) and two are refused ({REFUSED}), or none is told \
                 ({STOPPED}): {codes:?}"
            ).into());
        }
    };
    Ok((met, round.moves.get_unlocked()))
}

fn start(name: &str, process: Process) -> Fallible<Process> {
    let process = process.named(name).daemon(true);
    process.start()?;
    Ok(process)
}

/// Says who waits where, and ends them.
fn hung(what: &str, processes: &[Process]) -> String {
    let who: Vec<_> = processes
        .iter()
        .map(|process| (process.name(), process.pid()))
        .collect();
    let text = stuck::describe(what, &who);
    for process in processes {
        if let Err(error) = process.kill().and_then(|()| process.join()) {
            return format!("{text}\n  and then: {error}");
        }
    }
    text
}

fn victim(round: Round) -> Fallible {
    let mut moves = 0;
    loop {
        match attempt(&round.pair, 300)? {
            STOPPED => (),
            code => return Err(format!("ended with {code}, before anyone had died").into()),
        }
        moves += 1;
        round.moves.set_unlocked(moves);
    }
}

fn other(round: Round) -> Fallible<ExitCode> {
    let begun = round.begun.update(|begun| *begun += 1);
    begun.map_err(crate::Error::from)?;
    loop {
        let code = attempt(&round.pair, 20)?;
        if code != STOPPED || round.stop.get_unlocked() != 0 {
            return Ok(ExitCode(code));
        }
        std::thread::yield_now(); // let the victim have the lock
    }
}

/// Takes the lock once. If its owner died, gives it up.
fn attempt(pair: &SharedPair, turns: u64) -> Fallible<u8> {
    match pair.shift(1, || pace::spin(turns), Then::GiveUp) {
        Ok(_) => Ok(STOPPED),
        Err(Trouble::Lock(LockFailure::OwnerDied)) => Ok(GAVE_UP),
        Err(Trouble::Lock(LockFailure::NotRecoverable)) => Ok(REFUSED),
        Err(trouble) => Err(trouble.into()),
    }
}
