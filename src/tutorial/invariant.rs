//! What every output of a race keeps, however its processes were scheduled.
//!
//! The lines of each process keep their order; which process comes next is open. So an output is put into one
//! form, the lines grouped by process ([`Race::common`]), which is the same for all outputs, and what it must
//! be is known from one of them, the text in the fixture. A few things more are looked at in the output as it
//! stands ([`Race::check`]).
//!
//! ```
//! let squares_and_cubes = forkproof::tutorial::invariant::of("004.1").unwrap();
//! assert_eq!(squares_and_cubes.common("Cube: 8\nsquare: 4\n"), "cubes:\n  Cube: 8\nsquares:\n  square: 4\n");
//! assert!(squares_and_cubes.check("Cube: 8\nsquare: 4\n").is_err(), "that is not all");
//! ```

mod forms;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::expected;
use super::judge::first_difference;

/// An example with more than one possible output.
pub struct Race {
    pub id: &'static str,
    keeps: Keeps,
    /// What one run or another shows: it is what the example is there for.
    pub shows: &'static str,
    shown_by: fn(&str) -> bool,
}

enum Keeps {
    /// Each process's own order.
    Lanes {
        /// Which process prints a line like this.
        lane_of: fn(&str) -> String,
        /// Whether the program's first line comes before its children start.
        begins_alone: bool,
        /// Whether its last line comes after they have ended.
        ends_alone: bool,
        /// Whether a process may have a line between two of another.
        mixed: bool,
    },
    /// One line with a number of this range.
    Number(RangeInclusive<i32>),
    /// A form that all outputs have; the error says what is wrong with one that has it not.
    Form(fn(&str) -> Result<String, String>),
}

static RACES: &[Race] = &[
    Race {
        id: "000.d",
        keeps: Keeps::Form(forms::appended_while_shown),
        shows: "the row that the other process appended is shown",
        shown_by: |output| output.contains("Leroy \n"),
    },
    Race {
        id: "001.e5",
        keeps: Keeps::Lanes {
            lane_of: |line| {
                let mut words = line.split(' ');
                words.next().unwrap_or_default().to_lowercase()
            },
            begins_alone: false,
            ends_alone: false,
            mixed: true,
        },
        shows: "what is sent is received",
        shown_by: |output| {
            let lines = |start| output.lines().filter(move |line| line.starts_with(start));
            lines("Received").count() + 1 == lines("Sent").count() // all but END
        },
    },
    Race {
        id: "001.s",
        keeps: Keeps::Form(forms::ratio_above_one),
        shows: "a manager is slower than shared memory",
        shown_by: |output| forms::ratio_above_one(output).is_ok(),
    },
    Race {
        id: "003.1",
        keeps: Keeps::Lanes {
            lane_of: |line| match line.contains("child") || line.contains("waiting") {
                true => "child".to_string(),
                false => PARENT.to_string(),
            },
            begins_alone: true,
            ends_alone: true,
            mixed: true,
        },
        shows: "start does not wait for the child",
        shown_by: |output| {
            let place = |text| output.lines().position(|line| line.starts_with(text));
            place("before join") < place("exit child")
        },
    },
    Race {
        id: "003.3",
        keeps: Keeps::Form(forms::three_tasks_and_three_more),
        shows: "map_async does not wait for its tasks",
        shown_by: |output| {
            let place = |text| output.lines().position(|line| line == text);
            place("finished sync task") < place("task: running 5 seconds")
        },
    },
    Race {
        id: "003.5b",
        keeps: Keeps::Lanes {
            lane_of: numbered_process,
            begins_alone: true,
            ends_alone: true,
            mixed: true,
        },
        shows: "lines of two processes are mixed",
        shown_by: |output| first_mixed(numbered_process, output).is_some(),
    },
    Race {
        id: "003.5c",
        keeps: Keeps::Lanes {
            lane_of: numbered_process,
            begins_alone: true,
            ends_alone: true,
            mixed: false,
        },
        shows: "each process prints at one go",
        shown_by: |output| first_mixed(numbered_process, output).is_none(),
    },
    Race {
        id: "004.1",
        keeps: Keeps::Lanes {
            lane_of: square_or_cube,
            begins_alone: false,
            ends_alone: true,
            mixed: true,
        },
        shows: "two processes work at the same time",
        shown_by: |output| first_mixed(square_or_cube, output).is_some(),
    },
    Race {
        id: "004.8c",
        keeps: Keeps::Number(200 - 100..=200 + 100),
        shows: "an update is lost",
        shown_by: |output| number(output) != Some(200),
    },
];

const PARENT: &str = "parent";

/// `process: 3, line 1` is process 3's.
fn numbered_process(line: &str) -> String {
    let number = line
        .strip_prefix("process: ")
        .and_then(|line| line.split_once(','));
    number.map_or(PARENT.to_string(), |(number, _)| {
        format!("process {number}")
    })
}

fn square_or_cube(line: &str) -> String {
    let lane = match line.to_lowercase() {
        line if line.contains("square") => "squares",
        line if line.contains("cube") => "cubes",
        _ => PARENT,
    };
    lane.to_string()
}

/// The invariant of an example whose order is a race.
pub fn of(id: &str) -> Option<&'static Race> {
    RACES.iter().find(|race| race.id == id)
}

impl Race {
    /// What this output has in common with every other one; of a wrong output, whatever it shows.
    pub fn common(&self, output: &str) -> String {
        match &self.keeps {
            Keeps::Lanes { lane_of, .. } => by_lane(*lane_of, output),
            Keeps::Number(range) => match number(output) {
                Some(number) if range.contains(&number) => {
                    format!("a number from {} to {}\n", range.start(), range.end())
                }
                _ => output.to_string(),
            },
            Keeps::Form(form) => form(output).unwrap_or_else(|_| output.to_string()),
        }
    }

    /// Whether this output shows what [`shows`](Race::shows) says. Not every one does; of many runs at the same
    /// time some will, unless the program has become another.
    pub fn is_shown_by(&self, output: &str) -> bool {
        (self.shown_by)(output)
    }

    /// One of the possible outputs.
    fn one(&self) -> &'static str {
        let expected = expected::of(self.id);
        expected.expect("every race is an example").text()
    }

    /// Whether this is a possible output.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, output: &str) -> Result<(), String> {
        match &self.keeps {
            Keeps::Lanes {
                lane_of,
                begins_alone,
                ends_alone,
                mixed,
            } => {
                let one = self.one();
                let (ours, theirs) = (by_lane(*lane_of, output), by_lane(*lane_of, one));
                if let Some(difference) = first_difference(&ours, &theirs) {
                    return Err(format!("by process, {difference}"));
                }
                let same = |end: fn(&str) -> Option<&str>| end(output) == end(one);
                if *begins_alone && !same(|text| text.lines().next()) {
                    return Err("a child prints before the program starts it".to_string());
                }
                if *ends_alone && !same(|text| text.lines().next_back()) {
                    return Err("a child prints after the program has joined it".to_string());
                }
                if !*mixed && let Some(line) = first_mixed(*lane_of, output) {
                    return Err(format!("{line:?} comes after a line of another process"));
                }
                Ok(())
            }
            Keeps::Number(range) => match number(output) {
                Some(number) if range.contains(&number) => Ok(()),
                Some(number) => Err(format!(
                    "{number} is not from {} to {}",
                    range.start(),
                    range.end()
                )),
                None => Err(format!("{output:?} is not one line with a number")),
            },
            Keeps::Form(form) => {
                first_difference(&form(output)?, &form(self.one())?).map_or(Ok(()), Err)
            }
        }
    }
}

fn number(output: &str) -> Option<i32> {
    output.strip_suffix('\n')?.parse().ok()
}

fn by_lane(lane_of: fn(&str) -> String, output: &str) -> String {
    let mut lanes: BTreeMap<String, String> = BTreeMap::new();
    for line in output.split_inclusive('\n') {
        *lanes.entry(lane_of(line)).or_default() += &format!("  {line}");
    }
    let lanes = lanes.into_iter();
    lanes
        .map(|(lane, lines)| format!("{lane}:\n{lines}"))
        .collect()
}

/// The first line of a process that had printed before another one did. The program itself may, as its
/// children come between its first and its last line.
fn first_mixed(lane_of: fn(&str) -> String, output: &str) -> Option<&str> {
    let mut seen: Vec<String> = Vec::new();
    for line in output.lines() {
        let lane = lane_of(line);
        if seen.last() == Some(&lane) {
            continue;
        }
        if lane != PARENT && seen.contains(&lane) {
            return Some(line);
        }
        seen.push(lane);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str) -> &'static str {
        expected::of(id).unwrap().text()
    }

    #[test]
    fn every_invariant_accepts_a_possible_output_and_refuses_each_doctored_one() {
        for race in RACES {
            race.check(text(race.id))
                .unwrap_or_else(|wrong| panic!("{}: {wrong}", race.id));
            let never = &expected::of(race.id).unwrap().never;
            assert!(
                never.len() >= 3,
                "{}: the doctored outputs are gone",
                race.id
            );
            for never in never {
                let refused = race.check(&never.text).is_err();
                assert!(refused, "{}: passes although {}", race.id, never.wrong);
            }
        }
    }

    #[test]
    fn what_is_common_does_not_depend_on_who_was_first() {
        let race = of("004.1").unwrap();
        let (lines, done) = text("004.1").split_once("Done").unwrap();
        let mut lines: Vec<&str> = lines.split_inclusive('\n').collect();
        lines.sort_by_key(|line| line.to_lowercase().contains("square"));
        let cubes_first = lines.concat() + "Done" + done;
        assert_ne!(cubes_first, text("004.1"));
        assert_eq!(race.check(&cubes_first), Ok(()));
        assert_eq!(race.common(&cubes_first), race.common(text("004.1")));
    }

    #[test]
    fn a_changed_line_shows_in_what_is_common() {
        let changed = text("003.5b").replace("process: 3, line 2", "process: 3, second line");
        assert!(
            of("003.5b")
                .unwrap()
                .common(&changed)
                .contains("  process: 3, second line\n")
        );
        assert_eq!(of("004.8c").unwrap().common("301\n"), "301\n");
    }

    #[test]
    fn lines_may_mix_without_the_lock_only() {
        let mixed = text("003.5b");
        assert_eq!(of("003.5b").unwrap().check(mixed), Ok(()));
        let wrong = of("003.5c")
            .unwrap()
            .check(&mixed.replace("without", "using"))
            .unwrap_err();
        assert_eq!(
            wrong,
            r#""process: 0, line 2" comes after a line of another process"#
        );
    }

    #[test]
    fn what_an_example_is_there_for_is_not_in_every_output() {
        let never_shown = [
            (
                "003.1",
                "start parent process\nstart child process\nwaiting for 2 seconds\nexit child process\n\
                 before join parent process doesn't wait\nexit parent process\n",
            ),
            ("003.5b", &text("003.5c").replace("using", "without")),
            ("004.1", "square: 4\nsquare: 9\nCube: 8\nDone\n"),
            ("004.8c", "200\n"),
        ];
        for (id, output) in never_shown {
            assert!(!of(id).unwrap().is_shown_by(output), "{id}");
        }
        for id in ["003.1", "003.5b", "003.5c", "004.1"] {
            assert!(of(id).unwrap().is_shown_by(text(id)), "{id}");
        }
        assert!(of("004.8c").unwrap().is_shown_by("199\n"));
    }

    #[test]
    fn an_output_with_less_or_more_is_refused() {
        for race in RACES.iter().filter(|race| race.id != "004.8c") {
            let whole = text(race.id);
            for end in 0..whole.len() {
                assert!(
                    race.check(&whole[..end]).is_err(),
                    "{}: {:?}",
                    race.id,
                    &whole[..end]
                );
            }
            assert!(
                race.check(&format!("{whole}\n")).is_err(),
                "{}: a line more",
                race.id
            );
        }
        for output in ["", "\n", "200", "200\n\n", " 200\n"] {
            assert!(of("004.8c").unwrap().check(output).is_err(), "{output:?}");
        }
    }
}
