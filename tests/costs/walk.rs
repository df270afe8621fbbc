//! A process that calls an operation again and again, and is led through some of the calls instruction by instruction.

use std::collections::{BTreeSet, HashMap};
use std::hint::black_box;
use std::io::{self, IoSliceMut};

use forkproof::sys::memory::{SharedRange, shared_ranges};
use iced_x86::InstructionInfoFactory;
use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};

use crate::cost::Cost;
use crate::instruction::{Decoded, LONGEST, Range};
use crate::operations::Call;
use crate::traced::tracee::{Breakpoint, Settled, Tracee, mark};

/// What a cache holds at a time, in bytes.
const LINE: u64 = 64;

/// Calls before the first one that is counted: a thread does some things once, and so does the dynamic linker.
const WARM_UP: usize = 8;

/// Calls that are counted: all must be alike.
const COUNTED: usize = 5;

/// So many calls on, a queue's records begin where they began in a line before.
const EVERY: usize = 8;

/// What the calls of an operation cost, which may write to what `set_up` makes, and to nothing else that is shared.
///
/// # Errors
/// What went wrong, or how two calls differ.
pub fn cost(set_up: fn() -> Call) -> Result<Cost, String> {
    let call = set_up();
    let in_words = |error: io::Error| error.to_string();
    let mut walk = Walk::begin(call).map_err(in_words)?;
    let mut costs = Vec::new();
    for _ in 0..COUNTED {
        costs.push(walk.next_call().map_err(in_words)?);
    }
    walk.tracee.kill().map_err(in_words)?;
    let is_first = |cost: &Cost| *cost == costs[0];
    match costs.iter().all(is_first) {
        true => Ok(costs[0]),
        false => Err(format!("its calls are not alike: {costs:?}")),
    }
}

/// The frame of a counted call, from its first instruction to its return.
#[inline(never)]
fn counted(call: &mut dyn FnMut()) {
    call();
}

/// Its one address: through a pointer it is neither inlined nor copied.
fn counted_at() -> fn(&mut dyn FnMut()) {
    black_box(counted)
}

fn call_for_ever(mut call: Call) -> ! {
    for _ in 0..WARM_UP {
        counted_at()(&mut call);
    }
    mark();
    loop {
        counted_at()(&mut call);
        for _ in 1..EVERY {
            call();
        }
    }
}

struct Walk {
    tracee: Tracee,
    shared: Vec<SharedRange>,
    decoded: HashMap<u64, Decoded>,
    info: InstructionInfoFactory,
}

impl Walk {
    /// A process that stands before the first call that is counted.
    fn begin(call: Call) -> io::Result<Walk> {
        let shared = shared_ranges()?;
        let tracee = Tracee::start(move || call_for_ever(call))?;
        let walk = Walk {
            tracee,
            shared,
            decoded: HashMap::new(),
            info: InstructionInfoFactory::new(),
        };
        walk.tracee.go_on()?;
        walk.expect(Settled::AtMark)?;
        Ok(walk)
    }

    /// Leads it through the next call that is counted.
    fn next_call(&mut self) -> io::Result<Cost> {
        let entry = Breakpoint::set(self.tracee, counted_at() as usize as u64)?;
        self.tracee.go_on()?;
        self.expect(Settled::Stepped)?;
        entry.take_back()?;

        let outside = self.registers()?.rsp;
        let mut back = [0; size_of::<u64>()];
        self.read(outside, &mut back)?;
        let back = u64::from_ne_bytes(back);

        let mut cost = Cost {
            system_calls: 0,
            instructions: 0,
            cache_lines: 0,
        };
        let mut lines = BTreeSet::new();
        let mut repeating = None;
        loop {
            let registers = self.registers()?;
            if registers.rip == back && registers.rsp > outside {
                cost.cache_lines = lines.len();
                return Ok(cost);
            }
            let instruction = self.decode(registers.rip)?;
            if repeating != Some(registers.rip) {
                cost.instructions += 1;
                cost.system_calls += usize::from(instruction.enters_the_kernel());
            }
            repeating = instruction.repeats().then_some(registers.rip);
            let touched = instruction.memory(&mut self.info, &registers)?;
            lines.extend(touched.into_iter().flat_map(|range| self.lines(range)));
            self.tracee.step()?;
            self.expect(Settled::Stepped)?;
        }
    }

    /// Those of shared memory.
    fn lines(&self, touched: Range) -> std::ops::Range<u64> {
        let is_in = |it: &SharedRange| (it.from as u64..it.to as u64).contains(&touched.start);
        match self.shared.iter().any(is_in) {
            true => touched.start / LINE..touched.end.div_ceil(LINE),
            false => 0..0,
        }
    }

    fn decode(&mut self, at: u64) -> io::Result<Decoded> {
        if let Some(decoded) = self.decoded.get(&at) {
            return Ok(*decoded);
        }
        let mut code = [0; LONGEST];
        let read = self.read(at, &mut code)?;
        let decoded = Decoded::of(&code[..read], at)?;
        self.decoded.insert(at, decoded);
        Ok(decoded)
    }

    fn registers(&self) -> io::Result<user_regs_struct> {
        Ok(ptrace::getregs(self.tracee.0)?)
    }

    /// How many bytes there were.
    fn read(&self, address: u64, into: &mut [u8]) -> io::Result<usize> {
        let from = RemoteIoVec {
            base: address as usize,
            len: into.len(),
        };
        let into = &mut [IoSliceMut::new(into)];
        Ok(process_vm_readv(self.tracee.0, into, &[from])?)
    }

    fn expect(&self, expected: Settled) -> io::Result<()> {
        match self.tracee.settle()? {
            settled if settled == expected => Ok(()),
            other => Err(io::Error::other(format!("the process: {other:?}"))),
        }
    }
}
