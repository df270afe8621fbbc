//! The handshake, without a network: whatever arrives, in whatever pieces.

use forkproof::net::handshake::{Handshake, HandshakeError, Role};
use forkproof::{HandshakeError::*, Key};
use proptest::prelude::*;

/// 9 bytes of magic; version, role, keyed; the nonce.
const GREETING: usize = 44;
const PROOF: usize = 32;

fn key(text: &str) -> Option<Key> {
    Some(Key::new(text).unwrap())
}

fn client(key: Option<Key>) -> Handshake {
    Handshake::new(Role::Client, key, [1; 32])
}

fn server(key: Option<Key>) -> Handshake {
    Handshake::new(Role::Server, key, [2; 32])
}

/// Gives a side bytes, in pieces of at most so many, as long as it wants some.
fn feed(side: &mut Handshake, bytes: &[u8], piece: usize) -> Result<(), HandshakeError> {
    let mut rest = bytes;
    while !rest.is_empty() && side.wanted() > 0 {
        let (now, later) = rest.split_at(side.wanted().min(piece).min(rest.len()));
        side.receive(now)?;
        rest = later;
    }
    Ok(())
}

/// How it ends for both, and what the client and the server sent. Who has failed sends its last word and hears
/// nothing more.
struct Meeting {
    client: Result<bool, HandshakeError>,
    server: Result<bool, HandshakeError>,
    client_sent: Vec<u8>,
    server_sent: Vec<u8>,
}

/// Lets two sides talk. `change` sees each message, by its sender, on its way.
fn meet_with(
    mut client: Handshake,
    mut server: Handshake,
    piece: usize,
    mut change: impl FnMut(Role, &mut Vec<u8>),
) -> Meeting {
    let mut ends = [Ok(()), Ok(())];
    let mut sent = [Vec::new(), Vec::new()];
    loop {
        let mut quiet = true;
        for (at, role) in [Role::Client, Role::Server].into_iter().enumerate() {
            let (from, to) = match role {
                Role::Client => (&mut client, &mut server),
                Role::Server => (&mut server, &mut client),
            };
            let mut message = from.take_output();
            if message.is_empty() {
                continue;
            }
            quiet = false;
            change(role, &mut message);
            sent[at].extend_from_slice(&message);
            if ends[1 - at].is_ok() {
                ends[1 - at] = feed(to, &message, piece);
            }
        }
        if quiet {
            let [client_end, server_end] = ends;
            let [client_sent, server_sent] = sent;
            return Meeting {
                client: client_end.map(|()| client.is_done()),
                server: server_end.map(|()| server.is_done()),
                client_sent,
                server_sent,
            };
        }
    }
}

fn meet(client_key: Option<Key>, server_key: Option<Key>) -> Meeting {
    meet_with(
        client(client_key),
        server(server_key),
        usize::MAX,
        |_, _| {},
    )
}

fn outcome(meeting: &Meeting) -> [Result<bool, HandshakeError>; 2] {
    [meeting.client.clone(), meeting.server.clone()]
}

#[test]
fn the_same_key_lets_in() {
    assert_eq!(outcome(&meet(key("k"), key("k"))), [Ok(true), Ok(true)]);
    assert_eq!(outcome(&meet(None, None)), [Ok(true), Ok(true)]);
}

#[test]
fn another_key_is_refused_on_both_sides() {
    let random = || Some(Key::random().unwrap());
    for (ours, theirs) in [
        (key("k"), key("l")),
        (key("k"), key("k\0")),
        (key("k"), key("kk")),
        (random(), random()),
    ] {
        assert_eq!(
            outcome(&meet(ours, theirs)),
            [Err(KeyRefused), Err(WrongKey)]
        );
    }
}

#[test]
fn a_key_on_one_side_only_is_refused_on_both() {
    assert_eq!(outcome(&meet(key("k"), None)), [Err(NoKey), Err(KeyNeeded)]);
    assert_eq!(outcome(&meet(None, key("k"))), [Err(KeyNeeded), Err(NoKey)]);
}

/// A stranger who has no key is shown nothing that was made with it.
#[test]
fn a_server_proves_nothing_to_who_has_proved_nothing() {
    let meeting = meet(key("wrong"), key("right"));
    assert_eq!(meeting.server_sent.len(), GREETING + 1);
    assert_eq!(meeting.server_sent[GREETING], 0);
    let meeting = meet(key("right"), key("right"));
    assert_eq!(meeting.server_sent.len(), GREETING + 1 + PROOF);
}

/// No secret is among what travels, and no two handshakes look alike where the nonces differ.
#[test]
fn the_key_does_not_travel() {
    let secret = "a secret of some length";
    let meeting = meet(key(secret), key(secret));
    for sent in [&meeting.client_sent, &meeting.server_sent] {
        let mut windows = sent.windows(4);
        assert!(!windows.any(|piece| secret.as_bytes().windows(4).any(|part| part == piece)));
    }
}

#[test]
fn each_changed_bit_ends_it() {
    let total = {
        let meeting = meet(key("k"), key("k"));
        [meeting.client_sent.len(), meeting.server_sent.len()]
    };
    for (at, role) in [Role::Client, Role::Server].into_iter().enumerate() {
        for bit in 0..total[at] * 8 {
            let mut passed = 0;
            let change = |from: Role, message: &mut Vec<u8>| {
                if from == role {
                    let here = passed..passed + message.len() * 8;
                    if here.contains(&bit) {
                        message[(bit - passed) / 8] ^= 1 << (bit % 8);
                    }
                    passed = here.end;
                }
            };
            let meeting = meet_with(client(key("k")), server(key("k")), usize::MAX, change);
            // The last message comes from the server, which cannot know how it arrives.
            let after_last = role == Role::Server && bit >= GREETING * 8;
            assert_ne!(meeting.client, Ok(true), "{role:?}'s bit {bit}");
            assert_eq!(
                meeting.server == Ok(true),
                after_last,
                "{role:?}'s bit {bit}"
            );
        }
    }
}

/// A changed bit of a nonce matters even if both were told of the same change: only what a side sent itself counts.
#[test]
fn a_flag_cannot_be_taken_off_on_the_way() {
    let strip = |_: Role, message: &mut Vec<u8>| {
        if message.len() == GREETING {
            message[11] = 0;
        }
    };
    let meeting = meet_with(client(key("k")), server(key("k")), usize::MAX, strip);
    assert_eq!(outcome(&meeting), [Err(NoKey), Err(NoKey)]);
}

#[test]
fn what_was_recorded_is_of_no_use() {
    let recorded = meet(key("k"), key("k"));
    let mut again = Handshake::new(Role::Server, key("k"), [3; 32]);
    assert_eq!(feed(&mut again, &recorded.client_sent, 64), Err(WrongKey));
    let mut again = Handshake::new(Role::Client, key("k"), [3; 32]);
    assert_eq!(feed(&mut again, &recorded.server_sent, 64), Err(WrongKey));
}

#[test]
fn a_side_that_hears_itself_is_not_fooled() {
    let mut alone = client(key("k"));
    let greeting = alone.take_output();
    assert_eq!(alone.receive(&greeting), Err(SameRole(Role::Client)));

    // A server that has no key sends back what the client proved.
    let mut fooled = client(key("k"));
    fooled.take_output();
    let mut greeting = server(key("any"));
    feed(&mut greeting, &client(key("k")).take_output(), 64).unwrap();
    feed(&mut fooled, &greeting.take_output(), 64).unwrap();
    let proof = fooled.take_output();
    assert_eq!(proof.len(), PROOF);
    assert_eq!(fooled.receive(&[1]), Ok(()));
    assert_eq!(fooled.receive(&proof), Err(WrongKey));
}

/// A client without the key takes a server's greeting to another server, to be told what it must prove.
#[test]
fn a_server_does_not_prove_for_others() {
    let mut victim = server(key("k"));
    let thief = Handshake::new(Role::Client, key("any"), [9; 32]).take_output();
    feed(&mut victim, &thief, 64).unwrap();
    let asked = victim.take_output();
    let mut other = Handshake::new(Role::Server, key("k"), [5; 32]);
    assert_eq!(feed(&mut other, &asked, 64), Err(SameRole(Role::Server)));
    assert_eq!(
        other.take_output().len(),
        GREETING,
        "a greeting, and no proof"
    );
}

#[test]
fn another_version_is_told_by_its_number_on_both_sides() {
    let newer = |_: Role, message: &mut Vec<u8>| {
        if message.len() == GREETING {
            message[9] = 7;
        }
    };
    let meeting = meet_with(client(None), server(None), usize::MAX, newer);
    assert_eq!(
        outcome(&meeting),
        [Err(Version { theirs: 7 }), Err(Version { theirs: 7 })]
    );
}

#[test]
fn garbage_is_told_at_its_first_byte() {
    for place in 0..9 {
        let mut greeting = client(None).take_output();
        greeting[place] ^= 0x20;
        let mut side = server(None);
        assert_eq!(side.receive(&greeting[..place]), Ok(()));
        assert_eq!(
            side.receive(&greeting[place..=place]),
            Err(Garbled),
            "byte {place}"
        );
        assert_eq!(side.wanted(), 0, "it asks for nothing more");
        assert!(
            side.take_output().is_empty(),
            "it says nothing to a stranger"
        );
    }
}

proptest! {
    #[test]
    fn pieces_make_no_difference(piece in 1usize..80, keyed: bool) {
        let same = || keyed.then(|| Key::new("k").unwrap());
        let meeting = meet_with(client(same()), server(same()), piece, |_, _| {});
        prop_assert_eq!(outcome(&meeting), [Ok(true), Ok(true)]);
    }

    /// Anything, after any part of a real handshake: no panic, no entry, and no memory.
    #[test]
    fn anything_else_is_refused(
        to_server: bool,
        kept in 0usize..77,
        rest in prop::collection::vec(any::<u8>(), 77),
        piece in 1usize..80,
    ) {
        let real = meet(key("k"), key("k"));
        let (mut side, real) = match to_server {
            true => (server(key("k")), real.client_sent),
            false => (client(key("k")), real.server_sent),
        };
        let kept = kept.min(real.len() - 1);
        let mut bytes = real[..kept].to_vec();
        bytes.extend(&rest[..real.len() - kept]);
        prop_assume!(bytes != real);
        prop_assert!(feed(&mut side, &bytes, piece).is_err());
        prop_assert!(!side.is_done());
        prop_assert_eq!(side.wanted(), 0);
    }

    /// Part of a real handshake is no handshake.
    #[test]
    fn a_part_is_not_enough(to_server: bool, kept in 0usize..77, piece in 1usize..80) {
        let real = meet(key("k"), key("k"));
        let (mut side, real) = match to_server {
            true => (server(key("k")), real.client_sent),
            false => (client(key("k")), real.server_sent),
        };
        let kept = kept.min(real.len() - 1);
        prop_assert_eq!(feed(&mut side, &real[..kept], piece), Ok(()));
        prop_assert!(!side.is_done());
        prop_assert!(side.wanted() > 0);
    }
}
