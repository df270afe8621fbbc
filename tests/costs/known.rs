//! That the counts are right: of calls whose every instruction is known.

use std::arch::asm;

use forkproof::shm::Shared;
use forkproof::{Array, Process, Sender};
use nix::libc::SYS_getppid;

use crate::cost::Cost;
use crate::operations::Call;
use crate::traced::boss::{self, News};
use crate::walk::cost;

#[test]
fn what_is_known_is_counted() {
    let outcome = boss::hear("known costs", |teller| Process::new(count, (teller,)));
    let outcome = outcome.unwrap_or_else(|why| panic!("{why}"));
    let Some(all) = outcome.or_say("known costs") else {
        return;
    };
    let [nothing, work, calls, lines, copy] = all[..] else {
        panic!("five were to be counted: {all:?}");
    };
    assert_eq!((nothing.system_calls, nothing.cache_lines), (0, 0));
    assert_eq!((work.system_calls, work.cache_lines), (0, 0));
    assert_eq!(work.instructions, nothing.instructions + 5);
    assert_eq!((calls.system_calls, calls.cache_lines), (2, 0));
    assert_eq!((lines.system_calls, lines.cache_lines), (0, 3));
    assert_eq!((copy.system_calls, copy.cache_lines), (0, 4));
    assert!(copy.instructions < nothing.instructions + 200, "{copy:?}");
}

fn count(teller: Sender<News<Cost>>) {
    let known: [fn() -> Call; 5] = [
        || Box::new(|| ()),
        || Box::new(work),
        || Box::new(call_twice),
        || {
            let shared = Array::<u64>::new(64).expect("memory");
            Box::new(move || touch(shared.block().address()))
        },
        || {
            let shared = Array::<u64>::new(64).expect("memory");
            Box::new(move || copy(shared.block().address()))
        },
    ];
    boss::work(&teller, |tell| {
        for set_up in known {
            tell(News::Found(cost(set_up)?));
        }
        Ok(())
    });
}

fn work() {
    // SAFETY: does nothing.
    unsafe { asm!("nop", "nop", "nop", "nop", "nop", options(nomem, nostack)) }
}

fn call_twice() {
    for _ in 0..2 {
        // SAFETY: getppid(2) takes nothing; a system call spoils two registers.
        unsafe {
            asm!("syscall", inout("rax") SYS_getppid => _, out("rcx") _, out("r11") _);
        }
    }
}

/// Reads in the first line and writes in the second, and then reads what lies in the second and the third.
fn touch(first_line: usize) {
    // SAFETY: within a block of 512 bytes and more, of which no one else knows.
    unsafe {
        asm!(
            "mov {byte:l}, [{at}]",
            "mov [{at} + 100], {byte:l}",
            "mov {byte}, [{at} + 124]",
            at = in(reg) first_line,
            byte = out(reg) _,
        );
    }
}

/// Writes 200 bytes of four lines by one instruction.
fn copy(first_line: usize) {
    let bytes = [0u8; 200];
    // SAFETY: as in touch(); and within the bytes.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") bytes.len() => _,
            inout("rsi") bytes.as_ptr() => _,
            inout("rdi") first_line + 40 => _,
        );
    }
}
