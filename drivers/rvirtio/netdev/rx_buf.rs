// SPDX-License-Identifier: GPL-2.0

//! Memory that a device writes received frames to.

use crate::{
    helpers::*,
    page_pool_raw::RawPool,
    phys::page_to_phys,
    rx_page::{
        at,
        copy,
        put,
        GRANULE, //
    },
    rx_part::RxPart, //
};
use core::{
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings::page,
    ffi::c_long,
    sync::Arc, //
};
use rvirtio::Segment;

/// A part of a page that can be given to the device.
///
/// The references to a page are counted in the page. A buffer owns as many as parts can be taken
/// from it, so that taking one costs no atomic operation.
///
/// # Invariants
///
/// - `page` is one of a page pool, and `refs` of its references belong to this value.
/// - The bytes from `offset` to `offset + len` of the page are this value's alone. `offset` is a
///   multiple of [`GRANULE`]. The device finds the bytes at `addr`.
/// - `keep` is the pool if the page has a mapping, and `memory` says whether it has.
pub struct RxBuf {
    page: NonNull<page>,
    addr: u64,
    keep: Option<Arc<RawPool>>,
    offset: u32,
    len: u32,
    refs: u16,
    memory: Memory,
}

/// What the addresses of a page are. There are many values that it cannot have, so that `RxPosted`
/// and an `Option` of that are no larger than a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    Physical,
    Mapped,
}

// SAFETY: Pages belong to no thread, and pools take them back from any.
unsafe impl Send for RxBuf {}

impl RxBuf {
    /// # Safety
    ///
    /// `page` must be one of a page pool that nobody else refers to, of `len` bytes, which the
    /// device finds at `addr`. `keep` must be the pool if the page is mapped.
    #[inline]
    pub(crate) unsafe fn new(
        page: NonNull<page>,
        addr: u64,
        len: u32,
        keep: Option<Arc<RawPool>>,
    ) -> Self {
        // As many as there can be parts, or as can be counted. CAST: It is not above the limit.
        let refs = (len / GRANULE).min(u16::MAX.into()) as u16;
        // SAFETY: Nobody else refers to the page.
        unsafe { rvirtio_helper_page_pool_fragment_page(page.as_ptr(), refs as c_long) };
        // INVARIANT: The caller makes sure of the length, the address and the pool. The references were
        // just made, and nobody else has any.
        Self {
            page,
            addr,
            memory: match keep {
                Some(_) => Memory::Mapped,
                None => Memory::Physical,
            },
            keep,
            offset: 0,
            len,
            refs,
        }
    }

    /// Makes a buffer of a part again.
    ///
    /// # Safety
    ///
    /// The page must not be mapped.
    #[cold]
    pub(crate) unsafe fn from_part(part: RxPart) -> Self {
        let part = ManuallyDrop::new(part);
        // SAFETY: It is a page (type invariant of `RxPart`).
        let addr = unsafe { page_to_phys(part.page().as_ptr()) };
        // INVARIANT: The bytes and the reference were those of the part, which starts at a multiple of
        // `GRANULE`, as all parts are taken out of buffers. Addresses are physical, as the page is not
        // mapped.
        Self {
            page: part.page(),
            addr: addr.wrapping_add(part.offset().into()),
            offset: part.offset(),
            len: part.len(),
            refs: 1,
            keep: None,
            memory: Memory::Physical,
        }
    }

    /// Returns the bytes as the device finds them.
    #[inline]
    pub(crate) fn segment(&self) -> Segment {
        Segment {
            addr: self.addr,
            len: self.len,
        }
    }

    /// Returns its length in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Makes what the device has written visible, `written` bytes from the start.
    #[doc(alias = "page_pool_dma_sync_for_cpu")]
    #[inline]
    pub fn sync_for_cpu(&self, written: u32) {
        if self.is_mapped() {
            let len = written.min(self.len);
            // SAFETY: The page is one of a pool, mapped, and has these bytes (type invariant).
            unsafe {
                rvirtio_helper_page_pool_sync_for_cpu(self.page.as_ptr(), self.offset, len);
            }
        }
    }

    /// Copies bytes from `offset` on to `to`, if there are so many.
    ///
    /// The device could still be writing, against the rules, so the same bytes may differ when
    /// they are read a second time.
    #[inline]
    pub fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        copy(self.cpu(), self.len, offset, to)
    }

    /// Returns the first words, each of them read once, if there are so many. See [`RxBuf::read`].
    #[inline]
    pub fn words<const N: usize>(&self) -> Option<[u64; N]> {
        if size_of::<[u64; N]>() > self.len as usize {
            return None;
        }
        let from = self.cpu().cast::<u64>();
        // SAFETY: There are so many bytes, aligned to `GRANULE` (type invariant). They belong to this
        // value, so that only the device could be writing, which has no reason to; each read is
        // volatile, so that the result is one of what was there.
        Some(core::array::from_fn(|index| unsafe {
            from.add(index).read_volatile()
        }))
    }

    /// Returns where the bytes are.
    #[inline]
    fn cpu(&self) -> NonNull<u8> {
        // SAFETY: The page has the bytes (type invariant).
        unsafe { at(self.page, self.offset) }
    }

    /// Returns where `len` bytes from `offset` on are, if there are so many.
    #[inline]
    pub(crate) fn bytes(&self, offset: u32, len: u32) -> Option<NonNull<u8>> {
        if offset.checked_add(len)? > self.len {
            return None;
        }
        // SAFETY: There are so many bytes.
        Some(unsafe { self.cpu().add(offset as usize) })
    }

    /// Returns whether it can be given to the device again as it is: memory that is mapped has to
    /// go through its pool.
    #[inline]
    pub fn is_reusable(&self) -> bool {
        !self.is_mapped()
    }

    /// Returns whether the page has a mapping.
    #[inline]
    pub(crate) fn is_mapped(&self) -> bool {
        self.memory == Memory::Mapped
    }

    /// Returns the byte at `offset`. See [`RxBuf::read`].
    #[inline]
    pub fn byte(&self, offset: u32) -> Option<u8> {
        let mut byte = [0];
        self.read(offset, &mut byte).then_some(byte[0])
    }

    /// Takes the first `used` bytes, rounded up to [`GRANULE`], and returns them and what is left.
    /// If that has less than `least` bytes, it goes along with the first part.
    #[inline(always)]
    pub fn carve(mut self, used: u32, least: u32) -> (RxPart, Option<Self>) {
        // Up to the next multiple; what wraps is 0, and clamped.
        let used = used.wrapping_add(GRANULE - 1) & !(GRANULE - 1);
        let used = used.max(GRANULE).min(self.len);
        let left = self.len.wrapping_sub(used);
        if left < least.max(GRANULE) || self.refs < 2 {
            return (self.into_part(), None);
        }
        // SAFETY: The part gets the first `used` bytes and a reference, of which there is another.
        let part = unsafe { RxPart::new(self.page, self.offset, used) };
        // INVARIANT: The rest keeps the other bytes and references; `used` is a multiple of `GRANULE`.
        // Sums are within the page.
        self.refs = self.refs.wrapping_sub(1);
        self.offset = self.offset.wrapping_add(used);
        self.len = left;
        self.addr = self.addr.wrapping_add(used.into());
        (part, Some(self))
    }

    /// Cuts the buffer into two, the first of `len` bytes.
    pub fn split(mut self, len: u32) -> (Self, Option<Self>) {
        let len = len.next_multiple_of(GRANULE);
        if len == 0 || len >= self.len || self.refs < 2 {
            return (self, None);
        }
        let refs = self.refs / 2;
        // INVARIANT: The second half gets the bytes from `len` on, and half of the references.
        let second = Self {
            page: self.page,
            addr: self.addr + u64::from(len),
            offset: self.offset + len,
            len: self.len - len,
            refs,
            keep: self.keep.clone(),
            memory: self.memory,
        };
        self.refs -= refs;
        self.len = len;
        (self, Some(second))
    }

    /// Takes all bytes as one part.
    #[inline]
    pub fn into_part(self) -> RxPart {
        let mut buf = ManuallyDrop::new(self);
        if buf.refs > 1 {
            // SAFETY: These references belong to the value; one is kept.
            unsafe { put(buf.page, buf.refs.wrapping_sub(1)) };
        }
        if buf.is_mapped() {
            // SAFETY: It is dropped once: `buf` is not. Nothing has to be done for `None`.
            unsafe { ptr::drop_in_place(&mut buf.keep) };
        }
        // SAFETY: All bytes of the buffer and the reference that is left go to the part, as `buf` is
        // not dropped.
        unsafe { RxPart::new(buf.page, buf.offset, buf.len) }
    }
}

impl Drop for RxBuf {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The references belong to the value, which is not used any more.
        unsafe { put(self.page, self.refs) };
    }
}
