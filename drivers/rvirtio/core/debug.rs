// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs, for people who search for a fault: `rvirtio/virtioN/device` is about the device,
//! and `rvirtio/virtioN/queues` about its queues. They are read-only, and change nothing.

use crate::{
    device::{
        Device,
        RawDevice, //
    },
    spec::feature::Feature, //
};
use core::ptr::NonNull;
use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    device::Bound,
    fmt,
    prelude::*,
    str::CString, //
};

kernel::sync::global_lock! {
    // SAFETY: `Root::create` initialises it, before devices are added.
    unsafe(uninit) static ROOT: Mutex<Option<Dir>> = None;
}

/// The directory of all devices.
pub(crate) struct Root(());

impl Root {
    /// Creates the directory. Called once, when the module is loaded.
    pub(crate) fn create() -> Self {
        // SAFETY: This is only done here, which is called once.
        unsafe { ROOT.init() };
        *ROOT.lock() = Some(Dir::new(c"rvirtio"));
        Self(())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        *ROOT.lock() = None;
    }
}

/// The files of a device. Dropping them waits until nobody reads them.
pub(crate) struct Files {
    _device: Pin<KBox<File<View>>>,
    _queues: Pin<KBox<File<View>>>,
}

impl Files {
    /// Creates the files of a device.
    ///
    /// # Safety
    ///
    /// The result must be dropped before the device and its transport.
    pub(crate) unsafe fn create(raw: NonNull<RawDevice>) -> Result<Self> {
        // INVARIANT: The files are dropped before the device (safety requirement).
        let view = || View(raw);
        let root = ROOT.lock().clone().ok_or(ENODEV)?;
        // SAFETY: The device is valid (safety requirement).
        let index = unsafe { raw.as_ref() }.index();
        let name = CString::try_from_fmt(fmt!("virtio{index}"))?;
        let dir = root.subdir(&name);
        Ok(Self {
            _device: KBox::pin_init(
                dir.read_callback_file(c"device", view(), &View::device),
                GFP_KERNEL,
            )?,
            _queues: KBox::pin_init(
                dir.read_callback_file(c"queues", view(), &View::queues),
                GFP_KERNEL,
            )?,
        })
    }
}

/// A device while its files exist.
///
/// # Invariants
///
/// The device and its transport are valid.
struct View(NonNull<RawDevice>);

// SAFETY: All that is done with the device can be done by any thread, see `Device<Bound>`.
unsafe impl Send for View {}
// SAFETY: All that is done with the device can be done by any thread, see `Device<Bound>`.
unsafe impl Sync for View {}

impl View {
    fn get(&self) -> &Device<Bound> {
        // SAFETY: The device is valid, and so is its transport (type invariant). `Device` is a
        // transparent wrapper.
        unsafe { self.0.cast().as_ref() }
    }

    fn device(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dev = self.get();
        // With it, the driver cannot be unbound, and the device neither be reset nor lose its power.
        let control = dev.control().lock();
        let is_bound = control.driver.is_some();
        if is_bound && !dev.is_held() {
            writeln!(f, "status {:#04x}", dev.transport().status().bits())?;
        }
        let flags = [
            ("bound", is_bound),
            ("running", dev.life().has_started()),
            ("stopped", dev.life().is_stopped()),
            ("restartable", control.restartable),
            ("held", dev.is_held()),
            ("dead", dev.is_dead()),
        ];
        for (name, value) in flags {
            writeln!(f, "{name} {}", u8::from(value))?;
        }
        f.write_str("features")?;
        for bit in dev.features().iter().map(Feature::bit) {
            write!(f, " {bit}")?;
        }
        f.write_str("\n")?;
        let counters = dev.counters();
        let counters = [
            ("resets", &counters.resets),
            ("timeouts", &counters.timeouts),
            ("lost_interrupts", &counters.lost_interrupts),
            ("lost_notifications", &counters.lost_notifications),
            ("requeues", &counters.requeues),
            ("leaked_bytes", &counters.leaked_bytes),
        ];
        for (name, counter) in counters {
            writeln!(f, "{name} {}", counter.get())?;
        }
        Ok(())
    }

    fn queues(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dev = self.get();
        let control = dev.control().lock();
        let Some(driver) = control.driver else {
            return Ok(());
        };
        // SAFETY: `control.driver` is set while the lock is held, so the data of that driver exists
        // (invariant of `Control`).
        unsafe { (driver.show)(dev, f) }
    }
}
