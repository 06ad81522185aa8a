// SPDX-License-Identifier: GPL-2.0

//! The driver's memory, as a device gets at it.

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

/// Memory that the driver has told the device of, and has not taken back.
///
/// That is what makes it sound to use: core promises that the memory is there until the device has
/// confirmed a reset or has returned the buffer. If core breaks the promise then this is how tests
/// find out, on a kernel that checks each access.
///
/// # Invariants
///
/// It came from the driver: an address in a queue's setup, or in a descriptor that is available.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    addr: u64,
    len: u32,
}

impl Shared {
    /// # Safety
    ///
    /// The driver must have told the device of these `len` bytes, and it must not be used when the
    /// device has given them back.
    pub(crate) unsafe fn new(addr: u64, len: u32) -> Self {
        // INVARIANT: By the safety requirement.
        Self { addr, len }
    }

    /// Fills it with `byte`.
    pub(crate) fn fill(self, byte: u8) {
        // SAFETY: The driver has shared the memory (type invariant), all of which is in the linear
        // mapping: without ACCESS_PLATFORM addresses are physical.
        unsafe { rvirtio_helper_memset_phys(self.addr, byte.into(), self.len as usize) }
    }

    /// Returns whether none of its pages was freed.
    pub(crate) fn is_there(self) -> bool {
        let first = self.addr & !(PAGE_SIZE as u64 - 1);
        (first..self.addr + u64::from(self.len))
            .step_by(PAGE_SIZE)
            // SAFETY: The driver has allocated it at some time, so it is memory that has a
            // `struct page`.
            .all(|addr| unsafe { rvirtio_helper_page_is_in_use(addr) })
    }

    /// Returns the cell at `offset`, `None` if it is not within the memory.
    ///
    /// # Safety
    ///
    /// `T` must consist of atomics, and be valid for any bits. The result must not be used when the
    /// device has given the memory back.
    pub(crate) unsafe fn cell<'a, T>(self, offset: usize) -> Option<&'a T> {
        let end = offset.checked_add(size_of::<T>())?;
        let addr = self.addr.checked_add(offset as u64)?;
        if end > self.len as usize || addr % align_of::<T>() as u64 != 0 {
            return None;
        }
        // SAFETY: It is in the linear mapping, see `fill`; aligned and within the memory, as was
        // just checked; shared with the device (type invariant) for as long as the result is used;
        // and may be written while the reference exists (safety requirement).
        Some(unsafe { &*rvirtio_helper_phys_to_virt(addr).cast() })
    }
}
