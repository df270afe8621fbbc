//! Random SIGKILLs: lanes work on a [pair](super::pair), one after another is killed at a random moment, and
//! the others must go on, with whole numbers.
//!
//! The moment is chosen by the victim's progress: after so many of its moves, and then some turns of a spin.
//! It may be killed while it holds the lock, while it sleeps for it, and between any two of the
//! instructions that take it or give it back.
//!
//! # What is judged
//! After each death every survivor makes a move: no one hangs. Whoever takes the lock finds the pair whole, or
//! is told that its owner died. In the end there were as many moves as the lanes count, or, for each death, one
//! more. The processes leave nothing behind.
//!
//! # What is not covered
//! A moment of one instruction is rarely hit. The kill at every step tries each.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::leftovers::{leaving_nothing, shares_no_names};
use super::pair::{Found, Guard, SharedPair, Then};
use super::{Fallible, stuck};
use crate::explore::dice::Dice;
use crate::{Array, Process, Value};

const LANES: usize = 3;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    pub guard: Guard,
    pub kills: u64,
    pub seed: u64,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub kills: u64,
    /// How often someone was told that an owner had died.
    pub owners: u64,
    pub moves: u64,
    /// What went wrong.
    pub why: Option<String>,
}

/// What the lanes write down for the one who kills them.
#[derive(Clone, Serialize, Deserialize)]
struct Board {
    /// Each lane's moves; written by the lane only.
    moves: Array<u64>,
    /// How often each lane was told that an owner had died; written by the lane only.
    told: Array<u64>,
    stop: Value<u32>,
}

/// The lanes at work.
struct Lanes {
    pair: SharedPair,
    board: Board,
    processes: Vec<Process>,
}

/// Kills lanes one after another, and sees to it that the others go on and that nothing is left. To be called in a
/// process of its own; `killed` is told of each death.
pub fn campaign(campaign: Campaign, killed: impl Fn(u64)) -> Tally {
    let mut tally = Tally::default();
    let outcome = leaving_nothing(
        // What stays for good, the zygote first of all, is there before anything is counted.
        || {
            run(
                Campaign {
                    kills: 0,
                    ..campaign
                },
                &mut Tally::default(),
                |_| (),
            )
        },
        // All lanes hold the same objects, which live on.
        || run(campaign, &mut tally, &killed).map(|()| 0),
    );
    tally.why = outcome.err().map(|why| why.to_string());
    tally
}

fn run(campaign: Campaign, tally: &mut Tally, killed: impl Fn(u64)) -> Fallible {
    let mut dice = Dice::new(campaign.seed);
    let mut lanes = Lanes::start(campaign.guard)?;
    let outcome = (0..campaign.kills).try_for_each(|number| {
        lanes.kill_one(&mut dice, number + 1)?;
        tally.kills = number + 1;
        killed(tally.kills);
        Ok(())
    });
    let ended = lanes.stop();
    tally.owners = sum(&lanes.board.told);
    tally.moves = sum(&lanes.board.moves);
    outcome.and(ended)?;
    lanes.judge(tally)
}

impl Lanes {
    fn start(guard: Guard) -> Fallible<Lanes> {
        let mut lanes = Lanes {
            pair: SharedPair::new(guard)?,
            board: Board {
                moves: Array::new(LANES)?,
                told: Array::new(LANES)?,
                stop: Value::new(0)?,
            },
            processes: Vec::new(),
        };
        for number in 0..LANES {
            let process = lanes.start_one(number)?;
            lanes.processes.push(process);
        }
        lanes.await_moves(&[1; LANES], "the first move of each lane")?;
        let mut pids = lanes.processes.iter().filter_map(Process::pid);
        pids.try_for_each(shares_no_names)?;
        Ok(lanes)
    }

    fn start_one(&self, number: usize) -> Fallible<Process> {
        let process = Process::new(lane, (number, self.pair.clone(), self.board.clone()))
            .named(format!("lane {number}"))
            .daemon(true);
        process.start()?;
        Ok(process)
    }

    /// Kills a lane when it has made a few more moves and then some, waits until each of the others has made one, and
    /// starts it again.
    fn kill_one(&mut self, dice: &mut Dice, number: u64) -> Fallible {
        let victim = dice.below(LANES as u64) as usize;
        let mut goals = self.moves();
        goals[victim] += dice.below(3);
        self.await_moves(&goals, "some moves of the lane that is to be killed")?;
        for _ in 0..dice.below(4_000) {
            std::hint::spin_loop();
        }
        let process = &self.processes[victim];
        let code = process.kill().and_then(|()| process.join());
        match code? {
            -9 => (),
            other => {
                return Err(
                    format!("lane {victim} ended with {other} before it was killed").into(),
                );
            }
        }
        let mut goals = self.moves();
        for survivor in (0..LANES).filter(|&lane| lane != victim) {
            goals[survivor] += 1;
        }
        self.await_moves(
            &goals,
            &format!("a move of each survivor of death {number}, lane {victim}'s,"),
        )?;
        self.processes[victim] = self.start_one(victim)?;
        Ok(())
    }

    fn moves(&self) -> Vec<u64> {
        self.board.moves.to_vec_unlocked()
    }

    /// Until each lane has made so many moves in all.
    fn await_moves(&self, goals: &[u64], what: &str) -> Fallible {
        let deadline = Instant::now() + stuck::PATIENCE;
        for turn in 0u64.. {
            if self
                .moves()
                .iter()
                .zip(goals)
                .all(|(moves, goal)| moves >= goal)
            {
                break;
            }
            std::thread::yield_now();
            if turn % 1_024 != 0 {
                continue;
            }
            if let Some((lane, code)) = self.ended(goals) {
                return Err(
                    format!("lane {lane} ended with {code} while {what} was awaited").into(),
                );
            }
            if Instant::now() > deadline {
                return Err(stuck::describe(what, &self.who()).into());
            }
        }
        Ok(())
    }

    /// A lane that has ended though it has not reached its goal.
    fn ended(&self, goals: &[u64]) -> Option<(usize, i32)> {
        let moves = self.moves();
        let behind = (0..LANES).filter(|&lane| moves[lane] < goals[lane]);
        behind
            .filter_map(|lane| Some((lane, self.processes.get(lane)?.exit_code()?)))
            .next()
    }

    fn who(&self) -> Vec<(String, Option<u32>)> {
        self.processes
            .iter()
            .map(|process| (process.name(), process.pid()))
            .collect()
    }

    /// Tells the lanes to end, and waits for it. Those that do not are killed.
    fn stop(&self) -> Fallible {
        self.board.stop.set_unlocked(1);
        let outcome = self.processes.iter().try_for_each(|process| {
            match process.join_timeout(stuck::PATIENCE)? {
                Some(0) => Ok(()),
                Some(code) => Err(format!("{} ended with {code}", process.name()).into()),
                None => Err(stuck::describe("the end of all lanes", &self.who()).into()),
            }
        });
        if outcome.is_err() {
            for process in &self.processes {
                process.kill().and_then(|()| process.join())?;
            }
        }
        outcome
    }

    /// After the end of all lanes.
    fn judge(&self, tally: &Tally) -> Fallible {
        let (pair, _) = self.pair.look()?;
        let least = tally.moves;
        let most = least + tally.kills;
        let moves = pair.moves as u64;
        if !(least..=most).contains(&moves) {
            return Err(format!(
                "the lanes made {least} moves and were killed {} times, so there should be {least} to {most} in \
                 the pair: {pair:?}",
                tally.kills
            ).into());
        }
        Ok(())
    }
}

fn sum(counts: &Array<u64>) -> u64 {
    counts.to_vec_unlocked().iter().sum()
}

/// A lane's process: moves until it is stopped, or killed.
fn lane(number: usize, pair: SharedPair, board: Board) -> Fallible {
    let mut moves = board.moves.get_unlocked(number)?;
    let mut told = board.told.get_unlocked(number)?;
    let mut dice = Dice::new(moves ^ (number as u64) << 32);
    while board.stop.get_unlocked() == 0 {
        let (amount, turns, pause) = (dice.below(9) as i64, dice.below(200), dice.below(100));
        // Who gives up its core for a while is killed there more often: with the lock in one of two cases.
        let rest = dice.below(16);
        let dawdle = || {
            if rest == 0 {
                std::thread::yield_now()
            } else {
                spin(turns)
            }
        };
        let found = pair.shift(amount, dawdle, Then::Mend);
        if found? == Found::OwnerDied {
            told += 1;
            board.told.set_unlocked(number, told)?;
        }
        moves += 1;
        board.moves.set_unlocked(number, moves)?;
        if rest == 1 {
            std::thread::yield_now();
        }
        spin(pause);
    }
    Ok(())
}

fn spin(turns: u64) {
    for _ in 0..turns {
        std::hint::spin_loop();
    }
}
