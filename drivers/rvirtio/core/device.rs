// SPDX-License-Identifier: GPL-2.0

//! Virtio devices.
//!
//! C header: [`include/linux/virtio.h`](srctree/include/linux/virtio.h)

mod budget;
mod control;
mod counters;
mod life;
mod vectors;

pub(crate) use self::{
    control::{
        Control,
        DriverOps,
        Scope, //
    },
    life::{
        Epoch,
        Life, //
    },
    vectors::{
        Assignment,
        Vectors, //
    }, //
};
pub use self::{
    control::{
        Hold,
        Outcome,
        Start,
        Stopped,
        Why, //
    },
    counters::{
        Counter,
        Counters, //
    }, //
};

use crate::{
    device_id::RawId,
    lock::IrqSaveLock,
    recovery::RecoveryWork,
    spec::{
        feature::Features,
        status::DeviceStatus, //
    },
    transport::Transport,
    work::WorkFn, //
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
    ffi::c_void,
    new_mutex,
    prelude::*,
    sync::Mutex,
    types::Opaque, //
};

/// A device on the bus, with the `struct device` of the driver core.
#[pin_data]
#[repr(C)]
pub(crate) struct RawDevice {
    dev: Opaque<bindings::device>,
    id: RawId,
    index: u32,
    /// Valid from `device_add` to `device_del`: [`Registration`](crate::Registration) owns it.
    transport: NonNull<dyn Transport>,
    /// Whether the device may access memory.
    life: Life,
    /// Whether the device has failed: it has violated the protocol, or does not complete requests.
    failed: AtomicBool,
    /// Whether a device that has failed is not worth starting again.
    hopeless: AtomicBool,
    /// Whether the device was stopped, and is not started again without help.
    dead: AtomicBool,
    /// Whether the transport may not be accessed, as the device is without power or being reset.
    held: AtomicBool,
    /// Whether the driver is connected, so that it is notified of configuration changes.
    connected: AtomicBool,
    /// The interrupt of configuration changes and the `dev_id` that it was requested with, or null.
    /// The pointer is only compared, never dereferenced.
    config_irq: AtomicU32,
    config_irq_id: AtomicPtr<c_void>,
    /// The negotiated features, for sysfs only: two halves, because sysfs may read them while probe
    /// writes them.
    features: [AtomicU64; 2],
    /// Whether the configuration space may be accessed: not while the device is in reset.
    #[pin]
    configurable: IrqSaveLock<bool>,
    #[pin]
    control: Mutex<Control>,
    #[pin]
    vectors: Mutex<Vectors>,
    #[pin]
    recovery: RecoveryWork,
    counters: Counters,
}

impl RawDevice {
    /// Returns the initialiser of device number `index`, whose `struct device` is `dev`. `recover`
    /// resets it when it has failed.
    pub(crate) fn new(
        dev: bindings::device,
        id: RawId,
        index: u32,
        transport: NonNull<dyn Transport>,
        recover: WorkFn,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            dev: Opaque::new(dev),
            id,
            index,
            transport,
            life: Life::new(),
            failed: AtomicBool::new(false),
            hopeless: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            held: AtomicBool::new(false),
            connected: AtomicBool::new(false),
            config_irq: AtomicU32::new(0),
            config_irq_id: AtomicPtr::new(core::ptr::null_mut()),
            features: [AtomicU64::new(0), AtomicU64::new(0)],
            configurable <- crate::new_irq_save_lock!(false, "rvirtio::Device::configurable"),
            control <- new_mutex!(Control::default(), "rvirtio::Device::control"),
            vectors <- new_mutex!(Vectors::default(), "rvirtio::Device::vectors"),
            recovery <- RecoveryWork::new(recover),
            counters: Counters::new(),
        })
    }

    /// Returns the device number.
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Returns the device that the work belongs to.
    ///
    /// # Safety
    ///
    /// `work` must be the recovery work of a device.
    pub(crate) unsafe fn of_recovery(work: *mut bindings::work_struct) -> *mut Self {
        // SAFETY: The work is the whole of a `RecoveryWork`, which is in a device (safety
        // requirement).
        unsafe { work.byte_sub(offset_of!(Self, recovery)).cast() }
    }
}

/// A virtio device.
///
/// # Invariants
///
/// A `Device` represents a valid [`RawDevice`], whose embedded `struct device` is initialised and
/// reference-counted. In any context other than [`Normal`] its `transport` is valid.
#[doc(alias = "virtio_device")]
#[repr(transparent)]
pub struct Device<Ctx: device::DeviceContext = Normal>(Opaque<RawDevice>, PhantomData<Ctx>);

impl<Ctx: device::DeviceContext> Device<Ctx> {
    #[inline]
    pub(crate) fn raw(&self) -> *mut RawDevice {
        self.0.get()
    }

    #[inline]
    fn inner(&self) -> &RawDevice {
        // SAFETY: `self.raw()` points to a valid `RawDevice` (type invariant).
        unsafe { &*self.raw() }
    }

    /// Returns the `struct device`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::device {
        self.inner().dev.get()
    }

    /// Returns the counters of what went wrong.
    pub fn counters(&self) -> &Counters {
        &self.inner().counters
    }

    pub(crate) fn id(&self) -> RawId {
        self.inner().id
    }

    /// Returns the device number, which is 3 for `virtio3`.
    pub fn index(&self) -> u32 {
        self.inner().index
    }

    /// Returns the negotiated features, none if there is no driver. This is for sysfs; drivers have
    /// them by value.
    pub(crate) fn features(&self) -> Features {
        let [low, high] = &self.inner().features;
        let (low, high) = (low.load(Ordering::Relaxed), high.load(Ordering::Relaxed));
        Features::from_bits(u128::from(high) << 64 | u128::from(low))
    }

    pub(crate) fn set_features(&self, features: Features) {
        let bits = features.bits();
        let [low, high] = &self.inner().features;
        // CAST: The low half.
        low.store(bits as u64, Ordering::Relaxed);
        high.store((bits >> 64) as u64, Ordering::Relaxed);
    }
}

impl Device<Bound> {
    /// Returns the device that this one is behind, and that the DMA API knows: a PCI function.
    pub fn parent(&self) -> &device::Device<Bound> {
        self.transport().parent()
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        // SAFETY: `transport` is valid in the context `Bound` (type invariant).
        unsafe { self.inner().transport.as_ref() }
    }

    #[inline]
    pub(crate) fn life(&self) -> &Life {
        &self.inner().life
    }

    /// Returns whether memory that was shared with the device may be freed.
    pub(crate) fn may_free(&self) -> bool {
        self.life().is_stopped()
    }

    pub(crate) fn control(&self) -> &Mutex<Control> {
        &self.inner().control
    }

    pub(crate) fn vectors(&self) -> &Mutex<Vectors> {
        &self.inner().vectors
    }

    /// Allows or forbids access to the configuration space. Accesses that have begun are complete
    /// when this returns.
    pub(crate) fn set_configurable(&self, configurable: bool) {
        *self.inner().configurable.lock() = configurable;
    }

    /// Returns whether the device is in reset, from the point of view of the driver.
    pub(crate) fn is_in_reset(&self) -> bool {
        !*self.inner().configurable.lock()
    }

    /// Calls `access` to read or write the configuration space. Callable from any context.
    ///
    /// # Errors
    ///
    /// [`EIO`] while the device is in reset, when its configuration is neither reliable nor may be
    /// written (virtio 1.4, 3.1.1).
    pub(crate) fn configuration<R>(&self, access: impl FnOnce(&dyn Transport) -> R) -> Result<R> {
        let configurable = self.inner().configurable.lock();
        if *configurable {
            Ok(access(self.transport()))
        } else {
            Err(EIO)
        }
    }

    /// Sets whether the driver is notified of configuration changes.
    pub(crate) fn set_connected(&self, connected: bool) {
        self.inner().connected.store(connected, Ordering::Release);
    }

    /// Returns whether [`Driver::connect`](crate::Driver::connect) has returned, and the device is not
    /// being unbound. Callable from any context.
    pub fn is_connected(&self) -> bool {
        self.inner().connected.load(Ordering::Acquire)
    }

    pub(crate) fn set_failed(&self, failed: bool) {
        self.inner().failed.store(failed, Ordering::Release);
    }

    /// Marks the device as failed, and has it reset in another thread. If its driver
    /// [can](crate::Driver::can_restart) restart it, it is started again, but at most three times in
    /// a minute.
    ///
    /// Callable from any context.
    #[cold]
    pub fn request_reset(&self) {
        self.set_failed(true);
        self.recovery().queue();
    }

    /// Marks the device as failed, and has it stopped for good in another thread.
    ///
    /// Callable from any context.
    #[cold]
    pub fn request_stop(&self) {
        self.inner().hopeless.store(true, Ordering::Release);
        self.request_reset();
    }

    /// Returns whether [`Device::request_stop`] was called since the last call of this.
    pub(crate) fn take_hopeless(&self) -> bool {
        self.inner().hopeless.swap(false, Ordering::AcqRel)
    }

    /// Has the device reset like [`Device::request_reset`], and waits for that. When this returns,
    /// the driver has taken back the buffers that the device had at first, unless the device is
    /// being unbound. Sleeps; must not be called where the driver is told to stop or start.
    #[cold]
    pub fn reset_and_wait(&self) {
        self.request_reset();
        self.recovery().flush();
    }

    pub(crate) fn recovery(&self) -> &RecoveryWork {
        &self.inner().recovery
    }

    /// Returns whether the device was stopped for good: it is not started again unless the
    /// transport resets it, the machine wakes, or an administrator requests it.
    ///
    /// A device that is not dead, and does not take buffers, will be running or dead soon. Callable
    /// from any context.
    pub fn is_dead(&self) -> bool {
        self.inner().dead.load(Ordering::Acquire)
    }

    pub(crate) fn set_dead(&self, dead: bool) {
        self.inner().dead.store(dead, Ordering::Release);
    }

    /// Returns whether the transport may not be accessed in an interrupt.
    pub(crate) fn is_held(&self) -> bool {
        self.inner().held.load(Ordering::Acquire)
    }

    pub(crate) fn set_held(&self, held: bool) {
        self.inner().held.store(held, Ordering::Release);
    }

    /// Wakes the thread of the configuration interrupt, if there is one.
    ///
    /// Callable from any context.
    pub(crate) fn wake_config_thread(&self) {
        let inner = self.inner();
        let id = inner.config_irq_id.load(Ordering::Acquire);
        if !id.is_null() {
            let irq = inner.config_irq.load(Ordering::Relaxed);
            // SAFETY: `irq_wake_thread` searches for a handler that was requested with `id`, which
            // it does not dereference, and does nothing if the interrupt was freed in the meantime.
            unsafe { bindings::irq_wake_thread(irq, id) };
        }
    }

    /// Sets the handler whose thread [`Device::wake_config_thread`] wakes; `id` is null for none.
    pub(crate) fn set_config_irq(&self, irq: u32, id: *mut c_void) {
        let inner = self.inner();
        inner.config_irq.store(irq, Ordering::Relaxed);
        inner.config_irq_id.store(id, Ordering::Release);
    }

    /// Returns whether the device still responds, which it does not after it was unplugged.
    ///
    /// Callable from any context.
    pub fn is_present(&self) -> bool {
        self.transport().is_present()
    }

    /// Returns whether the device cannot be used any more without a reset: it has violated the
    /// protocol of a ring, has set DEVICE_NEEDS_RESET (virtio 1.4, 2.1.2), was reset by somebody
    /// else, or is gone.
    pub fn needs_reset(&self) -> bool {
        if self.inner().failed.load(Ordering::Acquire) || !self.is_present() {
            return true;
        }
        let status = self.transport().status();
        let was_reset = self.life().has_started() && !status.contains(DeviceStatus::DRIVER_OK);
        was_reset || status.contains(DeviceStatus::NEEDS_RESET)
    }
}

impl<Ctx: device::DeviceContext> AsRef<device::Device<Ctx>> for Device<Ctx> {
    fn as_ref(&self) -> &device::Device<Ctx> {
        // SAFETY: `self.as_raw()` points to an initialised `struct device` (type invariant).
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
        // SAFETY: `self.as_raw()` is valid, and the shared reference implies that its reference
        // count is not zero.
        unsafe { bindings::get_device(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller owns a reference to `obj`; `dev` is at offset 0 of it.
        unsafe { bindings::put_device(obj.cast().as_ptr()) }
    }
}

const _: () = assert!(offset_of!(RawDevice, dev) == 0);

// SAFETY: A device can be released from any thread.
unsafe impl Send for Device {}
// SAFETY: The methods of `Device<Normal>` only read fields that do not change, and atomics.
unsafe impl Sync for Device {}
// SAFETY: The methods of `Device<Bound>` only use immutable fields, atomics, locks and the
// transport, which is `Sync`.
unsafe impl Sync for Device<Bound> {}
