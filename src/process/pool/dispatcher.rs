//! The parent's side of a pool: one thread at a time feeds the workers, takes their results up, and replaces the dead.
//!
//! There is no thread of the pool's own: all of this happens inside the parent's calls, in `Dispatcher::work`, by the
//! first of the threads that come (it is *busy*). A thread that has nothing to do sleeps until a result arrives, or a
//! worker ends; of several, one sleeps so, and the others on a condition variable. Whoever is busy while another one
//! sleeps rings the *bell*, for it to look again.
//!
//! User's code (callbacks, iterators, the writing and reading of values) runs while the thread is busy, but never
//! under the lock: so it may call the pool.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::error::PoolError;
use super::feed::{Batch, Delivery, Pending, Stalled};
use super::slots::Slots;
use super::staff::{Plan, Staff};
use super::worker::{Report, Task};
use crate::data::{Connection, GetError, Pipe, Queue, Waitable, wait};
use crate::sys::per_process::Mark;

type Bell = Connection<(), ()>;

pub(super) struct Dispatcher {
    maker: Mark,
    pub(super) plan: Plan,
    pub(super) tasks: Queue<Task>,
    pub(super) results: Queue<Report>,
    pub(super) slots: Slots,
    bell: (Bell, Bell),
    state: Mutex<State>,
    changed: Condvar,
}

pub(super) struct State {
    pub phase: Phase,
    /// Why nothing works any more.
    pub failure: Option<PoolError>,
    pub staff: Staff,
    pub backlog: VecDeque<Batch>,
    /// The next tasks, for which there was no room.
    pub stalled: VecDeque<Stalled>,
    /// Tasks whose worker died, and that are to be run again.
    pub bereft: VecDeque<Pending>,
    /// How many tasks are being written, outside of the lock.
    pub packing: usize,
    /// Tasks that were put: the number of the next.
    pub puts: u64,
    /// By number: tasks that were put and have no answer.
    pub open: HashMap<u64, Pending>,
    /// What is to be told.
    pub deliveries: VecDeque<Delivery>,
    /// How often something was told, or a worker's end taken up: whoever has looked since knows of all of it.
    pub happened: u64,
    busy: Option<ThreadId>,
    is_one_asleep: bool,
    has_rung: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Closed,
    Terminated,
}

/// How long a call waits.
#[derive(Clone, Copy)]
pub(super) enum Until {
    Endless,
    Instant(Instant),
}

impl Until {
    /// Endless if it lies beyond what the clock can count.
    pub fn after(timeout: Duration) -> Until {
        Instant::now()
            .checked_add(timeout)
            .map_or(Until::Endless, Until::Instant)
    }

    fn remaining(self) -> Option<Duration> {
        match self {
            Until::Endless => None,
            Until::Instant(instant) => Some(instant.saturating_duration_since(Instant::now())),
        }
    }
}

impl Dispatcher {
    /// With all its workers started.
    pub fn new(plan: Plan) -> Result<Dispatcher, PoolError> {
        let count = plan.processes;
        let dispatcher = Dispatcher {
            maker: Mark::here(),
            plan,
            tasks: Queue::new()?,
            results: Queue::new()?,
            slots: Slots::new(count)?,
            bell: Pipe::duplex()?,
            state: Mutex::new(State {
                phase: Phase::Open,
                failure: None,
                staff: Staff::new(count),
                backlog: VecDeque::new(),
                stalled: VecDeque::new(),
                bereft: VecDeque::new(),
                packing: 0,
                puts: 0,
                open: HashMap::new(),
                deliveries: VecDeque::new(),
                happened: 0,
                busy: None,
                is_one_asleep: false,
                has_rung: false,
            }),
            changed: Condvar::new(),
        };
        let mut state = dispatcher.state();
        let hired = dispatcher.hire(&mut state);
        drop(state);
        if hired.is_err() {
            dispatcher.terminate();
        }
        hired.map(|()| dispatcher)
    }

    pub fn is_made_here(&self) -> bool {
        self.maker == Mark::here()
    }

    fn check_maker(&self) -> Result<(), PoolError> {
        if self.is_made_here() {
            Ok(())
        } else {
            Err(PoolError::NotTheParent)
        }
    }

    /// Whether it takes tasks.
    pub fn check_open(&self) -> Result<(), PoolError> {
        self.check_maker()?;
        self.state().check_open()
    }

    pub fn phase_name(&self) -> &'static str {
        match self.state().phase {
            Phase::Open => "RUN",
            Phase::Closed => "CLOSE",
            Phase::Terminated => "TERMINATE",
        }
    }

    /// Takes more tasks, and feeds the workers with them as far as there is room.
    pub fn submit(&self, batch: Batch) -> Result<(), PoolError> {
        self.check_maker()?;
        let mut state = self.state();
        state.check_open()?;
        state.backlog.push_back(batch);
        self.ring(&mut state);
        drop(state);
        self.work()
    }

    /// No more tasks are taken.
    pub fn close(&self) -> Result<(), PoolError> {
        self.check_maker()?;
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed;
        }
        self.ring(&mut state);
        drop(state);
        self.work()
    }

    /// Waits until the last worker has ended.
    pub fn join(&self) -> Result<(), PoolError> {
        self.join_until(Until::Endless).map(|_| ())
    }

    /// As [`join`](Dispatcher::join), no longer than that. Whether it has ended.
    pub fn join_until(&self, until: Until) -> Result<bool, PoolError> {
        self.check_maker()?;
        match self.state().phase {
            Phase::Open => return Err(PoolError::StillOpen),
            Phase::Closed => {}
            Phase::Terminated => return Ok(true), // terminate() has waited
        }
        let is_over = |state: &State| state.staff.is_gone() && !state.has_work();
        match self.attend(until, &is_over) {
            Ok(true) => self.state().failure.clone().map_or(Ok(true), Err),
            Ok(false) => Ok(false),
            Err(PoolError::Terminated) => Ok(true),
            Err(other) => Err(other),
        }
    }

    /// Kills the workers, and forgets the tasks.
    pub fn terminate(&self) {
        let mut state = self.state();
        state.phase = Phase::Terminated;
        let workers = state.staff.leave();
        let forgotten = (
            std::mem::take(&mut state.backlog),
            std::mem::take(&mut state.stalled),
            std::mem::take(&mut state.bereft),
            std::mem::take(&mut state.open),
            std::mem::take(&mut state.deliveries),
        );
        drop(state);
        drop(forgotten); // with values of the user's
        for worker in workers {
            worker.end();
        }
        let mut state = self.state();
        self.ring(&mut state);
        self.changed.notify_all();
    }

    /// Looks for what there is to do, and does it.
    pub fn tend(&self) -> Result<(), PoolError> {
        self.check_maker()?;
        self.state().staff.look_after();
        self.work()
    }

    /// Works and waits until it is done, told under the lock. False: the time passed first.
    pub fn attend(&self, until: Until, done: &dyn Fn(&State) -> bool) -> Result<bool, PoolError> {
        self.check_maker()?;
        let mut has_looked = false;
        loop {
            let worked = self.work();
            let mut state = self.state();
            if done(&state) {
                return Ok(true);
            }
            if state.phase == Phase::Terminated {
                return Err(PoolError::Terminated);
            }
            worked?;
            let remaining = until.remaining();
            let is_over = remaining == Some(Duration::ZERO);
            let is_busy = state
                .busy
                .is_some_and(|busy| busy != thread::current().id());
            if is_over && (has_looked || is_busy || state.is_one_asleep) {
                return Ok(false);
            }
            if is_busy || state.is_one_asleep {
                self.sleep_behind(state, remaining);
            } else {
                state.is_one_asleep = true;
                self.sleep(state, remaining)?;
            }
            has_looked = true;
        }
    }

    /// Whatever there is to do now, unless another thread is at it.
    fn work(&self) -> Result<(), PoolError> {
        let Some(busy) = Busy::begin(self) else {
            return Ok(());
        };
        loop {
            let mut state = self.state();
            if state.phase == Phase::Terminated {
                return busy.end(state, Ok(()));
            }
            if let Err(error) = self.collect(&mut state) {
                return busy.end(state, Err(error));
            }
            if let Some(delivery) = state.deliveries.pop_front() {
                drop(state);
                delivery.make();
                self.state().happened += 1;
                self.tell();
                continue;
            }
            let hired = self.hire(&mut state);
            if hired.is_err() {
                return busy.end(state, hired);
            }
            match self.feed(state) {
                (_, Ok(true)) => {}
                (state, Ok(false)) => return busy.end(state, Ok(())),
                (state, Err(error)) => return busy.end(state, Err(error)),
            }
        }
    }

    /// Takes up the results that are there, and the deaths.
    fn collect(&self, state: &mut State) -> Result<(), PoolError> {
        self.drain(state)?;
        self.bury(state)
    }

    /// Takes up the results that are there.
    pub(super) fn drain(&self, state: &mut State) -> Result<(), PoolError> {
        loop {
            match self.results.try_get() {
                Ok(Report::Done { task, answer }) => {
                    state.staff.thrives();
                    if let Some(pending) = state.open.remove(&task) {
                        let answer = answer.map_err(PoolError::from);
                        state.deliveries.push_back(pending.answered(answer));
                    }
                }
                Ok(Report::NotInitialized(why)) => {
                    self.fail(state, PoolError::Initializer { why });
                }
                Err(GetError::Empty) => return Ok(()),
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// Nothing works any more.
    pub(super) fn fail(&self, state: &mut State, why: PoolError) {
        if state.failure.is_some() {
            return;
        }
        state.failure = Some(why.clone());
        for worker in state.staff.leave() {
            worker.end();
        }
        let stalled = std::mem::take(&mut state.stalled).into_iter();
        let bereft = std::mem::take(&mut state.bereft);
        for pending in state
            .open
            .drain()
            .map(|(_, pending)| pending)
            .chain(stalled.map(|stalled| stalled.pending))
            .chain(bereft)
        {
            state
                .deliveries
                .push_back(pending.answered(Err(why.clone())));
        }
        for batch in state.backlog.drain(..) {
            state
                .deliveries
                .push_back(Delivery::Failed(batch, why.clone()));
        }
    }

    /// Until there is something to do; the thread that does is one at a time.
    fn sleep(
        &self,
        state: MutexGuard<'_, State>,
        remaining: Option<Duration>,
    ) -> Result<(), PoolError> {
        let sentinels = state.staff.sentinels();
        drop(state);
        let mut objects: Vec<&dyn Waitable> = vec![&self.results, &self.bell.0];
        objects.extend(
            sentinels
                .iter()
                .map(|it: &Arc<OwnedFd>| &**it as &dyn Waitable),
        );
        let ready = wait(&objects, remaining);
        let mut state = self.state();
        state.is_one_asleep = false;
        state.staff.look_after();
        self.changed.notify_all(); // another one may have to sleep here
        if std::mem::take(&mut state.has_rung) {
            self.bell.0.recv_bytes().map_err(std::io::Error::other)?;
        }
        ready.map(|_| ()).map_err(PoolError::from)
    }

    /// Until another thread has done something, or goes.
    fn sleep_behind(&self, state: MutexGuard<'_, State>, remaining: Option<Duration>) {
        match remaining {
            None => drop(self.changed.wait(state)),
            Some(remaining) => drop(self.changed.wait_timeout(state, remaining)),
        }
    }

    /// For the others to look whether what they wait for has come.
    fn tell(&self) {
        self.ring(&mut self.state());
        self.changed.notify_all();
    }

    /// Wakes the one who sleeps until there is something to do.
    pub(super) fn ring(&self, state: &mut State) {
        if state.is_one_asleep && !state.has_rung {
            // Never more than one message, for which there is room; both ends are ours.
            state.has_rung = self.bell.1.send_bytes(&[]).is_ok();
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done where a panic could come from.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check_open(&self) -> Result<(), PoolError> {
        match (&self.failure, self.phase) {
            (_, Phase::Terminated) => Err(PoolError::Terminated),
            (Some(failure), _) => Err(failure.clone()),
            (None, Phase::Closed) => Err(PoolError::Closed),
            (None, Phase::Open) => Ok(()),
        }
    }

    /// Whether there is anything that has no answer yet.
    fn has_work(&self) -> bool {
        !self.is_fed() || !self.open.is_empty() || !self.deliveries.is_empty()
    }

    /// Whether all tasks that there are were put.
    pub fn is_fed(&self) -> bool {
        self.backlog.is_empty()
            && self.stalled.is_empty()
            && self.bereft.is_empty()
            && self.packing == 0
    }

    /// Whether no task will be put any more, if none is submitted.
    pub fn is_all_put(&self) -> bool {
        self.is_fed() && !self.open.values().any(Pending::may_come_again)
    }
}

/// The calling thread is the one that works; it may be so already, further down its stack.
struct Busy<'a> {
    dispatcher: &'a Dispatcher,
    former: Option<ThreadId>,
}

impl<'a> Busy<'a> {
    fn begin(dispatcher: &'a Dispatcher) -> Option<Busy<'a>> {
        let me = thread::current().id();
        let mut state = dispatcher.state();
        if state.busy.is_some_and(|busy| busy != me) {
            return None;
        }
        let former = state.busy.replace(me);
        Some(Busy { dispatcher, former })
    }

    /// Under the lock under which it was found that there is nothing left to do.
    fn end<T>(self, mut state: MutexGuard<'_, State>, outcome: T) -> T {
        state.busy = self.former;
        self.dispatcher.changed.notify_all();
        drop(state);
        std::mem::forget(self);
        outcome
    }
}

/// When a callback panics.
impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.dispatcher.state().busy = self.former;
        self.dispatcher.changed.notify_all();
    }
}
