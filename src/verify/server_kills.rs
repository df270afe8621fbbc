//! Random kills of a manager's server, while clients wait there in every call that waits, work, and reach it over a
//! unix socket.
//!
//! # What is judged
//! Each client is told at once that the server has ended, in the call that it is in, and in those after it. The server's
//! zygote and its pool's workers end with it; the manager can be shut down, and then the socket's file is gone.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::census::children;
use super::crew::Tally;
use super::leftovers::leaving_nothing;
use super::{Fallible, pace, stuck};
use crate::explore::dice::Dice;
use crate::manager::{
    BarrierProxy, ConditionProxy, EventProxy, ListProxy, LockProxy, Manager, ManagerError,
    PoolProxy, QueueProxy, RLockProxy, SemaphoreProxy,
};
use crate::sys::child::pidfd_of;
use crate::sys::poll::readable;
use crate::{Address, Array, NetError, Process, current_process};

crate::callable!(never_done);

/// What the clients find in the server.
#[derive(Clone, Serialize, Deserialize)]
struct Objects {
    /// Held by the one who kills.
    lock: LockProxy,
    rlock: RLockProxy,
    /// None to be had.
    permits: SemaphoreProxy,
    empty: QueueProxy<u32>,
    full: QueueProxy<u32>,
    condition: ConditionProxy,
    event: EventProxy,
    barrier: BarrierProxy,
    pool: PoolProxy,
    list: ListProxy<u64>,
}

/// Under this name clients from afar find the list.
const NAME: &str = "list";

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Call {
    Lock,
    LockRecursive,
    AcquirePermit,
    Get,
    Put,
    Join,
    Wait,
    WaitForEvent,
    WaitAtBarrier,
    AwaitTask,
    /// Again and again.
    Append,
    AppendFromAfar,
}

const CALLS: [Call; 12] = [
    Call::Lock,
    Call::LockRecursive,
    Call::AcquirePermit,
    Call::Get,
    Call::Put,
    Call::Join,
    Call::Wait,
    Call::WaitForEvent,
    Call::WaitAtBarrier,
    Call::AwaitTask,
    Call::Append,
    Call::AppendFromAfar,
];

/// The last two, and so many of the others, in each round.
const WAITING: usize = 3;

/// Bytes that a dead server holds of its maker's: two queues, by which the maker asked.
const HELD_BY_ONE: u64 = 512 << 10;

/// Kills a server in each round. To be called in a process of its own; `killed` is told of each death.
pub fn campaign(kills: u64, seed: u64, killed: impl Fn(u64)) -> Tally {
    let mut tally = Tally::default();
    let mut dice = Dice::new(seed);
    let rounds = || {
        for number in 1..=kills {
            let moves = round(number, &mut dice).map_err(|why| format!("death {number}: {why}"))?;
            tally.kills = number;
            tally.met += CALLS.len() as u64;
            tally.moves += moves;
            killed(number);
        }
        Ok(kills * HELD_BY_ONE)
    };
    let outcome = leaving_nothing(|| round(0, &mut Dice::new(0)).map(|_| ()), rounds);
    tally.why = outcome.err().map(|why| why.to_string());
    tally
}

/// How often something was appended.
fn round(number: u64, dice: &mut Dice) -> Fallible<u64> {
    let path = std::env::temp_dir().join(format!("forkproof-{}-{number}", std::process::id()));
    let manager = Manager::builder().address(path.clone()).start()?;
    let server = manager.process()?;
    let objects = Objects::new(&manager)?;
    manager.publish(NAME, &objects.list)?;

    let mut calls: Vec<Call> = CALLS[CALLS.len() - 2..].to_vec();
    calls.extend((0..WAITING).map(|_| CALLS[dice.below(CALLS.len() as u64) as usize]));
    let moves = Array::new(calls.len())?;
    let mut clients = Vec::new();
    for (place, &call) in calls.iter().enumerate() {
        let arguments = (place, call, objects.clone(), path.clone(), moves.clone());
        let client = Process::new(client, arguments).named(format!("{call:?}"));
        let client = client.daemon(true);
        client.start()?;
        clients.push(client);
    }
    let outcome = kill_server(&server, &clients, &moves, dice);
    let outcome = outcome.and_then(|()| see_the_end(&clients, &server));
    if outcome.is_err() {
        for client in &clients {
            client.kill().and_then(|()| client.join())?;
        }
    }
    outcome?;
    told(objects.list.len(), false)?;
    told(manager.count_objects(), false)?;
    manager.shutdown()?;
    match path.exists() {
        false => Ok(moves.to_vec_unlocked().iter().sum()),
        true => Err(format!("{} is left", path.display()).into()),
    }
}

impl Objects {
    fn new(manager: &Manager) -> Fallible<Objects> {
        let objects = Objects {
            lock: manager.lock()?,
            rlock: manager.rlock()?,
            permits: manager.semaphore(0)?,
            empty: manager.queue()?,
            full: manager.queue_bounded(1)?,
            condition: manager.condition()?,
            event: manager.event()?,
            barrier: manager.barrier(CALLS.len())?,
            pool: manager.pool(1)?,
            list: manager.list([])?,
        };
        let _ = (objects.lock.acquire()?, objects.rlock.acquire()?);
        objects.full.put(0)?;
        Ok(objects)
    }

    fn perform(&self, call: Call) -> Result<(), ManagerError> {
        match call {
            Call::Lock => self.lock.acquire().map(|_| ()),
            Call::LockRecursive => self.rlock.acquire().map(|_| ()),
            Call::AcquirePermit => self.permits.acquire(),
            Call::Get => self.empty.get().map(|_| ()),
            Call::Put => self.full.put(1),
            Call::Join => self.full.join(),
            Call::Wait => {
                let _ = self.condition.acquire()?;
                self.condition.wait().map(|_| ())
            }
            Call::WaitForEvent => self.event.wait(),
            Call::WaitAtBarrier => self.barrier.wait().map(|_| ()),
            Call::AwaitTask => self.pool.apply(never_done, (0,)).map(|_: u32| ()),
            Call::Append | Call::AppendFromAfar => self.list.append(0),
        }
    }
}

fn never_done(_: u32) -> u32 {
    loop {
        std::thread::park();
    }
}

/// Ends well if the server's end is told as it should be.
fn client(
    place: usize,
    call: Call,
    mut objects: Objects,
    path: PathBuf,
    moves: Array<u64>,
) -> Fallible {
    let is_afar = call == Call::AppendFromAfar;
    if is_afar {
        let manager = Manager::connect(Address::Unix(path), current_process().authkey()?)?;
        objects.list = manager.find(NAME)?;
    }
    for number in 1.. {
        moves.set_unlocked(place, number)?;
        if let Err(error) = objects.perform(call) {
            told::<()>(Err(error), false)?;
            break;
        }
        if !matches!(call, Call::Append | Call::AppendFromAfar) {
            return Err(format!("{call:?} did not wait").into());
        }
    }
    told(objects.list.len(), is_afar)
}

/// That the server has ended; from afar, another connection may be tried, and be refused.
fn told<T>(outcome: Result<T, ManagerError>, is_afar: bool) -> Fallible {
    match outcome {
        Err(ManagerError::ServerGone) => Ok(()),
        Err(ManagerError::Net(NetError::Connect { .. })) if is_afar => Ok(()),
        Err(other) => Err(format!("in place of the server's end: {other}").into()),
        Ok(_) => Err("a server that was killed has answered".into()),
    }
}

/// When every client has begun, and those that work have made some moves.
fn kill_server(
    server: &Process,
    clients: &[Process],
    moves: &Array<u64>,
    dice: &mut Dice,
) -> Fallible {
    let goals = [1 + dice.below(20), 1 + dice.below(20)];
    let goals = goals.into_iter().chain(std::iter::repeat(1));
    let deadline = Instant::now() + stuck::PATIENCE;
    while !moves
        .to_vec_unlocked()
        .iter()
        .zip(goals.clone())
        .all(|(moves, goal)| *moves >= goal)
    {
        std::thread::yield_now();
        if Instant::now() > deadline {
            return Err(hung("the clients' calls", clients, server).into());
        }
    }
    pace::before_a_kill(dice);
    let children = server.pid().into_iter().flat_map(children);
    // One that is gone by now has ended before it should, and is its parent's affair.
    let children: Vec<(u32, OwnedFd)> = children
        .filter_map(|child| Some((child.pid, pidfd_of(child.pid).ok()?)))
        .collect();
    let code = server.kill().and_then(|()| server.join())?;
    if code != -9 {
        return Err(format!("the server ended with {code} before it was killed").into());
    }
    for (pid, ended) in &children {
        if !readable(ended.as_fd(), Some(stuck::PATIENCE))? {
            return Err(format!("{pid}, a child of the server's, lives on").into());
        }
    }
    Ok(())
}

fn see_the_end(clients: &[Process], server: &Process) -> Fallible {
    for client in clients {
        match client.join_timeout(stuck::PATIENCE)? {
            Some(0) => {}
            Some(code) => return Err(format!("{client:?} ended with {code}").into()),
            None => return Err(hung("the end of all clients", clients, server).into()),
        }
    }
    Ok(())
}

fn hung(what: &str, clients: &[Process], server: &Process) -> String {
    let all = clients.iter().chain([server]);
    let who: Vec<_> = all.map(|process| (process.name(), process.pid())).collect();
    stuck::describe(what, &who)
}
