//! Pipes: whoever is killed, a message arrives whole and once, or was never sent, or was taken along.
//!
//! A pipe is a pair of sockets: nothing of it lies in shared memory.

use forkproof::{Array, Pipe, Receiver, Sender};

use super::{Case, quiet};
use crate::stage::Stage;

pub(super) static CASES: &[Case] = &[
    quiet("Pipe", "send, nobody there", |stage| send(stage, 0)),
    quiet("Pipe", "send, one asleep", |stage| send(stage, 1)),
    quiet("Pipe", "recv, a message there", |stage| recv(stage, true)),
    quiet("Pipe", "recv, nothing there", |stage| recv(stage, false)),
];

/// Long enough to be told from half of it.
type Message = (usize, [u8; 24]);

fn message(number: usize) -> Message {
    (number, [number as u8 + 1; 24])
}

/// Both ends, and how often each message was received.
#[derive(Clone)]
struct Post {
    from: Receiver<Message>,
    to: Sender<Message>,
    received: Array<u32>,
}

impl Post {
    fn new() -> Post {
        let (from, to) = Pipe::one_way().expect("descriptors for a pipe");
        let received = Array::new(2).expect("memory for marks");
        Post { from, to, received }
    }

    fn send(&self, number: usize) {
        self.to
            .send(&message(number))
            .expect("someone has the other end");
    }

    fn recv(&self) {
        let seen = self.from.recv().expect("a message");
        assert_eq!(seen, message(seen.0), "half a message");
        let before = self.received.get_unlocked(seen.0).expect("a known message");
        let noted = self.received.set_unlocked(seen.0, before + 1);
        noted.expect("a known message");
    }

    fn drained(&self) -> Vec<u32> {
        while self
            .from
            .poll(std::time::Duration::ZERO)
            .expect("an open pipe")
        {
            self.recv();
        }
        self.received.to_vec_unlocked()
    }
}

/// If the send returned, who waits needs no other.
fn send(stage: &mut Stage, receivers: usize) {
    let post = Post::new();
    for _ in 0..receivers {
        let post = post.clone();
        stage.asleep("a receiver", move || post.recv());
    }
    let (mine, after) = (post.clone(), post.clone());
    stage.victim(|| (), move |()| mine.send(0));
    stage.survivor("who sends after", move |end| {
        if !end.returned {
            after.send(1);
        }
    });
    stage.judge(move |end| {
        let received = post.drained();
        let (first, second) = (u32::from(end.returned), u32::from(!end.returned));
        assert!((first..=1).contains(&received[0]), "{received:?}, {end:?}");
        assert_eq!(received[1], second, "{received:?}, {end:?}");
    });
}

fn recv(stage: &mut Stage, is_there: bool) {
    let post = Post::new();
    let (mine, sender) = (post.clone(), post.clone());
    if is_there {
        post.send(0);
    } else {
        stage.poised("a sender", || (), move |()| sender.send(0));
    }
    stage.victim(|| (), move |()| mine.from.recv().expect("a message"));
    stage.judge(move |end| {
        let received = post.drained();
        assert!(
            received[0] <= u32::from(!end.returned),
            "{received:?}, {end:?}"
        );
    });
}
