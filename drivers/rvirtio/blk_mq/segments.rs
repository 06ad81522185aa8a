// SPDX-License-Identifier: GPL-2.0

//! The data of a request as segments of physical memory.

use crate::helpers::{
    rvirtio_blk_rqf_payload,
    rvirtio_helper_page_to_phys, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    page::PAGE_SIZE, //
};

/// A segment of physically contiguous memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysSegment {
    /// The physical address.
    pub addr: u64,
    /// The length in bytes, not 0.
    pub len: u32,
}

/// An iterator over the data of a request, which does not allocate or copy.
///
/// Each multi-page vector of each bio is split at the disk's largest segment size. The block layer
/// counts segments in the same way, so there are never more than it counted.
///
/// # Invariants
///
/// - `bio` is null, or a bio of the request. It and all bios after it are valid for `'a`.
/// - If `left` is not 0, `vec` is a valid vector of `bio`, or that of the payload, and the next
///   `left` bytes begin at byte `offset` of it.
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
    /// Returns an iterator without data.
    #[inline]
    pub(crate) fn empty() -> Self {
        // INVARIANT: `bio` is null, and `left` is 0.
        Self {
            bio: core::ptr::null(),
            vec: core::ptr::null(),
            offset: 0,
            left: 0,
            max_len: 0,
            _p: PhantomData,
        }
    }

    /// Returns an iterator over the payload of a request, which is empty if it has none.
    ///
    /// # Safety
    ///
    /// The driver must own `rq` for `'a`.
    #[cold]
    pub(crate) unsafe fn of_payload(rq: &'a bindings::request) -> Self {
        // SAFETY: The static is a constant.
        if rq.rq_flags & unsafe { rvirtio_blk_rqf_payload } == 0 {
            return Self::empty();
        }
        // SAFETY: The flag says that this member of the union is valid.
        let vec = unsafe { &rq.__bindgen_anon_3.special_vec };
        // INVARIANT: There are no bios, and all of the payload is left.
        Self {
            vec,
            left: vec.bv_len,
            max_len: u32::MAX,
            ..Self::empty()
        }
    }

    /// # Safety
    ///
    /// - If `rq` has bios, they must describe memory, not only a range of sectors.
    /// - The bios and the memory must stay valid and must not change for `'a`.
    #[inline]
    pub(crate) unsafe fn new(rq: &'a bindings::request) -> Self {
        let mut segments = Self::empty();
        // SAFETY: The queue of a request is valid. The limit does not change: only the driver could
        // change it.
        segments.max_len = unsafe { (*rq.q).limits.max_segment_size };
        // SAFETY: `rq.bio` is null, or a bio of the request that describes memory and is valid for
        // `'a` (safety requirement).
        unsafe { segments.enter(rq.bio) };
        segments
    }

    /// Continues with `bio`.
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
        // INVARIANT: The iterator of a bio has its next vector, the offset in it, and the number of
        // bytes left.
        // SAFETY: `bio` is valid, and so are its vectors (safety requirement). The iterator is a
        // packed structure: its fields are copied.
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
            // SAFETY: `bio` is valid, and so is the next one, unless it is null (type invariant).
            unsafe { self.enter((*self.bio).bi_next) };
        }
        // SAFETY: `vec` is valid, because `left` is not 0 (type invariant).
        let vec = unsafe { &*self.vec };
        // `offset` is within the vector (type invariant), so none of these wraps.
        let rest = vec.bv_len.wrapping_sub(self.offset);
        let len = rest.min(self.left).min(self.max_len);
        // SAFETY: The page of a valid vector is valid.
        let base = unsafe { page_to_phys(vec.bv_page) };
        let offset = u64::from(vec.bv_offset).wrapping_add(self.offset.into());
        let addr = base.wrapping_add(offset);

        // INVARIANT: This advances by `len` bytes, and to the next vector at the end of this one.
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
    /// The address of the array of all pages on x86-64. It does not change after early boot.
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
        // A function call for each segment would cost more.
        // SAFETY: `vmemmap_base` is a variable of the kernel that does not change after early boot.
        let offset = page.addr().wrapping_sub(unsafe { vmemmap_base });
        // CAST: Both have 64 bits.
        // The number of a page times its size fits: it is an address.
        (offset / size_of::<bindings::page>()).wrapping_mul(PAGE_SIZE) as u64
    } else {
        // SAFETY: The page is valid (safety requirement).
        unsafe { rvirtio_helper_page_to_phys(page) }
    }
}
