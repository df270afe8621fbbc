//! What an instruction of x86-64 does: whether it calls the kernel, and what it reads and writes.

use std::io;

use iced_x86::{
    Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register,
};
use nix::libc::user_regs_struct;

/// The longest that there is, in bytes.
pub const LONGEST: usize = 15;

/// An instruction at its place.
#[derive(Clone, Copy)]
pub struct Decoded(Instruction);

/// Bytes that an instruction reads or writes: the first, and the one behind the last.
pub type Range = std::ops::Range<u64>;

impl Decoded {
    /// # Errors
    /// These bytes are no instruction.
    pub fn of(code: &[u8], at: u64) -> io::Result<Decoded> {
        let instruction = Decoder::with_ip(64, code, at, DecoderOptions::NONE).decode();
        match instruction.is_invalid() {
            true => Err(io::Error::other(format!("no instruction: {code:x?}"))),
            false => Ok(Decoded(instruction)),
        }
    }

    pub fn enters_the_kernel(&self) -> bool {
        let doors = [Mnemonic::Syscall, Mnemonic::Sysenter, Mnemonic::Int];
        doors.contains(&self.0.mnemonic())
    }

    /// `rep movs` and the like: each of its rounds is a step of its own for ptrace(2).
    pub fn repeats(&self) -> bool {
        self.0.is_string_instruction() && (self.0.has_rep_prefix() || self.0.has_repne_prefix())
    }

    /// What it is about to read and write: of one that repeats, in this round.
    ///
    /// # Errors
    /// Its addresses are in registers that are not known here.
    pub fn memory(
        &self,
        info: &mut InstructionInfoFactory,
        registers: &user_regs_struct,
    ) -> io::Result<Vec<Range>> {
        let used = info.info(&self.0).used_memory();
        let touched = used
            .iter()
            .filter(|it| it.access() != OpAccess::NoMemAccess);
        touched
            .map(|it| {
                let of = |register, _, _| value(register, registers);
                let from = it.virtual_address(0, of);
                let from = from.ok_or_else(|| io::Error::other(format!("addresses of {it:?}")))?;
                Ok(from..from + it.memory_size().size() as u64)
            })
            .collect()
    }
}

/// Of a register that addresses are made of.
fn value(register: Register, registers: &user_regs_struct) -> Option<u64> {
    let whole = match register.full_register() {
        Register::RAX => registers.rax,
        Register::RBX => registers.rbx,
        Register::RCX => registers.rcx,
        Register::RDX => registers.rdx,
        Register::RSI => registers.rsi,
        Register::RDI => registers.rdi,
        Register::RBP => registers.rbp,
        Register::RSP => registers.rsp,
        Register::R8 => registers.r8,
        Register::R9 => registers.r9,
        Register::R10 => registers.r10,
        Register::R11 => registers.r11,
        Register::R12 => registers.r12,
        Register::R13 => registers.r13,
        Register::R14 => registers.r14,
        Register::R15 => registers.r15,
        Register::FS => registers.fs_base,
        Register::GS => registers.gs_base,
        Register::CS | Register::DS | Register::ES | Register::SS => 0,
        _ => return None,
    };
    Some(if register.is_gpr32() {
        u64::from(whole as u32)
    } else {
        whole
    })
}
