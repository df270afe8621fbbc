//! Histories made by a fixed seed.

use crate::record::{Call, Event, Record, Return, Set};

const EACH: u64 = 10;
/// Few, so that many orders are to be tried.
const VALUES: u64 = 5;
/// Clients, and calls of all of them.
const SIZES: [(usize, usize); 3] = [(5, 50), (8, 200), (10, 500)];

pub fn sets() -> Vec<Set> {
    let sizes = SIZES.into_iter();
    sizes
        .flat_map(|(clients, calls)| {
            let of = format!("{clients} clients, {calls} calls");
            [
                ("", unchanged as Change),
                (", a read is off", off),
                (", a read of nothing written", unwritten),
            ]
            .map(|(how, change)| Set {
                name: format!("{of}{how}"),
                records: (0..EACH)
                    .map(|seed| made(seed, clients, calls, change))
                    .collect(),
            })
        })
        .collect()
}

/// What is done to the history of a register that works.
type Change = fn(&mut Record, &mut Random);

fn made(seed: u64, clients: usize, calls: usize, change: Change) -> Record {
    let mut random = Random(seed);
    let mut record = register(&mut random, clients, calls);
    change(&mut record, &mut random);
    record
}

#[derive(Clone, Copy)]
enum Client {
    Idle,
    /// It has not taken effect.
    Began(Call),
    TookEffect(Return),
}

/// Each client begins a call, which takes effect, and returns, whichever client's turn it is: so all overlap.
fn register(random: &mut Random, clients: usize, calls: usize) -> Record {
    let mut record = Record::default();
    let mut states = vec![Client::Idle; clients];
    let mut value = None;
    let (mut begun, mut returned) = (0, 0);
    while returned < calls {
        let client = random.below(clients as u64) as usize;
        states[client] = match states[client] {
            Client::Idle if begun == calls => Client::Idle,
            Client::Idle => {
                begun += 1;
                let call = random.call();
                record.events.push((client, Event::Begins(call)));
                Client::Began(call)
            }
            Client::Began(call) => Client::TookEffect(took_effect(call, &mut value)),
            Client::TookEffect(result) => {
                returned += 1;
                record.events.push((client, Event::Returns(result)));
                Client::Idle
            }
        };
    }
    record
}

fn took_effect(call: Call, value: &mut Option<i64>) -> Return {
    match call {
        Call::Read => Return::Value(*value),
        Call::Cas { expected, .. } if expected != *value => Return::Differs,
        Call::Write { value: new } | Call::Cas { new, .. } => {
            *value = new;
            Return::Written
        }
    }
}

fn unchanged(_: &mut Record, _: &mut Random) {}

/// It may be what another order explains.
fn off(record: &mut Record, random: &mut Random) {
    let other = random.value();
    change_a_read(record, random, other);
}

fn unwritten(record: &mut Record, random: &mut Random) {
    change_a_read(record, random, Some(-1));
}

/// One in the second half, so that there is something to explain before.
fn change_a_read(record: &mut Record, random: &mut Random, value: Option<i64>) {
    let half = record.events.len() / 2;
    let late = record.events[half..].iter_mut();
    let mut reads: Vec<&mut Return> = late
        .filter_map(|(_, event)| match event {
            Event::Returns(result @ Return::Value(_)) => Some(result),
            _ => None,
        })
        .collect();
    let which = random.below(reads.len() as u64) as usize;
    *reads[which] = Return::Value(value);
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn value(&mut self) -> Option<i64> {
        Some(self.below(VALUES) as i64)
    }

    /// Half of them reads.
    fn call(&mut self) -> Call {
        match self.below(4) {
            0 => Call::Write {
                value: self.value(),
            },
            1 => Call::Cas {
                expected: self.value(),
                new: self.value(),
            },
            _ => Call::Read,
        }
    }
}
