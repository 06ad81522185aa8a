// SPDX-License-Identifier: GPL-2.0

//! Virtio devices, and their registration by a transport.
//!
//! C headers: [`include/linux/virtio.h`](srctree/include/linux/virtio.h)

use crate::{
    bus,
    device_id::RawId,
    features::Features,
    spec::status::DeviceStatus,
    transport::Transport, //
};
use core::{
    marker::PhantomData,
    mem::offset_of,
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        AtomicPtr,
        AtomicU32,
        AtomicU64,
        AtomicU8,
        Ordering, //
    },
};
use kernel::{
    bindings,
    device::{
        self,
        Bound,
        Normal, //
    },
    error::to_result,
    ffi::c_void,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
    types::Opaque, //
};

/// A device on the bus, as the driver core sees it.
#[repr(C)]
pub(crate) struct RawDevice {
    pub(crate) dev: bindings::device,
    id: RawId,
    index: u32,
    /// Valid from `device_add` to `device_del`: [`Registration`] owns it.
    transport: NonNull<dyn Transport>,
    /// The negotiated features, for sysfs only: two halves, because sysfs may look while probe
    /// writes.
    features: [AtomicU64; 2],
    /// One of the constants in [`life`].
    life: AtomicU8,
    /// The device broke the rules.
    failed: AtomicBool,
    /// The interrupt of configuration changes and the pointer that it was requested with, or
    /// null. Only compared, never followed.
    config_irq: AtomicU32,
    config_irq_id: AtomicPtr<c_void>,
}

/// Whether a device may access memory that it was given.
mod life {
    /// It may not: it was reset, and no queue was set up since.
    pub(super) const STOPPED: u8 = 0;
    /// Queues are being set up.
    pub(super) const STARTING: u8 = 1;
    /// It runs.
    pub(super) const RUNNING: u8 = 2;
    /// It is being reset: it may, but gets nothing new.
    pub(super) const STOPPING: u8 = 3;
}

/// A virtio device.
///
/// # Invariants
///
/// A `Device` represents a valid [`RawDevice`], whose embedded `struct device` is initialised
/// and reference-counted. With any context but [`Normal`] its `transport` is valid.
#[doc(alias = "virtio_device")]
#[repr(transparent)]
pub struct Device<Ctx: device::DeviceContext = Normal>(Opaque<RawDevice>, PhantomData<Ctx>);

impl<Ctx: device::DeviceContext> Device<Ctx> {
    #[inline]
    pub(crate) fn raw(&self) -> *mut RawDevice {
        self.0.get()
    }

    /// The `struct device`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::device {
        // SAFETY: By the type invariant; only the address is taken.
        unsafe { &raw mut (*self.raw()).dev }
    }

    pub(crate) fn id(&self) -> RawId {
        // SAFETY: By the type invariant. `id` is never written after creation.
        unsafe { (*self.raw()).id }
    }

    /// The device's number: the 3 of `virtio3`.
    pub fn index(&self) -> u32 {
        // SAFETY: By the type invariant. `index` is never written after creation.
        unsafe { (*self.raw()).index }
    }

    /// The features that its driver accepted; none when there is no driver.
    pub fn features(&self) -> Features {
        // SAFETY: By the type invariant.
        let [low, high] = unsafe { &(*self.raw()).features };
        let (low, high) = (low.load(Ordering::Relaxed), high.load(Ordering::Relaxed));
        Features::from_bits(u128::from(high) << 64 | u128::from(low))
    }

    pub(crate) fn set_features(&self, features: Features) {
        let bits = features.bits();
        // SAFETY: By the type invariant.
        let [low, high] = unsafe { &(*self.raw()).features };
        // CAST: Halves on purpose.
        low.store(bits as u64, Ordering::Relaxed);
        high.store((bits >> 64) as u64, Ordering::Relaxed);
    }
}

impl Device<Bound> {
    pub(crate) fn transport(&self) -> &dyn Transport {
        // SAFETY: By the type invariant.
        unsafe { (*self.raw()).transport.as_ref() }
    }

    fn life(&self) -> &AtomicU8 {
        // SAFETY: By the type invariant.
        unsafe { &(*self.raw()).life }
    }

    /// Says whether the device takes buffers.
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        matches!(
            self.life().load(Ordering::Relaxed),
            life::STARTING | life::RUNNING
        )
    }

    /// Makes sure that the device no longer accesses memory, if that can be had: not while it
    /// runs, when others count on it.
    ///
    /// Returns whether memory that the device was given may be freed. May sleep.
    pub(crate) fn may_free(&self) -> bool {
        match self.life().load(Ordering::Acquire) {
            life::STOPPED => true,
            life::RUNNING => false,
            // Probe has failed, or the device is being stopped by somebody else.
            _ => {
                let _ = self.stop();
                true
            }
        }
    }

    /// Begins a new life of a device that was just reset.
    pub(crate) fn set_starting(&self) {
        self.failed().store(false, Ordering::Relaxed);
        self.life().store(life::STARTING, Ordering::Relaxed);
    }

    /// Notes that the device runs. Does nothing if it was stopped already.
    pub(crate) fn set_running(&self) {
        let _ = self.life().compare_exchange(
            life::STARTING,
            life::RUNNING,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    fn failed(&self) -> &AtomicBool {
        // SAFETY: By the type invariant.
        unsafe { &(*self.raw()).failed }
    }

    /// Notes that the device broke the rules, and has the driver's
    /// [`ConfigHandler`](crate::ConfigHandler) called, which can do something about it.
    ///
    /// Callable from any context.
    #[cold]
    pub(crate) fn fail(&self) {
        self.failed().store(true, Ordering::Release);
        // SAFETY: By the type invariant.
        let (irq, id) = unsafe { (&(*self.raw()).config_irq, &(*self.raw()).config_irq_id) };
        let id = id.load(Ordering::Acquire);
        if !id.is_null() {
            // SAFETY: It looks for a handler with this pointer, and does nothing if the interrupt
            // was freed meanwhile.
            unsafe { bindings::irq_wake_thread(irq.load(Ordering::Relaxed), id) };
        }
    }

    /// Says whose thread [`Device::fail`] is to wake; null for nobody's.
    pub(crate) fn set_config_irq(&self, irq: u32, id: *mut c_void) {
        // SAFETY: By the type invariant.
        unsafe {
            (*self.raw()).config_irq.store(irq, Ordering::Relaxed);
            (*self.raw()).config_irq_id.store(id, Ordering::Release);
        }
    }

    /// Says whether the device still answers, which an unplugged one does not.
    ///
    /// Callable from any context.
    pub fn is_present(&self) -> bool {
        self.transport().is_present()
    }

    /// Says whether the device is beyond use: it broke the rules of a ring, asked for a reset
    /// (virtio 1.4, 2.1.2), or is gone.
    pub fn needs_reset(&self) -> bool {
        self.failed().load(Ordering::Acquire)
            || !self.is_present()
            || self
                .transport()
                .status()
                .contains(DeviceStatus::NEEDS_RESET)
    }

    /// Resets the device, unless that was already done, and thereby takes back all memory that
    /// it was given. Sleeps for at most five seconds.
    ///
    /// From here on queues refuse buffers.
    #[doc(alias = "virtio_reset_device")]
    pub fn stop(&self) -> Stopped<'_> {
        // Only one of several callers resets; the others wait for it.
        while self.life().load(Ordering::Acquire) != life::STOPPED {
            if self.is_live()
                && self.life().swap(life::STOPPING, Ordering::Acquire) != life::STOPPING
            {
                if let Err(error) = self.transport().reset() {
                    dev_err!(
                        self,
                        "device does not confirm its reset ({error:?}), DMA is off\n"
                    );
                }
                self.life().store(life::STOPPED, Ordering::Release);
            } else {
                fsleep(Delta::from_millis(1));
            }
        }
        // INVARIANT: It was reset, and only a new probe starts it.
        Stopped(PhantomData)
    }
}

/// Proof that a device no longer accesses memory: it was reset, and stays so.
///
/// # Invariants
///
/// The device is not live and its driver cannot make it so again for the lifetime `'a`.
pub struct Stopped<'a>(PhantomData<&'a ()>);

impl<Ctx: device::DeviceContext> AsRef<device::Device<Ctx>> for Device<Ctx> {
    fn as_ref(&self) -> &device::Device<Ctx> {
        // SAFETY: By the type invariant `as_raw` is a valid `struct device`.
        unsafe { device::Device::from_raw(self.as_raw()) }
    }
}

// SAFETY: `dev` is at this offset of `RawDevice`, which `Device` transparently wraps.
unsafe impl<Ctx: device::DeviceContext> device::AsBusDevice<Ctx> for Device<Ctx> {
    const OFFSET: usize = offset_of!(RawDevice, dev);
}

// SAFETY: `Device` is a transparent wrapper of a type that does not depend on its argument.
kernel::impl_device_context_deref!(unsafe { Device });
kernel::impl_device_context_into_aref!(Device);

// SAFETY: The embedded `struct device` is reference-counted, and frees the whole of `RawDevice`.
unsafe impl kernel::sync::aref::AlwaysRefCounted for Device {
    fn inc_ref(&self) {
        // SAFETY: A shared reference shows that the count is not zero.
        unsafe { bindings::get_device(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller owns a count; `dev` is at offset 0.
        unsafe { bindings::put_device(obj.cast().as_ptr()) }
    }
}

const _: () = assert!(offset_of!(RawDevice, dev) == 0);

// SAFETY: A device can be released from any thread.
unsafe impl Send for Device {}
// SAFETY: All methods of `Device<Normal>` are thread safe.
unsafe impl Sync for Device {}
// SAFETY: As for `Device<Normal>`; the transport is `Sync`.
unsafe impl Sync for Device<Bound> {}

/// A device that a transport put on the bus, and that transport.
///
/// # Invariants
///
/// - `raw` was created by [`create`] and this owns a reference to it.
/// - `raw` is on the bus, and its transport is `self.transport`, unless `removed`.
pub struct Registration<'a> {
    raw: NonNull<RawDevice>,
    removed: AtomicBool,
    transport: KBox<dyn Transport + 'a>,
}

// SAFETY: The raw pointer is a counted reference to a device, usable from any thread.
unsafe impl Send for Registration<'_> {}
// SAFETY: `unregister` is the only method and guarded by an atomic.
unsafe impl Sync for Registration<'_> {}

impl<'a> Registration<'a> {
    /// Puts a device of virtio type `device` and vendor `vendor` on the bus, below
    /// `transport.parent()`.
    ///
    /// Probes a driver, if there is one, before it returns.
    ///
    /// # Safety
    ///
    /// The value must be dropped, not forgotten, before `'a` ends.
    pub unsafe fn new<T: Transport + 'a>(
        device: u32,
        vendor: u32,
        transport: Pin<KBox<T>>,
    ) -> Result<Self> {
        // SAFETY: It stays where it is: nobody gets more than a shared reference to it.
        let transport: KBox<T> = unsafe { Pin::into_inner_unchecked(transport) };
        let erased: NonNull<dyn Transport + 'a> = NonNull::from(&*transport);
        // SAFETY: Only the lifetime changes. The pointer is used from `device_add` to
        // `device_del` only, and the caller guarantees that this is within `'a`.
        let erased: NonNull<dyn Transport> = unsafe { core::mem::transmute(erased) };
        let raw = create(RawId::new(device, vendor), erased)?;
        // SAFETY: `create` returned a valid device that is not on the bus.
        if let Err(error) = to_result(unsafe { bindings::device_add(raw.cast().as_ptr()) }) {
            // SAFETY: `create` returned it with a reference, which is ours to drop.
            unsafe { bindings::put_device(raw.cast().as_ptr()) };
            return Err(error);
        }
        // INVARIANT: It is on the bus now.
        Ok(Self {
            raw,
            removed: AtomicBool::new(false),
            transport,
        })
    }

    /// The device's transport.
    pub fn transport(&self) -> &(dyn Transport + 'a) {
        &*self.transport
    }

    /// Unbinds the driver and takes the device off the bus. Does nothing the second time.
    ///
    /// To be called while the parent is still fully bound; dropping is too late for a front end
    /// that wants to talk to its device.
    pub fn unregister(&self) {
        if !self.removed.swap(true, Ordering::AcqRel) {
            // SAFETY: By the type invariant it is on the bus, and no one else takes it off.
            unsafe { bindings::device_del(self.raw.cast().as_ptr()) };
        }
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.unregister();
        // SAFETY: By the type invariant the reference is ours. `transport` is dropped after
        // this; nobody has used it since `device_del`.
        unsafe { bindings::put_device(self.raw.cast().as_ptr()) };
    }
}

/// Allocates and initialises a device named `virtioN` that is on no bus yet.
fn create(id: RawId, transport: NonNull<dyn Transport>) -> Result<NonNull<RawDevice>> {
    let index = bus::allocate_index()?;
    // SAFETY: The transport is valid, see `Registration::new`.
    let parent: *const device::Device<Bound> = unsafe { transport.as_ref() }.parent();
    let raw = KBox::new(
        RawDevice {
            dev: bindings::device {
                // CAST: `device::Device` is a transparent wrapper.
                parent: parent.cast_mut().cast(),
                release: Some(release),
                ..pin_init::zeroed()
            },
            id,
            index,
            transport,
            features: [AtomicU64::new(0), AtomicU64::new(0)],
            life: AtomicU8::new(life::STOPPED),
            failed: AtomicBool::new(false),
            config_irq: AtomicU32::new(0),
            config_irq_id: AtomicPtr::new(core::ptr::null_mut()),
        },
        GFP_KERNEL,
    )
    .inspect_err(|_| bus::free_index(index))?;
    let raw = NonNull::from(KBox::leak(raw));
    let dev = raw.cast::<bindings::device>().as_ptr();
    // SAFETY: `dev` is zeroed but for the two fields above. From here on `release` frees it.
    unsafe {
        bindings::device_initialize(dev);
        bus::attach(dev);
    }
    // SAFETY: `dev` is initialised; the format takes one unsigned integer.
    let named = unsafe { bindings::dev_set_name(dev, c"virtio%u".as_char_ptr(), index) };
    to_result(named)
        // SAFETY: Drops the only reference.
        .inspect_err(|_| unsafe { bindings::put_device(dev) })
        .map(|()| raw)
}

extern "C" fn release(dev: *mut bindings::device) {
    // SAFETY: The driver core calls this when the last reference to a device made by `create` is
    // gone. `dev` is at offset 0.
    let raw = unsafe { KBox::from_raw(dev.cast::<RawDevice>()) };
    bus::free_index(raw.index);
}
