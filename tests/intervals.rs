//! The judge of histories with times: against a slower judge, against histories that did happen, by key and in order.

#![cfg(feature = "harness")]

use std::fmt::Debug;

use forkproof::check::bank::{self, Bank};
use forkproof::check::independent::{Call as Under, Independent, State};
use forkproof::check::register::{Call, Register, Return};
use forkproof::check::{History, Log, OrderError, Place, Spec, Verdict, judge, judge_in_order};
use proptest::prelude::*;

const PLENTY: usize = 1_000_000;

/// A call with its stamps: pending, if it has no return. Then its number, if it took effect.
struct Timed<S: Spec> {
    lane: usize,
    begun: u64,
    call: S::Call,
    returned: Option<(S::Return, u64)>,
    number: Option<u64>,
}

impl<S: Spec> Debug for Timed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Timed {
            lane,
            begun,
            call,
            returned,
            number,
        } = self;
        write!(
            f,
            "lane {lane} from {begun}: {call:?} -> {returned:?} ({number:?})"
        )
    }
}

/// Of each lane, the calls must be given in its order.
fn history<S: Spec>(start: S::State, calls: impl IntoIterator<Item = Timed<S>>) -> History<S> {
    let mut log = Log::new(start);
    for Timed {
        lane,
        begun,
        call,
        returned,
        number,
    } in calls
    {
        log.begin(lane, call, begun);
        if let Some(number) = number {
            log.took_effect(lane, number);
        }
        match returned {
            Some((value, at)) => log.returned(lane, value, at),
            None => log.killed(lane),
        }
    }
    log.history()
}

/// Whether it is legal; what is witnessed is looked at.
fn is_legal<S: Spec>(history: &History<S>) -> bool {
    match judge(history, PLENTY) {
        Verdict::Ok(order) => {
            let verdict = judge_in_order(history, &order);
            assert!(
                matches!(verdict, Ok(Verdict::Ok(_))),
                "{order:?} of {history}"
            );
            true
        }
        Verdict::Illegal(dilemma) => {
            for (place, due) in &dilemma.next {
                assert_ne!(history.event(*place).returned.as_ref(), Some(due));
            }
            let text = dilemma.explain(history);
            assert!(
                text.lines().all(|line| line.chars().count() <= 100),
                "too wide:\n{text}"
            );
            false
        }
        Verdict::Unknown { searched } => panic!("no verdict after {searched} calls of {history}"),
    }
}

/// The same question by trying every order, as a whole, without remembering anything.
fn exhaustive<S: Spec>(history: &History<S>) -> bool {
    fn from<S: Spec>(history: &History<S>, left: &mut Vec<Place>, state: &S::State) -> bool {
        let returned = |place: &Place| history.event(*place).span().expect("timed").returned;
        if left.iter().all(|place| returned(place).is_none())
            && history.end.as_ref().is_none_or(|end| end == state)
        {
            return true;
        }
        for number in 0..left.len() {
            let place = left[number];
            let event = history.event(place);
            let begun = event.span().expect("timed").begun;
            if left
                .iter()
                .any(|before| returned(before).is_some_and(|at| at < begun))
            {
                continue;
            }
            let (after, due) = S::apply(state, &event.call);
            if event.returned.as_ref().is_some_and(|seen| *seen != due) {
                continue;
            }
            left.remove(number);
            let found = from(history, left, &after);
            left.insert(number, place);
            if found {
                return true;
            }
        }
        false
    }
    from(history, &mut history.places().collect(), &history.start)
}

fn check(calls: Vec<Timed<Register>>, legal: bool) {
    let history = history(None, calls);
    assert_eq!(is_legal(&history), legal, "{history}");
    assert_eq!(exhaustive(&history), legal, "the slow judge, of {history}");
}

fn write(lane: usize, begun: u64, value: i64, returned: u64) -> Timed<Register> {
    let call = Call::Write { value: Some(value) };
    let returned = Some((Return::Written, returned));
    Timed {
        lane,
        begun,
        call,
        returned,
        number: None,
    }
}

fn read(lane: usize, begun: u64, seen: Option<i64>, returned: u64) -> Timed<Register> {
    let returned = Some((Return::Value(seen), returned));
    Timed {
        lane,
        begun,
        call: Call::Read,
        returned,
        number: None,
    }
}

fn killed(lane: usize, begun: u64, value: i64) -> Timed<Register> {
    let call = Call::Write { value: Some(value) };
    Timed {
        lane,
        begun,
        call,
        returned: None,
        number: None,
    }
}

#[test]
fn what_returned_before_another_began_comes_before_it() {
    check(vec![write(0, 1, 7, 2), read(1, 3, Some(7), 4)], true);
    check(vec![write(0, 1, 7, 2), read(1, 3, None, 4)], false);
    check(vec![write(0, 1, 7, 3), read(1, 2, None, 4)], true);
    // At one stamp: they met.
    check(vec![write(0, 1, 7, 2), read(1, 2, None, 4)], true);
}

#[test]
fn a_new_value_is_not_unseen() {
    let wide = |first, second| {
        vec![
            write(0, 1, 7, 9),
            read(1, 2, first, 3),
            read(2, 4, second, 5),
        ]
    };
    check(wide(None, Some(7)), true);
    check(wide(Some(7), Some(7)), true);
    check(wide(Some(7), None), false);
}

#[test]
fn a_pending_call_takes_effect_late_or_never() {
    check(
        vec![killed(0, 1, 7), read(1, 2, None, 3), read(1, 4, Some(7), 5)],
        true,
    );
    check(
        vec![killed(0, 1, 7), read(1, 2, None, 3), read(1, 4, None, 5)],
        true,
    );
    check(
        vec![killed(0, 1, 7), read(1, 2, Some(7), 3), read(1, 4, None, 5)],
        false,
    );
    // It did not begin before it began.
    check(vec![read(1, 1, Some(7), 2), killed(0, 3, 7)], false);
    // Its lane has gone on, and it may still come; but once.
    let late = |seen| {
        vec![
            killed(0, 1, 7),
            write(0, 2, 8, 3),
            read(0, 4, Some(7), 5),
            write(0, 6, 9, 7),
            read(0, 8, seen, 9),
        ]
    };
    check(late(Some(9)), true);
    check(late(Some(7)), false);
}

#[test]
fn a_write_that_changes_nothing_now_may_change_something_later() {
    let call = Call::Cas {
        expected: Some(1),
        new: Some(2),
    };
    let cas = || Timed {
        lane: 1,
        begun: 3,
        call,
        returned: Some((Return::Written, 6)),
        number: None,
    };
    let calls = |seen| {
        vec![
            write(1, 1, 1, 2),
            cas(),
            write(0, 4, 1, 7),
            read(2, 8, seen, 9),
        ]
    };
    check(calls(Some(1)), true);
    check(calls(Some(2)), true);
    check(calls(None), false);
}

#[test]
fn an_end_binds_what_is_pending() {
    for (end, legal) in [(Some(7), true), (None, true), (Some(8), false)] {
        let mut history = history::<Register>(None, [killed(0, 1, 7), read(1, 2, None, 3)]);
        history.end = Some(end);
        assert_eq!(
            (is_legal(&history), exhaustive(&history)),
            (legal, legal),
            "{history}"
        );
    }
}

/// One key has far more orders than there is budget, and comes first; the other is illegal at once.
#[test]
fn a_hard_key_does_not_hide_an_illegal_one() {
    let under = |key: &str, call| Under::<Register> {
        key: key.into(),
        call,
    };
    let mut log = Log::<Independent<Register>>::new(State::all(None));
    for lane in 0..30 {
        log.begin(
            lane,
            under(
                "hard",
                Call::Write {
                    value: Some(lane as i64),
                },
            ),
            1,
        );
        log.returned(lane, Return::Written, 2);
    }
    for lane in 0..30 {
        log.begin(lane, under("hard", Call::Read), 3);
        log.returned(lane, Return::Value(Some(lane as i64)), 4);
    }
    let hard = |log: Log<_>| judge::<Independent<Register>>(&log.history(), 100_000);
    log.begin(30, under("illegal", Call::Read), 1);
    log.returned(30, Return::Value(Some(1)), 2);
    let Verdict::Illegal(dilemma) = hard(log) else {
        panic!("illegal");
    };
    assert_eq!(dilemma.key.as_deref(), Some("illegal"));
    assert_eq!(dilemma.prefix, []);
}

fn place(lane: usize, call: usize) -> Place {
    Place { lane, call }
}

#[test]
fn an_order_that_cannot_be_is_refused() {
    let calls = || vec![write(0, 1, 7, 2), read(1, 3, Some(7), 4), killed(1, 5, 8)];
    let history = history::<Register>(None, calls());
    let (first, second, pending) = (place(0, 0), place(1, 0), place(1, 1));
    let refused = |order: &[Place]| judge_in_order(&history, order).expect_err("refused");
    assert_eq!(
        refused(&[second, first]),
        OrderError::OutOfTime {
            first: second,
            then: first
        }
    );
    assert_eq!(refused(&[first]), OrderError::LeftOut(second));
    assert_eq!(refused(&[first, first, second]), OrderError::Twice(first));
    assert_eq!(refused(&[place(2, 0)]), OrderError::NoSuchCall(place(2, 0)));
    for order in [&[first, second][..], &[first, second, pending]] {
        assert!(matches!(
            judge_in_order(&history, order),
            Ok(Verdict::Ok(_))
        ));
    }
    // It overtook what had not begun.
    assert_eq!(
        refused(&[first, pending, second]),
        OrderError::OutOfTime {
            first: pending,
            then: second
        }
    );
}

/// 32 lanes, 20 accounts, 400 transfers and balances, about 31 of them open at any time: 2^31 sets.
fn many_transfers() -> (History<Bank>, Vec<i64>) {
    let mut state = vec![100; 20];
    let start = state.clone();
    let mut dice = 1u64;
    let mut draw = |below: u64| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below
    };
    let calls = (0..400u64).map(|number| {
        let (from, to) = (draw(20) as usize, draw(20) as usize);
        let call = match draw(8) {
            0 => bank::Call::Balance { account: from },
            _ => bank::Call::Transfer {
                from,
                to,
                amount: draw(120) as u32,
            },
        };
        let (after, returned) = Bank::apply(&state, &call);
        state = after;
        // Each is open while the 15 before it and the 15 after it take effect.
        let point = 10 * number;
        Timed {
            lane: (number % 32) as usize,
            begun: (point + 1).saturating_sub(159),
            call,
            returned: Some((returned, point + 150)),
            number: Some(number),
        }
    });
    let calls: Vec<Timed<Bank>> = calls.collect();
    (history(start, calls), state)
}

#[test]
fn a_known_order_decides_what_a_search_does_not() {
    let (mut history, end) = many_transfers();
    history.end = Some(end.clone());
    let order = history.order().expect("each call has its number");
    assert!(matches!(
        judge_in_order(&history, &order),
        Ok(Verdict::Ok(_))
    ));
    history.end = Some(end.iter().rev().copied().collect());
    let Ok(Verdict::Illegal(dilemma)) = judge_in_order(&history, &order) else {
        panic!("another end");
    };
    assert_eq!(
        (dilemma.prefix.len(), dilemma.next.len(), dilemma.state),
        (400, 0, end)
    );
    assert!(matches!(
        judge(&history, 50_000),
        Verdict::Unknown { searched: 50_000 }
    ));
}

/// A call of a lane, its fate, and how long before and after its effect it is open.
type Drawn<C> = (usize, C, u8, (u64, u64));

/// Calls that did happen, one after another: the `n`th took effect at 100 n. Each begins some time before, and returns
/// some time after, in the bounds of its lane. Those with fate 0 are killed before they take effect, with 1 after.
fn happened<S: Spec>(start: &S::State, calls: Vec<Drawn<S::Call>>) -> Vec<Timed<S>> {
    let lanes: Vec<usize> = calls.iter().map(|(lane, ..)| *lane).collect();
    let (mut state, mut last) = (start.clone(), [0; 4]);
    let calls = calls
        .into_iter()
        .enumerate()
        .map(|(number, (lane, call, fate, (early, late)))| {
            let point = 100 * (number as u64 + 1);
            let next = lanes
                .iter()
                .skip(number + 1)
                .position(|&other| other == lane);
            let room = next.map_or(u64::MAX, |behind| 100 * (behind as u64 + 1) - 2);
            let begun = point.saturating_sub(early).max(last[lane] + 1);
            let (after, returned) = S::apply(&state, &call);
            if fate > 0 {
                state = after;
            }
            let returned = (fate > 1).then(|| (returned, point + 1 + late.min(room - 1)));
            last[lane] = returned.as_ref().map_or(begun, |(_, at)| *at);
            let number = (fate > 0).then_some(number as u64);
            Timed {
                lane,
                begun,
                call,
                returned,
                number,
            }
        });
    calls.collect()
}

fn registers() -> impl Strategy<Value = Vec<Drawn<Under<Register>>>> {
    let value = (0..3i64).prop_map(Some);
    let call = prop_oneof![
        2 => Just(Call::Read),
        2 => value.clone().prop_map(|value| Call::Write { value }),
        1 => (value.clone(), value).prop_map(|(expected, new)| Call::Cas { expected, new }),
    ];
    let under =
        (prop::sample::select(vec!["x", "y"]), call).prop_map(|(key, call)| Under::<Register> {
            key: key.into(),
            call,
        });
    prop::collection::vec((0..4usize, under, 0..8u8, (0..350u64, 0..350u64)), 0..9)
}

fn start() -> State<Register> {
    State::all(None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_happened_is_legal(calls in registers()) {
        let calls = happened::<Independent<Register>>(&start(), calls);
        let history = history(start(), calls);
        prop_assert!(is_legal(&history), "{}", history);
        let order = history.order().expect("what returned took effect");
        prop_assert!(matches!(judge_in_order(&history, &order), Ok(Verdict::Ok(_))), "{}", history);
    }

    /// By key, and as a whole with the end.
    #[test]
    fn the_judges_agree_on_what_was_doctored(calls in registers(), at in any::<prop::sample::Index>(), value in 0..3i64, ends in any::<bool>()) {
        let mut calls = happened::<Independent<Register>>(&start(), calls);
        if !calls.is_empty() {
            let at = at.index(calls.len());
            let returned = calls[at].returned.as_mut().map(|(returned, _)| returned);
            match returned {
                Some(returned @ Return::Value(_)) => *returned = Return::Value(Some(value)),
                Some(returned) => *returned = if *returned == Return::Differs { Return::Written } else { Return::Differs },
                None => (),
            }
        }
        let mut history = history(start(), calls);
        if ends {
            history.end = Some(start().with("x", Some(value)));
        }
        prop_assert_eq!(is_legal(&history), exhaustive(&history), "{}", history);
    }
}
