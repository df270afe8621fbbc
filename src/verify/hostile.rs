//! A manager under clients from afar, one of which has the key and sends whatever it likes.
//!
//! The others, each in a process of its own, count together under a lock in the server, and keep a list each. In the
//! end the count must be what they counted, every answer must have been the right one, the server must have nothing
//! left of them, and no one may have been kept waiting.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{Budget, Fallible, Progress, Report};
use crate::explore::dice::Dice;
use crate::manager::{ListProxy, LockProxy, Manager};
use crate::net::NetConnection;
use crate::net::handshake::{Handshake, Role};
use crate::{Address, Client, Key, Pipe, Process, Sender, current_process};

const FRIENDS: u64 = 7;
/// Far longer than anything takes that is served.
const PATIENCE: Duration = Duration::from_secs(60);
const LIST_LENGTH: i64 = 32;
/// The request's place among all.
const PUBLISH: u8 = 5;

/// Seven that work, and one that means harm.
pub fn clients(budget: Budget, progress: &Progress) -> Report {
    let time = Duration::from_secs(budget.of(1, 1, 20));
    progress.expect(FRIENDS + 1);
    match soak(time, budget.seed, progress) {
        Ok(report) => report,
        Err(why) => Report::holds(0, 0, 0).fails(why.to_string()),
    }
}

fn soak(time: Duration, seed: u64, progress: &Progress) -> Fallible<Report> {
    let manager = Manager::builder()
        .address("127.0.0.1:0".parse::<Address>()?)
        .start()?;
    let address = manager.address()?.ok_or("it listens nowhere")?;
    let count = manager.list([0i64])?;
    let lock = manager.lock()?;
    manager.publish("count", &count)?;
    manager.publish("lock", &lock)?;
    let objects = manager.count_objects()?;

    let (counted, sender) = Pipe::one_way::<u64>()?;
    let (attacked, attacks) = Pipe::one_way::<u64>()?;
    let time_ms = time.as_millis() as u64;
    let mut clients: Vec<Process> = (0..FRIENDS)
        .map(|_| Process::new(work, (address.clone(), time_ms, sender.clone())))
        .collect();
    clients.push(Process::new(attack, (address, time_ms, seed, attacks)));
    clients.iter().try_for_each(Process::start)?;
    drop(sender);
    let mut unserved = 0;
    for client in &clients {
        match client.join_timeout(time + PATIENCE)? {
            Some(0) => {}
            Some(code) => return Err(format!("{client:?} ended with {code}").into()),
            None => {
                unserved += 1;
                client.kill()?;
            }
        }
        progress.advance(1);
    }
    if unserved > 0 {
        return Err(format!("{unserved} clients were kept waiting").into());
    }
    let sums: Vec<u64> = counted.iter().collect::<Result<_, _>>()?;
    let sum: u64 = sums.iter().sum();
    let report = Report::holds(attacked.recv()?, sum, 0);
    if count.get(0)? != sum as i64 {
        return Ok(report.fails(format!("{sum} were counted, and {} is told", count.get(0)?)));
    }
    if let Some(left) = left_behind(&manager, objects)? {
        return Ok(report.fails(format!("{left} objects are left of {objects}")));
    }
    if sums.len() as u64 != FRIENDS || sums.contains(&0) || report.cases == 0 {
        return Ok(report.fails("blind: someone did nothing"));
    }
    Ok(report)
}

/// How many objects there are in the end, if there are not to be so many. Each question is a round of the server's, in
/// which it also takes what others left behind.
fn left_behind(manager: &Manager, objects: usize) -> Fallible<Option<usize>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match manager.count_objects()? {
            left if left == objects => return Ok(None),
            left if Instant::now() > deadline => return Ok(Some(left)),
            _ => std::thread::yield_now(),
        }
    }
}

/// One that works, once at least. Returns an error if an answer is wrong.
fn work(address: Address, time_ms: u64, counted: Sender<u64>) -> crate::Result<()> {
    let begun = Instant::now();
    let manager = Manager::connect(address, current_process().authkey()?)?;
    let count: ListProxy<i64> = manager.find("count")?;
    let lock: LockProxy = manager.find("lock")?;
    let own = manager.list::<i64>([])?;
    let mut done = 0;
    loop {
        let held = lock.lock()?;
        count.set(0, count.get(0)? + 1)?;
        drop(held);
        own.append(done)?;
        assert_eq!(own.get(-1)?, done);
        done += 1;
        if done > LIST_LENGTH {
            assert_eq!(own.pop_at(0)?, done - LIST_LENGTH - 1);
        }
        if begun.elapsed() >= Duration::from_millis(time_ms) {
            break;
        }
    }
    counted.send(&(done as u64))?;
    Ok(())
}

/// One that sends whatever it likes, as a stranger, with a wrong key, and with the right one.
fn attack(address: Address, time_ms: u64, seed: u64, told: Sender<u64>) -> crate::Result<()> {
    let begun = Instant::now();
    let mut dice = Dice::new(seed);
    let key = current_process().authkey()?;
    let Address::Tcp(port) = address else {
        unreachable!("it was bound to a port");
    };
    let mut attacks = 0;
    let mut silent = Vec::new();
    while attacks == 0 || begun.elapsed() < Duration::from_millis(time_ms) {
        match dice.below(6) {
            0 => silent.extend(TcpStream::connect(port).ok()),
            1 => blurt(port, &bytes(&mut dice, 200)),
            2 => {
                let nonce = std::array::from_fn(|_| dice.roll() as u8);
                let greeting = Handshake::new(Role::Client, Some(key.clone()), nonce).take_output();
                blurt(port, &[greeting, bytes(&mut dice, 100)].concat());
            }
            3 => {
                let another = Key::new(bytes(&mut dice, 40)).ok();
                let refused = Client::connect(port, another).is_err();
                assert!(refused, "another key, or none, opens the door");
            }
            4 => misbehave(&Client::connect(port, Some(key.clone()))?, &mut dice),
            _ => {
                // As a client begins: a session, a line of it, and then anything.
                let session = dice.below(128) as u8;
                let life = Client::connect(port, Some(key.clone()))?;
                let _ = life.send_frame(&[&[0, session]]);
                let line = Client::connect(port, Some(key.clone()))?;
                let _ = line.send_frame(&[&[1 + dice.below(2) as u8, session]]);
                misbehave(&line, &mut dice);
                misbehave(&life, &mut dice);
            }
        }
        attacks += 1;
        if silent.len() > 20 {
            silent.clear();
        }
    }
    told.send(&attacks)?;
    Ok(())
}

/// Sends anything, and goes.
fn blurt(port: SocketAddr, bytes: &[u8]) {
    if let Ok(mut stream) = TcpStream::connect(port) {
        let _ = stream.write_all(bytes); // it may have been hung up on already
    }
}

/// Sends messages that mean little, and waits for none of their answers.
fn misbehave(connection: &NetConnection, dice: &mut Dice) {
    for _ in 0..dice.below(4) {
        let message = bytes(dice, 60);
        // Which kind of request it is, is its first byte. None gives a name: what has one is rightly left.
        let kind = Some(dice.below(12) as u8).filter(|kind| *kind != PUBLISH);
        let kind = kind.unwrap_or_default();
        let _ = match dice.below(4) {
            0 => connection.send_frame(&[&[kind], &message]),
            1 => connection.send_frame(&[&[kind, dice.below(4) as u8], &message]),
            2 => connection.send_frame(&[&[kind]]),
            _ => connection.send_bytes(&message),
        };
    }
}

fn bytes(dice: &mut Dice, most: u64) -> Vec<u8> {
    let length = 1 + dice.below(most);
    let small = dice.below(2) == 0;
    let byte = |dice: &mut Dice| match small {
        true => dice.below(8) as u8,
        false => dice.roll() as u8,
    };
    (0..length).map(|_| byte(dice)).collect()
}
