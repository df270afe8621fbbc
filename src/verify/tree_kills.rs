//! Random kills in trees of processes, which are started in every way: one process at any depth, while the tree grows or
//! when it has grown, in one of three cases after its zygote.
//!
//! # What is judged
//! The daemons of the dead die with it. Every other process lives, answers, and can start another one; none has a
//! zombie. The parent learns how its child ended. In the end each is told to end, and no process of the tree is left,
//! zygotes included.
//!
//! # What is not covered
//! A process that is killed between its zygote's death and its next start: then its daemons outlive it.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::census::{Stat, children, processes};
use super::crew::Tally;
use super::leftovers::leaving_nothing;
use super::{Fallible, pace, stuck};
use crate::explore::dice::Dice;
use crate::sys::child::{Signal, lead_a_group, pidfd_of, send_signal};
use crate::sys::poll::readable;
use crate::{Array, Connection, ExitCode, Pipe, Process, StartMethod};

crate::spawnable!(node);

/// The most processes in a tree.
const NODES: u64 = 8;

/// A process to be. Its children stand behind it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Node {
    /// The first has none.
    parent: Option<usize>,
    daemon: bool,
    method: StartMethod,
}

/// What a process is asked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Ask {
    /// To start another one and see it to its end: the exit code.
    Start,
    /// How its child of this number ended.
    Join(usize),
    End,
}

/// With what the others end that are started.
const STARTED: u8 = 7;

/// The processes' ends, by number, and this one's.
type Theirs = Connection<i32, Ask>;
type Ours = Connection<Ask, i32>;

/// A tree, as it is seen from outside.
struct Tree {
    nodes: Vec<Node>,
    first: Process,
    /// The pid of each that has begun.
    births: Array<u32>,
    lines: Vec<Ours>,
}

/// Grows a tree in each round, and kills in it. To be called in a process of its own; `killed` is told of each death.
pub fn campaign(kills: u64, seed: u64, killed: impl Fn(u64)) -> Tally {
    let mut tally = Tally::default();
    let mut dice = Dice::new(seed);
    let rounds = || {
        while tally.kills < kills {
            let outcome = round(&mut dice, &mut tally);
            outcome.map_err(|why| format!("death {}: {why}", tally.kills))?;
            killed(tally.kills);
        }
        Ok(tally.moves * HELD_BY_ONE)
    };
    let warm_up = || round(&mut Dice::new(0), &mut Tally::default());
    let outcome = leaving_nothing(warm_up, rounds);
    tally.why = outcome.err().map(|why| why.to_string());
    tally
}

/// Bytes of the births, which each process holds.
const HELD_BY_ONE: u64 = 128;

fn round(dice: &mut Dice, tally: &mut Tally) -> Fallible {
    let tree = Tree::plant(dice)?;
    let outcome = tree.kill_one(dice, tally);
    let ended = tree.end();
    outcome.and(ended)
}

impl Tree {
    fn plant(dice: &mut Dice) -> Fallible<Tree> {
        let mut nodes = vec![Node {
            parent: None,
            daemon: false,
            method: StartMethod::Zygote,
        }];
        for _ in 0..1 + dice.below(NODES - 1) {
            let parents: Vec<usize> = (0..nodes.len()).filter(|&it| !nodes[it].daemon).collect();
            nodes.push(Node {
                parent: Some(parents[dice.below(parents.len() as u64) as usize]),
                daemon: dice.below(3) == 0,
                method: match dice.below(4) {
                    0 => StartMethod::Fork,
                    1 => StartMethod::Spawn,
                    _ => StartMethod::Zygote,
                },
            });
        }
        // Of one size in every round, so that what the first one maps is enough for the others.
        let births = Array::new(NODES as usize)?;
        let mut lines = Vec::new();
        let mut ends = Vec::new();
        for number in 0..nodes.len() {
            let (ours, theirs): (Ours, Theirs) = Pipe::duplex()?;
            lines.push(ours);
            ends.push((number, theirs));
        }
        let first = Process::new(node, (0, nodes.clone(), births.clone(), ends)).named("0");
        first.start()?;
        Ok(Tree {
            nodes,
            first,
            births,
            lines,
        })
    }

    fn kill_one(&self, dice: &mut Dice, tally: &mut Tally) -> Fallible {
        let victim = dice.below(self.nodes.len() as u64) as usize;
        if dice.below(2) == 0 {
            (0..self.nodes.len()).try_for_each(|number| self.await_birth(number).map(|_| ()))?;
        }
        let end = self.await_birth(victim)?;
        if dice.below(3) == 0 && !self.nodes[victim].daemon {
            pace::before_a_kill(dice);
            if let Some(zygote) = self.zygote(victim)? {
                send_signal(zygote.as_fd(), Signal::KILL)?;
                tally.kills += 1;
            }
            // It notices, and mends it.
            self.ask(victim, Ask::Start, STARTED.into())?;
        }
        pace::before_a_kill(dice);
        send_signal(end.as_fd(), Signal::KILL)?;
        tally.kills += 1;
        self.judge(victim, &end, tally)
    }

    fn judge(&self, victim: usize, end: &OwnedFd, tally: &mut Tally) -> Fallible {
        if !readable(end.as_fd(), Some(stuck::PATIENCE))? {
            return Err(self.hung("the end of the one that was killed").into());
        }
        match self.nodes[victim].parent {
            Some(parent) => self.ask(parent, Ask::Join(victim), -Signal::KILL.0)?,
            None => {
                let code = self.first.join()?;
                if code != -Signal::KILL.0 {
                    return Err(format!("it was killed, and ended with {code}").into());
                }
            }
        }
        let mut lives = vec![true; self.nodes.len()];
        lives[victim] = false;
        for (number, node) in self.nodes.iter().enumerate().skip(1) {
            let is_orphan = node.parent == Some(victim);
            // What the victim had not come to start will never be there.
            let is_born = !is_orphan || self.births.get_unlocked(number)? != 0;
            let parent_lives = node.parent.is_none_or(|parent| lives[parent]);
            lives[number] &= is_born && (parent_lives || is_orphan);
            if !lives[number] {
                continue;
            }
            let own_end = self.await_birth(number)?;
            if is_orphan && node.daemon {
                lives[number] = false;
                if !readable(own_end.as_fd(), Some(stuck::PATIENCE))? {
                    return Err(format!("{number}, a daemon of {victim}'s, outlives it").into());
                }
                tally.met += 1;
            }
        }
        for number in (0..self.nodes.len()).filter(|&number| lives[number]) {
            tally.moves += 1;
            if !self.nodes[number].daemon {
                self.ask(number, Ask::Start, STARTED.into())?;
            }
            let zombies = children(self.births.get_unlocked(number)?).filter(Stat::is_zombie);
            let zombies: Vec<_> = zombies.collect();
            if !zombies.is_empty() {
                return Err(format!("{number} has zombies: {zombies:?}").into());
            }
        }
        Ok(())
    }

    /// Until a process has begun: what tells of its end.
    fn await_birth(&self, number: usize) -> Fallible<OwnedFd> {
        let deadline = Instant::now() + stuck::PATIENCE;
        loop {
            match self.births.get_unlocked(number)? {
                0 if Instant::now() > deadline => {
                    return Err(self.hung(&format!("the birth of {number}")).into());
                }
                0 => std::thread::yield_now(),
                pid => return Ok(pidfd_of(pid)?),
            }
        }
    }

    fn ask(&self, number: usize, ask: Ask, due: i32) -> Fallible {
        let line = &self.lines[number];
        let lost = |error| format!("{number}, asked for {ask:?}: {error}");
        line.send(&ask).map_err(lost)?;
        if !line.poll(stuck::PATIENCE)? {
            return Err(self.hung(&format!("{number}'s answer to {ask:?}")).into());
        }
        match line.recv().map_err(lost)? {
            answer if answer == due => Ok(()),
            answer => Err(format!("{number} answers {answer} to {ask:?}, and not {due}").into()),
        }
    }

    /// If the process has one.
    fn zygote(&self, number: usize) -> Fallible<Option<OwnedFd>> {
        let pid = self.births.get_unlocked(number)?;
        let is_zygote = |stat: &Stat| stat.name == "forkproof-zyg" && !stat.is_zombie();
        let zygote = children(pid).find(is_zygote);
        Ok(zygote.and_then(|zygote| pidfd_of(zygote.pid).ok()))
    }

    /// Tells all to end, and waits until no process of the tree is there.
    fn end(&self) -> Fallible {
        for line in &self.lines {
            let _ = line.send(&Ask::End); // to the dead, too
        }
        if self.first.join_timeout(stuck::PATIENCE)?.is_none() {
            return Err(self.hung("the end of the first").into());
        }
        // All are of its group.
        let group = self.births.get_unlocked(0)?;
        // What is no one's here is waited for by the machine's first process, whenever that comes to it.
        let is_left = |stat: &Stat| stat.group == group && !stat.is_zombie();
        while let Some(left) = processes().find(is_left) {
            let Ok(end) = pidfd_of(left.pid) else {
                continue;
            };
            if !readable(end.as_fd(), Some(stuck::PATIENCE))? {
                return Err(self.hung(&format!("the end of {left:?}")).into());
            }
        }
        Ok(())
    }

    fn hung(&self, what: &str) -> String {
        let births = self.births.to_vec_unlocked().into_iter();
        let nodes = self.nodes.iter().enumerate().zip(births);
        let who = nodes.map(|((number, node), pid)| {
            let name = format!("{number}, {node:?}");
            (name, (pid != 0).then_some(pid))
        });
        stuck::describe(what, &who.collect::<Vec<_>>())
    }
}

/// What a process of the tree runs: it starts its children, and then answers.
fn node(
    number: usize,
    nodes: Vec<Node>,
    births: Array<u32>,
    mut ends: Vec<(usize, Theirs)>,
) -> Fallible {
    if number == 0 {
        lead_a_group()?;
    }
    births.set_unlocked(number, std::process::id())?;
    let mut children = Vec::new();
    for (child, to_be) in nodes.iter().enumerate() {
        if to_be.parent != Some(number) {
            continue;
        }
        let is_below = |(it, _): &mut (usize, Theirs)| is_below(&nodes, *it, child);
        let theirs: Vec<_> = ends.extract_if(.., is_below).collect();
        let process = Process::new(node, (child, nodes.clone(), births.clone(), theirs))
            .named(child.to_string())
            .daemon(to_be.daemon)
            .start_method(to_be.method);
        process.start()?;
        children.push((child, process));
    }
    let (_, line) = ends.pop().ok_or("no end of its own")?;
    loop {
        let answer = match line.recv()? {
            Ask::Start => {
                let another = Process::new(|| ExitCode(STARTED), ());
                another.start().and_then(|()| another.join())?
            }
            Ask::Join(number) => {
                let child = children.iter().find(|(child, _)| *child == number);
                child.ok_or("no child of that number")?.1.join()?
            }
            Ask::End => return Ok(()),
        };
        line.send(&answer)?;
    }
}

/// Whether a node is this one, or below it.
fn is_below(nodes: &[Node], node: usize, top: usize) -> bool {
    node == top
        || nodes[node]
            .parent
            .is_some_and(|parent| is_below(nodes, parent, top))
}
