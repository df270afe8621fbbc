//! Clients that come for something different each time.

use super::{Facts, NO_ONE, Objects, SEATS, SHELF};
use crate::Value;
use crate::explore::dice::Dice;
use crate::manager::{Acquired, ListProxy};
use crate::verify::crew::Line;
use crate::verify::{Fallible, pace};

/// Most references that one holds at a time, and appends that its list keeps.
const HELD: usize = 6;
const KEPT: usize = 32;

pub fn visit(visitor: usize, objects: &Objects, facts: &Facts, line: &mut Line) -> Fallible {
    let mut dice = Dice::new(line.moves() ^ (visitor as u64) << 32);
    take_stock(visitor, objects, facts, line)?;
    let mut held = Vec::new();
    while !line.is_stopped() {
        match dice.below(6) {
            0 => lock(visitor, objects, facts, line, pace::dawdle(&mut dice, 400))?,
            1 => lock_twice(visitor, objects, facts, line, pace::dawdle(&mut dice, 400))?,
            2 => sit(objects, line, pace::dawdle(&mut dice, 400))?,
            3 => refer(objects, &mut held, &mut dice, line)?,
            _ => append(visitor, objects, facts, line)?,
        }
        line.moved();
    }
    Ok(())
}

fn lock(
    visitor: usize,
    objects: &Objects,
    facts: &Facts,
    line: &mut Line,
    dawdle: impl Fn(),
) -> Fallible {
    line.about_to("lock.acquire");
    let acquired = objects.lock.acquire()?;
    enter(visitor, acquired, &facts.inside[0], line, dawdle)?;
    line.about_to("lock.release");
    Ok(objects.lock.release()?)
}

fn lock_twice(
    visitor: usize,
    objects: &Objects,
    facts: &Facts,
    line: &mut Line,
    dawdle: impl Fn(),
) -> Fallible {
    line.about_to("rlock.acquire");
    let outer = objects.rlock.lock()?;
    let inner = objects.rlock.lock()?;
    enter(visitor, outer.acquired(), &facts.inside[1], line, dawdle)?;
    line.about_to("rlock.release");
    drop(inner);
    match objects.rlock.is_locked()? {
        true => Ok(()),
        false => Err("of two levels, the inner one gave the lock back".into()),
    }
}

/// With the lock: no one else is inside, but for one that died there.
fn enter(
    visitor: usize,
    acquired: Acquired,
    inside: &Value<usize>,
    line: &mut Line,
    dawdle: impl Fn(),
) -> Fallible {
    match (acquired, inside.get_unlocked()) {
        (Acquired::Clean, NO_ONE) => {}
        (Acquired::Clean, other) => {
            return Err(format!("visitor {other} was not out, and no death was told").into());
        }
        (Acquired::OwnerDied, _) => line.met_a_death(),
    }
    inside.set_unlocked(visitor);
    dawdle();
    let now = inside.get_unlocked();
    if now != visitor {
        return Err(format!("{now} came in beside visitor {visitor}").into());
    }
    inside.set_unlocked(NO_ONE);
    Ok(())
}

fn sit(objects: &Objects, line: &Line, dawdle: impl Fn()) -> Fallible {
    line.about_to("semaphore.acquire");
    objects.seats.acquire()?;
    dawdle();
    line.about_to("semaphore.release");
    Ok(objects.seats.release()?)
}

/// One reference more, or some less.
fn refer(
    objects: &Objects,
    held: &mut Vec<ListProxy<u64>>,
    dice: &mut Dice,
    line: &Line,
) -> Fallible {
    if held.len() > dice.below(HELD as u64) as usize {
        line.about_to("releasing a reference");
        held.swap_remove(0);
        return Ok(());
    }
    let number = dice.below(SHELF as u64);
    line.about_to("shelf.get");
    let list = objects.shelf.get(number as isize)?;
    if list.get(0)? != number {
        return Err(format!("list {number} of the shelf is another").into());
    }
    held.push(list.clone());
    held.push(list);
    Ok(())
}

fn append(visitor: usize, objects: &Objects, facts: &Facts, line: &Line) -> Fallible {
    let list = &objects.lists[visitor];
    let number = facts.acknowledged.get_unlocked(visitor)? + 1;
    facts.begun.set_unlocked(visitor, number)?;
    line.about_to("list.append");
    list.append(number)?;
    facts.acknowledged.set_unlocked(visitor, number)?;
    line.about_to("dict.insert");
    objects.book.insert(visitor, number)?;
    if objects.book.get(&visitor)? != Some(number) {
        return Err(format!("the book does not say {number} of visitor {visitor}").into());
    }
    if number.is_multiple_of(KEPT as u64) {
        take_stock(visitor, objects, facts, line)?;
    }
    Ok(())
}

/// The list has each append once, to the last that was acknowledged, and perhaps one more that was begun; the book has
/// the last, or the one before it.
fn take_stock(visitor: usize, objects: &Objects, facts: &Facts, line: &Line) -> Fallible {
    line.about_to("list.to_vec");
    let list = objects.lists[visitor].to_vec()?;
    let last = list.last().copied().unwrap_or(0);
    let acknowledged = facts.acknowledged.get_unlocked(visitor)?;
    let begun = facts.begun.get_unlocked(visitor)?;
    let is_row = list.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    if !is_row || !(acknowledged..=begun).contains(&last) {
        return Err(format!(
            "visitor {visitor} appended to {acknowledged}, and had begun {begun}: {list:?}"
        )
        .into());
    }
    facts.acknowledged.set_unlocked(visitor, last)?;
    let book = objects.book.get(&visitor)?.unwrap_or(0);
    if book + 1 == last {
        // It was killed between the two.
        objects.book.insert(visitor, last)?;
    } else if book != last {
        return Err(format!("visitor {visitor} wrote {last} in the book: {book}").into());
    }
    if list.len() > KEPT {
        line.about_to("list.delete_slice");
        let most = list.len() - KEPT;
        objects.lists[visitor].delete_slice(None, Some(most as isize))?;
    }
    Ok(())
}

/// In the end.
pub fn judge(objects: &Objects, facts: &Facts) -> Fallible {
    if objects.lock.try_acquire()?.is_none() || objects.rlock.try_acquire()?.is_none() {
        return Err("a lock is held, though all have ended".into());
    }
    let seats = objects.seats.value()?;
    if seats != SEATS {
        return Err(format!("{seats} of {SEATS} seats are at home").into());
    }
    for (visitor, list) in objects.lists.iter().enumerate() {
        let last = list.to_vec()?.last().copied().unwrap_or(0);
        let acknowledged = facts.acknowledged.get_unlocked(visitor)?;
        if last != acknowledged {
            return Err(format!("visitor {visitor} appended {acknowledged}, not {last}").into());
        }
    }
    Ok(())
}
