// SPDX-License-Identifier: GPL-2.0

//! Memory of user space that a device writes received frames to.

use crate::bindings;
use core::ptr::NonNull;
use rvirtio::Segment;

/// A buffer out of the memory that a socket has lent.
///
/// The memory stays user space's, which can write to it at any time, and can lend the same bytes twice. So
/// what is in it is only copied, as what a device could still be writing. Whatever is done with a buffer is
/// done by the [`XskRx`](crate::XskRx) that it is of: if that is gone, the value is of no use any more. A
/// buffer that is dropped is lost to the socket.
///
/// # Invariants
///
/// - As long as the `XskRx` number `id` is there, `xdp` is a buffer of its pool, and counted as one that is out.
/// - The device finds `len` bytes of the buffer at `addr`, for as long as it is out.
#[doc(alias = "xdp_buff_xsk")]
pub struct XskBuf {
    xdp: NonNull<bindings::xdp_buff>,
    addr: u64,
    len: u32,
    id: u32,
}

// SAFETY: It is a pointer which nothing is done with but by the `XskRx` that it is of.
unsafe impl Send for XskBuf {}

impl XskBuf {
    /// # Safety
    ///
    /// As in the type invariant.
    pub(crate) unsafe fn new(
        xdp: NonNull<bindings::xdp_buff>,
        addr: u64,
        len: u32,
        id: u32,
    ) -> Self {
        // INVARIANT: These are the safety requirements.
        Self { xdp, addr, len, id }
    }

    /// Returns the bytes as the device finds them.
    pub(crate) fn segment(&self) -> Segment {
        Segment {
            addr: self.addr,
            len: self.len,
        }
    }

    /// Returns the number of the `XskRx` that it is of.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Returns what the kernel knows it by, which is valid as long as that is there.
    pub(crate) fn xdp(&self) -> NonNull<bindings::xdp_buff> {
        self.xdp
    }

    /// Returns its length in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        self.len
    }
}
