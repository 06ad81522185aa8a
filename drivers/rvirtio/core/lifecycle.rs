// SPDX-License-Identifier: GPL-2.0

//! Starting and stopping devices and single queues.
//!
//! Here is the only code that changes a device's [`Life`](crate::device::Life), that makes
//! [`Start`] and [`Stopped`], and that resets devices which a driver has. All of it holds the
//! device's control lock. Calls into the driver are made with that lock held, so a driver must not
//! wait in them for what the lock keeps from happening.

use crate::{
    device::{
        Control,
        Device,
        DriverOps,
        Scope,
        Start,
        Stopped, //
    },
    spec::{
        feature::Features,
        status::DeviceStatus, //
    }, //
};
use kernel::{
    device::Bound,
    prelude::*, //
};

impl Device<Bound> {
    /// Sets who is told when the device starts and stops.
    ///
    /// # Safety
    ///
    /// The data that the functions of `driver` want must be there until [`Device::clear_driver`].
    pub(crate) unsafe fn set_driver(&self, driver: DriverOps) {
        // INVARIANT: By the safety requirement.
        self.control().lock().driver = Some(driver);
    }

    /// Ends what [`Device::set_driver`] began. No call is under way when this returns.
    pub(crate) fn clear_driver(&self) {
        self.control().lock().driver = None;
    }

    /// Has the driver enable its queues, and lets the device use them. May sleep.
    ///
    /// # Errors
    ///
    /// Those of [`Driver::start`](crate::Driver::start); [`EIO`] when the device asks for a reset,
    /// or did not confirm one before. The device is then to be given up.
    #[doc(alias = "virtio_device_ready")]
    pub(crate) fn start(&self) -> Result {
        let control = self.control().lock();
        let driver = control.driver.ok_or(EINVAL)?;
        let epoch = self.life().begin().ok_or(EIO)?;
        self.set_failed(false);
        let mut start = Start::new(self, Scope::Device, epoch);
        // SAFETY: While `control` has the driver, its data exists.
        unsafe { (driver.start)(self, &mut start) }?;

        // Bits that the device has set must not get lost (virtio 1.4, 2.1.1).
        let status = self.transport().status();
        if status.contains(DeviceStatus::NEEDS_RESET) {
            dev_err!(self, "device needs a reset before it was started\n");
            return Err(EIO);
        }
        self.transport()
            .set_status(status.with(DeviceStatus::DRIVER_OK));
        self.life().run();
        // For a failure from before, which the thread has left alone.
        self.wake_config_thread();
        Ok(())
    }

    /// Resets the device if it is in use, and has the driver take back what the device had. Sleeps
    /// for at most five seconds, and for as long as the driver does.
    ///
    /// From here on queues refuse buffers.
    #[doc(alias = "virtio_reset_device")]
    pub(crate) fn stop(&self) {
        self.stop_locked(&self.control().lock());
    }

    /// Gives up a device that could not be set up: it becomes FAILED, and is reset. Does nothing
    /// when it is in reset already.
    pub(crate) fn give_up(&self) {
        let control = self.control().lock();
        if self.is_in_reset() {
            return;
        }
        if !self.life().has_started() {
            let status = self.transport().status();
            self.transport()
                .set_status(status.with(DeviceStatus::FAILED));
        }
        self.stop_locked(&control);
        if !self.is_in_reset() {
            // It was not started: the device was told of no memory.
            self.reset();
        }
    }

    fn stop_locked(&self, control: &Control) {
        if !self.life().begin_stop() {
            return;
        }
        let confirmed = self.reset();
        if confirmed {
            self.life().end_stop();
        }
        if let Some(driver) = control.driver {
            let stopped = Stopped::new(self, Scope::Device, confirmed);
            // SAFETY: While `control` has the driver, its data exists.
            unsafe { (driver.reclaim)(self, &stopped) };
        }
    }

    /// Resets the device. Returns whether it has confirmed that.
    fn reset(&self) -> bool {
        self.set_configurable(false);
        self.set_features(Features::EMPTY);
        let result = self.transport().reset();
        if let Err(error) = result {
            dev_err!(
                self,
                "device does not confirm its reset ({error:?}), its memory is not used again\n"
            );
        }
        result.is_ok()
    }

    /// Takes queue `index` back from the device, has the driver take back what was in it, and calls
    /// `start` to enable it again.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] while the device or a queue of it is being started or stopped, also by this
    /// thread; [`EIO`] when it is not running. When it does not let go of the queue, or `start`
    /// fails, the device has failed, and the error is returned.
    pub(crate) fn reset_queue(
        &self,
        index: u16,
        start: impl FnOnce(&mut Start<'_>) -> Result,
    ) -> Result {
        let control = self.control().try_lock().ok_or(EBUSY)?;
        let driver = control.driver.ok_or(EIO)?;
        if !self.life().has_started() {
            return Err(EIO);
        }
        let epoch = self.life().epoch().ok_or(EIO)?;
        let scope = Scope::Queue(index);
        self.transport()
            .reset_queue(index)
            .and_then(|()| {
                let stopped = Stopped::new(self, scope, true);
                // SAFETY: While `control` has the driver, its data exists.
                unsafe { (driver.reclaim)(self, &stopped) };
                start(&mut Start::new(self, scope, epoch))
            })
            .inspect_err(|error| {
                dev_err!(self, "queue {index} cannot be reset: {error:?}\n");
                self.fail();
            })
    }
}
