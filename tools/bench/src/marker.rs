// SPDX-License-Identifier: GPL-2.0

//! The program by which the guest tells the plugin that a phase ended.

use rvirtio_plugin::code::MARKER;

/// Where the one segment is loaded: the usual place for programs that are not relocated.
const BASE: u64 = 0x40_0000;
/// Length of an ELF64 file header and of a program header.
const HEADER: u16 = 64;
const PROGRAM_HEADER: u16 = 56;

/// A static x86-64 ELF program: the marker instruction, then `exit(0)`.
pub fn program() -> Vec<u8> {
    let code = code();
    let start = u64::from(HEADER + PROGRAM_HEADER);
    let len = start + code.len() as u64;

    let mut elf = Vec::new();
    // 64 bits, little-endian, version 1, System V.
    elf.extend(b"\x7fELF\x02\x01\x01");
    elf.resize(16, 0);
    let (executable, x86_64, version) = (2_u16, 62_u16, 1_u32);
    elf.extend(executable.to_le_bytes());
    elf.extend(x86_64.to_le_bytes());
    elf.extend(version.to_le_bytes());
    // Entry point, program headers, no section headers.
    for field in [BASE + start, u64::from(HEADER), 0] {
        elf.extend(field.to_le_bytes());
    }
    let flags = 0_u32;
    elf.extend(flags.to_le_bytes());
    // Sizes and numbers of headers; the last three are of sections.
    for field in [HEADER, PROGRAM_HEADER, 1, 0, 0, 0] {
        elf.extend(field.to_le_bytes());
    }

    let (load, read_and_execute) = (1_u32, 5_u32);
    elf.extend(load.to_le_bytes());
    elf.extend(read_and_execute.to_le_bytes());
    // Offset, virtual and physical address, sizes in file and memory, alignment.
    for field in [0, BASE, BASE, len, len, 4096] {
        elf.extend(field.to_le_bytes());
    }
    elf.extend(code);
    elf
}

fn code() -> Vec<u8> {
    // nopl MARKER(%rax)
    let mut code = vec![0x0f, 0x1f, 0x80];
    code.extend(MARKER.to_le_bytes());
    // mov $60,%eax; xor %edi,%edi; syscall
    code.extend([0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05]);
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    #[test]
    fn contains_what_the_plugin_looks_for() {
        assert!(rvirtio_plugin::code::is_marker(&code()[..7]));
    }

    #[test]
    fn runs_and_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        // By another process: a program cannot be executed while a file descriptor can write it, and
        // one of ours may be inherited by what other tests start.
        let script = "cat >marker && chmod +x marker && exec ./marker";
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(dir.path()).stdin(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(&program()).unwrap();
        assert!(shell.wait().unwrap().success());
    }
}
