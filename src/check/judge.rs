//! The verdict on a history: by key where that is sound, within a budget.

use std::collections::BTreeMap;

use super::search::{Found, Search};
use super::{Dilemma, History, Place, Spec};

/// What the judge says.
#[derive(Debug)]
pub enum Verdict<S: Spec> {
    /// These calls, in this order, explain all that was seen. A pending call that is not among them did not
    /// take effect.
    Ok(Vec<Place>),
    Illegal(Dilemma<S>),
    /// So many calls were tried, which was all of the budget, before an answer was found.
    Unknown {
        searched: usize,
    },
}

/// A key's first share of the budget, in calls tried. It doubles from round to round.
const FIRST_SHARE: usize = 512;

/// Whether some order of the calls explains every return and the end.
///
/// If it is known when the calls were, one that returned before another began comes before it, and a pending call took
/// effect at any time after it began, or not at all. Else each lane's own order is kept.
///
/// # By key
/// If it is known when the calls were, if the spec names a [key](Spec::key) for each call, and if no end was seen, then
/// each key is judged for itself, which is as good (Herlihy and Wing, "Linearizability", 1990: locality; Horn and
/// Kroening, "Faster linearizability checking via P-compositionality", 2015). All keys are searched in turn, each for a
/// share that doubles, so a key that is hard does not hide one that is illegal. *Not* so a history of lanes: there,
/// each key alone may have an order where all together have none.
///
/// # Bounds
/// Tries at most `budget` calls, and remembers at most so many states: the worst case is exponential in the number of
/// calls that are open at once.
///
/// # Panics
/// If the spec does.
pub fn judge<S: Spec>(history: &History<S>, budget: usize) -> Verdict<S> {
    let parts = by_key(history).unwrap_or_else(|| vec![(None, history.places().collect())]);
    let mut orders = Vec::with_capacity(parts.len());
    let mut searches: Vec<_> = parts
        .into_iter()
        .map(|(key, places)| (key, Search::new(history, &places)))
        .collect();
    let (mut left, mut share) = (budget, FIRST_SHARE);
    while !searches.is_empty() {
        let mut unfinished = Vec::with_capacity(searches.len());
        for (key, mut search) in searches {
            let before = search.tried();
            let found = search.run(share.min(left));
            left = left.saturating_sub(search.tried() - before);
            match found {
                Some(Found::Order(order)) => orders.push(order),
                Some(Found::Dilemma(dilemma)) => {
                    return Verdict::Illegal(Dilemma { key, ..dilemma });
                }
                None if left == 0 => return Verdict::Unknown { searched: budget },
                None => unfinished.push((key, search)),
            }
        }
        searches = unfinished;
        share = share.saturating_mul(2);
    }
    Verdict::Ok(merge(history, orders))
}

/// Each key and its calls, in the lanes' order. None: the history can only be judged as a whole.
fn by_key<S: Spec>(history: &History<S>) -> Option<Vec<(Option<String>, Vec<Place>)>> {
    if !history.is_timed() || history.end.is_some() {
        return None;
    }
    let mut parts: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for place in history.places() {
        let key = S::key(&history.event(place).call)?;
        parts.entry(key).or_default().push(place);
    }
    Some(
        parts
            .into_iter()
            .map(|(key, places)| (Some(key), places))
            .collect(),
    )
}

/// One order of all calls from one of each key.
///
/// A call's point is the latest start among the calls up to it in its key's order. It lies before the call's return,
/// as none of those began after it; so the points respect time, also between keys.
fn merge<S: Spec>(history: &History<S>, orders: Vec<Vec<Place>>) -> Vec<Place> {
    if orders.len() == 1 {
        return orders.into_iter().flatten().collect();
    }
    let mut points = Vec::new();
    for (key, order) in orders.into_iter().enumerate() {
        let mut point = 0;
        for place in order {
            let span = history.event(place).span;
            point = point.max(span.map_or(0, |span| span.begun));
            points.push((point, key, place));
        }
    }
    // Stable: within a key the order stays.
    points.sort_by_key(|&(point, key, _)| (point, key));
    points.into_iter().map(|(.., place)| place).collect()
}
