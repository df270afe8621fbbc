//! A free list without a lock.

use std::sync::atomic::AtomicU32;
// Acquire throughout: pairs with the Releases of push() and pop().
// Release throughout: pairs with the Acquires of push() and pop().
// Relaxed throughout: of the node's owner alone; or a note for the judge.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Entry, Trial};
use crate::check::{Log, Spec, Verdict, judge};
use crate::explore::{Model, Part};
use crate::world::{Wide, Word, World};

/// Nodes are numbered from 1; 0 ends the list.
const NODES: usize = 3;

struct List<W: World> {
    /// The first node; above it, with `TAGGED`, how often the list was changed.
    head: W::Wide,
    next: [W::Word; NODES + 1],
    /// For the judge: who has each node, and what was called.
    has: [W::Word; NODES + 1],
    clock: W::Word,
    calls: [[Note; CALLS]; 2],
}

/// One takes two nodes; meanwhile another takes two, and gives the first back. A node that two have is a failure.
struct Owned<const TAGGED: bool>;

/// As above; what the calls returned is written down, and judged.
struct Recorded<const TAGGED: bool>;

/// Calls that a lane makes.
const CALLS: usize = 3;

/// One call, as it is written down: what it is, what it took or gave, when it began and returned. Its words are not
/// those of a world: to write down is no step.
#[derive(Default)]
struct Note {
    node: AtomicU32,
    gives: AtomicU32,
    begun: AtomicU32,
    returned: AtomicU32,
}

impl<W: World> List<W> {
    fn new() -> Self {
        List {
            head: W::Wide::new(1),
            next: [0, 2, 3, 0].map(W::Word::new),
            has: [0; NODES + 1].map(W::Word::new),
            clock: W::Word::new(1),
            calls: Default::default(),
        }
    }

    fn pop(&self, tagged: bool) -> u32 {
        loop {
            let head = self.head.load(Acquire);
            let node = head as u32;
            if node == 0 {
                return 0;
            }
            let next = self.next[node as usize].load(Acquire);
            if self.change(head, next, tagged) {
                return node;
            }
        }
    }

    fn push(&self, node: u32, tagged: bool) {
        loop {
            let head = self.head.load(Acquire);
            self.next[node as usize].store(head as u32, Release);
            if self.change(head, node, tagged) {
                return;
            }
        }
    }

    fn change(&self, head: u64, first: u32, tagged: bool) -> bool {
        let tag = if tagged { (head >> 32) + 1 } else { 0 };
        let new = tag << 32 | u64::from(first);
        let changed = self.head.compare_exchange(head, new, Release, Relaxed);
        changed.is_ok()
    }

    fn take(&self, tagged: bool) -> u32 {
        let node = self.pop(tagged);
        let had = self.has[node as usize].swap(1, Relaxed);
        assert!(node == 0 || had == 0, "node {node} is given to two");
        node
    }

    fn parts(&self) -> Vec<Part> {
        vec![
            Part::new("head", &self.head),
            Part::new("next", &self.next),
            Part::new("has", &self.has),
            Part::new("clock", &self.clock),
        ]
    }

    /// Makes a call, written down: a pop, or the push of a node.
    fn call(&self, lane: usize, number: usize, gives: Option<u32>, tagged: bool) -> u32 {
        let note = &self.calls[lane][number];
        note.begun.store(self.clock.fetch_add(1, Relaxed), Relaxed);
        let node = match gives {
            Some(node) => {
                self.push(node, tagged);
                note.gives.store(1, Relaxed);
                node
            }
            None => self.pop(tagged),
        };
        note.node.store(node, Relaxed);
        let now = self.clock.fetch_add(1, Relaxed);
        note.returned.store(now, Relaxed);
        node
    }

    fn judge(&self) {
        let mut log = Log::<FreeList>::new(vec![3, 2, 1]);
        for (lane, calls) in self.calls.iter().enumerate() {
            for note in calls {
                let [node, gives, begun, returned] =
                    [&note.node, &note.gives, &note.begun, &note.returned]
                        .map(|word| word.load(Relaxed));
                if begun == 0 {
                    continue;
                }
                let (call, value) = match gives {
                    1 => (Call::Push(node), None),
                    _ => (Call::Pop, (node != 0).then_some(node)),
                };
                log.begin(lane, call, begun.into());
                log.returned(lane, value, returned.into());
            }
        }
        let history = log.history();
        match judge(&history, 100_000) {
            Verdict::Ok(_) => {}
            Verdict::Illegal(dilemma) => panic!(
                "no order of the calls explains what they returned: {}",
                dilemma.explain(&history)
            ),
            Verdict::Unknown { searched } => panic!("undecided after {searched} calls"),
        }
    }
}

impl<const TAGGED: bool> Model for Owned<TAGGED> {
    type Shared<W: World> = List<W>;

    fn set_up<W: World>() -> List<W> {
        List::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&List<W>))> {
        vec![
            ("takes", |list| {
                list.take(TAGGED);
                list.take(TAGGED);
            }),
            ("gives back", |list| {
                let node = list.take(TAGGED);
                list.take(TAGGED);
                if node != 0 {
                    list.has[node as usize].store(0, Relaxed);
                    list.push(node, TAGGED);
                }
            }),
        ]
    }

    fn parts<W: World>(list: &List<W>) -> Vec<Part> {
        list.parts()
    }
}

impl<const TAGGED: bool> Model for Recorded<TAGGED> {
    type Shared<W: World> = List<W>;

    fn set_up<W: World>() -> List<W> {
        List::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&List<W>))> {
        vec![
            ("takes", |list| {
                list.call(0, 0, None, TAGGED);
                list.call(0, 1, None, TAGGED);
            }),
            ("gives back", |list| {
                let node = list.call(1, 0, None, TAGGED);
                list.call(1, 1, None, TAGGED);
                if node != 0 {
                    list.call(1, 2, Some(node), TAGGED);
                }
            }),
        ]
    }

    fn finally<W: World>(list: &List<W>) {
        list.judge();
    }

    fn parts<W: World>(list: &List<W>) -> Vec<Part> {
        list.parts()
    }
}

/// The sequential meaning: the last node that was given back is taken first.
enum FreeList {}

#[derive(Clone, Copy, Debug)]
enum Call {
    Pop,
    Push(u32),
}

impl Spec for FreeList {
    type State = Vec<u32>;
    type Call = Call;
    /// The node that was taken; a push returns nothing.
    type Return = Option<u32>;

    fn apply(free: &Vec<u32>, call: &Call) -> (Vec<u32>, Option<u32>) {
        let mut after = free.clone();
        match *call {
            Call::Pop => {
                let node = after.pop();
                (after, node)
            }
            Call::Push(node) => {
                after.push(node);
                (after, None)
            }
        }
    }
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 15,
    name: "ABA in a free list",
    bug: "the first node is the same again, and what comes behind it is not",
    source: "IBM System/370 Principles of Operation (1983), appendix A: lock-free chains",
    trials: &[
        Trial::schedules::<Owned<false>, Owned<true>>(23),
        Trial::history::<Recorded<false>, Recorded<true>>(437),
    ],
}];
