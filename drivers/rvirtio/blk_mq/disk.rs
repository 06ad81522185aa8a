// SPDX-License-Identifier: GPL-2.0

//! Operations on a disk.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use crate::{
    helpers::{
        rvirtio_helper_blk_mq_freeze_queue,
        rvirtio_helper_blk_mq_unfreeze_queue,
        rvirtio_helper_queue_limits_start_update, //
    },
    hw_queue::HwQueues,
    limits::{
        set_cache,
        CacheMode, //
    },
    request::Pdu,
    status::BlkStatus, //
};
use core::{
    marker::PhantomData,
    pin::Pin, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    ffi::c_uint,
    prelude::*,
    str::BStr,
    time::Jiffies,
    types::{
        NotThreadSafe,
        Opaque,
        ScopeGuard, //
    }, //
};

/// Cylinders, heads and sectors, for old partitioning tools.
#[doc(alias = "hd_geometry")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Number of cylinders.
    pub cylinders: u16,
    /// Number of heads.
    pub heads: u8,
    /// Number of sectors per track.
    pub sectors: u8,
}

impl Geometry {
    /// Returns a geometry for a disk of `capacity` sectors, computed as in `sd`.
    pub(crate) fn for_capacity(capacity: u64) -> Self {
        Self {
            heads: 64,
            sectors: 32,
            // CAST: C truncates, too; the field is too small for today's disks.
            cylinders: (capacity >> 11) as u16,
        }
    }
}

/// A disk while its driver is bound, with hardware queues `Q` and the driver's data `D`.
///
/// # Invariants
///
/// The disk belongs to a [`GenDisk`](crate::GenDisk) that is not dropped. Its tag set has hardware
/// queues `Q`, and the data of its queue is a `D`.
#[repr(transparent)]
pub struct Disk<Q, D>(Opaque<bindings::gendisk>, PhantomData<(Q, D)>);

impl<Q, D> Disk<Q, D> {
    /// # Safety
    ///
    /// The invariants must hold for `disk` for `'a`.
    pub(crate) unsafe fn from_raw<'a>(disk: *mut bindings::gendisk) -> &'a Self {
        // SAFETY: `disk` is valid and fulfils the type invariants for `'a` (safety requirement).
        // `Self` is a transparent wrapper of `gendisk`.
        unsafe { &*disk.cast() }
    }

    fn queue(&self) -> *mut bindings::request_queue {
        // SAFETY: The disk is valid (type invariant), and its queue does not change.
        unsafe { (*self.0.get()).queue }
    }

    /// Returns the driver's data.
    pub fn data(&self) -> &D {
        // SAFETY: The queue's data is a `D` that the `GenDisk` owns (type invariant).
        unsafe { &*(*self.queue()).queuedata.cast() }
    }

    /// Returns the hardware queues.
    pub fn queues(&self) -> impl ExactSizeIterator<Item = Pin<&Q>> {
        // SAFETY: The tag set belongs to the `GenDisk` and has hardware queues `Q` (type
        // invariant), and its driver data points to a `HwQueues`.
        let queues = unsafe {
            &*(*(*self.queue()).tag_set)
                .driver_data
                .cast::<HwQueues<'_, Q>>()
        };
        queues.iter()
    }

    /// Returns the name.
    pub fn name(&self) -> &BStr {
        // SAFETY: The disk is valid (type invariant), and its name does not change.
        let name = unsafe { &(*self.0.get()).disk_name };
        let len = name.iter().position(|&c| c == 0).unwrap_or(name.len());
        BStr::from_bytes(&name[..len])
    }

    /// Returns the size in 512-byte sectors.
    #[doc(alias = "get_capacity")]
    pub fn capacity(&self) -> u64 {
        // SAFETY: The disk is valid (type invariant), and has a `part0`, whose size is read at once.
        unsafe { (&raw const (*(*self.0.get()).part0).bd_nr_sectors).read_volatile() }
    }

    /// Changes the cache mode while the queue is frozen.
    ///
    /// # Errors
    ///
    /// Those of the block layer, which then keeps the old mode.
    #[doc(alias = "queue_limits_commit_update_frozen")]
    pub fn set_cache_mode(&self, mode: CacheMode) -> Result {
        let mut lim = pin_init::zeroed();
        // SAFETY: The queue is valid, because it belongs to the disk (type invariant).
        // `start_update` takes the lock on the limits, which `commit_update` releases.
        to_result(unsafe {
            rvirtio_helper_queue_limits_start_update(self.queue(), &mut lim);
            set_cache(&mut lim, mode);
            bindings::queue_limits_commit_update_frozen(self.queue(), &mut lim)
        })
    }

    /// Waits until no request is in flight, and blocks new ones until the guard is dropped.
    ///
    /// Meanwhile, memory allocations of this thread do not wait for I/O, which could be that of
    /// this disk.
    #[doc(alias = "blk_mq_freeze_queue")]
    pub fn freeze(&self) -> Frozen<'_, Q, D> {
        // SAFETY: The queue is valid, because it belongs to the disk (type invariant).
        let memflags = unsafe { rvirtio_helper_blk_mq_freeze_queue(self.queue()) };
        // INVARIANT: The call above has frozen the queue, and returned `memflags`.
        Frozen {
            disk: self,
            memflags,
            _not_shared: NotThreadSafe,
        }
    }

    /// Blocks new requests for a moment, and waits until none is in flight, at most for `limit`
    /// jiffies. Returns whether that has happened.
    ///
    /// Follow it with [`Disk::quiesce`]: requests that are new by then wait in the block layer.
    #[doc(alias = "blk_mq_freeze_queue_wait_timeout")]
    pub fn drain(&self, limit: Jiffies) -> bool {
        // SAFETY: The queue is valid, because it belongs to the disk (type invariant). It is frozen
        // and unfrozen by this thread, which allocates nothing in between.
        unsafe {
            bindings::blk_freeze_queue_start(self.queue());
            let drained = bindings::blk_mq_freeze_queue_wait_timeout(self.queue(), limit) != 0;
            bindings::blk_mq_unfreeze_queue_nomemrestore(self.queue());
            drained
        }
    }

    /// Keeps the block layer from passing requests to the driver until [`Disk::unquiesce`], and waits
    /// until it has returned from the functions that it has called for that. Calls can be nested.
    #[doc(alias = "blk_mq_quiesce_queue")]
    pub fn quiesce(&self) {
        // SAFETY: The queue is valid, because it belongs to the disk (type invariant).
        unsafe { bindings::blk_mq_quiesce_queue(self.queue()) }
    }

    /// Reverts one call of [`Disk::quiesce`].
    #[doc(alias = "blk_mq_unquiesce_queue")]
    pub fn unquiesce(&self) {
        // SAFETY: The queue is valid, because it belongs to the disk (type invariant).
        unsafe { bindings::blk_mq_unquiesce_queue(self.queue()) }
    }

    /// Executes a request of the driver itself, [`Op::DriverIn`](crate::Op::DriverIn), for which
    /// the device fills `buffer`. [`Request::driver_kind`](crate::Request::driver_kind) returns
    /// `kind` and `sector`.
    ///
    /// # Errors
    ///
    /// The error of the request's status, and those of allocating and mapping the request.
    #[doc(alias = "blk_execute_rq")]
    pub fn execute_driver_in(&self, kind: u32, sector: u64, buffer: &mut [u8]) -> Result {
        let len = c_uint::try_from(buffer.len())?;
        // SAFETY: The queue is valid, because it belongs to the disk (type invariant). For a queue
        // that is being removed, this returns an error.
        let rq = from_err_ptr(unsafe {
            bindings::blk_mq_alloc_request(self.queue(), bindings::req_op_REQ_OP_DRV_IN, 0)
        })?;
        // SAFETY: The request was allocated above, and we own it unless it is being executed.
        let rq = ScopeGuard::new_with_data(rq, |rq| unsafe { bindings::blk_mq_free_request(rq) });
        // SAFETY: We own the request, which is followed by a `Pdu`, as the tag set requests.
        unsafe {
            let rq: *mut bindings::request = *rq;
            (*rq).__sector = sector;
            (*rq.add(1).cast::<Pdu>()).kind = kind;
        }
        // SAFETY: The request is valid, and the buffer is borrowed until the request has ended.
        to_result(unsafe {
            bindings::blk_rq_map_kern(*rq, buffer.as_mut_ptr().cast(), len, bindings::GFP_KERNEL)
        })?;
        // SAFETY: We own the request, its data is mapped, and it is not started.
        BlkStatus::result_from_raw(unsafe { bindings::blk_execute_rq(*rq, false) })
    }
}

/// A disk without requests in flight.
///
/// # Invariants
///
/// This thread has frozen the queue of `disk`, which returned `memflags`.
#[must_use = "the disk is unfrozen when this is dropped"]
pub struct Frozen<'a, Q, D> {
    disk: &'a Disk<Q, D>,
    memflags: c_uint,
    _not_shared: NotThreadSafe,
}

impl<Q, D> Drop for Frozen<'_, Q, D> {
    fn drop(&mut self) {
        // SAFETY: This thread has frozen the queue, which returned `memflags` (type invariant). The
        // value cannot be moved to another thread.
        unsafe { rvirtio_helper_blk_mq_unfreeze_queue(self.disk.queue(), self.memflags) };
    }
}
