//! What an example teaches: its lines, the schedule that spoils it, the mended lines, the proof, and where that ends.

use std::fmt;

use super::outcomes::{OutcomeSet, OutcomesError, outcomes};
use super::{Example, find, invariant, source};
use crate::explore::Outcome;

/// An example, explained. Displayed for a person to read from top to bottom.
#[derive(Debug)]
pub struct Explanation {
    example: &'static Example,
    set: OutcomeSet,
    /// One that is not what its reader would like: what it shows, and its place in the set.
    spoilt: Option<(&'static str, usize)>,
    /// The example that does better, and all that it can print.
    mended: Option<(&'static Example, OutcomeSet)>,
}

impl fmt::Debug for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Example({})", self.id)
    }
}

/// Which example has the mended lines of another.
fn mended_by(id: &str) -> Option<&'static str> {
    Some(match id {
        "000.a" => "000.b",
        "001.e1" => "001.e2",
        "002.1" => "002.2",
        "003.5b" => "003.5c",
        "004.2" | "004.3" => "004.7",
        "004.8c" => "004.8b",
        _ => return None,
    })
}

/// Explores an example, and the one that mends it.
///
/// # Errors
/// [`OutcomesError`].
pub fn explain(
    example: &'static Example,
    size: Option<usize>,
    runs: usize,
) -> Result<Explanation, OutcomesError> {
    let set = outcomes(example, runs, size)?;
    let spoilt = invariant::of(example.id).and_then(|race| {
        let all = set.outcomes.all.iter().enumerate();
        let shown = all.filter(|(_, outcome)| race.is_shown_by(&outcome.output));
        let shortest = shown.min_by_key(|(_, outcome)| changes_of_lane(outcome));
        shortest.map(|(place, _)| (race.shows, place))
    });
    let mended = mended_by(example.id).map(|id| {
        let other = find(id).expect("it stands in the list");
        Ok::<_, OutcomesError>((other, outcomes(other, runs, None)?))
    });
    Ok(Explanation {
        example,
        set,
        spoilt,
        mended: mended.transpose()?,
    })
}

fn changes_of_lane(outcome: &Outcome) -> usize {
    let choices = &outcome.run.schedule.0;
    let pairs = choices.windows(2);
    pairs
        .filter(|pair| pair[0].lane() != pair[1].lane())
        .count()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, title) = (self.example.id, self.example.title());
        writeln!(f, "{id}: {title}\n")?;
        writeln!(f, "# The program\n")?;
        writeln!(f, "{}\n", indented(&source::lines(self.example)))?;

        writeln!(f, "# What can come of it\n")?;
        writeln!(f, "{}\n", self.set.summary())?;
        let all = &self.set.outcomes.all;
        match self.spoilt {
            Some((shows, place)) => {
                writeln!(
                    f,
                    "Among them: {shows}. One way to it, and what it prints:\n"
                )?;
                writeln!(f, "{}", all[place].run.trace)?;
                writeln!(f, "{}", indented(&all[place].to_string()))?;
                writeln!(f, "Again: forkproof replay '{}'\n", self.set.replay(place))?;
            }
            None if all.len() == 1 => {
                writeln!(f, "No schedule spoils it: whoever goes first, it prints\n")?;
                writeln!(f, "{}", indented(&all[0].to_string()))?;
            }
            None => writeln!(f, "See them with: forkproof tutorial {id} --outcomes\n")?,
        }
        if let Some(why) = &self.example.expected().why {
            writeln!(f, "{}\n", sentence(why))?;
        }

        if let Some((mended, set)) = &self.mended {
            let (id, title) = (mended.id, mended.title());
            writeln!(f, "# Mended: {id}, {title}\n")?;
            writeln!(f, "{}\n", indented(&source::lines(mended)))?;
            writeln!(f, "# The proof\n")?;
            writeln!(f, "{}\n", set.summary())?;
            if let [only] = &set.outcomes.all[..] {
                writeln!(f, "{}", indented(&only.to_string()))?;
            }
            writeln!(f, "See it with: forkproof tutorial {id} --outcomes\n")?;
        }

        writeln!(f, "# What that does not cover\n")?;
        if let Some((size, number)) = self.set.size {
            let (of, tutorial) = (size.of, size.in_the_tutorial);
            writeln!(
                f,
                "- Other sizes: {number} {of} were tried, and the tutorial has {tutorial}."
            )?;
        }
        let parts = [Some(&self.set), self.mended.as_ref().map(|(_, set)| set)];
        if !parts
            .iter()
            .flatten()
            .all(|set| set.outcomes.tally.is_all())
        {
            writeln!(f, "- The schedules beyond the bound that is named above.")?;
        }
        write!(f, "{BEYOND}")
    }
}

const BEYOND: &str = "\
- What happens inside a call of a value, an array, a queue or a manager: each is one step here. That they may be taken
  so is what the loom models and the kills at every step show: forkproof verify.
- Deaths: no process is killed here.
- Time: sleeps take none, so that every order is tried, the unlikely ones, too; none is more likely than another.";

fn indented(text: &str) -> String {
    let lines = text.lines();
    let lines = lines.map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("    {line}\n"),
    });
    lines.collect()
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
