// SPDX-License-Identifier: GPL-2.0

//! Addresses of pages and of the kernel's own memory.
//!
//! On x86-64 they differ by constants. A function call for each segment would cost more than the
//! subtraction.

use crate::helpers::*;
use kernel::{
    bindings,
    page::PAGE_SIZE, //
};

extern "C" {
    /// The address of the array of all pages on x86-64. It does not change after early boot.
    static vmemmap_base: usize;
    /// Where all physical memory is mapped on x86-64. It does not change after early boot.
    static page_offset_base: usize;
}

/// Returns the physical address of a page.
///
/// # Safety
///
/// `page` must be a valid `struct page`.
#[inline]
pub(crate) unsafe fn page_to_phys(page: *mut bindings::page) -> u64 {
    if cfg!(all(CONFIG_X86_64, CONFIG_SPARSEMEM_VMEMMAP)) {
        // SAFETY: `vmemmap_base` is a variable of the kernel that does not change after early boot.
        let offset = page.addr().wrapping_sub(unsafe { vmemmap_base });
        // CAST: Both have 64 bits.
        (offset / size_of::<bindings::page>()).wrapping_mul(PAGE_SIZE) as u64
    } else {
        // SAFETY: The page is valid (safety requirement).
        unsafe { rvirtio_helper_netdev_page_to_phys(page) }
    }
}

/// Returns where a page is mapped.
///
/// # Safety
///
/// `page` must be a valid `struct page` that is not in high memory.
#[inline]
pub(crate) unsafe fn page_address(page: *mut bindings::page) -> *mut u8 {
    if cfg!(all(CONFIG_X86_64, CONFIG_SPARSEMEM_VMEMMAP)) {
        // SAFETY: The page is valid (safety requirement). `page_offset_base` is a variable of the
        // kernel that does not change after early boot.
        let (phys, base) = unsafe { (page_to_phys(page), page_offset_base) };
        // CAST: Both have 64 bits.
        core::ptr::with_exposed_provenance_mut((phys as usize).wrapping_add(base))
    } else {
        // SAFETY: The page is valid (safety requirement).
        unsafe { rvirtio_helper_page_address(page).cast() }
    }
}

/// Returns the physical address of memory that was allocated, but not mapped on purpose.
///
/// # Safety
///
/// `address` must be in the mapping of all physical memory.
#[inline]
pub(crate) unsafe fn virt_to_phys(address: *const u8) -> u64 {
    if cfg!(CONFIG_X86_64) {
        // SAFETY: `page_offset_base` is a variable of the kernel that does not change after early
        // boot.
        let offset = address.addr().wrapping_sub(unsafe { page_offset_base });
        // CAST: Both have 64 bits.
        offset as u64
    } else {
        // SAFETY: The address is mapped (safety requirement).
        unsafe { rvirtio_helper_netdev_virt_to_phys(address.cast()) }
    }
}
