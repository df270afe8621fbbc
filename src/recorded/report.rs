//! What is said of a history: a word, and the witness.

use std::fmt;

use serde_json::{Value, json};

use crate::check::{History, Place, Spec, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Illegal,
    Unknown,
}

/// The outcome, and what it rests on. `Display` is for people.
#[derive(Clone, Debug)]
pub struct Report {
    pub outcome: Outcome,
    witness: String,
    json: Value,
}

impl Outcome {
    /// What the command ends with.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Ok => 0,
            Outcome::Illegal => 1,
            Outcome::Unknown => 2,
        }
    }
}

impl Report {
    pub(super) fn new<S: Spec>(history: &History<S>, verdict: &Verdict<S>) -> Report {
        let line = |place: &Place| history.event(*place).span().map(|span| span.begun);
        let lines = |places: &[Place]| places.iter().map(line).collect::<Vec<_>>();
        match verdict {
            Verdict::Ok(order) => Report {
                outcome: Outcome::Ok,
                witness: tell_order(history, order),
                json: json!({ "verdict": "ok", "order": lines(order) }),
            },
            Verdict::Illegal(dilemma) => {
                let next = dilemma.next.iter().map(|(place, due)| {
                    let returns = history.event(*place).returned.is_some();
                    json!({ "line": line(place), "due": returns.then(|| S::tell_return(due)) })
                });
                let next = next.collect::<Vec<_>>();
                Report {
                    outcome: Outcome::Illegal,
                    witness: dilemma.explain(history),
                    json: json!({
                        "verdict": "illegal",
                        "key": dilemma.key,
                        "order": lines(&dilemma.prefix),
                        "next": next,
                    }),
                }
            }
            Verdict::Unknown { searched } => Report {
                outcome: Outcome::Unknown,
                witness: format!(
                    "no answer after {searched} calls tried: a larger --budget may have one"
                ),
                json: json!({ "verdict": "unknown", "tried": searched }),
            },
        }
    }

    /// `verdict`; `order`, the lines of the calls in an order that explains all, or in the longest that is legal; if it
    /// is illegal, also `key`, and `next`: the lines of the calls that could not come next, with what was `due`, or null
    /// if they never returned; if it is unknown, `tried`.
    pub fn json(&self) -> &Value {
        &self.json
    }
}

fn tell_order<S: Spec>(history: &History<S>, order: &[Place]) -> String {
    let mut text = format!(
        "{} calls, of which {} took effect, in this order:",
        history.calls(),
        order.len()
    );
    for &place in order {
        let event = history.event(place);
        let line = event.span().map_or(0, |span| span.begun);
        text += &format!(
            "\n  line {line}, {}: {event:?}",
            history.lane_name(place.lane)
        );
    }
    text
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Ok => "ok",
            Outcome::Illegal => "illegal",
            Outcome::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.outcome, self.witness)
    }
}
