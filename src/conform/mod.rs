//! Cases of `multiprocessing`, run against the library.
//!
//! A case is a list of steps in a small language (`file`): what is called, by which of several
//! processes, and what CPython answered. Each case runs in processes of its own: a director, which gives the steps out
//! and judges the answers (`run`, `stage`), and the actors, which do them (`actor`) with the library's own objects
//! (`ops`).
//!
//! | verdict | meaning |
//! |---|---|
//! | [`Verdict::Pass`] | every step was answered as CPython answered it |
//! | [`Verdict::Better`] | a case of a crash, where CPython hangs, times out or loses something, and ours answers; it passes |
//! | [`Verdict::Differs`] | a step was answered otherwise, and the table of differences says why |
//! | [`Verdict::Fail`] | anything else, an operation that the runner does not know included |
//!
//! # What is compared
//! Values exactly, errors by Python's name for them (`raised` has the table), texts of objects after both have gone
//! through one table of names (`compare`). How long a step took is not compared. That a call is blocked is seen: all
//! processes of the case sleep, and it has not returned (`quiet`).

mod actor;
mod compare;
mod differs;
mod file;
mod functions;
mod ops;
mod quiet;
mod raised;
mod run;
mod stage;
mod value;

use std::collections::BTreeMap;
use std::io;

use crate::sys::child::Child;
use crate::{Connection, Pipe, Waitable, wait};

pub use differs::Differs;
pub use file::{Case, Malformed, parse};
pub use run::Verdict;

/// How many cases came out in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub passed: usize,
    /// Of those that passed: cases of a crash that were answered better than by CPython.
    pub better: usize,
    pub differed: usize,
    pub failed: usize,
}

/// A process that runs one case after another.
struct Runner {
    line: Connection<Option<usize>, Verdict>,
    process: Child,
    /// The case that it runs.
    case: Option<usize>,
}

impl Runner {
    fn new(cases: &[Case], differs: &Differs) -> io::Result<Runner> {
        let (line, its) = Pipe::duplex::<Option<usize>, Verdict>()?;
        let its_line = its.clone();
        let ours = line.clone();
        let process = crate::sys::fork::child(move || {
            drop(ours);
            while let Ok(Some(case)) = its_line.recv() {
                if its_line.send(&run::run(&cases[case], differs)).is_err() {
                    break;
                }
            }
            0
        })?;
        drop(its);
        Ok(Runner {
            line,
            process,
            case: None,
        })
    }
}

/// Runs the cases, as many at a time as there are cores; `tell` is told of each, in their order. A case that the
/// table says differs, and does not, fails.
///
/// # Errors
/// The process has more than one thread; no processes or descriptors are left.
pub fn run(
    cases: &[Case],
    differs: &Differs,
    mut tell: impl FnMut(&Case, &Verdict) -> io::Result<()>,
) -> io::Result<Summary> {
    let runners = std::thread::available_parallelism()?.get().min(cases.len());
    let mut waiting = 0..cases.len();
    let mut runners = (0..runners)
        .map(|_| Runner::new(cases, differs))
        .collect::<io::Result<Vec<_>>>()?;
    let mut done: BTreeMap<usize, Verdict> = BTreeMap::new();
    let (mut summary, mut next) = (Summary::default(), 0);
    while next < cases.len() {
        for runner in runners.iter_mut().filter(|runner| runner.case.is_none()) {
            runner.case = waiting.next();
            if runner.case.is_some() {
                let _ = runner.line.send(&runner.case); // if it has ended, it is found below
            }
        }
        let busy: Vec<usize> = (0..runners.len())
            .filter(|&at| runners[at].case.is_some())
            .collect();
        let lines = busy.iter().map(|&at| &runners[at].line as &dyn Waitable);
        let lines: Vec<_> = lines.collect();
        let ready = wait(&lines, None).map_err(io::Error::other)?;
        for at in ready.into_iter().map(|place| busy[place]) {
            let verdict = runners[at].line.recv();
            let Some(case) = runners[at].case.take() else {
                continue;
            };
            let verdict = match verdict {
                Ok(verdict) => verdict,
                Err(error) => {
                    runners[at] = Runner::new(cases, differs)?;
                    Verdict::Fail(format!("its runner has ended: {error}"))
                }
            };
            done.insert(case, differs.check(&cases[case], verdict));
        }
        while let Some(verdict) = done.remove(&next) {
            match verdict {
                Verdict::Pass => summary.passed += 1,
                Verdict::Better(_) => {
                    summary.passed += 1;
                    summary.better += 1;
                }
                Verdict::Differs(_) => summary.differed += 1,
                Verdict::Fail(_) => summary.failed += 1,
            }
            tell(&cases[next], &verdict)?;
            next += 1;
        }
    }
    for runner in runners {
        let _ = runner.line.send(&None); // it may have ended
        runner.process.wait()?;
    }
    Ok(summary)
}
