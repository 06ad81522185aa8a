// SPDX-License-Identifier: GPL-2.0

//! Mapping parts of the BARs of a function.

use crate::caps::Window;
use core::ptr::NonNull;
use kernel::{
    bindings,
    device,
    error::to_result,
    ffi::{
        c_int,
        c_void, //
    },
    pci,
    prelude::*, //
};

/// Returns the `struct pci_dev` of a function, which is valid for as long as `dev` is borrowed.
pub(crate) fn as_raw(dev: &pci::Device<device::Bound>) -> *mut bindings::pci_dev {
    let dev: *const pci::Device<device::Bound> = dev;
    // CAST: `pci::Device` is a transparent wrapper.
    dev.cast_mut().cast()
}

/// The BARs that are requested for this driver, with memory decoding enabled.
///
/// # Invariants
///
/// The device is enabled, and the BARs in the bit mask `bars` are requested.
pub(crate) struct Bars<'a> {
    dev: &'a pci::Device<device::Bound>,
    bars: c_int,
}

impl<'a> Bars<'a> {
    /// Enables the device, and requests the BARs in the bit mask `bars`.
    pub(crate) fn request(dev: &'a pci::Device<device::Core<'_>>, bars: u8) -> Result<Self> {
        dev.enable_device_mem()?;
        let mut this = Self { dev, bars: 0 };
        // SAFETY: `as_raw` returns a valid `struct pci_dev`; the name is static.
        to_result(unsafe {
            bindings::pci_request_selected_regions(
                as_raw(dev),
                c_int::from(bars),
                c"rvirtio-pci".as_char_ptr(),
            )
        })?;
        // INVARIANT: `bars` are requested now.
        this.bars = c_int::from(bars);
        Ok(this)
    }
}

impl Drop for Bars<'_> {
    fn drop(&mut self) {
        // SAFETY: The device is enabled and `bars` are requested (type invariant).
        unsafe {
            bindings::pci_release_selected_regions(as_raw(self.dev), self.bars);
            bindings::pci_disable_device(as_raw(self.dev));
        }
    }
}

/// A part of a BAR that is mapped. All accesses are checked, and allowed in any context.
///
/// # Invariants
///
/// `addr` is the start of `len` bytes of mapped I/O memory, with the alignment of the window, up to
/// four bytes.
pub(crate) struct Mmio<'a> {
    dev: &'a pci::Device<device::Bound>,
    addr: NonNull<c_void>,
    len: usize,
}

// SAFETY: I/O memory can be accessed and unmapped on any thread.
unsafe impl Send for Mmio<'_> {}
// SAFETY: Each access is a single, atomic one.
unsafe impl Sync for Mmio<'_> {}

impl<'a> Mmio<'a> {
    /// Maps the first `max_len` bytes of a window, or all of it if it is smaller.
    ///
    /// The BARs of `dev` must be requested.
    pub(crate) fn map(
        dev: &'a pci::Device<device::Bound>,
        window: Window,
        max_len: usize,
    ) -> Result<Self> {
        let len = max_len.min(window.length as usize);
        // SAFETY: `as_raw` returns a valid `struct pci_dev`. `pci_iomap_range` checks BAR and
        // offset.
        let addr = unsafe {
            bindings::pci_iomap_range(
                as_raw(dev),
                c_int::from(window.bar),
                window.offset as usize,
                len,
            )
        };
        // INVARIANT: The window is inside its BAR, so all of `len` was mapped.
        Ok(Self {
            dev,
            addr: NonNull::new(addr).ok_or(ENOMEM)?,
            len,
        })
    }

    /// Returns the length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the address of `size` bytes at `offset`, if they are inside the mapping and `offset`
    /// is a multiple of `size`.
    fn at(&self, offset: usize, size: usize) -> Option<*mut c_void> {
        let end = offset.checked_add(size)?;
        if end > self.len || offset % size != 0 {
            return None;
        }
        // SAFETY: `offset + size` is at most `len`, the length of the mapping (type invariant).
        Some(unsafe { self.addr.as_ptr().byte_add(offset) })
    }

    /// Returns the start of the mapping.
    pub(crate) fn addr(&self) -> NonNull<c_void> {
        self.addr
    }
}

macro_rules! accessors {
    ($($read:ident, $write:ident: $int:ty = $c_read:ident, $c_write:ident;)*) => {
        impl Mmio<'_> {$(
            /// Reads from `offset`. Returns all ones, as an empty slot does, if it is out of
            /// bounds.
            pub(crate) fn $read(&self, offset: usize) -> $int {
                match self.at(offset, size_of::<$int>()) {
                    // SAFETY: `at` has checked that `addr` is mapped and aligned.
                    Some(addr) => unsafe { bindings::$c_read(addr) },
                    None => <$int>::MAX,
                }
            }

            /// Writes to `offset`. Does nothing if it is out of bounds.
            pub(crate) fn $write(&self, offset: usize, value: $int) {
                if let Some(addr) = self.at(offset, size_of::<$int>()) {
                    // SAFETY: `at` has checked that `addr` is mapped and aligned.
                    unsafe { bindings::$c_write(value, addr) }
                }
            }
        )*}
    };
}

accessors! {
    read8, write8: u8 = readb, writeb;
    read16, write16: u16 = readw, writew;
    read32, write32: u32 = readl, writel;
}

impl Drop for Mmio<'_> {
    fn drop(&mut self) {
        // SAFETY: `pci_iomap_range` returned `addr`, and all accesses borrow `self`.
        unsafe { bindings::pci_iounmap(as_raw(self.dev), self.addr.as_ptr()) }
    }
}
