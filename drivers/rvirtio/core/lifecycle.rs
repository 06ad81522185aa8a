// SPDX-License-Identifier: GPL-2.0

//! Starting and stopping devices and single queues.
//!
//! Only this file starts and stops a device's [`Life`](crate::device::Life), creates [`Start`] and
//! [`Stopped`], and resets a device that is bound to a driver. All of that is done with the control
//! lock of the device held. The driver is called with that lock held too, so it must not wait for
//! anything that needs the lock.
//!
//! When a device is stopped or started again, and by whom, is decided in
//! [`restart`](crate::restart).

use crate::{
    device::{
        Control,
        Device,
        DriverOps,
        Scope,
        Start,
        Stopped,
        Why, //
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
    /// Sets the functions that are called when the device is started or stopped.
    ///
    /// # Safety
    ///
    /// The driver data that the functions of `driver` access must exist until
    /// [`Device::clear_driver`] is called.
    pub(crate) unsafe fn set_driver(&self, driver: DriverOps, features: Features) {
        let mut control = self.control().lock();
        // INVARIANT: The driver data exists until `clear_driver` (safety requirement).
        control.driver = Some(driver);
        control.features = features;
    }

    /// Reverts [`Device::set_driver`]. None of the functions is running when this returns, and the
    /// device is not going to be reset.
    pub(crate) fn clear_driver(&self) {
        self.recovery().cancel();
        let mut control = self.control().lock();
        control.driver = None;
        control.restartable = false;
    }

    /// Lets the driver enable its queues, and sets DRIVER_OK. May sleep.
    ///
    /// # Errors
    ///
    /// Those of [`Driver::start`](crate::Driver::start); [`EIO`] if the device needs a reset, or
    /// has not confirmed an earlier one; [`EBUSY`] while the transport holds it. The caller then has
    /// to call [`Device::give_up`].
    #[doc(alias = "virtio_device_ready")]
    pub(crate) fn start(&self) -> Result {
        let mut control = self.control().lock();
        if control.holds.any() {
            return Err(EBUSY);
        }
        self.start_locked(&control)?;
        let driver = control.driver.ok_or(EINVAL)?;
        // SAFETY: `control.driver` is set, so the data of that driver exists (type invariant).
        control.restartable = unsafe { (driver.can_restart)(self) };
        Ok(())
    }

    /// Does what [`Device::start`] describes. The caller holds the control lock.
    pub(crate) fn start_locked(&self, control: &Control) -> Result {
        let driver = control.driver.ok_or(EINVAL)?;
        let epoch = self.life().begin().ok_or(EIO)?;
        self.set_failed(false);
        self.take_hopeless();
        let mut start = Start::new(self, Scope::Device, epoch);
        // SAFETY: `control.driver` is set, so the data of that driver exists (type invariant).
        unsafe { (driver.start)(self, &mut start) }?;

        // No bit of the status may be cleared (virtio 1.4, 2.1.1).
        let status = self.transport().status();
        if status.contains(DeviceStatus::NEEDS_RESET) {
            dev_err!(self, "device needs reset\n");
            return Err(EIO);
        }
        self.transport()
            .set_status(status.with(DeviceStatus::DRIVER_OK));
        self.life().run();
        self.set_dead(false);
        // The thread has ignored failures until now.
        self.wake_config_thread();
        Ok(())
    }

    /// Gives up a device that could not be set up: sets FAILED, and resets it. Does nothing if it
    /// is already in reset.
    pub(crate) fn give_up(&self) {
        self.give_up_locked(&mut self.control().lock());
    }

    /// Does what [`Device::give_up`] describes. The caller holds the control lock.
    pub(crate) fn give_up_locked(&self, control: &mut Control) {
        if self.is_in_reset() {
            return;
        }
        if !self.life().has_started() {
            let status = self.transport().status();
            self.transport()
                .set_status(status.with(DeviceStatus::FAILED));
        }
        self.stop_locked(control, Why::End);
        if !self.is_in_reset() {
            // The device was not started, so no memory was shared with it.
            self.reset();
        }
    }

    /// Resets the device if it is in use, and lets the driver take back the buffers. Sleeps for at
    /// most five seconds, and for as long as the driver does.
    ///
    /// From here on queues accept no more buffers. The caller holds the control lock.
    #[doc(alias = "virtio_reset_device")]
    pub(crate) fn stop_locked(&self, control: &mut Control, why: Why) {
        if why == Why::End {
            self.set_dead(true);
        }
        if !self.life().begin_stop() && !core::mem::take(&mut control.cut_off) {
            return;
        }
        let confirmed = self.reset();
        if confirmed {
            self.life().end_stop();
        }
        if let Some(driver) = control.driver {
            let stopped = Stopped::new(self, Scope::Device, why, confirmed);
            // SAFETY: `control.driver` is set, so the data of that driver exists (type invariant).
            unsafe { (driver.reclaim)(self, &stopped) };
        }
    }

    /// Resets the device. Returns whether it has confirmed the reset.
    pub(crate) fn reset(&self) -> bool {
        self.set_configurable(false);
        self.set_features(Features::EMPTY);
        let result = self.transport().reset();
        if let Err(error) = result {
            dev_err!(
                self,
                "reset not confirmed ({error:?}), leaking memory of the device\n"
            );
        }
        result.is_ok()
    }

    /// Resets queue `index`, lets the driver take back the buffers in it, and calls `start` to
    /// enable it again.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] while the device or one of its queues is being started or stopped, also by this
    /// thread; [`EIO`] if the device is not running. If the device does not confirm the reset, or
    /// `start` fails, the error is returned and the device has failed.
    pub(crate) fn reset_queue(
        &self,
        index: u16,
        start: impl FnOnce(&mut Start<'_>) -> Result,
    ) -> Result {
        self.reset_queue_with(index, |driver, stopped, token| {
            // SAFETY: The data of that driver exists: the caller has found it in `control.driver`, with
            // the lock held (type invariant).
            unsafe { (driver.reclaim)(self, stopped) };
            start(token)
        })
    }

    /// Resets queue `index`, and calls `restart` to take back the buffers in it, in place of the
    /// driver's function, and to enable it again.
    ///
    /// # Errors
    ///
    /// Those of [`Device::reset_queue`].
    pub(crate) fn reset_queue_with(
        &self,
        index: u16,
        restart: impl FnOnce(&DriverOps, &Stopped<'_>, &mut Start<'_>) -> Result,
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
                let stopped = Stopped::new(self, scope, Why::QueueReset, true);
                restart(&driver, &stopped, &mut Start::new(self, scope, epoch))
            })
            .inspect_err(|error| {
                dev_err!(self, "failed to reset queue {index}: {error:?}\n");
                self.request_reset();
            })
    }
}
