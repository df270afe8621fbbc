//! A failing run made simple: fewest deaths, then fewest early returns and time-outs, then fewest preemptions, then
//! the shortest.
//!
//! First by what the run itself suggests: a death left out, its beginning cut off, two turns of a lane joined. Then,
//! as these stop at what no one change makes simpler, by search: all runs of the simplest kind, of the next simple
//! kind, and so on. If its bound is not met no run fails so with fewer deaths, nor with as many and fewer preemptions.

use std::ops::ControlFlow;

use super::program::{Death, End, Orders, Program, Record, is_preemption};
use super::shard::Shard;
use super::{Policy, Search, SearchError};
use crate::explore::schedule::Choice;

/// How much a run asks of who reads it; less is simpler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    pub deaths: usize,
    /// Time-outs and early returns.
    pub sleeps_ended: usize,
    pub preemptions: usize,
    pub moves: usize,
}

/// How many runs the search through one kind may take.
const MOST_RUNS: usize = 2_000;

impl Size {
    pub fn of<F>(record: &Record<F>) -> Size {
        let mut size = Size {
            deaths: 0,
            sleeps_ended: 0,
            preemptions: 0,
            moves: record.moves.len(),
        };
        let mut last = None;
        for made in &record.moves {
            size.preemptions += usize::from(is_preemption(last, made.possible, made.choice));
            match made.choice {
                Choice::Kill(_) => size.deaths += 1,
                Choice::TimeOut(_) | Choice::ReturnEarly(_) => size.sleeps_ended += 1,
                Choice::Go(_) => {}
                Choice::Take(_) => continue,
            }
            last = Some(made.choice.lane());
        }
        size
    }
}

/// The simplest run found that fails in the same way, as `same` tells; the given one, if there is none.
///
/// Deterministic. Costs some thousand runs at most, for each death of the record.
///
/// # Errors
/// As [`Search::run`].
pub fn shrink<P: Program>(
    program: &mut P,
    record: Record<P::Failure>,
    most_moves: usize,
    mut same: impl FnMut(&Record<P::Failure>) -> bool,
) -> Result<Record<P::Failure>, SearchError<P::Error>> {
    let mut shrinking = Shrinking {
        program,
        most_moves,
        size: Size::of(&record),
        best: record,
        same: &mut same,
    };
    shrinking.edit()?;
    shrinking.search()?;
    Ok(shrinking.best)
}

struct Shrinking<'a, P: Program, S> {
    program: &'a mut P,
    most_moves: usize,
    best: Record<P::Failure>,
    size: Size,
    same: &'a mut S,
}

impl<P: Program, S: FnMut(&Record<P::Failure>) -> bool> Shrinking<'_, P, S> {
    /// Edits, the boldest first, until none helps.
    fn edit(&mut self) -> Result<(), SearchError<P::Error>> {
        while self.leave_one_out()? || self.cut()? || self.join()? {}
        Ok(())
    }

    /// One death, time-out or early return less.
    fn leave_one_out(&mut self) -> Result<bool, SearchError<P::Error>> {
        let choices: Vec<Choice> = self.best.choices().collect();
        for (at, choice) in choices.iter().enumerate() {
            if matches!(choice, Choice::Go(_) | Choice::Take(_)) {
                continue;
            }
            let mut rest = choices.clone();
            rest.remove(at);
            let deaths = deaths(&rest, &choices);
            if self.try_about(rest, deaths)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Only the beginning, as short as it can be; then without preemptions.
    fn cut(&mut self) -> Result<bool, SearchError<P::Error>> {
        let choices: Vec<Choice> = self.best.choices().collect();
        for length in 0..choices.len() {
            let is_turn = length == 0 || choices[length - 1].lane() != choices[length].lane();
            if is_turn && self.try_about(choices[..length].to_vec(), deaths(&choices, &choices))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A turn of a lane moved to the lane's next, or to its one before.
    fn join(&mut self) -> Result<bool, SearchError<P::Error>> {
        let choices: Vec<Choice> = self.best.choices().collect();
        let turns: Vec<&[Choice]> = choices.chunk_by(|a, b| a.lane() == b.lane()).collect();
        let deaths = deaths(&choices, &choices);
        for (at, turn) in turns.iter().enumerate() {
            let is_same = |other: &&[Choice]| other[0].lane() == turn[0].lane();
            let next = turns[at + 1..].iter().position(is_same);
            let before = turns[..at].iter().rposition(is_same);
            for to in next
                .map(|next| at + next)
                .into_iter()
                .chain(before.map(|before| before + 1))
            {
                let mut moved = turns.clone();
                moved.remove(at);
                moved.insert(to, turn);
                if self.try_about(moved.concat(), deaths.clone())? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Runs these choices, those apart that turn out to be impossible. Whether that is simpler, and fails as before.
    fn try_about(
        &mut self,
        choices: Vec<Choice>,
        deaths: Vec<Death>,
    ) -> Result<bool, SearchError<P::Error>> {
        let early = |choice: &&Choice| matches!(choice, Choice::ReturnEarly(_));
        let mut orders = Orders {
            early_returns: choices.iter().filter(early).count(),
            deaths,
            ..Orders::replay(choices, self.most_moves)
        };
        loop {
            let record = self.program.run(&orders).map_err(SearchError::Program)?;
            if matches!(record.end, End::Diverged) {
                orders.prefix.remove(record.moves.len());
            } else {
                return Ok(self.accept(record));
            }
        }
    }

    fn accept(&mut self, record: Record<P::Failure>) -> bool {
        let size = Size::of(&record);
        let is_better = size < self.size && (self.same)(&record);
        if is_better {
            (self.best, self.size) = (record, size);
        }
        is_better
    }

    /// All runs of simpler kinds, the simplest first, each within a bound.
    fn search(&mut self) -> Result<(), SearchError<P::Error>> {
        let goal = self.size;
        for kills in 0..=goal.deaths {
            for early_returns in 0..=usize::from(goal.sleeps_ended > 0) {
                let same_kind = kills == self.size.deaths;
                let bound = if same_kind {
                    self.size.preemptions
                } else {
                    goal.preemptions + 1
                };
                for preemptions in 0..bound {
                    if self.search_kind(kills, early_returns, preemptions)? {
                        return self.edit();
                    }
                }
            }
        }
        Ok(())
    }

    fn search_kind(
        &mut self,
        kills: usize,
        early_returns: usize,
        preemptions: usize,
    ) -> Result<bool, SearchError<P::Error>> {
        let search = Search {
            policy: Policy::Unreduced {
                preemptions: Some(preemptions),
            },
            kills,
            early_returns,
            most_runs: MOST_RUNS,
            most_moves: self.most_moves,
            shard: Shard::WHOLE,
        };
        let (size, same) = (self.size, &mut *self.same);
        let mut found = None;
        search.run(self.program, |orders, record| {
            if Size::of(record) < size && same(record) {
                found = Some(orders.clone());
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        let Some(orders) = found else {
            return Ok(false);
        };
        let record = self.program.run(&orders).map_err(SearchError::Program)?;
        Ok(self.accept(record))
    }
}

/// The deaths of these choices, where the lanes were in `before`, of which they are a part.
fn deaths(choices: &[Choice], before: &[Choice]) -> Vec<Death> {
    let mut made = [0; crate::explore::MAX_LANES];
    let mut deaths = Vec::new();
    for choice in before {
        let lane = choice.lane();
        match choice {
            Choice::Kill(_) if choices.contains(choice) => {
                let after = made[lane];
                deaths.push(Death { lane, after });
            }
            Choice::Take(_) => {}
            _ => made[lane] += 1,
        }
    }
    deaths
}
