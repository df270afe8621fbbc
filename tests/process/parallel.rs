//! Many at once, from many threads, beside the other tests of this binary.

use forkproof::{ExitCode, Process, Value};

use crate::wire::in_child;

fn add(total: Value<i64>, amount: i64) {
    // What hangs in a fork of a program with threads: standard output's lock, a new thread, the environment.
    print!("");
    assert!(std::env::var_os("PATH").is_some());
    let amount = std::thread::spawn(move || amount).join().unwrap();
    total.update(|total| *total += amount).unwrap();
}

fn many(threads: i64, each: i64) {
    let total = Value::new(0_i64).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let total = &total;
            scope.spawn(move || {
                for n in 0..each {
                    println!("noise");
                    let p = Process::new(add, (total.clone(), thread * each + n));
                    p.start().unwrap();
                    assert_eq!(p.join().unwrap(), 0);
                }
            });
        }
    });
    let count = threads * each;
    assert_eq!(total.get().unwrap(), count * (count - 1) / 2);
}

#[test]
fn eight_threads_start_two_hundred() {
    many(8, 25);
}

#[test]
fn another_test_does_so_beside_it() {
    many(4, 25);
}

#[test]
fn two_hundred_run_at_once() {
    let total = Value::new(0_i64).unwrap();
    let all: Vec<_> = (0..200)
        .map(|n| Process::new(add, (total.clone(), n)))
        .collect();
    for p in &all {
        p.start().unwrap();
    }
    for p in &all {
        assert_eq!(p.join().unwrap(), 0);
    }
    assert_eq!(total.get().unwrap(), 199 * 200 / 2);
}

#[test]
fn children_have_children_four_deep() {
    fn tree(depth: u8) -> ExitCode {
        if depth == 0 {
            return ExitCode(1);
        }
        let below = [(); 2].map(|()| {
            let p = Process::new(tree, (depth - 1,));
            p.start().unwrap();
            p
        });
        ExitCode(below.iter().map(|p| p.join().unwrap() as u8).sum())
    }
    let p = Process::new(tree, (4,));
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), 16);
}

#[test]
fn threads_of_a_child_start_processes() {
    in_child(|| many(4, 5), ());
}
