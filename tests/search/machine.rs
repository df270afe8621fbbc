//! A simulated machine: a few words, lanes of a few instructions, futexes, and words that the dead leave behind.
//! What it can come to is known without any search: see [`Machine::finals`].

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use forkproof::explore::Choice;
use forkproof::explore::search::{
    Choices, Death, End, Lanes, Move, Orders, Program, Record, Touch,
};

use crate::instruction::{CHANGED, EARLY, Instruction, ORPHAN, REGISTERS, TAKEN, TIMED_OUT};
use crate::mind::{Decision, Mind};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stand {
    Ready,
    /// It has read what it waits for, and nobody has written there since.
    Spinning {
        word: usize,
    },
    Asleep {
        word: usize,
        timed: bool,
    },
    /// It has slept, and not gone on since.
    Back {
        word: usize,
        why: i8,
    },
    Ended,
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    pub at: usize,
    pub registers: [i8; REGISTERS],
    pub stand: Stand,
    announced: [bool; 4],
    made: usize,
    early_returns: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub words: Vec<i8>,
    pub lanes: Vec<Lane>,
    /// Who sleeps on each word, who came first first.
    queues: Vec<Vec<usize>>,
    /// Words of which so many sleepers are still to be taken.
    takes: Vec<(usize, usize)>,
}

/// A state without what no later step can see.
pub type Final = (Vec<i8>, Vec<(usize, [i8; REGISTERS], Stand)>);

#[derive(Debug)]
pub struct Machine {
    pub words: Vec<i8>,
    pub lanes: Vec<Vec<Instruction>>,
    /// What is wrong with a final state.
    pub judge: fn(&State) -> bool,
}

/// What a move did.
#[derive(Default)]
struct Effect {
    touches: Vec<Touch>,
    wakes: Lanes,
}

fn queue(word: usize) -> u64 {
    100 + word as u64
}

fn life(lane: usize) -> u64 {
    200 + lane as u64
}

impl Machine {
    fn start(&self, orders: &Orders) -> State {
        let lane = |code: &Vec<Instruction>| Lane {
            at: 0,
            registers: [0; REGISTERS],
            stand: if code.is_empty() {
                Stand::Ended
            } else {
                Stand::Ready
            },
            announced: [false; 4],
            made: 0,
            early_returns: orders.early_returns,
        };
        State {
            words: self.words.clone(),
            lanes: self.lanes.iter().map(lane).collect(),
            queues: vec![Vec::new(); self.words.len()],
            takes: Vec::new(),
        }
    }

    /// Everything that the machine can end in, found by visiting every state once: no schedules, no reduction.
    pub fn finals(&self, orders: &Orders) -> HashSet<Final> {
        let mut finals = HashSet::new();
        let mut known = HashSet::new();
        let mut open = vec![self.start(orders)];
        while let Some(state) = open.pop() {
            let possible = state.possible(orders);
            if possible
                .iter()
                .all(|choice| matches!(choice, Choice::ReturnEarly(_)))
            {
                finals.insert(state.seen());
            }
            for choice in possible.iter() {
                let mut next = state.clone();
                next.make(self, choice);
                if known.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        finals
    }

    /// How many schedules there are.
    pub fn schedules(&self, orders: &Orders) -> u64 {
        let mut known = HashMap::new();
        self.schedules_from(self.start(orders), orders, &mut known)
    }

    fn schedules_from(
        &self,
        state: State,
        orders: &Orders,
        known: &mut HashMap<State, u64>,
    ) -> u64 {
        if let Some(&count) = known.get(&state) {
            return count;
        }
        let possible = state.possible(orders);
        let ends = possible
            .iter()
            .all(|choice| matches!(choice, Choice::ReturnEarly(_)));
        let further = possible.iter().map(|choice| {
            let mut next = state.clone();
            next.make(self, choice);
            self.schedules_from(next, orders, known)
        });
        let count = further.sum::<u64>() + u64::from(ends);
        known.insert(state, count);
        count
    }
}

impl Program for Machine {
    type Failure = State;
    type Error = Infallible;

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn run(&mut self, orders: &Orders) -> Result<Record<State>, Infallible> {
        let mut state = self.start(orders);
        let mut mind = Mind::new(orders);
        let mut moves = Vec::with_capacity(32);
        loop {
            let possible = state.possible(orders);
            let end = match mind.decide(orders, possible, state.longest_asleep()) {
                Decision::Make(choice) => {
                    let Effect { touches, wakes } = state.make(self, choice);
                    mind.made(orders, choice, &touches);
                    moves.push(Move {
                        choice,
                        possible,
                        touches,
                        wakes,
                    });
                    continue;
                }
                Decision::Over if (self.judge)(&state) => End::Failed(state.clone()),
                Decision::Over => End::Well,
                Decision::Redundant => End::Redundant,
                Decision::TooLong => End::TooLong,
                Decision::Diverged => End::Diverged,
            };
            let alive =
                |lane: &usize| !matches!(state.lanes[*lane].stand, Stand::Ended | Stand::Dead);
            let mut living = Lanes::NONE;
            (0..self.lanes.len())
                .filter(alive)
                .for_each(|lane| living.add(lane));
            return Ok(Record {
                moves,
                end,
                left: possible,
                alive: living,
            });
        }
    }
}

impl State {
    pub fn seen(&self) -> Final {
        let seen = |lane: &Lane| (lane.at, lane.registers, lane.stand);
        (self.words.clone(), self.lanes.iter().map(seen).collect())
    }

    fn possible(&self, orders: &Orders) -> Choices {
        if let Some(&(word, _)) = self.takes.first() {
            return self.queues[word]
                .iter()
                .map(|&lane| Choice::Take(lane))
                .collect();
        }
        let mut possible = Choices::NONE;
        for (number, lane) in self.lanes.iter().enumerate() {
            if matches!(lane.stand, Stand::Ended | Stand::Dead) {
                continue;
            }
            let is_due = |death: &Death| (death.lane, death.after) == (number, lane.made);
            if orders.deaths.iter().any(is_due) {
                possible.add(Choice::Kill(number));
                continue;
            }
            match lane.stand {
                Stand::Ready | Stand::Back { .. } => possible.add(Choice::Go(number)),
                Stand::Asleep { timed, .. } => {
                    if timed {
                        possible.add(Choice::TimeOut(number));
                    }
                    if lane.early_returns > 0 {
                        possible.add(Choice::ReturnEarly(number));
                    }
                }
                Stand::Spinning { .. } | Stand::Ended | Stand::Dead => {}
            }
        }
        possible
    }

    fn longest_asleep(&self) -> usize {
        self.takes
            .first()
            .map_or(0, |&(word, _)| self.queues[word][0])
    }

    fn make(&mut self, machine: &Machine, choice: Choice) -> Effect {
        let mut effect = Effect::default();
        let number = choice.lane();
        if let Choice::Take(_) = choice {
            let (word, left) = self.takes[0];
            self.take(word, number, &mut effect);
            if left > 1 {
                self.takes[0].1 -= 1;
            } else {
                self.takes.remove(0);
            }
            self.take_all(&mut effect);
            return effect;
        }
        self.lanes[number].made += 1;
        match choice {
            Choice::Go(_) => self.go(machine, number, &mut effect),
            Choice::Kill(_) => self.kill(number, &mut effect),
            Choice::TimeOut(_) => self.leave(number, TIMED_OUT, &mut effect),
            Choice::ReturnEarly(_) => {
                self.lanes[number].early_returns -= 1;
                self.leave(number, EARLY, &mut effect);
            }
            Choice::Take(_) => unreachable!("made above"),
        }
        effect
    }

    /// A sleeper leaves its queue by itself.
    fn leave(&mut self, number: usize, why: i8, effect: &mut Effect) {
        if let Stand::Asleep { word, .. } = self.lanes[number].stand {
            effect.touches.push(Touch::write(queue(word)));
            self.queues[word].retain(|&lane| lane != number);
            self.lanes[number].stand = Stand::Back { word, why };
        }
    }

    fn take(&mut self, word: usize, number: usize, effect: &mut Effect) {
        self.queues[word].retain(|&lane| lane != number);
        self.lanes[number].stand = Stand::Back { word, why: TAKEN };
        effect.wakes.add(number);
    }

    /// Takes where there is no choice.
    fn take_all(&mut self, effect: &mut Effect) {
        while let Some(&(word, count)) = self.takes.first() {
            if self.queues[word].len() > count {
                return;
            }
            for number in self.queues[word].clone() {
                self.take(word, number, effect);
            }
            self.takes.remove(0);
        }
    }

    fn write(&mut self, word: usize, value: i8, effect: &mut Effect) {
        effect.touches.push(Touch::write(word as u64));
        self.words[word] = value;
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            if lane.stand == (Stand::Spinning { word }) {
                lane.stand = Stand::Ready;
                effect.wakes.add(number);
            }
        }
    }

    fn kill(&mut self, number: usize, effect: &mut Effect) {
        effect.touches.push(Touch::write(life(number)));
        if let Stand::Asleep { word, .. } | Stand::Back { word, .. } = self.lanes[number].stand {
            effect.touches.push(Touch::write(queue(word)));
            self.queues[word].retain(|&lane| lane != number);
        }
        self.lanes[number].stand = Stand::Dead;
        let announced = self.lanes[number].announced;
        for word in (0..self.words.len()).filter(|&word| announced[word]) {
            effect.touches.push(Touch::write(word as u64));
            effect.touches.push(Touch::write(queue(word)));
            if self.words[word] == number as i8 + 1 {
                self.write(word, ORPHAN, effect);
                self.takes.push((word, 1));
            }
        }
        self.take_all(effect);
    }

    fn go(&mut self, machine: &Machine, number: usize, effect: &mut Effect) {
        let code = &machine.lanes[number];
        let instruction = code[self.lanes[number].at];
        if let Stand::Back { why, .. } = self.lanes[number].stand {
            if let Instruction::Wait { register, .. } = instruction {
                self.lanes[number].registers[register] = why;
            }
            self.lanes[number].stand = Stand::Ready;
            return self.go_on(code, number);
        }
        let mut result = None;
        let mut read = |word: usize| {
            effect.touches.push(Touch::read(word as u64));
            self.words[word]
        };
        match instruction {
            Instruction::Load { word, register } => result = Some((register, read(word))),
            Instruction::Store { word, value } => self.write(word, value, effect),
            Instruction::StoreNext { word, register } => {
                let value = self.lanes[number].registers[register] + 1;
                self.write(word, value, effect);
            }
            Instruction::Add { word, value } => self.write(word, self.words[word] + value, effect),
            Instruction::Swap {
                word,
                value,
                register,
            } => {
                result = Some((register, self.words[word]));
                self.write(word, value, effect);
            }
            Instruction::Exchange {
                word,
                old,
                new,
                register,
            } => {
                let exchanged = read(word) == old;
                result = Some((register, i8::from(exchanged)));
                if exchanged {
                    self.write(word, new, effect);
                }
            }
            Instruction::Spin { word, value } => {
                if read(word) != value {
                    self.lanes[number].stand = Stand::Spinning { word };
                    return;
                }
            }
            Instruction::Wait {
                word,
                expected,
                timed,
                register,
            } => {
                let is_as_expected = read(word) == expected;
                effect.touches.push(Touch::write(queue(word)));
                if is_as_expected {
                    self.queues[word].push(number);
                    self.lanes[number].stand = Stand::Asleep { word, timed };
                    return;
                }
                result = Some((register, CHANGED));
            }
            Instruction::Wake {
                word,
                count,
                register,
            } => {
                effect.touches.push(Touch::write(queue(word)));
                result = Some((register, self.queues[word].len().min(count) as i8));
                self.takes.push((word, count));
                self.take_all(effect);
            }
            Instruction::Own { word, register } => {
                let is_free = read(word) == 0;
                self.lanes[number].announced[word] = true;
                result = Some((register, i8::from(is_free)));
                if is_free {
                    self.write(word, number as i8 + 1, effect);
                }
            }
            Instruction::Disown { word } => {
                self.lanes[number].announced[word] = false;
                self.write(word, 0, effect);
            }
            Instruction::If { .. } => unreachable!("no step stands at one"),
        }
        if let Some((register, value)) = result {
            self.lanes[number].registers[register] = value;
        }
        self.go_on(code, number);
    }

    /// To the next instruction that is a step.
    fn go_on(&mut self, code: &[Instruction], number: usize) {
        let lane = &mut self.lanes[number];
        lane.at += 1;
        while let Some(Instruction::If {
            register,
            value,
            to,
        }) = code.get(lane.at)
        {
            lane.at = if lane.registers[*register] == *value {
                *to
            } else {
                lane.at + 1
            };
        }
        if lane.at >= code.len() {
            lane.stand = Stand::Ended;
        }
    }
}
