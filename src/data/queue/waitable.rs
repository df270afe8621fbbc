//! Queues can be waited for, together with other things.

use super::channel::Channel;
use super::{ByteQueue, JoinableQueue, Queue, SimpleQueue};
use crate::data::wait::{Armed, Trouble, Waitable, Watch};
use crate::raw::{Patience, Refused};
use crate::sync::{LockError, LockFailure};
use crate::world::Deadline;

impl<T> Waitable for Queue<T> {
    fn arm(&self, until: Option<Deadline>) -> Result<Armed<'_>, Trouble> {
        self.channel.arm();
        match is_ready(&self.channel, until) {
            Ok(false) => Ok(Armed::Not(Watch::Shared(self.channel.file()))),
            ready => {
                self.channel.disarm();
                ready.map(|_| Armed::Ready)
            }
        }
    }

    fn settle(&self, until: Option<Deadline>) -> Result<bool, Trouble> {
        is_ready(&self.channel, until)
    }

    fn disarm(&self) {
        self.channel.disarm();
    }
}

fn is_ready(channel: &Channel, until: Option<Deadline>) -> Result<bool, Trouble> {
    match channel.is_ready(until.map_or(Patience::Endless, Patience::Until)) {
        Ok(ready) => Ok(ready),
        Err(Refused::TimedOut) => Ok(false), // someone was putting, or getting, all the time
        Err(refused) => {
            let failure: LockFailure = LockError::<()>::from(refused).failure();
            Err(failure.into())
        }
    }
}

impl<T> Waitable for JoinableQueue<T> {
    fn arm(&self, until: Option<Deadline>) -> Result<Armed<'_>, Trouble> {
        (**self).arm(until)
    }

    fn settle(&self, until: Option<Deadline>) -> Result<bool, Trouble> {
        (**self).settle(until)
    }

    fn disarm(&self) {
        (**self).disarm();
    }
}

impl<T> Waitable for SimpleQueue<T> {
    fn arm(&self, until: Option<Deadline>) -> Result<Armed<'_>, Trouble> {
        self.queue.arm(until)
    }

    fn settle(&self, until: Option<Deadline>) -> Result<bool, Trouble> {
        self.queue.settle(until)
    }

    fn disarm(&self) {
        self.queue.disarm();
    }
}

impl Waitable for ByteQueue {
    fn arm(&self, until: Option<Deadline>) -> Result<Armed<'_>, Trouble> {
        self.queue.arm(until)
    }

    fn settle(&self, until: Option<Deadline>) -> Result<bool, Trouble> {
        self.queue.settle(until)
    }

    fn disarm(&self) {
        self.queue.disarm();
    }
}
