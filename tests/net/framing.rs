//! Messages in a stream of bytes.

use forkproof::net::framing::{Inbox, Outbox, TooLong, header};
use proptest::prelude::*;

const MOST: usize = 1000;

/// All messages of a stream that comes in pieces of these lengths, and then byte by byte.
fn messages(stream: &[u8], pieces: &[usize]) -> Result<(Vec<Vec<u8>>, Inbox), TooLong> {
    let mut inbox = Inbox::new(MOST);
    let mut taken = Vec::new();
    let mut rest = stream;
    let mut pieces = pieces.iter().copied().chain(std::iter::repeat(1));
    while !rest.is_empty() {
        let piece = pieces.next().unwrap().min(rest.len()).min(inbox.wanted());
        let (now, later) = rest.split_at(piece);
        inbox.receive(now)?;
        rest = later;
        taken.extend(inbox.take());
    }
    Ok((taken, inbox))
}

#[test]
fn the_form_is_a_length_and_the_bytes() {
    assert_eq!(header(&[b"ab", b"c"]), [3, 0, 0, 0]);
    let mut outbox = Outbox::default();
    outbox.push(&[b"ab", b"c"]);
    outbox.push(&[]);
    assert_eq!(outbox.waiting(), 11);
    let mut sent = Vec::new();
    while outbox.waiting() > 0 {
        sent.push(outbox.front()[0]);
        outbox.sent(1);
    }
    assert_eq!(sent, b"\x03\0\0\0abc\0\0\0\0");
}

#[test]
fn a_length_above_the_bound_is_told_before_a_byte_of_it() {
    for announced in [MOST + 1, u32::MAX as usize] {
        let mut inbox = Inbox::new(MOST);
        let header = (announced as u32).to_le_bytes();
        assert_eq!(inbox.receive(&header[..3]), Ok(()));
        assert_eq!(inbox.receive(&header[3..]), Err(TooLong { announced }));
        assert_eq!(
            inbox.receive(&[0]),
            Err(TooLong { announced }),
            "and from then on"
        );
        assert_eq!(inbox.take(), None);
    }
    let whole = [&(MOST as u32).to_le_bytes()[..], &[7; MOST]].concat();
    assert_eq!(
        messages(&whole, &[]).unwrap().0,
        [vec![7; MOST]],
        "the bound itself"
    );
}

/// Memory of this process, in bytes of addresses: also what is only reserved.
fn reserved_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmSize:"));
    let mut words = line.unwrap().split_whitespace();
    words.nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// A hundred messages of 4 GiB are announced: more than other tests could ever take.
#[test]
fn what_is_announced_takes_no_memory() {
    let before = reserved_bytes();
    let inboxes: Vec<_> = (0..100)
        .map(|_| {
            let mut inbox = Inbox::new(u32::MAX as usize);
            inbox.receive(&(u32::MAX - 1).to_le_bytes()).unwrap();
            inbox.receive(&[7; 100]).unwrap();
            inbox
        })
        .collect();
    assert!(inboxes.iter().all(|inbox| !inbox.is_whole()));
    let taken = reserved_bytes().saturating_sub(before);
    assert!(taken < 100 << 30, "{taken} bytes");
}

proptest! {
    #[test]
    fn what_is_sent_arrives_in_whatever_pieces(
        sent in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
        pieces in prop::collection::vec(1usize..300, 0..60),
    ) {
        let mut outbox = Outbox::default();
        sent.iter().for_each(|message| outbox.push(&[message]));
        let mut stream = Vec::new();
        while outbox.waiting() > 0 {
            let front = outbox.front().to_vec();
            stream.extend(&front);
            outbox.sent(front.len());
        }
        let (arrived, inbox) = messages(&stream, &pieces).unwrap();
        prop_assert_eq!(arrived, sent);
        prop_assert!(inbox.is_empty());
    }

    /// Any bytes: messages within the bound, or the error; never more kept than has come.
    #[test]
    fn any_bytes_are_messages_or_told(
        stream in prop::collection::vec(prop_oneof![3 => Just(0u8), 1 => any::<u8>()], 0..600),
        pieces in prop::collection::vec(1usize..50, 0..60),
    ) {
        if let Ok((arrived, inbox)) = messages(&stream, &pieces) {
            let whole: usize = arrived.iter().map(|message| message.len() + 4).sum();
            prop_assert!(whole <= stream.len());
            prop_assert_eq!(inbox.is_empty(), whole == stream.len());
            prop_assert!(arrived.iter().all(|message| message.len() <= MOST));
        }
    }
}
