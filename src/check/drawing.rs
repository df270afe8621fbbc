//! Intervals, drawn: a line for each call, under an axis of stamps.
//!
//! Only what matters is drawn: the last calls of the longest legal order, numbered as they stand in it, and the calls of
//! which none could come next. The axis has a column for each stamp of theirs, and none for what is between.

use std::fmt::Write;

use super::dilemma::{TOLD, WIDTH, contrast, shorten};
use super::{Dilemma, History, Place, Span, Spec};

/// Columns of the bars. At least two for each call that is drawn.
const BARS: usize = 40;
/// Columns of a lane's name.
const NAME: usize = 12;
/// Columns before the name: a number, and the marks.
const NUMBER: usize = 6;
/// Columns left for the call's text.
const TEXT: usize = WIDTH - NUMBER - NAME - BARS - 4;
/// Columns before what a call returned and should have returned, and columns of these.
const MARGIN: usize = NUMBER + NAME + 1;
const DIFFERENCE: usize = WIDTH - MARGIN - 9;
/// So many calls that could not come next are drawn.
const NEXT: usize = BARS / 2 - TOLD;

struct Row<'a, S: Spec> {
    place: Place,
    span: Span,
    mark: Mark<'a, S>,
}

enum Mark<'a, S: Spec> {
    /// Where it stands in the longest legal order, counted from 1.
    Number(usize),
    /// It could not come next: what it returned, and what was due.
    Stuck(&'a S::Return, &'a S::Return),
    /// It could have come next, and that did not help.
    Pending,
}

pub fn draw<S: Spec>(dilemma: &Dilemma<S>, history: &History<S>) -> String {
    let rows = rows(dilemma, history);
    let axis = Axis::of(&rows);
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\n{:>indent$}  {}",
        history.unit,
        axis.labels(),
        indent = NUMBER + NAME
    );
    for row in &rows {
        draw_row(row, &axis, (dilemma, history), &mut text);
    }
    let _ = write!(text, "\n{}", legend(dilemma, history));
    text
}

/// In the order of their beginnings.
fn rows<'a, S: Spec>(dilemma: &'a Dilemma<S>, history: &'a History<S>) -> Vec<Row<'a, S>> {
    let numbered = dilemma.prefix.iter().enumerate().rev().take(TOLD);
    let numbered = numbered.map(|(number, &place)| (place, Mark::Number(number + 1)));
    let mut next: Vec<_> = dilemma
        .next
        .iter()
        .map(|(place, due)| match &history.event(*place).returned {
            Some(seen) => (*place, Mark::Stuck(seen, due)),
            None => (*place, Mark::Pending),
        })
        .collect();
    next.sort_by_key(|(_, mark)| matches!(mark, Mark::Pending)); // which are dropped first
    next.truncate(NEXT);
    let rows = numbered.chain(next).filter_map(|(place, mark)| {
        let span = history.event(place).span?;
        Some(Row { place, span, mark })
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| (row.span.begun, row.place));
    rows
}

/// The stamps that are drawn, in order.
struct Axis(Vec<u64>);

impl Axis {
    fn of<S: Spec>(rows: &[Row<S>]) -> Axis {
        let stamps = rows
            .iter()
            .flat_map(|row| [Some(row.span.begun), row.span.returned]);
        let mut stamps: Vec<u64> = stamps.flatten().collect();
        stamps.sort_unstable();
        stamps.dedup();
        Axis(stamps)
    }

    fn column(&self, stamp: u64) -> usize {
        let rank = self.0.partition_point(|&other| other < stamp);
        rank * (BARS - 1) / self.0.len().saturating_sub(1).max(1)
    }

    /// As many stamps as there is room for, each beginning above its column.
    fn labels(&self) -> String {
        let mut line = String::new();
        for &stamp in &self.0 {
            let column = self.column(stamp);
            if line.is_empty() || line.len() < column {
                let _ = write!(line, "{:column$}{stamp}", "", column = column - line.len());
            }
        }
        line
    }

    fn bar(&self, span: Span) -> String {
        let begun = self.column(span.begun);
        let (last, end) = match span.returned {
            Some(returned) => (self.column(returned), '|'),
            None => (BARS - 1, '>'),
        };
        let mut bar = format!("{:begun$}|", "");
        if last > begun {
            let _ = write!(bar, "{:-<inner$}{end}", "", inner = last - begun - 1);
        }
        bar
    }
}

fn draw_row<S: Spec>(
    row: &Row<S>,
    axis: &Axis,
    (dilemma, history): (&Dilemma<S>, &History<S>),
    text: &mut String,
) {
    let event = history.event(row.place);
    // The key stands above all.
    let key = dilemma.key.as_ref().map(|key| format!("{key}: "));
    let call = S::tell_call(&event.call);
    let call = key.and_then(|key| call.strip_prefix(&key)).unwrap_or(&call);
    let told = match &event.returned {
        Some(returned) => format!("{call} -> {}", S::tell_return(returned)),
        None => format!("{call} -> (no return)"),
    };
    let number = match row.mark {
        Mark::Number(number) => number.to_string(),
        Mark::Stuck(..) => "X".to_owned(),
        Mark::Pending => "-".to_owned(),
    };
    let name = shorten(&history.lane_name(row.place.lane), NAME);
    let bar = axis.bar(row.span);
    let told = shorten(&told, TEXT);
    let line = format!(
        "{number:>width$} {name:NAME$} {bar:BARS$}  {told}",
        width = NUMBER - 1
    );
    let _ = writeln!(text, "{line}");
    if let Mark::Stuck(seen, due) = row.mark {
        let (seen, due) = contrast(&S::tell_return(seen), &S::tell_return(due), DIFFERENCE);
        let _ = writeln!(text, "{:MARGIN$}returned {seen}", "");
        let _ = writeln!(text, "{:MARGIN$}was due  {due}", "");
    }
}

fn legend<S: Spec>(dilemma: &Dilemma<S>, history: &History<S>) -> String {
    let state = shorten(&format!("{:?}", dilemma.state), WIDTH / 2);
    let mut text = match dilemma.prefix.len() {
        0 => format!("no call can be the first; the start is {state}"),
        count if count > TOLD => {
            let from = count - TOLD + 1;
            format!("{from}..{count}: the end of the longest legal order; it leads to {state}")
        }
        count => format!("1..{count}: the longest legal order; it leads to {state}"),
    };
    if !dilemma.is_at_end(history) {
        text +=
            "\nX: came next in time, and did not return what was due; all other calls are later";
    }
    if dilemma
        .next
        .iter()
        .any(|(place, _)| history.event(*place).returned.is_none())
    {
        text += "\n-: never returned; neither its effect nor the lack of it helps";
    }
    let dropped = dilemma.next.len().saturating_sub(NEXT);
    if dropped > 0 {
        let _ = write!(
            text,
            "\n({dropped} more that could not come next, or never returned)"
        );
    }
    text
}
