// SPDX-License-Identifier: GPL-2.0

//! Memory that the device reads and writes.
//!
//! Whether a device uses the addresses of the DMA API or physical addresses is negotiated: without
//! ACCESS_PLATFORM it bypasses the IOMMU, if the platform has one (virtio 1.4, 6.1).

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

/// Returns whether the memory of the guest is encrypted, so that a device can only access memory that
/// was shared with it, and the host is not trusted.
// Not inlined, because other modules cannot call the helper.
#[inline(never)]
pub fn is_memory_restricted() -> bool {
    // SAFETY: `cc_platform_has` has no requirements.
    unsafe { rvirtio_helper_memory_is_restricted() }
}

/// The direction of a mapping.
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

    /// Returns whether accesses have to be ordered as for a device of the platform, rather than as
    /// between CPUs.
    pub(crate) fn is_ordered_by_platform(&self) -> bool {
        self.ordered
    }

    /// Returns the device.
    #[inline]
    pub fn device(&self) -> &'bound Device<Bound> {
        self.dev
    }

    /// Returns whether the device uses physical addresses, so that nothing has to be mapped.
    #[inline]
    pub fn is_physical(&self) -> bool {
        self.physical
    }

    /// Returns the device to use with the DMA API: that of the transport, not the virtio device.
    fn parent(&self) -> *mut bindings::device {
        let parent: *const kernel::device::Device<Bound> = self.dev.transport().parent();
        // CAST: `kernel::device::Device` is a transparent wrapper.
        parent.cast_mut().cast()
    }

    /// Returns the largest number of bytes of one mapping.
    #[doc(alias = "virtio_max_dma_size")]
    pub fn max_segment(&self) -> usize {
        if self.physical {
            return usize::MAX;
        }
        // SAFETY: `self.parent()` comes from a reference, so it is a valid device.
        unsafe { bindings::dma_max_mapping_size(self.parent()) }
    }

    /// Maps `len` bytes at the physical address `phys` for the device. Returns the address that the
    /// device has to use.
    ///
    /// This is safe, because an address alone has no effect. [`Buffers`](crate::virtqueue::Buffers)
    /// has the requirements for passing it to the device.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if the DMA API cannot map the memory.
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
        // SAFETY: `dev` is a valid device that is bound. The result is checked with
        // `dma_mapping_error`, as DMA-API debugging requires.
        let (addr, error) = unsafe {
            let addr = bindings::dma_map_phys(dev, phys, len, direction.as_raw(), 0);
            (addr, rvirtio_helper_dma_mapping_error(dev, addr))
        };
        to_result(error).map(|()| addr)
    }

    /// Removes a mapping.
    ///
    /// # Safety
    ///
    /// `addr` must have been returned by [`Dma::map`] with the same `len` and `direction`, and must
    /// not have been unmapped before. The device must not use it any more.
    #[doc(alias = "dma_unmap_phys")]
    pub unsafe fn unmap(&self, addr: u64, len: usize, direction: Direction) {
        if !self.physical {
            // SAFETY: The mapping exists and the device does not use it (safety requirements).
            unsafe { self.unmap_with_api(addr, len, direction) }
        }
    }

    /// # Safety
    ///
    /// See [`Dma::unmap`].
    #[inline(never)]
    unsafe fn unmap_with_api(&self, addr: u64, len: usize, direction: Direction) {
        // SAFETY: `dma_map_phys` returned `addr` for the same device, length and direction, and the
        // device does not use it any more (safety requirements).
        unsafe { bindings::dma_unmap_phys(self.parent(), addr, len, direction.as_raw(), 0) }
    }
}

/// Whole pages of zeroed memory that driver and device can access at the same time.
///
/// The owner must not drop it before the device has stopped using it.
///
/// # Invariants
///
/// `cpu` points to `size` bytes, a multiple of the page size, which are exclusively owned and
/// mapped for the device at `addr`. Both addresses are aligned to a page.
pub(crate) struct Coherent<'bound> {
    cpu: NonNull<u8>,
    addr: u64,
    size: usize,
    dma: Dma<'bound>,
}

// SAFETY: `Coherent` owns its memory, which can be accessed and freed on any CPU.
unsafe impl Send for Coherent<'_> {}
// SAFETY: A shared reference only gives access to the addresses.
unsafe impl Sync for Coherent<'_> {}

impl<'bound> Coherent<'bound> {
    /// Allocates at least `size` bytes. May sleep.
    #[doc(alias = "vring_alloc_queue")]
    pub(crate) fn new(dma: Dma<'bound>, size: usize) -> Result<Self> {
        Self::with_flags(dma, size, bindings::GFP_KERNEL)
    }

    /// Allocates at least `size` bytes, in any context.
    pub(crate) fn new_atomic(dma: Dma<'bound>, size: usize) -> Result<Self> {
        Self::with_flags(dma, size, bindings::GFP_ATOMIC)
    }

    fn with_flags(dma: Dma<'bound>, size: usize, gfp: bindings::gfp_t) -> Result<Self> {
        let size = size
            .max(1)
            .checked_next_multiple_of(PAGE_SIZE)
            .ok_or(ENOMEM)?;
        let gfp = gfp | bindings::__GFP_ZERO | bindings::__GFP_NOWARN;
        let mut addr = 0;
        let cpu = if dma.physical {
            // SAFETY: `alloc_pages_exact` has no requirements; it fails for sizes that it does not
            // support.
            unsafe { rvirtio_helper_alloc_pages_exact(size, gfp) }
        } else {
            // SAFETY: `dma.parent()` is a valid device that is bound; `addr` is a local variable.
            unsafe { bindings::dma_alloc_attrs(dma.parent(), size, &mut addr, gfp, 0) }
        };
        let cpu = NonNull::new(cpu).ok_or(ENOMEM)?;
        if dma.physical {
            // SAFETY: `cpu` was just allocated, in the kernel's linear mapping.
            addr = unsafe { rvirtio_helper_virt_to_phys(cpu.as_ptr()) };
        }
        // INVARIANT: Both allocators return `size` bytes, aligned to a page. `addr` is the address
        // for the device: the physical one, or that of the DMA API.
        Ok(Self {
            cpu: cpu.cast(),
            addr,
            size,
            dma,
        })
    }

    /// Returns the address for the CPU.
    #[inline]
    pub(crate) fn cpu(&self) -> NonNull<u8> {
        self.cpu
    }

    /// Returns a cell that both the CPU and the device access.
    ///
    /// # Safety
    ///
    /// `offset` must be that of a `T` within the memory, aligned for it, and `T` must consist of
    /// atomics that are valid for any bits.
    #[inline]
    pub(crate) unsafe fn cell<T>(&self, offset: usize) -> &T {
        // SAFETY: The cell is within the memory and aligned (safety requirement), and the memory
        // lives as long as `self`. The device may write to atomics while this reference exists.
        unsafe { self.cpu.add(offset).cast().as_ref() }
    }

    /// Returns the address for the device.
    #[inline]
    pub(crate) fn addr(&self) -> u64 {
        self.addr
    }

    /// Returns the size in bytes, which is that of whole pages.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Coherent<'_> {
    fn drop(&mut self) {
        let cpu = self.cpu.as_ptr().cast();
        if self.dma.physical {
            // SAFETY: `alloc_pages_exact` returned `cpu` for this size, as `physical` is set.
            unsafe { bindings::free_pages_exact(cpu, self.size) }
        } else {
            // SAFETY: `dma_alloc_attrs` returned `cpu` and `addr` for this device and size.
            unsafe { bindings::dma_free_attrs(self.dma.parent(), self.size, cpu, self.addr, 0) }
        }
    }
}

/// A buffer with its own `Coherent` memory, for single requests outside the hot path.
pub struct Buffer<'bound> {
    memory: Coherent<'bound>,
    len: u32,
}

impl<'bound> Buffer<'bound> {
    /// Allocates `len` zeroed bytes. May sleep.
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

    /// Returns the length in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Returns the memory as a segment for the device.
    pub(crate) fn segment(&self) -> crate::ring::Segment {
        crate::ring::Segment {
            addr: self.memory.addr(),
            len: self.len,
        }
    }

    /// Copies bytes, starting at `offset`, to `to`. Returns the number of bytes that were copied,
    /// which is limited by both lengths.
    pub fn read(&self, offset: usize, to: &mut [u8]) -> usize {
        let len = to.len().min((self.len as usize).saturating_sub(offset));
        if len != 0 {
            // SAFETY: `memory` has at least `self.len` bytes, so `offset + len` is inside it. The
            // device does not write to it: while the device has the buffer, a queue owns it.
            unsafe {
                let from = self.memory.cpu().as_ptr().add(offset);
                to.as_mut_ptr().copy_from_nonoverlapping(from, len);
            }
        }
        len
    }

    /// Copies `from` to the start of the buffer. Returns the number of bytes that were copied,
    /// which is limited by both lengths.
    pub fn write(&mut self, from: &[u8]) -> usize {
        self.write_at(0, from)
    }

    /// Copies `from` to the buffer, starting at `offset`. Returns the number of bytes that were
    /// copied, which is limited by both lengths.
    pub fn write_at(&mut self, offset: usize, from: &[u8]) -> usize {
        let len = from.len().min((self.len as usize).saturating_sub(offset));
        if len != 0 {
            // SAFETY: `memory` has at least `self.len` bytes, so `offset + len` is inside it. The
            // device does not access it: while the device has the buffer, a queue owns it.
            unsafe {
                let to = self.memory.cpu().as_ptr().add(offset);
                from.as_ptr().copy_to_nonoverlapping(to, len);
            }
        }
        len
    }
}

// Kconfig depends on 64BIT, so that all addresses fit.
const _: () = assert!(size_of::<bindings::dma_addr_t>() == 8);
