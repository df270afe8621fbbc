//! More bytes that go through one queue.

use super::Growth;
use crate::queues::streamed;
use crate::streams::{Ahead, OurBytes, Ours};

const MIB: u64 = 1 << 20;
const MESSAGE: usize = 4 << 10;

pub fn growth() -> Growth {
    Growth {
        name: "queue",
        title: "What a message costs does not grow with what has gone through the queue",
        of: "bytes through a queue with room for 1 MiB, the first of them to new memory",
        numbers: (0..=5).map(|power| MIB << (2 * power)).collect(),
        written: |bytes| match bytes / MIB {
            1_024 => "1 GiB".to_owned(),
            mib => format!("{mib} MiB"),
        },
        lines: &["Queue: put and get, 4 KiB", "ByteQueue: the same"],
        measure: Box::new(|bytes| {
            let messages = bytes as usize / MESSAGE;
            vec![
                streamed::<Ours>(MESSAGE, messages, Ahead::Far)(),
                streamed::<OurBytes>(MESSAGE, messages, Ahead::Far)(),
            ]
        }),
    }
}
