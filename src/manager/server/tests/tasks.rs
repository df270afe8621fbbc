//! Tasks of a queue: joined, and a dead caller's.

use super::*;

#[test]
fn tasks_are_waited_for() {
    let mut stage = stage();
    let queue = stage.make("JoinableQueue", NONE);
    assert_eq!(stage.call(A, queue, "join", ()), told(&[(A, "True")]));
    stage.call(A, queue, "put", (1,));
    assert_eq!(stage.call(A, queue, "join", ()), NOBODY);
    assert_eq!(stage.call(B, queue, "join", (1,)), NOBODY);
    assert_eq!(stage.after_s(1), told(&[(B, "False")]));
    stage.call(B, queue, "get", ());
    assert_eq!(
        stage.call(B, queue, "task_done", ()),
        told(&[(A, "True"), (B, "None")])
    );
    assert_eq!(
        stage.call(B, queue, "task_done", ()),
        told(&[(B, "ValueError")])
    );
}

#[test]
fn a_dead_ones_tasks_are_told_and_written_off() {
    let mut stage = stage();
    let queue = stage.make("JoinableQueue", NONE);
    for number in 1..=4 {
        stage.call(C, queue, "put", (number,));
    }
    for _ in 0..2 {
        stage.call(A, queue, "get", ());
    }
    stage.call(B, queue, "get", ());
    assert_eq!(stage.call(C, queue, "join", ()), NOBODY);
    let one_died = (C, "WorkerDied");
    assert_eq!(stage.dies(A, true), told(&[one_died]), "one was unread");
    assert_eq!(stage.call(C, queue, "join", ()), told(&[one_died]));
    assert_eq!(stage.call(C, queue, "write_off", ()), told(&[(C, "1")]));
    assert_eq!(stage.call(C, queue, "write_off", ()), told(&[(C, "0")]));
    assert_eq!(stage.call(C, queue, "join", ()), NOBODY);
    for answer in ["2", "4"] {
        assert_eq!(stage.call(B, queue, "get", ()), told(&[(B, answer)]));
        stage.call(B, queue, "task_done", ());
    }
    assert_eq!(
        stage.call(B, queue, "task_done", ()),
        told(&[(C, "True"), (B, "None")])
    );
}
