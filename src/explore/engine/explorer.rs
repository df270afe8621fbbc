//! A program that can be run again and again: the fast way, in lanes that go on from run to run; or, where something
//! of a run cannot be put back, each time from the set-up on, in new processes.

use std::collections::BTreeSet;
use std::io::{self, PipeReader, Read, Write};

use super::board::Board;
use super::boss::Boss;
use super::control::{Control, Turn};
use super::course::Course;
use super::told;
use crate::explore::run::{Ended, Run};
use crate::explore::search::Record;
use crate::explore::stage::Stage;
use crate::sys::fork;
use crate::sys::wire::is_wire;

/// In a process of one thread.
pub(in crate::explore) struct Explorer<'a> {
    set_up: Box<SetUp<'a>>,
    lanes: usize,
    way: Way,
}

/// Sets the program up. In a box: one engine for all programs, and not one compiled for each.
type SetUp<'a> = dyn Fn() -> io::Result<Stage> + 'a;

enum Way {
    /// Lanes that go on from run to run.
    Again(Box<Boss>),
    /// A process for each run, that sets the program up.
    Anew(Option<Turn>),
}

/// What there is to know of a run.
pub(in crate::explore) struct Told {
    pub record: Record<Ended>,
    pub run: Run,
    /// That the lanes made.
    pub steps: usize,
    /// What they printed.
    pub output: Vec<u8>,
}

impl Told {
    fn of(board: &Board, run: Run) -> Told {
        Told {
            record: told::record(board, &run.ended),
            steps: told::steps(board),
            output: board.output.to_vec(),
            run,
        }
    }
}

/// Why there was none.
#[derive(Debug, thiserror::Error)]
pub(in crate::explore) enum Trouble {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// This run has changed what cannot be put back: from now on each one starts anew, so that what was learnt of the
    /// runs before, by their addresses, holds no longer. Or it had more lanes than any before.
    #[error("the runs start anew from here on")]
    StartsAnew,
}

impl<'a> Explorer<'a> {
    /// # Errors
    /// No memory, or the set-up failed.
    pub fn new(set_up: Box<SetUp<'a>>) -> io::Result<Explorer<'a>> {
        let turn = Control::create()?;
        let files = open_files()?;
        let stage = set_up()?;
        let lanes = stage.lanes.len();
        let way = if stage.once || open_files()?.difference(&files).next().is_some() {
            Way::Anew(Some(turn))
        } else {
            Way::Again(Box::new(Boss::new(turn, stage, false)?))
        };
        Ok(Explorer { set_up, lanes, way })
    }

    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// What takes several runs, from its beginning again whenever the runs start anew: places have other names from then
    /// on, and nothing that was learnt holds.
    ///
    /// # Errors
    /// As `act`, but for [`Trouble::StartsAnew`].
    pub fn anew<R>(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Result<R, Trouble>,
    ) -> Result<R, Trouble> {
        loop {
            match act(self) {
                Err(Trouble::StartsAnew) => {}
                done => return done,
            }
        }
    }

    /// One run; `in_full`: with the trace, however it ends.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn run(&mut self, order: &dyn Fn(&mut Course), in_full: bool) -> Result<Told, Trouble> {
        let told = match &mut self.way {
            Way::Again(boss) => {
                let told = one_run(boss, order, in_full)?;
                if boss.is_spent() {
                    let turn = boss.hand_in()?;
                    self.way = Way::Anew(Some(turn));
                    self.lanes = self.lanes.max(told.run.trace.lanes.len());
                    return Err(Trouble::StartsAnew);
                }
                told
            }
            Way::Anew(turn) => apart(&self.set_up, turn, order, in_full)?,
        };
        let lanes = told.run.trace.lanes.len();
        if lanes > self.lanes {
            self.lanes = lanes;
            return Err(Trouble::StartsAnew);
        }
        Ok(told)
    }
}

fn one_run(boss: &mut Boss, order: &dyn Fn(&mut Course), in_full: bool) -> io::Result<Told> {
    let course = &mut boss.turn().course;
    course.clear();
    order(course);
    let finish = boss.run()?;
    boss.turn().finish = finish;
    let (board, stage) = boss.seen();
    let run = told::run(board, stage, in_full);
    Ok(Told::of(board, run))
}

/// A run in a process of its own, from the set-up on.
fn apart(
    set_up: &SetUp,
    turn: &mut Option<Turn>,
    order: &dyn Fn(&mut Course),
    in_full: bool,
) -> io::Result<Told> {
    let (answer, to_answer) = io::pipe()?;
    let mut to_answer = Some(to_answer);
    let child = fork::child(|| {
        let turn = turn.take().expect("the explorer has the turn");
        let mut to_answer = to_answer.take().expect("one run in each process");
        let told = set_up().and_then(|stage| {
            let mut boss = Boss::new(turn, stage, true)?;
            one_run(&mut boss, order, in_full)
        });
        let run = told.map(|told| told.run).map_err(|error| error.to_string());
        let bytes = postcard::to_allocvec::<Answer>(&run).expect("a run serialises");
        i32::from(to_answer.write_all(&bytes).is_err())
    })?;
    drop(to_answer);
    let bytes = read_all(answer)?;
    let status = child.wait()?;
    let answer: Answer = postcard::from_bytes(&bytes)
        .map_err(|_| io::Error::other(format!("a run ended with status {}", status.code())))?;
    let run = answer.map_err(io::Error::other)?;
    // The child had it, and is gone.
    let board: &Board = turn.as_ref().expect("taken in the child only");
    Ok(Told::of(board, run))
}

type Answer = Result<Run, String>;

fn read_all(mut from: PipeReader) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is open in this process, but for memory; and for wires, whose use the steps tell of.
fn open_files() -> io::Result<BTreeSet<String>> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let number = entry.file_name().to_string_lossy().parse();
        // The folder itself is among them, and closed by now.
        if let Ok(file) = std::fs::read_link(entry.path()) {
            let file = file.to_string_lossy().into_owned();
            let is_wire = file.starts_with("socket:") && number.is_ok_and(is_wire);
            if !is_wire && !file.starts_with("/memfd:") && !file.starts_with("/proc/") {
                files.insert(file);
            }
        }
    }
    Ok(files)
}
