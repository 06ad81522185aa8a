// SPDX-License-Identifier: GPL-2.0

//! A received frame that a program is to look at.
//!
//! It is a copy: what the program has seen is what comes of the frame, whatever a device still writes to
//! its buffers. The copy is in a page with room around it, as all that takes frames from a program wants.
//! A frame that is dropped leaves the page to the next one.
//!
//! C header: [`include/net/xdp.h`](srctree/include/net/xdp.h)

use crate::{
    bindings,
    helpers::*,
    napi::Napi,
    operations::Operations,
    page_pool::Alloc,
    rx_buf::RxBuf,
    skb,
    skb_rx::{
        RxSkb,
        SHARED_INFO_SIZE, //
    },
    skb_tx::TxSkb,
    xdp_queue::XdpQueue,
    xsk_buf::XskBuf,
    xsk_rx::XskRx, //
};
use core::ptr::NonNull;
use kernel::{
    bindings::{
        bpf_prog,
        sk_buff,
        skb_shared_info, //
    },
    page::PAGE_SIZE, //
};

/// What a program returns.
pub(crate) mod action {
    use kernel::bindings::*;

    pub(crate) const ABORTED: u32 = xdp_action_XDP_ABORTED;
    pub(crate) const DROP: u32 = xdp_action_XDP_DROP;
    pub(crate) const PASS: u32 = xdp_action_XDP_PASS;
    pub(crate) const REDIRECT: u32 = xdp_action_XDP_REDIRECT;
    pub(crate) const TX: u32 = xdp_action_XDP_TX;
}

/// The room before a frame, in bytes.
#[doc(alias = "XDP_PACKET_HEADROOM")]
const HEADROOM: u32 = bindings::RVIRTIO_XDP_PACKET_HEADROOM;

/// The length of the longest frame that fits without fragments, in bytes.
pub const XDP_MAX_FRAME: u32 = PAGE_SIZE as u32 - HEADROOM - SHARED_INFO_SIZE;

/// A frame that a program is to look at.
///
/// # Invariants
///
/// `queue` has a page, of which `len` bytes after the headroom are the frame's, at most
/// [`XDP_MAX_FRAME`]. If there are so many, `more` bytes in its fragments are, too: in all of each but the
/// last.
pub struct XdpFrame<'a> {
    queue: &'a mut XdpQueue,
    xsk: Option<&'a XskRx>,
    dev: *mut bindings::net_device,
    len: u32,
    more: u32,
}

/// The length of a fragment in bytes.
const FRAGMENT: u32 = PAGE_SIZE as u32;

/// What becomes of a frame.
pub enum Verdict {
    /// The stack gets it.
    Pass(RxSkb),
    /// It is sent where it came from.
    Transmit(TxSkb),
    /// Somebody else has it, after [`Napi::xdp_flush`].
    Redirected,
    /// It was dropped: by the program, or as something went wrong.
    Dropped,
}

impl<T: Operations> Napi<'_, T> {
    /// Returns whether a program looks at what the pair receives.
    #[inline]
    pub fn has_xdp(&self) -> bool {
        // SAFETY: There is such a value in a poll only, which has the receive side.
        unsafe { (*self.pair().xdp()).is_some() }
    }

    /// Passes on what was redirected in this poll. Must not be called with the lock of a transmit queue held.
    #[doc(alias = "xdp_do_flush")]
    pub fn xdp_flush(&mut self) {
        // SAFETY: There is such a value in a poll only.
        unsafe { bindings::xdp_do_flush() }
    }

    /// Tells who wants to know that a frame could not be sent that the program wanted to have sent.
    #[cold]
    pub fn xdp_not_sent(&mut self) {
        let pair = self.pair();
        // SAFETY: There is such a value in a poll only, which has the receive side.
        if let Some(queue) = unsafe { (*pair.xdp()).as_deref() } {
            let (dev, prog) = (pair.dev(), queue.prog.as_ptr());
            // SAFETY: Device and program are there.
            unsafe { rvirtio_helper_trace_xdp_exception(dev, prog, action::TX) }
        }
    }

    /// Returns an empty frame for the program. `None` if there is no program, or no memory.
    #[inline]
    pub fn xdp_frame(&mut self) -> Option<XdpFrame<'_>> {
        let pair = self.pair();
        // SAFETY: There is such a value in a poll only, which has the receive side, and it is borrowed
        // exclusively.
        let queue = unsafe { (*pair.xdp()).as_deref_mut() }?;
        if queue.page.is_none() {
            // SAFETY: Only who has the receive side allocates from this pool; this is a poll of its NAPI.
            queue.page = Some(unsafe { queue.pool.page(Alloc::Atomic) }?);
        }
        if !queue.fragments.is_empty() {
            // Of a frame that the program has not seen.
            queue.fragments.clear();
        }
        // INVARIANT: There is a page, and no byte is the frame's.
        Some(XdpFrame {
            queue,
            // SAFETY: The same goes for this.
            xsk: unsafe { (*pair.xsk()).as_ref() },
            dev: pair.dev(),
            len: 0,
            more: 0,
        })
    }
}

impl XdpFrame<'_> {
    /// Returns its length in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        self.len.wrapping_add(self.more)
    }

    /// Appends the bytes of `buf` from `offset` on, `len` of them. `false` if there are not so many, or if
    /// they do not fit.
    #[inline]
    pub fn append(&mut self, buf: &RxBuf, offset: u32, len: u32) -> bool {
        let Some(from) = buf.bytes(offset, len) else {
            return false;
        };
        // SAFETY: There are so many bytes.
        unsafe { self.append_bytes(from, len) }
    }

    /// Appends bytes of a socket's memory, otherwise as [`XdpFrame::append`].
    pub fn append_xsk(&mut self, buf: &XskBuf, offset: u32, len: u32) -> bool {
        let Some(from) = self.xsk.and_then(|xsk| xsk.bytes(buf, offset, len)) else {
            return false;
        };
        // SAFETY: There are so many bytes.
        unsafe { self.append_bytes(from, len) }
    }

    /// Appends the `len` bytes at `from`. `false` if they do not fit.
    ///
    /// # Safety
    ///
    /// There must be so many bytes, in memory that nothing of this crate writes.
    #[inline(always)]
    unsafe fn append_bytes(&mut self, from: NonNull<u8>, len: u32) -> bool {
        let Some(page) = &self.queue.page else {
            return false;
        };
        // Not below 0 (type invariant).
        let here = len.min(XDP_MAX_FRAME.wrapping_sub(self.len));
        let at = HEADROOM.wrapping_add(self.len) as usize;
        // SAFETY: There are `len` bytes at `from`, and `here` in the page after those that are the frame's, as
        // these stay within their limit. The page is this value's alone.
        unsafe {
            let to = page.cpu().as_ptr().add(at);
            to.copy_from_nonoverlapping(from.as_ptr(), here as usize);
        }
        // INVARIANT: The bytes were just written, and the limit was checked.
        self.len = self.len.wrapping_add(here);
        // SAFETY: There are so many bytes at `from`.
        here == len || unsafe { self.append_fragments(from.add(here as usize), len - here) }
    }

    /// Appends the `len` bytes at `from` to the fragments. `false` if they do not fit.
    ///
    /// # Safety
    ///
    /// There must be so many bytes, in memory that nothing but a device writes. There must be
    /// [`XDP_MAX_FRAME`] bytes before the fragments.
    #[inline(never)]
    unsafe fn append_fragments(&mut self, from: NonNull<u8>, len: u32) -> bool {
        let fragments = &mut self.queue.fragments;
        let (mut from, mut left) = (from, len);
        while left != 0 {
            let at = self.more % FRAGMENT;
            if at == 0 {
                if fragments.len() == fragments.capacity() {
                    return false;
                }
                // SAFETY: Only who has the receive side allocates from this pool; this is a poll of its NAPI.
                let Some(page) = (unsafe { self.queue.pool.page(Alloc::Atomic) }) else {
                    return false;
                };
                // There is room.
                let _ = fragments.push_within_capacity(page);
            }
            let Some(page) = fragments.last() else {
                return false;
            };
            let here = left.min(FRAGMENT - at);
            // SAFETY: There are so many bytes at `from`, and in the page, which is this value's alone, after
            // those that are the frame's.
            unsafe {
                let to = page.cpu().as_ptr().add(at as usize);
                to.copy_from_nonoverlapping(from.as_ptr(), here as usize);
                from = from.add(here as usize);
            }
            // INVARIANT: The bytes were just written. The next page comes when this one is full.
            self.more += here;
            left -= here;
        }
        true
    }

    /// Makes the fragments part of what the program sees.
    ///
    /// # Safety
    ///
    /// `xdp` must describe the page of this frame.
    #[inline(never)]
    unsafe fn add_fragments(&mut self, xdp: &mut bindings::xdp_buff) {
        let mut left = self.more;
        for part in self.queue.fragments.drain_all() {
            let len = left.min(FRAGMENT);
            left -= len;
            let page = part.page().as_ptr();
            // SAFETY: There is room behind the frame for what says where fragments are, and the page is one
            // of a pool, with so many bytes.
            if unsafe { rvirtio_helper_xdp_buff_add_frag(xdp, page, 0, len, FRAGMENT) } {
                // It has its reference now.
                core::mem::forget(part);
            }
        }
    }

    /// Runs the program, and does what it says.
    #[doc(alias = "bpf_prog_run_xdp")]
    pub fn run(mut self) -> Verdict {
        let Some(page) = &self.queue.page else {
            return Verdict::Dropped;
        };
        let start = page.cpu().as_ptr();
        let mut xdp = bindings::xdp_buff::default();
        // SAFETY: The page has so many bytes. The union has the size of a frame and its flags in it.
        unsafe {
            let data = start.add(HEADROOM as usize);
            xdp.data_hard_start = start.cast();
            xdp.data = data.cast();
            xdp.data_meta = data.cast();
            xdp.data_end = data.add(self.len as usize).cast();
            let size: *mut [u32; 2] = (&raw mut xdp.__bindgen_anon_1).cast();
            size.write([PAGE_SIZE as u32, 0]);
        }
        xdp.rxq = self.queue.rxq();
        if self.more != 0 {
            // SAFETY: It was just written.
            unsafe { self.add_fragments(&mut xdp) };
        }
        let prog = self.queue.prog.as_ptr();
        // SAFETY: The program is there, and `xdp` describes a frame in a page that this value has, of a queue
        // that is registered. Bottom halves are off: there is such a value in a poll only.
        let action = unsafe { rvirtio_helper_bpf_prog_run_xdp(prog, &mut xdp) };
        match action {
            action::DROP => self.give_up(&mut xdp),
            action::PASS => match self.make_skb(&xdp) {
                // SAFETY: It was just built, and nobody else has it.
                Some(raw) => Verdict::Pass(unsafe { RxSkb::from_raw(raw) }),
                None => self.give_up(&mut xdp),
            },
            action::TX => match self.make_skb(&xdp) {
                // SAFETY: It was just built, and nobody else has it. Programs cannot make a frame shorter than
                // an Ethernet header.
                Some(raw) => Verdict::Transmit(unsafe { TxSkb::from_raw(raw) }),
                None => self.give_up(&mut xdp),
            },
            action::REDIRECT => {
                // SAFETY: The program is there, and has just said so; `xdp` describes a frame that this has.
                match unsafe { bindings::xdp_do_redirect(self.dev, &mut xdp, prog) } {
                    0 => {
                        // Whoever gets the frame has its pages.
                        core::mem::forget(self.queue.page.take());
                        Verdict::Redirected
                    }
                    _ => self.give_up(&mut xdp),
                }
            }
            _ => {
                // SAFETY: Device and program are there.
                unsafe { failed(self.dev, prog, action) };
                self.give_up(&mut xdp)
            }
        }
    }

    /// Drops the frame. Its page is for the next one.
    #[inline]
    fn give_up(mut self, xdp: &mut bindings::xdp_buff) -> Verdict {
        if self.more != 0 {
            self.give_back(xdp);
        }
        Verdict::Dropped
    }

    /// Gives back all pages of a frame. The program may have done so with some.
    #[cold]
    fn give_back(&mut self, xdp: &mut bindings::xdp_buff) {
        core::mem::forget(self.queue.page.take());
        // SAFETY: `xdp` describes the frame, of which it has all pages, in a poll.
        unsafe { bindings::xdp_return_buff(xdp) }
    }

    /// Returns a socket buffer around the frame as the program has left it; `None` without memory, and with
    /// it everything as it was.
    #[doc(alias = "xdp_build_skb_from_buff")]
    #[inline]
    fn make_skb(&mut self, xdp: &bindings::xdp_buff) -> Option<NonNull<sk_buff>> {
        let start: *mut u8 = xdp.data_hard_start.cast();
        // SAFETY: This is a union with the size of a frame and its flags in it.
        let [_, flags] = unsafe { (&raw const xdp.__bindgen_anon_1).cast::<[u32; 2]>().read() };
        let mut fragments = 0;
        if flags & bindings::xdp_buff_flags_XDP_FLAGS_HAS_FRAGS != 0 {
            // SAFETY: This is where the page has what says where fragments are, as there are some.
            fragments = unsafe {
                let end = start.add((FRAGMENT - SHARED_INFO_SIZE) as usize);
                (*end.cast::<skb_shared_info>()).nr_frags
            };
        }
        // SAFETY: The page is this value's, and has room for what the stack needs at its end.
        let raw = unsafe { bindings::napi_build_skb(start.cast(), FRAGMENT) };
        let raw = NonNull::new(raw)?;
        // The socket buffer has its reference now.
        core::mem::forget(self.queue.page.take());
        // CAST: These are distances within a page. Programs leave them in this order, and metadata of at
        // most 255 bytes.
        let (headroom, len, meta) = (
            xdp.data.addr().wrapping_sub(start.addr()) as u32,
            xdp.data_end.addr().wrapping_sub(xdp.data.addr()) as u32,
            xdp.data.addr().wrapping_sub(xdp.data_meta.addr()) as u8,
        );
        // SAFETY: There are so many bytes before what is shared.
        unsafe {
            let raw = raw.as_ptr();
            (*raw).data = (*raw).data.add(headroom as usize);
            (*raw).tail = (*raw).tail.wrapping_add(headroom).wrapping_add(len);
            (*raw).len = len;
            (*raw).set_pp_recycle(1);
            (*skb::shared_info(raw)).meta_len = meta;
            if fragments != 0 {
                rvirtio_helper_xdp_update_skb_frags_info(raw, fragments, flags);
            }
        }
        Some(raw)
    }
}

/// Tells who wants to know that the program has failed, or wants what there is not.
///
/// # Safety
///
/// Both must be there.
#[cold]
pub(crate) unsafe fn failed(dev: *mut bindings::net_device, prog: *mut bpf_prog, action: u32) {
    // SAFETY: Device and program are there (safety requirements).
    unsafe {
        if action != action::ABORTED {
            bindings::bpf_warn_invalid_xdp_action(dev, prog, action);
        }
        rvirtio_helper_trace_xdp_exception(dev, prog, action);
    }
}
