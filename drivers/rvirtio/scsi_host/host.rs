// SPDX-License-Identifier: GPL-2.0

//! Hosts.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use crate::{
    bindings,
    callbacks::Callbacks,
    gate::Private,
    helpers::rvirtio_helper_scsi_report_bus_reset,
    hw_queue::{
        create_tags,
        HwData,
        HwQueues, //
    },
    limits::Limits,
    live::Live,
    operations::Operations, //
};
use core::{
    convert::Infallible,
    marker::PhantomPinned,
    mem::offset_of,
    pin::Pin,
    ptr::NonNull,
    sync::atomic::{
        AtomicU8,
        Ordering, //
    }, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*,
    static_lock_class, //
};
use rvirtio::{
    work::Work,
    Ready, //
};

/// The parts of a hardware queue that is to be created.
pub struct NewQueue<I, C> {
    /// The initialiser of the driver's hardware queue.
    pub queue: I,
    /// The driver's memory for commands in flight, one for each tag.
    pub memory: KVVec<C>,
}

/// The host was not added.
const NEW: u8 = 0;
/// It was added, or is about to be.
const ADDED: u8 = 1;
/// It was removed, or is about to be.
const REMOVED: u8 = 2;

/// A host with its hardware queues and the driver's data.
///
/// # Invariants
///
/// - `shost` is valid, with the callbacks of `T` and a [`Private`] behind it that refers to this.
///   This value owns a reference to it.
/// - It was added if and only if `state` is not `NEW`. It is removed before this is dropped, and
///   then has no commands: each has a reference to the tags of the host, whose end is waited for.
#[doc(alias = "Scsi_Host")]
#[pin_data(PinnedDrop)]
pub struct Host<'bound, T: Operations> {
    pub(crate) queues: HwQueues<'bound, T>,
    data: T::HostData,
    #[pin]
    work: Work,
    state: AtomicU8,
    shost: NonNull<bindings::Scsi_Host>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: A host can be removed by any thread, and its queues, tags and data are `Send`.
unsafe impl<T: Operations> Send for Host<'_, T> {}
// SAFETY: All methods are synchronised by locks of the kernel, and the driver's queues and data are
// `Sync`.
unsafe impl<T: Operations> Sync for Host<'_, T> {}

impl<'bound, T: Operations> Host<'bound, T> {
    /// Creates a host that nobody sees yet, with the given hardware queues, which have `depth` tags
    /// each. The last `polled` of them, which must be fewer than all, have no interrupts.
    ///
    /// If each of the others has an interrupt of its own, `interrupts` is the device with the
    /// interrupts, and the number of its queues that come before these.
    ///
    /// # Errors
    ///
    /// `EINVAL` if all queues are polled, or one has fewer commands than tags; `ENOMEM`; those of
    /// initialising the queues.
    #[doc(alias = "scsi_host_alloc")]
    pub fn new<'a, I>(
        interrupts: Option<(&'bound Device<Bound>, c_uint)>,
        limits: Limits,
        depth: u16,
        queues: KVec<NewQueue<I, T::Command>>,
        polled: u16,
        data: T::HostData,
    ) -> impl PinInit<Self, Error> + 'a
    where
        I: PinInit<T::HwQueue, Error> + 'a,
        T::HostData: 'a,
        Self: 'a,
    {
        pin_init::pin_init_scope(move || {
            let queues = HwQueues {
                queues: create_queues::<T, I>(depth, queues)?,
                interrupts,
                polled: polled.into(),
            };
            if queues.all().len() <= polled.into() {
                return Err(EINVAL);
            }
            // INVARIANT: `allocate` returns a host that refers to this place, where this is pinned.
            // It is not added.
            Ok(try_pin_init!(&this in Self {
                data,
                work <- Work::new(run_work::<T>, c"scsi_host::Host::work", static_lock_class!()),
                state: AtomicU8::new(NEW),
                shost: Self::allocate(this.as_ptr(), &limits, depth, &queues)?,
                queues,
                _pin: PhantomPinned,
            }? Error))
        })
    }

    fn allocate(
        this: *const Self,
        limits: &Limits,
        depth: u16,
        queues: &HwQueues<'bound, T>,
    ) -> Result<NonNull<bindings::Scsi_Host>> {
        // CAST: A few bytes.
        let size = size_of::<Private<'bound, T>>() as c_int;
        const { assert!(align_of::<Private<'bound, T>>() <= align_of::<usize>()) };
        // SAFETY: The template is valid for as long as the module is loaded, which whoever uses a
        // device of the host prevents from being removed.
        let shost = unsafe { bindings::scsi_host_alloc(&Callbacks::<T>::TEMPLATE, size) };
        let shost = NonNull::new(shost).ok_or(ENOMEM)?;
        let raw = shost.as_ptr();
        // SAFETY: The host was just allocated with room for a `Private`, and nobody else uses it.
        unsafe {
            let private = (&raw mut (*raw).hostdata).cast::<Private<'bound, T>>();
            pin_init::raw_init(private, Private::new(this));
            limits.apply(raw, depth);
            // CAST: A device has at most 65535 queues.
            (*raw).nr_hw_queues = queues.all().len() as c_uint;
            (*raw).nr_maps = if queues.polled > 0 {
                kernel::bindings::hctx_type_HCTX_MAX_TYPES
            } else {
                1
            };
        }
        Ok(shost)
    }

    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::Scsi_Host {
        self.shost.as_ptr()
    }

    /// Returns what the driver has for all of the host.
    #[inline]
    pub fn data(&self) -> &T::HostData {
        &self.data
    }

    /// Returns the hardware queues.
    pub fn queues(&self) -> impl ExactSizeIterator<Item = Pin<&T::HwQueue>> {
        let queues = self.queues.all().iter();
        // SAFETY: The queues are pinned, and `queue` is structurally pinned: it is marked `#[pin]`.
        queues.map(|data| unsafe { Pin::new_unchecked(&data.queue) })
    }

    /// Returns the number by which the kernel knows the host.
    pub fn number(&self) -> u32 {
        // SAFETY: The host is valid (type invariant), and its number does not change.
        unsafe { (*self.as_raw()).host_no }
    }

    /// Adds the host, below the virtio device in sysfs, and begins to look for devices. It is
    /// removed when the virtio device is unbound.
    ///
    /// # Errors
    ///
    /// `EBUSY` the second time, and those of the kernel.
    #[doc(alias = "scsi_add_host_with_dma")]
    pub fn add<'a>(&'a self, ready: &Ready<'a>) -> Result {
        // This removes the host before anything that it borrows is dropped.
        ready.keep::<_, Infallible>(Added(self))?;
        let new = self
            .state
            .compare_exchange(NEW, ADDED, Ordering::AcqRel, Ordering::Relaxed);
        if new.is_err() {
            return Err(EBUSY);
        }
        let shost = self.as_raw();
        let parent: *const Device<Bound> = ready.device().parent();
        // SAFETY: The host is valid, and was not added (type invariant and state). The device and
        // its parent are bound until the host is removed.
        let added = to_result(unsafe {
            bindings::scsi_add_host_with_dma(
                shost,
                ready.device().as_raw(),
                // CAST: `Device` is a transparent wrapper.
                parent.cast_mut().cast(),
            )
        });
        if added.is_err() {
            // Nothing is left of it that has to be removed.
            self.state.store(REMOVED, Ordering::Release);
            return added;
        }
        // SAFETY: The host is valid, with operations `T` (type invariant).
        unsafe { Private::<T>::of(shost) }.set_open(true);
        // SAFETY: The host was just added.
        unsafe { bindings::scsi_scan_host(shost) };
        self.queue_work();
        Ok(())
    }

    /// Removes the host, if it was added. Waits until all commands have ended, so the device must
    /// work, or its commands must have been taken back.
    #[doc(alias = "scsi_remove_host")]
    fn remove(&self) {
        if self.state.swap(REMOVED, Ordering::AcqRel) != ADDED {
            return;
        }
        let shost = self.as_raw();
        // SAFETY: The host is valid, with operations `T` (type invariant).
        unsafe { Private::<T>::of(shost) }.set_open(false);
        self.work.disable();
        // SAFETY: The host was added, and is removed once (type invariant and state).
        unsafe { bindings::scsi_remove_host(shost) }
    }

    /// Returns whether the host is being removed.
    pub(crate) fn goes(&self) -> bool {
        self.state.load(Ordering::Relaxed) == REMOVED
    }

    /// Queues the work, such as looking for devices. It may take long, and wait for the device, so it
    /// is not done in interrupt threads. It is not done while the machine is suspended either.
    fn queue_work(&self) {
        // SAFETY: The kernel has this workqueue for good.
        unsafe { self.work.queue(kernel::bindings::system_freezable_wq) };
    }

    /// Has [`Operations::handle_events`] called soon, once the host was added. Callable from any
    /// context.
    pub fn schedule(&self) {
        if self.state.load(Ordering::Acquire) == ADDED {
            self.queue_work();
        }
    }

    /// Keeps the kernel from passing commands to the driver until [`Host::unblock`]. Some may still
    /// be on their way when this returns.
    #[doc(alias = "scsi_block_requests")]
    pub fn block(&self) {
        // SAFETY: The host is valid (type invariant).
        unsafe { bindings::scsi_block_requests(self.as_raw()) }
    }

    /// Reverts [`Host::block`].
    #[doc(alias = "scsi_unblock_requests")]
    pub fn unblock(&self) {
        // SAFETY: The host is valid (type invariant).
        unsafe { bindings::scsi_unblock_requests(self.as_raw()) }
    }

    /// Tells the kernel that all devices were reset, so that it expects them to say so.
    #[doc(alias = "scsi_report_bus_reset")]
    pub fn report_reset(&self) {
        // SAFETY: The host is valid (type invariant).
        unsafe { rvirtio_helper_scsi_report_bus_reset(&raw mut (*self.as_raw()).shost_gendev) }
    }
}

/// Creates the queues and their tags.
#[inline(never)]
fn create_queues<T: Operations, I: PinInit<T::HwQueue, Error>>(
    depth: u16,
    queues: KVec<NewQueue<I, T::Command>>,
) -> Result<Pin<KBox<[HwData<T>]>>> {
    let count = queues.len();
    let mut queues = (0..).zip(queues);
    let make = |_| {
        let queue = queues.next();
        pin_init::pin_init_scope(move || {
            let (index, NewQueue { queue, memory }) = queue.ok_or(EINVAL)?;
            let tags = create_tags(index, memory, depth)?;
            Ok(try_pin_init!(HwData::<T> { queue <- queue, tags }? Error))
        })
    };
    KBox::pin_slice(make, count, GFP_KERNEL)
}

/// Lets the driver do what it has scheduled.
///
/// # Safety
///
/// `work` must be the work of a host with operations `T` that is not removed until the work is
/// disabled.
unsafe extern "C" fn run_work<T: Operations>(work: *mut kernel::bindings::work_struct) {
    // SAFETY: The work is at this place of a host, which is there (safety requirement). `Work` is a
    // transparent wrapper.
    let host = unsafe {
        &*work
            .byte_sub(offset_of!(Host<'_, T>, work))
            .cast::<Host<'_, T>>()
    };
    // SAFETY: The work was queued after the host was added, and the host is not removed before it
    // has ended.
    T::handle_events(&unsafe { Live::new(host) });
}

/// A guard that removes a host when the device is unbound.
struct Added<'a, 'bound, T: Operations>(&'a Host<'bound, T>);

impl<T: Operations> Drop for Added<'_, '_, T> {
    fn drop(&mut self) {
        self.0.remove();
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for Host<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        self.remove();
        self.work.disable();
        // SAFETY: This value owns a reference to the host (type invariant). Whoever has another one
        // does not get past the gate.
        unsafe { bindings::scsi_host_put(self.as_raw()) }
    }
}

/// Returns the number of queues that are useful on this machine, at most `max`.
#[doc(alias = "blk_mq_num_possible_queues")]
pub fn num_possible_queues(max: u32) -> u32 {
    // SAFETY: The function has no requirements: it only reads the number of CPUs.
    unsafe { kernel::bindings::blk_mq_num_possible_queues(max) }
}
