//! Where this code lies: the program's image, which a child by re-execution has too, at another address.
//!
//! A function travels between processes of one program as its offset from the image's first byte. That is
//! sound only where this code is part of the main executable: a plug-in's host would be started again in
//! the place of our code, so [`check`] refuses there.
//!
//! Sources: getauxval(3), proc_pid_maps(5), elf(5); `__ehdr_start`, `_end` and the bounds of the array of
//! initialisers are symbols that GNU ld and lld define in every image.

use std::ffi::{OsString, c_char, c_int};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::child::Entry;

/// What the loader calls before main: glibc passes main's arguments.
pub type Initialiser = extern "C" fn(c_int, *const *const c_char, *const *const c_char);

unsafe extern "C" {
    static __ehdr_start: u8;
    static _end: u8;
    static __init_array_start: Option<Initialiser>;
    static __init_array_end: Option<Initialiser>;
}

/// Whether this program can be started again as itself.
///
/// # Errors
/// This code is in a shared library, or the program was started through another one (the dynamic loader
/// by name, an emulator), so that `/proc/self/exe` is not it.
pub fn check() -> io::Result<()> {
    if !in_main_executable() {
        return Err(refusal(
            "forkproof is in a shared library here: processes can be started from a program's own \
             executable only",
        ));
    }
    let program = std::fs::read_link("/proc/self/exe")?;
    let ours = file_mapped_at(start())?;
    if ours.as_ref() != Some(&program) {
        return Err(refusal(&format!(
            "this program runs inside another one ({}), which cannot be started again in its place",
            program.display()
        )));
    }
    Ok(())
}

/// Whether this image is the one that the kernel was told to run: the kernel's word of where the program's
/// headers are agrees with our own.
pub fn in_main_executable() -> bool {
    const PHOFF: usize = 32; // e_phoff of a 64-bit header
    // SAFETY: an image starts with its ELF header, 64 bytes, mapped and aligned to a page.
    let headers = unsafe { ((start() + PHOFF) as *const u64).read() } as usize;
    // SAFETY: getauxval reads what the kernel left at the start.
    let told = unsafe { libc::getauxval(libc::AT_PHDR) } as usize;
    told == start() + headers
}

/// A function as its offset.
///
/// # Errors
/// The function is in a shared library, so its place says nothing about another process.
pub fn offset_of(entry: Entry) -> io::Result<u64> {
    offset_of_code(entry as *const ())
}

/// A function of any type as its offset.
///
/// # Errors
/// As [`offset_of`].
pub fn offset_of_code(code: *const ()) -> io::Result<u64> {
    let address = code as usize;
    if address < start() || address >= end() {
        return Err(refusal(
            "the target lies in a shared library: only functions of the program itself can be started",
        ));
    }
    Ok((address - start()) as u64)
}

/// The function at an offset.
///
/// # Safety
/// The offset came from [`offset_of`] in a process of this same image.
pub unsafe fn entry_at(offset: u64) -> Entry {
    // SAFETY: the caller's promise: an Entry stands there.
    unsafe { std::mem::transmute::<*const (), Entry>(code_at(offset)) }
}

/// Where the function is that is at an offset: a function, if the offset came from [`offset_of_code`] in a process of
/// this same image.
pub fn code_at(offset: u64) -> *const () {
    (start() + offset as usize) as *const ()
}

/// An offset that no other copy of this crate in the same program has.
pub fn offset_of_initialiser(own: Initialiser) -> usize {
    own as *const () as usize - start()
}

/// Calls what stands behind `own` in the array of initialisers, as the loader would have after it: a
/// process that never comes back to the loader still finds all that main would have found.
pub fn run_initialisers_behind(
    own: Initialiser,
    count: c_int,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) {
    let end = &raw const __init_array_end;
    let mut at = &raw const __init_array_start;
    let mut behind = false;
    while at < end {
        // SAFETY: from start to end the array holds one word an initialiser, 0 where there is none.
        let initialiser = unsafe { at.read() };
        // SAFETY: `at` is before the end, so one past it is at most the end.
        at = unsafe { at.add(1) };
        let Some(initialiser) = initialiser else {
            continue;
        };
        let address = initialiser as *const () as usize;
        if behind && address != usize::MAX {
            initialiser(count, arguments, environment); // usize::MAX: an old linker's end mark
        }
        behind |= address == own as *const () as usize;
    }
}

fn start() -> usize {
    (&raw const __ehdr_start) as usize
}

fn end() -> usize {
    (&raw const _end) as usize
}

/// The file that is mapped at an address, as the kernel names it.
fn file_mapped_at(address: usize) -> io::Result<Option<PathBuf>> {
    let maps = std::fs::read("/proc/self/maps")?;
    for line in maps.split(|byte| *byte == b'\n') {
        // addresses, permissions, offset, device, inode; then blanks and the path, if there is one
        let mut fields = line.splitn(6, |byte| *byte == b' ');
        let Some((from, to)) = fields.next().and_then(range_of) else {
            continue;
        };
        if address < from || address >= to {
            continue;
        }
        let path = fields.nth(4).unwrap_or_default().trim_ascii_start();
        return Ok((!path.is_empty()).then(|| path_of(path)));
    }
    Ok(None)
}

fn range_of(field: &[u8]) -> Option<(usize, usize)> {
    let (from, to) = std::str::from_utf8(field).ok()?.split_once('-')?;
    let bound = |text| usize::from_str_radix(text, 16).ok();
    Some((bound(from)?, bound(to)?))
}

/// The kernel writes a newline within a path as `\012`, and nothing else so.
fn path_of(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, behind)) = rest.split_first() {
        let newline = rest.strip_prefix(b"\\012");
        path.push(if newline.is_some() { b'\n' } else { *byte });
        rest = newline.unwrap_or(behind);
    }
    PathBuf::from(OsString::from_vec(path))
}

fn refusal(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(_: &[u8], _: Vec<std::os::fd::OwnedFd>) -> i32 {
        42
    }

    #[test]
    fn a_test_binary_is_its_own_program() {
        check().unwrap();
    }

    #[test]
    fn an_address_of_a_shared_library_is_told_from_the_program() {
        let program = std::fs::read_link("/proc/self/exe").unwrap();
        let library = file_mapped_at(libc::getpid as *const () as usize)
            .unwrap()
            .unwrap();
        assert_ne!(library, program);
        assert_eq!(file_mapped_at(start()).unwrap().unwrap(), program);
        assert_eq!(path_of(b"/a b\\012c\\013"), PathBuf::from("/a b\nc\\013"));
        assert_eq!(file_mapped_at(1).unwrap(), None);
    }

    #[test]
    fn a_function_survives_the_way_through_its_offset() {
        let offset = offset_of(entry).unwrap();
        // SAFETY: from offset_of, in this very process.
        let same = unsafe { entry_at(offset) };
        assert_eq!(same(&[], Vec::new()), 42);
    }
}
