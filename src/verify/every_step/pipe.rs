//! A pipe with two senders at one end: whoever is killed, messages are whole, in each sender's order, none that was
//! sent is lost, and the receiver comes to the end, and is told how.

use super::Subject;
use crate::explore::{Stage, run_all};
use crate::{Array, Pipe, PipeError, Value};

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[Subject {
    primitive: "Pipe",
    name: "pipe-3",
    lanes: 3,
    run: |plans| run_all(two_senders, &(), plans),
}];

const SENDERS: usize = 2;
const EACH: u32 = 3;

/// How the receiver stands.
const RUNS: u8 = 0;
const CLOSED: u8 = 1;
const DIED: u8 = 2;

/// How a sender stands: killed then, it stays so.
const STAYS: u8 = 0;
const GOING: u8 = 1;
const GONE: u8 = 2;

fn two_senders(stage: &mut Stage, (): ()) {
    let (receiver, sender) = Pipe::one_way::<(usize, u32)>().expect("files for a pipe");
    let sent = Array::<u32>::new(SENDERS).expect("memory for an array");
    let received = Array::<u32>::new(SENDERS).expect("memory for an array");
    let gone = Array::<u8>::new(SENDERS).expect("memory for marks");
    let ended = Value::new(RUNS).expect("memory for a mark");
    stage.name("sent", &sent);
    stage.name("received", &received);
    stage.name("gone", &gone);
    for lane in 0..SENDERS {
        let (sender, sent, gone) = (sender.clone(), sent.clone(), gone.clone());
        stage.lane(&format!("sender {lane}"), move |_| {
            for number in 1..=EACH {
                match sender.send(&(lane, number)) {
                    Ok(()) => sent.set_unlocked(lane, number).expect("a sender's own"),
                    // The receiver was killed: before it received anything, too.
                    Err(PipeError::PeerDied | PipeError::Disconnected) => return,
                    Err(other) => panic!("{other}"),
                }
            }
            gone.set_unlocked(lane, GOING).expect("a sender's own");
            drop(sender);
            gone.set_unlocked(lane, GONE).expect("a sender's own");
        });
    }
    drop(sender); // the receiver, forked last, has no sending end
    let (log, is_ended) = (received.clone(), ended.clone());
    stage.lane("receiver", move |_| {
        let mut how = CLOSED;
        for message in receiver.iter() {
            let (lane, number) = match message {
                Ok(message) => message,
                Err(PipeError::PeerDied) => {
                    how = DIED;
                    break;
                }
                Err(other) => panic!("{other}"),
            };
            let last = log.get_unlocked(lane).expect("a sender's own");
            assert_eq!(number, last + 1, "sender {lane}'s order");
            log.set_unlocked(lane, number).expect("a sender's own");
        }
        is_ended.set_unlocked(how);
    });
    stage.finally(move |_| {
        let how = ended.get_unlocked();
        if how == RUNS {
            return; // the receiver was killed, and took along what it had
        }
        let of = |lane| {
            (
                gone.get_unlocked(lane).expect("its mark"),
                sent.get_unlocked(lane).expect("its count"),
            )
        };
        let mut lanes = (0..SENDERS).map(of);
        match how {
            // Who was killed before its first message had not used its end; who was about to let go may have.
            CLOSED => assert!(lanes.all(|(gone, sent)| gone != STAYS || sent == 0)),
            _ => assert!(lanes.any(|(gone, _)| gone != GONE)),
        }
        for lane in 0..SENDERS {
            let of = |array: &Array<u32>| array.get_unlocked(lane).expect("a sender's own");
            let (sent, received) = (of(&sent), of(&received));
            // A sender may be killed after it has sent, and before it has noted that.
            assert!(
                received == sent || received == sent + 1,
                "sender {lane} sent {sent}, and {received} were received"
            );
        }
    });
}
