//! A number in shared memory, changed under its lock.

use std::time::Instant;

use crate::cpython;
use crate::table::{Row, Work};

const TIMES: u32 = 1_000_000;

pub fn works() -> Vec<Work> {
    let value = forkproof::Value::new(0i64).expect("there is memory");
    let ours = move || {
        let begun = Instant::now();
        for _ in 0..TIMES {
            value.update(|value| *value += 1).expect("no owner dies");
        }
        begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
    };
    let mut rows = vec![Row::new("forkproof Value", ours)];
    rows.extend(cpython::row(
        "from multiprocessing import Value
value = Value('q', 0)",
        "with value.get_lock(): value.value += 1",
        100_000,
    ));
    vec![Work {
        name: "value, update".to_owned(),
        rows,
    }]
}
