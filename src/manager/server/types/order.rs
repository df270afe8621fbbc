//! Sorting where the order may turn out not to exist.

use std::cmp::Ordering;

use crate::manager::item::{Item, NoOrder};

/// Sorts; equals stay in their order. If two have no order, nothing is moved. (The standard library's sort asks for a
/// total order, which NaN does not have.)
pub fn sort(items: &mut Vec<Item>, reverse: bool) -> Result<(), NoOrder> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    let mut spare = order.clone();
    let comes_later = |one: usize, other: usize| -> Result<bool, NoOrder> {
        let (one, other): (&Item, &Item) = (&items[one], &items[other]);
        let wrong = if reverse {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        Ok(one.compare(other)? == wrong)
    };
    let mut run = 1;
    while run < order.len() {
        for start in (0..order.len()).step_by(2 * run) {
            let middle = (start + run).min(order.len());
            let end = (start + 2 * run).min(order.len());
            let (mut left, mut right) = (start, middle);
            for place in &mut spare[start..end] {
                let take_right =
                    left == middle || right < end && comes_later(order[left], order[right])?;
                let from = if take_right { &mut right } else { &mut left };
                *place = order[*from];
                *from += 1;
            }
        }
        std::mem::swap(&mut order, &mut spare);
        run *= 2;
    }
    let mut unsorted: Vec<Item> = std::mem::take(items);
    *items = order
        .into_iter()
        .map(|place| std::mem::take(&mut unsorted[place]))
        .collect();
    Ok(())
}
