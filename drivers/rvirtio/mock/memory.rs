// SPDX-License-Identifier: GPL-2.0

//! Access of the device to the driver's memory.

use core::ptr;
use kernel::{
    bindings::phys_addr_t,
    ffi::{
        c_int,
        c_void, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

extern "C" {
    fn rvirtio_helper_memset_phys(addr: phys_addr_t, value: c_int, len: usize);
    fn rvirtio_helper_page_is_in_use(addr: phys_addr_t) -> bool;
    fn rvirtio_helper_phys_to_virt(addr: phys_addr_t) -> *mut c_void;
}

/// Memory that the driver shares with the device.
///
/// It is sound to use because core guarantees that the memory exists until the device has confirmed
/// a reset or has returned the buffer. If core violates the guarantee, tests detect it here, on a
/// kernel that checks each access.
///
/// # Invariants
///
/// Address and length are from the driver: from the setup of a queue, or an available descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    addr: u64,
    len: u32,
}

impl Shared {
    /// # Safety
    ///
    /// The driver must have passed these `len` bytes to the device. The value must not be used
    /// after the device has returned them.
    pub(crate) unsafe fn new(addr: u64, len: u32) -> Self {
        // INVARIANT: The driver has passed these bytes to the device (safety requirement).
        Self { addr, len }
    }

    /// Fills it with `byte`.
    pub(crate) fn fill(self, byte: u8) {
        // SAFETY: The driver has shared the memory (type invariant), all of which is in the linear
        // mapping: without ACCESS_PLATFORM addresses are physical.
        unsafe { rvirtio_helper_memset_phys(self.addr, byte.into(), self.len as usize) }
    }

    /// Copies the beginning of it to `to`, and returns how many bytes these are.
    pub(crate) fn read(self, to: &mut [u8]) -> usize {
        let len = to.len().min(self.len as usize);
        // SAFETY: The driver has shared the memory (type invariant), all of which is in the linear
        // mapping, see `fill`; `to` has room.
        unsafe { ptr::copy(self.virt().cast(), to.as_mut_ptr(), len) };
        len
    }

    /// Copies `from` to the beginning of it, as far as there is room.
    pub(crate) fn write(self, from: &[u8]) {
        let len = from.len().min(self.len as usize);
        // SAFETY: As in `read`.
        unsafe { ptr::copy(from.as_ptr(), self.virt().cast(), len) };
    }

    fn virt(self) -> *mut c_void {
        // SAFETY: The memory is in the linear mapping, see `fill`.
        unsafe { rvirtio_helper_phys_to_virt(self.addr) }
    }

    /// Returns whether all of its pages are allocated.
    pub(crate) fn is_there(self) -> bool {
        let first = self.addr & !(PAGE_SIZE as u64 - 1);
        (first..self.addr + u64::from(self.len))
            .step_by(PAGE_SIZE)
            // SAFETY: The driver has allocated the memory at some time (type invariant), so it has
            // a `struct page`.
            .all(|addr| unsafe { rvirtio_helper_page_is_in_use(addr) })
    }

    /// Returns the cell at `offset`, `None` if it is not within the memory.
    ///
    /// # Safety
    ///
    /// `T` must consist of atomics, and be valid for any bits. The result must not be used after
    /// the device has returned the memory.
    pub(crate) unsafe fn cell<'a, T>(self, offset: usize) -> Option<&'a T> {
        let end = offset.checked_add(size_of::<T>())?;
        let addr = self.addr.checked_add(offset as u64)?;
        if end > self.len as usize || addr % align_of::<T>() as u64 != 0 {
            return None;
        }
        // SAFETY: The cell is in the linear mapping, see `fill`. It is aligned and within the
        // memory, which was just checked. The memory is shared with the device (type invariant)
        // while the result is used, and may be written meanwhile, because `T` consists of atomics
        // (safety requirement).
        Some(unsafe { &*rvirtio_helper_phys_to_virt(addr).cast() })
    }
}
