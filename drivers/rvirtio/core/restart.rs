// SPDX-License-Identifier: GPL-2.0

//! Devices that are stopped and started again: when they fail, when the machine is suspended, and
//! when the transport resets them.
//!
//! All of these are one transition: the driver quiesces, the device is reset, the driver takes back
//! its buffers, the same features are negotiated, the driver enables its queues, DRIVER_OK is set,
//! and the driver resumes. If a step fails, the device is dead: the driver resumes too, and fails
//! whatever it is asked to do.

use crate::{
    bus,
    device::{
        Control,
        Device,
        Hold,
        Outcome,
        Why, //
    },
    init,
    spec::feature::Features, //
};
use kernel::{
    bindings,
    device::Bound,
    prelude::*, //
};

/// Resets a device that has failed. This is the work that [`Device::request_reset`] queues.
///
/// # Safety
///
/// `work` must be the recovery work of a device on the bus that is bound until the work is
/// cancelled.
pub(crate) unsafe extern "C" fn recover(work: *mut bindings::work_struct) {
    // SAFETY: The work belongs to a bound device (safety requirement).
    unsafe { bus::device_of_recovery(work) }.recover();
}

impl Device<Bound> {
    fn recover(&self) {
        let mut control = self.control().lock();
        if !self.life().has_started() || !self.needs_reset() {
            // It is not in use, or was reset in the meantime.
            return;
        }
        self.counters().resets.add(1);
        // SAFETY: This function has no requirements.
        let now = unsafe { bindings::ktime_get_seconds() };
        let hopeless = self.take_hopeless();
        let again = control.restartable && !hopeless && control.budget.spend(now.unsigned_abs());
        if again {
            dev_err!(self, "device failed, resetting it\n");
            self.pause(&mut control, Why::Recovery);
            let _ = self.restart(&mut control);
        } else {
            dev_err!(self, "device failed, giving up on it\n");
            self.abandon(&mut control);
        }
    }

    /// Stops a device that has failed for good, or until an administrator wants it back.
    fn abandon(&self, control: &mut Control) {
        // First, so that the driver does not wait for the device.
        self.set_dead(true);
        // A driver that was about to notify the device would do so after the reset.
        if control.restartable {
            self.quiesce(control, Why::End);
        }
        self.stop_locked(control, Why::End);
        self.resume(control, Outcome::Dead);
    }

    /// Stops a device that is to be started again.
    fn pause(&self, control: &mut Control, why: Why) {
        self.quiesce(control, why);
        self.stop_locked(control, why);
    }

    fn quiesce(&self, control: &mut Control, why: Why) {
        let Some(driver) = control.driver else { return };
        if !core::mem::replace(&mut control.quiesced, true) {
            // SAFETY: `control.driver` is set, so the data of that driver exists (type invariant).
            unsafe { (driver.quiesce)(self, why) };
        }
    }

    fn resume(&self, control: &mut Control, outcome: Outcome) {
        let Some(driver) = control.driver else { return };
        if core::mem::take(&mut control.quiesced) {
            // SAFETY: `control.driver` is set, so the data of that driver exists (type invariant).
            unsafe { (driver.resume)(self, outcome) };
        }
    }

    /// Starts a device that was stopped, and lets the driver resume.
    fn restart(&self, control: &mut Control) -> Result {
        self.quiesce(control, Why::Recovery);
        let result = self.try_restart(control).inspect_err(|error| {
            dev_err!(self, "failed to restart device: {error:?}\n");
            self.give_up_locked(control);
            self.set_dead(true);
        });
        let outcome = match result {
            Ok(()) => Outcome::Running,
            Err(_) => Outcome::Dead,
        };
        self.resume(control, outcome);
        if result.is_ok() {
            // The driver may have ignored changes until now.
            self.wake_config_thread();
        }
        result
    }

    fn try_restart(&self, control: &Control) -> Result {
        // The device was reset when it was stopped. But that may not have been confirmed, and the
        // transport may have done anything to it since.
        if !self.reset() {
            return Err(ETIMEDOUT);
        }
        self.life().end_stop();
        if !self.is_present() {
            return Err(ENODEV);
        }
        self.set_configurable(true);
        let features = control.features;
        init::handshake(self, |offered| same_features(self, offered, features))?;
        self.transport().route_config_vector()?;
        self.start_locked(control)
    }

    /// Keeps the device stopped until [`Device::release`]. The driver has taken back its buffers
    /// when this returns.
    ///
    /// Drivers that cannot restart their device are not told; theirs goes on.
    #[doc(alias = "virtio_device_reset_prepare")]
    pub(crate) fn hold(&self, hold: Hold) {
        let mut control = self.control().lock();
        control.holds.set(hold, true);
        if !control.restartable {
            return;
        }
        if self.life().has_started() {
            self.pause(&mut control, hold.why());
        }
        self.set_held(true);
    }

    /// Takes the device out of use like [`Device::hold`] for [`Hold::Error`], but without accessing
    /// it: the driver gets its buffers back by [`Device::release`] or [`Device::lose`].
    pub(crate) fn cut_off(&self) {
        let mut control = self.control().lock();
        control.holds.set(Hold::Error, true);
        self.set_held(true);
        if !self.life().has_started() {
            return;
        }
        self.set_configurable(false);
        if control.restartable {
            // The device is not able to complete anything.
            self.quiesce(&mut control, Why::Recovery);
        } else {
            self.set_dead(true);
        }
        control.cut_off = self.life().begin_stop();
    }

    /// Reverts [`Device::hold`] or [`Device::cut_off`]. If there is no other hold, the device is
    /// started again, even if it was dead. Does nothing if `hold` is not in force.
    pub(crate) fn release(&self, hold: Hold) {
        let mut control = self.control().lock();
        if !control.holds.set(hold, false) {
            return;
        }
        if hold == Hold::Error && control.cut_off {
            let why = if control.restartable {
                hold.why()
            } else {
                Why::End
            };
            self.stop_locked(&mut control, why);
        }
        if control.holds.any() {
            return;
        }
        self.set_held(false);
        if control.restartable && !self.life().has_started() {
            let _ = self.restart(&mut control);
        }
    }

    /// Stops a device that the transport could not recover. It is dead, and [`Hold::Error`] is not in
    /// force any more.
    pub(crate) fn lose(&self) {
        let mut control = self.control().lock();
        control.holds.set(Hold::Error, false);
        self.set_held(control.holds.any());
        self.stop_locked(&mut control, Why::End);
        self.resume(&mut control, Outcome::Dead);
    }

    /// Starts a device that is dead, when an administrator requests it. Does nothing if it is
    /// running.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] if its driver cannot do that; [`EBUSY`] while the transport holds it; those of
    /// starting it.
    pub(crate) fn revive(&self) -> Result {
        let mut control = self.control().lock();
        if self.life().has_started() {
            return Ok(());
        }
        if !control.restartable {
            return Err(EOPNOTSUPP);
        }
        if control.holds.any() {
            return Err(EBUSY);
        }
        control.budget = Default::default();
        self.restart(&mut control)
    }

    /// Prepares unbinding: from here on the device is not started again. If it is stopped, whatever
    /// waits for it fails.
    pub(crate) fn close(&self) {
        let mut control = self.control().lock();
        control.restartable = false;
        if !self.life().has_started() {
            self.set_dead(true);
            if control.cut_off {
                self.stop_locked(&mut control, Why::End);
            }
            self.resume(&mut control, Outcome::Dead);
        }
    }

    /// Stops the device for good. The driver takes back its buffers; sleeps for at most five
    /// seconds, and for as long as the driver does.
    pub(crate) fn stop(&self) {
        self.stop_locked(&mut self.control().lock(), Why::End);
    }
}

/// Returns the features that the driver has accepted, if the device still offers them all.
fn same_features(dev: &Device<Bound>, offered: Features, accepted: Features) -> Result<Features> {
    if accepted.is_subset(offered) {
        return Ok(accepted);
    }
    let missing = accepted.difference(offered);
    dev_err!(dev, "features not offered any more: {missing:?}\n");
    Err(ENODEV)
}
