//! The director's side of a case: its process, the lines to its actors, and what they have been asked.
//!
//! The director is in a process of its own, so that it sees an actor that does not return, and can end it. Nothing
//! here waits for a time to pass but `sleep_ms` and `blocked`, and these only as long as someone in the case sleeps
//! for a time; what they wait for otherwise is that all have come to rest ([`quiet`]).

use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use super::actor::{self, ActorLine, Line, Lines, Order, Reply, Told};
use super::quiet::{self, Rest};
use super::raised::Raised;
use crate::sys::child::{self, Child, Signal};
use crate::{Pipe, PipeError, SharedMemory, Waitable, wait};

/// How long all may be awake, or asleep for a time, before a call that has not returned is called a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at those who have not come to rest.
const PAUSE: Duration = Duration::from_millis(2);

/// The process of a case, and its actors.
pub struct Stage {
    process: Child,
    lines: HashMap<String, Line>,
    /// Those that have been started.
    started: Vec<String>,
    /// Of each actor: the calls that it has not answered.
    asked: HashMap<String, VecDeque<usize>>,
    calls: Vec<Option<Told>>,
    /// The names that were made: of memory that outlives the processes.
    made: Vec<String>,
}

/// A call that was given to an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(usize);

/// An actor does not answer.
#[derive(Debug)]
pub struct Stuck(pub String);

impl Stage {
    /// Starts the process of a case with these actors. The calling process has one thread.
    ///
    /// # Errors
    /// No process, or no descriptors left.
    pub fn new(actors: &[String]) -> io::Result<Stage> {
        let mut lines = HashMap::new();
        let mut theirs: Lines = HashMap::new();
        for actor in actors {
            let (line, their): (Line, ActorLine) = Pipe::duplex()?;
            lines.insert(actor.clone(), line);
            theirs.insert(actor.clone(), their);
        }
        let process = {
            let (lines, theirs) = (&mut lines, &mut theirs);
            crate::sys::fork::child(move || {
                lines.clear();
                begin(std::mem::take(theirs))
            })?
        };
        drop(theirs);
        Ok(Stage {
            process,
            lines,
            started: vec!["P".to_owned()],
            asked: HashMap::new(),
            calls: Vec::new(),
            made: Vec::new(),
        })
    }

    /// Gives an actor an order; it is started first if it has not been.
    ///
    /// # Errors
    /// [`Stuck`]: it could not be started, or is gone.
    pub fn give(&mut self, actor: &str, order: &Order) -> Result<Ticket, Stuck> {
        self.start(actor)?;
        let line = self.lines.get(actor);
        let line = line.ok_or_else(|| Stuck(format!("there is no actor {actor}")))?;
        let ticket = Ticket(self.calls.len());
        match line.send(order) {
            Ok(()) => self.calls.push(None),
            Err(error) => self.calls.push(Some(Err(gone(actor, &error)))),
        }
        self.asked
            .entry(actor.to_owned())
            .or_default()
            .push_back(ticket.0);
        Ok(ticket)
    }

    /// Starts an actor: a thread by its process, a child by P.
    ///
    /// # Errors
    /// [`Stuck`].
    pub fn start(&mut self, actor: &str) -> Result<(), Stuck> {
        if self.started.iter().any(|started| started == actor) {
            return Ok(());
        }
        self.started.push(actor.to_owned());
        let (maker, order) = match actor.split_once('.') {
            Some((process, _)) => (process, Order::Thread(actor.to_owned())),
            None => ("P", Order::Child(actor.to_owned())),
        };
        let ticket = self.give(maker, &order)?;
        match self.answer(ticket)? {
            Ok(_) => Ok(()),
            Err(raised) => Err(Stuck(format!("{actor} cannot be started: {raised}"))),
        }
    }

    /// Kills an actor's process; what it was asked is not answered.
    ///
    /// # Errors
    /// [`Stuck`].
    pub fn kill(&mut self, actor: &str) -> Result<(), Stuck> {
        self.start(actor)?;
        let ticket = self.give("P", &Order::Kill(actor.to_owned()))?;
        let killed = self.answer(ticket)?;
        killed.map_err(|raised| Stuck(format!("{actor} cannot be killed: {raised}")))?;
        self.lines.remove(actor);
        let dead = Raised::new("killed", format!("{actor} was killed"));
        for call in self.asked.remove(actor).unwrap_or_default() {
            self.calls[call].get_or_insert(Err(dead.clone()));
        }
        Ok(())
    }

    /// What came of a call; waits for it.
    ///
    /// # Errors
    /// [`Stuck`]: all sleep, and no one is there who would wake them.
    pub fn answer(&mut self, ticket: Ticket) -> Result<Told, Stuck> {
        let begun = Instant::now();
        loop {
            self.listen(PAUSE);
            if let Some(told) = &self.calls[ticket.0] {
                return Ok(told.clone());
            }
            let rest = self.rest();
            if self.calls[ticket.0].is_none()
                && (rest == Rest::Complete || begun.elapsed() > PATIENCE)
            {
                let where_ = quiet::describe(self.process.pid());
                return Err(Stuck(format!("it does not return ({where_})")));
            }
        }
    }

    /// Whether a call has returned.
    pub fn has_returned(&mut self, ticket: Ticket) -> bool {
        self.listen(Duration::ZERO);
        self.calls[ticket.0].is_some()
    }

    /// Waits until all have come to rest; as long as someone sleeps for a time, `time` at least. Ends early when
    /// `enough` says so.
    ///
    /// # Errors
    /// [`Stuck`]: someone runs for ever.
    pub fn settle(
        &mut self,
        time: Duration,
        mut enough: impl FnMut(&mut Stage) -> bool,
    ) -> Result<(), Stuck> {
        let begun = Instant::now();
        loop {
            if enough(self) {
                return Ok(());
            }
            match self.rest() {
                Rest::Complete => return Ok(()),
                Rest::UntilATime if begun.elapsed() >= time => return Ok(()),
                _ if begun.elapsed() > PATIENCE + time => {
                    let where_ = quiet::describe(self.process.pid());
                    return Err(Stuck(format!("the case does not come to rest ({where_})")));
                }
                _ => self.listen(PAUSE),
            }
        }
    }

    /// Looks, and takes what was said before the look.
    fn rest(&mut self) -> Rest {
        let rest = quiet::look(self.process.pid());
        self.listen(Duration::ZERO);
        rest
    }

    /// Takes the answers that have come; waits for the first no longer than `time`.
    fn listen(&mut self, time: Duration) {
        let mut time = Some(time);
        loop {
            let open: Vec<&String> = self
                .asked
                .iter()
                .filter(|(_, calls)| !calls.is_empty())
                .map(|(actor, _)| actor)
                .collect();
            let lines = open.iter().filter_map(|actor| self.lines.get(*actor));
            let lines: Vec<&dyn Waitable> = lines.map(|line| line as &dyn Waitable).collect();
            let Ok(ready) = wait(&lines, Some(time.take().unwrap_or(Duration::ZERO))) else {
                return; // it is tried again
            };
            let ready: Vec<String> = {
                let with_lines: Vec<&&String> = open
                    .iter()
                    .filter(|actor| self.lines.contains_key(**actor))
                    .collect();
                ready
                    .into_iter()
                    .map(|at| (**with_lines[at]).clone())
                    .collect()
            };
            if ready.is_empty() {
                return;
            }
            for actor in ready {
                self.hear(&actor);
            }
        }
    }

    fn hear(&mut self, actor: &str) {
        let Some(received) = self.lines.get(actor).map(Line::recv) else {
            return;
        };
        let calls = self.asked.entry(actor.to_owned()).or_default();
        match received {
            Ok(Reply { told, made }) => {
                self.made.extend(made);
                if let Some(call) = calls.pop_front() {
                    self.calls[call] = Some(told);
                }
            }
            Err(error) => {
                for call in std::mem::take(calls) {
                    self.calls[call] = Some(Err(gone(actor, &error)));
                }
            }
        }
    }

    /// Ends the case: those who can are told to end, and what is left is killed.
    pub fn end(mut self) {
        self.listen(Duration::ZERO);
        let is_idle = |actor: &str| self.asked.get(actor).is_none_or(VecDeque::is_empty);
        let all_idle = self.lines.keys().all(|actor| is_idle(actor));
        for (actor, line) in self.lines.iter().filter(|(actor, _)| is_idle(actor)) {
            if actor != "P" {
                let _ = line.send(&Order::End); // it may have ended
            }
        }
        let ended = if all_idle {
            let told = self.lines.get("P").map(|line| line.send(&Order::End));
            let ended = self.process.pidfd();
            told.is_some() && crate::sys::poll::readable(ended, Some(END)).unwrap_or(false)
        } else {
            false
        };
        if !ended {
            let _ = self.process.signal(Signal::KILL); // it may have ended
        }
        // Its number is its own until it has been waited for, and with it the group's.
        let _ = child::kill_group(self.process.pid()); // none of them may be left
        let _ = self.process.wait(); // how it ended does not matter
        for name in self.made {
            // Most cases have taken their names away.
            let _ = SharedMemory::attach(&name).and_then(|memory| memory.unlink());
        }
    }
}

/// How long a case may take to end by itself.
const END: Duration = Duration::from_secs(2);

fn gone(actor: &str, error: &PipeError) -> Raised {
    Raised::new("gone", format!("{actor} has ended: {error}"))
}

/// P's life.
fn begin(mut lines: Lines) -> i32 {
    let Some(line) = lines.remove("P") else {
        return 1;
    };
    if child::lead_a_group().is_err() {
        return 1;
    }
    actor::play(&line, lines);
    drop(line);
    std::process::exit(0)
}
