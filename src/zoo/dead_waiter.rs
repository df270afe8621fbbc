//! A condition variable whose waiter is killed.

use std::marker::PhantomData;
// Acquire throughout: pairs with the Releases of the same file.
// Release throughout: pairs with the Acquires of the same file.
// Relaxed throughout: looked at again by the sleep, or by an exchange.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Deadline, Update, Woken, Word, World};

/// Notifications, and those who wait for one, or until their time has passed.
trait Bell: 'static {
    fn wait<W: World>(words: &[W::Word; 3], until: Option<Deadline>);
    fn notify<W: World>(words: &[W::Word; 3]);
}

/// The right one: a notification changes a number, and is over.
struct Sequence;

impl Bell for Sequence {
    fn wait<W: World>([sequence, ..]: &[W::Word; 3], until: Option<Deadline>) {
        let seen = sequence.load(Acquire);
        while sequence.load(Acquire) == seen {
            if W::wait(sequence, seen, until) == Woken::TimedOut {
                return;
            }
        }
    }

    fn notify<W: World>([sequence, ..]: &[W::Word; 3]) {
        W::update_and_wake_all(sequence, Update::Add(1));
    }
}

/// A notification is a command that one waiter is to take; until it has, the door stays shut for all others.
struct Command;

const OPEN: u32 = 0;
const SHUT: u32 = 1;

impl Bell for Command {
    fn wait<W: World>([door, waiting, command]: &[W::Word; 3], mut until: Option<Deadline>) {
        shut::<W>(door);
        waiting.fetch_add(1, Relaxed);
        open::<W>(door);
        while command.compare_exchange(1, 0, Acquire, Relaxed).is_err() {
            if W::wait(command, 0, until) == Woken::TimedOut {
                if door.compare_exchange(OPEN, SHUT, Acquire, Relaxed).is_ok() {
                    break; // no command is under way
                }
                until = None; // one is, and it will come
            }
        }
        // With the door shut: by itself, or by who gave the command.
        waiting.fetch_sub(1, Relaxed);
        open::<W>(door);
    }

    fn notify<W: World>([door, waiting, command]: &[W::Word; 3]) {
        shut::<W>(door);
        if waiting.load(Relaxed) == 0 {
            return open::<W>(door);
        }
        command.store(1, Release);
        W::wake(command, 1);
    }
}

fn shut<W: World>(door: &W::Word) {
    while door.swap(SHUT, Acquire) == SHUT {
        W::wait(door, SHUT, None);
    }
}

fn open<W: World>(door: &W::Word) {
    door.store(OPEN, Release);
    W::wake(door, 1);
}

/// One waits, another notifies twice.
struct Ringing<B>(PhantomData<B>);

impl<B: Bell> Model for Ringing<B> {
    type Shared<W: World> = [W::Word; 3];

    fn set_up<W: World>() -> [W::Word; 3] {
        [W::Word::new(0), W::Word::new(0), W::Word::new(0)]
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&[W::Word; 3]))> {
        vec![
            ("waiter", |words| {
                B::wait::<W>(words, W::deadline(Duration::from_secs(1)));
            }),
            ("notifier", |words| {
                B::notify::<W>(words);
                B::notify::<W>(words);
            }),
        ]
    }

    fn parts<W: World>(words: &[W::Word; 3]) -> Vec<Part> {
        vec![
            Part::new("bell", &words[0]),
            Part::new("waiting", &words[1]),
            Part::new("command", &words[2]),
        ]
    }
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 28,
    name: "a dead waiter swallows the wake",
    bug: "the notification is meant for one who is dead, and the next one waits until it has been taken",
    source: "boost interprocess 69",
    trials: &[Trial::kills::<1, Ringing<Command>, Ringing<Sequence>>(18)],
}];
