// SPDX-License-Identifier: GPL-2.0

//! The data of a request as pieces of physical memory.

use crate::helpers::rvirtio_helper_page_to_phys;
use core::marker::PhantomData;
use kernel::{
    bindings,
    page::PAGE_SIZE, //
};

/// A piece of physically contiguous memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysSegment {
    /// The physical address.
    pub addr: u64,
    /// The length in bytes, not 0.
    pub len: u32,
}

/// Iterates over the data of a request, without allocating or copying.
///
/// Each multi-page vector of each bio is cut at the disk's maximal segment size, which is how
/// the block layer counts segments, so that there are never more than it counted.
///
/// # Invariants
///
/// - `bio` is null or a bio of the request, valid for `'a`, as are all after it.
/// - `vec` is the vector of `bio` that has the next `left` bytes from its byte `offset` on;
///   valid if `left` is not 0.
#[doc(alias = "blk_map_iter")]
#[derive(Clone)]
pub struct Segments<'a> {
    bio: *const bindings::bio,
    vec: *const bindings::bio_vec,
    offset: u32,
    left: u32,
    max_len: u32,
    _p: PhantomData<&'a bindings::request>,
}

impl<'a> Segments<'a> {
    /// No data at all.
    #[inline]
    pub(crate) fn empty() -> Self {
        // INVARIANT: No bio and no bytes.
        Self {
            bio: core::ptr::null(),
            vec: core::ptr::null(),
            offset: 0,
            left: 0,
            max_len: 0,
            _p: PhantomData,
        }
    }

    /// # Safety
    ///
    /// - `rq` must be a request of a queue whose bios, if any, describe memory, not just a range
    ///   of sectors.
    /// - Bios and memory must not change and stay valid for `'a`.
    #[inline]
    pub(crate) unsafe fn new(rq: &'a bindings::request) -> Self {
        let mut segments = Self::empty();
        // SAFETY: The queue of a request is valid. The limit does not change: only the driver
        // could do that.
        segments.max_len = unsafe { (*rq.q).limits.max_segment_size };
        // SAFETY: By the safety requirement.
        unsafe { segments.enter(rq.bio) };
        segments
    }

    /// Goes on with `bio`.
    ///
    /// # Safety
    ///
    /// `bio` must be null or a valid bio of the request.
    #[inline]
    unsafe fn enter(&mut self, bio: *const bindings::bio) {
        self.bio = bio;
        if bio.is_null() {
            return;
        }
        // INVARIANT: A bio's iterator says which vector comes next and where in it.
        // SAFETY: By the safety requirement `bio` is valid, and so are its vectors. The iterator
        // is a packed structure: its fields are copied.
        unsafe {
            let iter = (*bio).bi_iter;
            self.vec = (*bio).bi_io_vec.add(iter.bi_idx as usize);
            self.offset = iter.bi_offset;
            self.left = iter.bi_size;
        }
    }
}

impl Iterator for Segments<'_> {
    type Item = PhysSegment;

    #[inline]
    fn next(&mut self) -> Option<PhysSegment> {
        while self.left == 0 {
            if self.bio.is_null() {
                return None;
            }
            // SAFETY: By the type invariant `bio` is valid, and so is the next.
            unsafe { self.enter((*self.bio).bi_next) };
        }
        // SAFETY: By the type invariant `vec` is valid, as `left` is not 0.
        let vec = unsafe { &*self.vec };
        // By the type invariant `offset` is within the vector: none of these wraps.
        let rest = vec.bv_len.wrapping_sub(self.offset);
        let len = rest.min(self.left).min(self.max_len);
        // SAFETY: The page of a vector is valid.
        let base = unsafe { page_to_phys(vec.bv_page) };
        let offset = u64::from(vec.bv_offset).wrapping_add(self.offset.into());
        let addr = base.wrapping_add(offset);

        // INVARIANT: Moves on by `len` bytes, to the next vector when this one is used up.
        self.left = self.left.wrapping_sub(len);
        self.offset = self.offset.wrapping_add(len);
        if self.offset == vec.bv_len {
            self.offset = 0;
            self.vec = self.vec.wrapping_add(1);
        }
        Some(PhysSegment { addr, len })
    }
}

extern "C" {
    /// Where the array of all pages begins, on x86-64. Constant from early boot on.
    static vmemmap_base: usize;
}

/// Returns the physical address of a page.
///
/// # Safety
///
/// `page` must be a valid `struct page`.
#[inline]
unsafe fn page_to_phys(page: *mut bindings::page) -> u64 {
    if cfg!(all(CONFIG_X86_64, CONFIG_SPARSEMEM_VMEMMAP)) {
        // A call costs more than this, and there is one for each segment.
        // SAFETY: It is a variable of the kernel that nobody changes.
        let offset = page.addr().wrapping_sub(unsafe { vmemmap_base });
        // CAST: Both have 64 bits.
        (offset / size_of::<bindings::page>() * PAGE_SIZE) as u64
    } else {
        // SAFETY: The page is valid (safety requirement).
        unsafe { rvirtio_helper_page_to_phys(page) }
    }
}
