//! The reduced search finds what the unreduced one finds, in no more schedules: on random programs, with deaths,
//! time-outs and early returns.

use std::collections::HashSet;
use std::ops::ControlFlow;

use forkproof::explore::search::{
    Death, Move, Orders, Policy, Search, Shard, Tally, Then, commutes,
};
use forkproof::explore::{Choice, Schedule};
use proptest::prelude::*;
use proptest::sample::select;

use crate::instruction::Instruction;
use crate::machine::{Final, Machine};

/// What a search saw.
pub struct Seen {
    /// Of each schedule: what it is up to the order of steps that commute.
    pub kinds: Vec<Kind>,
    pub finals: HashSet<Final>,
    pub schedules: Vec<Schedule>,
    pub tally: Tally,
}

pub fn search(machine: &mut Machine, search: Search) -> Seen {
    let (mut finals, mut schedules, mut kinds) = (HashSet::new(), Vec::new(), Vec::new());
    machine.judge = |_| true; // so that each run shows its final state
    let tally = search.run(machine, |orders, record| {
        let forkproof::explore::search::End::Failed(state) = &record.end else {
            panic!("a run that ended as {:?}", record.end);
        };
        finals.insert(state.seen());
        let choices: Vec<Choice> = record.choices().collect();
        let died = choices
            .iter()
            .filter(|choice| matches!(choice, Choice::Kill(_)));
        if orders.then == Then::Stay {
            assert_eq!(died.count(), orders.deaths.len()); // or it would be a run of fewer deaths
        }
        schedules.push(Schedule(choices));
        kinds.push(kind(&record.moves));
        ControlFlow::Continue(())
    });
    let tally = tally.unwrap();
    Seen {
        kinds,
        finals,
        schedules,
        tally,
    }
}

/// The levels of Foata's normal form: each move, with its takes, as early as what it depends on lets it.
pub type Kind = Vec<(usize, String)>;

fn kind(moves: &[Move]) -> Kind {
    let mut levels: Kind = Vec::new();
    let mut merged: Vec<(Move, usize)> = Vec::new();
    for made in moves {
        if let (Choice::Take(_), Some((wake, _))) = (made.choice, merged.last_mut()) {
            wake.wakes = wake.wakes.or(made.wakes);
            levels.last_mut().unwrap().1 += &format!("{:?}", made.choice);
            continue;
        }
        let depends = |(earlier, _): &&(Move, usize)| {
            let (theirs, ours) = (&earlier.touches, &made.touches);
            let lane = made.choice.lane();
            earlier.wakes.has(lane) || !commutes(earlier.choice, theirs, made.choice, ours)
        };
        let level = merged.iter().filter(depends).map(|(_, level)| level + 1);
        let level = level.max().unwrap_or(0);
        levels.push((level, format!("{:?}", made.choice)));
        merged.push((made.clone(), level));
    }
    levels.sort();
    levels
}

const WORDS: usize = 3;

fn instruction() -> impl Strategy<Value = Instruction> {
    let word = || 0..WORDS;
    let value = || 0..3i8;
    let register = || 0..2usize;
    prop_oneof![
        2 => (word(), register()).prop_map(|(word, register)| Instruction::Load { word, register }),
        2 => (word(), value()).prop_map(|(word, value)| Instruction::Store { word, value }),
        1 => (word(), register()).prop_map(|(word, register)| Instruction::StoreNext { word, register }),
        1 => (word(), value()).prop_map(|(word, value)| Instruction::Add { word, value }),
        1 => (word(), value(), register())
            .prop_map(|(word, value, register)| Instruction::Swap { word, value, register }),
        2 => (word(), value(), value(), register())
            .prop_map(|(word, old, new, register)| Instruction::Exchange { word, old, new, register }),
        1 => (word(), value()).prop_map(|(word, value)| Instruction::Spin { word, value }),
        5 => (word(), select(vec![0, 0, 1]), any::<bool>(), register())
            .prop_map(|(word, expected, timed, register)| Instruction::Wait { word, expected, timed, register }),
        4 => (word(), 1..3usize, register())
            .prop_map(|(word, count, register)| Instruction::Wake { word, count, register }),
        2 => (word(), register()).prop_map(|(word, register)| Instruction::Own { word, register }),
        1 => word().prop_map(|word| Instruction::Disown { word }),
        1 => (register(), value(), 2..4usize)
            .prop_map(|(register, value, to)| Instruction::If { register, value, to }),
    ]
}

/// Jumps go forward, so every schedule has an end.
fn lane(most: usize) -> impl Strategy<Value = Vec<Instruction>> {
    prop::collection::vec(instruction(), 1..=most).prop_map(|code| {
        let is_jump = |instruction: &Instruction| matches!(instruction, Instruction::If { .. });
        let mut code: Vec<_> = code.into_iter().skip_while(is_jump).collect(); // it starts at a step
        for (at, instruction) in code.iter_mut().enumerate() {
            if let Instruction::If { to, .. } = instruction {
                *to += at;
            }
        }
        code
    })
}

fn program() -> impl Strategy<Value = Machine> {
    let lanes = prop_oneof![
        prop::collection::vec(lane(5), 2),
        prop::collection::vec(lane(4), 3),
        prop::collection::vec(lane(2), 4),
    ];
    // One or two words of the three: lanes that do not meet teach nothing.
    (lanes, 1..=WORDS).prop_map(|(mut lanes, words)| {
        for instruction in lanes.iter_mut().flatten() {
            narrow(instruction, words);
        }
        Machine {
            words: vec![0; WORDS],
            lanes,
            judge: |_| true,
        }
    })
}

fn narrow(instruction: &mut Instruction, words: usize) {
    match instruction {
        Instruction::Load { word, .. }
        | Instruction::Store { word, .. }
        | Instruction::StoreNext { word, .. }
        | Instruction::Add { word, .. }
        | Instruction::Swap { word, .. }
        | Instruction::Exchange { word, .. }
        | Instruction::Spin { word, .. }
        | Instruction::Wait { word, .. }
        | Instruction::Wake { word, .. }
        | Instruction::Own { word, .. }
        | Instruction::Disown { word } => *word %= words,
        Instruction::If { .. } => {}
    }
}

fn orders(early_returns: usize) -> Orders {
    Orders {
        early_returns,
        ..Orders::default()
    }
}

pub fn all(policy: Policy, kills: usize, early_returns: usize) -> Search {
    Search {
        kills,
        early_returns,
        most_runs: usize::MAX,
        ..Search::new(policy)
    }
}

pub const UNREDUCED: Policy = Policy::Unreduced { preemptions: None };

fn assert_no_schedule_twice(seen: &Seen) {
    let different: HashSet<String> = seen.schedules.iter().map(Schedule::to_string).collect();
    assert_eq!(different.len(), seen.schedules.len());
}

/// Beyond this the unreduced search is left to the machine's own count.
const MANY: u64 = 3_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost(mut machine in program(), early_returns in 0..2usize) {
        let finals = machine.finals(&orders(early_returns));
        let schedules = machine.schedules(&orders(early_returns));
        let reduced = search(&mut machine, all(Policy::Exhaustive, 0, early_returns));
        assert_eq!(reduced.finals, finals);
        assert!(reduced.tally.is_all());
        assert!(reduced.schedules.len() as u64 <= schedules);
        assert_no_schedule_twice(&reduced);
        if schedules <= MANY {
            let unreduced = search(&mut machine, all(UNREDUCED, 0, early_returns));
            assert_eq!(unreduced.finals, finals);
            assert_eq!(unreduced.schedules.len() as u64, schedules);
            assert_no_schedule_twice(&unreduced);
            // One of each kind, and none twice.
            let kinds: HashSet<_> = unreduced.kinds.into_iter().collect();
            assert_eq!(reduced.kinds.len(), kinds.len());
            assert_eq!(reduced.kinds.into_iter().collect::<HashSet<_>>(), kinds);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_death_is_lost(mut machine in program(), kills in 1..3usize, early_returns in 0..2usize) {
        let mut finals = HashSet::new();
        for deaths in death_sets(&machine, kills) {
            finals.extend(machine.finals(&Orders { deaths, ..orders(early_returns) }));
        }
        let reduced = search(&mut machine, all(Policy::Exhaustive, kills, early_returns));
        assert_eq!(reduced.finals, finals);
        assert!(reduced.tally.is_all());
        assert_no_schedule_twice(&reduced);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shards_overlap_nowhere_and_leave_no_gap(
        mut machine in program(),
        kills in 0..2usize,
        early_returns in 0..2usize,
        count in 2..5usize,
        policy in select(vec![
            Policy::Exhaustive,
            Policy::Unreduced { preemptions: Some(1) },
            Policy::Random { seed: 7 },
            Policy::Pct { seed: 7, depth: 3 },
            Policy::Portfolio { seed: 7 },
        ]),
    ) {
        let is_drawn = matches!(policy, Policy::Random { .. } | Policy::Pct { .. });
        let most_runs = if is_drawn { 1_000 } else { usize::MAX };
        let whole = Search { most_runs, ..all(policy, kills, early_returns) };
        let alone = search(&mut machine, whole);
        let mut together = search(&mut machine, Search { shard: Shard { index: 1, count }, ..whole });
        for index in 2..=count {
            let part = search(&mut machine, Search { shard: Shard { index, count }, ..whole });
            together.finals.extend(part.finals);
            together.schedules.extend(part.schedules);
            together.tally.merge(&part.tally).unwrap();
        }
        assert_eq!(together.finals, alone.finals);
        assert_eq!(together.tally.schedules(), together.schedules.len());
        let is_portfolio = matches!(policy, Policy::Portfolio { .. });
        for (together, alone) in together.tally.parts.iter().zip(&alone.tally.parts) {
            let is_complete = together.is_complete && alone.is_complete;
            assert!(is_complete || is_portfolio); // which gives each way a bit of its runs
            if is_complete {
                assert_eq!((together.way, together.schedules), (alone.way, alone.schedules));
            }
        }
        if policy == Policy::Exhaustive {
            // Of schedules that differ in steps that commute, a shard may have another one.
            assert_no_schedule_twice(&together);
        } else if !is_portfolio {
            let sorted = |mut schedules: Vec<Schedule>| {
                schedules.sort_by_key(Schedule::to_string);
                schedules
            };
            assert_eq!(sorted(together.schedules), sorted(alone.schedules));
        }
    }
}

/// Every set of at most so many deaths, in places that no lane reaches, too.
fn death_sets(machine: &Machine, kills: usize) -> Vec<Vec<Death>> {
    let mut sets = vec![Vec::new()];
    for (lane, code) in machine.lanes.iter().enumerate() {
        // A wait is three steps at most: asleep, woken, gone on.
        for after in 0..=3 * code.len() {
            let smaller = sets.iter().filter(|set: &&Vec<Death>| {
                set.len() < kills && set.iter().all(|death| death.lane != lane)
            });
            let larger = smaller.cloned().map(|mut set| {
                set.push(Death { lane, after });
                set
            });
            sets.extend(larger.collect::<Vec<_>>());
        }
    }
    sets
}
