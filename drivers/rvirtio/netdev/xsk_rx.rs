// SPDX-License-Identifier: GPL-2.0

//! The receive side of a pair that receives into the memory of a socket.
//!
//! C header: [`include/net/xdp_sock_drv.h`](srctree/include/net/xdp_sock_drv.h)

use crate::{
    bindings,
    helpers::*,
    napi::{
        Napi,
        Pools, //
    },
    operations::Operations,
    page_pool::{
        Alloc,
        PagePool, //
    },
    skb_rx::RxSkb,
    xdp_queue::RxqInfo,
    xsk_buf::XskBuf,
    xsk_pool::XskPool, //
};
use core::ptr::NonNull;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// The room before a frame, in bytes, at the end of which the device writes its header.
const HEADROOM: u32 = bindings::RVIRTIO_XDP_PACKET_HEADROOM;

/// How many buffers are taken at a time.
const BATCH: usize = 32;

/// The number of pages that are kept for the rest of frames that are in several buffers.
const POOL_SIZE: u16 = 64;

/// What the receive side of a pair has of a socket's memory.
///
/// # Invariants
///
/// - `raw` is the pool of a socket that is bound to the pair, with its memory mapped for the device. It is
///   there until this is dropped.
/// - `out` is the number of buffers that were taken and neither given back nor passed on, or more.
/// - No other `XskRx` ever has the number `id`.
/// - `header` is at most [`HEADROOM`], and buffers have room for `frame_size` bytes after that.
pub struct XskRx {
    raw: NonNull<bindings::xsk_buff_pool>,
    id: u32,
    out: u32,
    header: u32,
    frame_size: u32,
    woken: bool,
    /// What programs find out about the queue; buffers refer to it.
    _rxq: RxqInfo,
    pages: PagePool,
}

// SAFETY: A pool is bound to no thread: whoever has the receive side of the pair uses it.
unsafe impl Send for XskRx {}

impl XskRx {
    /// # Safety
    ///
    /// `pool` must be mapped for the device, and stay there until the value is dropped. `dev` must be the
    /// network device whose queue `index` it is bound to, and which outlives the value, and `napi` the one
    /// of that queue. Nobody else must have the number `id`, or ever have had it. `header` must be at most
    /// [`HEADROOM`].
    pub(crate) unsafe fn new(
        pool: &XskPool<'_>,
        id: u32,
        header: u32,
        (dev, index): (*mut bindings::net_device, u16),
        napi: *mut bindings::napi_struct,
    ) -> Result<Self> {
        let raw = pool.as_ptr();
        let kind = bindings::xdp_mem_type_MEM_TYPE_XSK_BUFF_POOL;
        // SAFETY: Device and NAPI are there for as long as programs run for the queue (safety requirements).
        let rxq = unsafe { RxqInfo::new(dev, index, napi, kind, core::ptr::null_mut()) }?;
        let pages = PagePool::unmapped(0, POOL_SIZE)?;
        // SAFETY: The pool is there (safety requirements). What its buffers refer to from now on is kept as
        // long as this is; whoever takes buffers later has them refer to something else first.
        let woken = unsafe {
            rvirtio_helper_xsk_pool_set_rxq_info(raw.as_ptr(), rxq.as_ptr());
            rvirtio_helper_xsk_uses_need_wakeup(raw.as_ptr())
        };
        // SAFETY: The NAPI is disabled when this is dropped, and outlives it by a grace period; the pool is new.
        unsafe { pages.give_to(napi) };
        // INVARIANT: These are the safety requirements. No buffers were taken.
        Ok(Self {
            raw,
            id,
            out: 0,
            header,
            frame_size: pool.frame_size(),
            woken,
            _rxq: rxq,
            pages,
        })
    }

    /// Returns how many buffers are out.
    pub(crate) fn out(&self) -> u32 {
        self.out
    }

    pub(crate) fn as_ptr(&self) -> NonNull<bindings::xsk_buff_pool> {
        self.raw
    }

    /// Returns the length of the longest frame that fits in a buffer, in bytes.
    pub fn frame_size(&self) -> u32 {
        self.frame_size
    }

    /// Returns whether user space says so when it has lent more memory to a queue that has none.
    pub fn is_woken(&self) -> bool {
        self.woken
    }

    /// Takes up to `max` buffers, as many as there are, and passes them to `post` until that gives one back.
    #[doc(alias = "xsk_buff_alloc_batch")]
    pub fn take(&mut self, max: u16, mut post: impl FnMut(XskBuf) -> Result<(), XskBuf>) {
        let mut left = u32::from(max);
        while left != 0 {
            let mut batch = [core::ptr::null_mut(); BATCH];
            let wanted = left.min(BATCH as u32);
            // SAFETY: The pool is there (type invariant), and whoever has the value has the right to the
            // receive side; there is room for so many.
            let count = unsafe {
                rvirtio_helper_xsk_buff_alloc_batch(self.raw.as_ptr(), batch.as_mut_ptr(), wanted)
            };
            // The number is at most what was wanted.
            let taken = batch.get(..count as usize).unwrap_or_default();
            let mut is_full = false;
            for xdp in taken.iter().copied().filter_map(NonNull::new) {
                // INVARIANT: It was just taken.
                self.out = self.out.wrapping_add(1);
                // SAFETY: It is a buffer of the pool.
                let frame = unsafe { rvirtio_helper_xsk_buff_get_dma(xdp.as_ptr()) };
                let (addr, len) = (
                    frame.wrapping_sub(self.header.into()),
                    self.frame_size.wrapping_add(self.header),
                );
                // SAFETY: It is a buffer of the pool, and was counted. The pool is mapped, and there is room
                // for the header before the frame (type invariants).
                let buf = unsafe { XskBuf::new(xdp, addr, len, self.id) };
                let posted = match is_full {
                    false => post(buf),
                    true => Err(buf),
                };
                if let Err(buf) = posted {
                    is_full = true;
                    self.put(buf);
                }
            }
            if is_full || count < wanted {
                break;
            }
            left = left.wrapping_sub(count);
        }
    }

    /// Gives a buffer back.
    #[doc(alias = "xsk_buff_free")]
    pub fn put(&mut self, buf: XskBuf) {
        if buf.id() != self.id {
            return;
        }
        // INVARIANT: It is not out any more.
        self.out = self.out.wrapping_sub(1);
        // SAFETY: The buffer is one of the pool, as its number is the one of this, and was out (type
        // invariants of both).
        unsafe { rvirtio_helper_xsk_buff_free(buf.xdp().as_ptr()) }
    }

    /// Tells user space whether it has to say so when it has lent more memory.
    #[doc(alias = "xsk_set_rx_need_wakeup")]
    #[doc(alias = "xsk_clear_rx_need_wakeup")]
    pub fn set_starved(&mut self, starved: bool) {
        if !self.woken {
            return;
        }
        // SAFETY: The pool is there (type invariant), and whoever has the value has the right to the receive
        // side.
        unsafe {
            match starved {
                true => rvirtio_helper_xsk_set_rx_need_wakeup(self.raw.as_ptr()),
                false => rvirtio_helper_xsk_clear_rx_need_wakeup(self.raw.as_ptr()),
            }
        }
    }

    /// Makes what the device has written visible, `written` bytes from the start.
    #[doc(alias = "xsk_buff_dma_sync_for_cpu")]
    pub fn sync_for_cpu(&self, buf: &XskBuf, written: u32) {
        if buf.id() == self.id {
            let len = written.min(buf.len());
            // SAFETY: The buffer is one of the pool, as its number is the one of this, and it has so many
            // bytes, mapped, from the header on (type invariants).
            unsafe { rvirtio_helper_xsk_buff_sync_for_cpu(buf.xdp().as_ptr(), self.header, len) }
        }
    }

    /// Copies bytes from `offset` on to `to`, if there are so many. They may differ when they are read a
    /// second time.
    pub fn read(&self, buf: &XskBuf, offset: u32, to: &mut [u8]) -> bool {
        let from = u32::try_from(to.len())
            .ok()
            .and_then(|len| self.bytes(buf, offset, len));
        let Some(from) = from else {
            return false;
        };
        // SAFETY: Both have so many bytes.
        unsafe {
            to.as_mut_ptr()
                .copy_from_nonoverlapping(from.as_ptr(), to.len());
        }
        true
    }

    /// Returns where `len` bytes from `offset` on are, if there are so many: in memory that is there until
    /// the buffer is given back, and that user space and the device may write.
    pub(crate) fn bytes(&self, buf: &XskBuf, offset: u32, len: u32) -> Option<NonNull<u8>> {
        if buf.id() != self.id || offset.checked_add(len)? > buf.len() {
            return None;
        }
        // SAFETY: The buffer is one of the pool, as its number is the one of this. It has room for the header
        // and the frame at the end of the headroom, in memory that is mapped for the kernel, too.
        unsafe {
            let start: *mut u8 = (*buf.xdp().as_ptr()).data_hard_start.cast();
            let at = HEADROOM.wrapping_sub(self.header).wrapping_add(offset);
            NonNull::new(start.add(at as usize))
        }
    }

    /// Makes a buffer the frame that a program looks at, of `len` bytes after the header. `None` if it has
    /// not so many.
    pub(crate) fn prepare(&self, buf: &XskBuf, len: u32) -> Option<NonNull<bindings::xdp_buff>> {
        let data = self.bytes(buf, self.header, len)?.as_ptr();
        let xdp = buf.xdp();
        // SAFETY: The buffer is one of the pool, as its number is the one of this, and nobody else uses what
        // describes it: this is called in a poll, and what the stack has of it are addresses only. There
        // are `len` bytes at `data`.
        unsafe {
            let raw = xdp.as_ptr();
            (*raw).data = data.cast();
            (*raw).data_meta = data.cast();
            (*raw).data_end = data.add(len as usize).cast();
            // The union has the size of a frame and its flags in it.
            let sizes: *mut [u32; 2] = (&raw mut (*raw).__bindgen_anon_1).cast();
            (*sizes)[1] = 0;
        }
        Some(xdp)
    }

    /// Forgets a buffer that somebody else has now.
    pub(crate) fn pass_on(&mut self, buf: XskBuf) {
        if buf.id() == self.id {
            // INVARIANT: It is not out any more.
            self.out = self.out.wrapping_sub(1);
        }
    }
}

impl<T: Operations> Pools<'_, T> {
    /// Returns what the pair has of a socket's memory, if it receives into that.
    pub fn xsk(&mut self) -> Option<&mut XskRx> {
        // SAFETY: Only who has the right to the receive side has such a value, and it is borrowed
        // exclusively.
        unsafe { (*self.pair().xsk()).as_mut() }
    }
}

impl<T: Operations> Napi<'_, T> {
    /// Returns what the pair has of a socket's memory, if it receives into that.
    #[inline]
    pub fn xsk(&mut self) -> Option<&mut XskRx> {
        // SAFETY: There is such a value in a poll only, which has the receive side, and it is borrowed
        // exclusively.
        unsafe { (*self.pair().xsk()).as_mut() }
    }

    /// Returns a new frame of the bytes of `buf` from `offset` on, `len` of them. `None` if there are not so
    /// many, or no memory.
    pub fn xsk_copied(&mut self, buf: &XskBuf, offset: u32, len: u32) -> Option<RxSkb> {
        let from = self.xsk()?.bytes(buf, offset, len)?;
        // SAFETY: There is such a value in a poll only. There are so many bytes.
        unsafe { RxSkb::copied_from(self.pair().napi(), from, len) }
    }

    /// Adds a copy of the first `len` bytes of `buf` to the end of `skb`. `false` if there are not so many, or
    /// no memory.
    pub fn xsk_add(&mut self, skb: &mut RxSkb, buf: &XskBuf, len: u32) -> bool {
        let mut copied = || {
            let xsk = self.xsk()?;
            let from = xsk.bytes(buf, 0, len)?;
            // SAFETY: Who has this has the right to the receive side, and is in a poll of the NAPI.
            let part = unsafe { xsk.pages.page(Alloc::Atomic) }?;
            if len as usize > PAGE_SIZE {
                return None;
            }
            // SAFETY: There are so many bytes at `from`, and in the page, which is this value's alone.
            unsafe {
                let to = part.cpu().as_ptr();
                to.copy_from_nonoverlapping(from.as_ptr(), len as usize);
            }
            Some(part)
        };
        match copied() {
            Some(part) => self.add(skb, part, 0, len),
            None => false,
        }
    }
}
