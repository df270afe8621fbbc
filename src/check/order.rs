//! Which call may come next, when some have come: the two orders that a search can keep.
//!
//! Calls are named by their index in the search.

/// What a search asks.
pub trait Order {
    /// The first of those that may come next.
    fn first(&self) -> Option<usize>;

    /// The one behind `call` among those that may come next.
    fn after(&self, call: usize) -> Option<usize>;

    /// It comes next: one of those that may.
    fn take(&mut self, call: usize);

    /// It, the last one taken, has not come yet after all.
    fn give_back(&mut self, call: usize);

    /// Whether no call is passed over if this one, of those that may come next, comes next.
    fn passes_none(&self, call: usize) -> bool;

    /// A bit for each call that may not come any more.
    fn gone(&self) -> &[u64];
}

struct Bits(Vec<u64>);

impl Bits {
    fn none_of(count: usize) -> Bits {
        Bits(vec![0; count.div_ceil(64)])
    }

    fn flip(&mut self, bit: usize) {
        self.0[bit / 64] ^= 1 << (bit % 64);
    }
}

/// The order of time: a call comes next if none that is left returned before it began. A pending call holds no one up.
///
/// Calls and returns stand in a list, linked both ways, in the order of their stamps; those that may come next are the
/// calls before the first return. What is taken is unlinked, and linked again where it was when it is given back, in
/// reverse order (Lowe, "Testing for linearizability", 2017; the links are Knuth's dancing ones).
pub struct Time {
    calls: usize,
    /// Of the entry of call `c` at `c`, of its return at `calls + c`, of the list's ends at `2 * calls`.
    next: Vec<usize>,
    previous: Vec<usize>,
    returns: Vec<bool>,
    gone: Bits,
}

impl Time {
    /// Of calls that began and returned at these stamps. A call that begins at the very stamp at which another returns
    /// has met it: either may come first.
    pub fn new(spans: &[(u64, Option<u64>)]) -> Time {
        let calls = spans.len();
        let mut entries: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * calls);
        for (call, &(begun, returned)) in spans.iter().enumerate() {
            entries.push((begun, false, call));
            entries.extend(returned.map(|returned| (returned, true, calls + call)));
        }
        entries.sort_unstable();
        let ends = 2 * calls;
        let mut time = Time {
            calls,
            next: vec![ends; 2 * calls + 1],
            previous: vec![ends; 2 * calls + 1],
            returns: spans
                .iter()
                .map(|(_, returned)| returned.is_some())
                .collect(),
            gone: Bits::none_of(calls),
        };
        let mut last = ends;
        for (.., entry) in entries {
            (time.next[last], time.previous[entry]) = (entry, last);
            last = entry;
        }
        (time.next[last], time.previous[ends]) = (ends, last);
        time
    }

    /// A call, or a return, or the list's end.
    fn call(&self, entry: usize) -> Option<usize> {
        (entry < self.calls).then_some(entry)
    }

    fn unlink(&mut self, entry: usize) {
        let (previous, next) = (self.previous[entry], self.next[entry]);
        (self.next[previous], self.previous[next]) = (next, previous);
    }

    fn link(&mut self, entry: usize) {
        let (previous, next) = (self.previous[entry], self.next[entry]);
        (self.next[previous], self.previous[next]) = (entry, entry);
    }
}

impl Order for Time {
    fn first(&self) -> Option<usize> {
        self.call(self.next[2 * self.calls])
    }

    fn after(&self, call: usize) -> Option<usize> {
        self.call(self.next[call])
    }

    fn take(&mut self, call: usize) {
        self.gone.flip(call);
        self.unlink(call);
        if self.returns[call] {
            self.unlink(self.calls + call);
        }
    }

    fn give_back(&mut self, call: usize) {
        self.gone.flip(call);
        if self.returns[call] {
            self.link(self.calls + call);
        }
        self.link(call);
    }

    fn passes_none(&self, _call: usize) -> bool {
        true
    }

    fn gone(&self) -> &[u64] {
        &self.gone.0
    }
}

/// Each lane's own order, and nothing between lanes. A pending call may be passed over, and then does not come any more.
pub struct Lanes {
    /// Each lane's calls.
    lanes: Vec<Vec<usize>>,
    /// Of each call: its lane, its position in it, and whether it may be passed over.
    calls: Vec<(usize, usize, bool)>,
    /// How many of each lane are taken, or passed over.
    positions: Vec<usize>,
    /// The position before each take.
    before: Vec<usize>,
    gone: Bits,
}

impl Lanes {
    /// Of calls that are of this lane, in its order, and may be passed over, or not.
    pub fn new(calls: &[(usize, bool)]) -> Lanes {
        let mut lanes: Vec<Vec<usize>> = Vec::new();
        let mut known = Vec::with_capacity(calls.len());
        for (call, &(lane, is_pending)) in calls.iter().enumerate() {
            lanes.resize(lanes.len().max(lane + 1), Vec::new());
            known.push((lane, lanes[lane].len(), is_pending));
            lanes[lane].push(call);
        }
        Lanes {
            positions: vec![0; lanes.len()],
            lanes,
            calls: known,
            before: Vec::new(),
            gone: Bits::none_of(calls.len()),
        }
    }

    fn first_from(&self, lane: usize) -> Option<usize> {
        let mut lanes = self.lanes.iter().zip(&self.positions).skip(lane);
        lanes.find_map(|(lane, &position)| lane.get(position).copied())
    }

    fn flip(&mut self, lane: usize, from: usize, to: usize) {
        for &call in &self.lanes[lane][from..to] {
            self.gone.flip(call);
        }
    }
}

impl Order for Lanes {
    fn first(&self) -> Option<usize> {
        self.first_from(0)
    }

    fn after(&self, call: usize) -> Option<usize> {
        let (lane, position, is_pending) = self.calls[call];
        let behind = self.lanes[lane].get(position + 1).filter(|_| is_pending);
        behind.copied().or_else(|| self.first_from(lane + 1))
    }

    fn take(&mut self, call: usize) {
        let (lane, position, _) = self.calls[call];
        let before = std::mem::replace(&mut self.positions[lane], position + 1);
        self.before.push(before);
        self.flip(lane, before, position + 1);
    }

    fn give_back(&mut self, call: usize) {
        let (lane, position, _) = self.calls[call];
        let before = self.before.pop().expect("what is given back was taken");
        self.positions[lane] = before;
        self.flip(lane, before, position + 1);
    }

    fn passes_none(&self, call: usize) -> bool {
        let (lane, position, _) = self.calls[call];
        self.positions[lane] == position
    }

    fn gone(&self) -> &[u64] {
        &self.gone.0
    }
}
