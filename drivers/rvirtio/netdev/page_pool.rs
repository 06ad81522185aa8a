// SPDX-License-Identifier: GPL-2.0

//! Pages for frames to be received.
//!
//! C header: [`include/net/page_pool/types.h`](srctree/include/net/page_pool/types.h)

use crate::{
    bindings,
    helpers::*,
    page_pool_raw::RawPool,
    phys::page_to_phys,
    rx_buf::RxBuf,
    rx_part::RxPart, //
};
use core::ptr::NonNull;
use kernel::{
    bindings::{
        page,
        page_pool, //
    },
    error::from_err_ptr,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};
use rvirtio::Dma;

/// A pool of pages of one order for one receive queue.
///
/// # Invariants
///
/// `raw` is a page pool, and all its pages are mapped for the device, if addresses are not
/// physical ones.
pub(crate) struct PagePool {
    raw: Arc<RawPool>,
    order: u8,
    physical: bool,
}

type Fast = bindings::page_pool_params__bindgen_ty_1_page_pool_params_fast;
type Slow = bindings::page_pool_params__bindgen_ty_2_page_pool_params_slow;

/// How pages are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alloc {
    /// In a NAPI poll.
    Atomic,
    /// May sleep.
    Sleep,
}

impl PagePool {
    /// Creates a pool of pages of `order` for `size` buffers.
    ///
    /// # Safety
    ///
    /// `napi` must be valid until the pool is destroyed, and the NAPI that alone allocates from the
    /// pool. It must be disabled when the pool is destroyed, and be there for another grace period
    /// of the network stack.
    pub(crate) unsafe fn new(
        dma: Dma<'_>,
        order: u8,
        size: u16,
        napi: *mut bindings::napi_struct,
    ) -> Result<Self> {
        let physical = dma.is_physical();
        let flags = if physical {
            0
        } else {
            bindings::RVIRTIO_PP_FLAG_DMA_MAP | bindings::RVIRTIO_PP_FLAG_DMA_SYNC_DEV
        };
        let parent: *const kernel::device::Device<_> = dma.device().parent();
        // SAFETY: The device is bound, and these are the safety requirements.
        // CAST: `Device` is a transparent wrapper.
        let raw = unsafe { create(order, size, napi, flags, parent.cast_mut().cast()) }?;
        // INVARIANT: Without physical addresses it maps its pages (`flags`).
        Ok(Self {
            raw,
            order,
            physical,
        })
    }

    /// Creates a pool of pages that no device gets from it, and that is nobody's yet.
    pub(crate) fn unmapped(order: u8, size: u16) -> Result<Self> {
        // SAFETY: There is no NAPI, and nothing is mapped.
        let raw = unsafe { create(order, size, core::ptr::null_mut(), 0, core::ptr::null_mut()) }?;
        // INVARIANT: Nobody asks for the address of a page; it would be the physical one.
        Ok(Self {
            raw,
            order,
            physical: true,
        })
    }

    /// Gives the pool to a NAPI, which then alone allocates from it.
    ///
    /// # Safety
    ///
    /// The NAPI must be disabled when the pool is destroyed, and be there for another grace period of the
    /// network stack. The pool must be nobody's yet.
    #[doc(alias = "page_pool_enable_direct_recycling")]
    pub(crate) unsafe fn give_to(&self, napi: *mut bindings::napi_struct) {
        // SAFETY: The pool is valid (type invariant), and these are the safety requirements.
        unsafe { bindings::page_pool_enable_direct_recycling(self.as_ptr(), napi) }
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut page_pool {
        self.raw.as_ptr()
    }

    /// Takes a page out of the pool, all of it as one buffer.
    ///
    /// # Safety
    ///
    /// Nobody else may be allocating from the pool. With [`Alloc::Atomic`] the caller must be in a
    /// poll of the pool's NAPI, with [`Alloc::Sleep`] that must be disabled.
    #[inline]
    pub(crate) unsafe fn alloc(&self, how: Alloc) -> Option<RxBuf> {
        // SAFETY: These are the safety requirements.
        let page = unsafe { self.take(how) }?;
        let len = (PAGE_SIZE as u32) << self.order;
        let (keep, addr) = if self.physical {
            // SAFETY: It is a page.
            (None, unsafe { page_to_phys(page.as_ptr()) })
        } else {
            // SAFETY: It is a page of a pool, and mapped (type invariant).
            let addr = unsafe { rvirtio_helper_page_pool_get_dma_addr(page.as_ptr()) };
            (Some(self.raw.clone()), addr)
        };
        // SAFETY: The page has `len` bytes, which the device finds at `addr`, and nobody else has
        // it.
        Some(unsafe { RxBuf::new(page, addr, len, keep) })
    }

    /// Takes a page out of the pool, all of it as one part.
    ///
    /// # Safety
    ///
    /// As for [`PagePool::alloc`].
    #[inline]
    pub(crate) unsafe fn page(&self, how: Alloc) -> Option<RxPart> {
        // SAFETY: These are the safety requirements.
        let page = unsafe { self.take(how) }?;
        // SAFETY: The page comes with one reference, and nobody else has it.
        Some(unsafe { RxPart::new(page, 0, (PAGE_SIZE as u32) << self.order) })
    }

    /// # Safety
    ///
    /// As for [`PagePool::alloc`].
    #[inline(always)]
    unsafe fn take(&self, how: Alloc) -> Option<NonNull<page>> {
        let gfp = match how {
            Alloc::Atomic => kernel::bindings::GFP_ATOMIC | kernel::bindings::__GFP_NOWARN,
            Alloc::Sleep => kernel::bindings::GFP_KERNEL | kernel::bindings::__GFP_NOWARN,
        };
        // SAFETY: The pool is valid (type invariant); for the rest see the safety requirements.
        let netmem = unsafe { bindings::page_pool_alloc_netmems(self.raw.as_ptr(), gfp) };
        // CAST: Without a memory provider, pages are all that a pool has.
        NonNull::new(netmem as *mut page)
    }
}

/// Creates a page pool.
///
/// # Safety
///
/// As for [`PagePool::new`], if there is a NAPI. `device` must be bound, if pages are to be mapped.
unsafe fn create(
    order: u8,
    size: u16,
    napi: *mut bindings::napi_struct,
    flags: u32,
    device: *mut kernel::bindings::device,
) -> Result<Arc<RawPool>> {
    let mut params = bindings::page_pool_params::default();
    let fast: *mut Fast = (&raw mut params.__bindgen_anon_1).cast();
    let slow: *mut Slow = (&raw mut params.__bindgen_anon_2).cast();
    // SAFETY: Both are zeroed members of unions.
    let (fast, slow) = unsafe { (&mut *fast, &mut *slow) };
    fast.order = order.into();
    fast.pool_size = size.into();
    fast.nid = kernel::bindings::NUMA_NO_NODE;
    fast.dev = device;
    fast.napi = napi;
    fast.dma_dir = kernel::bindings::dma_data_direction::DMA_FROM_DEVICE;
    fast.max_len = (PAGE_SIZE << order) as u32;
    slow.flags = flags;
    // SAFETY: The parameters are initialised. For the rest see the safety requirements.
    let raw = unsafe { from_err_ptr(bindings::page_pool_create(&params)) }?;
    let raw = NonNull::new(raw).ok_or(ENOMEM)?;
    // SAFETY: It was just created, and nobody else destroys it.
    Ok(Arc::new(unsafe { RawPool::new(raw) }, GFP_KERNEL)?)
}
