//! The verdict on a history of which the order is known, in linear time.

use std::fmt;

use super::{Dilemma, History, Place, Spec, Verdict};

/// An order that cannot be the one in which the calls took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderError {
    /// The history has no such call.
    NoSuchCall(Place),
    Twice(Place),
    /// A call that returned took effect, but is not in the order.
    LeftOut(Place),
    /// `then` had returned before `first` began, or stands before it in their lane.
    OutOfTime {
        first: Place,
        then: Place,
    },
}

/// Whether this order of the calls explains every return and the end. A pending call that is not in it did not take
/// effect.
///
/// For histories that are too hard for [`judge`](super::judge()), but whose order was seen: a schedule knows in which
/// order a lock was acquired.
///
/// `Ok` means what it does elsewhere. **`Illegal` is said of this order**: the calls took effect in this order, and what
/// was seen does not follow. If the order was only guessed, another one may explain it. `Unknown` is not said.
///
/// # Errors
/// The order cannot be that of these calls.
///
/// # Bounds
/// One application of the spec for each call; no state is kept.
///
/// # Panics
/// If the spec does.
pub fn judge_in_order<S: Spec>(
    history: &History<S>,
    order: &[Place],
) -> Result<Verdict<S>, OrderError> {
    is_possible(history, order)?;
    let mut state = history.start.clone();
    for (number, &place) in order.iter().enumerate() {
        let event = history.event(place);
        let (after, due) = S::apply(&state, &event.call);
        if event.returned.as_ref().is_some_and(|seen| *seen != due) {
            return Ok(Verdict::Illegal(Dilemma {
                key: None,
                prefix: order[..number].to_vec(),
                state,
                next: vec![(place, due)],
            }));
        }
        state = after;
    }
    if history.end.as_ref().is_some_and(|end| *end != state) {
        return Ok(Verdict::Illegal(Dilemma {
            key: None,
            prefix: order.to_vec(),
            state,
            next: Vec::new(),
        }));
    }
    Ok(Verdict::Ok(order.to_vec()))
}

fn is_possible<S: Spec>(history: &History<S>, order: &[Place]) -> Result<(), OrderError> {
    let mut seen: Vec<Vec<bool>> = history
        .lanes()
        .iter()
        .map(|lane| vec![false; lane.len()])
        .collect();
    let mut last_of_lane: Vec<Option<Place>> = vec![None; history.lanes().len()];
    let mut latest: Option<(u64, Place)> = None;
    for &place in order {
        let known = seen
            .get_mut(place.lane)
            .and_then(|lane| lane.get_mut(place.call));
        match known {
            None => return Err(OrderError::NoSuchCall(place)),
            Some(true) => return Err(OrderError::Twice(place)),
            Some(new) => *new = true,
        }
        match history.event(place).span {
            Some(span) => {
                if let Some((begun, first)) = latest
                    && span.returned.is_some_and(|returned| returned < begun)
                {
                    return Err(OrderError::OutOfTime { first, then: place });
                }
                latest = latest.max(Some((span.begun, place)));
            }
            None => {
                let last = last_of_lane[place.lane].replace(place);
                if let Some(first) = last.filter(|last| last.call > place.call) {
                    return Err(OrderError::OutOfTime { first, then: place });
                }
            }
        }
    }
    let mut left_out = history
        .places()
        .filter(|place| !seen[place.lane][place.call]);
    match left_out.find(|&place| history.event(place).returned.is_some()) {
        Some(place) => Err(OrderError::LeftOut(place)),
        None => Ok(()),
    }
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |place: &Place| format!("call {} of lane {}", place.call, place.lane);
        match self {
            OrderError::NoSuchCall(place) => {
                write!(f, "{} is in the order, and not in the history", name(place))
            }
            OrderError::Twice(place) => write!(f, "{} is twice in the order", name(place)),
            OrderError::LeftOut(place) => {
                write!(f, "{} returned, and is not in the order", name(place))
            }
            OrderError::OutOfTime { first, then } => {
                write!(
                    f,
                    "{} stands in the order before {}, which was over when it began",
                    name(first),
                    name(then)
                )
            }
        }
    }
}

impl std::error::Error for OrderError {}
