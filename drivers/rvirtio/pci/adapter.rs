// SPDX-License-Identifier: GPL-2.0

//! Power management and resets of functions, which the kernel crate's PCI drivers do not have yet.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

use crate::driver::{
    Function,
    PciDriver, //
};
use kernel::{
    bindings,
    device::{
        CoreInternal,
        Device, //
    },
    driver::{
        DriverLayout,
        RegistrationOps, //
    },
    ffi::c_int,
    pci,
    prelude::*,
    types::Opaque,
    ThisModule, //
};
use rvirtio::Hold;

/// The kernel crate's adapter.
type Inner = pci::Adapter<PciDriver>;

/// The adapter from [`PciDriver`] to the kernel crate's driver registration: [`pci::Adapter`] with
/// more callbacks.
pub(crate) struct Adapter<T>(T);

// SAFETY: These are the types and the offset of `Inner`, for which the kernel crate guarantees the
// same.
unsafe impl DriverLayout for Adapter<PciDriver> {
    type DriverType = <Inner as DriverLayout>::DriverType;
    type DriverData<'bound> = <Inner as DriverLayout>::DriverData<'bound>;
    const DEVICE_DRIVER_OFFSET: usize = Inner::DEVICE_DRIVER_OFFSET;
}

// SAFETY: Both functions call those of `Inner`.
unsafe impl RegistrationOps for Adapter<PciDriver> {
    unsafe fn register(
        reg: &Opaque<Self::DriverType>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        // SAFETY: The driver is not registered yet, so nobody else uses it. The caller guarantees
        // that `reg` is pinned until `unregister`.
        unsafe {
            (*reg.get()).driver.pm = &PM_OPS.0;
            (*reg.get()).err_handler = &ERROR_HANDLERS.0;
            Inner::register(reg, name, module)
        }
    }

    unsafe fn unregister(reg: &Opaque<Self::DriverType>) {
        // SAFETY: The caller guarantees that `reg` was registered.
        unsafe { Inner::unregister(reg) }
    }
}

/// A table of callbacks.
struct Table<T>(T);

// SAFETY: The tables are never written.
unsafe impl<T> Sync for Table<T> {}

/// The callbacks for suspending and hibernating. All of them stop the device, or start it again:
/// also where the function keeps its state (`NO_SOFT_RESET`), because a device without power does
/// not complete requests.
#[doc(alias = "virtio_pci_pm_ops")]
static PM_OPS: Table<bindings::dev_pm_ops> = Table(bindings::dev_pm_ops {
    suspend: Some(suspend),
    resume: Some(resume),
    freeze: Some(suspend),
    thaw: Some(resume),
    poweroff: Some(suspend),
    restore: Some(resume),
    ..pin_init::zeroed()
});

/// The callbacks for resets of the function, for example by way of `reset` in sysfs, and for errors
/// that the port above it reports, for which C has none.
#[doc(alias = "virtio_pci_err_handler")]
static ERROR_HANDLERS: Table<bindings::pci_error_handlers> = Table(bindings::pci_error_handlers {
    error_detected: Some(error_detected),
    slot_reset: Some(slot_reset),
    resume: Some(error_resume),
    reset_prepare: Some(reset_prepare),
    reset_done: Some(reset_done),
    ..pin_init::zeroed()
});

/// Returns the driver data of a function.
///
/// # Safety
///
/// `dev` must be the device of a function that is bound to [`PciDriver`], and its lock must be held
/// for `'a`.
unsafe fn function<'a>(dev: *mut bindings::device) -> Pin<&'a Function<'a>> {
    // SAFETY: `dev` is valid (safety requirement); `Device` is a transparent wrapper.
    let dev = unsafe { &*dev.cast::<Device<CoreInternal<'_>>>() };
    // SAFETY: The function is bound, and cannot be unbound while its lock is held (safety
    // requirements), so the driver data is a `Function`.
    unsafe { dev.drvdata_borrow::<Function<'_>>() }
}

extern "C" fn suspend(dev: *mut bindings::device) -> c_int {
    // SAFETY: The PM core calls this for a function that is bound to this driver, with its lock
    // held.
    unsafe { function(dev) }.device().hold(Hold::Suspend);
    0
}

extern "C" fn resume(dev: *mut bindings::device) -> c_int {
    // SAFETY: The PM core calls this for a function that is bound to this driver, with its lock
    // held.
    unsafe { function(dev) }.device().release(Hold::Suspend);
    0
}

#[doc(alias = "virtio_pci_reset_prepare")]
extern "C" fn reset_prepare(dev: *mut bindings::pci_dev) {
    // SAFETY: The PCI core calls this for a function that is bound to this driver, with its lock
    // held.
    unsafe { function(&raw mut (*dev).dev) }
        .device()
        .hold(Hold::Reset);
}

#[doc(alias = "virtio_pci_reset_done")]
extern "C" fn reset_done(dev: *mut bindings::pci_dev) {
    // SAFETY: The PCI core calls this for a function that is bound to this driver, with its lock
    // held.
    unsafe { function(&raw mut (*dev).dev) }
        .device()
        .release(Hold::Reset);
}

extern "C" fn error_detected(
    dev: *mut bindings::pci_dev,
    state: bindings::pci_channel_state_t,
) -> bindings::pci_ers_result_t {
    // SAFETY: The PCI core calls this for a function that is bound to this driver, with its lock
    // held.
    let function = unsafe { function(&raw mut (*dev).dev) };
    match state {
        // Requests that were lost are repeated when they time out.
        bindings::pci_channel_io_normal => bindings::pci_ers_result_PCI_ERS_RESULT_CAN_RECOVER,
        bindings::pci_channel_io_frozen => {
            function.device().cut_off();
            bindings::pci_ers_result_PCI_ERS_RESULT_NEED_RESET
        }
        _ => {
            // The function may have been reset with the others below its port. Only if it can be
            // accessed does it confirm a reset, after which its memory can be freed.
            // SAFETY: The PCI core passes a valid function.
            unsafe { bindings::pci_restore_state(dev) };
            function.device().lose();
            bindings::pci_ers_result_PCI_ERS_RESULT_DISCONNECT
        }
    }
}

extern "C" fn slot_reset(dev: *mut bindings::pci_dev) -> bindings::pci_ers_result_t {
    // SAFETY: The PCI core passes a valid function.
    unsafe { bindings::pci_restore_state(dev) };
    bindings::pci_ers_result_PCI_ERS_RESULT_RECOVERED
}

extern "C" fn error_resume(dev: *mut bindings::pci_dev) {
    // SAFETY: The PCI core calls this for a function that is bound to this driver, with its lock
    // held.
    unsafe { function(&raw mut (*dev).dev) }
        .device()
        .release(Hold::Error);
}
