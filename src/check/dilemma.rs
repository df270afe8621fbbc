//! Why a history is illegal: the longest order that is legal, and what could not come next, for a person.

use std::fmt::Write;

use super::drawing;
use super::{History, Place, Spec};

/// No order explains what was seen: the longest legal one, and why it could not go on.
#[derive(Debug)]
pub struct Dilemma<S: Spec> {
    /// The key whose calls these are. None: the history was judged as a whole.
    pub key: Option<String>,
    pub prefix: Vec<Place>,
    /// After the prefix.
    pub state: S::State,
    /// The calls that would have come next, each as it should have returned: none that returned did so. If none of
    /// these returned, all that did are in the prefix, and it is the end that differs.
    pub next: Vec<(Place, S::Return)>,
}

/// So many calls of the prefix are told: its last ones.
pub(super) const TOLD: usize = 10;
/// Columns of a line.
pub(super) const WIDTH: usize = 100;

impl<S: Spec> Dilemma<S> {
    /// The dilemma for a person, in lines of at most 100 columns, for the history that it was found in: drawn as
    /// intervals if it is known when the calls were, else in words.
    pub fn explain(&self, history: &History<S>) -> String {
        let mut text = String::from("no order of the calls explains what was seen");
        // Writing to a String cannot fail.
        if let Some(key) = self.key.as_ref().filter(|key| !key.is_empty()) {
            let _ = write!(text, " of {}", shorten(key, WIDTH / 3));
        }
        let skipped = self.prefix.len().saturating_sub(TOLD);
        if history.is_timed() && history.calls() > 0 {
            text += "\n";
            text += &drawing::draw(self, history);
        } else {
            self.tell_lanes(history, skipped, &mut text);
        }
        if self.is_at_end(history)
            && let Some(end) = &history.end
        {
            let end = shorten(&format!("{end:?}"), WIDTH - 24);
            let _ = write!(text, "\n  the end was seen as {end}");
        }
        text
    }

    /// Whether all that returned is in the prefix.
    pub(super) fn is_at_end(&self, history: &History<S>) -> bool {
        let mut next = self.next.iter();
        next.all(|(place, _)| history.event(*place).returned.is_none())
    }

    fn tell_lanes(&self, history: &History<S>, skipped: usize, text: &mut String) {
        let _ = writeln!(text, "; the longest that is legal:");
        let start = shorten(&format!("{:?}", history.start), WIDTH - 10);
        let _ = writeln!(text, "  start: {start}");
        if skipped > 0 {
            let _ = writeln!(text, "  ({skipped} calls)");
        }
        let name = |place: &Place| history.lane_name(place.lane);
        for place in &self.prefix[skipped..] {
            let event = shorten(&format!("{:?}", history.event(*place)), WIDTH - 20);
            let _ = writeln!(text, "  {}: {event}", name(place));
        }
        let state = shorten(&format!("{:?}", self.state), WIDTH - 24);
        let _ = write!(text, "  leads to {state}, and then:");
        for (place, due) in &self.next {
            let seen = history.event(*place);
            let _ = write!(text, "\n  {}: {seen:?}", name(place));
            if seen.returned.is_some() {
                let _ = write!(text, ", where {} was due", S::tell_return(due));
            }
        }
    }
}

/// At most so many characters, of both ends.
pub(super) fn shorten(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let head = most / 3;
    let tail = most - head - 1;
    let characters = text.chars();
    characters
        .clone()
        .take(head)
        .chain(['…'])
        .chain(characters.skip(count - tail))
        .collect()
}

/// Two texts that differ, each in at most so many characters: those around the first difference.
pub(super) fn contrast(one: &str, other: &str, most: usize) -> (String, String) {
    let same = one
        .chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .count();
    let longest = one.chars().count().max(other.chars().count());
    let from = match longest <= most {
        true => 0,
        false => same.saturating_sub(most / 3),
    };
    let cut = |text: &str| {
        let rest: String = text.chars().skip(from).collect();
        let rest = if from > 0 { format!("…{rest}") } else { rest };
        match rest.chars().count() <= most {
            true => rest,
            false => rest.chars().take(most - 1).chain(['…']).collect(),
        }
    };
    (cut(one), cut(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_their_ends() {
        assert_eq!(shorten("abcdefghij", 10), "abcdefghij");
        assert_eq!(shorten("abcdefghijk", 10), "abc…fghijk");
    }

    #[test]
    fn a_difference_is_shown() {
        let shown = |one, other| contrast(one, other, 9);
        assert_eq!(shown("same1", "same2"), ("same1".into(), "same2".into()));
        let (one, other) = shown("long and same 1 and on", "long and same 2");
        assert_eq!((&*one, &*other), ("…me 1 an…", "…me 2"));
    }
}
