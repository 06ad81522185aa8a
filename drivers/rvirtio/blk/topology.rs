// SPDX-License-Identifier: GPL-2.0

//! A device's hints for sizes and alignment of requests. Tested on the host.

/// A device's hints for sizes and alignment, in logical blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Topology {
    /// Logical blocks in a physical block, as an exponent of 2.
    pub(crate) physical_block_exp: u8,
    /// The first logical block at the beginning of a physical block.
    pub(crate) alignment_offset: u8,
    /// The smallest efficient size.
    pub(crate) min_io_size: u16,
    /// The best size.
    pub(crate) opt_io_size: u32,
}

/// Hints in bytes; 0 for no hint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    pub(crate) physical_block_size: u32,
    pub(crate) alignment_offset: u32,
    pub(crate) io_min: u32,
    pub(crate) io_opt: u32,
    /// Whether hints were ignored, because they do not fit into 32 bits.
    pub(crate) ignored: bool,
}

impl Topology {
    /// Converts the hints to bytes, for logical blocks of `block` bytes.
    pub(crate) fn hints(&self, block: u32) -> Hints {
        let mut ignored = false;
        let mut hint = |blocks: Option<u32>| {
            let bytes = blocks.and_then(|blocks| block.checked_mul(blocks));
            ignored |= bytes.is_none();
            bytes.unwrap_or(0)
        };
        Hints {
            physical_block_size: hint(1u32.checked_shl(self.physical_block_exp.into())),
            alignment_offset: hint(Some(self.alignment_offset.into())),
            io_min: hint(Some(self.min_io_size.into())),
            io_opt: hint(Some(self.opt_io_size)),
            ignored,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_in_blocks() {
        let topology = Topology {
            physical_block_exp: 2,
            alignment_offset: 1,
            min_io_size: 8,
            opt_io_size: 16,
        };
        let expected = Hints {
            physical_block_size: 16384,
            alignment_offset: 4096,
            io_min: 32768,
            io_opt: 65536,
            ignored: false,
        };
        assert_eq!(topology.hints(4096), expected);
    }

    #[test]
    fn hints_that_overflow_are_left_out() {
        let topology = Topology {
            physical_block_exp: 255,
            alignment_offset: 0,
            min_io_size: 1,
            opt_io_size: u32::MAX,
        };
        let expected = Hints {
            io_min: 512,
            ignored: true,
            ..Hints::default()
        };
        assert_eq!(topology.hints(512), expected);
    }
}
