//! A pipe with two senders at one end: whoever is killed, messages are whole, in each sender's order, none that was
//! sent is lost, and the receiver comes to the end.

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

fn two_senders(stage: &mut Stage, (): ()) {
    let (receiver, sender) = Pipe::one_way::<(usize, u32)>().expect("files for a pipe");
    let sent = Array::<u32>::new(SENDERS).expect("memory for an array");
    let received = Array::<u32>::new(SENDERS).expect("memory for an array");
    let ended = Value::new(false).expect("memory for a mark");
    stage.name("sent", &sent);
    stage.name("received", &received);
    for lane in 0..SENDERS {
        let (sender, sent) = (sender.clone(), sent.clone());
        stage.lane(&format!("sender {lane}"), move || {
            for number in 1..=EACH {
                match sender.send(&(lane, number)) {
                    Ok(()) => sent.set_unlocked(lane, number).expect("a sender's own"),
                    Err(PipeError::Disconnected) => return, // the receiver was killed
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    drop(sender); // the receiver, forked last, has no sending end
    let (log, is_ended) = (received.clone(), ended.clone());
    stage.lane("receiver", move || {
        for message in receiver.iter() {
            let (lane, number) = message.expect("a whole message");
            let last = log.get_unlocked(lane).expect("a sender's own");
            assert_eq!(number, last + 1, "sender {lane}'s order");
            log.set_unlocked(lane, number).expect("a sender's own");
        }
        is_ended.set_unlocked(true);
    });
    stage.finally(move || {
        if !ended.get_unlocked() {
            return; // the receiver was killed, and took along what it had
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
