// SPDX-License-Identifier: GPL-2.0

//! What a receive queue needs while a program looks at its frames.
//!
//! C header: [`include/net/xdp.h`](srctree/include/net/xdp.h)

use crate::{
    bindings,
    lock::Held,
    operations::Operations,
    page_pool::PagePool,
    rx_part::RxPart,
    xdp_prog::XdpProg, //
};
use core::cell::UnsafeCell;
use kernel::{
    error::to_result,
    ffi::c_void,
    prelude::*,
    sync::Arc, //
};

/// The number of pages that are kept for frames to come. What is sent, or still in a socket, comes back to
/// them.
const POOL_SIZE: u16 = 1024;

/// What belongs to one receive queue. Who has the right to its receive side has this.
pub(crate) struct XdpQueue {
    /// Where the next frame goes: a whole page of `pool`.
    pub(crate) page: Option<RxPart>,
    /// Where the rest of it goes, if it is longer: whole pages, too. There is room for none if the program
    /// does not take frames in pieces.
    pub(crate) fragments: KVec<RxPart>,
    rxq: RxqInfo,
    // After what refers to it.
    pub(crate) pool: PagePool,
    pub(crate) prog: Arc<XdpProg>,
}

/// What a program can find out about a queue.
///
/// # Invariants
///
/// It is registered, with what memory comes from.
pub(crate) struct RxqInfo(KBox<UnsafeCell<bindings::xdp_rxq_info>>);

// SAFETY: It can be unregistered by any thread, and is otherwise only used through pointers.
unsafe impl Send for RxqInfo {}

/// What belongs to all receive queues of a device.
pub struct XdpQueues(KVec<KBox<XdpQueue>>);

impl XdpQueue {
    /// # Safety
    ///
    /// `dev` must be a network device that is there as long as programs run for the value. `napi` must be
    /// the one of its queue `index`.
    unsafe fn new(
        prog: Arc<XdpProg>,
        dev: *mut bindings::net_device,
        index: u16,
        napi: *mut bindings::napi_struct,
    ) -> Result<KBox<Self>> {
        let pool = PagePool::unmapped(0, POOL_SIZE)?;
        let kind = bindings::xdp_mem_type_MEM_TYPE_PAGE_POOL;
        // SAFETY: These are the safety requirements. The pool is there until it is not registered any more.
        let rxq = unsafe { RxqInfo::new(dev, index, napi, kind, pool.as_ptr().cast()) }?;
        let fragments = match prog.takes_fragments() {
            true => KVec::with_capacity(bindings::MAX_SKB_FRAGS as usize, GFP_KERNEL)?,
            false => KVec::new(),
        };
        let queue = Self {
            page: None,
            fragments,
            rxq,
            pool,
            prog,
        };
        Ok(KBox::new(queue, GFP_KERNEL)?)
    }

    #[inline]
    pub(crate) fn rxq(&self) -> *mut bindings::xdp_rxq_info {
        self.rxq.as_ptr()
    }
}

impl RxqInfo {
    /// Registers queue `index` of a device, whose memory is of this kind.
    ///
    /// # Safety
    ///
    /// `dev` must be a network device that is there as long as programs run for the queue. `napi` must be the
    /// one of the queue. `allocator` must be one of that kind, or null if there is none, and be there until
    /// the value is dropped.
    pub(crate) unsafe fn new(
        dev: *mut bindings::net_device,
        index: u16,
        napi: *mut bindings::napi_struct,
        kind: bindings::xdp_mem_type,
        allocator: *mut c_void,
    ) -> Result<Self> {
        let info = KBox::new(UnsafeCell::new(pin_init::zeroed()), GFP_KERNEL)?;
        let raw: *mut bindings::xdp_rxq_info = info.get();
        // SAFETY: The memory is zeroed, and stays where it is. Only programs look for the device in it.
        to_result(unsafe {
            bindings::__xdp_rxq_info_reg(raw, dev, index.into(), (*napi).napi_id, 0)
        })?;
        // INVARIANT: It was just registered. It gets the memory below, or is dropped.
        let rxq = Self(info);
        // SAFETY: It is registered, and the allocator is there until it is not any more.
        to_result(unsafe { bindings::xdp_rxq_info_reg_mem_model(raw, kind, allocator) })?;
        Ok(rxq)
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::xdp_rxq_info {
        self.0.get()
    }
}

impl Drop for RxqInfo {
    fn drop(&mut self) {
        // SAFETY: It is registered (type invariant). No frame refers to it after a poll.
        unsafe { bindings::xdp_rxq_info_unreg(self.0.get()) }
    }
}

impl<T: Operations> Held<'_, T> {
    /// Allocates what all pairs need to have `prog` look at what they receive; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn xdp_queues(&self, prog: XdpProg) -> Result<XdpQueues> {
        let prog = Arc::new(prog, GFP_KERNEL)?;
        let mut queues = KVec::with_capacity(self.pairs().len(), GFP_KERNEL)?;
        for pair in self.pairs() {
            let prog = prog.clone();
            // SAFETY: The device and its NAPIs outlive what `set_xdp` puts into pairs.
            let queue = unsafe { XdpQueue::new(prog, self.dev(), pair.index(), pair.napi()) }?;
            queues.push_within_capacity(queue).map_err(|_| ENOMEM)?;
        }
        Ok(XdpQueues(queues))
    }

    /// Pauses all pairs, and has a program look at what they receive from now on, or none. May sleep.
    pub fn set_xdp(&mut self, queues: Option<XdpQueues>) {
        self.pause_all();
        let mut queues = queues.map(|queues| queues.0.into_iter());
        for pair in self.pairs() {
            let queue = queues.as_mut().and_then(Iterator::next);
            if let Some(queue) = &queue {
                // SAFETY: The pool is new. It is destroyed here, when the NAPI is disabled, or by
                // `Pair::drop_pools`, before the NAPI is deleted and waited for.
                unsafe { queue.pool.give_to(pair.napi()) };
            }
            // SAFETY: The NAPI is disabled, so that who holds the lock has the receive side (type invariant
            // of `Pair`), and this is borrowed exclusively.
            unsafe { *pair.xdp() = queue };
        }
    }

    /// Returns the MTU.
    pub fn mtu(&self) -> u32 {
        // SAFETY: It is a network device (type invariant of `Inner`). The MTU is only changed with the
        // instance lock held, which it is (type invariant).
        unsafe { (*self.dev()).mtu }
    }
}
