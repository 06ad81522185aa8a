// SPDX-License-Identifier: GPL-2.0

//! Memory that the device reads and writes.
//!
//! Whether a device sees the addresses of the DMA API or plain physical ones is negotiated:
//! without ACCESS_PLATFORM an IOMMU does not apply to it, whatever the platform says
//! (virtio 1.4, 6.1).

use crate::{
    device::Device,
    spec::feature::{
        self,
        Features, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    device::Bound,
    error::to_result,
    ffi::{
        c_int,
        c_void, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

// As in the kernel's bindings: without lockdep these structures have empty ones in them.
#[allow(improper_ctypes)]
extern "C" {
    fn rvirtio_helper_alloc_pages_exact(size: usize, gfp: bindings::gfp_t) -> *mut c_void;
    fn rvirtio_helper_dma_mapping_error(
        dev: *mut bindings::device,
        addr: bindings::dma_addr_t,
    ) -> c_int;
    fn rvirtio_helper_memory_is_restricted() -> bool;
    fn rvirtio_helper_virt_to_phys(addr: *mut c_void) -> bindings::phys_addr_t;
}

/// Returns whether the guest's memory is encrypted, so that a device sees only what it was given, and
/// the host is not to be trusted.
// Not inlined, as other modules do not have the function in C.
#[inline(never)]
pub fn is_memory_restricted() -> bool {
    // SAFETY: No requirements.
    unsafe { rvirtio_helper_memory_is_restricted() }
}

/// The direction of a mapping, as seen from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The device reads.
    ToDevice,
    /// The device writes.
    FromDevice,
}

impl Direction {
    fn as_raw(self) -> bindings::dma_data_direction {
        match self {
            Self::ToDevice => bindings::dma_data_direction::DMA_TO_DEVICE,
            Self::FromDevice => bindings::dma_data_direction::DMA_FROM_DEVICE,
        }
    }
}

/// How a device addresses memory.
#[derive(Clone, Copy)]
pub struct Dma<'bound> {
    dev: &'bound Device<Bound>,
    physical: bool,
    ordered: bool,
}

impl<'bound> Dma<'bound> {
    pub(crate) fn new(dev: &'bound Device<Bound>, features: Features) -> Self {
        Self {
            dev,
            physical: !features.contains(feature::ACCESS_PLATFORM),
            ordered: features.contains(feature::ORDER_PLATFORM),
        }
    }

    /// Returns whether accesses are to be ordered as with a device of the platform, and not as with
    /// another CPU.
    pub(crate) fn is_ordered_by_platform(&self) -> bool {
        self.ordered
    }

    /// Returns the device itself.
    #[inline]
    pub fn device(&self) -> &'bound Device<Bound> {
        self.dev
    }

    /// Returns whether addresses are physical ones, so that nothing needs to be mapped.
    #[inline]
    pub fn is_physical(&self) -> bool {
        self.physical
    }

    /// The device that the DMA API knows: the transport's, not the virtio device.
    fn parent(&self) -> *mut bindings::device {
        let parent: *const kernel::device::Device<Bound> = self.dev.transport().parent();
        // CAST: `kernel::device::Device` is a transparent wrapper.
        parent.cast_mut().cast()
    }

    /// The largest number of bytes that one mapping can have.
    #[doc(alias = "virtio_max_dma_size")]
    pub fn max_segment(&self) -> usize {
        if self.physical {
            return usize::MAX;
        }
        // SAFETY: The parent is a valid device.
        unsafe { bindings::dma_max_mapping_size(self.parent()) }
    }

    /// Makes `len` bytes at the physical address `phys` accessible to the device and returns the
    /// address for it.
    ///
    /// Safe, because an address alone does nothing; what must hold when the device is told of it
    /// is said at [`Buffers`](crate::virtqueue::Buffers).
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] when the DMA API cannot map it.
    #[doc(alias = "dma_map_phys")]
    pub fn map(&self, phys: u64, len: usize, direction: Direction) -> Result<u64> {
        if self.physical {
            return Ok(phys);
        }
        self.map_with_api(phys, len, direction)
    }

    #[inline(never)]
    fn map_with_api(&self, phys: u64, len: usize, direction: Direction) -> Result<u64> {
        let dev = self.parent();
        // SAFETY: The parent is a valid device that is bound. What comes back is checked by the
        // function that is made for it, as the DMA API's checker insists on.
        let (addr, error) = unsafe {
            let addr = bindings::dma_map_phys(dev, phys, len, direction.as_raw(), 0);
            (addr, rvirtio_helper_dma_mapping_error(dev, addr))
        };
        to_result(error).map(|()| addr)
    }

    /// Ends a mapping.
    ///
    /// # Safety
    ///
    /// The arguments must be those of a call to [`Dma::map`] and what it returned, the device
    /// must be done with it, and it must not have been unmapped before.
    #[doc(alias = "dma_unmap_phys")]
    pub unsafe fn unmap(&self, addr: u64, len: usize, direction: Direction) {
        if !self.physical {
            // SAFETY: By the safety requirements.
            unsafe { self.unmap_with_api(addr, len, direction) }
        }
    }

    /// # Safety
    ///
    /// That of [`Dma::unmap`].
    #[inline(never)]
    unsafe fn unmap_with_api(&self, addr: u64, len: usize, direction: Direction) {
        // SAFETY: By the safety requirements.
        unsafe { bindings::dma_unmap_phys(self.parent(), addr, len, direction.as_raw(), 0) }
    }
}

/// Zeroed memory that driver and device can access at the same time, in whole pages.
///
/// Dropping it frees it: what owns it must have made sure that the device is done.
///
/// # Invariants
///
/// `cpu` points to `size` bytes, a multiple of the page size, which are exclusively owned and
/// which the device finds at `addr`. Both addresses are aligned to a page.
pub(crate) struct Coherent<'bound> {
    cpu: NonNull<u8>,
    addr: u64,
    size: usize,
    dma: Dma<'bound>,
}

// SAFETY: It owns its memory, which any CPU can access and free.
unsafe impl Send for Coherent<'_> {}
// SAFETY: A shared reference gives no more than addresses.
unsafe impl Sync for Coherent<'_> {}

impl<'bound> Coherent<'bound> {
    /// Allocates at least `size` bytes; may sleep.
    #[doc(alias = "vring_alloc_queue")]
    pub(crate) fn new(dma: Dma<'bound>, size: usize) -> Result<Self> {
        let size = size
            .max(1)
            .checked_next_multiple_of(PAGE_SIZE)
            .ok_or(ENOMEM)?;
        let gfp = bindings::GFP_KERNEL | bindings::__GFP_ZERO | bindings::__GFP_NOWARN;
        let mut addr = 0;
        let cpu = if dma.physical {
            // SAFETY: No requirements.
            unsafe { rvirtio_helper_alloc_pages_exact(size, gfp) }
        } else {
            // SAFETY: The parent is a valid device that is bound; `addr` is a local.
            unsafe { bindings::dma_alloc_attrs(dma.parent(), size, &mut addr, gfp, 0) }
        };
        let cpu = NonNull::new(cpu).ok_or(ENOMEM)?;
        if dma.physical {
            // SAFETY: `cpu` was just allocated, in the kernel's linear mapping.
            addr = unsafe { rvirtio_helper_virt_to_phys(cpu.as_ptr()) };
        }
        // INVARIANT: By what the allocators return.
        Ok(Self {
            cpu: cpu.cast(),
            addr,
            size,
            dma,
        })
    }

    /// Where the CPU finds it.
    #[inline]
    pub(crate) fn cpu(&self) -> NonNull<u8> {
        self.cpu
    }

    /// Where the device finds it.
    #[inline]
    pub(crate) fn addr(&self) -> u64 {
        self.addr
    }
}

impl Drop for Coherent<'_> {
    fn drop(&mut self) {
        let cpu = self.cpu.as_ptr().cast();
        if self.dma.physical {
            // SAFETY: It was allocated with this size.
            unsafe { bindings::free_pages_exact(cpu, self.size) }
        } else {
            // SAFETY: It was allocated with these parameters.
            unsafe { bindings::dma_free_attrs(self.dma.parent(), self.size, cpu, self.addr, 0) }
        }
    }
}

/// A piece of [`Coherent`] memory of its own: for single requests outside the hot path.
pub struct Buffer<'bound> {
    memory: Coherent<'bound>,
    len: u32,
}

impl<'bound> Buffer<'bound> {
    /// Allocates `len` zeroed bytes; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`], and [`EINVAL`] for a length of 0.
    pub fn new(dma: Dma<'bound>, len: u32) -> Result<Self> {
        if len == 0 {
            return Err(EINVAL);
        }
        Ok(Self {
            memory: Coherent::new(dma, len as usize)?,
            len,
        })
    }

    /// Its length in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Where the device finds it.
    pub(crate) fn segment(&self) -> crate::ring::Segment {
        crate::ring::Segment {
            addr: self.memory.addr(),
            len: self.len,
        }
    }

    /// Copies bytes from `offset` on to `to`, as many as there are and fit, and returns how many
    /// these are.
    pub fn read(&self, offset: usize, to: &mut [u8]) -> usize {
        let len = to.len().min((self.len as usize).saturating_sub(offset));
        if len != 0 {
            // SAFETY: `memory` has at least `self.len` bytes. The device is not writing: as long
            // as it has the buffer, a queue owns it.
            unsafe {
                let from = self.memory.cpu().as_ptr().add(offset);
                to.as_mut_ptr().copy_from_nonoverlapping(from, len);
            }
        }
        len
    }

    /// Copies `from` to the first bytes, as many as fit, and returns how many these are.
    pub fn write(&mut self, from: &[u8]) -> usize {
        let len = from.len().min(self.len as usize);
        // SAFETY: As in `read`; the device is not reading either.
        unsafe {
            from.as_ptr()
                .copy_to_nonoverlapping(self.memory.cpu().as_ptr(), len)
        };
        len
    }
}

// Addresses are 64 bits wide here, as Kconfig demands.
const _: () = assert!(size_of::<bindings::dma_addr_t>() == 8);
