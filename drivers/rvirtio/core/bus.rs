// SPDX-License-Identifier: GPL-2.0

//! The virtio bus: matching, uevents, sysfs attributes, device numbers.
//!
//! This corresponds to `drivers/virtio/virtio.c`; the bus is called [`BUS_NAME`].

mod raw_driver;
mod recovery;

pub(crate) use self::raw_driver::find;
pub use self::raw_driver::RawDriver;

use crate::{
    device::{
        Device,
        RawDevice, //
    },
    device_id::BUS_NAME,
    spec::feature::Features, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        CoreInternal,
        Normal, //
    },
    error::to_result,
    ffi::{
        c_char,
        c_int,
        c_uint, //
    },
    prelude::*,
    str::as_char_ptr_in_const_context,
    types::Opaque, //
};

// As in the kernel's bindings: without lockdep these structures have empty ones in them.
#[allow(improper_ctypes)]
extern "C" {
    fn rvirtio_helper_device_match_driver_override(
        dev: *mut bindings::device,
        drv: *const bindings::device_driver,
    ) -> c_int;
}

/// A C structure that the driver core only reads, or synchronises itself.
#[repr(transparent)]
struct Static<T>(T);

// SAFETY: `Static` is used for tables that are never written, and for the bus type, which the
// driver core only reads.
unsafe impl<T> Sync for Static<T> {}

static BUS: Static<bindings::bus_type> = Static(bindings::bus_type {
    name: NAME.as_ptr().cast(),
    dev_groups: GROUPS.0.as_ptr(),
    match_: Some(match_),
    uevent: Some(uevent),
    probe: Some(probe),
    remove: Some(remove),
    shutdown: Some(shutdown),
    irq_get_affinity: Some(irq_get_affinity),
    driver_override: true,
    ..pin_init::zeroed()
});

/// [`BUS_NAME`], terminated by NUL.
const NAME: &[u8] = &{
    let name = BUS_NAME.as_bytes();
    let mut terminated = [0; BUS_NAME.len() + 1];
    let mut i = 0;
    while i < name.len() {
        terminated[i] = name[i];
        i += 1;
    }
    terminated
};

/// The registration of the bus, which lasts for as long as the module is loaded.
pub(crate) struct Bus(());

impl Bus {
    pub(crate) fn register() -> Result<Self> {
        // SAFETY: `BUS` is static and not registered yet: only the module's `init` calls this.
        to_result(unsafe { bindings::bus_register(&BUS.0) })?;
        Ok(Self(()))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // SAFETY: `BUS` was registered by `register`. No device or driver is left on it: their
        // modules use symbols of this one.
        unsafe { bindings::bus_unregister(&BUS.0) };
    }
}

/// Makes `dev` a device of this bus.
///
/// # Safety
///
/// `dev` must be initialised, embedded in a [`RawDevice`], and not be added yet.
pub(crate) unsafe fn attach(dev: *mut bindings::device) {
    // SAFETY: `dev` is initialised, and not added, so nobody else uses it (safety requirements).
    unsafe { (*dev).bus = &BUS.0 };
}

/// Registers a driver with the bus.
///
/// # Safety
///
/// `drv` must be pinned and valid until [`unregister_driver`].
#[inline(never)]
pub(crate) unsafe fn register_driver(drv: *mut RawDriver) -> Result {
    // SAFETY: `drv` is valid and pinned until it is unregistered (safety requirement).
    to_result(unsafe {
        (*drv).driver.bus = &BUS.0;
        bindings::driver_register(&raw mut (*drv).driver)
    })
}

/// Unregisters a driver.
///
/// # Safety
///
/// `drv` must have been registered.
#[inline(never)]
pub(crate) unsafe fn unregister_driver(drv: *mut RawDriver) {
    // SAFETY: `drv` was registered (safety requirement).
    unsafe { bindings::driver_unregister(&raw mut (*drv).driver) }
}

extern "C" {
    /// The device numbers in use, a `DEFINE_IDA`.
    static rvirtio_helper_index_ida: Opaque<bindings::ida>;
}

/// Allocates a device number.
pub(crate) fn allocate_index() -> Result<u32> {
    // SAFETY: The IDA is static and initialised, and has its own lock.
    let index = unsafe {
        bindings::ida_alloc_range(
            rvirtio_helper_index_ida.get(),
            0,
            c_int::MAX as c_uint,
            bindings::GFP_KERNEL,
        )
    };
    to_result(index)?;
    // CAST: `index` is not negative.
    Ok(index as u32)
}

/// Frees a device number that [`allocate_index`] has returned.
pub(crate) fn free_index(index: u32) {
    // SAFETY: The IDA is static and initialised, and has its own lock; `index` was allocated from
    // it.
    unsafe { bindings::ida_free(rvirtio_helper_index_ida.get(), index) }
}

/// Returns the virtio device that `dev` is embedded in.
///
/// # Safety
///
/// `dev` must be on this bus, and be in the context `Ctx` for all of `'a`.
unsafe fn device<'a, Ctx: kernel::device::DeviceContext>(
    dev: *const bindings::device,
) -> &'a Device<Ctx> {
    // SAFETY: `dev` is on this bus (safety requirement), so it is embedded in a `RawDevice`, at
    // offset 0; `Device` is a transparent wrapper of that.
    unsafe { &*dev.cast::<RawDevice>().cast() }
}

/// Returns the device that a recovery work belongs to.
///
/// # Safety
///
/// `work` must be the recovery work of a device on this bus that is bound for `'a`.
pub(crate) unsafe fn device_of_recovery<'a>(work: *mut bindings::work_struct) -> &'a Device<Bound> {
    // SAFETY: The work belongs to a device on this bus, which is bound (safety requirement).
    unsafe { device(RawDevice::of_recovery(work).cast()) }
}

extern "C" fn match_(dev: *mut bindings::device, drv: *const bindings::device_driver) -> c_int {
    // SAFETY: The driver core passes a device and a driver of this bus.
    let overridden = unsafe { rvirtio_helper_device_match_driver_override(dev, drv) };
    if overridden >= 0 {
        return overridden;
    }
    // SAFETY: All drivers on the bus are embedded in a `RawDriver`, at offset 0.
    let drv = unsafe { &*drv.cast::<RawDriver>() };
    // SAFETY: `dev` is a device of this bus, which the driver core keeps alive during this call.
    let dev: &Device = unsafe { device(dev) };
    drv.find(dev).is_some().into()
}

extern "C" fn uevent(dev: *const bindings::device, env: *mut bindings::kobj_uevent_env) -> c_int {
    // SAFETY: The driver core passes a device of this bus.
    let id = unsafe { device::<Normal>(dev) }.id();
    // SAFETY: The format takes a string and two unsigned integers.
    unsafe {
        bindings::add_uevent_var(
            env,
            c"MODALIAS=%s:d%08Xv%08X".as_char_ptr(),
            NAME.as_ptr(),
            id.device,
            id.vendor,
        )
    }
}

/// Returns the driver that `dev` is bound to or being bound to.
///
/// # Safety
///
/// `dev` must be a device of this bus that has a driver.
unsafe fn driver<'a>(dev: *mut bindings::device) -> &'a RawDriver {
    // SAFETY: `dev` has a driver (safety requirement). It is embedded in a `RawDriver`, at offset
    // 0, and outlives the binding of its devices.
    unsafe { &*(*dev).driver.cast::<RawDriver>() }
}

extern "C" fn probe(dev: *mut bindings::device) -> c_int {
    // SAFETY: The driver core passes a device of this bus, with the driver that is to probe it.
    unsafe { (driver(dev).probe)(device::<CoreInternal<'_>>(dev)) }
}

extern "C" fn remove(dev: *mut bindings::device) {
    // SAFETY: The driver core passes a device of this bus that was probed.
    unsafe { (driver(dev).remove)(device::<CoreInternal<'_>>(dev)) }
}

/// Resets the device before the next kernel starts, so that it no longer accesses memory.
#[doc(alias = "virtio_dev_shutdown")]
extern "C" fn shutdown(dev: *mut bindings::device) {
    // SAFETY: The driver core passes a device of this bus and holds its lock.
    if unsafe { !(*dev).driver.is_null() } {
        // SAFETY: `dev` has a driver, and cannot lose it while its lock is held.
        let dev = unsafe { device::<Bound>(dev) };
        dev.close();
        dev.stop();
    }
}

/// Returns the CPUs that the interrupt of a queue goes to, for the block layer.
#[doc(alias = "virtio_irq_get_affinity")]
extern "C" fn irq_get_affinity(
    dev: *mut bindings::device,
    queue: c_uint,
) -> *const bindings::cpumask {
    // SAFETY: The bus operation is called for devices of this bus, by the drivers bound to them.
    let dev = unsafe { device::<Bound>(dev) };
    u16::try_from(queue)
        .ok()
        .and_then(|queue| dev.vectors().lock().assignment.of_queue(queue))
        .map_or(core::ptr::null(), |vector| {
            dev.transport().irq_affinity(vector)
        })
}

const ATTRIBUTES: usize = 5;

/// The attributes of the C bus, in the same formats.
static DEVICE_ATTRIBUTES: Static<[bindings::device_attribute; ATTRIBUTES]> = Static([
    attribute(c"device", show_device),
    attribute(c"vendor", show_vendor),
    attribute(c"status", show_status),
    attribute(c"modalias", show_modalias),
    attribute(c"features", show_features),
]);

static ATTRIBUTE_LIST: Static<[*const bindings::attribute; ATTRIBUTES + 1]> = Static([
    &DEVICE_ATTRIBUTES.0[0].attr,
    &DEVICE_ATTRIBUTES.0[1].attr,
    &DEVICE_ATTRIBUTES.0[2].attr,
    &DEVICE_ATTRIBUTES.0[3].attr,
    &DEVICE_ATTRIBUTES.0[4].attr,
    core::ptr::null(),
]);

static GROUP: Static<bindings::attribute_group> = Static(bindings::attribute_group {
    __bindgen_anon_2: bindings::attribute_group__bindgen_ty_2 {
        attrs_const: ATTRIBUTE_LIST.0.as_ptr(),
    },
    ..pin_init::zeroed()
});

static GROUPS: Static<[*const bindings::attribute_group; 4]> = Static([
    &GROUP.0,
    &recovery::RECOVER_GROUP.0,
    &recovery::COUNTER_GROUP.0,
    core::ptr::null(),
]);

type Show =
    extern "C" fn(*mut bindings::device, *mut bindings::device_attribute, *mut c_char) -> isize;

#[allow(clippy::needless_update, reason = "with lockdep there are more fields")]
const fn attribute(name: &'static CStr, show: Show) -> bindings::device_attribute {
    bindings::device_attribute {
        attr: bindings::attribute {
            name: as_char_ptr_in_const_context(name),
            mode: 0o444,
            ..pin_init::zeroed()
        },
        __bindgen_anon_1: bindings::device_attribute__bindgen_ty_1 { show: Some(show) },
        ..pin_init::zeroed()
    }
}

macro_rules! show {
    ($name:ident, $ctx:ty, $format:literal, |$dev:ident| $($value:expr),+) => {
        extern "C" fn $name(
            dev: *mut bindings::device,
            _attr: *mut bindings::device_attribute,
            page: *mut c_char,
        ) -> isize {
            // SAFETY: sysfs passes a page and a device that stays on the bus during the call, so
            // that its transport is valid too. The arguments match the format.
            unsafe {
                let $dev: &Device<$ctx> = device(dev);
                bindings::sysfs_emit(page, $format.as_char_ptr(), $($value),+) as isize
            }
        }
    };
}

show!(show_device, Normal, c"0x%04x\n", |dev| dev.id().device);
show!(show_vendor, Normal, c"0x%04x\n", |dev| dev.id().vendor);
show!(show_status, Bound, c"0x%08x\n", |dev| c_uint::from(
    dev.transport().status().bits()
));
show!(
    show_modalias,
    Normal,
    c"%s:d%08Xv%08X\n",
    |dev| NAME.as_ptr(),
    dev.id().device,
    dev.id().vendor
);
show!(show_features, Normal, c"%s\n", |dev| bit_string(
    dev.features()
)
.as_ptr());

/// Returns the features as C shows them: bit 0 first, terminated by NUL.
fn bit_string(features: Features) -> [u8; 129] {
    let mut text = [0; 129];
    for (bit, byte) in text[..128].iter_mut().enumerate() {
        *byte = b'0' + (features.bits() >> bit & 1) as u8;
    }
    text
}
