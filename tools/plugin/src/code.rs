// SPDX-License-Identifier: GPL-2.0

//! What little of x86 machine code the plugin knows.

/// Displacement of the marker instruction: nothing but our own program contains it.
pub const MARKER: u32 = 0x7672_6d6b;

/// Whether it is the marker, `nopl MARKER(%rax)`: an instruction without effect, by which a program in
/// the guest asks for a snapshot.
pub fn is_marker(code: &[u8]) -> bool {
    matches!(code, [0x0f, 0x1f, 0x80, displacement @ ..] if displacement == MARKER.to_le_bytes())
}

/// Whether it accesses an I/O port (`in`, `out`, `ins`, `outs`).
pub fn is_port_access(code: &[u8]) -> bool {
    // Operand size, repeat and REX prefixes.
    let opcode = code.iter().find(|byte| !matches!(byte, 0x66 | 0x67 | 0xf2 | 0xf3 | 0x40..=0x4f));
    matches!(opcode, Some(0x6c..=0x6f | 0xe4..=0xe7 | 0xec..=0xef))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marker() {
        assert!(is_marker(&[0x0f, 0x1f, 0x80, 0x6b, 0x6d, 0x72, 0x76]));
        // The same instruction with the displacement that compilers pad with.
        assert!(!is_marker(&[0x0f, 0x1f, 0x80, 0, 0, 0, 0]));
        assert!(!is_marker(&[0x0f, 0x1f, 0x80]));
        assert!(!is_marker(&[]));
    }

    #[test]
    fn port_accesses() {
        // in (%dx),%al; rep insw; outl %eax,(%dx); out %al,$0x80
        for code in [&[0xec][..], &[0xf3, 0x66, 0x6d], &[0xef], &[0xe6, 0x80]] {
            assert!(is_port_access(code), "{code:x?}");
        }
        // ret; mov %rdx,%rax; in's opcode as second byte of another instruction
        for code in [&[0xc3][..], &[0x48, 0x89, 0xd0], &[0x0f, 0xec, 0xc1]] {
            assert!(!is_port_access(code), "{code:x?}");
        }
    }
}
