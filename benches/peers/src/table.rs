//! Rows that are measured in turn, and the table of their medians.

/// Work that several can do.
pub struct Work {
    pub name: String,
    /// The first is ours.
    pub rows: Vec<Row>,
}

pub struct Row {
    pub who: &'static str,
    /// Does it once more, for one figure of it.
    pub measure: Box<dyn FnMut() -> Figure>,
}

/// What one round came to.
pub struct Figure {
    /// Nanoseconds for one operation.
    pub ns: f64,
    /// What else is to be told of it; of the rounds, the last one's.
    pub note: String,
}

impl Row {
    pub fn new(who: &'static str, mut measure: impl FnMut() -> f64 + 'static) -> Row {
        let measure = move || Figure {
            ns: measure(),
            note: String::new(),
        };
        Row::noted(who, measure)
    }

    pub fn noted(who: &'static str, measure: impl FnMut() -> Figure + 'static) -> Row {
        Row {
            who,
            measure: Box::new(measure),
        }
    }
}

/// Measures all, a work at a time, and prints it as it is known.
pub fn print(works: Vec<Work>, rounds: usize) {
    println!(
        "{:24} {:20} {:>11} {:>23} {:>8}",
        "work", "by", "ns each", "least .. most", "to ours"
    );
    for mut work in works {
        let mut figures: Vec<Vec<f64>> = work.rows.iter().map(|_| Vec::new()).collect();
        let mut notes = vec![String::new(); work.rows.len()];
        for _ in 0..rounds {
            for (at, row) in work.rows.iter_mut().enumerate() {
                let figure = (row.measure)();
                figures[at].push(figure.ns);
                notes[at] = figure.note;
            }
        }
        figures
            .iter_mut()
            .for_each(|each| each.sort_by(f64::total_cmp));
        let ours = figures[0][rounds / 2];
        for ((row, figures), note) in work.rows.iter().zip(&figures).zip(notes) {
            let median = figures[rounds / 2];
            let spread = format!("{:.1} .. {:.1}", figures[0], figures[rounds - 1]);
            let line = format!(
                "{:24} {:20} {median:>11.1} {spread:>23} {:>8.2}  {note}",
                work.name,
                row.who,
                median / ours
            );
            println!("{}", line.trim_end());
        }
    }
}
