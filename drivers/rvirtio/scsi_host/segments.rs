// SPDX-License-Identifier: GPL-2.0

//! The data of a command as segments of physical memory.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use crate::{
    bindings::scsi_data_buffer,
    helpers::rvirtio_helper_scsi_page_to_phys, //
};
use core::marker::PhantomData;
use kernel::{
    bindings::{
        page,
        scatterlist, //
    },
    page::PAGE_SIZE, //
};
use rvirtio::Segment;

/// In the link of an entry: it points to another array of entries.
const CHAIN: usize = 1;
/// Both flags in the link of an entry.
const FLAGS: usize = 3;

/// An iterator over the data of a command.
///
/// This walks the list of the command rather than the bios of its request: the error handler
/// replaces the former and leaves the latter.
///
/// # Invariants
///
/// If `left` is not 0, `entry` is valid, and so are the `left - 1` entries after it, for `'a`.
#[derive(Clone)]
pub(crate) struct Segments<'a> {
    entry: *const scatterlist,
    left: u32,
    _p: PhantomData<&'a scatterlist>,
}

impl<'a> Segments<'a> {
    /// # Safety
    ///
    /// The list of `data`, and the memory that it describes, must stay valid and must not change
    /// for `'a`.
    #[inline]
    pub(crate) unsafe fn new(data: &'a scsi_data_buffer) -> Self {
        // INVARIANT: The list has so many entries (safety requirement).
        Self {
            entry: data.table.sgl,
            left: data.table.nents,
            _p: PhantomData,
        }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        if self.left == 0 {
            return None;
        }
        // SAFETY: The entry is valid (type invariant), and its page too.
        let (addr, len) = unsafe {
            let entry = &*self.entry;
            let page = core::ptr::with_exposed_provenance_mut(entry.page_link & !FLAGS);
            (
                page_to_phys(page).wrapping_add(entry.offset.into()),
                entry.length,
            )
        };
        self.left -= 1;
        if self.left != 0 {
            // INVARIANT: Another entry follows: it is next to this one, or that is a link to it.
            // SAFETY: As above.
            unsafe {
                self.entry = self.entry.add(1);
                let link = (*self.entry).page_link;
                if link & CHAIN != 0 {
                    self.entry = core::ptr::with_exposed_provenance(link & !FLAGS);
                }
            }
        }
        Some(Segment { addr, len })
    }
}

extern "C" {
    /// The address of the array of all pages on x86-64. It does not change after early boot.
    static vmemmap_base: usize;
}

/// Returns the physical address of a page.
///
/// # Safety
///
/// `page` must be a valid `struct page`.
#[inline]
unsafe fn page_to_phys(page: *mut page) -> u64 {
    if cfg!(all(CONFIG_X86_64, CONFIG_SPARSEMEM_VMEMMAP)) {
        // SAFETY: `vmemmap_base` is a variable of the kernel that does not change after early boot.
        let offset = page.addr().wrapping_sub(unsafe { vmemmap_base });
        // CAST: Both have 64 bits.
        // The number of a page times its size fits: it is an address.
        (offset / size_of::<page>()).wrapping_mul(PAGE_SIZE) as u64
    } else {
        // SAFETY: The page is valid (safety requirement).
        unsafe { rvirtio_helper_scsi_page_to_phys(page) }
    }
}
