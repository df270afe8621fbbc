//! Random kills of a manager's clients, some of which reach the server over a network.
//!
//! | lanes | do |
//! |---|---|
//! | [visitors](visitor) | take the lock, the recursive one and seats of a semaphore, append to lists, write in a dict, and come and go as references of lists |
//! | [putter, getter](traffic) | number what goes through a queue with little room |
//! | [two](turns) | take turns under a condition |
//! | [two](meeting) | meet at a barrier, and reset it when a death has broken it |
//!
//! A client may be killed in any call: before the server has it, while it waits there, when it is answered, and with
//! what it got.
//!
//! # What is judged
//! The server answers all the others after each death. One at a time has a lock, and the next to have it is told of a
//! death. An append, or an entry, that was acknowledged is there, once; one that was not, at most once. What went
//! through the queue came once, in order; at most one item is missing with each getter, which was answered with it. In
//! the end locks and permits are at home, no one is thought to wait, and the server has only the objects that the
//! living refer to.

mod meeting;
mod traffic;
mod turns;
mod visitor;

use serde::{Deserialize, Serialize};

use super::crew::{Board, Tally, Work};
use super::ledger::Ledger;
use super::{Fallible, stuck};
use crate::manager::{
    BarrierProxy, ConditionProxy, DictProxy, ListProxy, LockProxy, Manager, QueueProxy, RLockProxy,
    SemaphoreProxy,
};
use crate::{Address, Array, Process, Value, current_process};

const VISITORS: usize = 3;
const PUTTER: usize = VISITORS;
const GETTER: usize = PUTTER + 1;
/// Two lanes each, from here on.
const TURNS: usize = GETTER + 1;
const MEETING: usize = TURNS + 2;
const LANES: usize = MEETING + 2;

/// Lists that are referred to in the shelf.
const SHELF: usize = 4;
const SEATS: u64 = 2;
/// Items for which the queue has room.
const ROOM: usize = 3;
/// By this name clients from afar find the objects.
const NAME: &str = "objects";

/// A manager and its clients' work.
pub struct Clients {
    manager: Manager,
    objects: Objects,
    facts: Facts,
    /// What the server holds, but for the lists in the shelf.
    kept: usize,
}

/// What lives in the server.
#[derive(Clone, Serialize, Deserialize)]
struct Objects {
    lock: LockProxy,
    rlock: RLockProxy,
    seats: SemaphoreProxy,
    /// By visitor: its own appends.
    lists: Vec<ListProxy<u64>>,
    /// By visitor: its last append.
    book: DictProxy<usize, u64>,
    shelf: ListProxy<ListProxy<u64>>,
    /// Numbers from 1, and 0 for the end.
    queue: QueueProxy<u64>,
    turn: ConditionProxy,
    meeting: BarrierProxy,
}

/// What lives outside of the server, and shows whether it tells the truth.
#[derive(Clone, Serialize, Deserialize)]
struct Facts {
    /// Who has the lock; the recursive one.
    inside: [Value<usize>; 2],
    /// By visitor: the last append that was begun, and the last that was acknowledged.
    begun: Array<u64>,
    acknowledged: Array<u64>,
    traffic: Ledger,
    /// Turns that were taken: an even number of them, and the first lane's is next.
    turns: Value<u64>,
    /// By lane at the barrier: how often it came, and passed.
    came: Array<u64>,
    passed: Array<u64>,
}

const NO_ONE: usize = usize::MAX;

/// How a client reaches the objects.
#[derive(Clone, Serialize, Deserialize)]
enum Way {
    Here(Box<Objects>),
    Afar(Address),
}

impl Clients {
    /// # Errors
    /// No server, or no memory.
    pub fn new() -> Fallible<Clients> {
        let manager = Manager::builder()
            .address("127.0.0.1:0".parse::<Address>()?)
            .start()?;
        let lists = (0..VISITORS).map(|_| manager.list([]));
        let shelf = (0..SHELF as u64).map(|number| manager.list([number]));
        let objects = Objects {
            lock: manager.lock()?,
            rlock: manager.rlock()?,
            seats: manager.bounded_semaphore(SEATS)?,
            lists: lists.collect::<Result<_, _>>()?,
            book: manager.dict([])?,
            shelf: manager.list(shelf.collect::<Result<Vec<_>, _>>()?)?,
            queue: manager.queue_bounded(ROOM)?,
            turn: manager.condition()?,
            meeting: manager.barrier(2)?,
        };
        manager.publish(NAME, &manager.list([objects.clone()])?)?;
        let kept = manager.count_objects()? - SHELF;
        let facts = Facts {
            inside: [Value::new(NO_ONE)?, Value::new(NO_ONE)?],
            begun: Array::new(VISITORS)?,
            acknowledged: Array::new(VISITORS)?,
            traffic: Ledger::new(1)?,
            turns: Value::new(0)?,
            came: Array::new(2)?,
            passed: Array::new(2)?,
        };
        Ok(Clients {
            manager,
            objects,
            facts,
            kept,
        })
    }

    /// The lists in the shelf are no one's any more but the dead's.
    fn judge_references(&self) -> Fallible {
        for _ in 0..SHELF {
            self.objects.shelf.delete(0)?;
        }
        // That a client from afar has ended comes over its connection, as soon as anything does.
        let deadline = std::time::Instant::now() + stuck::PATIENCE;
        loop {
            match self.manager.count_objects()? {
                count if count == self.kept => return Ok(()),
                count if std::time::Instant::now() > deadline => {
                    let kept = self.kept;
                    return Err(format!("{count} objects are left, and {kept} referred to").into());
                }
                _ => std::thread::yield_now(),
            }
        }
    }
}

impl Work for Clients {
    fn lanes(&self) -> usize {
        LANES
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        let way = match self.manager.address() {
            Ok(Some(address)) if is_afar(number) => Way::Afar(address),
            _ => Way::Here(Box::new(self.objects.clone())),
        };
        Process::new(lane, (number, way, self.facts.clone(), board))
    }

    /// Of two who wait for each other, neither does.
    fn goes_on_without(&self, lane: usize, dead: &[usize]) -> bool {
        pair(lane).is_none_or(|mut pair| pair.all(|it| !dead.contains(&it)))
    }

    fn servers(&self) -> Vec<Process> {
        self.manager.process().into_iter().collect()
    }

    fn wind_up(&self) -> Fallible {
        self.objects
            .queue
            .put_timeout(traffic::END, stuck::PATIENCE)?;
        turns::wake(&self.objects.turn)?;
        Ok(self.objects.meeting.abort()?)
    }

    fn judge(&self, tally: &Tally) -> Fallible {
        visitor::judge(&self.objects, &self.facts)?;
        traffic::judge(&self.objects, &self.facts)?;
        turns::judge(&self.objects, &self.facts, tally)?;
        meeting::judge(&self.objects, &self.facts, tally)?;
        self.judge_references()
    }
}

/// Of each pair, and of the visitors, one is near and one is far.
fn is_afar(lane: usize) -> bool {
    !lane.is_multiple_of(2)
}

fn pair(lane: usize) -> Option<std::ops::Range<usize>> {
    let pairs = [PUTTER..PUTTER + 2, TURNS..TURNS + 2, MEETING..MEETING + 2];
    pairs.into_iter().find(|pair| pair.contains(&lane))
}

fn lane(number: usize, way: Way, facts: Facts, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    line.about_to("the objects");
    let objects = match way {
        Way::Here(objects) => *objects,
        Way::Afar(address) => {
            let manager = Manager::connect(address, current_process().authkey()?)?;
            manager.find::<ListProxy<Objects>>(NAME)?.get(0)?
        }
    };
    let line = &mut line;
    match number {
        PUTTER => traffic::put(&objects, &facts, line),
        GETTER => traffic::get(&objects, &facts, line),
        TURNS.. if number < MEETING => turns::take(number - TURNS, &objects, &facts, line),
        MEETING.. => meeting::meet(number - MEETING, &objects, &facts, line),
        _ => visitor::visit(number, &objects, &facts, line),
    }
}
