//! Work on as many threads as there are cores.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does some work for each of many, on as many threads as there are cores; the answers are in the order of
/// the questions.
pub fn side_by_side<Q: Send + Sync, A: Send>(
    questions: Vec<Q>,
    work: impl Fn(&Q) -> A + Sync,
) -> Vec<A> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // Relaxed: a ticket; the answers are under a lock.
                while let Some((number, question)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    questions.get(number).map(|question| (number, question))
                } {
                    let answer = work(question);
                    answers
                        .lock()
                        .expect("no one panics here")
                        .push((number, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().expect("no one panicked");
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
