//! A client that puts into a queue, and one that gets.

use super::{Facts, Objects};
use crate::manager::Kind;
use crate::verify::Fallible;
use crate::verify::crew::Line;

/// No number: the getter is to end.
pub const END: u64 = 0;
/// The one sender.
const PUTTER: usize = 0;

pub fn put(objects: &Objects, facts: &Facts, line: &mut Line) -> Fallible {
    if facts.traffic.take_over(PUTTER)? {
        line.met_a_death();
    }
    while !line.is_stopped() {
        let number = facts.traffic.begin(PUTTER)?;
        line.about_to("queue.put");
        objects.queue.put(number)?;
        facts.traffic.has_sent(PUTTER)?;
        line.moved();
    }
    Ok(())
}

pub fn get(objects: &Objects, facts: &Facts, line: &mut Line) -> Fallible {
    facts.traffic.new_receiver();
    loop {
        line.about_to("queue.get");
        let number = objects.queue.get()?;
        if number != END && facts.traffic.receive(PUTTER, number)? {
            line.met_a_death();
        }
        line.about_to("queue.task_done");
        objects.queue.task_done()?;
        if number == END {
            return Ok(());
        }
        line.moved();
    }
}

/// In the end.
pub fn judge(objects: &Objects, facts: &Facts) -> Fallible {
    // Behind the end may come what was put by one who was slow to stop.
    loop {
        match objects.queue.try_get() {
            Ok(END) => {}
            Ok(number) => {
                facts.traffic.receive(PUTTER, number)?;
            }
            Err(error) if error.kind() == Some(Kind::Empty) => break,
            Err(error) => return Err(error.into()),
        }
        objects.queue.task_done()?;
    }
    facts.traffic.judge()?;
    let mut unfinished = 0;
    while objects.queue.task_done().is_ok() {
        unfinished += 1;
    }
    let dead = facts.traffic.dead_receivers();
    if unfinished > dead {
        return Err(format!("{unfinished} tasks are unfinished, by {dead} getters").into());
    }
    Ok(())
}
