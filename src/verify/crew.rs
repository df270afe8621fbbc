//! Random SIGKILLs: lanes work on shared objects, one after another is killed at a random moment and started again,
//! and the others must go on.
//!
//! The moment is chosen by the victim's progress: after so many of its moves, and then some turns of a spin. So it
//! may be killed between any two instructions of what it does, and while it sleeps. Now and then a second lane is killed
//! right after the first, and a third after that: those who were about to repair what the first had left.
//!
//! # What is judged
//! After each death the survivors make a move: no one hangs. In the end the [`Work`] judges what it finds. The
//! processes leave nothing behind.
//!
//! # What is not covered
//! A moment of one instruction is rarely hit. The kill at every step tries each.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::leftovers::{leaving_nothing, shares_no_names};
use super::{Fallible, pace, stuck};
use crate::explore::dice::Dice;
use crate::{Array, Process, Value};

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub kills: u64,
    /// How often someone met what a death had left: an owner that died, a broken barrier, a permit come home.
    pub met: u64,
    pub moves: u64,
    /// What went wrong.
    pub why: Option<String>,
}

/// What the lanes write down for the one who kills them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Board {
    /// Each lane's moves; written by the lane only.
    moves: Array<u64>,
    /// How often each lane met what a death had left; written by the lane only.
    met: Array<u64>,
    /// What each lane does, as text of [`DOING_BYTES`]; written by the lane only.
    doing: Array<u8>,
    stop: Value<u32>,
}

const DOING_BYTES: usize = 32;

/// A lane's own line of the board.
pub struct Line {
    board: Board,
    lane: usize,
    moves: u64,
    met: u64,
}

/// What the lanes of a crew do.
pub trait Work {
    fn lanes(&self) -> usize;

    /// The process of a lane, not yet started: it makes moves until [`Line::is_stopped`].
    fn lane(&self, number: usize, board: Board) -> Process;

    /// Whether a lane moves on before the dead are started again.
    fn goes_on_without(&self, _lane: usize, _dead: &[usize]) -> bool {
        true
    }

    /// How names in /dev/shm begin by which the lanes share something: nothing else that they share may have one.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Those that the lanes wait for besides each other, to be described when one hangs.
    fn servers(&self) -> Vec<Process> {
        Vec::new()
    }

    /// How many moves there must have been, of all lanes together, before a kill; and, counted on, before the end.
    fn moves_before(&self, _kill: u64) -> u64 {
        0
    }

    /// After the lanes were told to stop: wakes those that would sleep on.
    fn wind_up(&self) -> Fallible {
        Ok(())
    }

    /// After the end of all lanes.
    fn judge(&self, tally: &Tally) -> Fallible;
}

/// The lanes at work.
struct Crew<W> {
    work: W,
    board: Board,
    processes: Vec<Process>,
}

/// Kills lanes one after another, and sees to it that the others go on and that nothing is left. To be called in a
/// process of its own; `killed` is told of each death.
pub fn campaign<W: Work>(
    work: impl Fn() -> Fallible<W>,
    kills: u64,
    seed: u64,
    killed: impl Fn(u64),
) -> Tally {
    let mut tally = Tally::default();
    let outcome = leaving_nothing(
        // What stays for good, the zygote first of all, is there before anything is counted.
        || run(work()?, 0, seed, &mut Tally::default(), |_| ()),
        // All lanes hold the same objects, which live on.
        || run(work()?, kills, seed, &mut tally, &killed).map(|()| 0),
    );
    tally.why = outcome.err().map(|why| why.to_string());
    tally
}

fn run<W: Work>(
    work: W,
    kills: u64,
    seed: u64,
    tally: &mut Tally,
    killed: impl Fn(u64),
) -> Fallible {
    let mut dice = Dice::new(seed);
    let mut crew = Crew::start(work)?;
    let mut kill_all = || {
        while tally.kills < kills {
            let number = tally.kills + 1;
            crew.await_sum(crew.work.moves_before(number))?;
            tally.kills += crew.kill_some(&mut dice, number, kills - tally.kills)?;
            killed(tally.kills);
        }
        Ok(())
    };
    let outcome: Fallible = kill_all();
    let outcome = outcome.and_then(|()| crew.await_sum(crew.work.moves_before(kills + 1)));
    let ended = crew.stop();
    tally.met = sum(&crew.board.met);
    tally.moves = sum(&crew.board.moves);
    outcome.and(ended)?;
    crew.work.judge(tally)
}

fn sum(counts: &Array<u64>) -> u64 {
    counts.to_vec_unlocked().iter().sum()
}

impl Board {
    fn new(lanes: usize) -> Fallible<Board> {
        Ok(Board {
            moves: Array::new(lanes)?,
            met: Array::new(lanes)?,
            doing: Array::new(lanes * DOING_BYTES)?,
            stop: Value::new(0)?,
        })
    }

    /// What a lane has said that it does.
    fn doing(&self, lane: usize) -> String {
        let place = lane * DOING_BYTES..(lane + 1) * DOING_BYTES;
        let all = self.doing.to_vec_unlocked();
        let text = all.get(place).unwrap_or_default().split(|&byte| byte == 0);
        String::from_utf8_lossy(text.take(1).next().unwrap_or_default()).into_owned()
    }

    /// A lane's own line, where its predecessor left it.
    ///
    /// # Errors
    /// There is no such lane.
    pub fn line(self, lane: usize) -> Fallible<Line> {
        Ok(Line {
            moves: self.moves.get_unlocked(lane)?,
            met: self.met.get_unlocked(lane)?,
            board: self,
            lane,
        })
    }
}

const WITHIN: &str = "the lane was found on the board before";

impl Line {
    pub fn is_stopped(&self) -> bool {
        self.board.stop.get_unlocked() != 0
    }

    /// Moves that this lane has made, in all its lives.
    pub fn moves(&self) -> u64 {
        self.moves
    }

    pub fn moved(&mut self) {
        self.moves += 1;
        let moves = &self.board.moves;
        moves.set_unlocked(self.lane, self.moves).expect(WITHIN);
    }

    /// What this lane does next, for the report of a hang: the kernel does not tell which of its calls a process that
    /// waits for a server is in.
    pub fn about_to(&self, call: &str) {
        let padded = call.bytes().chain(std::iter::repeat(0));
        let first = self.lane * DOING_BYTES;
        for (at, byte) in padded.take(DOING_BYTES).enumerate() {
            self.board
                .doing
                .set_unlocked(first + at, byte)
                .expect(WITHIN);
        }
    }

    /// Someone's death was met.
    pub fn met_a_death(&mut self) {
        self.met += 1;
        let met = &self.board.met;
        met.set_unlocked(self.lane, self.met).expect(WITHIN);
    }
}

impl<W: Work> Crew<W> {
    fn start(work: W) -> Fallible<Crew<W>> {
        let mut crew = Crew {
            board: Board::new(work.lanes())?,
            work,
            processes: Vec::new(),
        };
        for number in 0..crew.work.lanes() {
            let process = crew.start_one(number)?;
            crew.processes.push(process);
        }
        let firsts = vec![1; crew.work.lanes()];
        crew.await_moves(&firsts, "the first move of each lane")?;
        let names = crew.work.names();
        for process in &crew.processes {
            let looked = process.pid().map(|pid| shares_no_names(pid, &names));
            match (looked, process.exit_code()) {
                // There was nothing to look at: that is the news.
                (_, Some(code)) => {
                    return Err(format!("{} ended with {code}", process.name()).into());
                }
                (looked, None) => looked.unwrap_or(Ok(()))?,
            }
        }
        Ok(crew)
    }

    fn start_one(&self, number: usize) -> Fallible<Process> {
        let process = self.work.lane(number, self.board.clone());
        let process = process.named(format!("lane {number}")).daemon(true);
        process.start()?;
        Ok(process)
    }

    /// Kills a lane when it has made a few more moves and then some; and in one of four cases, before anyone may have
    /// dealt with that, another one, who may be about to, and perhaps a third. Waits until each of the others has made a
    /// move, and starts the dead again. Returns how many were killed, `most` at the most.
    fn kill_some(&mut self, dice: &mut Dice, number: u64, most: u64) -> Fallible<u64> {
        let lanes = self.work.lanes();
        let first = dice.below(lanes as u64) as usize;
        let mut goals = self.moves();
        goals[first] += dice.below(3);
        self.await_moves(&goals, "some moves of the lane that is to be killed")?;
        let together = match dice.below(8) {
            0 => 3,
            1 => 2,
            _ => 1,
        };
        let together = most.min(together) as usize;
        let mut dead = vec![first];
        while dead.len() < together.min(lanes - 1) {
            let next = dice.below(lanes as u64) as usize;
            if !dead.contains(&next) {
                dead.push(next);
            }
        }
        for &victim in &dead {
            pace::before_a_kill(dice);
            self.kill(victim)?;
        }
        let mut goals = self.moves();
        for (lane, goal) in goals.iter_mut().enumerate() {
            let goes_on = !dead.contains(&lane) && self.work.goes_on_without(lane, &dead);
            *goal += u64::from(goes_on);
        }
        let what = format!("a move of each survivor of death {number}, of lanes {dead:?},");
        self.await_moves(&goals, &what)?;
        for &victim in &dead {
            self.processes[victim] = self.start_one(victim)?;
        }
        Ok(dead.len() as u64)
    }

    fn kill(&self, victim: usize) -> Fallible {
        let process = &self.processes[victim];
        match process.kill().and_then(|()| process.join())? {
            -9 => Ok(()),
            code => Err(format!("lane {victim} ended with {code} before it was killed").into()),
        }
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

    /// Until the lanes have made so many moves together. As long as they move, there is no hurry.
    fn await_sum(&self, goal: u64) -> Fallible {
        let what = format!("a sum of {goal} moves");
        let mut last = (0, Instant::now());
        loop {
            let now = sum(&self.board.moves);
            if now >= goal {
                return Ok(());
            }
            if now > last.0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() > stuck::PATIENCE {
                return Err(stuck::describe(&what, &self.who()).into());
            }
            // Not a spin: the lanes have better use for the core.
            for process in &self.processes {
                if let Some(code) = process.join_timeout(Duration::from_micros(200))? {
                    let name = process.name();
                    return Err(
                        format!("{name} ended with {code} while {what} were awaited").into(),
                    );
                }
            }
        }
    }

    /// A lane that has ended though it has not reached its goal.
    fn ended(&self, goals: &[u64]) -> Option<(usize, i32)> {
        let moves = self.moves();
        let behind = (0..goals.len()).filter(|&lane| moves[lane] < goals[lane]);
        behind
            .filter_map(|lane| Some((lane, self.processes.get(lane)?.exit_code()?)))
            .next()
    }

    fn who(&self) -> Vec<(String, Option<u32>)> {
        let servers = self.work.servers().into_iter();
        let servers = servers.map(|server| (server.name(), server.pid()));
        let lanes = self.processes.iter().enumerate();
        lanes
            .map(|(lane, process)| {
                let name = match self.board.doing(lane) {
                    doing if doing.is_empty() => process.name(),
                    doing => format!("{}, at {doing}", process.name()),
                };
                (name, process.pid())
            })
            .chain(servers)
            .collect()
    }

    /// Tells the lanes to end, and waits for it. Those that do not are killed.
    fn stop(&self) -> Fallible {
        self.board.stop.set_unlocked(1);
        self.work.wind_up()?;
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
}
