// SPDX-License-Identifier: GPL-2.0

//! Received frames.

use crate::{
    bindings,
    helpers::*,
    rx_buf::RxBuf,
    rx_page::GRANULE,
    rx_part::RxPart,
    skb, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull,
    slice, //
};
use kernel::bindings::sk_buff;

/// Length of what the stack needs behind a frame in the frame's own buffer, in bytes.
#[doc(alias = "skb_shared_info")]
pub const SHARED_INFO_SIZE: u32 = bindings::RVIRTIO_SHARED_INFO_SIZE;

/// A socket buffer with a received frame, that the driver owns.
///
/// Dropping it frees it.
///
/// # Invariants
///
/// - `raw` points to a socket buffer that is exclusively owned, with all pages of page pools, but
///   for a linear part out of the kernel's own memory.
/// - `last` is the buffer at the end of its `frag_list`, or `raw` itself.
/// - No offset in it leads outside its linear part.
pub struct RxSkb {
    raw: NonNull<sk_buff>,
    last: NonNull<sk_buff>,
}

// SAFETY: Socket buffers belong to no CPU or thread.
unsafe impl Send for RxSkb {}

impl RxSkb {
    /// # Safety
    ///
    /// `raw` must be a socket buffer that the caller owns, in a page of a page pool, without others behind
    /// it and with no offsets set.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: NonNull<sk_buff>) -> Self {
        // INVARIANT: These are the safety requirements.
        Self { raw, last: raw }
    }

    /// Returns a new frame of the bytes of `buf` from `offset` on, `len` of them. `None` if there
    /// are not so many, or no memory.
    ///
    /// # Safety
    ///
    /// `napi` must be valid, and the caller in its poll.
    #[inline]
    pub(crate) unsafe fn copied(
        napi: *mut bindings::napi_struct,
        buf: &RxBuf,
        offset: u32,
        len: u32,
    ) -> Option<Self> {
        let from = buf.bytes(offset, len)?;
        // SAFETY: These are the safety requirements. There are so many bytes.
        unsafe { Self::copied_from(napi, from, len) }
    }

    /// Returns a new frame of the `len` bytes at `from`. `None` without memory.
    ///
    /// # Safety
    ///
    /// `napi` must be valid, and the caller in its poll. There must be so many bytes, which others may
    /// write meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn copied_from(
        napi: *mut bindings::napi_struct,
        from: NonNull<u8>,
        len: u32,
    ) -> Option<Self> {
        // SAFETY: The NAPI is valid, and the caller in its poll (safety requirements).
        let raw = NonNull::new(unsafe { bindings::napi_alloc_skb(napi, len) })?;
        // SAFETY: The buffer has room for `len` bytes at its end, and `from` has as many. They
        // are copied to memory that only this function knows.
        unsafe {
            let raw = raw.as_ptr();
            (*raw)
                .data
                .copy_from_nonoverlapping(from.as_ptr(), len as usize);
            (*raw).tail = (*raw).tail.wrapping_add(len);
            (*raw).len = len;
            // GRO merges only buffers that are alike in this.
            (*raw).set_pp_recycle(1);
        }
        // INVARIANT: It was just allocated.
        Some(Self { raw, last: raw })
    }

    /// Returns the frame of the bytes of `buf` from `offset` on, `len` of them, in place, and what
    /// is left of the buffer, if that is `least` bytes or more.
    ///
    /// # Errors
    ///
    /// Gives the buffer back if it is too small to have [`SHARED_INFO_SIZE`] bytes behind the
    /// frame, if it is mapped, or if there is no memory.
    #[inline]
    pub(crate) fn around(
        buf: RxBuf,
        offset: u32,
        len: u32,
        least: u32,
    ) -> Result<(Self, Option<RxBuf>), RxBuf> {
        let needed = offset
            .checked_add(len)
            .map(|end| end.next_multiple_of(GRANULE))
            .and_then(|end| end.checked_add(SHARED_INFO_SIZE));
        let Some(needed) = needed.filter(|&needed| needed <= buf.len() && !buf.is_mapped()) else {
            return Err(buf);
        };
        let (part, rest) = buf.carve(needed, least);
        // SAFETY: The part has so many bytes, aligned to a cache line, which nobody else uses.
        let raw = unsafe { bindings::napi_build_skb(part.cpu().as_ptr().cast(), part.len()) };
        let Some(raw) = NonNull::new(raw) else {
            // SAFETY: The buffer was not mapped.
            return Err(rest.unwrap_or_else(|| unsafe { RxBuf::from_part(part) }));
        };
        // The socket buffer has its reference now.
        core::mem::forget(part);
        // SAFETY: There are so many bytes before the shared part.
        unsafe {
            let raw = raw.as_ptr();
            (*raw).data = (*raw).data.add(offset as usize);
            (*raw).tail = (*raw).tail.wrapping_add(offset).wrapping_add(len);
            (*raw).len = len;
            (*raw).set_pp_recycle(1);
        }
        // INVARIANT: It was just built.
        Ok((Self { raw, last: raw }, rest))
    }

    /// Adds the bytes of `part` from `offset` on, `len` of them, to the end of the frame. `false`
    /// if there are not so many, or no memory.
    ///
    /// # Safety
    ///
    /// `napi` must be valid, and the caller in its poll.
    #[inline]
    pub(crate) unsafe fn add(
        &mut self,
        napi: *mut bindings::napi_struct,
        part: RxPart,
        offset: u32,
        len: u32,
    ) -> bool {
        if offset.checked_add(len).is_none_or(|end| end > part.len()) {
            return false;
        }
        // SAFETY: `last` points to a socket buffer (type invariant).
        let mut count = unsafe { (*skb::shared_info(self.last.as_ptr())).nr_frags };
        if u32::from(count) >= bindings::MAX_SKB_FRAGS {
            // SAFETY: The NAPI is valid, and the caller in its poll (safety requirements).
            if !unsafe { self.append(napi) } {
                return false;
            }
            count = 0;
        }
        let part = ManuallyDrop::new(part);
        let truesize = part.len();
        // SAFETY: `last` points to a socket buffer with room for a fragment, which gets the
        // reference to the page. Lengths of a frame are far below 2^31.
        unsafe {
            rvirtio_helper_skb_add_rx_frag(
                self.last.as_ptr(),
                count.into(),
                part.page().as_ptr(),
                part.offset().wrapping_add(offset) as i32,
                len as i32,
                truesize,
            );
            if self.last != self.raw {
                let raw = self.raw.as_ptr();
                (*raw).len = (*raw).len.wrapping_add(len);
                (*raw).data_len = (*raw).data_len.wrapping_add(len);
                (*raw).truesize = (*raw).truesize.wrapping_add(truesize);
            }
        }
        true
    }

    /// Appends an empty buffer to the `frag_list`.
    ///
    /// # Safety
    ///
    /// `napi` must be valid, and the caller in its poll.
    #[cold]
    unsafe fn append(&mut self, napi: *mut bindings::napi_struct) -> bool {
        // SAFETY: The NAPI is valid, and the caller in its poll (safety requirements).
        let Some(next) = NonNull::new(unsafe { bindings::napi_alloc_skb(napi, 0) }) else {
            return false;
        };
        // SAFETY: All are socket buffers (type invariant), and `last` is at the end of the list.
        unsafe {
            let raw = self.raw.as_ptr();
            (*next.as_ptr()).set_pp_recycle(1);
            if self.last == self.raw {
                (*skb::shared_info(raw)).frag_list = next.as_ptr();
            } else {
                skb::set_next(self.last.as_ptr(), next.as_ptr());
            }
            (*raw).truesize += (*next.as_ptr()).truesize;
        }
        // INVARIANT: It is at the end now.
        self.last = next;
        true
    }

    /// Returns the length of the frame in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { (*self.raw.as_ptr()).len }
    }

    /// Returns what is linear of the frame.
    ///
    /// A frame that is in place could still be written by a device that breaks the rules.
    #[inline]
    pub fn linear(&self) -> &[u8] {
        // SAFETY: `raw` points to a socket buffer with so many initialised bytes (type invariant),
        // which nobody writes while `self` is borrowed.
        unsafe {
            let raw = self.raw.as_ptr();
            slice::from_raw_parts((*raw).data, skb::linear_len(raw) as usize)
        }
    }

    /// Says which receive queue the frame is from.
    #[doc(alias = "skb_record_rx_queue")]
    #[inline]
    pub(crate) fn record_queue(&mut self, index: u16) {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { (*self.raw.as_ptr()).queue_mapping = index.wrapping_add(1) };
    }

    #[inline]
    pub(crate) fn as_raw(&self) -> *mut sk_buff {
        self.raw.as_ptr()
    }

    #[inline]
    pub(crate) fn into_raw(self) -> *mut sk_buff {
        ManuallyDrop::new(self).raw.as_ptr()
    }
}

impl Drop for RxSkb {
    fn drop(&mut self) {
        // SAFETY: The buffer is owned (type invariant), and not used after this.
        unsafe { bindings::dev_kfree_skb_any_reason(self.raw.as_ptr(), skb::NOT_SPECIFIED) }
    }
}
