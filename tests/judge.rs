//! The judge against histories of which the answer is known, and against a slower judge.

#![cfg(feature = "harness")]

use Answer::{Illegal, Legal, Unknown};
use forkproof::check::bank::{Bank, Call, Return};
use forkproof::check::independent::{Call as Under, Independent, State};
use forkproof::check::register::{self, Register};
use forkproof::check::{Event, History, Spec, Verdict, judge};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Legal,
    Illegal,
    Unknown,
}

const PLENTY: usize = 1_000_000;

fn deposit(amount: u32, after: i64) -> Event<Bank> {
    Event::returned(Call::Deposit { account: 0, amount }, Return::Balance(after))
}

fn withdraw(amount: u32, after: i64) -> Event<Bank> {
    Event::returned(
        Call::Withdraw { account: 0, amount },
        Return::Balance(after),
    )
}

fn refused(amount: u32) -> Event<Bank> {
    Event::returned(Call::Withdraw { account: 0, amount }, Return::Insufficient)
}

fn balance(of: usize, seen: i64) -> Event<Bank> {
    Event::returned(Call::Balance { account: of }, Return::Balance(seen))
}

fn transfer(from: usize, to: usize, amount: u32, returned: Return) -> Event<Bank> {
    Event::returned(Call::Transfer { from, to, amount }, returned)
}

fn killed(call: Call) -> Event<Bank> {
    Event::pending(call)
}

fn check(start: &[i64], lanes: Vec<Vec<Event<Bank>>>, end: Option<&[i64]>, expected: Answer) {
    let history = History::of_lanes(start.to_vec(), lanes, end.map(<[i64]>::to_vec));
    let answer = answer(&history, PLENTY);
    assert_eq!(answer, expected, "{history}");
    assert_eq!(
        exhaustive(&history),
        expected,
        "the slow judge, of\n{history}"
    );
}

/// What the judge says; its witness is followed to see that it is one.
fn answer(history: &History<Bank>, budget: usize) -> Answer {
    match judge(history, budget) {
        Verdict::Ok(order) => {
            let end = walk(history, &order);
            assert!(history.end.as_ref().is_none_or(|seen| *seen == end));
            for (number, lane) in history.lanes().iter().enumerate() {
                let named = order.iter().filter(|place| place.lane == number).count();
                let returned = lane.iter().filter(|event| event.returned.is_some()).count();
                assert!((returned..=lane.len()).contains(&named));
            }
            Legal
        }
        Verdict::Illegal(dilemma) => {
            assert_eq!(walk(history, &dilemma.prefix), dilemma.state);
            for (place, due) in &dilemma.next {
                assert_ne!(history.event(*place).returned.as_ref(), Some(due));
            }
            assert!(
                dilemma
                    .explain(history)
                    .contains("the longest that is legal")
            );
            Illegal
        }
        Verdict::Unknown { searched } => {
            assert_eq!(searched, budget);
            Unknown
        }
    }
}

/// The state after the calls of an order, which must return what they were seen to return, in their lanes'
/// order.
fn walk(history: &History<Bank>, order: &[forkproof::check::Place]) -> Vec<i64> {
    let mut last = vec![None; history.lanes().len()];
    order.iter().fold(history.start.clone(), |state, &place| {
        assert!(last[place.lane].is_none_or(|before| before < place.call));
        last[place.lane] = Some(place.call);
        let event = history.event(place);
        let (after, returned) = Bank::apply(&state, &event.call);
        assert!(event.returned.is_none_or(|seen| seen == returned));
        after
    })
}

/// The same question by trying every order, without remembering anything.
fn exhaustive(history: &History<Bank>) -> Answer {
    fn from(history: &History<Bank>, at: &mut Vec<usize>, state: &Vec<i64>) -> bool {
        let mut finished = true;
        for lane in 0..at.len() {
            let Some(event) = history.lanes()[lane].get(at[lane]) else {
                continue;
            };
            finished = false;
            at[lane] += 1;
            let (after, returned) = Bank::apply(state, &event.call);
            let fits = event.returned.is_none_or(|seen| seen == returned);
            let found = fits && from(history, at, &after)
                || event.returned.is_none() && from(history, at, state);
            at[lane] -= 1;
            if found {
                return true;
            }
        }
        finished && history.end.as_ref().is_none_or(|end| end == state)
    }
    let mut at = vec![0; history.lanes().len()];
    if from(history, &mut at, &history.start) {
        Legal
    } else {
        Illegal
    }
}

#[test]
fn nothing_done_changes_nothing() {
    check(&[7], vec![], Some(&[7]), Legal);
    check(&[7], vec![vec![], vec![]], Some(&[7]), Legal);
    check(&[7], vec![vec![]], Some(&[8]), Illegal);
}

#[test]
fn one_lane_is_taken_at_its_word() {
    check(
        &[0],
        vec![vec![deposit(5, 5), withdraw(2, 3)]],
        Some(&[3]),
        Legal,
    );
    check(
        &[0],
        vec![vec![withdraw(2, 3), deposit(5, 5)]],
        Some(&[3]),
        Illegal,
    );
    check(&[0], vec![vec![deposit(5, 6)]], None, Illegal);
}

#[test]
fn an_order_is_found_across_lanes() {
    let lanes = || vec![vec![withdraw(4, 1)], vec![deposit(2, 2), deposit(3, 5)]];
    check(&[0], lanes(), Some(&[1]), Legal);
    check(&[0], lanes(), Some(&[5]), Illegal);
    check(&[1], lanes(), None, Illegal);
}

#[test]
fn a_lost_update_is_illegal() {
    check(
        &[0],
        vec![vec![deposit(1, 1)], vec![deposit(1, 1)]],
        Some(&[1]),
        Illegal,
    );
    check(
        &[0],
        vec![vec![deposit(1, 1)], vec![deposit(1, 2)]],
        Some(&[1]),
        Illegal,
    );
    check(
        &[0],
        vec![vec![deposit(1, 1)], vec![deposit(1, 2)]],
        Some(&[2]),
        Legal,
    );
}

#[test]
fn a_balance_seen_twice_in_the_wrong_order_is_illegal() {
    check(
        &[0],
        vec![vec![deposit(1, 1)], vec![balance(0, 0), balance(0, 1)]],
        None,
        Legal,
    );
    check(
        &[0],
        vec![vec![deposit(1, 1)], vec![balance(0, 1), balance(0, 0)]],
        None,
        Illegal,
    );
}

#[test]
fn a_refusal_must_have_had_its_reason() {
    check(
        &[3],
        vec![vec![refused(4)], vec![deposit(1, 4)]],
        Some(&[4]),
        Legal,
    );
    check(
        &[4],
        vec![vec![refused(4)], vec![deposit(1, 5)]],
        Some(&[5]),
        Illegal,
    );
    check(&[4], vec![vec![refused(5)]], Some(&[0]), Illegal);
}

#[test]
fn a_transfer_is_one_step() {
    let done = || transfer(0, 1, 3, Return::Transferred);
    check(
        &[5, 0],
        vec![vec![done()], vec![balance(0, 2), balance(1, 3)]],
        None,
        Legal,
    );
    check(
        &[5, 0],
        vec![vec![done()], vec![balance(0, 5), balance(1, 3)]],
        None,
        Legal,
    );
    check(
        &[5, 0],
        vec![vec![done()], vec![balance(0, 2), balance(1, 0)]],
        None,
        Illegal,
    );
    check(&[2, 0], vec![vec![done()]], None, Illegal);
    check(
        &[2, 0],
        vec![vec![transfer(0, 1, 3, Return::Insufficient)]],
        Some(&[2, 0]),
        Legal,
    );
    check(
        &[2, 9],
        vec![vec![transfer(0, 0, 2, Return::Transferred)]],
        Some(&[2, 9]),
        Legal,
    );
    check(
        &[2, 9],
        vec![vec![transfer(0, 0, 3, Return::Transferred)]],
        Some(&[2, 9]),
        Illegal,
    );
}

#[test]
fn a_killed_call_took_effect_or_did_not() {
    let call = || {
        killed(Call::Deposit {
            account: 0,
            amount: 9,
        })
    };
    check(&[0], vec![vec![call()]], Some(&[0]), Legal);
    check(&[0], vec![vec![call()]], Some(&[9]), Legal);
    check(&[0], vec![vec![call()]], Some(&[18]), Illegal);
    check(
        &[0],
        vec![vec![call()], vec![balance(0, 9), balance(0, 0)]],
        None,
        Illegal,
    );
    check(
        &[0],
        vec![vec![call()], vec![balance(0, 0), balance(0, 9)]],
        Some(&[9]),
        Legal,
    );
    check(
        &[0],
        vec![vec![call()], vec![balance(0, 9)]],
        Some(&[0]),
        Illegal,
    );
}

#[test]
fn a_lane_goes_on_behind_its_killed_call() {
    let call = || {
        killed(Call::Deposit {
            account: 0,
            amount: 9,
        })
    };
    check(
        &[0],
        vec![vec![call(), balance(0, 0), call(), balance(0, 9)]],
        Some(&[9]),
        Legal,
    );
    check(
        &[0],
        vec![vec![call(), balance(0, 9), balance(0, 0)]],
        None,
        Illegal,
    );
    // It cannot take effect behind what its lane did later.
    check(&[0], vec![vec![call(), balance(0, 0)]], Some(&[9]), Illegal);
}

#[test]
fn a_history_of_lanes_is_not_judged_by_key() {
    // Each key alone has an order; together they have none, as each lane wrote before it read.
    let under = |key: &str, call| Under::<Register> {
        key: key.into(),
        call,
    };
    let lane = |first: &str, second: &str| {
        vec![
            (
                under(first, register::Call::Write { value: Some(1) }),
                register::Return::Written,
            ),
            (
                under(second, register::Call::Read),
                register::Return::Value(None),
            ),
        ]
    };
    let lanes = [lane("x", "y"), lane("y", "x")];
    let events = |lane: Vec<_>| {
        let events = lane.into_iter();
        events
            .map(|(call, returned)| Event::returned(call, returned))
            .collect()
    };
    let lanes = lanes.into_iter().map(events).collect();
    let history = History::<Independent<Register>>::of_lanes(State::all(None), lanes, None);
    assert!(
        matches!(judge(&history, PLENTY), Verdict::Illegal(_)),
        "{history}"
    );
}

#[test]
fn the_dilemma_names_what_could_not_come_next() {
    let lanes = vec![vec![deposit(1, 1)], vec![deposit(2, 2)]];
    let history = History::of_lanes(vec![0], lanes, Some(vec![2]));
    let Verdict::Illegal(dilemma) = judge(&history, PLENTY) else {
        panic!("illegal");
    };
    assert_eq!(
        dilemma.explain(&history),
        "no order of the calls explains what was seen; the longest that is legal:\n\
         \x20 start: [0]\n\
         \x20 lane 0: Deposit { account: 0, amount: 1 } -> Balance(1)\n\
         \x20 leads to [1], and then:\n\
         \x20 lane 1: Deposit { account: 0, amount: 2 } -> Balance(2), where Balance(3) was due"
    );
}

#[test]
fn a_search_beyond_its_budget_says_so() {
    let lane = |_| {
        (0..8)
            .map(|_| {
                killed(Call::Deposit {
                    account: 0,
                    amount: 1,
                })
            })
            .collect()
    };
    let history = History::of_lanes(vec![0], (0..3).map(lane).collect(), Some(vec![25]));
    assert_eq!(answer(&history, 100), Unknown);
    assert_eq!(answer(&history, PLENTY), Illegal);
}

#[test]
fn what_has_been_searched_is_not_searched_again() {
    // 48 calls in 4 lanes have 4.6e26 orders, but only 13^4 sets of positions. Of reads one order alone would be tried.
    let lane = |_| (0..12).map(|_| deposit(0, 0)).collect();
    let history = History::of_lanes(vec![0], (0..4).map(lane).collect(), Some(vec![1]));
    // From each set of positions each lane's next call is tried once.
    assert_eq!(answer(&history, 4 * 13 * 13 * 13 * 13), Illegal);
}

fn calls() -> impl Strategy<Value = Call> {
    let (account, amount) = (0..2usize, 0..4u32);
    prop_oneof![
        (account.clone(), amount.clone())
            .prop_map(|(account, amount)| Call::Deposit { account, amount }),
        (account.clone(), amount.clone())
            .prop_map(|(account, amount)| Call::Withdraw { account, amount }),
        (account.clone(), account.clone(), amount).prop_map(|(from, to, amount)| Call::Transfer {
            from,
            to,
            amount
        }),
        account.prop_map(|account| Call::Balance { account }),
    ]
}

/// What lanes saw: the start, their calls, and the end.
#[derive(Debug)]
struct Seen {
    start: Vec<i64>,
    lanes: Vec<Vec<Event<Bank>>>,
    end: Vec<i64>,
}

impl Seen {
    fn history(self) -> History<Bank> {
        History::of_lanes(self.start, self.lanes, Some(self.end))
    }
}

/// What did happen: calls in the order of the list, each in its lane; those marked are killed, after their effect or
/// before it.
fn happened(calls: &[(usize, Call, u8)], start: [i64; 2]) -> Seen {
    let mut lanes: Vec<Vec<_>> = (0..3).map(|_| Vec::new()).collect();
    let mut state = start.to_vec();
    for &(lane, call, fate) in calls {
        let (after, returned) = Bank::apply(&state, &call);
        let event = match fate {
            0 => Event::pending(call),
            1 => {
                state = after;
                Event::pending(call)
            }
            _ => {
                state = after;
                Event::returned(call, returned)
            }
        };
        lanes[lane].push(event);
    }
    Seen {
        start: start.to_vec(),
        lanes,
        end: state,
    }
}

fn real() -> impl Strategy<Value = Seen> {
    let call = (0..3usize, calls(), 0..8u8);
    (prop::collection::vec(call, 0..9), [0..5i64, 0..5i64])
        .prop_map(|(calls, start)| happened(&calls, start))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_happened_is_legal(seen in real()) {
        prop_assert_eq!(answer(&seen.history(), PLENTY), Legal);
    }

    #[test]
    fn the_judges_agree_on_what_was_doctored(mut seen in real(), at in any::<prop::sample::Index>(), by in 1..3i64) {
        let calls = seen.lanes.iter().map(Vec::len).sum();
        match (calls > 0).then(|| at.index(calls + 1)) {
            Some(number) if number < calls => {
                let event = seen.lanes.iter_mut().flatten().nth(number).expect("counted");
                event.returned = match event.returned {
                    Some(Return::Balance(seen)) => Some(Return::Balance(seen + by)),
                    Some(Return::Transferred) => Some(Return::Insufficient),
                    _ => Some(Return::Balance(by)),
                };
            }
            _ => seen.end[0] += by,
        }
        let history = seen.history();
        prop_assert_eq!(answer(&history, PLENTY), exhaustive(&history));
    }
}
